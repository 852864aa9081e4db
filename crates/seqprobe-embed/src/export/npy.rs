//! NumPy's npy. The ids are in a second file, one per line.

use super::{ExportFormat, for_each_block, refuse};
use crate::error::EmbedError;
use npyz::WriterBuilder;
use seqprobe_core::{FeatureKind, FeatureSource, RowIds};
use seqprobe_files::AtomicFile;
use std::path::Path;

pub(super) const FORMAT: ExportFormat = ExportFormat {
    ending: "npy",
    title: "one array; ids one per line in X.ids.txt; pooled features only",
    write,
};

fn write(source: &dyn FeatureSource, ids: &RowIds, path: &Path) -> Result<(), EmbedError> {
    if source.kind() == FeatureKind::Tokens {
        let reason = "an npy array has one shape, but rows have different numbers of tokens\n  hint: use .safetensors, or a pooling";
        return refuse(path, reason.to_owned());
    }
    if let Some(id) = ids.iter().find(|id| id.contains(['\n', '\r'])) {
        let reason = format!(
            "the id {id:?} has a line break, but ids are written one per line\n  hint: use .safetensors"
        );
        return refuse(path, reason);
    }
    // Both files are complete before either gets its name.
    let mut id_file = AtomicFile::create(&path.with_extension("ids.txt"))?;
    for id in ids.iter() {
        id_file.append(id.as_bytes())?;
        id_file.append(b"\n")?;
    }
    let mut file = AtomicFile::create(path)?;
    let failed = |error| EmbedError::io("write", path, error);
    let mut writer = npyz::WriteOptions::<f32>::new()
        .default_dtype()
        .shape(&[source.n_rows() as u64, source.dim() as u64])
        .writer(&mut file)
        .begin_nd()
        .map_err(failed)?;
    for_each_block(source, &mut |values| writer.extend(values.iter().copied()).map_err(failed))?;
    writer.finish().map_err(failed)?;
    let (id_file, file) = (id_file.stage()?, file.stage()?);
    id_file.put_in_place()?;
    Ok(file.put_in_place()?)
}

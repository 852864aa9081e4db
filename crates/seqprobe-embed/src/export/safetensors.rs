//! safetensors. The ids are a JSON array in the metadata.

use super::{ExportFormat, for_each_block, refuse};
use crate::cache::shard_write::{FEATURES, OFFSETS, TOKENS};
use crate::cache::tensor_file::{MAX_HEADER_BYTES, TensorHead, file_head};
use crate::error::EmbedError;
use seqprobe_core::{FeatureKind, FeatureSource, RowIds};
use seqprobe_files::AtomicFile;
use std::path::Path;

pub(super) const FORMAT: ExportFormat =
    ExportFormat { ending: "safetensors", title: "named arrays, ids as JSON in the metadata", write };

fn write(source: &dyn FeatureSource, ids: &RowIds, path: &Path) -> Result<(), EmbedError> {
    let (rows, dim) = (source.n_rows() as u64, source.dim() as u64);
    let mut tensors = Vec::new();
    let mut offsets = Vec::new();
    if source.kind() == FeatureKind::Tokens {
        let mut offset = 0_i64;
        offsets.extend_from_slice(&offset.to_le_bytes());
        for row in 0..source.n_rows() {
            offset += source.length(row) as i64;
            offsets.extend_from_slice(&offset.to_le_bytes());
        }
        tensors.push(TensorHead { name: OFFSETS, dtype: "I64", shape: vec![rows + 1], width: 8 });
        tensors.push(TensorHead { name: TOKENS, dtype: "F32", shape: vec![offset as u64, dim], width: 4 });
    } else {
        tensors.push(TensorHead { name: FEATURES, dtype: "F32", shape: vec![rows, dim], width: 4 });
    }
    let ids = serde_json::Value::from_iter(ids.iter()).to_string();
    let head = file_head(&[("format", "seqprobe-features-1".to_owned()), ("ids", ids)], &tensors);
    if head.len() - 8 > MAX_HEADER_BYTES {
        let reason = format!(
            "the ids take {} bytes, but a safetensors header has at most {MAX_HEADER_BYTES}\n  hint: use .npy",
            head.len()
        );
        return refuse(path, reason);
    }
    let mut file = AtomicFile::create(path)?;
    file.append(&head)?;
    file.append(&offsets)?;
    let mut bytes = Vec::new();
    for_each_block(source, &mut |values| {
        bytes.clear();
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        Ok(file.append(&bytes)?)
    })?;
    Ok(file.finish()?)
}

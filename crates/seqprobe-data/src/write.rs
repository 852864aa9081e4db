//! Writing a file whole or not at all.

use crate::error::DataError;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes under a temporary name in the same folder, syncs, and renames.
pub(crate) fn write_whole(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), DataError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".part-{}", std::process::id()));
    let part = path.with_file_name(name);
    let result = write_part(&part, content).and_then(|()| std::fs::rename(&part, path));
    result.map_err(|source| {
        // The reason of the failure is what matters; the leftover may not even exist.
        let _ = std::fs::remove_file(&part);
        DataError::io(path, source)
    })
}

fn write_part(part: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut writer = BufWriter::new(File::create(part)?);
    content(&mut writer)?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

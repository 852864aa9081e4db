//! Files that appear whole or not at all: temporary name in the same folder, sync, rename, sync of the folder.

use crate::error::PretrainError;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Writes a whole file.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), PretrainError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.partial", std::process::id()));
    let temporary = std::path::PathBuf::from(temporary);
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(PretrainError::io(path))
}

//! Files written whole or not at all, and the folders the program keeps things in.

use crate::cli::Folders;
use crate::exit::{ExitCode, Failure};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The cache folder: as given, else `$XDG_CACHE_HOME/seqprobe`, else `~/.cache/seqprobe`.
pub(crate) fn cache_folder(folders: &Folders) -> Result<PathBuf, Failure> {
    if let Some(folder) = &folders.cache_dir {
        return Ok(folder.clone());
    }
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    from("XDG_CACHE_HOME")
        .or_else(|| from("HOME").map(|home| home.join(".cache")))
        .map(|base| base.join("seqprobe"))
        .ok_or_else(|| Failure::usage("no cache folder: HOME is not set\n  hint: give --cache-dir"))
}

/// Writes a file under a temporary name in the same folder, syncs it and renames it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let attempt = || -> std::io::Result<()> {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    attempt().map_err(|error| {
        Failure::new(ExitCode::Unexpected, format!("{}: cannot be written: {error}\n  hint: check space and permissions, then run again: finished work is kept", path.display()))
    })
}

//! A file that appears whole or not at all: written under a temporary name in the same folder, synced,
//! renamed; the folder is synced after.

use crate::error::EmbedError;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The end of temporary names.
const TEMPORARY_SUFFIX: &str = ".tmp";

/// True for a temporary file of this module, whoever wrote it.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(TEMPORARY_SUFFIX)
}

/// True for a temporary file of a process on this machine, since its last start.
pub(crate) fn is_of_this_machine(name: &str) -> bool {
    name.contains(&format!(".{}-", machine()))
}

/// A name beside `target` that nobody else chooses, whatever machine or container they are in.
pub(crate) fn temporary_beside(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let token = RandomState::new().build_hasher().finish();
    target.with_file_name(format!(".{name}.{}-{token:016x}{TEMPORARY_SUFFIX}", machine()))
}

/// Names this machine since its last start. Zeros where the system does not tell.
fn machine() -> &'static str {
    static MACHINE: OnceLock<String> = OnceLock::new();
    MACHINE.get_or_init(|| match std::fs::read("/proc/sys/kernel/random/boot_id") {
        Ok(id) => blake3::hash(&id).to_hex()[..8].to_owned(),
        Err(_) => "00000000".to_owned(),
    })
}

/// A file being written. Dropped unfinished, it leaves nothing.
pub(crate) struct AtomicFile {
    writer: Option<BufWriter<File>>,
    temporary: PathBuf,
    target: PathBuf,
}

impl AtomicFile {
    /// Opens a temporary file beside `target`, whose folder must exist.
    pub(crate) fn create(target: &Path) -> Result<Self, EmbedError> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        if name.is_empty() || target.is_dir() {
            let source = io::Error::new(io::ErrorKind::IsADirectory, "it is a folder");
            return Err(EmbedError::io("write", target, source));
        }
        let temporary = temporary_beside(target);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)
            .map_err(|source| EmbedError::io("create", target, source))?;
        let writer = Some(BufWriter::with_capacity(1 << 20, file));
        Ok(Self { writer, temporary, target: target.to_owned() })
    }

    /// Writes all bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), EmbedError> {
        self.write_all(bytes).map_err(|source| EmbedError::io("write", &self.target, source))
    }

    /// Syncs the file and gives it its name.
    pub(crate) fn finish(mut self) -> Result<(), EmbedError> {
        let Some(mut writer) = self.writer.take() else { return Ok(()) };
        let written = writer.flush().and_then(|()| writer.get_ref().sync_all());
        drop(writer);
        written
            .and_then(|()| std::fs::rename(&self.temporary, &self.target))
            .and_then(|()| sync_parent(&self.target))
            .map_err(|source| EmbedError::io("write", &self.target, source))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            Some(writer) => writer.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            // Nothing buffered is worth writing any more.
            drop(writer.into_parts());
        }
        // After a rename there is nothing to remove; an error here cannot be told to anyone.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// Writes and syncs a file of a folder that has no name yet.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), EmbedError> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|source| EmbedError::io("write", path, source))
}

/// Writes a whole small file.
pub(crate) fn write_atomically(target: &Path, bytes: &[u8]) -> Result<(), EmbedError> {
    let mut file = AtomicFile::create(target)?;
    file.write(bytes)?;
    file.finish()
}

/// Syncs the folder of a path, so that a rename in it survives a power cut.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

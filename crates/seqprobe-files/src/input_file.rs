//! A file, a pipe or standard input that is opened once and can be read any number of times.

use crate::kind::FileKind;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// An input that cannot be used.
#[derive(Debug, Error)]
pub enum InputError {
    /// It cannot be opened or read.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The input, as the caller named it.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// It is a folder.
    #[error("{}: is a folder, not a file", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// A symbolic link to a file that is not there.
    #[error("{}: is a link to {}, which is not there\n  hint: restore that file, or name another one", path.display(), target.display())]
    DanglingLink {
        /// The link.
        path: PathBuf,
        /// Where it points.
        target: PathBuf,
    },
    /// It has another size or modification time than when it was opened.
    #[error("{}: changed while it was read\n  hint: wait until it is written completely, then start again", path.display())]
    Changed {
        /// The input.
        path: PathBuf,
    },
}

/// An input that is opened once. A regular file is read in place; a pipe, a FIFO, a device and standard input (`-`) are
/// copied to an unnamed temporary file first, in the folder of temporary files (`TMPDIR`), so that every reader sees
/// the same bytes from the first to the last.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.fa");
/// std::fs::write(&path, ">a\nACGT\n")?;
/// let input = seqprobe_files::InputFile::open(&path)?;
/// assert_eq!(input.kind()?, seqprobe_files::FileKind::Fasta);
/// assert_eq!(std::io::read_to_string(input.reader())?, ">a\nACGT\n");
/// assert_eq!(std::io::read_to_string(input.reader())?, ">a\nACGT\n");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct InputFile {
    path: PathBuf,
    file: Arc<File>,
    stamp: Stamp,
    is_spooled: bool,
}

/// What changes when a file is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: (i64, i64),
}

impl InputFile {
    /// Opens an input; `-` is standard input.
    ///
    /// # Errors
    /// [`InputError`] for a folder, a dangling link, and whatever the system refuses.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        let error = |action| move |source| InputError::Io { path: path.to_owned(), action, source };
        let mut file = if path == Path::new("-") {
            File::from(io::stdin().as_fd().try_clone_to_owned().map_err(error("open"))?)
        } else {
            File::open(path).map_err(|source| match std::fs::read_link(path) {
                Ok(target) if source.kind() == io::ErrorKind::NotFound => {
                    InputError::DanglingLink { path: path.to_owned(), target }
                }
                _ => InputError::Io { path: path.to_owned(), action: "open", source },
            })?
        };
        let metadata = file.metadata().map_err(error("open"))?;
        if metadata.is_dir() {
            return Err(InputError::Folder { path: path.to_owned() });
        }
        // A file that is given on standard input may have been read in part already.
        let is_whole = metadata.is_file() && file.stream_position().is_ok_and(|position| position == 0);
        if !is_whole {
            let mut spooled = tempfile::tempfile().map_err(error("make a temporary copy"))?;
            io::copy(&mut file, &mut spooled).map_err(error("make a temporary copy"))?;
            file = spooled;
        }
        let stamp = Stamp::of(&file).map_err(error("open"))?;
        let is_spooled = !is_whole || path == Path::new("-");
        Ok(Self { path: path.to_owned(), file: Arc::new(file), stamp, is_spooled })
    }

    /// Copies what a reader gives to an unnamed temporary file: a member of an archive, a download. Messages use `path`.
    ///
    /// # Errors
    /// The reader's error, or that of the temporary file.
    pub fn copy_of(path: &Path, reader: &mut dyn Read) -> io::Result<Self> {
        let mut file = tempfile::tempfile()?;
        io::copy(reader, &mut file)?;
        Ok(Self { path: path.to_owned(), stamp: Stamp::of(&file)?, file: Arc::new(file), is_spooled: true })
    }

    /// The input as the caller named it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in bytes.
    pub fn n_bytes(&self) -> u64 {
        self.stamp.bytes
    }

    /// True for what was copied: a pipe, a FIFO, a device or standard input. It cannot be opened again by its name.
    pub fn is_spooled(&self) -> bool {
        self.is_spooled
    }

    /// A reader from the first byte. Readers do not disturb each other.
    pub fn reader(&self) -> InputReader {
        InputReader { file: Arc::clone(&self.file), at: 0, bytes: self.stamp.bytes }
    }

    /// The open file, for memory maps.
    pub fn as_file(&self) -> &File {
        &self.file
    }

    /// The first bytes, at most `n`.
    ///
    /// # Errors
    /// [`InputError::Io`] when they cannot be read.
    pub fn start(&self, n: usize) -> Result<Vec<u8>, InputError> {
        let mut bytes = Vec::new();
        let result = self.reader().take(n as u64).read_to_end(&mut bytes);
        result.map_err(|source| InputError::Io { path: self.path.clone(), action: "read", source })?;
        Ok(bytes)
    }

    /// What the content is, whatever the name says.
    ///
    /// # Errors
    /// [`InputError::Io`] when it cannot be read.
    pub fn kind(&self) -> Result<FileKind, InputError> {
        Ok(FileKind::of(&self.start(FileKind::BYTES)?))
    }

    /// Checks that the file still has the size and modification time that it had when it was opened.
    ///
    /// # Errors
    /// [`InputError::Changed`] when it has not.
    pub fn check_unchanged(&self) -> Result<(), InputError> {
        match Stamp::of(&self.file) {
            Ok(stamp) if stamp == self.stamp => Ok(()),
            _ => Err(InputError::Changed { path: self.path.clone() }),
        }
    }
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { bytes: metadata.len(), modified: (metadata.mtime(), metadata.mtime_nsec()) })
    }
}

/// Reads an [`InputFile`] with a position of its own. Ends where the file ended when it was opened.
#[derive(Debug)]
pub struct InputReader {
    file: Arc<File>,
    at: u64,
    bytes: u64,
}

impl Read for InputReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.bytes.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let n_bytes = self.file.read_at(&mut buffer[..wanted], self.at)?;
        if n_bytes == 0 && wanted > 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "changed while it was read: it became shorter",
            ));
        }
        self.at += n_bytes as u64;
        Ok(n_bytes)
    }
}

impl Seek for InputReader {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let at = match position {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(offset) => self.bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = at
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a position before the first byte"))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifo_is_read_whole_any_number_of_times() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let text: String = (0..3000).map(|row| format!(">r{row:05}\n{}\n", "ACGT".repeat(14))).collect();
        let writer = std::thread::spawn({
            let (path, text) = (path.clone(), text.clone());
            move || std::fs::write(path, text).unwrap()
        });
        let input = InputFile::open(&path).unwrap();
        writer.join().unwrap();
        assert!(input.is_spooled());
        for _ in 0..2 {
            assert_eq!(io::read_to_string(input.reader()).unwrap(), text);
        }
        assert_eq!(input.kind().unwrap(), FileKind::Fasta);
    }

    #[test]
    fn a_file_that_changes_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "a,b\n1,2\n").unwrap();
        let input = InputFile::open(&path).unwrap();
        input.check_unchanged().unwrap();
        std::fs::write(&path, "a").unwrap();
        assert!(matches!(input.check_unchanged(), Err(InputError::Changed { .. })));
        assert!(io::read_to_string(input.reader()).is_err());
    }

    #[test]
    fn folders_and_dangling_links_are_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(InputFile::open(folder.path()), Err(InputError::Folder { .. })));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("gone.csv", &link).unwrap();
        let error = InputFile::open(&link).unwrap_err().to_string();
        assert!(error.contains("is a link to gone.csv, which is not there"), "{error}");
    }
}

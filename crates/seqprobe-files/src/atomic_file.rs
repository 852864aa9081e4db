//! The writer: temporary file, sync, rename, sync of the folder; or straight into a pipe or a device.

use crate::error::FileError;
use crate::temporary::{SUFFIX, prefix};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Bytes that are collected before they are written.
const BUFFER: usize = 1 << 20;
/// Links that are followed before a path counts as a loop.
const MAX_LINKS: usize = 40;

/// A file being written. Dropped unfinished, it leaves nothing behind.
pub struct AtomicFile {
    output: Output,
    target: PathBuf,
}

enum Output {
    /// A temporary file, and the place it gets.
    Temporary { writer: BufWriter<NamedTempFile>, place: PathBuf },
    /// A pipe or a device, which is written through.
    Direct(File),
}

/// A file that is written and synced, but does not have its name yet. Dropped, it leaves nothing behind.
pub struct StagedFile {
    /// The temporary file and the place it gets; `None` for a pipe or a device, which has its bytes already.
    temporary: Option<(NamedTempFile, PathBuf)>,
    target: PathBuf,
}

impl AtomicFile {
    /// Opens a temporary file in the folder of `target`, which must exist.
    ///
    /// # Errors
    /// [`FileError`] where `target` is a folder or nothing can be created beside it.
    pub fn create(target: &Path) -> Result<Self, FileError> {
        Self::open(target).map_err(|error| FileError::new("create", target, error))
    }

    fn open(target: &Path) -> io::Result<Self> {
        if let Some(file) = open_stream(target)? {
            return Ok(Self { output: Output::Direct(file), target: target.to_owned() });
        }
        let place = follow_links(target)?;
        let found = match std::fs::metadata(&place) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if place.file_name().is_none() || found.as_ref().is_some_and(std::fs::Metadata::is_dir) {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
        }
        let prefix = prefix(&place);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(SUFFIX).rand_bytes(12);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // The system takes the umask off this.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder_of(&place))?;
        if let Some(found) = found {
            file.as_file().set_permissions(found.permissions())?;
        }
        let writer = BufWriter::with_capacity(BUFFER, file);
        Ok(Self { output: Output::Temporary { writer, place }, target: target.to_owned() })
    }

    /// Writes all bytes.
    ///
    /// # Errors
    /// [`FileError`] naming the target.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        let written = self.write_all(bytes);
        written.map_err(|error| FileError::new("write", &self.target, error))
    }

    /// Syncs the file; [`StagedFile::put_in_place`] gives it its name.
    ///
    /// # Errors
    /// [`FileError`] naming the target.
    pub fn stage(self) -> Result<StagedFile, FileError> {
        let Self { output, target } = self;
        let staged = match output {
            Output::Direct(mut file) => file.flush().map(|()| None),
            Output::Temporary { writer, place } => writer
                .into_inner()
                .map_err(io::IntoInnerError::into_error)
                .and_then(|file| file.as_file().sync_all().map(|()| Some((file, place)))),
        };
        match staged {
            Ok(temporary) => Ok(StagedFile { temporary, target }),
            Err(error) => Err(FileError::new("write", &target, error)),
        }
    }

    /// Syncs the file and gives it its name.
    ///
    /// # Errors
    /// [`FileError`] naming the target.
    pub fn finish(self) -> Result<(), FileError> {
        self.stage()?.put_in_place()
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.output {
            Output::Temporary { writer, .. } => writer.write(bytes),
            Output::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.output {
            Output::Temporary { writer, .. } => writer.flush(),
            Output::Direct(file) => file.flush(),
        }
    }
}

impl StagedFile {
    /// Gives the file its name, in place of what had it, and syncs the folder.
    ///
    /// # Errors
    /// [`FileError`] naming the target.
    pub fn put_in_place(self) -> Result<(), FileError> {
        let Some((file, place)) = self.temporary else { return Ok(()) };
        let renamed = file.persist(&place).map_err(|error| error.error);
        renamed
            .and_then(|_| File::open(folder_of(&place))?.sync_all())
            .map_err(|error| FileError::new("replace", &self.target, error))
    }
}

/// Writes a whole file; missing folders of its path are created.
///
/// # Errors
/// [`FileError`] naming the file.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_whole_with(path, |file| file.write_all(bytes))
}

/// As [`write_whole`], with a function that writes the content.
///
/// # Errors
/// [`FileError`] naming the file.
pub fn write_whole_with(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FileError> {
    std::fs::create_dir_all(folder_of(path)).map_err(|error| FileError::new("create", path, error))?;
    let mut file = AtomicFile::create(path)?;
    content(&mut file).map_err(|error| FileError::new("write", path, error))?;
    file.finish()
}

/// Writes and syncs a file of a folder that is still under a temporary name itself.
///
/// # Errors
/// [`FileError`] naming the file.
pub fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| FileError::new("write", path, error))
}

/// The folder of a path; `.` for a bare name.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens what cannot be replaced: a pipe, a device, or a descriptor of this process such as `/dev/stdout`. A descriptor
/// is written at its end, also where the shell made it a file. `None` for other paths.
fn open_stream(target: &Path) -> io::Result<Option<File>> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let copy = match target.to_str() {
            Some("/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => {
                io::stdout().as_fd().try_clone_to_owned()
            }
            Some("/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2") => {
                io::stderr().as_fd().try_clone_to_owned()
            }
            _ => return open_pipe_or_device(target),
        };
        copy.map(|copy| Some(File::from(copy)))
    }
    #[cfg(not(unix))]
    open_pipe_or_device(target)
}

fn open_pipe_or_device(target: &Path) -> io::Result<Option<File>> {
    match std::fs::metadata(target) {
        Ok(found) if found.is_file() || found.is_dir() => Ok(None),
        Ok(_) => File::options().write(true).open(target).map(Some),
        // What is wrong with the path is said where the file is created.
        Err(_) => Ok(None),
    }
}

/// Where a path's symbolic links lead to, whether anything is there or not.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    for _ in 0..MAX_LINKS {
        match std::fs::symlink_metadata(&place) {
            Ok(found) if found.is_symlink() => place = folder_of(&place).join(std::fs::read_link(&place)?),
            _ => return Ok(place),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporary::{is_of_this_machine, is_temporary};
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|item| item.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_appears_whole_and_an_unfinished_one_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.append(b"new").unwrap();
        let staged = file.stage().unwrap();
        let temporary = names(folder.path()).into_iter().find(|name| name != "a.txt").unwrap();
        assert!(is_temporary(&temporary) && is_of_this_machine(&temporary), "{temporary}");
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        staged.put_in_place().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        let mut dropped = AtomicFile::create(&path).unwrap();
        dropped.append(b"half").unwrap();
        drop(dropped);
        let failed = write_whole_with(&path, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("the source failed"))
        });
        assert!(failed.unwrap_err().to_string().contains("a.txt: cannot write: the source failed"));
        assert_eq!(
            (names(folder.path()), std::fs::read(&path).unwrap()),
            (vec!["a.txt".into()], b"new".into())
        );
    }

    #[test]
    fn permissions_are_those_of_the_umask_or_of_the_file_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, ours) = (folder.path().join("plain"), folder.path().join("ours"));
        std::fs::write(&plain, "").unwrap();
        write_whole(&ours, b"x").unwrap();
        assert_eq!(mode(&ours), mode(&plain));
        std::fs::set_permissions(&ours, std::fs::Permissions::from_mode(0o640)).unwrap();
        write_whole(&ours, b"y").unwrap();
        assert_eq!(mode(&ours), 0o640);
    }

    #[test]
    fn links_are_followed_and_stay_links() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("real")).unwrap();
        let link = folder.path().join("link");
        for (target, bytes) in [("real/there", b"1"), ("real/not-there", b"2")] {
            let real = folder.path().join(target);
            if bytes == b"1" {
                std::fs::write(&real, "old").unwrap();
            }
            let _ = std::fs::remove_file(&link);
            symlink(target, &link).unwrap();
            write_whole(&link, bytes).unwrap();
            assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(std::fs::read(&real).unwrap(), bytes);
        }
        let round = folder.path().join("round");
        symlink("round", &round).unwrap();
        assert!(write_whole(&round, b"").unwrap_err().to_string().contains("too many symbolic links"));
    }

    #[test]
    fn devices_are_written_through_and_folders_are_refused() {
        write_whole(Path::new("/dev/null"), b"gone").unwrap();
        write_whole(Path::new("/dev/stdout"), b"").unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
        let folder = tempfile::tempdir().unwrap();
        let error = write_whole(folder.path(), b"x").unwrap_err().to_string();
        assert!(error.ends_with("cannot create: it is a folder"), "{error}");
    }
}

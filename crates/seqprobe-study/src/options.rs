//! How a study is run: where data and stored results are, what may be computed and on what.

use crate::error::StudyError;
use crate::models::finder::ModelFinder;
use std::path::PathBuf;

/// How a study is run.
#[derive(Clone, Debug)]
pub struct StudyOptions {
    /// Folders that card paths are looked up in, after the card's own.
    pub data_dirs: Vec<PathBuf>,
    /// Where embeddings and cells are stored.
    pub cache: CacheChoice,
    /// Compute again what is stored and damaged, instead of failing.
    pub repair: bool,
    /// Download models that are not on this machine.
    pub allow_download: bool,
    /// Let models run code of their own: a worker process or a TorchScript file.
    pub allow_code: bool,
    /// The device that models compute on. Probes always use the CPU.
    pub device: tch::Device,
    /// Threads for neural fits that run at the same time. [`set_threads`] sets those of libtorch and rayon.
    pub threads: usize,
    /// Folder to write the run to; `None` to write none.
    pub out: Option<PathBuf>,
    /// Replace what is in that folder, also if it is the run of another suite or file.
    pub overwrite: bool,
    /// The program that runs the study, for the record.
    pub program: ProgramInfo,
}

/// Where embeddings and cells are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheChoice {
    /// `$XDG_CACHE_HOME/seqprobe`, or else `~/.cache/seqprobe`.
    User,
    /// A folder.
    Folder(PathBuf),
    /// A temporary folder, which is removed after the run.
    None,
}

/// The program that runs a study, for the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramInfo {
    /// Its version.
    pub version: String,
    /// The commit it was built from, with `-dirty` where the tree had changes.
    pub commit: String,
    /// Its command line.
    pub command: String,
}

impl Default for StudyOptions {
    /// The user's cache, the CPU, all cores; no downloads, no foreign code, no run folder.
    fn default() -> Self {
        Self {
            data_dirs: Vec::new(),
            cache: CacheChoice::User,
            repair: true,
            allow_download: false,
            allow_code: false,
            device: tch::Device::Cpu,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            out: None,
            overwrite: false,
            program: ProgramInfo::default(),
        }
    }
}

impl StudyOptions {
    /// A finder that may do what these options allow.
    pub fn finder(&self) -> ModelFinder {
        ModelFinder::new(self.device, self.allow_code, self.allow_download)
    }
}

/// A cache folder that is open for as long as this value exists.
pub(crate) struct OpenCache {
    pub(crate) folder: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl CacheChoice {
    /// The folder; `None` for a temporary one.
    ///
    /// # Errors
    /// [`StudyError::NoCacheFolder`] where the user has no home folder.
    pub fn folder(&self) -> Result<Option<PathBuf>, StudyError> {
        match self {
            Self::None => Ok(None),
            Self::Folder(folder) => Ok(Some(folder.clone())),
            Self::User => {
                let from =
                    |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
                from("XDG_CACHE_HOME")
                    .or_else(|| from("HOME").map(|home| home.join(".cache")))
                    .map(|base| Some(base.join("seqprobe")))
                    .ok_or(StudyError::NoCacheFolder)
            }
        }
    }

    pub(crate) fn open(&self) -> Result<OpenCache, StudyError> {
        if let Some(folder) = self.folder()? {
            return Ok(OpenCache { folder, _temporary: None });
        }
        let temporary = tempfile::tempdir().map_err(|error| StudyError::io(&std::env::temp_dir(), error))?;
        Ok(OpenCache { folder: temporary.path().to_owned(), _temporary: Some(temporary) })
    }
}

/// Gives libtorch and rayon the same number of threads, all cores where none is asked for. Stages do not overlap, so the
/// two never compete. To be called once, before data are loaded.
///
/// # Errors
/// [`StudyError::Threads`] for a number outside of 1 to 1024, [`StudyError::ThreadPool`] at a second call.
pub fn set_threads(asked: Option<usize>) -> Result<usize, StudyError> {
    let threads = asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let as_i32 = i32::try_from(threads).ok().filter(|threads| (1..=1024).contains(threads));
    tch::set_num_threads(as_i32.ok_or(StudyError::Threads(threads))?);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    pool.map_err(|error| StudyError::ThreadPool(error.to_string()))?;
    Ok(threads)
}

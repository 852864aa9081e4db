//! Options that several commands share, and what the libraries are given for them.

use crate::exit::Failure;
use crate::output::print_error_line;
use clap::Args;
use seqprobe_data::{Delimiter, FileLayout};
use seqprobe_embed::Window;
use seqprobe_study::{CacheChoice, ProgramInfo, StudyOptions, parse_device, set_threads};
use std::path::PathBuf;

/// The folder of the cache that `data fetch` downloads into.
const DOWNLOADED: &str = "datasets";

/// How a model reads a sequence.
#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// Cut sequences longer than the model takes, and keep this end of them: left, right or center
    #[arg(long, value_name = "END", conflicts_with = "window")]
    keep: Option<String>,
    /// The old name of --keep
    #[arg(long, value_name = "END", hide = true, conflicts_with = "window")]
    truncate: Option<String>,
    /// Read long sequences in windows of SIZE bases, one every STRIDE bases
    #[arg(long, value_name = "SIZE:STRIDE")]
    pub(crate) window: Option<Window>,
    /// Strands: forward, or average over the sequence and its reverse complement
    #[arg(long, value_name = "STRANDS")]
    pub(crate) rc: Option<String>,
    /// Type of the model's matrix products: f32, or bf16, which rounds more and is faster on CPUs
    /// with AMX [default: f32]
    #[arg(long, value_name = "TYPE")]
    pub(crate) precision: Option<String>,
}

/// The columns of a file of sequences.
#[derive(Clone, Debug, Args)]
pub(crate) struct FileArgs {
    /// Sequence column [default: found by its name or its letters]
    #[arg(long, value_name = "COLUMN")]
    sequence: Option<String>,
    /// Column of the ids [default: example_id, id or name; without one, the number of the row]
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// What separates the fields: a character, or comma, tab, semicolon, space, pipe [default: found]
    #[arg(long, value_name = "CHAR")]
    delimiter: Option<Delimiter>,
    /// The first line is data: columns are numbers from 0
    #[arg(long)]
    no_header: bool,
    /// Genome (FASTA, plain or BGZF; its .fai index is used if there is one). The rows are then intervals on it: BED, or columns
    /// chromosome, start, end and perhaps strand, 0-based and half-open
    #[arg(long, value_name = "FILE", conflicts_with = "sequence")]
    genome: Option<PathBuf>,
}

/// Where data and stored results are.
#[derive(Clone, Debug, Args)]
pub(crate) struct PathArgs {
    /// Folder that card paths are looked up in, after the card's own and before the folder `datasets` of the cache; may be
    /// given several times; `data fetch` downloads into the first
    /// [default: the folders in SEQPROBE_DATA_DIR, separated by colons]
    #[arg(long = "data-dir", value_name = "DIR")]
    data_dirs: Vec<PathBuf>,
    /// Folder of stored embeddings and cells [default: ~/.cache/seqprobe]
    #[arg(long, env = "SEQPROBE_CACHE_DIR", value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

/// What to compute on.
#[derive(Clone, Debug, Args)]
pub(crate) struct HardwareArgs {
    /// Threads for libtorch and for everything else [default: all cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Device for models: cpu, cuda or cuda:NUMBER [default: cuda if there is a GPU]
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<String>,
}

/// How to compute.
#[derive(Clone, Debug, Args)]
pub(crate) struct ComputeArgs {
    #[command(flatten)]
    pub(crate) paths: PathArgs,
    /// Compute everything again and store nothing for later runs
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Fail if something stored is damaged, instead of computing it again with a warning
    #[arg(long)]
    pub(crate) no_repair: bool,
    /// Download models that are not on this machine, from the Hugging Face hub
    #[arg(long)]
    pub(crate) allow_download: bool,
    #[command(flatten)]
    pub(crate) hardware: HardwareArgs,
    /// Let model manifests (.toml) run their own code: a TorchScript file or a worker process
    #[arg(long)]
    pub(crate) allow_code: bool,
}

/// Threads and device, set up.
pub(crate) struct Hardware {
    pub(crate) threads: usize,
    pub(crate) device: tch::Device,
}

impl FileArgs {
    /// What is stated about the file.
    pub(crate) fn layout(&self) -> FileLayout {
        FileLayout {
            sequence: self.sequence.clone(),
            id: self.id.clone(),
            delimiter: self.delimiter,
            has_header: !self.no_header,
            genome: self.genome.clone(),
        }
    }
}

impl PathArgs {
    /// The data folders as given, or those of the environment. Only there does a colon separate folders.
    pub(crate) fn data_dirs(&self) -> Vec<PathBuf> {
        if !self.data_dirs.is_empty() {
            return self.data_dirs.clone();
        }
        let listed = std::env::var_os("SEQPROBE_DATA_DIR").unwrap_or_default();
        std::env::split_paths(&listed).filter(|folder| !folder.as_os_str().is_empty()).collect()
    }

    /// The cache folder as given, or the user's.
    pub(crate) fn cache_folder(&self) -> Result<PathBuf, Failure> {
        let choice = self.cache_dir.clone().map_or(CacheChoice::User, CacheChoice::Folder);
        Ok(choice.folder()?.unwrap_or_default())
    }

    /// The folders of data files: those given, then the one that `data fetch` uses where none is given.
    pub(crate) fn data_folders(&self) -> Vec<PathBuf> {
        let mut folders = self.data_dirs();
        // Without a home folder there is no such folder.
        folders.extend(self.cache_folder().ok().map(|cache| cache.join(DOWNLOADED)));
        folders
    }

    /// The folder that `data fetch` downloads into.
    pub(crate) fn download_folder(&self) -> Result<PathBuf, Failure> {
        match self.data_dirs().into_iter().next() {
            Some(folder) => Ok(folder),
            None => Ok(self.cache_folder()?.join(DOWNLOADED)),
        }
    }
}

impl HardwareArgs {
    /// Sets the threads of the process and finds the device.
    pub(crate) fn set_up(&self) -> Result<Hardware, Failure> {
        Ok(Hardware { threads: set_threads(self.threads)?, device: parse_device(self.device.as_deref())? })
    }
}

impl ComputeArgs {
    /// The options of a study; sets the threads of the process.
    pub(crate) fn options(&self, command: String) -> Result<StudyOptions, Failure> {
        let Hardware { threads, device } = self.hardware.set_up()?;
        let cache = match &self.paths.cache_dir {
            _ if self.no_cache => CacheChoice::None,
            Some(folder) => CacheChoice::Folder(folder.clone()),
            None => CacheChoice::User,
        };
        Ok(StudyOptions {
            data_dirs: self.paths.data_folders(),
            cache,
            repair: !self.no_repair,
            allow_download: self.allow_download,
            allow_code: self.allow_code,
            device,
            threads,
            out: None,
            overwrite: false,
            program: ProgramInfo {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                commit: env!("SEQPROBE_COMMIT").to_owned(),
                command,
            },
        })
    }
}

impl InputArgs {
    /// The end to keep, by its new or its old option; the old one is reported.
    pub(crate) fn keep(&self) -> Result<Option<String>, Failure> {
        match (&self.keep, &self.truncate) {
            (Some(_), Some(_)) => {
                Err(Failure::usage("--truncate is the old name of --keep: give only --keep"))
            }
            (None, Some(old)) => {
                print_error_line("warning: --truncate is now called --keep");
                Ok(Some(old.clone()))
            }
            (keep, None) => Ok(keep.clone()),
        }
    }
}

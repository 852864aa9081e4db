//! The command line: what can be asked for, and what the libraries are given for it.

use crate::byte_size::ByteSize;
use crate::exit::Failure;
use crate::output::print_error_line;
use clap::{Args, Parser, Subcommand, ValueEnum};
use seqprobe_embed::Window;
use seqprobe_study::{CacheChoice, ProgramInfo, StudyOptions, parse_device, set_threads};
use std::path::PathBuf;

/// Do a frozen genomic language model's embeddings carry more about your task than the plain one-hot
/// sequence, and how sure are we?
#[derive(Debug, Parser)]
#[command(name = "seqprobe", version, propagate_version = true, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// From one file of labelled sequences to the verdict
    Probe(Box<ProbeArguments>),
    /// Run a suite
    Run(RunArguments),
    /// Apply a stored probe of a run to new sequences
    Predict(PredictArguments),
    /// Write a frozen model's embeddings of a file of sequences
    Embed(EmbedArguments),
    /// Pretrain a model on genomic sequence, from a config (TOML)
    Pretrain(PretrainArguments),
    /// Render a finished run again
    Report(ReportArguments),
    /// Compare two runs, cell by cell
    Compare(CompareArguments),
    /// Compare a run with the accepted baseline of its suite; exit code 10 if a score regressed
    Check(CheckArguments),
    /// Make a run the accepted baseline of its suite
    Accept(AcceptArguments),
    /// Look at, check, simulate or export datasets
    Data(DataArguments),
    /// List what there is to choose from
    List {
        /// What to list
        what: Listing,
        /// Format
        #[arg(long, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
    /// Download models from the Hugging Face hub into its cache
    Fetch(FetchArguments),
    /// Look at, verify, export or remove what is stored
    Cache(CacheArguments),
    /// Print versions, threads, devices and folders, and run a small matrix product as a check
    Doctor(PathArgs),
}

/// Where data and stored results are.
#[derive(Clone, Debug, Args)]
pub(crate) struct PathArgs {
    /// Folder that card paths are looked up in, after the card's own; may be given several times
    #[arg(long = "data-dir", env = "SEQPROBE_DATA_DIR", value_delimiter = ':', value_name = "DIR")]
    pub(crate) data_dirs: Vec<PathBuf>,
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

impl PathArgs {
    /// The cache folder as given, or the user's.
    pub(crate) fn cache_folder(&self) -> Result<PathBuf, Failure> {
        let choice = self.cache_dir.clone().map_or(CacheChoice::User, CacheChoice::Folder);
        Ok(choice.folder()?.unwrap_or_default())
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
            data_dirs: self.paths.data_dirs.clone(),
            cache,
            repair: !self.no_repair,
            allow_download: self.allow_download,
            allow_code: self.allow_code,
            device,
            threads,
            out: None,
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

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Suite file (TOML)
    pub(crate) suite: PathBuf,
    /// Folder of the results [default: reports/SUITE]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Write the planned cells as JSON to standard output and compute nothing
    #[arg(long)]
    pub(crate) plan: bool,
    /// Forecast what would be extracted, the time and the bytes to store, from a measured sample
    #[arg(long, conflicts_with = "plan")]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ProbeArguments {
    /// CSV, TSV or FASTA of sequences with their labels, plain or gzip
    pub(crate) file: PathBuf,
    /// Target column; several for many targets. FASTA: `header:KEY` for a `KEY=value` token
    #[arg(long, required = true, value_delimiter = ',', value_name = "COLUMN")]
    pub(crate) target: Vec<String>,
    /// Sequence column [default: found by its name or its letters]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) sequence: Option<String>,
    /// Model: a folder, hf:owner/name, or a name of `seqprobe list models`; `random:` before it
    /// initialises its weights randomly; several allowed
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Vec<String>,
    /// File of ready embeddings (npy, npz, safetensors, parquet, h5), joined by example id; several allowed
    #[arg(long, value_name = "FILE")]
    pub(crate) embeddings: Vec<String>,
    /// Column whose values are never split between train, valid and test (genes, patients)
    #[arg(long, value_name = "COLUMN", conflicts_with = "chromosome")]
    pub(crate) group: Option<String>,
    /// Split by chromosome: the column that names it, or the `chr:start-end` ids of a FASTA file
    #[arg(long)]
    pub(crate) chromosome: bool,
    /// Class counted as positive [default: 1, or the second of the two in order]
    #[arg(long, value_name = "CLASS")]
    pub(crate) positive: Option<String>,
    /// Primary metric; `seqprobe list metrics` lists them [default: auroc for two classes, accuracy for more, spearman for numbers]
    #[arg(long, value_name = "METRIC")]
    pub(crate) metric: Option<String>,
    /// Layers of the models
    #[arg(long, value_delimiter = ',', default_value = "final", value_name = "LAYER")]
    pub(crate) layers: Vec<String>,
    /// Probes
    #[arg(long, value_delimiter = ',', default_value = "linear,cnn", value_name = "PROBE")]
    pub(crate) probes: Vec<String>,
    /// Controls in addition to the baselines: all, none, or some of onehot, kmer-4, composition, random, shuffled-labels,
    /// constant [default: all]
    #[arg(long, value_delimiter = ',', value_name = "CONTROL")]
    pub(crate) controls: Option<Vec<String>>,
    /// Number of training seeds of neural probes
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) seeds: u64,
    /// Differences smaller than this do not matter
    #[arg(long, default_value_t = 0.01, value_name = "X")]
    pub(crate) margin: f64,
    #[command(flatten)]
    pub(crate) reading: InputArgs,
    /// Folder of the results [default: reports/FILE]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Folder to write the equivalent card and suite to
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PredictArguments {
    /// Folder of a run
    pub(crate) run: PathBuf,
    /// Cell: its full name as `seqprobe predict RUN` lists them, or the first digits of its key
    #[arg(long, value_name = "ID")]
    pub(crate) cell: Option<String>,
    /// CSV, TSV or FASTA of sequences
    #[arg(long, value_name = "FILE", requires = "cell")]
    pub(crate) input: Option<PathBuf>,
    /// CSV to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

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

#[derive(Debug, Args)]
pub(crate) struct EmbedArguments {
    /// Model: a folder, hf:owner/name, or a name of `seqprobe list models`; `random:` before it
    /// initialises its weights randomly
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: String,
    /// CSV, TSV or FASTA of sequences
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Layers: `final`, 0 for the embedding output, block numbers, or all; more than one layer writes one
    /// file each, its layer in the name
    #[arg(long, value_delimiter = ',', default_value = "final", value_name = "LAYER")]
    pub(crate) layer: Vec<String>,
    /// Pooling: mean, mean-all, cls, max, last or tokens
    #[arg(long, default_value = "mean")]
    pub(crate) pooling: String,
    /// What to write: embeddings or, for masked language models, the predicted probabilities of A, C, G and T at each
    /// masked base (`[bases, 4]`), and a table of each sequence's pseudo-log-likelihood
    #[arg(long, value_enum, default_value_t = OutputKind::States)]
    pub(crate) output_kind: OutputKind,
    /// With logits: mask every Nth base at once, in N passes [default: one base at a time]
    #[arg(long, value_name = "N")]
    pub(crate) mask_every: Option<std::num::NonZeroUsize>,
    /// File to write: .npy (ids in a second file), .safetensors, .parquet or .zarr
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Forecast what would be computed, the time and the bytes to store, from a measured sample
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Tokens that go through the model at once [default: what suits its width, 3072 for 512]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch_tokens: Option<u32>,
    #[command(flatten)]
    pub(crate) reading: InputArgs,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputKind {
    /// Hidden states, pooled
    States,
    /// Probabilities of masked bases
    Logits,
}

#[derive(Debug, Args)]
pub(crate) struct PretrainArguments {
    /// Config (TOML): model, training data, training
    pub(crate) config: PathBuf,
    /// Folder of the model [default: models/NAME]. An interrupted training in this folder is resumed
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) hardware: HardwareArgs,
    #[command(flatten)]
    pub(crate) paths: PathArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// Folder of a run
    pub(crate) run: PathBuf,
    /// Format
    #[arg(long, default_value = "table")]
    pub(crate) format: String,
    /// File to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// Folder of the first run
    pub(crate) run_a: PathBuf,
    /// Folder of the second run
    pub(crate) run_b: PathBuf,
    /// Format: table or json
    #[arg(long, default_value = "table")]
    pub(crate) format: String,
    /// File to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Folder of the run
    pub(crate) run: PathBuf,
    /// Baseline file, as `seqprobe accept` wrote it
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: PathBuf,
    /// Every point must be the accepted one to the last bit (one machine, one thread count)
    #[arg(long)]
    pub(crate) exact: bool,
    /// Report cells of the baseline that the run lacks, but do not fail
    #[arg(long)]
    pub(crate) lenient: bool,
    /// Margin instead of the baseline's own
    #[arg(long, value_name = "X")]
    pub(crate) margin: Option<f64>,
    /// JUnit XML to write
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// JSON to write
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AcceptArguments {
    /// Folder of the run
    pub(crate) run: PathBuf,
    /// Baseline file to write; its predictions go next to it
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: PathBuf,
    /// Why, for the reviewer
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Differences smaller than this do not matter to the gate
    #[arg(long, default_value_t = 0.01, value_name = "X")]
    pub(crate) margin: f64,
}

#[derive(Debug, Args)]
pub(crate) struct DataArguments {
    #[command(subcommand)]
    pub(crate) command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Read a dataset and print its sizes, splits, classes and notes
    Show {
        /// Card id or path, or `sim:NAME`
        dataset: String,
        #[command(flatten)]
        folders: PathArgs,
    },
    /// Check cards and the files they name; all of `datasets/` when none is given
    Check {
        /// Card ids or paths
        datasets: Vec<String>,
        #[command(flatten)]
        folders: PathArgs,
    },
    /// Look for copies and near-duplicates between splits, contradicting labels and shifts; all of `datasets/` when none is given
    Audit {
        /// Card ids or paths, or `sim:NAME`
        datasets: Vec<String>,
        /// Share of the smaller sequence's 16-mers from which two sequences are near-duplicates
        #[arg(long, default_value_t = seqprobe_core::audit::NEAR_THRESHOLD, value_name = "SHARE")]
        threshold: f64,
        /// For people or for programs
        #[arg(long, value_enum, default_value = "table")]
        format: ListFormat,
        #[command(flatten)]
        folders: PathArgs,
    },
    /// Write a simulated task with known truth: CSV files, card and the oracle's predictions
    Simulate {
        /// Task, as `seqprobe list simulated` names them
        task: String,
        /// Folder to write to
        #[arg(long, value_name = "DIR")]
        output: PathBuf,
        /// Seed
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// Training examples
        #[arg(long, value_name = "N")]
        train: Option<usize>,
        /// Validation examples
        #[arg(long, value_name = "N")]
        valid: Option<usize>,
        /// Test examples
        #[arg(long, value_name = "N")]
        test: Option<usize>,
        /// Bases per sequence
        #[arg(long, value_name = "N")]
        length: Option<usize>,
    },
    /// Write a dataset's ids and sequences, so that others can embed them
    Export {
        /// Card id or path, or `sim:NAME`
        dataset: String,
        /// CSV or FASTA to write
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        folders: PathArgs,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Listing {
    /// Cards of the folder `datasets`
    Datasets,
    /// Simulated tasks
    Simulated,
    /// Published models, whether they are on this machine, and the supported families
    Models,
    /// Probes
    Probes,
    /// Metrics
    Metrics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// For people
    Table,
    /// For programs
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct FetchArguments {
    /// Models: hf:owner/name, hf:owner/name@revision, or names of `seqprobe list models`
    #[arg(required = true, value_name = "MODEL")]
    pub(crate) models: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CacheArguments {
    #[command(subcommand)]
    pub(crate) command: CacheCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// List stored embeddings: what, for whom, bytes, last used
    Ls(PathArgs),
    /// Read every shard and compare it with its digest
    Verify(PathArgs),
    /// Remove embeddings and cells, those unused for longest first, until the rest is small enough
    Gc {
        /// Bytes to keep at most: a number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB
        #[arg(long, value_name = "SIZE")]
        max_size: ByteSize,
        /// List what would be removed, and remove nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        folders: PathArgs,
    },
    /// Write stored embeddings to a file
    Export {
        /// Entry: its name as `cache ls` lists it, or the beginning of it
        entry: String,
        /// Format: npy, safetensors, parquet or zarr
        #[arg(long, value_name = "FORMAT")]
        to: String,
        /// File to write [default: ENTRY.FORMAT]
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// CSV, TSV or FASTA whose rows and ids are wanted [default: all stored rows, the BLAKE3 digests of their
        /// sequences as ids]
        #[arg(long, value_name = "FILE")]
        input: Option<PathBuf>,
        #[command(flatten)]
        folders: PathArgs,
    },
}

//! The command line: what can be asked for. It parses and does nothing.

mod shared;

use crate::byte_size::ByteSize;
use clap::{Args, Parser, Subcommand, ValueEnum};
use seqprobe_core::TaskKind;
pub(crate) use shared::{ComputeArgs, FileArgs, HardwareArgs, InputArgs, PathArgs};
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

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Suite file (TOML)
    pub(crate) suite: PathBuf,
    /// Folder of the results [default: reports/SUITE]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replace what is in that folder, also if it is the run of another suite
    #[arg(long)]
    pub(crate) force: bool,
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
    /// CSV, TSV or FASTA of sequences with their labels, plain or compressed (gz, zst, xz, bz2, zip); - is standard input. With
    /// --genome: intervals, or a folder of them (train/CLASS.csv.gz, test/CLASS.csv.gz)
    pub(crate) file: PathBuf,
    /// Target column; several for many targets. FASTA: `header:KEY` for a `KEY=value` token. Not for a folder of intervals,
    /// in which each file is a class
    #[arg(long, value_delimiter = ',', value_name = "COLUMN")]
    pub(crate) target: Vec<String>,
    #[command(flatten)]
    pub(crate) columns: FileArgs,
    /// Model: a folder, hf:owner/name, or a name of `seqprobe list models`; `random:` before it
    /// initialises its weights randomly; several allowed
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Vec<String>,
    /// File of ready embeddings (npy, npz, safetensors, parquet, h5), joined by example id; several allowed
    #[arg(long, value_name = "FILE")]
    pub(crate) embeddings: Vec<String>,
    /// Kind of task [default: found from the values; the program asks where they could be classes or numbers]
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) task: Option<TaskArg>,
    /// Column with the words train, valid and test, or random to ignore such a column [default: split, set, partition,
    /// fold or subset, if its values are such words; without valid rows, 0.1 of the train rows become valid]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) split: Option<String>,
    /// Column whose values are never split between train, valid and test (genes, patients)
    #[arg(long, value_name = "COLUMN", conflicts_with = "chromosome")]
    pub(crate) group: Option<String>,
    /// Split by chromosome: the column that names it, or the `chr:start-end` ids of a FASTA file
    #[arg(long)]
    pub(crate) chromosome: bool,
    /// Class counted as positive [default: 1, +, yes, true, positive, case and the like, or the class whose negation the
    /// other is; else the second of the two in order]
    #[arg(long, value_name = "CLASS", allow_hyphen_values = true)]
    pub(crate) positive: Option<String>,
    /// Primary metric; `seqprobe list metrics` lists them [default: auroc for classes, spearman for numbers]
    #[arg(long, value_name = "METRIC")]
    pub(crate) metric: Option<String>,
    /// Layers of the models
    #[arg(long, value_delimiter = ',', default_value = "final", value_name = "LAYER")]
    pub(crate) layers: Vec<String>,
    /// Probes
    #[arg(long, value_delimiter = ',', default_value = "linear,cnn", value_name = "PROBE")]
    pub(crate) probes: Vec<String>,
    /// Controls in addition to the baselines: all, none, or some of onehot, kmer-4, composition, random, shuffled-labels,
    /// constant, best-rule [default: all]
    #[arg(long, value_delimiter = ',', value_name = "CONTROL")]
    pub(crate) controls: Option<Vec<String>>,
    /// Number of training seeds of neural probes
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) seeds: u64,
    /// Differences smaller than this do not matter
    #[arg(long, default_value_t = 0.01, value_name = "X")]
    pub(crate) margin: f64,
    #[command(flatten)]
    pub(crate) reading: InputArgs,
    /// Folder of the results [default: reports/FILE]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replace what is in that folder, also if it is the run of another file or target
    #[arg(long)]
    pub(crate) force: bool,
    /// Folder to write the equivalent card and suite to
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// Kind of task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskArg {
    /// One of two classes
    Binary,
    /// One of three or more classes
    Multiclass,
    /// Several targets, each 0 or 1
    Multilabel,
    /// One or more numbers
    Regression,
}

impl From<TaskArg> for TaskKind {
    fn from(task: TaskArg) -> Self {
        match task {
            TaskArg::Binary => Self::Binary,
            TaskArg::Multiclass => Self::Multiclass,
            TaskArg::Multilabel => Self::Multilabel,
            TaskArg::Regression => Self::Regression,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct PredictArguments {
    /// Folder of a run
    pub(crate) run: PathBuf,
    /// Cell: its full name as `seqprobe predict RUN` lists them, or the first digits of its key
    #[arg(long, value_name = "ID")]
    pub(crate) cell: Option<String>,
    /// CSV, TSV or FASTA of sequences, plain or compressed; - is standard input
    #[arg(long, value_name = "FILE", requires = "cell")]
    pub(crate) input: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) columns: FileArgs,
    /// CSV to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

#[derive(Debug, Args)]
pub(crate) struct EmbedArguments {
    /// Model: a folder, hf:owner/name, or a name of `seqprobe list models`; `random:` before it
    /// initialises its weights randomly
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: String,
    /// CSV, TSV or FASTA of sequences, plain or compressed; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) columns: FileArgs,
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
        /// Check every card of `datasets/` and of the program, as far as its files are here, and list what can be fetched
        #[arg(long, conflicts_with = "datasets")]
        all: bool,
        #[command(flatten)]
        folders: PathArgs,
    },
    /// Download the files of cards that are not here, check them, and write the digests that no card states to
    /// `datasets.lock`
    Fetch {
        /// Card ids or paths
        #[arg(required = true, value_name = "CARD")]
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
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        train: Option<u32>,
        /// Validation examples
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        valid: Option<u32>,
        /// Test examples
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        test: Option<u32>,
        /// Bases per sequence
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        length: Option<u32>,
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

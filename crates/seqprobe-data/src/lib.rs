//! Card or file to checked dataset; splits; simulated tasks; export of ids and sequences.
//!
//! The only crate that reads datasets. A [`seqprobe_core::Dataset`] it returns has been checked: its
//! sequences are DNA, its labels are known classes or finite numbers, its ids are unique and its splits
//! are disjoint and not empty. It downloads nothing (`seqprobe-study` does) and knows neither models nor metrics.
//!
//! | module | what it is for |
//! |---|---|
//! | `card` | dataset cards: the TOML file, its checks, where cards and data files are found, bundled cards |
//! | `read` | files to rows: gzip, CSV, TSV, FASTA, targets; sequences and genomes without targets |
//! | `split` | train, validation and test rows |
//! | `load` | card to dataset |
//! | `card_for_file` | a card guessed from one file |
//! | `card_for_folder` | a card guessed from a folder of intervals, one file per class |
//! | `predictions` | ready predictions of other programs, joined to a dataset |
//! | `simulate` | tasks whose best possible predictions are known |
//! | `audit` | copies and near-duplicates across splits |
//! | `rules` | predictions without a model: nearest rows, twins, motifs at positions, simple properties |
//!
//! A small CSV file and its card, read into a dataset:
//!
//! ```
//! use seqprobe_core::Split;
//! use seqprobe_data::{Card, DataFolders, load};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let rows = "fold,sequence,bound\ntrain,ACGTAC,1\ntrain,TTGACA,0\nvalid,GGGTAC,1\ntest,ACATTT,0\n";
//! std::fs::write(folder.path().join("rows.csv"), rows)?;
//! let card = r#"
//!     schema = 1
//!     id = "example"
//!     title = "Six bases, bound or not"
//!     task = "binary"
//!     target = "bound"
//!     positive = "1"
//!     metric = "auroc"
//!
//!     [files.all]
//!     path = "rows.csv"
//!     sha256 = "DIGEST"
//!
//!     [[split]]
//!     of = "all"
//!     method = "column"
//!     column = "fold"
//! "#;
//! # use sha2::Digest;
//! # let card = card.replace("DIGEST", &hex::encode(sha2::Sha256::digest(rows)));
//! let card = Card::parse(&card, "example card", folder.path().to_owned())?;
//! let dataset = load(&card, &DataFolders::default())?;
//! assert_eq!(dataset.n_examples(), 4);
//! assert_eq!(dataset.task.classes, ["0", "1"]);
//! assert_eq!(dataset.splits.rows(Split::Train), [0, 1]);
//! # Ok(())
//! # }
//! ```

pub mod audit;
pub mod card;
mod card_for_file;
mod card_for_folder;
pub mod error;
pub mod export;
mod guess_task;
mod load;
mod predictions;
mod read;
pub mod rules;
pub mod simulate;
pub mod split;

pub use card::{
    BundledCard, Card, DataFolders, DataLock, FindFileError, FoundFile, LOCK_FILE, LockedFile, NamedFile,
    bundled_cards, card_ids, find_card, find_file, read_settings,
};
pub use card_for_file::{FileCard, FileTask, card_for_file};
pub use card_for_folder::card_for_folder;
pub use error::DataError;
pub use export::{export_csv, export_fasta};
pub use guess_task::MetricOf;
pub use load::load;
pub use predictions::{PredictionJoin, PredictionRequest, ReadyPredictions};
pub use read::letters::LetterCounts;
pub use read::missing::MISSING_WORDS;
pub use read::{
    DataFile, Delimiter, DelimiterError, FileLayout, Genome, GenomeRecord, NamedSequences, SequenceFile,
    read_genome, read_sequences,
};
pub use simulate::{SIMULATED, Sizes, simulated};

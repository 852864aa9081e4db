//! Card or file to checked dataset; splits; simulated tasks; ids and sequences out again.
//!
//! The only crate that reads datasets. A [`seqprobe_core::Dataset`] it returns has been checked: its
//! sequences are DNA, its labels are known classes or finite numbers, its ids are unique and its splits
//! are disjoint and not empty. It downloads nothing and knows neither models nor metrics.

mod assign;
pub mod audit;
pub mod card;
pub mod error;
pub mod export;
pub mod folders;
pub mod genome;
mod guess;
mod input;
mod kmers;
mod labels;
mod load;
mod one_file;
mod place;
mod read;
mod rows;
mod sequences;
pub mod simulate;
pub mod split;
mod targets;
mod write;

pub use card::{Card, read_settings};
pub use error::DataError;
pub use export::{export_csv, export_fasta};
pub use folders::{DataFolders, card_ids, find_card, find_file};
pub use genome::{Genome, GenomeRecord, read_genome};
pub use load::load;
pub use one_file::{FileCard, FileTask, card_for_file};
pub use sequences::{NamedSequences, SequenceFile, read_sequences};
pub use simulate::{SIMULATED, Sizes, simulated};

//! Files to rows: what the bytes of a data file say, before they are split and checked against each other.
//!
//! [`data_file`] opens a file once, [`input`] finds its format, [`rows`] gives its columns as text, [`card_files`] reads
//! all files of a card and [`targets`] decodes their labels. [`sequences`] and [`genome`] read files without targets.

pub(crate) mod card_files;
pub(crate) mod columns;
pub(crate) mod data_file;
mod delimiter;
mod fasta;
mod fields;
mod genome;
mod genomic_position;
mod header;
pub(crate) mod input;
mod kmers;
pub(crate) mod labels;
mod limited_reader;
mod records;
pub(crate) mod rows;
pub(crate) mod sequence_column;
mod sequences;
mod table;
mod table_start;
pub(crate) mod targets;
pub(crate) mod text;

pub use columns::FileLayout;
pub use data_file::DataFile;
pub use delimiter::{Delimiter, DelimiterError};
pub use genome::{Genome, GenomeRecord, read_genome};
pub use sequences::{NamedSequences, SequenceFile, read_sequences};

//! Files to rows: what the bytes of a data file say, before they are split and checked against each other.
//!
//! [`data_file`] opens a file once, [`input`] finds its format, [`rows`] gives its columns as text, [`card_files`] reads all files of a card and
//! [`targets`] decodes their labels. [`sequences`] and [`genome`] read files without targets.
//! Where the rows are intervals ([`interval`]), [`genome_intervals`] reads their sequences from a genome.

pub(crate) mod card_files;
pub(crate) mod columns;
pub(crate) mod data_file;
pub(crate) mod definition;
mod delimiter;
mod fasta;
mod fastq;
mod fields;
mod genbank;
mod genome;
mod genome_index;
mod genome_intervals;
mod genomic_position;
mod hdf5;
mod header;
pub(crate) mod ids;
pub(crate) mod input;
mod interval;
pub(crate) mod interval_columns;
mod json_lines;
mod kmers;
pub(crate) mod labels;
pub(crate) mod letters;
mod limited_reader;
pub(crate) mod missing;
mod parquet;
mod records;
pub(crate) mod rows;
pub(crate) mod sequence_column;
mod sequences;
mod table;
mod table_start;
pub(crate) mod targets;
pub(crate) mod text;
mod text_lines;

pub use columns::FileLayout;
pub use data_file::DataFile;
pub use delimiter::{Delimiter, DelimiterError};
pub use genome::{Genome, GenomeRecord, read_genome};
pub use sequences::{NamedSequences, SequenceFile, read_sequences};

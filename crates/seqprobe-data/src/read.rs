//! Files to rows: what the bytes of a data file say, before they are split and checked against each other.
//!
//! [`input`] opens a file, [`rows`] gives its columns as text, [`card_files`] reads all files of a card and
//! [`targets`] decodes their labels. [`sequences`] and [`genome`] read files without targets.
//! Where the rows are intervals ([`interval`]), [`genome_intervals`] reads their sequences from a genome.

pub(crate) mod card_files;
pub(crate) mod columns;
mod fasta;
mod genome;
mod genome_index;
mod genome_intervals;
mod genomic_position;
pub(crate) mod input;
mod interval;
mod kmers;
pub(crate) mod labels;
pub(crate) mod rows;
pub(crate) mod sequence_column;
mod sequences;
mod table;
pub(crate) mod targets;

pub use genome::{Genome, GenomeRecord, read_genome};
pub use sequences::{NamedSequences, SequenceFile, read_sequences};

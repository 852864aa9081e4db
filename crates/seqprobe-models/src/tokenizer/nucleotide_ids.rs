//! The ids of single nucleotides, for tokenizers with one token per base.

/// Nucleotides as tokens of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NucleotideIds {
    /// Ids of A, C, G and T.
    pub acgt: [i64; 4],
    /// Id of every other base.
    pub unknown: i64,
    /// Id of the mask, if the vocabulary has one.
    pub mask: Option<i64>,
}

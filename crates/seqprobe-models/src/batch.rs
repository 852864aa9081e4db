//! Token ids of one sequence and of a right-padded batch.

use ndarray::Array2;
use std::borrow::Borrow;

/// Token ids of one sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Ids in order.
    pub ids: Vec<i64>,
    /// True for tokens that the tokenizer added (CLS, SEP, …). It is as long as `ids`.
    pub special: Vec<bool>,
}

/// Token ids of several sequences, padded on the right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenBatch {
    /// # Shapes
    /// `[batch, tokens]`
    pub ids: Array2<i64>,
    /// Tokens of each sequence before padding.
    pub lengths: Vec<usize>,
    /// True for added tokens and for padding.
    ///
    /// # Shapes
    /// `[batch, tokens]`
    pub special: Array2<bool>,
}

impl TokenBatch {
    /// Pads sequences to the longest with `pad_id`.
    pub fn from_tokens<T: Borrow<Tokens>>(sequences: &[T], pad_id: i64) -> Self {
        let sequences: Vec<&Tokens> = sequences.iter().map(Borrow::borrow).collect();
        let lengths: Vec<usize> = sequences.iter().map(|tokens| tokens.ids.len()).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let mut ids = Array2::from_elem((sequences.len(), longest), pad_id);
        let mut special = Array2::from_elem((sequences.len(), longest), true);
        for (row, tokens) in sequences.iter().enumerate() {
            for (column, (&id, &is_special)) in tokens.ids.iter().zip(&tokens.special).enumerate() {
                ids[[row, column]] = id;
                special[[row, column]] = is_special;
            }
        }
        Self { ids, lengths, special }
    }
}

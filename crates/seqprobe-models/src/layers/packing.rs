//! A batch without its padding. The tokens of all sequences follow one another, and sequences of equal length are next
//! to each other, so that attention runs group by group without a mask.

use crate::batch::TokenBatch;
use crate::error::ModelError;
use tch::{Kind, Tensor};

/// Sequences of one length, next to each other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// First token in the packed order.
    pub(crate) start: i64,
    pub(crate) n_sequences: i64,
    pub(crate) length: i64,
}

/// Packed tokens and the way back.
#[derive(Debug)]
pub(crate) struct Packing {
    /// Token ids in packed order.
    pub(crate) ids: Vec<i64>,
    /// Position of each token in its sequence, from 0.
    pub(crate) columns: Vec<i64>,
    pub(crate) groups: Vec<Group>,
    /// For each place of `[batch, tokens]` the packed token; padding points at token 0.
    places: Vec<i64>,
    n_sequences: i64,
    n_tokens: i64,
}

/// Checks that ids, lengths and limits fit together.
pub(crate) fn check_batch(
    batch: &TokenBatch,
    vocab_size: usize,
    max_tokens: Option<usize>,
) -> Result<(), ModelError> {
    let (n_sequences, n_tokens) = batch.ids.dim();
    if n_sequences == 0 || batch.lengths.len() != n_sequences {
        return Err(ModelError::Batch(format!(
            "{n_sequences} rows of ids and {} lengths, expected equal numbers of at least 1",
            batch.lengths.len()
        )));
    }
    for (row, (&length, ids)) in batch.lengths.iter().zip(batch.ids.rows()).enumerate() {
        if length == 0 || length > n_tokens {
            return Err(ModelError::Batch(format!(
                "row {row} has length {length}, expected 1 to {n_tokens}"
            )));
        }
        if let Some(limit) = max_tokens.filter(|limit| length > *limit) {
            return Err(ModelError::TooLong { tokens: length, limit });
        }
        if let Some(id) = ids.iter().find(|id| **id < 0 || **id >= vocab_size as i64) {
            return Err(ModelError::Batch(format!(
                "row {row} contains id {id}, the model has ids 0 to {}",
                vocab_size - 1
            )));
        }
    }
    Ok(())
}

impl Packing {
    /// Packs a batch after checking it.
    pub(crate) fn new(
        batch: &TokenBatch,
        vocab_size: usize,
        max_tokens: Option<usize>,
    ) -> Result<Self, ModelError> {
        check_batch(batch, vocab_size, max_tokens)?;
        let (n_sequences, n_tokens) = batch.ids.dim();
        let mut order: Vec<(usize, usize)> = batch.lengths.iter().copied().enumerate().collect();
        order.sort_by_key(|&(_, length)| length);
        let total = batch.lengths.iter().sum();
        let mut packing = Self {
            ids: Vec::with_capacity(total),
            columns: Vec::with_capacity(total),
            groups: Vec::new(),
            places: vec![0; n_sequences * n_tokens],
            n_sequences: n_sequences as i64,
            n_tokens: n_tokens as i64,
        };
        for (row, length) in order {
            let start = packing.ids.len() as i64;
            match packing.groups.last_mut() {
                Some(group) if group.length == length as i64 => group.n_sequences += 1,
                _ => packing.groups.push(Group { start, n_sequences: 1, length: length as i64 }),
            }
            packing.ids.extend(batch.ids.row(row).iter().take(length));
            packing.columns.extend(0..length as i64);
            let places = packing.places.iter_mut().skip(row * n_tokens).take(length);
            places.zip(start..).for_each(|(place, token)| *place = token);
        }
        Ok(packing)
    }

    /// Returns the number of tokens of each sequence, in packed order.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        let of_group = |group: &Group| std::iter::repeat_n(group.length as usize, group.n_sequences as usize);
        self.groups.iter().flat_map(of_group).collect()
    }

    /// Returns the first packed token of each sequence of the batch.
    pub(crate) fn starts(&self) -> Vec<usize> {
        self.places.iter().step_by(self.n_tokens.max(1) as usize).map(|&place| place as usize).collect()
    }

    /// Returns the padded form of packed states. Padding has copies of another token.
    ///
    /// # Shapes
    /// `[packed tokens, hidden]` to `[batch, tokens, hidden]`
    pub(crate) fn unpack(&self, packed: &Tensor) -> Result<Tensor, ModelError> {
        let sizes = [self.n_sequences, self.n_tokens, -1];
        if self.places.len() == self.ids.len() && self.groups.len() == 1 {
            return Ok(packed.f_reshape(sizes)?);
        }
        let places =
            Tensor::f_from_slice(&self.places)?.f_to_device_(packed.device(), Kind::Int64, false, false)?;
        Ok(packed.f_index_select(0, &places)?.f_reshape(sizes)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Tokens;

    fn batch(sequences: &[&[i64]]) -> TokenBatch {
        let tokens: Vec<Tokens> = sequences
            .iter()
            .map(|ids| Tokens { ids: ids.to_vec(), special: vec![false; ids.len()] })
            .collect();
        TokenBatch::from_tokens(&tokens, 0)
    }

    #[test]
    fn equal_lengths_are_packed_together_and_unpacked_again() {
        let packing = Packing::new(&batch(&[&[1, 2, 3], &[4], &[5, 6, 7]]), 9, None).unwrap();
        assert_eq!(packing.ids, [4, 1, 2, 3, 5, 6, 7]);
        assert_eq!(packing.columns, [0, 0, 1, 2, 0, 1, 2]);
        assert_eq!(
            packing.groups,
            [Group { start: 0, n_sequences: 1, length: 1 }, Group { start: 1, n_sequences: 2, length: 3 }]
        );
        let packed = Tensor::f_from_slice(&packing.ids).unwrap().f_reshape([7, 1]).unwrap();
        let places: Vec<i64> = packing.unpack(&packed).unwrap().f_reshape([-1]).unwrap().try_into().unwrap();
        assert_eq!(places, [1, 2, 3, 4, 4, 4, 5, 6, 7]);
        assert_eq!(packing.starts(), [1, 0, 4]);
    }

    #[test]
    fn a_batch_that_does_not_fit_is_an_error() {
        let text = |batch: &TokenBatch, limit| Packing::new(batch, 5, limit).unwrap_err().to_string();
        insta::assert_snapshot!(text(&batch(&[&[1, 9]]), None), @"token batch: row 0 contains id 9, the model has ids 0 to 4");
        insta::assert_snapshot!(text(&batch(&[]), None), @"token batch: 0 rows of ids and 0 lengths, expected equal numbers of at least 1");
        insta::assert_snapshot!(text(&batch(&[&[1], &[]]), None), @"token batch: row 1 has length 0, expected 1 to 1");
        assert!(matches!(
            Packing::new(&batch(&[&[1, 1, 1]]), 5, Some(2)),
            Err(ModelError::TooLong { tokens: 3, limit: 2 })
        ));
    }
}

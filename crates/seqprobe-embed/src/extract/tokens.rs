//! Token ids of distinct sequences within the model's limit, and the size of batches.

use crate::cache::distinct::{Distinct, RowDescription};
use crate::error::EmbedError;
use crate::extract::windows::weights;
use crate::spec::{ExtractionSpec, KeepEnd};
use rayon::prelude::*;
use seqprobe_core::DnaSequence;
use seqprobe_models::{FrozenModel, ModelError, Tokenize, Tokens};

/// What the model reads of one sequence: the whole sequence or its windows.
pub(crate) struct Pieces {
    /// At least one.
    pub(crate) tokens: Vec<Tokens>,
    /// Bases that each piece counts for.
    pub(crate) weights: Vec<f64>,
}

impl Pieces {
    pub(crate) fn n_tokens(&self) -> usize {
        self.tokens.iter().map(|tokens| tokens.ids.len()).sum()
    }
}

/// Returns the token ids of one distinct sequence (or of its reverse complement) or of its windows, and whether they
/// were truncated. `limit` is the number of tokens that the model takes.
pub(crate) fn pieces(
    tokenize: &Tokenize,
    limit: Option<usize>,
    spec: &ExtractionSpec,
    distinct: &Distinct<'_>,
    index: usize,
    sequence: &DnaSequence,
) -> Result<(Pieces, bool), EmbedError> {
    let ranges = spec.window.map_or_else(Vec::new, |window| window.ranges(sequence.len()));
    if ranges.len() < 2 {
        let (tokens, cut) = fitting(tokenize, limit, spec.keep_end, distinct, index, sequence)?;
        return Ok((Pieces { tokens: vec![tokens], weights: vec![sequence.len() as f64] }, cut));
    }
    let mut tokens = Vec::with_capacity(ranges.len());
    for part in ranges.iter().filter_map(|range| sequence.part(range.clone())) {
        tokens.push(fitting(tokenize, limit, KeepEnd::Error, distinct, index, &part)?.0);
    }
    Ok((Pieces { tokens, weights: weights(&ranges) }, false))
}

/// Returns the token ids of a sequence, and whether they were truncated.
fn fitting(
    tokenize: &Tokenize,
    limit: Option<usize>,
    keep_end: KeepEnd,
    distinct: &Distinct<'_>,
    index: usize,
    sequence: &DnaSequence,
) -> Result<(Tokens, bool), EmbedError> {
    let failed = |source: ModelError| {
        let RowDescription { row, sequence } = distinct.describe_row(index);
        EmbedError::Sequence { row, sequence, source: Box::new(source) }
    };
    let tokens = tokenize(sequence).map_err(failed)?;
    match limit {
        Some(limit) if tokens.ids.len() > limit => cut(&tokens, limit, keep_end)
            .map(|tokens| (tokens, true))
            .ok_or_else(|| failed(ModelError::TooLong { tokens: tokens.ids.len(), limit })),
        _ => Ok((tokens, false)),
    }
}

/// Checks that no sequence is too long before anything is computed; the error counts all of them.
pub(crate) fn require_within_limit(
    model: &FrozenModel,
    distinct: &Distinct<'_>,
    indices: impl Iterator<Item = usize>,
) -> Result<(), EmbedError> {
    let Some(limit) = model.encoder.spec().max_tokens else { return Ok(()) };
    let indices: Vec<usize> = indices.collect();
    let tokenize = model.tokenizer();
    let length = |&index: &usize| match tokenize(distinct.sequences[index]) {
        Ok(tokens) => Ok(tokens.ids.len()),
        Err(source) => {
            let RowDescription { row, sequence } = distinct.describe_row(index);
            Err(EmbedError::Sequence { row, sequence, source: Box::new(source) })
        }
    };
    let lengths: Vec<usize> = indices.par_iter().map(length).collect::<Result<_, _>>()?;
    let count = lengths.iter().filter(|&&length| length > limit).count();
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let at = lengths.iter().position(|&length| length == longest).map_or(0, |place| indices[place]);
    let total = indices.len();
    if count == 0 {
        return Ok(());
    }
    Err(EmbedError::TooLong { count, total, row: distinct.first_rows[at], longest, limit })
}

/// Keeps all special tokens, and as many others as the limit allows, from the part that is to be kept.
fn cut(tokens: &Tokens, limit: usize, keep_end: KeepEnd) -> Option<Tokens> {
    let n_special = tokens.special.iter().filter(|&&special| special).count();
    let n_plain = tokens.ids.len() - n_special;
    let n_kept = limit.checked_sub(n_special).filter(|&n_kept| n_kept > 0)?;
    let dropped = n_plain.checked_sub(n_kept)?;
    let first = match keep_end {
        KeepEnd::Error => return None,
        KeepEnd::Left => 0,
        KeepEnd::Right => dropped,
        KeepEnd::Center => dropped / 2,
    };
    let mut kept = Tokens { ids: Vec::with_capacity(limit), special: Vec::with_capacity(limit) };
    let mut plain = 0;
    for (&id, &special) in tokens.ids.iter().zip(&tokens.special) {
        if special || (first..first + n_kept).contains(&plain) {
            kept.ids.push(id);
            kept.special.push(special);
        }
        plain += usize::from(!special);
    }
    Some(kept)
}

/// Returns how many of the next rows make a batch.
///
/// A padded batch has at most `batch_tokens` tokens, or one row. The tokens of all rows are divided evenly among the
/// batches they need. A batch that fills a third of the budget ends before more than a sixth of it would be padding,
/// because some encoders compute padding. The result depends on the lengths and the budget alone.
pub(crate) fn next_batch(lengths: &[usize], batch_tokens: usize) -> usize {
    let share = lengths.iter().sum::<usize>().div_ceil(min_batches(lengths, batch_tokens));
    let (mut tokens, mut longest) = (0, 0);
    for (row, &length) in lengths.iter().enumerate() {
        longest = longest.max(length);
        let (padded, with) = (longest * (row + 1), tokens + length);
        let is_wasteful = 3 * tokens >= batch_tokens && 5 * padded > 6 * with;
        if row > 0 && (tokens >= share || padded > batch_tokens || is_wasteful) {
            return row;
        }
        tokens = with;
    }
    lengths.len()
}

/// Returns the smallest number of batches for the rows: each batch takes as many rows as the budget allows.
fn min_batches(lengths: &[usize], batch_tokens: usize) -> usize {
    let (mut batches, mut first, mut longest) = (1, 0, 0);
    for (row, &length) in lengths.iter().enumerate() {
        longest = longest.max(length);
        if row > first && longest * (row + 1 - first) > batch_tokens {
            batches += 1;
            (first, longest) = (row, length);
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cutting_keeps_special_tokens_and_the_part_asked_for() {
        let tokens = Tokens {
            ids: vec![100, 1, 2, 3, 4, 5, 200],
            special: vec![true, false, false, false, false, false, true],
        };
        let ids = |keep_end, limit| cut(&tokens, limit, keep_end).map(|tokens| tokens.ids);
        assert_eq!(ids(KeepEnd::Left, 4), Some(vec![100, 1, 2, 200]));
        assert_eq!(ids(KeepEnd::Right, 4), Some(vec![100, 4, 5, 200]));
        assert_eq!(ids(KeepEnd::Center, 5), Some(vec![100, 2, 3, 4, 200]));
        assert_eq!(ids(KeepEnd::Center, 4), Some(vec![100, 2, 3, 200]));
        assert_eq!(ids(KeepEnd::Error, 4), None);
        assert_eq!(ids(KeepEnd::Left, 2), None);
    }

    proptest! {
        #[test]
        fn batches_cover_all_rows_within_the_budget(
            lengths in prop::collection::vec(1_usize..30, 0..50),
            budget in 1_usize..100,
        ) {
            let mut rest = lengths.as_slice();
            while !rest.is_empty() {
                let (batch, others) = rest.split_at(next_batch(rest, budget));
                let longest = batch.iter().max().copied();
                prop_assert!(batch.len() == 1 || longest.unwrap() * batch.len() <= budget);
                prop_assert!(!batch.is_empty());
                rest = others;
            }
        }

        #[test]
        fn equal_rows_are_shared_evenly(length in 1_usize..60, rows in 1_usize..500, budget in 60_usize..2000) {
            let lengths = vec![length; rows];
            let (mut rest, mut sizes) = (lengths.as_slice(), Vec::new());
            while !rest.is_empty() {
                sizes.push(next_batch(rest, budget));
                rest = &rest[sizes[sizes.len() - 1]..];
            }
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            prop_assert!(most - least <= 1, "{:?}", sizes);
            prop_assert!(sizes.len() <= rows.div_ceil((budget / length).max(1)), "{:?}", sizes);
        }
    }
}

//! Token ids of distinct sequences within the model's limit, and their grouping into batches.

use crate::distinct::Distinct;
use crate::error::EmbedError;
use crate::key::{ExtractionSpec, Truncate};
use crate::window::weights;
use seqprobe_core::DnaSequence;
use seqprobe_models::{FrozenModel, ModelError, Tokens};
use std::ops::Range;

/// What the model reads of one sequence: the whole, or its windows.
pub(crate) struct Pieces {
    /// At least one.
    pub(crate) tokens: Vec<Tokens>,
    /// Letters that each piece stands for.
    pub(crate) weights: Vec<f64>,
}

impl Pieces {
    pub(crate) fn n_tokens(&self) -> usize {
        self.tokens.iter().map(|tokens| tokens.ids.len()).sum()
    }
}

/// Token ids of one distinct sequence (or of its other strand) or of its windows, and whether they were cut.
pub(crate) fn pieces(
    model: &FrozenModel,
    spec: &ExtractionSpec,
    distinct: &Distinct<'_>,
    index: usize,
    sequence: &DnaSequence,
) -> Result<(Pieces, bool), EmbedError> {
    let ranges = spec.window.map_or_else(Vec::new, |window| window.ranges(sequence.len()));
    if ranges.len() < 2 {
        let (tokens, cut) = tokenize(model, spec.truncate, distinct, index, sequence)?;
        return Ok((Pieces { tokens: vec![tokens], weights: vec![sequence.len() as f64] }, cut));
    }
    let mut tokens = Vec::with_capacity(ranges.len());
    for part in ranges.iter().filter_map(|range| sequence.part(range.clone())) {
        tokens.push(tokenize(model, Truncate::Error, distinct, index, &part)?.0);
    }
    Ok((Pieces { tokens, weights: weights(&ranges) }, false))
}

/// Token ids of a sequence, and whether they were cut.
fn tokenize(
    model: &FrozenModel,
    truncate: Truncate,
    distinct: &Distinct<'_>,
    index: usize,
    sequence: &DnaSequence,
) -> Result<(Tokens, bool), EmbedError> {
    let failed = |source: ModelError| {
        let (row, sequence) = distinct.name(index);
        EmbedError::Sequence { row, sequence, source: Box::new(source) }
    };
    let tokens = model.tokenize(sequence).map_err(failed)?;
    match model.encoder.spec().max_tokens {
        Some(limit) if tokens.ids.len() > limit => cut(&tokens, limit, truncate)
            .map(|tokens| (tokens, true))
            .ok_or_else(|| failed(ModelError::TooLong { tokens: tokens.ids.len(), limit })),
        _ => Ok((tokens, false)),
    }
}

/// Counts the sequences that are too long before anything is computed.
pub(crate) fn require_within_limit(
    model: &FrozenModel,
    distinct: &Distinct<'_>,
    indices: impl Iterator<Item = usize>,
) -> Result<(), EmbedError> {
    let Some(limit) = model.encoder.spec().max_tokens else { return Ok(()) };
    let (mut count, mut total, mut longest, mut at) = (0, 0, 0, 0);
    for index in indices {
        total += 1;
        let tokens = model.tokenize(distinct.sequences[index]).map_err(|source| {
            let (row, sequence) = distinct.name(index);
            EmbedError::Sequence { row, sequence, source: Box::new(source) }
        })?;
        let length = tokens.ids.len();
        if length > limit {
            count += 1;
            if length > longest {
                (longest, at) = (length, index);
            }
        }
    }
    if count == 0 {
        return Ok(());
    }
    Err(EmbedError::TooLong { count, total, row: distinct.first_rows[at], longest, limit })
}

/// Keeps all special tokens and as many others as the limit allows, from the part asked for.
fn cut(tokens: &Tokens, limit: usize, truncate: Truncate) -> Option<Tokens> {
    let n_special = tokens.special.iter().filter(|&&special| special).count();
    let n_plain = tokens.ids.len() - n_special;
    let room = limit.checked_sub(n_special).filter(|&room| room > 0)?;
    let dropped = n_plain.checked_sub(room)?;
    let first = match truncate {
        Truncate::Error => return None,
        Truncate::Left => 0,
        Truncate::Right => dropped,
        Truncate::Center => dropped / 2,
    };
    let mut kept = Tokens { ids: Vec::with_capacity(limit), special: Vec::with_capacity(limit) };
    let mut plain = 0;
    for (&id, &special) in tokens.ids.iter().zip(&tokens.special) {
        if special || (first..first + room).contains(&plain) {
            kept.ids.push(id);
            kept.special.push(special);
        }
        plain += usize::from(!special);
    }
    Some(kept)
}

/// Groups rows that follow each other so that a padded batch holds at most `batch_tokens` tokens, or one
/// row. Which rows share a batch depends on their lengths and the budget alone.
pub(crate) fn batches(lengths: &[usize], batch_tokens: usize) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let (mut start, mut longest) = (0, 0);
    for (row, &length) in lengths.iter().enumerate() {
        let padded = longest.max(length);
        if row > start && padded * (row + 1 - start) > batch_tokens {
            batches.push(start..row);
            (start, longest) = (row, length);
        } else {
            longest = padded;
        }
    }
    if start < lengths.len() {
        batches.push(start..lengths.len());
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
        let ids = |truncate, limit| cut(&tokens, limit, truncate).map(|tokens| tokens.ids);
        assert_eq!(ids(Truncate::Left, 4), Some(vec![100, 1, 2, 200]));
        assert_eq!(ids(Truncate::Right, 4), Some(vec![100, 4, 5, 200]));
        assert_eq!(ids(Truncate::Center, 5), Some(vec![100, 2, 3, 4, 200]));
        assert_eq!(ids(Truncate::Center, 4), Some(vec![100, 2, 3, 200]));
        assert_eq!(ids(Truncate::Error, 4), None);
        assert_eq!(ids(Truncate::Left, 2), None);
    }

    proptest! {
        #[test]
        fn batches_cover_all_rows_within_the_budget(
            lengths in prop::collection::vec(1_usize..30, 0..50),
            budget in 1_usize..100,
        ) {
            let mut next = 0;
            for batch in batches(&lengths, budget) {
                prop_assert_eq!(batch.start, next);
                let longest = lengths[batch.clone()].iter().max().unwrap();
                prop_assert!(batch.len() == 1 || longest * batch.len() <= budget);
                next = batch.end;
            }
            prop_assert_eq!(next, lengths.len());
        }
    }
}

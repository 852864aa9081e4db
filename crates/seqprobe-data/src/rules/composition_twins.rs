//! Rows of equal length, dinucleotide counts, first and last base: one is a dinucleotide shuffle of the other.

use super::lookup::{self, FindPartners, Use};
use super::outcome::{Fallback, NotApplicable, RulePredictions};
use super::positional_twins::identity;
use rayon::prelude::*;
use seqprobe_core::sequence::base_code;
use seqprobe_core::{Dataset, DnaSequence};
use std::collections::HashMap;

/// Shorter sequences have equal counts by chance.
const MIN_LENGTH: usize = 20;
/// Shuffles are less identical than this; others are near-copies.
const MAX_IDENTITY: f64 = 0.6;
/// Maximum number of twins of a row.
const MAX_TWINS: usize = 200;

pub(super) fn fit(dataset: &Dataset, fallback: &Fallback) -> Result<RulePredictions, NotApplicable> {
    lookup::fit(dataset, &CompositionTwins { dataset }, Use::Learn, fallback)
}

pub(super) struct CompositionTwins<'a> {
    pub(super) dataset: &'a Dataset,
}

/// First and last base, and the count of each pair of neighbouring bases (5 with N); the counts give the length.
type Key = (u8, u8, [u32; 25]);

impl FindPartners for CompositionTwins<'_> {
    fn partners(&self, known: &[usize], queries: &[usize]) -> Vec<Vec<usize>> {
        let sequences = &self.dataset.sequences;
        let keys: Vec<Option<Key>> = known.par_iter().map(|&row| key(&sequences[row])).collect();
        let mut rows_of: HashMap<Key, Vec<usize>> = HashMap::new();
        for (key, &row) in keys.into_iter().zip(known) {
            if let Some(key) = key {
                rows_of.entry(key).or_default().push(row);
            }
        }
        let search = |&row: &usize| {
            let rows = key(&sequences[row]).and_then(|key| rows_of.get(&key));
            let is_twin =
                |other: &usize| *other != row && identity(&sequences[row], &sequences[*other]) < MAX_IDENTITY;
            rows.into_iter().flatten().copied().filter(is_twin).take(MAX_TWINS).collect()
        };
        queries.par_iter().map(search).collect()
    }
}

fn key(sequence: &DnaSequence) -> Option<Key> {
    let bases = sequence.as_bytes();
    let (&first, &last) = (bases.first()?, bases.last()?);
    let mut counts = [0_u32; 25];
    for pair in bases.windows(2) {
        counts[usize::from(base_code(pair[0])) * 5 + usize::from(base_code(pair[1]))] += 1;
    }
    (bases.len() >= MIN_LENGTH).then_some((first, last, counts))
}

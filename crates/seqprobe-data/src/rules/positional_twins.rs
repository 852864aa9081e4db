//! Rows that share at least three 12-mers at the same offset: a sequence in which segments were replaced, and the
//! sequence that it was made from.

use super::lookup::{self, FindPartners, Use};
use super::outcome::{Fallback, NotApplicable, RulePredictions};
use super::postings::{Postings, sampling_rate};
use rayon::prelude::*;
use seqprobe_core::sequence::base_code;
use seqprobe_core::{Dataset, DnaSequence};

const K: u64 = 12;
const MIN_SHARED: u32 = 3;
/// Smallest share of equal bases at equal offsets.
const MIN_IDENTITY: f64 = 0.4;

pub(super) fn fit(dataset: &Dataset, fallback: &Fallback) -> Result<RulePredictions, NotApplicable> {
    lookup::fit(dataset, &PositionalTwins { dataset }, Use::Learn, fallback)
}

pub(super) struct PositionalTwins<'a> {
    pub(super) dataset: &'a Dataset,
}

impl FindPartners for PositionalTwins<'_> {
    fn partners(&self, known: &[usize], queries: &[usize]) -> Vec<Vec<usize>> {
        let sequences = &self.dataset.sequences;
        let rate = sampling_rate(sequences.iter().map(DnaSequence::len).sum());
        let postings = Postings::new(known.len(), rate, |place| words_at_offsets(&sequences[known[place]]));
        let search = |counts: &mut Vec<u32>, &row: &usize| {
            let shared = postings.shared(words_at_offsets(&sequences[row]), MIN_SHARED, counts);
            let rows = shared.into_iter().map(|(place, _)| known[place]);
            rows.filter(|&other| {
                let identity = identity(&sequences[row], &sequences[other]);
                other != row && (MIN_IDENTITY..1.0).contains(&identity)
            })
            .collect()
        };
        queries.par_iter().map_init(|| postings.counts(), search).collect()
    }
}

/// Each 12-mer without N, together with its offset.
fn words_at_offsets(sequence: &DnaSequence) -> Vec<u64> {
    let mask = (1 << (2 * K)) - 1;
    let (mut word, mut defined) = (0_u64, 0);
    let mut words = Vec::with_capacity(sequence.len());
    for (offset, &base) in (0_u64..).zip(sequence.as_bytes()) {
        let code = base_code(base);
        if code > 3 {
            defined = 0;
            continue;
        }
        word = ((word << 2) | u64::from(code)) & mask;
        defined += 1;
        if defined >= K {
            words.push(offset << (2 * K) | word);
        }
    }
    words
}

/// Equal bases at equal offsets from the start, as a share of the longer sequence.
pub(super) fn identity(left: &DnaSequence, right: &DnaSequence) -> f64 {
    let equal = left.as_bytes().iter().zip(right.as_bytes()).filter(|(left, right)| left == right).count();
    equal as f64 / left.len().max(right.len()) as f64
}

//! The training row with most shared canonical 12-mers.

use super::lookup::{self, FindPartners, Use};
use super::outcome::{Fallback, NotApplicable, RulePredictions};
use super::postings::{Postings, sampling_rate};
use rayon::prelude::*;
use seqprobe_core::sequence::base_code;
use seqprobe_core::{Dataset, DnaSequence};

/// Bases of a word.
const K: u64 = 12;
/// Fewest shared words.
const MIN_SHARED: u32 = 3;
/// Maximum number of equally near rows whose labels are averaged.
const MAX_TIES: usize = 50;

pub(super) fn fit(
    dataset: &Dataset,
    fallback: &Fallback,
    opposite: bool,
) -> Result<RulePredictions, NotApplicable> {
    let how = if opposite { Use::Flip } else { Use::Copy };
    lookup::fit(dataset, &Nearest { dataset }, how, fallback)
}

struct Nearest<'a> {
    dataset: &'a Dataset,
}

impl FindPartners for Nearest<'_> {
    fn partners(&self, known: &[usize], queries: &[usize]) -> Vec<Vec<usize>> {
        let sequences = &self.dataset.sequences;
        let rate = sampling_rate(sequences.iter().map(DnaSequence::len).sum());
        let postings = Postings::new(known.len(), rate, |place| canonical_words(&sequences[known[place]]));
        let search = |counts: &mut Vec<u32>, &row: &usize| {
            let mut shared = postings.shared(canonical_words(&sequences[row]), MIN_SHARED, counts);
            shared.retain(|&(place, _)| known[place] != row);
            let most = shared.iter().map(|&(_, n)| n).max();
            let nearest = shared.into_iter().filter(|&(_, n)| Some(n) == most);
            nearest.map(|(place, _)| known[place]).take(MAX_TIES).collect()
        };
        queries.par_iter().map_init(|| postings.counts(), search).collect()
    }
}

/// The canonical 12-mers of a sequence without N.
fn canonical_words(sequence: &DnaSequence) -> Vec<u64> {
    let mask = (1 << (2 * K)) - 1;
    let (mut forward, mut reverse, mut defined) = (0_u64, 0_u64, 0);
    let mut words = Vec::with_capacity(sequence.len());
    for &base in sequence.as_bytes() {
        let code = base_code(base);
        if code > 3 {
            defined = 0;
            continue;
        }
        forward = ((forward << 2) | u64::from(code)) & mask;
        reverse = (reverse >> 2) | (u64::from(3 - code) << (2 * (K - 1)));
        defined += 1;
        if defined >= K {
            words.push(forward.min(reverse));
        }
    }
    words
}

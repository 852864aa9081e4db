//! A baseline that predicts a base by counting its neighbours: a pretrained model should do better. Counts are taken
//! from both strands of the training windows, with the same weight for every base.

use crate::batches::Batch;
use crate::corpus::{Corpus, Window};
use seqprobe_core::DnaSequence;

/// Number of bases before and after the predicted base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flanks {
    pub(crate) before: usize,
    pub(crate) behind: usize,
}

/// Counts of each base in each context, and frequencies without context.
pub(crate) struct CountModel {
    flanks: Flanks,
    counts: Vec<[u32; 4]>,
    alone: [f64; 4],
}

impl CountModel {
    pub(crate) fn new(corpus: &Corpus, flanks: Flanks) -> Self {
        let contexts = 1_usize << (2 * (flanks.before + flanks.behind));
        let mut model = Self { flanks, counts: vec![[0; 4]; contexts], alone: [0.0; 4] };
        for (record, covered) in corpus.records.iter().zip(corpus.covered()) {
            if covered.is_empty() {
                continue;
            }
            model.count(&record.sequence, |place| covered[place]);
            let n = covered.len();
            model.count(&record.sequence.reverse_complement(), |place| covered[n - 1 - place]);
        }
        let sum: f64 = model.alone.iter().sum::<f64>() + 4.0;
        model.alone.iter_mut().for_each(|count| *count = (*count + 1.0) / sum);
        model
    }

    fn count(&mut self, sequence: &DnaSequence, is_counted: impl Fn(usize) -> bool) {
        let codes: Vec<u8> = sequence.codes().collect();
        for place in (0..codes.len()).filter(|&place| is_counted(place) && codes[place] < 4) {
            self.alone[usize::from(codes[place])] += 1.0;
            if let Some(context) = self.context(&codes, place) {
                self.counts[context][usize::from(codes[place])] += 1;
            }
        }
    }

    /// The index of a context; `None` at the ends of a sequence and next to N.
    fn context(&self, codes: &[u8], place: usize) -> Option<usize> {
        let start = place.checked_sub(self.flanks.before)?;
        let around = codes.get(start..=place + self.flanks.behind)?;
        let mut number = 0;
        for (_, &code) in around.iter().enumerate().filter(|(at, _)| *at != self.flanks.before) {
            if code > 3 {
                return None;
            }
            number = number << 2 | usize::from(code);
        }
        Some(number)
    }

    /// Bits of each target of a batch, with half a count added to each base (Krichevsky, Trofimov). Without context,
    /// the frequency of the base is used.
    pub(crate) fn bits(&self, corpus: &Corpus, windows: &[Window], batch: &Batch) -> Vec<f64> {
        let mut codes: Vec<u8> = Vec::new();
        let mut row_of_codes = usize::MAX;
        let mut margin = 0;
        batch
            .origins
            .iter()
            .map(|&(row, place)| {
                let window = windows[row];
                let sequence = &corpus.records[window.record].sequence;
                if row_of_codes != row {
                    margin = self.flanks.before.min(window.start);
                    let end = (window.start + corpus.length + self.flanks.behind).min(sequence.len());
                    codes = sequence.as_bytes()[window.start - margin..end]
                        .iter()
                        .map(|&letter| seqprobe_core::sequence::base_code(letter))
                        .collect();
                    row_of_codes = row;
                }
                let place = place + margin;
                let base = usize::from(codes[place]).min(3);
                let probability = match self.context(&codes, place) {
                    Some(context) => {
                        let counts = self.counts[context];
                        let sum: u32 = counts.iter().sum();
                        (f64::from(counts[base]) + 0.5) / (f64::from(sum) + 2.0)
                    }
                    None => self.alone[base],
                };
                -probability.log2()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{CorpusReport, Record};

    #[test]
    fn contexts_hold_the_neighbours_and_not_the_base() {
        let sequence = DnaSequence::parse("ACGTACGTNACG").unwrap().0;
        let n = sequence.len();
        let report: CorpusReport = serde_json::from_value(serde_json::json!({
            "files": [], "valid": [], "n_train": 1, "train_bases": 11, "n_valid": 0, "n_windows": 1, "left_out": [],
            "valid_kmers": 0, "shared_before": 0.0, "shared_after": 0.0
        }))
        .unwrap();
        let corpus = Corpus {
            records: vec![Record { name: "a".into(), sequence, soft_masked: vec![false; n] }],
            length: n,
            train: vec![Window { record: 0, start: 0 }],
            valid: Vec::new(),
            report,
        };
        let model = CountModel::new(&corpus, Flanks { before: 1, behind: 1 });
        // A·G around C: three times forward, twice on the reverse complement; C·T around G the other way round.
        let around = |before: usize, behind: usize| model.counts[before << 2 | behind];
        assert_eq!(around(0, 2), [0, 3 + 2, 0, 0]);
        assert_eq!(around(1, 3), [0, 0, 2 + 3, 0]);
        // Every strand is counted: as many A as T, as many C as G.
        let total: u32 = model.counts.iter().flatten().sum();
        assert_eq!(total, 2 * (6 + 1));
        approx::assert_relative_eq!(model.alone[0], model.alone[3]);
        approx::assert_relative_eq!(model.alone.iter().sum::<f64>(), 1.0);
    }
}

//! Batches: which windows a step reads, from which strand, and which bases are its targets. All of this follows from
//! the seed and the number of the window since the start, so that a run can resume from any step.

use crate::config::PretrainConfig;
use crate::corpus::{Corpus, Window};
use ndarray::Array2;
use rand::Rng;
use rand::seq::SliceRandom;
use seqprobe_core::Seed;
use seqprobe_models::{NucleotideIds, Objective, TokenBatch};

/// The tokens that a step reads and the bases that it predicts.
pub(crate) struct Batch {
    pub(crate) tokens: TokenBatch,
    /// `[targets]`: positions in the flattened batch at which scores are read.
    pub(crate) places: Vec<i64>,
    /// `[targets]`: token ids of the bases to predict.
    pub(crate) targets: Vec<i64>,
    /// `[targets]`: weights of the losses.
    pub(crate) weights: Vec<f32>,
    /// `[targets]`: window in the batch and base in the window (0-based), for evaluation.
    pub(crate) origins: Vec<(usize, usize)>,
}

/// What the model sees at the positions of the targets.
#[derive(Clone, Copy)]
pub(crate) struct Masking {
    pub(crate) share: f64,
    pub(crate) as_mask: f64,
    pub(crate) as_random: f64,
}

impl Masking {
    /// The masking of training, from the config.
    pub(crate) fn training(config: &PretrainConfig) -> Self {
        let training = &config.training;
        Self { share: training.mask, as_mask: training.as_mask, as_random: training.as_random }
    }

    /// The masking of evaluation: every target is masked.
    pub(crate) fn evaluation(config: &PretrainConfig) -> Self {
        Self { share: config.training.mask, as_mask: 1.0, as_random: 0.0 }
    }
}

/// Builds batches.
pub(crate) struct Batches<'a> {
    pub(crate) corpus: &'a Corpus,
    pub(crate) letters: NucleotideIds,
    pub(crate) objective: Objective,
    pub(crate) soft_masked_weight: f64,
    pub(crate) seed: Seed,
    pub(crate) reverses: bool,
    /// An epoch and the order of its windows.
    order: Option<(u64, Vec<u32>)>,
}

impl<'a> Batches<'a> {
    pub(crate) fn new(
        corpus: &'a Corpus,
        config: &PretrainConfig,
        letters: NucleotideIds,
        objective: Objective,
    ) -> Self {
        Self {
            corpus,
            letters,
            objective,
            soft_masked_weight: config.data.soft_masked_weight,
            seed: Seed(config.seed),
            reverses: config.data.reverse_complement,
            order: None,
        }
    }

    /// The batch of a step (0-based).
    pub(crate) fn training(&mut self, step: u64, size: usize, masking: Masking) -> Batch {
        let first = step * size as u64;
        let windows: Vec<(Window, Seed, bool)> = (first..first + size as u64)
            .map(|number| {
                let window = self.window(number);
                let seed = self.seed.derive("window").derive(&number.to_string());
                let is_reversed = self.reverses && seed.derive("strand").rng().random_bool(0.5);
                (window, seed.derive("mask"), is_reversed)
            })
            .collect();
        self.batch(&windows, masking)
    }

    /// A batch of given windows on the forward strand. The position of a window determines its targets.
    pub(crate) fn evaluation(&self, windows: &[Window], masking: Masking) -> Batch {
        let seed = self.seed.derive("evaluation");
        let windows: Vec<(Window, Seed, bool)> = windows
            .iter()
            .map(|&window| (window, seed.derive(&format!("{}:{}", window.record, window.start)), false))
            .collect();
        self.batch(&windows, masking)
    }

    /// The window with this number since the start. Every epoch has its own order.
    fn window(&mut self, number: u64) -> Window {
        let n_windows = self.corpus.train.len() as u64;
        let (epoch, place) = (number / n_windows, (number % n_windows) as usize);
        if self.order.as_ref().is_none_or(|(known, _)| *known != epoch) {
            let mut order: Vec<u32> = (0..n_windows as u32).collect();
            order.shuffle(&mut self.seed.derive("epoch").derive(&epoch.to_string()).rng());
            self.order = Some((epoch, order));
        }
        let at = self.order.as_ref().map_or(0, |(_, order)| order[place] as usize);
        self.corpus.train[at]
    }

    fn batch(&self, windows: &[(Window, Seed, bool)], masking: Masking) -> Batch {
        let length = self.corpus.length;
        let mut batch = Batch {
            tokens: TokenBatch {
                ids: Array2::from_elem((windows.len(), length), self.letters.unknown),
                lengths: vec![length; windows.len()],
                special: Array2::from_elem((windows.len(), length), false),
            },
            places: Vec::new(),
            targets: Vec::new(),
            weights: Vec::new(),
            origins: Vec::new(),
        };
        for (row, (window, seed, is_reversed)) in windows.iter().enumerate() {
            let record = &self.corpus.records[window.record];
            let range = window.start..window.start + length;
            let mut codes: Vec<u8> =
                record.sequence.as_bytes()[range.clone()].iter().map(|&letter| code(letter)).collect();
            let mut soft_masked = record.soft_masked[range].to_vec();
            if *is_reversed {
                codes.reverse();
                codes.iter_mut().for_each(|code| *code = if *code < 4 { 3 - *code } else { *code });
                soft_masked.reverse();
            }
            let weight = |place: usize| if soft_masked[place] { self.soft_masked_weight } else { 1.0 } as f32;
            for (place, &code) in codes.iter().enumerate() {
                if let Some(&id) = self.letters.acgt.get(usize::from(code)) {
                    batch.tokens.ids[[row, place]] = id;
                }
            }
            let mut add = |at: usize, target: usize, id: i64| {
                batch.places.push((row * length + at) as i64);
                batch.targets.push(id);
                batch.weights.push(weight(target));
                batch.origins.push((row, target));
            };
            let ids = codes.iter().map(|&code| self.letters.acgt.get(usize::from(code)).copied());
            match self.objective {
                Objective::Causal => ids
                    .enumerate()
                    .skip(1)
                    .filter_map(|(place, id)| Some((place, id?)))
                    .for_each(|(place, id)| add(place - 1, place, id)),
                Objective::Masked => {
                    let mut rng = seed.rng();
                    for (place, id) in ids.enumerate() {
                        let Some(id) = id.filter(|_| rng.random_bool(masking.share)) else { continue };
                        add(place, place, id);
                        let shown = &mut batch.tokens.ids[[row, place]];
                        let drawn: f64 = rng.random();
                        if drawn < masking.as_mask {
                            *shown = self.letters.mask.unwrap_or(self.letters.unknown);
                        } else if drawn < masking.as_mask + masking.as_random {
                            *shown = self.letters.acgt[rng.random_range(0..4)];
                        }
                    }
                }
            }
        }
        batch
    }
}

fn code(letter: u8) -> u8 {
    seqprobe_core::sequence::base_code(letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Places;

    const LETTERS: NucleotideIds = NucleotideIds { acgt: [3, 4, 5, 6], unknown: 2, mask: Some(1) };

    /// 40 windows of 100 letters: every tenth is N, every second half is in lower case. The held-out record is random.
    fn corpus(folder: &std::path::Path) -> (PretrainConfig, Corpus) {
        let mut rng = Seed(1).rng();
        let mut letters = |length: usize| -> String {
            let draw = |place: usize, drawn: u32| {
                let letter = ['A', 'C', 'G', 'T', 'A', 'C', 'G', 'T', 'A', 'N'][drawn as usize];
                if place % 100 < 50 { letter } else { letter.to_ascii_lowercase() }
            };
            (0..length).map(|place| draw(place, rng.random_range(0..10))).collect()
        };
        let text = format!(">a\n{}\n>b\n{}\n", letters(4000), letters(500));
        std::fs::write(folder.join("g.fa"), text).unwrap();
        let config = "schema = 1\nname = \"x\"\n[model]\nmodel_type = \"ConvNet\"\n[data]\nfiles = [{ path = \
         \"g.fa\" }]\nvalid = [\"b\"]\nwindow = 100\nstride = 100\n[training]\nsteps = 2\nbatch = \
         10\nlearning_rate = 1e-3\nvalid_every = 1\n";
        std::fs::write(folder.join("c.toml"), config).unwrap();
        let config = PretrainConfig::read(&folder.join("c.toml")).unwrap();
        let corpus = Corpus::read(&config, &Places::default(), &mut |_| {}).unwrap();
        (config, corpus)
    }

    #[test]
    fn targets_are_bases_that_are_there_and_never_n() {
        let folder = tempfile::tempdir().unwrap();
        let (config, corpus) = corpus(folder.path());
        assert_eq!((corpus.train.len(), corpus.valid.len()), (40, 5));
        let mut batches = Batches::new(&corpus, &config, LETTERS, Objective::Masked);
        let (mut n_targets, mut n_masked, mut n_same, mut n_light) = (0, 0, 0, 0);
        for step in 0..40 {
            let batch = batches.training(step, 10, Masking::training(&config));
            let again = batches.training(step, 10, Masking::training(&config));
            assert_eq!((&batch.tokens, &batch.places), (&again.tokens, &again.places));
            let shown: Vec<i64> = batch.tokens.ids.iter().copied().collect();
            assert!(shown.iter().all(|id| (1..=6).contains(id)));
            for ((place, target), weight) in batch.places.iter().zip(&batch.targets).zip(&batch.weights) {
                assert!((3..=6).contains(target));
                let shown = shown[*place as usize];
                assert_ne!(shown, LETTERS.unknown, "N is not a target");
                n_targets += 1;
                n_masked += usize::from(shown == 1);
                n_same += usize::from(shown == *target);
                n_light += usize::from(*weight < 0.5);
            }
        }
        let share = |n: usize| n as f64 / f64::from(n_targets);
        // 40,000 letters, 36,000 of them bases: 5,400 targets, standard error of a share at most 0.007.
        approx::assert_abs_diff_eq!(f64::from(n_targets) / 36_000.0, 0.15, epsilon = 0.01);
        approx::assert_abs_diff_eq!(share(n_masked), 0.8, epsilon = 0.02);
        approx::assert_abs_diff_eq!(share(n_same), 0.1 + 0.1 * 0.25, epsilon = 0.02);
        approx::assert_abs_diff_eq!(share(n_light), 0.5, epsilon = 0.03);
    }

    #[test]
    fn every_window_comes_once_an_epoch_and_either_strand_comes() {
        let folder = tempfile::tempdir().unwrap();
        let (config, corpus) = corpus(folder.path());
        let mut batches = Batches::new(&corpus, &config, LETTERS, Objective::Causal);
        let mut epochs = Vec::new();
        for epoch in 0..2 {
            let order: Vec<usize> = (0..40).map(|place| batches.window(epoch * 40 + place).start).collect();
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..40).map(|window| window * 100).collect::<Vec<_>>());
            epochs.push(order);
        }
        assert_ne!(epochs[0], epochs[1]);
        let batch = batches.training(0, 40, Masking::training(&config));
        let mut n_reversed = 0;
        for row in 0..40 {
            let window = batches.window(row);
            let sequence = corpus.sequence(&window).unwrap();
            let ids = |sequence: &seqprobe_core::DnaSequence| -> Vec<i64> {
                let id = |code: u8| LETTERS.acgt.get(usize::from(code)).copied().unwrap_or(2);
                sequence.codes().map(id).collect()
            };
            let read: Vec<i64> = batch.tokens.ids.row(row as usize).to_vec();
            let is_forward = read == ids(&sequence);
            assert!(is_forward || read == ids(&sequence.reverse_complement()));
            n_reversed += usize::from(!is_forward);
        }
        assert!((10..=30).contains(&n_reversed), "{n_reversed}");
        // The position before each base predicts it; nothing predicts the first base.
        for ((place, target), (row, at)) in batch.places.iter().zip(&batch.targets).zip(&batch.origins) {
            assert_eq!(*place as usize, row * 100 + at - 1);
            assert_eq!(*target, batch.tokens.ids[[*row, *at]]);
        }
    }
}

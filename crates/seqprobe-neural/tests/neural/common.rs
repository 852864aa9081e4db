//! A feature source in memory, small simulated data, and a fit on three consecutive parts of it.

use rand::Rng;
use seqprobe_core::{
    FeatureError, FeatureKind, FeatureSource, FeatureView, LabelledView, Probe, ProbeError, ProbeFit, Seed,
    Targets, Task, TaskKind,
};
use seqprobe_neural::{CnnProbe, CnnSettings, TrainingSettings};
use std::ops::{Range, RangeInclusive};

/// Rows of vectors in memory.
pub(crate) struct Memory {
    pub(crate) rows: Vec<Vec<f32>>,
    pub(crate) dim: usize,
    pub(crate) kind: FeatureKind,
}

impl FeatureSource for Memory {
    fn n_rows(&self) -> usize {
        self.rows.len()
    }

    fn dim(&self) -> usize {
        self.dim
    }

    fn kind(&self) -> FeatureKind {
        self.kind
    }

    fn length(&self, row: usize) -> usize {
        self.rows[row].len() / self.dim
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        rows.iter().for_each(|&row| out.extend(&self.rows[row]));
        Ok(())
    }
}

/// One-hot rows of random bases; `plant` may change the bases (0…3) of each row.
pub(crate) fn one_hot(
    n: usize,
    lengths: RangeInclusive<usize>,
    seed: u64,
    mut plant: impl FnMut(usize, &mut [u8]),
) -> Memory {
    let mut rng = Seed(seed).derive("letters").rng();
    let rows = (0..n)
        .map(|row| {
            let length = rng.random_range(lengths.clone());
            let mut letters: Vec<u8> = (0..length).map(|_| rng.random_range(0..4)).collect();
            plant(row, &mut letters);
            letters
                .iter()
                .flat_map(|&letter| (0..4).map(move |base| f32::from(u8::from(base == letter))))
                .collect()
        })
        .collect();
    Memory { rows, dim: 4, kind: FeatureKind::Tokens }
}

/// Alternating labels, and one-hot rows; those labelled 1 contain a motif at a random position.
pub(crate) fn motif(n: usize, lengths: RangeInclusive<usize>, seed: u64) -> (Memory, Vec<u32>) {
    const MOTIF: [u8; 8] = [3, 0, 3, 0, 0, 3, 2, 1];
    let labels: Vec<u32> = (0..n as u32).map(|row| row % 2).collect();
    let mut rng = Seed(seed).derive("places").rng();
    let source = one_hot(n, lengths, seed, |row, letters| {
        if row % 2 == 1 {
            let start = rng.random_range(0..=letters.len() - MOTIF.len());
            letters[start..start + MOTIF.len()].copy_from_slice(&MOTIF);
        }
    });
    (source, labels)
}

/// Pooled rows of uniform values in ±0.5.
pub(crate) fn pooled(n: usize, dim: usize, seed: u64) -> Memory {
    let mut rng = Seed(seed).derive("values").rng();
    let rows = (0..n).map(|_| (0..dim).map(|_| rng.random::<f32>() - 0.5).collect()).collect();
    Memory { rows, dim, kind: FeatureKind::Pooled }
}

/// A task with these targets and classes.
pub(crate) fn task(kind: TaskKind, targets: &[&str], classes: &[&str]) -> Task {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Task { kind, targets: owned(targets), classes: owned(classes) }
}

pub(crate) fn binary() -> Task {
    task(TaskKind::Binary, &["y"], &["no", "yes"])
}

pub(crate) fn classes(labels: &[u32], n_classes: usize) -> Targets {
    Targets::Classes { labels: labels.to_vec(), n_classes }
}

/// A small, quick cnn.
pub(crate) fn small_cnn(max_epochs: usize) -> CnnProbe {
    CnnProbe::new(CnnSettings {
        reduction_width: 16,
        channels: 24,
        training: TrainingSettings { max_epochs, batch_size: 32, ..TrainingSettings::default() },
        ..CnnSettings::default()
    })
}

/// Fits on the first `train` rows and chooses on the next `valid`.
pub(crate) fn fit(
    probe: &dyn Probe,
    task: &Task,
    source: &Memory,
    targets: &Targets,
    (train, valid): (usize, usize),
    seed: u64,
) -> Result<ProbeFit, ProbeError> {
    let rows: [Vec<usize>; 2] = [(0..train).collect(), (train..train + valid).collect()];
    let targets = [targets.select(&rows[0]), targets.select(&rows[1])];
    let view = |part: usize| LabelledView {
        features: FeatureView::new(source, &rows[part]).unwrap(),
        targets: &targets[part],
        groups: None,
    };
    probe.fit(task, view(0), view(1), Seed(seed))
}

/// Predictions for a range of rows.
pub(crate) fn predict(fit: &ProbeFit, source: &Memory, rows: Range<usize>) -> ndarray::Array2<f64> {
    let rows: Vec<usize> = rows.collect();
    fit.fitted.predict(&FeatureView::new(source, &rows).unwrap()).unwrap()
}

/// Area under the ROC curve by counting pairs.
pub(crate) fn auroc(labels: &[u32], scores: impl IntoIterator<Item = f64>) -> f64 {
    let pairs: Vec<(u32, f64)> = labels.iter().copied().zip(scores).collect();
    let (mut wins, mut count) = (0.0, 0.0);
    for (_, positive) in pairs.iter().filter(|(label, _)| *label == 1) {
        for (_, negative) in pairs.iter().filter(|(label, _)| *label == 0) {
            count += 1.0;
            wins += if positive > negative { 1.0 } else { 0.5 * f64::from(u8::from(positive >= negative)) };
        }
    }
    wins / count
}

//! Simulated tasks whose best possible predictions are known: each dataset has them as its `oracle`.

mod background;
mod motif;
mod tasks;
mod write_csv;

use crate::error::DataError;
use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use seqprobe_core::config::nearest;
use seqprobe_core::dataset::Origin;
use seqprobe_core::{BaseCounts, Dataset, DnaSequence, Seed, Split, Splits, Targets, Task, TaskKind};
use std::collections::BTreeSet;
use tasks::Example;
pub use write_csv::write_csv;

/// Rows per split and sequence length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Training rows.
    pub train: usize,
    /// Validation rows.
    pub valid: usize,
    /// Test rows.
    pub test: usize,
    /// Bases per sequence.
    pub length: usize,
}

impl Sizes {
    /// The sizes when a suite names only the task: 1500, 500 and 1000 rows of 100 bases.
    pub const DEFAULT: Self = Self { train: 1500, valid: 500, test: 1000, length: 100 };

    fn rows(&self, split: Split) -> usize {
        match split {
            Split::Train => self.train,
            Split::Valid => self.valid,
            Split::Test => self.test,
        }
    }
}

/// One simulated task.
pub struct SimulatedTask {
    /// The name after `sim:`.
    pub name: &'static str,
    /// One line that says what it is.
    pub title: &'static str,
    /// What decides the target, and which features can predict it.
    pub description: &'static str,
    /// The kind of task.
    pub kind: TaskKind,
    /// Primary metric.
    pub metric: &'static str,
    /// Minimum length of the sequences, in bases.
    pub min_length: usize,
    draw: fn(&mut ChaCha8Rng, usize) -> Example,
}

/// All simulated tasks.
pub static SIMULATED: &[SimulatedTask] = &[
    SimulatedTask {
        name: "motif-anywhere",
        title: "Simulated: one CTCF site anywhere, or none",
        description: "A motif of 12 bases at a random position, or background only; needs features that do not depend \
            on position.",
        kind: TaskKind::Binary,
        metric: "auroc",
        min_length: 13,
        draw: tasks::motif_anywhere,
    },
    SimulatedTask {
        name: "motif-fixed",
        title: "Simulated: one AP-1 site in the middle, or elsewhere",
        description: "Both classes contain the motif, only its position differs; composition and k-mers do not \
            predict the class.",
        kind: TaskKind::Binary,
        metric: "auroc",
        min_length: 8,
        draw: tasks::motif_fixed,
    },
    SimulatedTask {
        name: "motif-order",
        title: "Simulated: AP-1 before GATA and near, or in the other order, or far apart",
        description: "Both classes contain both motifs; the class depends on their order and spacing, so features \
            must combine positions.",
        kind: TaskKind::Binary,
        metric: "auroc",
        min_length: 44,
        draw: tasks::motif_order,
    },
    SimulatedTask {
        name: "additive",
        title: "Simulated: a value that grows with AP-1 and GATA sites and saturates",
        description: "Regression on two motif strengths with a negative interaction and normal noise of standard \
            deviation 0.25.",
        kind: TaskKind::Regression,
        metric: "pearson",
        min_length: 7,
        draw: tasks::additive,
    },
    SimulatedTask {
        name: "gc",
        title: "Simulated: 55% or 45% of G and C",
        description: "Independent bases; the classes differ in composition only.",
        kind: TaskKind::Binary,
        metric: "auroc",
        min_length: 1,
        draw: tasks::gc,
    },
    SimulatedTask {
        name: "null",
        title: "Simulated: nothing to learn",
        description: "Background sequences with random classes; a score above chance is luck or a leak.",
        kind: TaskKind::Binary,
        metric: "auroc",
        min_length: 1,
        draw: tasks::null,
    },
];

/// The name in a dataset id `sim:<name>`, `None` for other ids.
pub fn simulated_name(dataset_id: &str) -> Option<&str> {
    dataset_id.strip_prefix("sim:")
}

/// Generates a simulated dataset. The same arguments give the same bytes on every machine whose `exp` and `ln` agree.
/// Its id is `sim:<name>`.
///
/// # Errors
/// [`DataError::Simulation`] for an unknown name, with the nearest name as a hint, or for sizes that are too small.
pub fn simulated(name: &str, seed: Seed, sizes: Sizes) -> Result<Dataset, DataError> {
    let name = simulated_name(name).unwrap_or(name);
    let Some(task) = SIMULATED.iter().find(|task| task.name == name) else {
        let names: Vec<&str> = SIMULATED.iter().map(|task| task.name).collect();
        let hint = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean \"sim:{near}\"?"),
            None => format!("the simulated tasks are {}", names.join(", ")),
        };
        return Err(DataError::Simulation(format!("unknown simulated task {name:?}\n  hint: {hint}")));
    };
    if sizes.length < task.min_length {
        return Err(too_small(task, &format!("sequences of {} bases", sizes.length)));
    }
    let mut examples = Vec::new();
    let mut example_ids = Vec::new();
    let mut rows_of = Vec::new();
    for split in Split::ALL {
        let mut rng = seed.derive("simulate").derive(task.name).derive(split.as_str()).rng();
        let first = examples.len();
        for row in 0..sizes.rows(split) {
            examples.push((task.draw)(&mut rng, sizes.length));
            example_ids.push(format!("{}:{row}", split.as_str()));
        }
        let classes: BTreeSet<u64> =
            examples[first..].iter().map(|example| example.target.to_bits()).collect();
        if classes.len() < 2 {
            let what = format!("{} {} rows without two different targets", sizes.rows(split), split.as_str());
            return Err(too_small(task, &what));
        }
        rows_of.push((first..examples.len()).collect::<Vec<_>>());
    }
    let mut rows_of = rows_of.into_iter();
    let mut next = || rows_of.next().unwrap_or_default();
    let splits = Splits { train: next(), valid: next(), test: next() };
    let oracle = examples.iter().map(|example| example.oracle).collect::<Vec<_>>();
    let sequences = examples
        .iter()
        .map(|example| DnaSequence::from_codes(&example.codes))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|cause| DataError::Simulation(format!("simulated task {name:?}: {cause}")))?;
    let n_bases = (examples.len() * sizes.length) as u64;
    Ok(Dataset {
        id: format!("sim:{}", task.name),
        title: task.title.to_owned(),
        task: Task {
            kind: task.kind,
            targets: vec![tasks::target_name(task.kind).to_owned()],
            classes: if task.kind == TaskKind::Binary {
                vec!["0".to_owned(), "1".to_owned()]
            } else {
                Vec::new()
            },
        },
        metric: task.metric.to_owned(),
        example_ids,
        sequences,
        targets: targets_of(task.kind, &examples),
        splits,
        clusters: None,
        letters: BaseCounts { total: n_bases, ..BaseCounts::default() },
        oracle: Some(column(oracle)),
        notes: vec![task.description.to_owned()],
        origin: Origin {
            licence: "CC0-1.0".to_owned(),
            citation: "simulated by seqprobe".to_owned(),
            source: String::new(),
            published: Vec::new(),
        },
    })
}

fn too_small(task: &SimulatedTask, what: &str) -> DataError {
    DataError::Simulation(format!(
        "simulated task {:?} cannot have {what}\n  hint: it needs {} bases or more and, in every split, rows of both \
        classes",
        task.name, task.min_length
    ))
}

fn targets_of(kind: TaskKind, examples: &[Example]) -> Targets {
    if kind == TaskKind::Regression {
        return Targets::Values {
            values: column(examples.iter().map(|example| Some(example.target)).collect()),
        };
    }
    let labels = examples.iter().map(|example| u32::from(example.target > 0.5)).collect();
    Targets::Classes { labels, n_classes: 2 }
}

/// # Shapes
/// `values`: `[rows]`; the result: `[rows, 1]`
fn column<T: Clone>(values: Vec<T>) -> Array2<T> {
    ndarray::Array1::from_vec(values).insert_axis(ndarray::Axis(1))
}

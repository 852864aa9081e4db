//! What a fit is given of the training and validation splits: all of it, permuted labels, or a part of the training
//! rows. The parts of one draw are nested; the test split is never touched.

use rand::seq::SliceRandom;
use seqprobe_core::{Dataset, Seed, Split, Targets, TaskKind};
use seqprobe_report::record::Fraction;
use std::collections::BTreeSet;

/// Raised when the same seeds would permute or draw otherwise; part of the keys of such cells.
pub(crate) const DRAWS_VERSION: u32 = 1;

/// What the fits of a cell train on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Training {
    /// The whole training split.
    Whole,
    /// The whole training split with the labels of train and valid permuted, each within its split.
    Shuffled,
    /// A part of the training split.
    Part(Fraction),
}

/// Rows, targets and groups that a fit sees.
pub(crate) struct FitRows {
    pub(crate) train_rows: Vec<usize>,
    pub(crate) train: Targets,
    pub(crate) valid: Targets,
    pub(crate) train_groups: Option<Vec<u32>>,
    pub(crate) valid_groups: Option<Vec<u32>>,
}

impl FitRows {
    /// What draw number `draw` gives; the whole split is the same in every draw.
    pub(crate) fn of(dataset: &Dataset, training: Training, draw: u64) -> Self {
        let train_rows = match training {
            Training::Part(fraction) => part_of_train(dataset, fraction.get(), draw),
            Training::Whole | Training::Shuffled => dataset.splits.train.clone(),
        };
        let valid_rows = dataset.splits.rows(Split::Valid);
        let groups = |rows: &[usize]| {
            let clusters = dataset.clusters.as_ref()?;
            Some(rows.iter().map(|&row| clusters.ids()[row]).collect())
        };
        let targets = |rows: &[usize], split: &str| match training {
            Training::Shuffled => dataset.targets.select(&permuted(rows, split, draw)),
            Training::Whole | Training::Part(_) => dataset.targets.select(rows),
        };
        Self {
            train: targets(&train_rows, "train"),
            valid: targets(valid_rows, "valid"),
            train_groups: groups(&train_rows),
            valid_groups: groups(valid_rows),
            train_rows,
        }
    }
}

fn permuted(rows: &[usize], split: &str, draw: u64) -> Vec<usize> {
    let mut rows = rows.to_vec();
    rows.shuffle(&mut Seed(draw).derive(&format!("shuffled labels/{split}")).rng());
    rows
}

/// A part of the training rows, in the order of the split.
///
/// Class tasks without clusters: the same share of every class, one example of it at least. Else whole
/// clusters (or single examples), first those that are needed so that no class is missing, then as many as the
/// fraction asks for. A larger fraction of the same draw holds the smaller one.
fn part_of_train(dataset: &Dataset, fraction: f64, draw: u64) -> Vec<usize> {
    let mut rng = Seed(draw).derive("part of train").rng();
    let mut order = dataset.splits.train.clone();
    order.shuffle(&mut rng);
    let wanted = |n: usize| ((n as f64 * fraction).round() as usize).clamp(1, n.max(1));
    let mut part = match (&dataset.targets, &dataset.clusters) {
        (Targets::Classes { labels, n_classes }, None) => (0..*n_classes as u32)
            .flat_map(|class| {
                let of_class: Vec<usize> =
                    order.iter().copied().filter(|&row| labels[row] == class).collect();
                let n = wanted(of_class.len());
                of_class.into_iter().take(n).collect::<Vec<_>>()
            })
            .collect(),
        (targets, clusters) => {
            let mut units: Vec<Vec<usize>> = Vec::new();
            match clusters {
                None => units.extend(order.iter().map(|&row| vec![row])),
                Some(clusters) => {
                    let mut place_of = std::collections::HashMap::new();
                    for &row in &order {
                        let place = *place_of.entry(clusters.ids()[row]).or_insert_with(|| {
                            units.push(Vec::new());
                            units.len() - 1
                        });
                        units[place].push(row);
                    }
                }
            }
            let is_multilabel = dataset.task.kind == TaskKind::Multilabel;
            let n_needed = bring_needed_units_to_the_front(&mut units, targets, is_multilabel);
            let n = wanted(order.len());
            let mut part: Vec<usize> = Vec::new();
            for (number, unit) in units.into_iter().enumerate() {
                if number >= n_needed && part.len() >= n {
                    break;
                }
                part.extend(unit);
            }
            part
        }
    };
    part.sort_unstable();
    part
}

/// Moves the first unit that holds something not seen before it to the front, as often as there is one; returns
/// how many were moved.
fn bring_needed_units_to_the_front(
    units: &mut Vec<Vec<usize>>,
    targets: &Targets,
    is_multilabel: bool,
) -> usize {
    let mut seen = BTreeSet::new();
    let (mut needed, mut others) = (Vec::new(), Vec::new());
    for unit in units.drain(..) {
        let mut is_new = false;
        for &row in &unit {
            for kind in kinds_of(targets, row, is_multilabel) {
                is_new |= seen.insert(kind);
            }
        }
        if is_new { needed.push(unit) } else { others.push(unit) }
    }
    let n_needed = needed.len();
    units.append(&mut needed);
    units.append(&mut others);
    n_needed
}

/// What a row shows of each target: its class, yes or no, or that a number is known.
fn kinds_of(targets: &Targets, row: usize, is_multilabel: bool) -> Vec<(usize, u32)> {
    match targets {
        Targets::Classes { labels, .. } => vec![(0, labels[row])],
        Targets::Values { values } => {
            let known = values.row(row).into_iter().enumerate();
            known
                .filter_map(|(target, value)| {
                    value.map(|value| (target, u32::from(is_multilabel && value >= 0.5)))
                })
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// 70 training examples, 10 of them positive.
    fn dataset(clusters: bool) -> Dataset {
        let mut dataset = crate::test_fixtures::dataset(15, clusters);
        let labels = (0..100).map(|row| u32::from(row % 7 == 0)).collect();
        dataset.targets = Targets::Classes { labels, n_classes: 2 };
        dataset
    }

    fn n_positive(targets: &Targets) -> usize {
        let Targets::Classes { labels, .. } = targets else { panic!("{targets:?}") };
        labels.iter().filter(|&&label| label == 1).count()
    }

    #[test]
    fn parts_are_nested_stratified_and_differ_between_draws() {
        let dataset = dataset(false);
        let part =
            |fraction, draw| FitRows::of(&dataset, Training::Part(Fraction::new(fraction).unwrap()), draw);
        for draw in 0..3 {
            let mut smaller: Vec<usize> = Vec::new();
            for (fraction, n, positive) in [(0.01, 2, 1), (0.1, 7, 1), (0.5, 35, 5), (1.0, 70, 10)] {
                let rows = part(fraction, draw);
                assert_eq!((rows.train_rows.len(), n_positive(&rows.train)), (n, positive), "{fraction}");
                assert!(rows.train_rows.is_sorted());
                assert!(smaller.iter().all(|row| rows.train_rows.contains(row)), "{fraction} of draw {draw}");
                assert!(rows.train_rows.iter().all(|row| dataset.splits.train.contains(row)));
                assert_eq!(rows.valid, dataset.targets.select(&dataset.splits.valid));
                smaller = rows.train_rows;
            }
        }
        assert_ne!(part(0.5, 0).train_rows, part(0.5, 1).train_rows);
        assert_eq!(part(0.5, 1).train_rows, part(0.5, 1).train_rows);
        assert_eq!(part(1.0, 2).train_rows, dataset.splits.train);
    }

    #[test]
    fn groups_stay_whole_and_no_class_vanishes() {
        let dataset = dataset(true);
        let ids = dataset.clusters.as_ref().unwrap().ids();
        for draw in 0..5 {
            let mut smaller: Vec<usize> = Vec::new();
            for fraction in [0.02, 0.1, 0.3, 0.8, 1.0] {
                let rows = FitRows::of(&dataset, Training::Part(Fraction::new(fraction).unwrap()), draw);
                for &row in &rows.train_rows {
                    let group = dataset.splits.train.iter().filter(|&&other| ids[other] == ids[row]);
                    assert!(group.into_iter().all(|other| rows.train_rows.contains(other)));
                }
                let positive = n_positive(&rows.train);
                assert!(positive > 0 && positive < rows.train_rows.len());
                assert!(smaller.iter().all(|row| rows.train_rows.contains(row)));
                assert!(rows.train_rows.len() >= (70.0 * fraction) as usize);
                assert!(
                    rows.train_rows.len() <= (70.0 * fraction) as usize + 12,
                    "{}",
                    rows.train_rows.len()
                );
                assert_eq!(rows.train_groups.unwrap().len(), rows.train_rows.len());
                smaller = rows.train_rows;
            }
        }
    }

    #[test]
    fn every_label_of_a_multilabel_task_stays_known_both_ways() {
        let mut dataset = dataset(false);
        let value = |(row, target): (usize, usize)| match (row, target) {
            (13, 0) => Some(1.0),
            (29, 1) => Some(0.0),
            (_, 0) => Some(0.0),
            (row, _) => (row % 3 == 0).then_some(1.0),
        };
        dataset.task.kind = TaskKind::Multilabel;
        dataset.targets = Targets::Values { values: Array2::from_shape_fn((100, 2), value) };
        for draw in 0..5 {
            let rows = FitRows::of(&dataset, Training::Part(Fraction::new(0.1).unwrap()), draw).train_rows;
            assert!(rows.contains(&13) && rows.contains(&29), "{rows:?}");
            assert_eq!(rows.len(), 7);
        }
    }

    #[test]
    fn shuffled_labels_are_the_same_labels_in_another_order() {
        let dataset = dataset(true);
        let whole = FitRows::of(&dataset, Training::Whole, 0);
        let shuffled = FitRows::of(&dataset, Training::Shuffled, 0);
        assert_eq!(shuffled.train_rows, whole.train_rows);
        assert_eq!(n_positive(&shuffled.train), n_positive(&whole.train));
        assert_eq!(n_positive(&shuffled.valid), n_positive(&whole.valid));
        assert_ne!(shuffled.train, whole.train);
        assert_ne!(shuffled.train, FitRows::of(&dataset, Training::Shuffled, 1).train);
        assert_eq!(whole.train, FitRows::of(&dataset, Training::Whole, 1).train);
    }
}

//! Rows that are read again in each pass, and targets with rows missing at random.

use crate::support::{Memory, Splitmix};
use ndarray::{Array2, Axis};
use seqprobe_core::{FeatureView, LabelledView, Probe, ProbeFit, Seed, Targets, Task, TaskKind};
use seqprobe_linear::{LinearProbe, Selection, exact_ridge};

const TRAIN: usize = 600;
const ROWS: usize = 800;

fn task(kind: TaskKind, n_targets: usize, n_classes: usize) -> Task {
    let names = |letter: &str, n: usize| (0..n).map(|i| format!("{letter}{i}")).collect();
    Task { kind, targets: names("t", n_targets), classes: names("c", n_classes) }
}

fn fit(probe: &LinearProbe, task: &Task, source: &Memory, targets: &Targets) -> (ProbeFit, Array2<f64>) {
    let (train, valid): (Vec<usize>, Vec<usize>) = ((0..TRAIN).collect(), (TRAIN..ROWS).collect());
    let (train_targets, valid_targets) = (targets.select(&train), targets.select(&valid));
    let view = |rows| FeatureView::new(source, rows).unwrap();
    let train = LabelledView { features: view(&train), targets: &train_targets, groups: None };
    let valid = LabelledView { features: view(&valid), targets: &valid_targets, groups: None };
    let fit = probe.fit(task, train, valid, Seed(0)).unwrap();
    let predictions = fit.fitted.predict(&valid.features).unwrap();
    (fit, predictions)
}

/// `n_targets` values that follow the features with noise, a share of them missing at random.
fn values(features: &Array2<f64>, n_targets: usize, missing: f64) -> Array2<Option<f64>> {
    let mut numbers = Splitmix(8);
    let truth = numbers.matrix(features.ncols(), n_targets);
    features.dot(&truth).mapv(|value| {
        let noise = numbers.centred();
        (numbers.uniform() >= missing).then_some(value + noise + 3.0)
    })
}

#[test]
fn a_tiny_memory_budget_gives_the_same_bits() {
    // More and fewer rows than columns.
    for columns in [40, 700] {
        let features = Splitmix(5).matrix(ROWS, columns) * 2.0 + 1.0;
        let source = Memory::pooled(features.view());
        let values = values(&features, 3, 0.2);
        let above = |value: f64, limit: f64| u32::from(value > limit);
        let first = features.column(0);
        let labels = |n_classes: usize| Targets::Classes {
            labels: first
                .iter()
                .map(|&v| if n_classes == 2 { above(v, 1.0) } else { above(v, 0.5) + above(v, 1.5) })
                .collect(),
            n_classes,
        };
        let yes_no = values.mapv(|value| value.map(|value| f64::from(u8::from(value > 3.0))));
        for (task, targets) in [
            (task(TaskKind::Binary, 1, 2), labels(2)),
            (task(TaskKind::Multiclass, 1, 3), labels(3)),
            (task(TaskKind::Multilabel, 3, 0), Targets::Values { values: yes_no }),
            (task(TaskKind::Regression, 3, 0), Targets::Values { values }),
        ] {
            let held = LinearProbe { penalties: vec![1.0, 100.0], ..LinearProbe::default() };
            let read = LinearProbe { memory_budget_bytes: 0, ..held.clone() };
            assert_eq!(held.settings(), read.settings());
            let ((one, expected), (other, got)) =
                (fit(&held, &task, &source, &targets), fit(&read, &task, &source, &targets));
            assert_eq!(got, expected, "{:?} with {columns} columns", task.kind);
            assert_eq!(one.report, other.report);
            assert_eq!(one.fitted.store(), other.fitted.store());
        }
    }
}

#[test]
fn many_targets_with_random_gaps_are_each_fitted_on_their_own_rows() {
    for missing in [0.1, 0.6] {
        let features = Splitmix(6).matrix(ROWS, 30);
        let source = Memory::pooled(features.view());
        let values = values(&features, 20, missing);
        let targets = Targets::Values { values: values.clone() };
        for penalty in [1e-3, 50.0] {
            let probe = LinearProbe { penalties: vec![penalty], ..LinearProbe::default() };
            let (_, predicted) = fit(&probe, &task(TaskKind::Regression, 20, 0), &source, &targets);
            // The probe standardises on all training rows, also on those without the target.
            let stored = source.values.mapv(f64::from);
            let own = stored.select(Axis(0), &(0..TRAIN).collect::<Vec<_>>());
            let standardise = |values: &Array2<f64>| {
                (values - &own.mean_axis(Axis(0)).unwrap()) / own.std_axis(Axis(0), 0.0)
            };
            let valid = standardise(&stored.select(Axis(0), &(TRAIN..ROWS).collect::<Vec<_>>()));
            let own = standardise(&own);
            for target in 0..20 {
                let known: Vec<usize> = (0..TRAIN).filter(|&row| values[(row, target)].is_some()).collect();
                assert!(known.len() < TRAIN);
                let truth =
                    Array2::from_shape_fn((known.len(), 1), |(row, _)| values[(known[row], target)].unwrap());
                let model = exact_ridge(own.select(Axis(0), &known).view(), truth.view(), penalty).unwrap();
                let off = &model.values(&valid).column(0) - &predicted.column(target);
                assert!(off.iter().all(|off| off.abs() < 1e-9), "target {target}, penalty {penalty}: {off}");
            }
        }
    }
}

#[test]
fn folds_serve_many_targets_with_gaps() {
    let features = Splitmix(6).matrix(ROWS, 30);
    let source = Memory::pooled(features.view());
    let targets = Targets::Values { values: values(&features, 5, 0.3) };
    let probe = LinearProbe {
        penalties: vec![1e-2, 10.0, 1e5],
        selection: Selection::KFold { folds: 4, grouping: seqprobe_linear::FoldGrouping::Auto },
        ..LinearProbe::default()
    };
    let (fit, _) = fit(&probe, &task(TaskKind::Regression, 5, 0), &source, &targets);
    assert_ne!(fit.report.chosen["penalty"], "100000");
    // The noise has a variance of 4/12.
    let loss = fit.report.validation_loss.unwrap();
    assert!((0.2..0.5).contains(&loss), "{loss}");
}

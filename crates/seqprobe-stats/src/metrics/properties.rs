//! Properties of all metrics on random inputs. The most important one: weights give the score of the resample that they
//! describe.

use crate::metrics::errors::{InputError, Undefined};
use crate::metrics::metric::{Metric, MetricTask};
use crate::metrics::registry::{METRICS, metric};
use crate::metrics::truth::Truth;
use crate::metrics::weighted::{LANES, RowWeights, finite_scores, plain_score};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Owned true values of any kind.
#[derive(Clone, Debug)]
enum Owned {
    Binary(Vec<bool>),
    Classes(Vec<u32>),
    Multilabel(Vec<Option<bool>>),
    Regression(Vec<Option<f64>>),
}

/// Number of classes or targets of the kinds that have several.
const WIDTH: usize = 3;

impl Owned {
    fn truth(&self) -> Truth<'_> {
        match self {
            Self::Binary(labels) => Truth::Binary(labels),
            Self::Classes(labels) => Truth::Classes { labels, n_classes: WIDTH },
            Self::Multilabel(values) => Truth::Multilabel { values, n_targets: WIDTH },
            Self::Regression(values) => Truth::Regression { values, n_targets: WIDTH },
        }
    }

    /// Returns the given rows in the given order, with repeats.
    fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Binary(labels) => Self::Binary(pick(labels, rows, 1)),
            Self::Classes(labels) => Self::Classes(pick(labels, rows, 1)),
            Self::Multilabel(values) => Self::Multilabel(pick(values, rows, WIDTH)),
            Self::Regression(values) => Self::Regression(pick(values, rows, WIDTH)),
        }
    }
}

fn pick<T: Clone>(values: &[T], rows: &[usize], width: usize) -> Vec<T> {
    rows.iter().flat_map(|row| values[row * width..(row + 1) * width].iter().cloned()).collect()
}

/// True values, their outputs (coarse, so that there are ties) and a weight per row.
fn cases() -> impl Strategy<Value = (Owned, Vec<f64>, Vec<u8>)> {
    (0..4_usize, 2..40_usize).prop_flat_map(|(kind, n)| {
        let width = if kind == 0 { 1 } else { WIDTH };
        let truth = match kind {
            0 => prop::collection::vec(any::<bool>(), n).prop_map(Owned::Binary).boxed(),
            1 => prop::collection::vec(0..WIDTH as u32, n).prop_map(Owned::Classes).boxed(),
            2 => {
                let label = prop::option::weighted(0.8, any::<bool>());
                prop::collection::vec(label, n * WIDTH).prop_map(Owned::Multilabel).boxed()
            }
            _ => {
                let value = prop::option::weighted(0.8, (-8..8_i32).prop_map(|value| f64::from(value) / 3.0));
                prop::collection::vec(value, n * WIDTH).prop_map(Owned::Regression).boxed()
            }
        };
        let outputs = prop::collection::vec((1..=9_u32).prop_map(|tenth| f64::from(tenth) / 10.0), n * width)
            .prop_map(move |mut outputs| {
                if kind == 1 {
                    for row in outputs.chunks_exact_mut(WIDTH) {
                        let sum: f64 = row.iter().sum();
                        row.iter_mut().for_each(|value| *value /= sum);
                    }
                }
                outputs
            });
        (truth, outputs, prop::collection::vec(0..4_u8, n))
    })
}

fn same(left: &Result<f64, Undefined>, right: &Result<f64, Undefined>) -> bool {
    match (left, right) {
        (Ok(left), Ok(right)) => (left - right).abs() <= 1e-9 * left.abs().max(1.0),
        (Err(left), Err(right)) => left == right,
        _ => false,
    }
}

fn applicable(truth: &Truth<'_>) -> impl Iterator<Item = &'static Metric> {
    METRICS.iter().filter(|metric| metric.applies_to(truth))
}

proptest! {
    #[test]
    fn a_weighted_pass_scores_the_resample((owned, outputs, weights) in cases()) {
        let truth = owned.truth();
        let n = truth.n_examples();
        // Every replicate of the group has weights of its own.
        let turned = |row: usize, lane: usize| weights[(row + lane) % n];
        let group: Vec<RowWeights> = (0..n).map(|row| std::array::from_fn(|lane| turned(row, lane))).collect();
        for metric in applicable(&truth) {
            // Column by column, where no target is left out.
            let weighted = (metric.prepare)(&truth, &outputs)?;
            for lane in [0, 1, LANES - 1] {
                let rows: Vec<usize> =
                    (0..n).flat_map(|row| vec![row; usize::from(turned(row, lane))]).collect();
                let (resample, resampled_outputs) =
                    (owned.select(&rows), pick(&outputs, &rows, truth.n_outputs()));
                let materialised = (metric.prepare)(&resample.truth(), &resampled_outputs)?;
                prop_assert_eq!(weighted.len(), materialised.len());
                for (column, expected) in weighted.iter().zip(&materialised) {
                    let got = &finite_scores(column.as_ref(), &group)[lane];
                    let expected = plain_score(expected.as_ref(), rows.len());
                    prop_assert!(same(got, &expected), "{}: {got:?} {expected:?}", metric.id);
                }
            }
        }
    }

    #[test]
    fn the_order_of_examples_does_not_matter((owned, outputs, _) in cases(), turn in 0..40_usize) {
        let truth = owned.truth();
        let n = truth.n_examples();
        let rows: Vec<usize> = (0..n).map(|row| (row + turn) % n).rev().collect();
        let turned = owned.select(&rows);
        let turned_outputs = pick(&outputs, &rows, truth.n_outputs());
        for metric in applicable(&truth) {
            let (got, expected) = (metric.score(&turned.truth(), &turned_outputs), metric.score(&truth, &outputs));
            prop_assert!(same(&got, &expected), "{}: {got:?} {expected:?}", metric.id);
        }
    }

    #[test]
    fn scores_are_finite_and_in_their_range((owned, outputs, _) in cases()) {
        let truth = owned.truth();
        for metric in applicable(&truth) {
            if let Ok(score) = metric.score(&truth, &outputs) {
                prop_assert!(score.is_finite());
                prop_assert!(metric.range.0 <= score && score <= metric.range.1, "{}: {score}", metric.id);
            }
        }
    }

    #[test]
    fn auroc_is_symmetric_and_knows_only_the_order(
        rows in prop::collection::vec((any::<bool>(), -5..5_i32), 2..60),
    ) {
        let labels: Vec<bool> = rows.iter().map(|row| row.0).collect();
        let outputs: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
        let flipped: Vec<bool> = labels.iter().map(|label| !label).collect();
        let negated: Vec<f64> = outputs.iter().map(|output| -output).collect();
        let stretched: Vec<f64> = outputs.iter().map(|output| (0.3 * output).exp()).collect();
        let auroc = metric("auroc").expect("auroc is a metric");
        let score = |labels: &[bool], outputs: &[f64]| auroc.score(&Truth::Binary(labels), outputs);
        let expected = score(&labels, &outputs);
        prop_assert!(same(&score(&flipped, &negated), &expected));
        prop_assert!(same(&score(&labels, &stretched), &expected));
        prop_assert!(same(&score(&flipped, &outputs).map(|score| 1.0 - score), &expected));
        // All pairs, written out.
        let mut wins = (0.0, 0.0);
        for (&own, _) in outputs.iter().zip(&labels).filter(|row| *row.1) {
            for (&other, _) in outputs.iter().zip(&labels).filter(|row| !*row.1) {
                let sign = f64::from(u8::from(own > other)) - f64::from(u8::from(own < other));
                wins.0 += 0.5 + 0.5 * sign;
                wins.1 += 1.0;
            }
        }
        let pairs = if wins.1 > 0.0 { Ok(wins.0 / wins.1) } else { Err(Undefined::OneClass) };
        prop_assert!(same(&pairs, &expected));
    }

    #[test]
    fn correlations_forget_scale_and_place(
        rows in prop::collection::vec((-9..9_i32, -9..9_i32), 2..40), scale in 0.01..100.0_f64, place in -1e3..1e3_f64,
    ) {
        let values: Vec<Option<f64>> = rows.iter().map(|row| Some(f64::from(row.0))).collect();
        let outputs: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
        let moved: Vec<f64> = outputs.iter().map(|output| scale * output + place).collect();
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        for id in ["pearson", "spearman"] {
            let metric = metric(id).expect("it is a metric");
            let (got, expected) = (metric.score(&truth, &moved), metric.score(&truth, &outputs));
            prop_assert!(same(&got, &expected), "{id}: {got:?} {expected:?}");
        }
    }
}

#[test]
fn identifiers_are_unique_and_entries_complete() {
    let names = || METRICS.iter().flat_map(|entry| std::iter::once(&entry.id).chain(entry.aliases));
    let distinct: BTreeSet<&str> = names().copied().collect();
    assert_eq!(distinct.len(), names().count());
    for entry in METRICS {
        for name in std::iter::once(&entry.id).chain(entry.aliases) {
            assert!(std::ptr::eq(metric(name).expect("it is in the table"), entry));
        }
        assert!(entry.range.0 < entry.range.1 && entry.version >= 1);
        assert!(!entry.title.is_empty() && !entry.full_name.is_empty() && !entry.note.is_empty());
        assert!(!entry.has_zero_variance_bound || entry.task == MetricTask::Classification);
    }
    assert_eq!(metric("auprc").map(|metric| metric.id), Some("average-precision"));
    assert!(metric("AUROC").is_none() && metric("area").is_none());
}

#[test]
fn chance_is_the_score_of_outputs_that_know_nothing() {
    // Outputs of every target and every class are the same set of values for both labels.
    let labels: Vec<bool> = (0..100).map(|row| row % 2 == 0).collect();
    let values: Vec<Option<f64>> = labels.iter().map(|&label| Some(f64::from(u8::from(label)))).collect();
    let outputs: Vec<f64> = (0..100).map(|row| if row / 2 % 2 == 0 { 0.25 } else { 0.75 }).collect();
    for entry in METRICS {
        let truth = match entry.task {
            MetricTask::Classification => Truth::Binary(&labels),
            MetricTask::Regression => Truth::Regression { values: &values, n_targets: 1 },
        };
        if let Some(chance) = entry.chance {
            let score = entry.score(&truth, &outputs).expect("both classes and both outputs occur");
            assert!((score - chance).abs() < 1e-12, "{}: {score}", entry.id);
        }
    }
    let with_chance: Vec<&str> =
        METRICS.iter().filter(|entry| entry.chance.is_some()).map(|entry| entry.id).collect();
    assert_eq!(with_chance, ["auroc", "mcc", "pearson", "spearman"]);
}

#[test]
fn predictions_never_choose_the_targets() {
    // Target 0 is decided well, target 1 is one constant: leaving it out would give a perfect score.
    let values: Vec<Option<bool>> =
        (0..20).flat_map(|row| [Some(row % 2 == 0), Some(row % 3 == 0)]).collect();
    let outputs: Vec<f64> = (0..20).flat_map(|row| [if row % 2 == 0 { 0.9 } else { 0.1 }, 0.2]).collect();
    let truth = Truth::Multilabel { values: &values, n_targets: 2 };
    let mcc = metric("mcc").expect("mcc is a metric");
    let cause = Box::new(Undefined::ConstantPrediction);
    assert_eq!(mcc.score(&truth, &outputs), Err(Undefined::Target { target: 1, cause }));
    // A target that the truth leaves undefined is left out for everyone.
    let values: Vec<Option<bool>> = (0..20).flat_map(|row| [Some(row % 2 == 0), Some(true)]).collect();
    let truth = Truth::Multilabel { values: &values, n_targets: 2 };
    assert_eq!(mcc.score(&truth, &outputs), Ok(1.0));
    assert_eq!(mcc.score_targets(&truth, &outputs).map(|scores| scores.n_defined), Ok(1));
    let none = Truth::Multilabel { values: &[None; 40], n_targets: 2 };
    let first = Box::new(Undefined::NoValues);
    assert_eq!(mcc.score(&none, &outputs), Err(Undefined::NoDefinedTarget { n_targets: 2, first }));
}

#[test]
fn constants_and_extremes_are_recognised() {
    let score = |id: &str, values: &[f64], outputs: &[f64]| {
        let values: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
        metric(id)
            .expect("it is a metric")
            .score(&Truth::Regression { values: &values, n_targets: 1 }, outputs)
    };
    for id in ["pearson", "spearman"] {
        assert_eq!(score(id, &[0.1; 7], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]), Err(Undefined::ConstantTruth));
        assert_eq!(score(id, &[1.0, 2.0, 3.0], &[0.1; 3]), Err(Undefined::ConstantPrediction));
        assert_eq!(score(id, &[1.0], &[1.0]), Err(Undefined::TooFew));
        // Squares of these would overflow or vanish.
        let (large, small) = ([1e200, -1e200, 3e200, 0.0], [1e-200, -1e-200, 3e-200, 0.0]);
        assert!(score(id, &large, &small).is_ok_and(|score| (score - 1.0).abs() < 1e-12), "{id}");
    }
    assert_eq!(score("r2", &[0.1; 9], &[0.2; 9]), Err(Undefined::ConstantTruth));
    assert_eq!(score("r2", &[1.0], &[1.0]), Err(Undefined::TooFew));
    assert_eq!(score("mse", &[1e200], &[0.0]), Err(Undefined::NotFinite));
    assert_eq!(score("mse", &[2.0], &[0.0]), Ok(4.0));
}

#[test]
fn classes_that_do_not_occur_are_no_part_of_macro_f1() {
    let classes = Truth::Classes { labels: &[0, 0, 1, 1], n_classes: 3 };
    let outputs = [0.9, 0.1, 0.0, 0.2, 0.8, 0.0, 0.1, 0.9, 0.0, 0.2, 0.8, 0.0];
    // Class 0: 1 right of 2 true and 1 decided; class 1: 2 of 2 and 3.
    let f1 = metric("macro-f1").expect("metric").score(&classes, &outputs);
    assert!(f1.is_ok_and(|f1| (f1 - (2.0 / 3.0 + 4.0 / 5.0) / 2.0).abs() < 1e-12));
    let wrong = Truth::Binary(&[true, true, false, false]);
    assert_eq!(metric("macro-f1").expect("metric").score(&wrong, &[0.0, 0.0, 1.0, 1.0]), Ok(0.0));
    assert_eq!(format!("{:?}", metric("mse").expect("metric")), "Metric { id: \"mse\", .. }");
}

#[test]
fn refusals_name_the_kind_of_task() {
    let refused = |id: &str, truth: &Truth<'_>| {
        metric(id).expect("metric").score(truth, &[0.5; 3]).expect_err("another task").to_string()
    };
    let is = |id: &str, truth: &Truth<'_>, kind: &str| {
        assert_eq!(refused(id, truth), format!("metric {id:?} does not apply to {kind} tasks"));
    };
    is("mse", &Truth::Binary(&[true]), "binary");
    is("mse", &Truth::Classes { labels: &[1], n_classes: 3 }, "multiclass");
    is("mse", &Truth::Multilabel { values: &[None; 3], n_targets: 3 }, "multilabel");
    is("auroc", &Truth::Regression { values: &[None; 3], n_targets: 3 }, "regression");
}

#[test]
fn truths_that_are_no_table_are_refused() {
    let mse = metric("mse").expect("metric");
    let refused = |values: &[Option<f64>], n_targets: usize, outputs: &[f64]| match mse
        .score(&Truth::Regression { values, n_targets }, outputs)
    {
        Err(Undefined::Input(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let values = [Some(1.0), None, Some(3.0)];
    assert_eq!(refused(&values, 0, &[]), "3 true values do not form whole rows of 0 targets");
    assert_eq!(refused(&values, 2, &[1.0; 3]), "3 true values do not form whole rows of 2 targets");
    assert_eq!(refused(&values, 3, &[1.0; 2]), "2 outputs, expected 3: 1 examples × 3 outputs");
    let output = refused(&values, 1, &[1.0, 2.0, f64::INFINITY]);
    assert_eq!(output, "row 2, output 0: inf is not a finite number");
    let wide = [Some(1.0), Some(2.0), Some(3.0), Some(f64::NAN)];
    assert_eq!(refused(&wide, 2, &[1.0; 4]), "row 1, target 1: the true value is not a finite number");
    let output = refused(&[Some(1.0); 6], 3, &[1.0, 1.0, 1.0, 1.0, 1.0, f64::NAN]);
    assert_eq!(output, "row 1, output 2: NaN is not a finite number");
    let auroc = metric("auroc").expect("metric");
    let classes = |labels: &[u32], n_classes: usize| {
        auroc.score(&Truth::Classes { labels, n_classes }, &vec![0.5; labels.len() * n_classes])
    };
    assert_eq!(classes(&[0], 1), Err(Undefined::Input(InputError::Classes { n_classes: 1 })));
    assert_eq!(classes(&[0, 1], 2), Ok(0.5));
    let error = InputError::Label { row: 1, label: 2, n_classes: 2 };
    assert_eq!(classes(&[0, 2], 2), Err(Undefined::Input(error)));
}

#[test]
fn more_examples_than_can_be_counted_are_refused() {
    let labels = vec![true; (1 << 24) + 1];
    let refused = metric("accuracy").expect("metric").score(&Truth::Binary(&labels), &[]);
    let error = InputError::TooMany { n_examples: (1 << 24) + 1, max: 1 << 24 };
    assert_eq!(refused, Err(Undefined::Input(error)));
    let error = InputError::Length { n_examples: 1 << 24, n_outputs: 1, expected: 1 << 24, got: 0 };
    let refused = metric("accuracy").expect("metric").score(&Truth::Binary(&labels[1..]), &[]);
    assert_eq!(refused, Err(Undefined::Input(error)));
}

#[test]
fn rankings_need_known_values_of_both_classes() {
    for id in ["auroc", "average-precision"] {
        let score = |values: &[Option<bool>]| {
            let truth = Truth::Multilabel { values, n_targets: 1 };
            metric(id).expect("metric").score(&truth, &vec![0.5; values.len()])
        };
        assert_eq!(score(&[None, None]), Err(Undefined::NoValues));
        assert_eq!(score(&[None, Some(true)]), Err(Undefined::OneClass));
        assert_eq!(score(&[Some(false), None]), Err(Undefined::OneClass));
        assert_eq!(score(&[Some(false), Some(true)]), Ok(0.5));
    }
}

#[test]
fn variation_below_rounding_is_none() {
    // 100 values of 64 more or less a share of it: up to 1e-13 that is rounding.
    let around = |share: f64| -> Vec<f64> {
        (0..100).map(|row| 64.0 * (1.0 + if row % 4 < 2 { share } else { -share })).collect()
    };
    let clear: Vec<f64> = (0..100).map(f64::from).collect();
    let score = |id: &str, values: &[f64], outputs: &[f64]| {
        let values: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        metric(id).expect("metric").score(&truth, outputs)
    };
    assert_eq!(score("pearson", &around(5e-14), &clear), Err(Undefined::ConstantTruth));
    assert_eq!(score("pearson", &clear, &around(5e-14)), Err(Undefined::ConstantPrediction));
    assert!(score("pearson", &around(5e-13), &clear).is_ok());
    assert!(score("pearson", &clear, &around(5e-13)).is_ok());
    assert_eq!(score("r2", &around(5e-14), &clear), Err(Undefined::ConstantTruth));
    assert!(score("r2", &around(5e-13), &clear).is_ok());
}

#[test]
fn certain_predictions_are_clipped() {
    let log_loss = metric("log-loss").expect("metric");
    let binary = |output: f64| log_loss.score(&Truth::Binary(&[true]), &[output]).expect("a probability");
    let negative = |output: f64| log_loss.score(&Truth::Binary(&[false]), &[output]).expect("a probability");
    let (smallest, largest) = (-(1.0 - f64::EPSILON).ln(), -f64::EPSILON.ln());
    assert_eq!((binary(1.0), binary(0.0)), (smallest, largest));
    assert_eq!((negative(0.0), negative(1.0)), (smallest, largest));
    assert_eq!((binary(0.25), negative(0.25)), (-0.25_f64.ln(), -0.75_f64.ln()));
    let classes = Truth::Classes { labels: &[1], n_classes: 3 };
    let score = |outputs: [f64; 3]| log_loss.score(&classes, &outputs).expect("probabilities");
    assert_eq!(score([0.0, 1.0, 0.0]).to_bits(), smallest.to_bits());
    assert_eq!(score([1.0, 0.0, 0.0]).to_bits(), largest.to_bits());
    assert_eq!(score([0.25, 0.5, 0.25]).to_bits(), 2.0_f64.ln().to_bits());
}

#[test]
fn slack_is_that_of_32_bit_arithmetic() {
    let brier = metric("brier").expect("metric");
    let binary = |output: f64| brier.score(&Truth::Binary(&[true]), &[output]);
    assert_eq!((binary(1.000_000_5), binary(-0.000_000_5)), (Ok(0.0), Ok(1.0)));
    assert!(binary(1.000_002).is_err() && binary(-0.000_002).is_err());
    let classes = Truth::Classes { labels: &[1, 0], n_classes: 2 };
    let sums = |excess: f64| brier.score(&classes, &[0.5, 0.5, 0.5, 0.5 + excess]);
    assert!(sums(0.000_09).is_ok() && sums(-0.000_09).is_ok());
    for excess in [0.000_11, -0.000_11] {
        let expected = InputError::NotDistribution { row: 1, sum: 1.0 + excess };
        assert_eq!(sums(excess), Err(Undefined::Input(expected)));
    }
    let error = InputError::NotProbability { row: 1, output: 1, value: 3.0 };
    assert_eq!(brier.score(&classes, &[0.5, 0.5, 0.5, 3.0]), Err(Undefined::Input(error)));
}

#[test]
fn probabilities_are_required_where_they_are_needed() {
    let labels = [true, false];
    let binary = Truth::Binary(&labels);
    let (log_loss, auroc) = (metric("log-loss").expect("metric"), metric("auroc").expect("metric"));
    let error = InputError::NotProbability { row: 1, output: 0, value: -3.0 };
    assert_eq!(log_loss.score(&binary, &[0.5, -3.0]), Err(Undefined::Input(error)));
    assert_eq!(auroc.score(&binary, &[0.5, -3.0]), Ok(1.0));
    // What 32-bit arithmetic leaves is rounding, and a certain mistake is finite.
    let wrong = log_loss.score(&binary, &[-1e-8, 0.0]).expect("clipped");
    assert!((wrong - 36.043_653_389_117_15 / 2.0).abs() < 1e-9, "{wrong}");
    let classes = Truth::Classes { labels: &[0, 1], n_classes: 2 };
    let error = InputError::NotDistribution { row: 1, sum: 0.75 };
    assert_eq!(log_loss.score(&classes, &[0.5, 0.5, 0.25, 0.5]), Err(Undefined::Input(error)));
    let error = InputError::Label { row: 1, label: 2, n_classes: 2 };
    let bad = Truth::Classes { labels: &[0, 2], n_classes: 2 };
    assert_eq!(auroc.score(&bad, &[0.5; 4]), Err(Undefined::Input(error)));
    let error = InputError::TruthNotFinite { row: 0, target: 1 };
    let bad = Truth::Regression { values: &[None, Some(f64::NAN)], n_targets: 2 };
    assert_eq!(metric("mse").expect("metric").score(&bad, &[0.5; 2]), Err(Undefined::Input(error)));
}

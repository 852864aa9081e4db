//! Every metric against scikit-learn and SciPy; the values and the script that made them are in
//! `tests/fixtures/stats`.

#![expect(clippy::unwrap_used, reason = "helpers of tests read committed fixtures")]

use approx::assert_relative_eq;
use seqprobe_stats::{METRICS, Truth, Undefined, metric};
use serde_json::Value;

fn document() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/stats/metrics.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Calls `with` with the truth and outputs of a case.
fn open<T>(case: &Value, with: impl FnOnce(&Truth<'_>, &[f64]) -> T) -> T {
    let truth = case["truth"].as_array().unwrap();
    let outputs: Vec<f64> = numbers(&case["outputs"]).into_iter().map(Option::unwrap).collect();
    let width = case["n_outputs"].as_u64().unwrap() as usize;
    match case["kind"].as_str().unwrap() {
        "binary" => {
            let labels: Vec<bool> = truth.iter().map(|label| label.as_bool().unwrap()).collect();
            with(&Truth::Binary(&labels), &outputs)
        }
        "multiclass" => {
            let labels: Vec<u32> = truth.iter().map(|label| label.as_u64().unwrap() as u32).collect();
            with(&Truth::Classes { labels: &labels, n_classes: width }, &outputs)
        }
        "multilabel" => {
            let values: Vec<Option<bool>> =
                numbers(&case["truth"]).into_iter().map(|value| value.map(|value| value > 0.5)).collect();
            with(&Truth::Multilabel { values: &values, n_targets: width }, &outputs)
        }
        "regression" => {
            with(&Truth::Regression { values: &numbers(&case["truth"]), n_targets: width }, &outputs)
        }
        kind => panic!("unknown kind {kind}"),
    }
}

fn numbers(values: &Value) -> Vec<Option<f64>> {
    values.as_array().unwrap().iter().map(Value::as_f64).collect()
}

/// Both undefined, or equal.
fn assert_same(got: Result<f64, Undefined>, expected: &Value, place: &str) {
    match (got, expected.as_f64()) {
        (Ok(got), Some(expected)) => {
            assert!((got - expected).abs() <= 1e-10 * expected.abs().max(1.0), "{place}: {got} {expected}");
        }
        (Err(undefined), None) => assert!(!undefined.to_string().is_empty()),
        (got, expected) => panic!("{place}: got {got:?}, expected {expected:?}"),
    }
}

#[test]
fn scores_are_those_of_scikit_learn_and_scipy() {
    let document = document();
    assert_eq!(document["versions"]["scikit-learn"], "1.9.1");
    let mut seen = std::collections::BTreeSet::new();
    for case in document["cases"].as_array().unwrap() {
        for (id, expected) in case["scores"].as_object().unwrap() {
            let metric = metric(id).unwrap();
            let got = open(case, |truth, outputs| metric.score(truth, outputs));
            assert_same(got, expected, &format!("{} {id}", case["name"]));
            seen.insert(id.clone());
        }
    }
    assert_eq!(seen.len(), METRICS.len(), "every metric has a golden value");
}

#[test]
fn targets_are_scored_one_by_one() {
    let document = document();
    let mut n_compared = 0;
    for case in document["cases"].as_array().unwrap() {
        let Some(targets) = case["targets"].as_array() else { continue };
        for id in case["scores"].as_object().unwrap().keys() {
            let scores =
                open(case, |truth, outputs| metric(id).unwrap().score_targets(truth, outputs)).unwrap();
            assert_eq!(scores.scores.len(), targets.len());
            let n_defined = targets.iter().filter(|target| !target[id].is_null()).count();
            // An MCC that only decisions leave undefined counts as undefined in both.
            assert_eq!(scores.n_defined, n_defined, "{} {id}", case["name"]);
            for (got, target) in scores.scores.into_iter().zip(targets) {
                assert_same(got, &target[id], &format!("{} {id}", case["name"]));
                n_compared += 1;
            }
        }
    }
    assert!(n_compared > 50, "{n_compared}");
}

#[test]
fn a_metric_refuses_other_tasks() {
    let document = document();
    for case in document["cases"].as_array().unwrap() {
        for metric in METRICS {
            let applies = open(case, |truth, _| metric.applies_to(truth));
            assert_eq!(applies, case["scores"].get(metric.id).is_some(), "{} {}", case["name"], metric.id);
            if !applies {
                let refused = open(case, |truth, outputs| metric.score(truth, outputs));
                assert!(matches!(refused, Err(Undefined::Input(_))), "{refused:?}");
            }
        }
    }
}

#[test]
fn worked_by_hand() {
    let labels = [true, false, true, false, true];
    let truth = Truth::Binary(&labels);
    let outputs = [0.9, 0.8, 0.8, 0.3, 0.2];
    let score = |id: &str| metric(id).unwrap().score(&truth, &outputs).unwrap();
    // Pairs: 0.9 beats both negatives; 0.8 ties one and beats one; 0.2 loses both: 3.5 of 6.
    assert_relative_eq!(score("auroc"), 3.5 / 6.0);
    // Thresholds 0.9 (1 of 1), 0.8 (2 of 3), 0.2 (3 of 5), each a third of recall.
    assert_relative_eq!(score("average-precision"), (1.0 + 2.0 / 3.0 + 3.0 / 5.0) / 3.0);
    // Decisions 1 1 1 0 0: true positives 2, false positives 1, false negatives 1, true negatives 1.
    assert_relative_eq!(score("accuracy"), 0.6);
    assert_relative_eq!(score("mcc"), 1.0 / 6.0, max_relative = 1e-14);
    assert_relative_eq!(score("macro-f1"), (4.0 / 6.0 + 2.0 / 4.0) / 2.0);
    assert_relative_eq!(score("brier"), (0.01 + 0.64 + 0.04 + 0.09 + 0.64) / 5.0, max_relative = 1e-14);
    let log_loss = -(0.9_f64 * 0.2 * 0.8 * 0.7 * 0.2).ln() / 5.0;
    assert_relative_eq!(score("log-loss"), log_loss, max_relative = 1e-14);
}

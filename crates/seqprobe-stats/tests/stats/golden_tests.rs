//! Tests and intervals against SciPy, NumPy and pROC; the values and the scripts that made them are in
//! `tests/fixtures/stats`.

#![expect(clippy::unwrap_used, reason = "helpers of tests read committed fixtures")]

use approx::assert_relative_eq;
use seqprobe_stats::{
    IntervalMethod, PairTest, Resampling, Truth, benjamini_hochberg, corrected_resampled_t, delong_test,
    estimate, mcnemar, metric, rank_methods, wilcoxon_signed_rank,
};
use serde_json::Value;

fn document() -> Value {
    fixture("tests.json")
}

fn fixture(name: &str) -> Value {
    let path = format!("{}/../../tests/fixtures/stats/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn cases<'a>(document: &'a Value, name: &str) -> &'a Vec<Value> {
    document[name].as_array().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn delong_is_the_definition() {
    for case in cases(&document(), "delong") {
        let labels: Vec<bool> =
            case["labels"].as_array().unwrap().iter().map(|l| l.as_bool().unwrap()).collect();
        let [first, second] = [0, 1].map(|side| list(&case["scores"][side]));
        let test = delong_test(&labels, &first, &second).unwrap();
        for side in 0..2 {
            assert_relative_eq!(test.areas[side], number(&case["areas"][side]), max_relative = 1e-12);
            let expected = number(&case["standard_errors"][side]);
            assert_relative_eq!(test.standard_errors[side], expected, max_relative = 1e-10);
        }
        assert_relative_eq!(test.standard_error, number(&case["standard_error"]), max_relative = 1e-10);
        assert_relative_eq!(test.z, number(&case["z"]), max_relative = 1e-10);
        assert_relative_eq!(test.p_value, number(&case["p_value"]), max_relative = 1e-8);

        // The interval of a single AUROC, where there is one.
        let auroc = metric("auroc").unwrap();
        let got = estimate(auroc, &Truth::Binary(&labels), &[&first], &Resampling::new(1));
        if labels.iter().filter(|&&label| label).count() < 10 {
            assert!(got.is_err());
            continue;
        }
        let (got, expected) = (got.unwrap(), list(&case["interval"]));
        assert_eq!(got.method, "logit-delong");
        assert_relative_eq!(got.lower, expected[0], max_relative = 1e-7);
        assert_relative_eq!(got.upper, expected[1], max_relative = 1e-7);
    }
}

#[test]
fn delong_is_procs() {
    let (document, by_proc) = (document(), fixture("proc.json"));
    let (cases, expected) = (cases(&document, "delong"), cases(&by_proc, "delong"));
    assert_eq!(cases.len(), expected.len());
    for (case, expected) in cases.iter().zip(expected) {
        let labels: Vec<bool> =
            case["labels"].as_array().unwrap().iter().map(|l| l.as_bool().unwrap()).collect();
        let [first, second] = [0, 1].map(|side| list(&case["scores"][side]));
        let test = delong_test(&labels, &first, &second).unwrap();
        let (areas, variances) = (list(&expected["areas"]), list(&expected["variances"]));
        for (area, expected) in test.areas.iter().zip(&areas) {
            assert_relative_eq!(area, expected, max_relative = 1e-12);
        }
        for (error, expected) in test.standard_errors.iter().zip(&variances) {
            assert_relative_eq!(error.powi(2), *expected, max_relative = 1e-9);
        }
        let of_difference = variances[0] + variances[1] - 2.0 * number(&expected["covariance"]);
        assert_relative_eq!(test.standard_error.powi(2), of_difference, max_relative = 1e-8);
        assert_relative_eq!(test.z, number(&expected["z"]), max_relative = 1e-8);
        assert_relative_eq!(test.p_value, number(&expected["p_value"]), max_relative = 1e-7);
    }
}

#[test]
fn signed_ranks_are_scipys_and_counted_over_all_signs() {
    for case in cases(&document(), "wilcoxon") {
        let test = wilcoxon_signed_rank(&list(&case["differences"]));
        let expected = number(&case["p_value"]);
        assert!((test.p_value / expected - 1.0).abs() < 1e-9, "{}: {test:?} {expected}", case["name"]);
    }
}

#[test]
fn mcnemar_is_scipys_binomial_test() {
    for case in cases(&document(), "mcnemar") {
        let [first_only, second_only, both] =
            ["first_only", "second_only", "both"].map(|key| case[key].as_u64().unwrap() as usize);
        let right = |lists: [(bool, usize); 3]| -> Vec<bool> {
            lists.into_iter().flat_map(|(right, n)| vec![right; n]).collect()
        };
        let first = right([(true, first_only), (false, second_only), (true, both)]);
        let second = right([(false, first_only), (true, second_only), (true, both)]);
        assert_relative_eq!(mcnemar(&first, &second).p_value, number(&case["p_value"]), max_relative = 1e-9);
    }
}

#[test]
fn ranks_of_methods_are_scipys() {
    for case in cases(&document(), "ranks") {
        let scores: Vec<Vec<f64>> = case["scores"].as_array().unwrap().iter().map(list).collect();
        let got = rank_methods(&scores, true, PairTest::Nemenyi, 0.05).unwrap();
        for (got, expected) in got.average_ranks.iter().zip(list(&case["average_ranks"])) {
            assert_relative_eq!(*got, expected, max_relative = 1e-12);
        }
        assert_relative_eq!(got.friedman_p, number(&case["friedman_p"]), max_relative = 1e-8);
        let critical = number(&case["critical_difference"]);
        assert_relative_eq!(got.critical_difference.unwrap(), critical, max_relative = 1e-4);
    }
}

#[test]
fn fisher_is_scipys_for_pearson() {
    for case in cases(&document(), "fisher") {
        let values: Vec<Option<f64>> = list(&case["truth"]).into_iter().map(Some).collect();
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        let outputs = list(&case["outputs"]);
        let with = |method| {
            let resampling = Resampling { method, ..Resampling::new(1) };
            estimate(metric("pearson").unwrap(), &truth, &[&outputs], &resampling).unwrap()
        };
        let (got, expected) = (with(IntervalMethod::FisherZ), list(&case["interval"]));
        assert_eq!(got.method, "fisher-z");
        assert_relative_eq!(got.lower, expected[0], epsilon = 1e-9);
        assert_relative_eq!(got.upper, expected[1], epsilon = 1e-9);
        // The default is another way to much the same interval, the data being normal.
        let default = with(IntervalMethod::Default);
        assert_eq!(default.method, "fisher-t-bootstrap");
        assert_relative_eq!(default.upper - default.lower, got.upper - got.lower, max_relative = 0.35);
    }
}

#[test]
fn percentile_and_bca_intervals_are_scipys() {
    let document = document();
    let case = &document["bootstrap"];
    let residuals = list(&case["residuals"]);
    let values = vec![Some(0.0); residuals.len()];
    let truth = Truth::Regression { values: &values, n_targets: 1 };
    let mut widths = Vec::new();
    for (method, key) in [(IntervalMethod::Percentile, "percentile"), (IntervalMethod::Bca, "bca")] {
        let resampling = Resampling { method, replicates: 100_000, ..Resampling::new(1) };
        let got = estimate(metric("mse").unwrap(), &truth, &[&residuals], &resampling).unwrap();
        assert_eq!(got.method, format!("{key}-bootstrap"));
        let expected = list(&case[key]);
        // Both are random; their ends vary by less than a hundredth of the width.
        let slack = 0.015 * (expected[1] - expected[0]);
        assert!((got.lower - expected[0]).abs() < slack, "{key}: {got:?} {expected:?}");
        assert!((got.upper - expected[1]).abs() < slack, "{key}: {got:?} {expected:?}");
        widths.push(got.upper);
    }
    assert!(widths[1] > widths[0], "BCa reaches further up on a skewed loss");
}

#[test]
fn repeated_splits_by_numpy() {
    for case in cases(&document(), "resampled_t") {
        let [n_train, n_test] = ["n_train", "n_test"].map(|key| case[key].as_u64().unwrap() as usize);
        let got = corrected_resampled_t(&list(&case["differences"]), n_train, n_test, 0.95).unwrap();
        let expected = list(&case["interval"]);
        assert_relative_eq!(got.lower, expected[0], max_relative = 1e-8);
        assert_relative_eq!(got.upper, expected[1], max_relative = 1e-8);
        assert_relative_eq!(got.p_value, number(&case["p_value"]), max_relative = 1e-8);
    }
}

#[test]
fn false_discoveries_are_scipys() {
    let document = document();
    let case = &document["false_discovery"];
    let got = benjamini_hochberg(&list(&case["p_values"]));
    for (got, expected) in got.iter().zip(list(&case["adjusted"])) {
        assert_relative_eq!(*got, expected, max_relative = 1e-12);
    }
}

#[test]
fn methods_that_do_not_fit_are_refused() {
    let labels: Vec<bool> = (0..60).map(|row| row % 2 == 0).collect();
    let outputs: Vec<f64> = (0..60).map(|row| f64::from(row * 7 % 60) / 60.0).collect();
    let clusters: Vec<u32> = (0..60).map(|row| row / 6).collect();
    let refused = |id: &str, method, clusters| {
        let resampling = Resampling { method, clusters, ..Resampling::new(1) };
        estimate(metric(id).unwrap(), &Truth::Binary(&labels), &[&outputs], &resampling)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused("mcc", IntervalMethod::LogitDeLong, None),
        "interval method \"logit-delong\" does not apply to metric \"mcc\" here: it applies to auroc only"
    );
    assert!(refused("auroc", IntervalMethod::LogitDeLong, Some(&clusters)).ends_with("these have clusters"));
    assert!(refused("auroc", IntervalMethod::FisherZ, None).ends_with("it applies to correlations only"));
}

#[test]
fn neighbours_that_cannot_be_told_apart_form_groups() {
    // Three methods in clear order on every dataset, the second and third swapping places.
    let scores: Vec<Vec<f64>> = (0..12)
        .map(|place| {
            let swap = f64::from(place % 2) * 0.2;
            vec![0.9 + f64::from(place) / 1e3, 0.6 + swap, 0.7 - f64::from(place) / 1e4]
        })
        .collect();
    let got = rank_methods(&scores, true, PairTest::WilcoxonHolm, 0.05).unwrap();
    assert_eq!(got.order[0], 0);
    assert_relative_eq!(got.average_ranks[0], 1.0);
    assert_eq!(got.groups.len(), 1);
    let mut group = got.groups[0].clone();
    group.sort_unstable();
    assert_eq!(group, [1, 2]);
    assert_eq!((got.pairs.len(), &got.note), (3, &None));
    assert!(got.friedman_p < 0.01);
    // Lower is better turns the order round.
    let turned = rank_methods(&scores, false, PairTest::WilcoxonHolm, 0.05).unwrap();
    assert_relative_eq!(turned.average_ranks[0], 3.0);
    // Five datasets are too few for any exact test, and that is said.
    let few = rank_methods(&scores[..5], true, PairTest::WilcoxonHolm, 0.05).unwrap();
    assert_eq!(few.groups, vec![few.order.clone()]);
    assert!(few.note.unwrap().starts_with("with 5 datasets and 3 pairs an exact test cannot give"));
    assert_eq!(rank_methods(&scores[..1], true, PairTest::Nemenyi, 0.05), None);
    // Equal everywhere: every rank is the middle.
    let same = rank_methods(&[vec![0.5; 4], vec![0.5; 4]], true, PairTest::Nemenyi, 0.05).unwrap();
    assert_eq!((same.average_ranks, same.friedman_p), (vec![2.5; 4], 1.0));
}

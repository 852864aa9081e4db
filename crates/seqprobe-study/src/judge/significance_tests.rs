//! Significance tests of the same paired difference, reported next to the interval for comparison. The verdict rests on the
//! interval alone.

use crate::judge::filled_cell::FilledCell;
use crate::judge::score::SplitResampling;
use crate::judge::truth::TruthLabels;
use seqprobe_report::record::TestRecord;
use seqprobe_stats::{Metric, delong_test, floor_note, mcnemar, permutation_test};

/// Random exchanges of a permutation test.
const PERMUTATIONS: usize = 1000;
/// A test that cannot give a smaller p value than this gets a note.
const ALPHA: f64 = 0.05;

/// Paired permutation, DeLong's and McNemar's tests, where they apply. All are about one prediction a side: with several
/// seeds there is none, and nothing is returned.
pub(crate) fn significance_tests(
    metric: &Metric,
    model: &FilledCell,
    baseline: &FilledCell,
    truth: &TruthLabels,
    resampling: &SplitResampling,
) -> Vec<TestRecord> {
    let (Some(ours), Some(theirs)) = (only_seed(model), only_seed(baseline)) else { return Vec::new() };
    let resampling = resampling.view();
    let mut tests = Vec::new();
    let permuted = permutation_test(
        metric,
        &truth.view(),
        ours,
        theirs,
        resampling.clusters,
        PERMUTATIONS,
        resampling.seed,
    );
    // Without a test the metric is undefined for these predictions; the comparison has the reason already.
    if let Ok(test) = permuted {
        let what = format!("{} permutations", test.n_permutations);
        tests.push(TestRecord {
            test: test.method.to_owned(),
            p: test.p_value,
            note: floor_note(&what, test.floor, ALPHA),
        });
    }
    // The others know no clusters.
    let TruthLabels::Binary(labels) = truth else { return tests };
    if resampling.clusters.is_some() {
        return tests;
    }
    if metric.id == "auroc"
        && let Ok(test) = delong_test(labels, ours, theirs)
    {
        tests.push(TestRecord { test: "delong".to_owned(), p: test.p_value, note: None });
    }
    if ["accuracy", "mcc", "macro-f1"].contains(&metric.id) {
        let right = |outputs: &[f64]| -> Vec<bool> {
            outputs.iter().zip(labels).map(|(probability, label)| (*probability >= 0.5) == *label).collect()
        };
        let test = mcnemar(&right(ours), &right(theirs));
        let note = floor_note(&format!("{} decisions that differ", test.n), test.floor, ALPHA);
        tests.push(TestRecord { test: test.method.to_owned(), p: test.p_value, note });
    }
    tests
}

/// The test predictions of a cell with one fit.
fn only_seed(cell: &FilledCell) -> Option<&[f64]> {
    cell.result.as_ref()?.test.only()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_fixtures::{Knows, cell, dataset};
    use seqprobe_core::Split;
    use seqprobe_report::record::Role;
    use seqprobe_stats::metric;

    #[test]
    fn tests_agree_about_a_large_and_about_no_difference() {
        let dataset = dataset(120, false);
        let truth = TruthLabels::of(&dataset, Split::Test);
        let resampling = SplitResampling::of(&dataset, Split::Test, 100);
        let with = |knows| cell(&dataset, ["m", "-", "-", "linear"], Role::Model, knows, 0.5);
        for id in ["auroc", "accuracy"] {
            let metric = metric(id).unwrap();
            let of =
                |ours, theirs| significance_tests(metric, &with(ours), &with(theirs), &truth, &resampling);
            let large = of(Knows::Much, Knows::Nothing);
            assert_eq!(large.len(), 2, "{large:?}");
            assert!(large.iter().all(|test| test.p < 0.01), "{large:?}");
            let none = of(Knows::Much, Knows::Much);
            assert!(none.iter().all(|test| test.p > 0.9), "{none:?}");
        }
    }
}

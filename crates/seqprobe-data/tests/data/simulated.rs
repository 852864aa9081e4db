//! Simulated tasks: the same on every machine, with an oracle that is the best prediction.

use approx::assert_abs_diff_eq;
use seqprobe_core::{Dataset, Seed, Split, Targets, TaskKind};
use seqprobe_data::simulate::write_csv;
use seqprobe_data::{Card, DataFolders, SIMULATED, Sizes, load, simulated};

const LARGE: Sizes = Sizes { train: 20, valid: 20, test: 20_000, length: 100 };

/// Oracle and truth of the test rows.
fn test_rows(dataset: &Dataset) -> (Vec<f64>, Vec<f64>) {
    let oracle = dataset.oracle.as_ref().expect("a simulated dataset has an oracle");
    let truth = |row: usize| match &dataset.targets {
        Targets::Classes { labels, .. } => f64::from(labels[row]),
        Targets::Values { values } => values[[row, 0]].expect("no value is missing"),
    };
    let rows = dataset.splits.rows(Split::Test);
    (rows.iter().map(|&row| oracle[[row, 0]]).collect(), rows.iter().map(|&row| truth(row)).collect())
}

/// Area under the ROC curve, ties counting half.
fn auroc(scores: &[f64], truth: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&left, &right| scores[left].total_cmp(&scores[right]));
    let (mut wins, mut negatives, mut positives, mut start) = (0.0, 0.0, 0.0, 0);
    while start < order.len() {
        let end =
            (start..order.len()).find(|&at| scores[order[at]] > scores[order[start]]).unwrap_or(order.len());
        let n_positive: f64 = order[start..end].iter().map(|&row| truth[row]).sum();
        let n_negative = (end - start) as f64 - n_positive;
        wins += n_positive * (negatives + n_negative / 2.0);
        negatives += n_negative;
        positives += n_positive;
        start = end;
    }
    wins / (negatives * positives)
}

#[test]
fn the_oracle_is_calibrated_where_it_is_a_posterior() {
    for task in SIMULATED.iter().filter(|task| task.kind == TaskKind::Binary) {
        let (oracle, truth) = test_rows(&simulated(task.name, Seed(11), LARGE).unwrap());
        for bin in 0..10 {
            let (low, high) = (f64::from(bin) / 10.0, f64::from(bin + 1) / 10.0);
            let rows: Vec<usize> = (0..oracle.len())
                .filter(|&row| oracle[row] >= low && (oracle[row] < high || bin == 9))
                .collect();
            if rows.len() < 50 {
                continue;
            }
            let mean = |values: &[f64]| rows.iter().map(|&row| values[row]).sum::<f64>() / rows.len() as f64;
            let variance: f64 = rows.iter().map(|&row| oracle[row] * (1.0 - oracle[row])).sum::<f64>();
            let tolerance = 4.5 * variance.sqrt() / rows.len() as f64 + 1e-12;
            assert_abs_diff_eq!(mean(&oracle), mean(&truth), epsilon = tolerance);
        }
    }
}

#[test]
fn the_oracle_separates_as_well_as_known() {
    let auroc_of = |name: &str| {
        let (oracle, truth) = test_rows(&simulated(name, Seed(3), LARGE).unwrap());
        auroc(&oracle, &truth)
    };
    assert_abs_diff_eq!(auroc_of("motif-anywhere"), 0.977, epsilon = 0.005);
    assert_abs_diff_eq!(auroc_of("motif-fixed"), 0.999, epsilon = 0.001);
    assert_abs_diff_eq!(auroc_of("motif-order"), 0.990, epsilon = 0.003);
    // Counts of G and C are binomial; the normal approximation of the two gives 0.922.
    assert_abs_diff_eq!(auroc_of("gc"), 0.922, epsilon = 0.006);
    assert_abs_diff_eq!(auroc_of("null"), 0.5, epsilon = 1e-12);
}

#[test]
fn what_the_oracle_leaves_of_the_value_is_the_noise() {
    let (oracle, truth) = test_rows(&simulated("additive", Seed(3), LARGE).unwrap());
    let n = oracle.len() as f64;
    let rest: Vec<f64> = oracle.iter().zip(&truth).map(|(oracle, truth)| truth - oracle).collect();
    let mean = rest.iter().sum::<f64>() / n;
    let deviation = (rest.iter().map(|rest| (rest - mean).powi(2)).sum::<f64>() / n).sqrt();
    assert_abs_diff_eq!(mean, 0.0, epsilon = 0.008);
    assert_abs_diff_eq!(deviation, 0.25, epsilon = 0.006);
    let middle = oracle.iter().sum::<f64>() / n;
    let signal = (oracle.iter().map(|oracle| (oracle - middle).powi(2)).sum::<f64>() / n).sqrt();
    assert_abs_diff_eq!(signal, 0.345, epsilon = 0.01);
}

#[test]
fn the_null_task_has_no_signal_in_composition() {
    let dataset = simulated("null", Seed(3), LARGE).unwrap();
    let (_, truth) = test_rows(&dataset);
    for letter in *b"ACGT" {
        let scores: Vec<f64> = dataset
            .splits
            .test
            .iter()
            .map(|&row| dataset.sequences[row].as_bytes().iter().filter(|&&one| one == letter).count() as f64)
            .collect();
        assert_abs_diff_eq!(auroc(&scores, &truth), 0.5, epsilon = 0.02);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let sizes = Sizes { train: 40, valid: 20, test: 20, length: 60 };
    let digests: Vec<String> = SIMULATED
        .iter()
        .map(|task| {
            format!("{} {}", task.name, simulated(task.name, Seed(0), sizes).unwrap().digest().short())
        })
        .collect();
    // Golden values: a change would change every accepted baseline on these tasks.
    insta::assert_snapshot!(digests.join("\n"), @r#"
motif-anywhere 91e3168a569a6c5e
motif-fixed 1a130801e259ecdd
motif-order 5c0f3e3a2dd50c07
additive a02b1a9d7e7c71b4
gc 5a95c67c78c9d230
null f5e5e68194d69a85
"#);
    for task in SIMULATED {
        let one = simulated(&format!("sim:{}", task.name), Seed(1), sizes).unwrap();
        assert_eq!(one.id, format!("sim:{}", task.name));
        assert_eq!(one.digest(), simulated(task.name, Seed(1), sizes).unwrap().digest());
        assert_ne!(one.digest(), simulated(task.name, Seed(2), sizes).unwrap().digest());
        assert_eq!(one.oracle.unwrap().dim(), (80, 1));
    }
}

#[test]
fn a_written_task_loads_as_the_same_dataset() {
    let sizes = Sizes { train: 40, valid: 20, test: 20, length: 60 };
    for task in SIMULATED {
        let folder = tempfile::tempdir().unwrap();
        let dataset = simulated(task.name, Seed(0), sizes).unwrap();
        write_csv(&dataset, &folder.path().join("out")).unwrap();
        let card = Card::read(&folder.path().join(format!("out/sim-{}.toml", task.name))).unwrap();
        let read = load(&card, &DataFolders::default()).unwrap();
        assert_eq!(read.digest(), dataset.digest(), "{}", task.name);
        assert_eq!((read.metric, read.title), (dataset.metric, dataset.title));
    }
}

#[test]
fn names_and_sizes_that_do_not_exist_are_errors() {
    let error_of = |name: &str, sizes| simulated(name, Seed(0), sizes).unwrap_err().to_string();
    insta::assert_snapshot!(error_of("motif-orders", Sizes::DEFAULT), @r#"
unknown simulated task "motif-orders"
  hint: did you mean "sim:motif-order"?
"#);
    insta::assert_snapshot!(error_of("motif-order", Sizes { length: 43, ..Sizes::DEFAULT }), @r#"
simulated task "motif-order" cannot have sequences of 43 bases
  hint: it needs 44 bases or more and, in every split, rows of both classes
"#);
    insta::assert_snapshot!(error_of("gc", Sizes { valid: 1, ..Sizes::DEFAULT }), @r#"
simulated task "gc" cannot have 1 valid rows without two different targets
  hint: it needs 1 bases or more and, in every split, rows of both classes
"#);
    for task in SIMULATED {
        let sizes = Sizes { train: 30, valid: 30, test: 30, length: task.min_length };
        assert!(simulated(task.name, Seed(0), sizes).is_ok(), "{}", task.name);
    }
}

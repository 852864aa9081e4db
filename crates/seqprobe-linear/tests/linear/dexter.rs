//! The probe `dexter` on planted k-mers, on null labels, and through the contract of a probe.

use crate::probe::{binary, task};
use crate::support::Splitmix;
use ndarray::Array2;
use seqprobe_core::{
    FeatureError, FeatureKind, FeatureSource, FeatureView, LabelledView, Probe, ProbeError, ProbeFit, Seed,
    Targets, TaskKind,
};
use seqprobe_linear::{Align, DexterProbe, restore_dexter};

const LENGTH: usize = 120;
const TRAIN: usize = 1_500;
const VALID: usize = 400;
const ROWS: usize = 2_400;

/// One-hot rows of the bases 0 to 3, 4 for N.
struct OneHot(Vec<Vec<u8>>);

impl FeatureSource for OneHot {
    fn n_rows(&self) -> usize {
        self.0.len()
    }

    fn dim(&self) -> usize {
        4
    }

    fn kind(&self) -> FeatureKind {
        FeatureKind::Tokens
    }

    fn length(&self, row: usize) -> usize {
        self.0[row].len()
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        for &row in rows {
            for &base in &self.0[row] {
                out.extend((0..4).map(|code| f32::from(u8::from(code == base))));
            }
        }
        Ok(())
    }
}

/// Random bases; half of the rows have ATTGC in 20..50, half have GGCAT in 70..110. The first raises the value, the
/// second lowers it. Returns the rows, the part of the values that the k-mers explain, and the values.
fn planted(seed: u64) -> (OneHot, Vec<f64>, Vec<f64>) {
    let mut generator = Splitmix(seed);
    let mut below = |n: usize| ((generator.uniform() * n as f64) as usize).min(n - 1);
    let mut rows = Vec::new();
    let (mut truth, mut values) = (Vec::new(), Vec::new());
    for _ in 0..ROWS {
        let mut row: Vec<u8> = (0..LENGTH).map(|_| below(4) as u8).collect();
        let mut signal = 0.0;
        if below(2) == 1 {
            let at = 20 + below(26);
            row[at..at + 5].copy_from_slice(&[0, 3, 3, 2, 1]);
            signal += 1.0;
        }
        if below(2) == 1 {
            let at = 70 + below(36);
            row[at..at + 5].copy_from_slice(&[2, 2, 1, 0, 3]);
            signal -= 1.0;
        }
        let noise = (0..4).map(|_| below(1_000) as f64 / 1_000.0).sum::<f64>() - 2.0;
        truth.push(signal);
        values.push(5.0 + signal + 0.7 * noise);
        rows.push(row);
    }
    (OneHot(rows), truth, values)
}

fn fit(
    probe: &DexterProbe,
    task: &seqprobe_core::Task,
    source: &OneHot,
    targets: &Targets,
) -> Result<ProbeFit, ProbeError> {
    let (train, valid): (Vec<usize>, Vec<usize>) = ((0..TRAIN).collect(), (TRAIN..TRAIN + VALID).collect());
    let (train_targets, valid_targets) = (targets.select(&train), targets.select(&valid));
    probe.fit(
        task,
        LabelledView { features: FeatureView::new(source, &train)?, targets: &train_targets, groups: None },
        LabelledView { features: FeatureView::new(source, &valid)?, targets: &valid_targets, groups: None },
        Seed(0),
    )
}

fn predict(fit: &ProbeFit, source: &OneHot, rows: std::ops::Range<usize>) -> Array2<f64> {
    fit.fitted.predict(&FeatureView::new(source, &rows.collect::<Vec<_>>()).unwrap()).unwrap()
}

fn column(values: &[f64]) -> Targets {
    Targets::Values { values: Array2::from_shape_fn((values.len(), 1), |(row, _)| Some(values[row])) }
}

fn correlation(left: &[f64], right: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (a, b) = (mean(left), mean(right));
    let product: f64 = left.iter().zip(right).map(|(x, y)| (x - a) * (y - b)).sum();
    let square = |values: &[f64], mean: f64| values.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    product / (square(left, a) * square(right, b)).sqrt()
}

fn value_task() -> seqprobe_core::Task {
    task(TaskKind::Regression, &["value"], &[])
}

#[test]
fn planted_k_mers_are_found_in_their_regions() {
    let (source, truth, values) = planted(1);
    let fitted = fit(&DexterProbe::default(), &value_task(), &source, &column(&values)).unwrap();
    let elements = &fitted.report.selected_elements;
    let find = |word: &str| elements.iter().find(|element| element.word == word);
    let (up, down) = (find("ATTGC"), find("GGCAT"));
    let (up, down) = (up.expect("the k-mer that raises"), down.expect("the k-mer that lowers"));
    assert!(up.weight > 0.0 && up.correlation > 0.3, "{up:?}");
    assert!(up.start < 50 && up.end > 20 && up.end - up.start <= 60, "{up:?}");
    assert!(down.weight < 0.0 && down.correlation < -0.3, "{down:?}");
    assert!(down.start < 110 && down.end > 70 && down.end - down.start <= 70, "{down:?}");
    // The two strongest are the planted k-mers or parts of them.
    for element in &elements[..2] {
        let is_part = |word: &str| word.contains(&element.word) || element.word.contains(word);
        assert!(is_part("ATTGC") || is_part("GGCAT"), "{element:?}");
    }
    let test = TRAIN + VALID..ROWS;
    let predictions: Vec<f64> = predict(&fitted, &source, test.clone()).iter().copied().collect();
    let reached = correlation(&predictions, &values[test.clone()]);
    let oracle = correlation(&truth[test.clone()], &values[test]);
    assert!(reached > oracle - 0.06 && reached < oracle + 0.03, "{reached} of {oracle}");
    assert_eq!(fitted.report.n_parameters, elements.len() as u64 + 1);
    assert_eq!(fitted.report.converged, Some(true));
}

#[test]
fn planted_k_mers_are_found_for_classes() {
    let (source, truth, _) = planted(2);
    let mut generator = Splitmix(9);
    let labels: Vec<u32> = truth
        .iter()
        .map(|signal| u32::from(generator.uniform() < 1.0 / (1.0 + (-2.5 * signal).exp())))
        .collect();
    let targets = Targets::Classes { labels: labels.clone(), n_classes: 2 };
    let fitted = fit(&DexterProbe::default(), &binary(), &source, &targets).unwrap();
    let kmers: Vec<&str> = fitted.report.selected_elements.iter().map(|one| one.word.as_str()).collect();
    assert!(kmers.contains(&"ATTGC") && kmers.contains(&"GGCAT"), "{kmers:?}");
    let test = TRAIN + VALID..ROWS;
    let predictions: Vec<f64> = predict(&fitted, &source, test.clone()).iter().copied().collect();
    assert!(predictions.iter().all(|value| (0.0..=1.0).contains(value)));
    let loss = |p: &dyn Fn(usize) -> f64| {
        let of_row = |row: usize| if labels[row] == 1 { -p(row).ln() } else { -(1.0 - p(row)).ln() };
        test.clone().map(of_row).sum::<f64>() / test.len() as f64
    };
    let oracle = loss(&|row| 1.0 / (1.0 + (-2.5 * truth[row]).exp()));
    let reached = loss(&|row| predictions[row - TRAIN - VALID]);
    assert!(reached < oracle + 0.06 && reached > oracle - 0.03, "{reached} against {oracle}");
}

#[test]
fn null_values_give_chance() {
    let (source, _, values) = planted(3);
    let mut correlations = Vec::new();
    let mut n_constant = 0;
    for seed in 0..6 {
        // The values of other rows.
        let mut generator = Splitmix(100 + seed);
        let mut shuffled = values.clone();
        for row in (1..ROWS).rev() {
            shuffled.swap(row, ((generator.uniform() * (row + 1) as f64) as usize).min(row));
        }
        let fitted = fit(&DexterProbe::default(), &value_task(), &source, &column(&shuffled)).unwrap();
        let test = TRAIN + VALID..ROWS;
        let predictions: Vec<f64> = predict(&fitted, &source, test.clone()).iter().copied().collect();
        let variance = {
            let truth = &shuffled[test.clone()];
            let mean = truth.iter().sum::<f64>() / truth.len() as f64;
            truth.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / truth.len() as f64
        };
        let error =
            predictions.iter().zip(&shuffled[test.clone()]).map(|(p, y)| (p - y).powi(2)).sum::<f64>()
                / test.len() as f64;
        assert!(error > 0.97 * variance && error < 1.05 * variance, "{error} of {variance}");
        if fitted.report.selected_elements.is_empty() {
            n_constant += 1;
        } else {
            correlations.push(correlation(&predictions, &shuffled[test]));
        }
    }
    // One test correlation has a standard error of 0.045.
    let mean = correlations.iter().sum::<f64>() / correlations.len().max(1) as f64;
    assert!(n_constant >= 1 && mean.abs() < 0.1, "{n_constant} constant, {correlations:?}");
}

#[test]
fn a_stored_fit_predicts_the_same_bits_with_any_number_of_threads() {
    let (source, _, values) = planted(4);
    // Two targets, the second not known everywhere.
    let targets = Targets::Values {
        values: Array2::from_shape_fn((ROWS, 2), |(row, target)| {
            (target == 0 || row % 3 != 0).then(|| if target == 0 { values[row] } else { -values[row] })
        }),
    };
    let two = task(TaskKind::Regression, &["up", "down"], &[]);
    let first = fit(&DexterProbe::default(), &two, &source, &targets).unwrap();
    let stored = first.fitted.store();
    let restored = ProbeFit { fitted: restore_dexter(&stored).unwrap(), report: first.report.clone() };
    assert_eq!(restored.fitted.store(), stored);
    assert_eq!(predict(&restored, &source, 0..ROWS), predict(&first, &source, 0..ROWS));
    // The order of the rows predicted does not matter.
    assert_eq!(predict(&first, &source, 7..8).row(0), predict(&first, &source, 0..ROWS).row(7));
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let again = pool.install(|| {
            let again = fit(&DexterProbe::default(), &two, &source, &targets).unwrap();
            (again.fitted.store(), again.report)
        });
        assert_eq!(again, (stored.clone(), first.report.clone()), "{threads} threads");
    }
    let of_targets: Vec<&str> =
        first.report.selected_elements.iter().map(|element| element.target.as_str()).collect();
    assert!(of_targets.contains(&"up") && of_targets.contains(&"down"));
    let mut broken = stored;
    broken.config["elements"][0][0][2] = serde_json::json!(LENGTH + 1);
    let error = restore_dexter(&broken).err().unwrap().to_string();
    assert!(error.contains("setting \"elements\""), "{error}");
}

#[test]
fn what_it_cannot_read_is_not_applicable() {
    let (mut source, _, values) = planted(5);
    let targets = column(&values);
    let probe = DexterProbe::default();
    let text = |result: Result<ProbeFit, ProbeError>| match result {
        Ok(_) => panic!("a fit where an error was expected"),
        Err(error) => error.to_string(),
    };
    // A row that is shorter, first refused, then aligned.
    source.0[3].truncate(LENGTH - 7);
    let refused = text(fit(&probe, &value_task(), &source, &targets));
    assert!(refused.contains("these are 113 to 120 bases long\n  hint: use align"), "{refused}");
    for align in [Align::Left, Align::Right] {
        let aligned = DexterProbe { align: Some(align), ..probe.clone() };
        let fitted = fit(&aligned, &value_task(), &source, &targets).unwrap();
        assert!(fitted.report.selected_elements.iter().any(|element| element.word == "ATTGC"));
        // A sequence longer than the longest of train is refused.
        let mut longer = OneHot(source.0.clone());
        longer.0[0].push(1);
        let error = fitted.fitted.predict(&FeatureView::new(&longer, &[0]).unwrap()).unwrap_err();
        assert!(matches!(error, ProbeError::Features(FeatureError::TooLong { length: 121, limit: 120, .. })));
    }
    let three = Targets::Classes { labels: (0..ROWS as u32).map(|row| row % 3).collect(), n_classes: 3 };
    let classes = task(TaskKind::Multiclass, &["label"], &["a", "b", "c"]);
    let aligned = DexterProbe { align: Some(Align::Left), ..probe.clone() };
    assert!(text(fit(&aligned, &classes, &source, &three)).contains("not more than two classes"));
    let (memory, _) = crate::probe::example(2);
    let train: Vec<usize> = (0..100).collect();
    let labels = Targets::Classes { labels: vec![1; 100], n_classes: 2 };
    let view = || LabelledView {
        features: FeatureView::new(&memory, &train).unwrap(),
        targets: &labels,
        groups: None,
    };
    let error = text(probe.fit(&binary(), view(), view(), Seed(0)));
    assert!(error.starts_with("not applicable: dexter reads the bases"), "{error}");
}

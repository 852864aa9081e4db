//! Description length: null labels do not compress, planted ones do, and the parts make the whole.

use crate::support::{Memory, Splitmix};
use ndarray::{Array2, s};
use seqprobe_core::{FeatureView, LabelledView, ProbeError, Seed, Targets, Task, TaskKind};
use seqprobe_linear::{DescriptionLength, LinearProbe, description_length};

const TRAIN: usize = 1_500;
const ROWS: usize = TRAIN + 500;

fn task(kind: TaskKind, n_targets: usize, n_classes: usize) -> Task {
    let names = |letter: &str, n: usize| (0..n).map(|i| format!("{letter}{i}")).collect();
    Task { kind, targets: names("t", n_targets), classes: names("c", n_classes) }
}

fn code(
    task: &Task,
    source: &Memory,
    targets: &Targets,
    groups: Option<&[u32]>,
    seed: u64,
) -> Result<DescriptionLength, ProbeError> {
    let (train, valid): (Vec<usize>, Vec<usize>) = ((0..TRAIN).collect(), (TRAIN..ROWS).collect());
    let (train_targets, valid_targets) = (targets.select(&train), targets.select(&valid));
    let probe = LinearProbe { penalties: vec![1e6, 1e4, 100.0, 1.0], ..LinearProbe::default() };
    let train = LabelledView { features: FeatureView::new(source, &train)?, targets: &train_targets, groups };
    let valid =
        LabelledView { features: FeatureView::new(source, &valid)?, targets: &valid_targets, groups: None };
    description_length(&probe, task, train, valid, Seed(seed))
}

/// Features, and labels whose logit is `strength` times the first feature.
fn example(strength: f64, n_classes: u32) -> (Memory, Targets) {
    let mut numbers = Splitmix(21);
    let features = numbers.matrix(ROWS, 8);
    let labels = features.column(0).to_vec().into_iter().map(|value| {
        let noise = numbers.uniform();
        let p = 1.0 / (1.0 + (-strength * value).exp());
        if noise >= p { 0 } else { 1 + (numbers.uniform() * f64::from(n_classes - 1)) as u32 }
    });
    let labels = labels.collect();
    (Memory::pooled(features.view()), Targets::Classes { labels, n_classes: n_classes as usize })
}

fn assert_sums_add_up(length: &DescriptionLength, n_coded: usize) {
    let total: f64 = length.blocks.iter().map(|block| block.bits).sum();
    assert_eq!(total.to_bits(), length.total_bits.to_bits());
    let mut seen = 0;
    for block in &length.blocks {
        assert_eq!(block.n_seen, seen);
        assert!(block.bits.is_finite() && block.bits > 0.0, "{block:?}");
        seen += block.n_coded;
    }
    assert_eq!(seen, n_coded);
}

#[test]
fn null_labels_do_not_compress_and_planted_ones_do() {
    let binary = task(TaskKind::Binary, 1, 2);
    let (source, null) = example(0.0, 2);
    for seed in 0..3 {
        let length = code(&binary, &source, &null, None, seed).unwrap();
        assert_sums_add_up(&length, TRAIN);
        approx::assert_abs_diff_eq!(length.uniform_bits, TRAIN as f64);
        // Nothing to gain; a label costs at most some hundredths more for the fits on few rows.
        let ratio = length.total_bits / length.uniform_bits;
        assert!((0.99..1.06).contains(&ratio), "null labels: {ratio}");
    }
    let (source, planted) = example(6.0, 2);
    let length = code(&binary, &source, &planted, None, 0).unwrap();
    assert_sums_add_up(&length, TRAIN);
    // The conditional entropy of the labels, below which no code can stay by more than chance.
    let mut entropy = 0.0;
    for row in source.values.slice(s![..TRAIN, 0]) {
        let p = 1.0 / (1.0 + (-6.0 * f64::from(*row)).exp());
        entropy -= p * p.log2() + (1.0 - p) * (1.0 - p).max(f64::MIN_POSITIVE).log2();
    }
    assert!(length.total_bits > 0.93 * entropy, "{} below the entropy {entropy}", length.total_bits);
    assert!(length.total_bits < 1.20 * entropy, "{} far above the entropy {entropy}", length.total_bits);
    assert!(length.compression().unwrap() > 1.5);
}

#[test]
fn a_class_not_seen_yet_has_a_finite_price() {
    let (source, targets) = example(3.0, 3);
    let Targets::Classes { mut labels, .. } = targets else { panic!("classes") };
    // One row only of class 2 in train: most fits have not seen it.
    for label in &mut labels {
        *label = (*label).min(1);
    }
    labels[700] = 2;
    let targets = Targets::Classes { labels, n_classes: 3 };
    let length = code(&task(TaskKind::Multiclass, 1, 3), &source, &targets, None, 5).unwrap();
    assert_sums_add_up(&length, TRAIN);
    assert!(length.total_bits < length.uniform_bits);
}

#[test]
fn labels_are_coded_one_by_one_and_missing_ones_not_at_all() {
    let (source, targets) = example(6.0, 2);
    let Targets::Classes { labels, .. } = &targets else { panic!("classes") };
    let values = Array2::from_shape_fn((ROWS, 3), |(row, target)| match target {
        0 => Some(f64::from(labels[row])),
        1 => (row % 3 == 0).then(|| f64::from(labels[row])),
        // One class alone: coded uniformly throughout.
        _ => (row < TRAIN && row % 5 == 0).then_some(1.0),
    });
    let known = values.slice(s![..TRAIN, ..]).iter().flatten().count();
    let length =
        code(&task(TaskKind::Multilabel, 3, 0), &source, &Targets::Values { values }, None, 1).unwrap();
    assert_sums_add_up(&length, TRAIN);
    approx::assert_abs_diff_eq!(length.uniform_bits, known as f64);
    let one_class = (TRAIN / 5) as f64;
    let rest = (length.total_bits - one_class) / (length.uniform_bits - one_class);
    assert!((0.2..0.8).contains(&rest), "{rest}");
}

#[test]
fn the_seed_orders_the_rows_and_threads_do_not_matter() {
    let (source, targets) = example(3.0, 2);
    let binary = task(TaskKind::Binary, 1, 2);
    let groups: Vec<u32> = (0..TRAIN as u32).map(|row| row / 4).collect();
    for groups in [None, Some(&groups[..])] {
        let on = |threads: usize, seed: u64| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| code(&binary, &source, &targets, groups, seed).unwrap())
        };
        assert_eq!(on(1, 0), on(2, 0));
        assert_ne!(on(2, 0).total_bits.to_bits(), on(2, 1).total_bits.to_bits());
    }
}

#[test]
fn numbers_have_no_description_length() {
    let (source, _) = example(1.0, 2);
    let values = Array2::from_elem((ROWS, 1), Some(1.0));
    let error =
        code(&task(TaskKind::Regression, 1, 0), &source, &Targets::Values { values }, None, 0).unwrap_err();
    assert!(matches!(error, ProbeError::NotApplicable(_)), "{error}");
}

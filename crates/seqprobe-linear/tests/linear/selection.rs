//! Penalties chosen by folds and balanced classes, against scikit-learn 1.9.1; what cannot be folded.

use crate::support::{Memory, Splitmix, assert_close, golden, numbers};
use ndarray::{Array1, Array2};
use seqprobe_core::{FeatureView, LabelledView, Probe, ProbeError, ProbeFit, Seed, Targets, Task, TaskKind};
use seqprobe_linear::{ClassWeight, FoldGrouping, LinearProbe, Selection, Solver};

const TRAIN: usize = 250;
const ROWS: usize = 300;

/// The data of `selection` in `generate.py`: features, and the targets of its three tasks.
struct Example {
    source: Memory,
    binary: Targets,
    three: Targets,
    values: Targets,
    groups: Vec<u32>,
}

fn example() -> Example {
    let mut generator = Splitmix(31);
    let source = Memory::pooled((generator.matrix(ROWS, 12) * 3.0 + 5.0).view());
    let x = source.values.mapv(f64::from);
    let noise = generator.matrix(ROWS, 2);
    let score: Array1<f64> = &x.column(0) - &x.column(1) + 0.5 * &x.column(2) + 3.0 * &noise.column(0);
    let binary = score.iter().map(|&score| u32::from(score > 5.0)).collect();
    let three = score
        .iter()
        .zip(noise.column(1))
        .map(|(&score, &noise)| if score > 6.0 { 2 } else { u32::from(noise > 0.3) })
        .collect();
    Example {
        source,
        binary: Targets::Classes { labels: binary, n_classes: 2 },
        three: Targets::Classes { labels: three, n_classes: 3 },
        values: Targets::Values { values: score.mapv(Some).insert_axis(ndarray::Axis(1)) },
        groups: (0..TRAIN as u32).map(|row| row % 5).collect(),
    }
}

fn task(kind: TaskKind) -> Task {
    let names: &[&str] = match kind {
        TaskKind::Binary => &["a", "b"],
        TaskKind::Multiclass => &["a", "b", "c"],
        _ => &[],
    };
    Task { kind, targets: vec!["t".to_owned()], classes: names.iter().map(|&name| name.to_owned()).collect() }
}

/// Fits on the first rows; validation rows are the same ones, or `misleading` ones with targets of other rows.
fn fit(
    probe: &LinearProbe,
    kind: TaskKind,
    example: &Example,
    targets: &Targets,
    groups: Option<&[u32]>,
) -> Result<(ProbeFit, Array2<f64>), ProbeError> {
    let (train, test): (Vec<usize>, Vec<usize>) = ((0..TRAIN).collect(), (TRAIN..ROWS).collect());
    // Targets shifted by a few rows are independent of the features: validation would choose the strongest penalty.
    let misleading: Vec<usize> = (0..ROWS - TRAIN).map(|row| row + 7).collect();
    let (own, off) = (targets.select(&train), targets.select(&misleading));
    let features = |rows| FeatureView::new(&example.source, rows);
    let fit = probe.fit(
        &task(kind),
        LabelledView { features: features(&train)?, targets: &own, groups },
        LabelledView { features: features(&test)?, targets: &off, groups: None },
        Seed(0),
    )?;
    let predictions = fit.fitted.predict(&features(&test)?)?;
    Ok((fit, predictions))
}

fn by_folds(grouping: FoldGrouping) -> LinearProbe {
    LinearProbe {
        penalties: vec![0.01, 0.1, 1.0, 10.0, 100.0, 1000.0],
        selection: Selection::KFold { folds: 5, grouping },
        ..LinearProbe::default()
    }
}

/// scikit-learn lists both classes of a binary fit.
fn expected(case: &serde_json::Value, key: &str, kind: TaskKind) -> Vec<f64> {
    let all = numbers(&case[key]);
    if kind == TaskKind::Binary { all.into_iter().skip(1).step_by(2).collect() } else { all }
}

#[test]
fn folds_choose_the_penalty_that_grid_search_does() {
    let example = example();
    for (name, kind, targets, key) in [
        ("folds_binary", TaskKind::Binary, &example.binary, "probabilities"),
        ("folds_three", TaskKind::Multiclass, &example.three, "probabilities"),
        ("folds_ridge", TaskKind::Regression, &example.values, "values"),
    ] {
        let golden = &golden("selection.json")[name];
        let (fit, predicted) =
            fit(&by_folds(FoldGrouping::Group), kind, &example, targets, Some(&example.groups)).unwrap();
        let chosen: f64 = fit.report.chosen["penalty"].parse().unwrap();
        assert_close(&[chosen], &[golden["penalty"].as_f64().unwrap()], 0.0, name);
        assert_eq!(fit.report.chosen["selection"], "5 folds of train");
        let predicted: Vec<f64> = predicted.iter().copied().collect();
        assert_close(&predicted, &expected(golden, key, kind), 1e-6, name);
        // The validation rows mislead: only they would have chosen otherwise.
        let by_validation = LinearProbe { selection: Selection::Validation, ..by_folds(FoldGrouping::Group) };
        let (other, _) = self::fit(&by_validation, kind, &example, targets, None).unwrap();
        assert_eq!(other.report.chosen["penalty"], "1000");
    }
}

#[test]
fn balanced_classes_weigh_the_same() {
    let example = example();
    for (name, kind, targets) in [
        ("balanced_binary", TaskKind::Binary, &example.binary),
        ("balanced_three", TaskKind::Multiclass, &example.three),
    ] {
        let golden = &golden("selection.json")[name];
        let Targets::Classes { labels, .. } = targets else { panic!("classes") };
        let counts: Vec<f64> = (0..golden["counts"].as_array().unwrap().len() as u32)
            .map(|class| labels[..TRAIN].iter().filter(|&&label| label == class).count() as f64)
            .collect();
        assert_close(&counts, &numbers(&golden["counts"]), 0.0, "counts");
        let balanced = LinearProbe {
            penalties: vec![10.0],
            class_weight: Some(ClassWeight::Balanced),
            ..LinearProbe::default()
        };
        let (fit_balanced, predicted) = fit(&balanced, kind, &example, targets, None).unwrap();
        assert_eq!(fit_balanced.report.converged, Some(true));
        let predicted: Vec<f64> = predicted.iter().copied().collect();
        assert_close(&predicted, &expected(golden, "probabilities", kind), 1e-6, name);
        let equal = LinearProbe { class_weight: None, ..balanced.clone() };
        let (_, others) = fit(&equal, kind, &example, targets, None).unwrap();
        let off = predicted.iter().zip(&others).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off > 0.05, "{name}: weights change nothing, {off}");
        assert_ne!(balanced.settings(), equal.settings());
    }
    // Numbers have no classes: nothing changes.
    let ridge = |class_weight| {
        let probe = LinearProbe { class_weight, ..LinearProbe::default() };
        fit(&probe, TaskKind::Regression, &example, &example.values, None).unwrap().1
    };
    assert_eq!(ridge(Some(ClassWeight::Balanced)), ridge(None));
}

#[test]
fn what_cannot_be_folded_or_weighed_says_why() {
    let example = example();
    let error = |probe: &LinearProbe, groups: Option<&[u32]>| match fit(
        probe,
        TaskKind::Binary,
        &example,
        &example.binary,
        groups,
    ) {
        Ok(_) => panic!("a fit where an error was expected"),
        Err(ProbeError::NotApplicable(text)) => text,
        Err(other) => panic!("{other}"),
    };
    assert!(error(&by_folds(FoldGrouping::Group), None).contains("need groups"));
    let pair: Vec<u32> = example.groups.iter().map(|group| group % 2).collect();
    assert!(error(&by_folds(FoldGrouping::Auto), Some(&pair)).contains("5 folds of 2 groups"));
    // All rows of one class in one group: without it there is one class only.
    let Targets::Classes { labels, .. } = &example.binary else { panic!("classes") };
    let by_class: Vec<u32> = labels[..TRAIN]
        .iter()
        .enumerate()
        .map(|(row, &label)| if label == 1 { 0 } else { 1 + row as u32 % 4 })
        .collect();
    assert!(error(&by_folds(FoldGrouping::Auto), Some(&by_class)).contains("fold"));
    let linfa = LinearProbe {
        solver: Solver::Linfa,
        class_weight: Some(ClassWeight::Balanced),
        ..LinearProbe::default()
    };
    assert!(error(&linfa, None).contains("no class weights"));
}

#[test]
fn without_groups_folds_take_single_rows_and_the_seed_does_not_matter() {
    let example = example();
    let fitted = |grouping, groups| {
        fit(&by_folds(grouping), TaskKind::Binary, &example, &example.binary, groups).unwrap()
    };
    let (one, first) = fitted(FoldGrouping::Auto, None);
    let (_, second) = fitted(FoldGrouping::Row, Some(&example.groups[..]));
    assert_eq!(first, second);
    let penalty: f64 = one.report.chosen["penalty"].parse().unwrap();
    assert!((0.05..50.0).contains(&penalty), "{penalty}");
}

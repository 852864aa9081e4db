//! The probe's contract: choice on validation, what cannot be fitted, missing targets, storing.

use crate::support::{Memory, Splitmix};
use ndarray::{Array2, Axis, array, s};
use seqprobe_core::{
    FeatureKind, FeatureView, FitReport, FittedProbe, LabelledView, Probe, ProbeError, ProbeFit, Seed,
    Targets, Task, TaskKind,
};
use seqprobe_linear::{LinearProbe, Solver, exact_ridge, restore};

pub(crate) const TRAIN: usize = 120;
pub(crate) const VALID: usize = 60;
pub(crate) const ROWS: usize = TRAIN + VALID + 40;

pub(crate) fn task(kind: TaskKind, targets: &[&str], classes: &[&str]) -> Task {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Task { kind, targets: owned(targets), classes: owned(classes) }
}

pub(crate) fn binary() -> Task {
    task(TaskKind::Binary, &["label"], &["no", "yes"])
}

pub(crate) fn fit(
    probe: &dyn Probe,
    task: &Task,
    source: &Memory,
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

pub(crate) fn fit_error(probe: &dyn Probe, task: &Task, source: &Memory, targets: &Targets) -> ProbeError {
    match fit(probe, task, source, targets) {
        Ok(_) => panic!("a fit where an error was expected"),
        Err(error) => error,
    }
}

pub(crate) fn predict(fitted: &dyn FittedProbe, source: &Memory) -> Array2<f64> {
    let rows: Vec<usize> = (0..source.values.nrows()).collect();
    fitted.predict(&FeatureView::new(source, &rows).unwrap()).unwrap()
}

/// Features far from standard, and labels that follow the first; `n_classes` classes, about 70% in the last.
pub(crate) fn example(n_classes: usize) -> (Memory, Targets) {
    let mut generator = Splitmix(11);
    let mut features = generator.matrix(ROWS, 6);
    let labels = features.column(0).into_iter().map(|value| ((value + 1.3).max(0.0) * 1.2) as u32);
    let labels = labels.map(|label| label.min(n_classes as u32 - 1)).collect();
    features.column_mut(0).mapv_inplace(|value| 1000.0 + 50.0 * value);
    features.column_mut(1).fill(7.3);
    (Memory::pooled(features.view()), Targets::Classes { labels, n_classes })
}

fn accuracy(predictions: &Array2<f64>, targets: &Targets) -> f64 {
    let Targets::Classes { labels, .. } = targets else { panic!("classes") };
    let hits = predictions.rows().into_iter().zip(labels).filter(|(row, label)| {
        let best = match row.len() {
            1 => usize::from(row[0] > 0.5),
            n => (0..n).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap(),
        };
        best == **label as usize
    });
    hits.count() as f64 / labels.len() as f64
}

#[test]
fn a_binary_fit_chooses_on_validation_and_reports() {
    let (source, targets) = example(2);
    let ProbeFit { fitted, report } = fit(&LinearProbe::default(), &binary(), &source, &targets).unwrap();
    let predictions = predict(fitted.as_ref(), &source);
    assert_eq!(predictions.dim(), (ROWS, 1));
    assert!(accuracy(&predictions, &targets) > 0.95);
    assert_eq!(report.n_parameters, 6);
    assert_eq!(report.converged, Some(true));
    assert!(report.iterations.unwrap() > 0 && report.gradient_norm.unwrap() <= 1e-8);
    assert!(report.warnings.contains(&"1 of 6 features are constant in train and get weight 0".to_owned()));
    // The loss reported is that of the validation rows under the stored model.
    let Targets::Classes { labels, .. } = &targets else { panic!("classes") };
    let loss = (TRAIN..TRAIN + VALID).map(|row| {
        let p = predictions[(row, 0)];
        -(if labels[row] == 1 { p } else { 1.0 - p }).ln()
    });
    approx::assert_abs_diff_eq!(
        report.validation_loss.unwrap(),
        loss.sum::<f64>() / VALID as f64,
        epsilon = 1e-9
    );
    // No other penalty does better on validation.
    for penalty in LinearProbe::default().penalties {
        let one = LinearProbe { penalties: vec![penalty], ..LinearProbe::default() };
        let other = fit(&one, &binary(), &source, &targets).unwrap().report;
        assert!(other.validation_loss.unwrap() >= report.validation_loss.unwrap() - 1e-9);
        assert_eq!(other.chosen["penalty"], penalty.to_string());
    }
}

#[test]
fn the_same_inputs_give_the_same_bits() {
    let (source, targets) = example(3);
    let task = task(TaskKind::Multiclass, &["label"], &["a", "b", "c"]);
    let one = fit(&LinearProbe::default(), &task, &source, &targets).unwrap();
    let other = fit(&LinearProbe::default(), &task, &source, &targets).unwrap();
    assert_eq!(one.fitted.store(), other.fitted.store());
    assert_eq!(one.report, other.report);
}

#[test]
fn linfa_and_the_exact_solver_agree_on_both_orientations() {
    let (source, targets) = example(2);
    let Targets::Classes { labels, .. } = &targets else { panic!("classes") };
    let turned = Targets::Classes { labels: labels.iter().map(|label| 1 - label).collect(), n_classes: 2 };
    for targets in [&targets, &turned] {
        let penalties = vec![1.0, 10.0];
        let exact = LinearProbe { penalties: penalties.clone(), ..LinearProbe::default() };
        let linfa = LinearProbe { solver: Solver::Linfa, penalties, ..LinearProbe::default() };
        let exact = fit(&exact, &binary(), &source, targets).unwrap();
        let linfa = fit(&linfa, &binary(), &source, targets).unwrap();
        assert_eq!(linfa.report.converged, Some(true), "{:?}", linfa.report);
        let off = predict(exact.fitted.as_ref(), &source) - predict(linfa.fitted.as_ref(), &source);
        assert!(off.iter().all(|value| value.abs() < 1e-4), "{off}");
    }
}

#[test]
fn linfa_agrees_on_softmax_and_refuses_wide_logits() {
    let (source, targets) = example(3);
    let task = task(TaskKind::Multiclass, &["label"], &["a", "b", "c"]);
    let linfa = LinearProbe { solver: Solver::Linfa, penalties: vec![10.0], ..LinearProbe::default() };
    let exact = LinearProbe { solver: Solver::Exact, ..linfa.clone() };
    let off = predict(fit(&linfa, &task, &source, &targets).unwrap().fitted.as_ref(), &source)
        - predict(fit(&exact, &task, &source, &targets).unwrap().fitted.as_ref(), &source);
    assert!(off.iter().all(|value| value.abs() < 1e-4), "{off}");
    let weak = LinearProbe { penalties: vec![1e-6], ..linfa };
    let error = fit_error(&weak, &task, &source, &targets).to_string();
    assert!(error.contains("linfa's softmax is wrong beyond 30"), "{error}");
}

#[test]
fn what_does_not_suit_is_not_applicable() {
    let (mut source, targets) = example(2);
    let values = Targets::Values { values: Array2::from_elem((ROWS, 1), Some(1.0)) };
    let linfa = LinearProbe { solver: Solver::Linfa, ..LinearProbe::default() };
    let regression = task(TaskKind::Regression, &["y"], &[]);
    assert!(matches!(fit_error(&linfa, &regression, &source, &values), ProbeError::NotApplicable(_)));
    assert!(matches!(
        fit_error(&LinearProbe::default(), &binary(), &source, &values),
        ProbeError::NotApplicable(_)
    ));
    let fitted = fit(&LinearProbe::default(), &binary(), &source, &targets).unwrap().fitted;
    let narrow = Memory::pooled(Array2::zeros((2, 5)).view());
    let error = fitted.predict(&FeatureView::new(&narrow, &[0, 1]).unwrap()).unwrap_err();
    assert!(matches!(error, ProbeError::Width { expected: 6, got: 5 }));
    source.kind = FeatureKind::Tokens;
    let error = fit_error(&LinearProbe::default(), &binary(), &source, &targets).to_string();
    assert!(error.starts_with("not applicable: a linear probe reads one vector per row"), "{error}");
}

#[test]
fn one_class_in_train_and_broken_values_are_errors() {
    let (mut source, _) = example(2);
    let one = Targets::Classes { labels: vec![1; ROWS], n_classes: 2 };
    let error = fit_error(&LinearProbe::default(), &binary(), &source, &one);
    assert!(matches!(error, ProbeError::OneClass { split: "train", class } if class == "yes"));
    let (_, targets) = example(2);
    let none = LinearProbe { penalties: Vec::new(), ..LinearProbe::default() };
    assert!(
        fit_error(&none, &binary(), &source, &targets).to_string().contains("list of penalties is empty")
    );
    source.values[(3, 2)] = f32::INFINITY;
    let error = fit_error(&LinearProbe::default(), &binary(), &source, &targets).to_string();
    assert!(error.starts_with("feature 2 of row 3 of the train rows is inf"), "{error}");
}

#[test]
fn a_class_absent_from_train_gets_probability_zero_and_a_warning() {
    let (source, targets) = example(3);
    let Targets::Classes { mut labels, .. } = targets else { panic!("classes") };
    let four = task(TaskKind::Multiclass, &["label"], &["a", "b", "c", "d"]);
    labels[TRAIN] = 3;
    let targets = Targets::Classes { labels, n_classes: 4 };
    let ProbeFit { fitted, report } = fit(&LinearProbe::default(), &four, &source, &targets).unwrap();
    let predictions = predict(fitted.as_ref(), &source);
    assert!(predictions.column(3).iter().all(|&p| p == 0.0));
    assert!(predictions.sum_axis(Axis(1)).iter().all(|sum| (sum - 1.0).abs() < 1e-12));
    assert!(report.validation_loss.unwrap().is_finite());
    assert!(report.warnings.iter().any(|warning| warning.starts_with("class \"d\" has no example in train")));
}

#[test]
fn each_target_is_fitted_on_the_rows_where_it_is_known() {
    let mut generator = Splitmix(12);
    let features = generator.matrix(ROWS, 4).mapv(|value| f64::from(value as f32));
    let source = Memory::pooled(features.view());
    let truth =
        features.dot(&array![[1.0, -1.0, 2.0], [2.0, 0.5, 2.0], [0.0, 1.0, 2.0], [0.0, 0.0, 2.0]]) + 5.0;
    let values = Array2::from_shape_fn((ROWS, 3), |(row, target)| {
        (target == 0 || row % 3 != 0).then(|| truth[(row, target)] + 0.1 * generator.centred())
    });
    let task = task(TaskKind::Regression, &["a", "b", "c"], &[]);
    let probe = LinearProbe { penalties: vec![0.7], ..LinearProbe::default() };
    let ProbeFit { fitted, report } =
        fit(&probe, &task, &source, &Targets::Values { values: values.clone() }).unwrap();
    let predictions = predict(fitted.as_ref(), &source);
    assert_eq!((report.converged, report.n_parameters), (None, 15));
    // The second target alone, standardised by hand on all training rows.
    let train = features.slice(s![..TRAIN, ..]);
    let (mean, deviation) = (train.mean_axis(Axis(0)).unwrap(), train.std_axis(Axis(0), 0.0));
    let standard = (&features - &mean) / &deviation;
    let known: Vec<usize> = (0..TRAIN).filter(|row| values[(*row, 1)].is_some()).collect();
    let own = Array2::from_shape_fn((known.len(), 1), |(row, _)| values[(known[row], 1)].unwrap());
    let expected =
        exact_ridge(standard.select(Axis(0), &known).view(), own.view(), 0.7).unwrap().values(&standard);
    for (got, expected) in predictions.column(1).iter().zip(&expected) {
        approx::assert_abs_diff_eq!(got, expected, epsilon = 1e-9);
    }
    let off = &predictions - &truth;
    assert!(off.iter().all(|value| value.abs() < 0.3));
}

#[test]
fn each_target_has_its_own_penalty_and_too_few_values_are_an_error() {
    let mut generator = Splitmix(13);
    let features = generator.matrix(ROWS, 4);
    let source = Memory::pooled(features.view());
    // The first target is a feature, the second nothing but noise.
    let mut values = Array2::from_shape_fn((ROWS, 2), |(row, target)| {
        Some(if target == 0 { features[(row, 0)] } else { generator.centred() })
    });
    let task = task(TaskKind::Regression, &["signal", "noise"], &[]);
    let report = fit(&LinearProbe::default(), &task, &source, &Targets::Values { values: values.clone() })
        .unwrap()
        .report;
    assert!(report.chosen["penalty"].starts_with("signal=0.001, noise=1"), "{:?}", report.chosen);
    assert!(
        report
            .warnings
            .iter()
            .any(|w| w.starts_with("target \"signal\": the chosen penalty 0.001 is the smallest"))
    );
    values.slice_mut(s![1..TRAIN, 1]).fill(None);
    let error =
        fit_error(&LinearProbe::default(), &task, &source, &Targets::Values { values: values.clone() });
    assert!(matches!(error, ProbeError::TooFewTargets { split: "train", n: 1, needed: 2, .. }), "{error}");
    values.slice_mut(s![..TRAIN, 1]).fill(Some(0.5));
    values.slice_mut(s![TRAIN.., 1]).fill(None);
    let error = fit_error(&LinearProbe::default(), &task, &source, &Targets::Values { values });
    assert!(matches!(error, ProbeError::TooFewTargets { split: "valid", n: 0, needed: 1, .. }), "{error}");
}

#[test]
fn several_labels_are_several_binary_fits() {
    let (source, _) = example(2);
    let values = Array2::from_shape_fn((ROWS, 2), |(row, target)| {
        let value = source.values[(row, if target == 0 { 0 } else { 3 })];
        let threshold = if target == 0 { 1000.0 } else { 0.2 };
        (target == 0 || row % 4 != 1).then(|| f64::from(u8::from(value > threshold)))
    });
    let two = task(TaskKind::Multilabel, &["first", "second"], &[]);
    let ProbeFit { fitted, report } =
        fit(&LinearProbe::default(), &two, &source, &Targets::Values { values: values.clone() }).unwrap();
    let predictions = predict(fitted.as_ref(), &source);
    // The first column is the binary fit of the first target.
    let labels = values.column(0).iter().map(|value| value.unwrap() as u32).collect();
    let alone =
        fit(&LinearProbe::default(), &binary(), &source, &Targets::Classes { labels, n_classes: 2 }).unwrap();
    let expected = predict(alone.fitted.as_ref(), &source);
    assert!(predictions.column(0).iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12));
    let hits =
        (0..ROWS).filter(|&row| values[(row, 1)].is_some_and(|v| (v > 0.5) == (predictions[(row, 1)] > 0.5)));
    assert!(hits.count() > ROWS * 3 / 4 * 9 / 10);
    assert_eq!((report.converged, report.n_parameters), (Some(true), 12));
    let constant = Targets::Values { values: Array2::from_elem((ROWS, 2), Some(0.0)) };
    let error = fit_error(&LinearProbe::default(), &two, &source, &constant);
    assert!(matches!(error, ProbeError::OneClass { class, .. } if class == "first=0"));
}

#[test]
fn a_stored_probe_predicts_the_same_bits() {
    let (source, classes) = example(3);
    let values = Targets::Values {
        values: source.values.map(|&value| Some(f64::from(value))).slice(s![.., ..2]).to_owned(),
    };
    for (task, targets) in [
        (task(TaskKind::Multiclass, &["label"], &["a", "b", "c"]), &classes),
        (task(TaskKind::Regression, &["x", "y"], &[]), &values),
        (binary(), &example(2).1),
    ] {
        let fitted = fit(&LinearProbe::default(), &task, &source, targets).unwrap().fitted;
        let stored = fitted.store();
        let restored = restore(&stored).unwrap();
        assert_eq!(restored.store(), stored);
        assert_eq!(predict(restored.as_ref(), &source), predict(fitted.as_ref(), &source));
    }
}

#[test]
fn a_broken_store_is_an_error_that_names_the_part() {
    let (source, targets) = example(2);
    let stored = fit(&LinearProbe::default(), &binary(), &source, &targets).unwrap().fitted.store();
    let text = |stored: &seqprobe_core::StoredProbe| match restore(stored) {
        Ok(_) => panic!("restored"),
        Err(error) => error.to_string(),
    };
    let mut other = stored.clone();
    other.kind = "cnn".to_owned();
    assert!(text(&other).ends_with("is of kind \"cnn\", expected \"linear\""));
    let mut other = stored.clone();
    other.arrays.retain(|array| array.name != "scale");
    assert!(text(&other).contains("a stored linear probe has no array \"scale\""));
    let mut other = stored.clone();
    other.arrays[2].values.pop();
    assert!(text(&other).contains("array \"weight\" has shape [1, 6] and 5 values"));
    let mut other = stored;
    other.config["link"] = "probit".into();
    assert!(text(&other).ends_with("link \"probit\", expected identity, sigmoid, softmax or one-vs-rest"));
}

#[test]
fn the_report_of_a_ridge_is_that_of_a_closed_form() {
    let (source, _) = example(2);
    let values = Array2::from_shape_fn((ROWS, 1), |(row, _)| Some(f64::from(source.values[(row, 0)]) / 3.0));
    let task = task(TaskKind::Regression, &["y"], &[]);
    let FitReport { converged, gradient_norm, validation_loss, chosen, .. } =
        fit(&LinearProbe::default(), &task, &source, &Targets::Values { values }).unwrap().report;
    assert_eq!((converged, gradient_norm, chosen["penalty"].as_str()), (None, None, "0.001"));
    assert!(validation_loss.unwrap() < 1e-6);
}

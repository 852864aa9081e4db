//! The solvers against scikit-learn 1.9.1 on inputs that are hard in one way each.

use crate::support::{Splitmix, assert_close, golden, numbers};
use ndarray::{Array2, s};
use seqprobe_linear::{ClassLabels, FittedLogistic, exact_logistic, exact_ridge};

fn check(
    case: &str,
    features: &Array2<f64>,
    labels: Vec<usize>,
    n_classes: usize,
    penalty: f64,
    tolerance: f64,
) -> FittedLogistic {
    let fitted = exact_logistic(features.view(), &ClassLabels { labels, n_classes }, penalty).unwrap();
    assert!(fitted.converged, "{case}: gradient {:e}", fitted.gradient_norm);
    let golden = &golden("synthetic.json")[case];
    let probabilities = fitted.probabilities(&features.slice(s![..20.min(features.nrows()), ..]));
    // scikit-learn lists both classes of a binary fit.
    let expected: Vec<f64> = if n_classes == 2 {
        numbers(&golden["probabilities"]).into_iter().skip(1).step_by(2).collect()
    } else {
        numbers(&golden["probabilities"])
    };
    assert_close(probabilities.as_slice().unwrap(), &expected, tolerance, &format!("{case}: probability"));
    let scale = numbers(&golden["weights"]).iter().fold(1.0, |most: f64, weight| most.max(weight.abs()));
    let weights: Vec<f64> = fitted.weights.iter().copied().collect();
    assert_close(
        &weights,
        &numbers(&golden["weights"]),
        10.0 * tolerance * scale,
        &format!("{case}: weight"),
    );
    fitted
}

#[test]
fn logits_that_spread_over_more_than_a_hundred() {
    let mut generator = Splitmix(1);
    let features = generator.matrix(400, 12).mapv(|value| value * value * value);
    let scores = features.dot(&generator.matrix(8, 12).t());
    let largest =
        |row: ndarray::ArrayView1<'_, f64>| (0..8).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
    let labels = scores.rows().into_iter().map(largest).collect();
    let fitted = check("wide", &features, labels, 8, 0.01, 1e-4);
    assert!(golden("synthetic.json")["wide"]["spread"].as_f64().unwrap() > 100.0);
    let logits = features.dot(&fitted.weights.t()) + &fitted.intercepts;
    let spread =
        logits.fold(f64::MIN, |most, &v| most.max(v)) - logits.fold(f64::MAX, |least, &v| least.min(v));
    assert!(spread > 100.0, "{spread}");
}

#[test]
fn perfectly_separable_classes_end_at_the_optimum() {
    let mut features = Splitmix(2).matrix(60, 5);
    for (row, value) in features.column_mut(0).iter_mut().enumerate() {
        *value += if row % 2 == 0 { 6.0 } else { -6.0 };
    }
    let labels = (0..60).map(|row| usize::from(row % 2 == 0)).collect();
    check("separable", &features, labels, 2, 0.001, 1e-6);
}

#[test]
fn a_constant_feature_gets_weight_zero() {
    let mut generator = Splitmix(3);
    let mut features = generator.matrix(80, 4);
    let noise = generator.matrix(80, 1);
    let labels = (0..80).map(|row| usize::from(features[(row, 0)] + noise[(row, 0)] > 0.0)).collect();
    features.column_mut(2).fill(0.0);
    let fitted = check("constant", &features, labels, 2, 1.0, 1e-6);
    assert_eq!(fitted.weights[(0, 2)].to_bits() << 1, 0);
}

#[test]
fn fewer_rows_than_features() {
    let features = Splitmix(4).matrix(30, 90);
    let labels = (0..30).map(|row| usize::from(features[(row, 0)] + features[(row, 1)] > 0.0)).collect();
    check("wide_binary", &features, labels, 2, 0.1, 1e-6);
    check("wide_softmax", &features, (0..30).map(|row| row % 3).collect(), 3, 0.1, 1e-5);
}

#[test]
fn one_row_of_a_class() {
    let features = Splitmix(5).matrix(40, 3);
    check("lonely", &features, (0..40).map(|row| usize::from(row == 7)).collect(), 2, 1.0, 1e-6);
}

#[test]
fn ridge_of_two_targets_with_more_and_with_fewer_rows_than_features() {
    for (case, rows) in [("ridge_tall", 50), ("ridge_wide", 12)] {
        let mut generator = Splitmix(6);
        let features = generator.matrix(rows, 20) + 3.0;
        let targets = generator.matrix(rows, 2);
        let fitted = exact_ridge(features.view(), targets.view(), 2.5).unwrap();
        let golden = &golden("synthetic.json")[case];
        assert_close(fitted.weights.as_slice().unwrap(), &numbers(&golden["weights"]), 1e-9, case);
        assert_close(fitted.intercepts.as_slice().unwrap(), &numbers(&golden["intercepts"]), 1e-9, case);
    }
}

#[test]
fn a_softmax_too_large_to_factor_whole_meets_the_optimum_too() {
    // 6 classes × 501 parameters: above the size up to which the Hessian is factored in one piece.
    let mut generator = Splitmix(7);
    let features = generator.matrix(700, 500);
    let labels: Vec<usize> = (0..700)
        .map(|row| {
            let score = 3.0 + 2.0 * features[(row, 0)] + features[(row, 1)] + generator.centred();
            (score.max(0.0) as usize).min(5)
        })
        .collect();
    let fitted =
        exact_logistic(features.view(), &ClassLabels { labels: labels.clone(), n_classes: 6 }, 0.1).unwrap();
    assert!(
        fitted.converged && fitted.iterations < 60,
        "{} steps, {:e}",
        fitted.iterations,
        fitted.gradient_norm
    );
    // The gradient, by its definition: featuresᵀ·(probability − label) + penalty·weight = 0.
    let mut residuals = fitted.probabilities(&features);
    for (row, &label) in labels.iter().enumerate() {
        residuals[(row, label)] -= 1.0;
    }
    let gradient = residuals.t().dot(&features) + &fitted.weights * 0.1;
    let most = gradient.fold(0.0_f64, |most, value| most.max(value.abs()));
    assert!(most < 1e-8 * 700.0, "{most:e}");
}

#[test]
fn what_cannot_be_fitted_is_an_error_that_says_why() {
    let features = Splitmix(8).matrix(6, 2);
    let labels = |labels: Vec<usize>, n_classes| ClassLabels { labels, n_classes };
    let text = |labels: ClassLabels, penalty| {
        exact_logistic(features.view(), &labels, penalty).unwrap_err().to_string()
    };
    assert!(text(labels(vec![0, 1, 0, 1, 0, 1], 2), 0.0).starts_with("penalty 0 is not a positive number"));
    assert_eq!(text(labels(vec![0, 1], 2), 1.0), "6 rows of features but 2 rows of targets");
    assert!(text(labels(vec![0; 6], 2), 1.0).starts_with("class 1 has no row"));
    assert_eq!(text(labels(vec![0, 1, 2, 0, 1, 2], 2), 1.0), "row 2 has label 2, there are 2 classes");
    let mut broken = features.clone();
    broken[(3, 1)] = f64::NAN;
    let error = exact_logistic(broken.view(), &labels(vec![0, 1, 0, 1, 0, 1], 2), 1.0).unwrap_err();
    assert_eq!(error.to_string(), "feature at row 3, column 1 is NaN, not a finite number");
}

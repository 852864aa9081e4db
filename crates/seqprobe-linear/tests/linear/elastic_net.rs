//! Lasso and elastic net against scikit-learn 1.9.1 and linfa, and by the conditions of their optimum.

use crate::real::{four_mers, read};
use crate::support::{Splitmix, assert_close, data_folder, golden, has_data, numbers};
use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2, Axis};
use proptest::prelude::*;
use seqprobe_linear::{ElasticNetPath, FittedElasticNet, PenaltyPath};

const SYNTHETIC: &str = "../elastic_net/synthetic.json";

fn path_of(golden: &serde_json::Value) -> ElasticNetPath {
    ElasticNetPath {
        l1_ratio: golden["l1_ratio"].as_f64().unwrap(),
        penalties: PenaltyPath::Given(vec![golden["penalty"].as_f64().unwrap()]),
        tolerance: 1e-13,
    }
}

fn check(fitted: &FittedElasticNet, golden: &serde_json::Value, tolerance: f64, what: &str) {
    assert!(fitted.converged, "{what}: gap {:e}", fitted.duality_gap);
    let expected = numbers(&golden["weights"]);
    assert_close(&fitted.weights.to_vec(), &expected, tolerance, what);
    assert_close(&[fitted.intercept], &[golden["intercept"].as_f64().unwrap()], 10.0 * tolerance, what);
    let n_expected = expected.iter().filter(|weight| weight.abs() > 10.0 * tolerance).count();
    let n_got = fitted.weights.iter().filter(|weight| weight.abs() > 10.0 * tolerance).count();
    assert_eq!(n_got, n_expected, "{what}: weights other than zero");
}

fn check_values(case: &str, features: &Array2<f64>, targets: &[f64]) -> FittedElasticNet {
    let golden = &golden(SYNTHETIC)[case];
    let fitted = path_of(golden).fit_values(features, targets).unwrap().remove(0);
    check(&fitted, golden, 1e-7, case);
    fitted
}

fn check_classes(case: &str, features: &Array2<f64>, labels: &[bool]) {
    let golden = &golden(SYNTHETIC)[case];
    let fitted = path_of(golden).fit_classes(features, labels).unwrap().remove(0);
    check(&fitted, golden, 1e-6, case);
    let first = features.slice(ndarray::s![..20, ..]);
    let logits = first.dot(&fitted.weights) + fitted.intercept;
    let probabilities = logits.mapv(|logit| 1.0 / (1.0 + (-logit).exp())).to_vec();
    assert_close(&probabilities, &numbers(&golden["probabilities"]), 1e-7, case);
}

#[test]
fn more_rows_than_features() {
    let mut generator = Splitmix(21);
    let features = generator.matrix(60, 20) + 3.0;
    let noise = generator.matrix(60, 1);
    let targets: Vec<f64> =
        (0..60).map(|row| 2.0 * features[(row, 0)] - features[(row, 3)] + 0.5 * noise[(row, 0)]).collect();
    check_values("tall_lasso", &features, &targets);
    check_values("tall_elastic", &features, &targets);
}

#[test]
fn fewer_rows_than_features() {
    let mut generator = Splitmix(22);
    let features = generator.matrix(30, 90);
    let noise = generator.matrix(30, 1);
    let targets: Vec<f64> =
        (0..30).map(|row| features[(row, 0)] - features[(row, 1)] + 0.3 * noise[(row, 0)]).collect();
    check_values("wide_lasso", &features, &targets);
    check_values("wide_elastic", &features, &targets);
}

#[test]
fn a_feature_that_is_there_twice_shares_its_weight() {
    let mut generator = Splitmix(23);
    let mut features = generator.matrix(50, 6);
    let copy = features.column(1).to_owned();
    features.column_mut(4).assign(&copy);
    let noise = generator.matrix(50, 1);
    let targets: Vec<f64> = (0..50).map(|row| features[(row, 1)] + 0.4 * noise[(row, 0)]).collect();
    let fitted = check_values("twice", &features, &targets);
    assert_close(&[fitted.weights[1]], &[fitted.weights[4]], 1e-6, "twice");
    // The lasso's optimum is the sum's: any split of it has the same objective.
    let lasso = ElasticNetPath { penalties: PenaltyPath::Given(vec![0.05]), ..ElasticNetPath::new(1.0) };
    let twice = lasso.fit_values(&features, &targets).unwrap().remove(0);
    features.column_mut(4).fill(7.0);
    let once = lasso.fit_values(&features, &targets).unwrap().remove(0);
    assert!(twice.converged && once.converged);
    assert_close(&[twice.weights[1] + twice.weights[4]], &[once.weights[1]], 1e-6, "split");
    assert_eq!(once.weights[4].to_bits(), 0, "a constant feature");
}

#[test]
fn two_classes() {
    let mut generator = Splitmix(24);
    let features = generator.matrix(120, 12);
    let noise = generator.matrix(120, 1);
    let labels: Vec<bool> =
        (0..120).map(|row| features[(row, 0)] - features[(row, 5)] + noise[(row, 0)] > 0.3).collect();
    check_classes("tall_classes", &features, &labels);
    check_classes("tall_classes_elastic", &features, &labels);
    let features = Splitmix(25).matrix(40, 90);
    let labels: Vec<bool> = features.rows().into_iter().map(|row| row[0] + row[1] > 0.0).collect();
    check_classes("wide_classes", &features, &labels);
}

#[test]
fn core_promoters_as_scikit_learn_fits_them() {
    let path = data_folder().join("gue/prom/prom_core_tata/train.csv");
    if !has_data(&path) {
        return;
    }
    let (sequences, labels) = read(&path);
    let mut features = four_mers(&sequences);
    features -= &features.mean_axis(Axis(0)).unwrap();
    features /= &features.std_axis(Axis(0), 0.0);
    let golden = golden("../elastic_net/real.json");
    let positive: Vec<bool> = labels.iter().map(|&label| label == 1).collect();
    let fitted = path_of(&golden["classes"]).fit_classes(&features, &positive).unwrap().remove(0);
    check(&fitted, &golden["classes"], 1e-6, "classes");
    let values: Vec<f64> = labels.iter().map(|&label| label as f64).collect();
    let fitted = path_of(&golden["numbers"]).fit_values(&features, &values).unwrap().remove(0);
    check(&fitted, &golden["numbers"], 1e-7, "numbers");
}

#[test]
fn penalties_keep_their_order_and_linfa_s_trait_gives_the_same() {
    let mut generator = Splitmix(31);
    let (features, noise) = (generator.matrix(50, 8), generator.matrix(50, 1));
    let targets = Array1::from_shape_fn(50, |row| features[(row, 2)] + noise[(row, 0)]);
    let penalties = vec![0.01, 0.3, 0.1];
    let path =
        ElasticNetPath { penalties: PenaltyPath::Given(penalties.clone()), ..ElasticNetPath::new(0.7) };
    let fitted = path.fit(&DatasetBase::new(features.view(), targets.clone())).unwrap();
    assert_eq!(fitted.iter().map(|model| model.penalty).collect::<Vec<_>>(), penalties);
    for (model, penalty) in fitted.iter().zip(penalties) {
        let alone =
            ElasticNetPath { penalties: PenaltyPath::Given(vec![penalty]), ..ElasticNetPath::new(0.7) };
        let alone = alone.fit_values(&features, &targets.to_vec()).unwrap().remove(0);
        assert_close(&model.weights.to_vec(), &alone.weights.to_vec(), 1e-5, "warm against cold start");
    }
}

#[test]
fn more_features_than_are_multiplied_at_once() {
    // Beyond 2,048 features the products are made as they are asked for; the optimum is the same.
    let features = Splitmix(32).matrix(60, 2_300);
    let targets: Vec<f64> =
        features.rows().into_iter().map(|row| row[5] - 2.0 * row[2_200] + 0.1 * row[9]).collect();
    let path = ElasticNetPath { penalties: PenaltyPath::Automatic(12), ..ElasticNetPath::new(1.0) };
    let fitted = path.fit_values(&features, &targets).unwrap();
    for model in &fitted {
        assert!(model.converged, "{:e}", model.duality_gap);
        let worst = worst_condition(&path, model, &slopes(&features, &targets, model), 1.0);
        assert!(worst < 1e-6, "{worst:e}");
    }
    assert!(fitted[11].weights[5] > 0.5 && fitted[11].weights[2_200] < -1.0);
}

#[test]
fn what_is_out_of_range_is_refused() {
    let features = Splitmix(1).matrix(6, 2);
    let refusal = |path: &ElasticNetPath| path.fit_values(&features, &[0.0; 6]).unwrap_err().to_string();
    assert!(refusal(&ElasticNetPath::new(0.0)).contains("l1_ratio is 0"));
    let negative = ElasticNetPath { penalties: PenaltyPath::Given(vec![-1.0]), ..ElasticNetPath::new(1.0) };
    assert!(refusal(&negative).contains("-1"));
    let path = ElasticNetPath::new(1.0);
    assert!(path.fit_values(&features, &[0.0; 5]).unwrap_err().to_string().contains("6 rows"));
    assert!(path.fit_values(&features, &[f64::NAN; 6]).is_err());
    assert!(path.fit_classes(&features, &[true; 6]).unwrap_err().to_string().contains("one of the two"));
    // A constant target has nothing to explain.
    let fitted = path.fit_values(&features, &[0.1; 6]).unwrap();
    assert!(fitted.iter().all(|model| model.converged && model.n_selected() == 0));
    assert!((fitted[50].intercept - 0.1).abs() < 1e-15);
}

/// Slopes of the mean loss of a model, with the sign that pulls a weight up.
fn slopes(features: &Array2<f64>, targets: &[f64], model: &FittedElasticNet) -> Array1<f64> {
    let errors = Array1::from_vec(targets.to_vec()) - features.dot(&model.weights) - model.intercept;
    features.t().dot(&errors) / targets.len() as f64
}

/// How far a model is from the conditions of the optimum: |slope| ≤ l1 without a weight, equal to it with one.
fn worst_condition(path: &ElasticNetPath, model: &FittedElasticNet, slopes: &Array1<f64>, scale: f64) -> f64 {
    let (l1, l2) = (model.penalty * path.l1_ratio, model.penalty * (1.0 - path.l1_ratio));
    let off = |(slope, weight): (&f64, &f64)| {
        if *weight == 0.0 {
            (slope.abs() - l1).max(0.0)
        } else {
            (slope - l2 * weight - l1.copysign(*weight)).abs()
        }
    };
    slopes.iter().zip(&model.weights).map(off).fold(0.0, f64::max) / scale
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_conditions_of_the_optimum_hold(
        seed in any::<u64>(),
            rows in 4_usize..60,
            columns in 1_usize..40,
            ratio in 0.1_f64..=1.0,
            is_class in any::<bool>(),
        repeat in any::<bool>(),
    ) {
        let mut generator = Splitmix(seed);
        let mut features = generator.matrix(rows, columns);
        if repeat && columns > 2 {
            let copy = features.column(0).to_owned();
            features.column_mut(columns - 1).assign(&copy);
            features.column_mut(1).fill(2.5);
        }
        let mut targets: Vec<f64> =
            (0..rows).map(|row| features[(row, 0)] + generator.centred()).collect();
        let path = ElasticNetPath {
            l1_ratio: ratio, penalties: PenaltyPath::Automatic(8), tolerance: 1e-12,
        };
        let fitted = if is_class {
            let labels: Vec<bool> =
                (0..rows).map(|row| row == 0 || (row > 1 && targets[row] > 0.0)).collect();
            targets = labels.iter().map(|label| f64::from(u8::from(*label))).collect();
            path.fit_classes(&features, &labels).unwrap()
        } else {
            path.fit_values(&features, &targets).unwrap()
        };
        prop_assert_eq!(fitted[0].n_selected(), 0, "the first penalty lets no weight in");
        let mean = targets.iter().sum::<f64>() / rows as f64;
        for (index, model) in fitted.iter().enumerate() {
            prop_assert!(model.converged, "{} gap {:e}", index, model.duality_gap);
            let slopes = if is_class {
                let logits = features.dot(&model.weights) + model.intercept;
                let errors = Array1::from_vec(targets.clone()) - logits.mapv(|logit| 1.0 / (1.0 + (-logit).exp()));
                prop_assert!(errors.sum().abs() < 1e-8 * rows as f64);
                features.t().dot(&errors) / rows as f64
            } else {
                if index == 0 {
                    prop_assert!((model.intercept - mean).abs() < 1e-12);
                }
                slopes(&features, &targets, model)
            };
            let scale = fitted[0].penalty * ratio;
            let worst = worst_condition(&path, model, &slopes, scale);
            prop_assert!(worst < 2e-5, "{} {}", index, worst);
        }
        // Just below the first penalty something is let in.
        let below = ElasticNetPath {
            penalties: PenaltyPath::Given(vec![0.97 * fitted[0].penalty]), ..path
        };
        let let_in = if is_class {
            let labels: Vec<bool> = targets.iter().map(|target| *target > 0.5).collect();
            below.fit_classes(&features, &labels).unwrap()
        } else {
            below.fit_values(&features, &targets).unwrap()
        };
        prop_assert!(let_in[0].n_selected() > 0);
    }
}

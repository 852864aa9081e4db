//! Properties of the optimum that hold for any data.

use crate::support::{Memory, Splitmix};
use ndarray::{Array2, Axis};
use proptest::prelude::*;
use seqprobe_core::{FeatureView, LabelledView, Probe, Seed, Targets, Task, TaskKind};
use seqprobe_linear::{ClassLabels, LinearProbe, exact_logistic};

fn data(seed: u64, rows: usize, columns: usize, n_classes: usize) -> (Array2<f64>, Vec<usize>) {
    let mut generator = Splitmix(seed);
    let features = generator.matrix(rows, columns);
    // Every class has a row; the others follow the first feature.
    let labels = (0..rows)
        .map(|row| match row {
            row if row < n_classes => row,
            row => ((features[(row, 0)] + generator.centred() + 2.0) as usize).min(n_classes - 1),
        })
        .collect();
    (features, labels)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_gradient_vanishes_at_the_optimum(
        seed in any::<u64>(),
        rows in 6_usize..60,
        columns in 1_usize..30,
        n_classes in 2_usize..5,
        log_penalty in -3_i32..4,
    ) {
        let (features, labels) = data(seed, rows, columns, n_classes);
        let penalty = 10_f64.powi(log_penalty);
        let classes = ClassLabels { labels: labels.clone(), n_classes };
        let fitted = exact_logistic(features.view(), &classes, penalty).unwrap();
        prop_assert!(fitted.converged);
        let mut residuals = fitted.probabilities(&features);
        for (row, &label) in labels.iter().enumerate() {
            if n_classes == 2 {
                residuals[(row, 0)] -= label as f64;
            } else {
                residuals[(row, label)] -= 1.0;
            }
        }
        let gradient = residuals.t().dot(&features) + &fitted.weights * penalty;
        let limit = 1.1e-8 * rows as f64;
        prop_assert!(gradient.iter().all(|value| value.abs() < limit), "{gradient}");
        prop_assert!(residuals.sum_axis(Axis(0)).iter().all(|value| value.abs() < limit));
    }

    #[test]
    fn row_order_does_not_matter(
        seed in any::<u64>(),
        rows in 6_usize..60,
        columns in 1_usize..30,
        n_classes in 2_usize..4,
    ) {
        let (features, labels) = data(seed, rows, columns, n_classes);
        let order: Vec<usize> = (0..rows).rev().collect();
        let turned = features.select(Axis(0), &order);
        let turned_labels = order.iter().map(|&row| labels[row]).collect();
        let one = exact_logistic(features.view(), &ClassLabels { labels, n_classes }, 0.5).unwrap();
        let other = exact_logistic(turned.view(), &ClassLabels { labels: turned_labels, n_classes }, 0.5).unwrap();
        let off = &one.probabilities(&features) - &other.probabilities(&features);
        prop_assert!(off.iter().all(|value| value.abs() < 1e-6));
    }

    #[test]
    fn the_scale_of_a_feature_does_not_matter(
        seed in any::<u64>(),
        exponent in -8_i32..8,
        is_regression in any::<bool>(),
    ) {
        let (features, labels) = data(seed, 60, 5, 2);
        let mut scaled = features.clone();
        // Powers of two, so that the f32 values are the same but for their exponent.
        scaled.column_mut(0).mapv_inplace(|value| value * 2_f64.powi(exponent));
        let task = Task {
            kind: if is_regression { TaskKind::Regression } else { TaskKind::Binary },
            targets: vec!["y".to_owned()],
            classes: if is_regression { Vec::new() } else { vec!["no".to_owned(), "yes".to_owned()] },
        };
        let targets = |rows: &[usize]| if is_regression {
            let value = |(row, _)| Some(features[(rows[row], 1)]);
            Targets::Values { values: Array2::from_shape_fn((rows.len(), 1), value) }
        } else {
            Targets::Classes { labels: rows.iter().map(|&row| labels[row] as u32).collect(), n_classes: 2 }
        };
        let (train, valid): (Vec<usize>, Vec<usize>) = ((0..40).collect(), (40..60).collect());
        let predict = |values: &Array2<f64>| {
            let source = Memory::pooled(values.view());
            let (train_view, valid_view) =
                (FeatureView::new(&source, &train).unwrap(), FeatureView::new(&source, &valid).unwrap());
            let (train_targets, valid_targets) = (targets(&train), targets(&valid));
            let fit = LinearProbe::default().fit(
                &task,
                LabelledView { features: train_view, targets: &train_targets, groups: None },
                LabelledView { features: valid_view, targets: &valid_targets, groups: None },
                Seed(0),
            ).unwrap();
            fit.fitted.predict(&valid_view).unwrap()
        };
        let off = predict(&features) - predict(&scaled);
        prop_assert!(off.iter().all(|value| value.abs() < 1e-9), "{off}");
    }
}

//! What the probes learn, and that they learn nothing where there is nothing.

use crate::common::{auroc, binary, classes, fit, motif, one_hot, pooled, predict, small_cnn, task};
use ndarray::Array2;
use rand::seq::SliceRandom;
use seqprobe_core::{Seed, Targets, TaskKind};
use seqprobe_neural::{MlpProbe, MlpSettings, TrainingSettings};

#[test]
fn cnn_finds_a_motif_at_any_place_in_rows_of_any_length() {
    let (source, labels) = motif(700, 30..=60, 1);
    let fitted = fit(&small_cnn(25), &binary(), &source, &classes(&labels, 2), (400, 100), 0).unwrap();
    let scores = predict(&fitted, &source, 500..700);
    let area = auroc(&labels[500..], scores.column(0).iter().copied());
    assert!((0.9..=1.0).contains(&area), "AUROC {area}");
}

#[test]
fn cnn_knows_where_a_motif_stands() {
    // Every row holds the motif once; its place, near the start or near the end, is the class.
    let labels: Vec<u32> = (0..500).map(|row| row % 2).collect();
    let source = one_hot(500, 50..=50, 2, |row, letters| {
        let start = if row % 2 == 1 { 8 + row % 5 } else { 32 + row % 5 };
        letters[start..start + 8].copy_from_slice(&[3, 0, 3, 0, 0, 3, 2, 1]);
    });
    let fitted = fit(&small_cnn(40), &binary(), &source, &classes(&labels, 2), (300, 100), 0).unwrap();
    let area = auroc(&labels[400..], predict(&fitted, &source, 400..500).column(0).iter().copied());
    assert!((0.9..=1.0).contains(&area), "AUROC {area}");
}

#[test]
fn shuffled_labels_give_chance() {
    let (source, mut labels) = motif(600, 40..=40, 3);
    labels[..400].shuffle(&mut Seed(9).rng());
    let fitted = fit(&small_cnn(6), &binary(), &source, &classes(&labels, 2), (300, 100), 0).unwrap();
    let area = auroc(&labels[400..], predict(&fitted, &source, 400..600).column(0).iter().copied());
    assert!((0.3..=0.7).contains(&area), "AUROC {area}");
}

#[test]
fn cnn_tells_three_classes_apart_and_its_probabilities_sum_to_one() {
    let labels: Vec<u32> = (0..450).map(|row| row % 3).collect();
    let source = one_hot(450, 24..=30, 4, |row, letters| {
        let motif = [[0_u8; 6], [1; 6], [2; 6]][row % 3];
        letters[5..11].copy_from_slice(&motif);
    });
    let task = task(TaskKind::Multiclass, &["y"], &["a", "c", "g"]);
    let fitted = fit(&small_cnn(15), &task, &source, &classes(&labels, 3), (250, 100), 0).unwrap();
    let scores = predict(&fitted, &source, 350..450);
    let right = scores.outer_iter().zip(&labels[350..]).filter(|(row, label)| {
        approx::assert_relative_eq!(row.sum(), 1.0, epsilon = 1e-12);
        row.iter().all(|&other| other <= row[**label as usize])
    });
    let accuracy = right.count() as f64 / 100.0;
    assert!((0.9..=1.0).contains(&accuracy), "accuracy {accuracy}");
}

#[test]
fn regression_leaves_missing_targets_out_and_predicts_on_the_untransformed_scale() {
    let source = pooled(600, 3, 5);
    // Two targets far from standard; every third value of the first and every fifth of the second is missing.
    let truth = Array2::from_shape_fn((600, 2), |(row, column)| {
        let x = &source.rows[row];
        if column == 0 { 1000.0 + 50.0 * f64::from(x[0] + x[1]) } else { -0.01 * f64::from(x[2]) }
    });
    let values = Array2::from_shape_fn((600, 2), |(row, column)| {
        (row % [3, 5][column] != 0).then_some(truth[(row, column)])
    });
    let targets = Targets::Values { values: values.clone() };
    let probe = MlpProbe::new(MlpSettings {
        dropout: 0.0,
        training: TrainingSettings { batch_size: 32, ..TrainingSettings::default() },
        ..MlpSettings::default()
    });
    let task = task(TaskKind::Regression, &["big", "small"], &[]);
    let fitted = fit(&probe, &task, &source, &targets, (400, 100), 0).unwrap();
    let scores = predict(&fitted, &source, 500..600);
    for column in 0..2 {
        let truth = truth.slice(ndarray::s![500.., column]);
        let error = (&scores.column(column) - &truth).mapv(f64::abs).mean().unwrap();
        let spread = truth.std(0.0);
        assert!((0.0..0.25).contains(&(error / spread)), "target {column}: error {error}, spread {spread}");
    }
    // The reported loss is the mean squared error of the returned model over known validation targets.
    let scores = predict(&fitted, &source, 400..500);
    let errors: Vec<f64> = values
        .slice(ndarray::s![400..500, ..])
        .iter()
        .zip(&scores)
        .filter_map(|(value, score)| value.map(|value| (value - score).powi(2)))
        .collect();
    let expected = errors.iter().sum::<f64>() / errors.len() as f64;
    approx::assert_relative_eq!(fitted.report.validation_loss.unwrap(), expected, max_relative = 1e-9);
}

#[test]
fn multilabel_leaves_missing_targets_out() {
    let source = pooled(500, 4, 6);
    let truth = |row: usize, column: usize| source.rows[row][column] > 0.0;
    let values = Array2::from_shape_fn((500, 2), |(row, column)| {
        (row % 4 != column).then_some(f64::from(u8::from(truth(row, column))))
    });
    let task = task(TaskKind::Multilabel, &["a", "b"], &[]);
    let fitted =
        fit(&MlpProbe::default(), &task, &source, &Targets::Values { values }, (300, 100), 0).unwrap();
    let scores = predict(&fitted, &source, 400..500);
    for column in 0..2 {
        let labels: Vec<u32> = (400..500).map(|row| u32::from(truth(row, column))).collect();
        let area = auroc(&labels, scores.column(column).iter().copied());
        assert!((0.9..=1.0).contains(&area), "target {column}: AUROC {area}");
    }
}

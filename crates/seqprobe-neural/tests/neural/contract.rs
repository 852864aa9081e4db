//! What every caller relies on: repeatable numbers, exact padding, early stopping, stored form, errors.

use crate::common::{Memory, binary, classes, fit, motif, one_hot, pooled, predict, small_cnn, task};
use seqprobe_core::{FeatureKind, FeatureView, Probe, ProbeError, Targets, TaskKind};
use seqprobe_neural::{
    AttentionProbe, AttentionSettings, CnnProbe, CnnSettings, MlpProbe, MlpSettings, Reduction,
    TrainingSettings, restore,
};

fn one_epoch() -> TrainingSettings {
    TrainingSettings { max_epochs: 1, ..TrainingSettings::default() }
}

#[test]
fn the_reduction_is_counted_apart_and_the_rest_does_not_depend_on_the_width() {
    let labels: Vec<u32> = (0..40).map(|row| row % 2).collect();
    let count = |dim: usize, reduction: Reduction| {
        let source = Memory { kind: FeatureKind::Tokens, ..pooled(40, dim, 0) };
        let probe = CnnProbe::new(CnnSettings { reduction, training: one_epoch(), ..CnnSettings::default() });
        let report = fit(&probe, &binary(), &source, &classes(&labels, 2), (30, 10), 0).unwrap().report;
        (report.n_parameters, report.reduction_parameters)
    };
    // stem 64·7·64, position 16·64, two blocks 64·5·64, three norms 2·64, hidden 128·64 + 64, output 64 + 1
    let rest = 28_672 + 1_024 + 40_960 + 384 + 8_256 + 65;
    assert_eq!(count(4, Reduction::Learned), (rest, 4 * 64));
    assert_eq!(count(768, Reduction::Learned), (rest, 768 * 64));
    assert_eq!(count(768, Reduction::FixedRandom), (rest, 0));

    let count = |dim: usize, reduction: Reduction| {
        let probe = MlpProbe::new(MlpSettings { reduction, training: one_epoch(), ..MlpSettings::default() });
        let source = pooled(40, dim, 0);
        let report = fit(&probe, &binary(), &source, &classes(&labels, 2), (30, 10), 0).unwrap().report;
        (report.n_parameters, report.reduction_parameters)
    };
    let rest = 64 * 128 + 128 + 128 * 64 + 64 + 65;
    assert_eq!(count(10, Reduction::Learned), (rest, 10 * 64));
    assert_eq!(count(768, Reduction::Learned), (rest, 768 * 64));
    assert_eq!(count(768, Reduction::FixedRandom), (rest, 0));

    let count = |dim: usize, heads: usize| {
        let source = Memory { kind: FeatureKind::Tokens, ..pooled(40, dim, 0) };
        let training = one_epoch();
        let probe =
            AttentionProbe::new(AttentionSettings { heads, training, ..AttentionSettings::default() });
        let report = fit(&probe, &binary(), &source, &classes(&labels, 2), (30, 10), 0).unwrap().report;
        (report.n_parameters, report.reduction_parameters)
    };
    assert_eq!(count(4, 1), (64 + 64 + 1, 4 * 64));
    assert_eq!(count(768, 1), (64 + 64 + 1, 768 * 64));
    assert_eq!(count(4, 3), (3 * 64 + 3 * 64 + 1, 4 * 64));
}

#[test]
fn a_fixed_projection_stays_as_drawn() {
    let (source, labels) = motif(60, 20..=20, 1);
    let reduction = |max_epochs| {
        let training = TrainingSettings { max_epochs, ..TrainingSettings::default() };
        let settings = CnnSettings { reduction: Reduction::FixedRandom, training, ..CnnSettings::default() };
        let fitted =
            fit(&CnnProbe::new(settings), &binary(), &source, &classes(&labels, 2), (40, 20), 0).unwrap();
        fitted.fitted.store().array("reduction/weight").unwrap().clone()
    };
    assert_eq!(reduction(1), reduction(3));
}

#[test]
fn padding_never_changes_a_value() {
    let (mut source, labels) = motif(120, 8..=70, 2);
    source.rows[119].truncate(4); // one row of a single token
    let attention = AttentionProbe::new(AttentionSettings { heads: 2, ..AttentionSettings::default() });
    let probes: [&dyn Probe; 2] = [&small_cnn(2), &attention];
    for probe in probes {
        let fitted = fit(probe, &binary(), &source, &classes(&labels, 2), (60, 20), 0).unwrap();
        let together = predict(&fitted, &source, 80..120);
        for row in 80..120 {
            let alone = predict(&fitted, &source, row..row + 1);
            approx::assert_relative_eq!(alone[(0, 0)], together[(row - 80, 0)], max_relative = 1e-5);
        }
    }
}

#[test]
fn a_seed_repeats_itself_bit_for_bit_held_or_streamed_and_another_differs() {
    let (source, labels) = motif(150, 20..=40, 3);
    let run = |memory_budget_bytes: usize, seed: u64| {
        let probe = CnnProbe { memory_budget_bytes, ..small_cnn(3) };
        let fitted = fit(&probe, &binary(), &source, &classes(&labels, 2), (90, 30), seed).unwrap();
        predict(&fitted, &source, 120..150)
    };
    let first = run(usize::MAX, 7);
    assert_eq!(first, run(usize::MAX, 7));
    assert_eq!(first, run(0, 7));
    assert_ne!(first, run(usize::MAX, 8));
}

#[test]
fn the_best_epoch_is_returned() {
    // Labels without signal: the validation loss soon rises while the training loss falls.
    let (source, _) = motif(160, 20..=20, 4);
    let labels: Vec<u32> = (0..160).map(|row| (row / 2) % 2).collect();
    let mut probe = small_cnn(40);
    probe.settings.training.least_steps = 0;
    let fitted = fit(&probe, &binary(), &source, &classes(&labels, 2), (80, 80), 0).unwrap();
    let best: u64 = fitted.report.chosen["epoch"].parse().unwrap();
    assert_eq!(fitted.report.iterations, Some(best + 6), "stopped after the default patience");
    let scores = predict(&fitted, &source, 80..160);
    let loss: f64 = scores
        .column(0)
        .iter()
        .zip(&labels[80..])
        .map(|(score, label)| -if *label == 1 { score.ln() } else { (1.0 - score).ln() })
        .sum::<f64>()
        / 80.0;
    approx::assert_relative_eq!(fitted.report.validation_loss.unwrap(), loss, max_relative = 1e-9);

    // Stopped by hand at that epoch, the same model comes out.
    let stopped =
        fit(&small_cnn(best as usize), &binary(), &source, &classes(&labels, 2), (80, 80), 0).unwrap();
    assert_eq!(predict(&stopped, &source, 80..160), scores);
}

#[test]
fn steps_bound_training_from_below_and_above() {
    // 80 rows are 3 batches: 3 steps an epoch.
    let (source, _) = motif(160, 20..=20, 4);
    let labels: Vec<u32> = (0..160).map(|row| (row / 2) % 2).collect();
    let epochs = |change: fn(&mut TrainingSettings)| {
        let mut probe = small_cnn(40);
        change(&mut probe.settings.training);
        fit(&probe, &binary(), &source, &classes(&labels, 2), (80, 80), 0).unwrap().report.iterations.unwrap()
    };
    assert_eq!(epochs(|training| training.max_steps = 7), 3, "the epoch in which 7 steps are reached");
    let impatient = epochs(|training| (training.patience, training.least_steps) = (1, 0));
    let waiting = epochs(|training| (training.patience, training.least_steps) = (1, 30));
    assert!(impatient < 10, "{impatient}");
    assert_eq!(waiting, 10, "the first epoch after which it may stop");
}

#[test]
fn rows_of_one_token_are_enough() {
    let labels: Vec<u32> = (0..60).map(|row| row % 2).collect();
    let source = one_hot(60, 1..=1, 5, |row, letters| letters[0] = (row % 2) as u8);
    let fitted = fit(&small_cnn(10), &binary(), &source, &classes(&labels, 2), (40, 20), 0).unwrap();
    let scores = predict(&fitted, &source, 40..60);
    assert!(scores[(1, 0)] > scores[(0, 0)], "{scores}");
}

#[test]
fn a_stored_probe_predicts_the_same_bits() {
    let (source, labels) = motif(90, 20..=30, 6);
    let cnn = fit(&small_cnn(2), &binary(), &source, &classes(&labels, 2), (60, 20), 0).unwrap();
    let numbers = pooled(90, 5, 6);
    let targets =
        Targets::Values { values: ndarray::Array2::from_shape_fn((90, 1), |(row, _)| Some(row as f64)) };
    let task = task(TaskKind::Regression, &["y"], &[]);
    let mlp = fit(&MlpProbe::default(), &task, &numbers, &targets, (60, 20), 0).unwrap();
    let attention =
        fit(&AttentionProbe::default(), &binary(), &source, &classes(&labels, 2), (60, 20), 0).unwrap();
    for (fitted, source) in [(cnn, &source), (attention, &source), (mlp, &numbers)] {
        let stored = fitted.fitted.store();
        let rows: Vec<usize> = (0..90).collect();
        let again = restore(&stored).unwrap();
        assert_eq!(
            predict(&fitted, source, 0..90),
            again.predict(&FeatureView::new(source, &rows).unwrap()).unwrap()
        );
        assert_eq!(stored, again.store());

        let mut broken = stored.clone();
        broken.arrays.last_mut().unwrap().values.pop();
        let error = restore(&broken).err().unwrap().to_string();
        assert!(error.contains("has shape"), "{error}");
        let error = restore(&seqprobe_core::StoredProbe { kind: "linear".into(), ..stored }).err().unwrap();
        assert!(error.to_string().contains("kind \"linear\""), "{error}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_its_reason() {
    let (source, labels) = motif(40, 20..=20, 7);
    let alternating = classes(&labels, 2);
    let refused = |probe: &dyn Probe, source: &Memory, targets: &Targets| {
        fit(probe, &binary(), source, targets, (20, 20), 0).err().unwrap()
    };
    let error = refused(&MlpProbe::default(), &source, &alternating);
    assert!(matches!(error, ProbeError::NotApplicable(ref reason) if reason.contains("pooled")), "{error}");
    let error = refused(&small_cnn(1), &pooled(40, 4, 0), &alternating);
    assert!(matches!(error, ProbeError::NotApplicable(ref reason) if reason.contains("token")), "{error}");
    let error = refused(&small_cnn(1), &source, &classes(&[1; 40], 2));
    assert!(matches!(error, ProbeError::OneClass { split: "train", ref class } if class == "yes"), "{error}");

    let mut broken = Memory { rows: source.rows.clone(), dim: 4, kind: FeatureKind::Tokens };
    broken.rows[3][5] = f32::NAN;
    let error = refused(&small_cnn(1), &broken, &alternating);
    assert!(error.to_string().contains("row 3 of the view holds NaN at token 1, channel 1"), "{error}");

    let mut wild = small_cnn(40);
    wild.settings.training.learning_rate = 1e30;
    let error = refused(&wild, &source, &alternating);
    assert!(matches!(error, ProbeError::NotFinite(ref text) if text.contains("in epoch")), "{error}");
    wild.settings.training.batch_size = 0;
    let error = refused(&wild, &source, &alternating);
    assert!(error.to_string().contains("batch_size is 0"), "{error}");

    let fitted = fit(&small_cnn(1), &binary(), &source, &alternating, (20, 20), 0).unwrap();
    let wide = Memory { dim: 8, ..source };
    let error = fitted.fitted.predict(&FeatureView::new(&wide, &[0]).unwrap()).err().unwrap();
    assert!(matches!(error, ProbeError::Width { expected: 4, got: 8 }), "{error}");
}

//! The presets through the public contract. Their layers are compared with references by unit tests of the crate.

use crate::common::{auroc, binary, classes, fit, motif, one_hot, pooled, predict, task};
use ndarray::Array2;
use seqprobe_core::{FeatureKind, FeatureView, ProbeError, Targets, TaskKind};
use seqprobe_neural::{PRESETS, PresetProbe, preset, restore};

/// A preset that trains for one epoch.
fn brief(preset: &'static seqprobe_neural::Preset) -> PresetProbe {
    let mut probe = PresetProbe::new(preset);
    (probe.training.max_epochs, probe.training.batch_size) = (1, 8);
    probe
}

#[test]
fn every_preset_fits_stores_and_repeats_itself() {
    let labels: Vec<u32> = (0..48).map(|row| row % 3).collect();
    let three = task(TaskKind::Multiclass, &["y"], &["a", "b", "c"]);
    for preset in PRESETS {
        let source = match preset.reads {
            FeatureKind::Tokens => one_hot(48, 52..=52, 1, |_, _| {}),
            FeatureKind::Pooled => pooled(48, 6, 1),
        };
        let probe = brief(preset);
        let run = |seed| fit(&probe, &three, &source, &classes(&labels, 3), (24, 12), seed).unwrap();
        let fitted = run(1);
        let scores = predict(&fitted, &source, 36..48);
        assert_eq!(scores, predict(&run(1), &source, 36..48), "{}", preset.id);
        assert_ne!(scores, predict(&run(2), &source, 36..48), "{}", preset.id);
        for row in scores.outer_iter() {
            approx::assert_relative_eq!(row.sum(), 1.0, epsilon = 1e-9);
        }
        let rows: Vec<usize> = (36..48).collect();
        let stored = fitted.fitted.store();
        assert_eq!(stored.kind, preset.id);
        let again = restore(&stored).unwrap().predict(&FeatureView::new(&source, &rows).unwrap()).unwrap();
        assert_eq!(scores, again, "{}", preset.id);
        let begins_with_a_reduction = ["tang-mpra-cnn", "tang-insert-cnn"].contains(&preset.id);
        assert_eq!(fitted.report.reduction_parameters > 0, begins_with_a_reduction, "{}", preset.id);
    }
}

#[test]
fn ragged_and_short_rows_are_refused_with_their_reason() {
    let probe = brief(&preset::TANG_MPRA_CNN);
    let refused = |lengths, expected: &str| {
        let (source, labels) = motif(40, lengths, 7);
        let error = fit(&probe, &binary(), &source, &classes(&labels, 2), (20, 20), 0).err().unwrap();
        assert!(matches!(error, ProbeError::Length(_)), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    };
    refused(30..=40, "needs rows of one length: row");
    refused(12..=12, "at least 20 tokens, these have 12");

    let (source, labels) = motif(40, 30..=30, 7);
    let fitted = fit(&probe, &binary(), &source, &classes(&labels, 2), (20, 20), 0).unwrap();
    let (longer, _) = motif(3, 31..=31, 7);
    let error = fitted.fitted.predict(&FeatureView::new(&longer, &[0, 1]).unwrap()).err().unwrap();
    assert!(error.to_string().contains("row 0 of the given rows has 31 tokens, others have 30"), "{error}");
}

#[test]
fn a_preset_learns_a_motif_and_predicts_values_on_their_scale() {
    let (source, labels) = motif(500, 40..=40, 1);
    let mut probe = PresetProbe::new(&preset::TANG_CHIP_CNN);
    (probe.training.max_epochs, probe.training.batch_size) = (25, 16);
    let fitted = fit(&probe, &binary(), &source, &classes(&labels, 2), (300, 100), 0).unwrap();
    let area = auroc(&labels[400..], predict(&fitted, &source, 400..500).column(0).iter().copied());
    assert!((0.9..=1.0).contains(&area), "AUROC {area}");

    // The share of A, on another scale.
    let share =
        |row: usize| source.rows[row].chunks(4).map(|letter| f64::from(letter[0])).sum::<f64>() / 40.0;
    let values = Array2::from_shape_fn((500, 1), |(row, _)| Some(1000.0 + 100.0 * share(row)));
    let truth = values.mapv(|value| value.unwrap());
    let regression = task(TaskKind::Regression, &["y"], &[]);
    let fitted = fit(&probe, &regression, &source, &Targets::Values { values }, (300, 100), 0).unwrap();
    let scores = predict(&fitted, &source, 400..500);
    let truth = truth.slice(ndarray::s![400.., ..]);
    let error = (&scores - &truth).mapv(|error| error * error).mean().unwrap().sqrt() / truth.std(0.0);
    assert!((0.0..0.7).contains(&error), "error {error} of the spread");
}

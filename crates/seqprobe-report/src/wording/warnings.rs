//! The sentences of warnings and gains, for every renderer.

use crate::record::{ControlComparison, ControlKind, Gain, PairedDifference, Warning};

/// One warning as a sentence.
pub fn warning_text(warning: &Warning) -> String {
    match warning {
        Warning::CellsFailed { failed, cells } => {
            format!("{failed} of {cells} cells failed; the table of cells has the reasons")
        }
        Warning::ShuffledLabelsAboveChance { cell, metric, score } => format!(
            "{cell}: the labels were shuffled, but {metric} is above chance: {:.3} [{:.3}, {:.3}]",
            score.point, score.lower, score.upper
        ),
        Warning::ShuffledLabelsAboveConstant { cell, difference } => format!(
            "{cell}: the labels were shuffled, but the score is better than that of a constant prediction ({})",
            difference_text(difference)
        ),
        Warning::ControlsNotBeaten { dataset, model, probe, controls } => {
            let controls: Vec<String> = controls.iter().map(|one| control_text(one, probe)).collect();
            format!("{dataset}: {model} with {probe}: {}", controls.join("; "))
        }
        Warning::ConstantPredictions { cell } => format!("{cell}: the predictions are constant"),
        Warning::NotConverged { cell, open, fits } => {
            format!("{cell}: {open} of {fits} fits did not converge")
        }
        Warning::FitRemark { cell, text } => format!("{cell}: {text}"),
        Warning::SharedWithTrain { dataset, split, shared, rows } => format!(
            "{dataset}: the sequences of {shared} of {rows} {} rows are also in train, on either strand; the suite \
            key drop_leaks removes them from train",
            split.as_str()
        ),
        Warning::NearDuplicatesInTrain { dataset, split, near, rows } => format!(
            "{dataset}: {near} of {rows} {} rows have a near-duplicate in train; scores can show what the probe remembers; \
            the suite key drop_leaks removes them from train",
            split.as_str()
        ),
        Warning::AmbiguousBases { dataset, bases } => {
            format!("{dataset}: {bases} bases are N or another ambiguity code")
        }
        Warning::PartialMean { dataset, metric, scored, of, what, left_out } => {
            let title = seqprobe_stats::metric(metric).map_or(metric.as_str(), |metric| metric.title);
            let names: Vec<String> = left_out.iter().take(5).map(|name| format!("{name:?}")).collect();
            let more = if left_out.len() > names.len() { ", …" } else { "" };
            format!(
                "{dataset}: {title} on test is the mean over {scored} of {of} {what}; without a score, because their true \
                values on test are all the same or missing: {}{more}",
                names.join(", ")
            )
        }
        Warning::Text { text } => text.clone(),
    }
}

/// One gain as a sentence.
pub fn gain_text(gain: &Gain) -> String {
    match gain {
        Gain::OverRandomInit { model, probe, control_probe, difference } => format!(
            "{model} with {probe} is better than its random initialisation{}: {}",
            with_other_probe(control_probe, probe),
            difference_text(difference)
        ),
        Gain::Text { text } => text.clone(),
    }
}

pub(crate) fn control_text(comparison: &ControlComparison, probe: &str) -> String {
    let ControlComparison { control, probe: other, difference } = comparison;
    let (name, score) = match control {
        ControlKind::RandomInit => ("the random initialisation", "scores"),
        ControlKind::Composition => ("composition", "scores"),
        ControlKind::ShuffledLabels => ("shuffled labels", "score"),
    };
    let with = with_other_probe(other, probe);
    let shown = difference_text(difference);
    if difference.upper < 0.0 {
        format!("{name}{with} {score} better than the model ({shown})")
    } else {
        format!("no advantage of the model over {name}{with} could be shown ({shown})")
    }
}

/// ` with cnn`, if a control has another probe than the model.
fn with_other_probe(other: &str, probe: &str) -> String {
    if other == probe { String::new() } else { format!(" with {other}") }
}

/// `difference +0.003 [-0.010, 0.016] auroc`.
fn difference_text(difference: &PairedDifference) -> String {
    let PairedDifference { metric, point, lower, upper } = difference;
    let turned = seqprobe_stats::metric(metric).is_some_and(|metric| !metric.higher_is_better);
    let turned = if turned { ", positive if it is better" } else { "" };
    format!("difference {point:+.3} [{lower:.3}, {upper:.3}] {metric}{turned}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use seqprobe_core::Split;

    fn difference(point: f64, lower: f64, upper: f64) -> PairedDifference {
        PairedDifference { metric: "auroc".to_owned(), point, lower, upper }
    }

    #[test]
    fn warnings_in_words() {
        let control = |control, probe: &str, upper| ControlComparison {
            control,
            probe: probe.to_owned(),
            difference: difference(-0.02, -0.05, upper),
        };
        let warning = Warning::ControlsNotBeaten {
            dataset: "d".to_owned(),
            model: "m".to_owned(),
            probe: "cnn".to_owned(),
            controls: vec![
                control(ControlKind::RandomInit, "cnn", 0.01),
                control(ControlKind::Composition, "linear", -0.01),
                control(ControlKind::ShuffledLabels, "cnn", 0.01),
            ],
        };
        assert_eq!(
            warning_text(&warning),
            "d: m with cnn: no advantage of the model over the random initialisation could be shown (difference -0.020 [-0.050, \
             0.010] auroc); composition with linear scores better than the model (difference -0.020 [-0.050, -0.010] auroc); \
             no advantage of the model over shuffled labels could be shown (difference -0.020 [-0.050, 0.010] auroc)"
        );
        let shared =
            Warning::SharedWithTrain { dataset: "d".to_owned(), split: Split::Test, shared: 3, rows: 90 };
        assert_eq!(
            warning_text(&shared),
            "d: the sequences of 3 of 90 test rows are also in train, on either strand; the suite key drop_leaks \
            removes them from train"
        );
        let partial = Warning::PartialMean {
            dataset: "d".to_owned(),
            metric: "auroc".to_owned(),
            scored: 1,
            of: 2,
            what: "targets".to_owned(),
            left_out: vec!["b".to_owned()],
        };
        assert_eq!(
            warning_text(&partial),
            "d: AUROC on test is the mean over 1 of 2 targets; without a score, because their true values on test are \
            all the same or missing: \"b\""
        );
        let gain = Gain::OverRandomInit {
            model: "m".to_owned(),
            probe: "linear".to_owned(),
            control_probe: "linear".to_owned(),
            difference: difference(0.06, 0.036, 0.084),
        };
        assert_eq!(
            gain_text(&gain),
            "m with linear is better than its random initialisation: difference +0.060 [0.036, 0.084] auroc"
        );
    }

    #[test]
    fn sentences_of_older_runs_are_read_and_data_comes_back() {
        let old: Vec<Warning> = serde_json::from_str(r#"["a sentence"]"#).unwrap();
        assert_eq!(warning_text(&old[0]), "a sentence");
        let new = Warning::AmbiguousBases { dataset: "d".to_owned(), bases: 4 };
        let json = serde_json::to_string(&new).unwrap();
        assert_eq!(json, r#"{"kind":"ambiguous-bases","dataset":"d","bases":4}"#);
        assert_eq!(serde_json::from_str::<Warning>(&json).unwrap(), new);
        let gain: Gain = serde_json::from_str(r#""better""#).unwrap();
        assert_eq!(gain_text(&gain), "better");
    }
}

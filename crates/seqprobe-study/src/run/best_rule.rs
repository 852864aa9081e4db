//! The rule without a model that is best on validation, as a cell. A model that is not better has not shown that it
//! knows the task.

use crate::judge::truth::{Predictions, TruthLabels};
use crate::plan::Reason;
use crate::run::constant::without_probe;
use crate::store::cell_store::CellResult;
use ndarray::Array2;
use seqprobe_core::{Dataset, FitReport, Split};
use seqprobe_data::rules::{RulePredictions, fit_rules};
use seqprobe_report::record::{CHOSEN_RULE, COVERED_ROWS};

/// Fits every rule and keeps, of those that read sequences, the one with the best primary score on validation; the
/// first of equals.
pub(crate) fn best_rule(dataset: &Dataset) -> Result<CellResult, Reason> {
    let truth = TruthLabels::of(dataset, Split::Valid);
    let metric = seqprobe_stats::metric(&dataset.metric)
        .ok_or_else(|| Reason("the metric is not known".to_owned()))?;
    let score = |valid: &Array2<f64>| {
        let predictions = Predictions::new(vec![valid.clone()]);
        let score = metric.score(&truth.view(), predictions.only()?).ok()?;
        Some(if metric.higher_is_better { score } else { -score })
    };
    let mut best: Option<(f64, &'static str, RulePredictions)> = None;
    for fit in fit_rules(dataset) {
        let Ok(predictions) = fit.predictions else { continue };
        // A rule that says nothing about any row has the predictions of another.
        if !fit.rule.reads_sequences() || predictions.valid_covered == 0 {
            continue;
        }
        let Some(score) = score(&predictions.valid) else { continue };
        if best.as_ref().is_none_or(|(highest, ..)| score > *highest) {
            best = Some((score, fit.rule.as_str(), predictions));
        }
    }
    let (_, name, predictions) =
        best.ok_or_else(|| Reason("no rule without a model has a score on validation".to_owned()))?;
    let mut report = FitReport::default();
    let covered = format!("{} of {}", predictions.test_covered, dataset.splits.test.len());
    for (key, value) in
        [(CHOSEN_RULE, name.to_owned()), (COVERED_ROWS, covered), ("found", predictions.found)]
    {
        report.chosen.insert(key.to_owned(), value);
    }
    Ok(without_probe(report, predictions.valid, predictions.test))
}

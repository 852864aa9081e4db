//! Checks that every number of a record is finite before it is stored: JSON has no other numbers, and an undefined
//! score has its own form.

use super::{DescriptionValue, RunRecord, ScoreValue};
use crate::error::ReportError;

/// Checks all numbers of a record.
///
/// # Errors
/// [`ReportError::NotFinite`] naming the first that is not finite.
pub(crate) fn check(record: &RunRecord) -> Result<(), ReportError> {
    finite(record.provenance.seconds, || "the run's seconds".to_owned())?;
    for cell in &record.cells {
        finite(cell.seconds, || format!("seconds of {}", cell.id))?;
        if let Some(cost) = &cell.cost {
            let numbers = [Some(cost.bytes), cost.tokens, cost.operations, cost.seconds];
            numbers
                .into_iter()
                .flatten()
                .try_for_each(|number| finite(number, || format!("a cost of the features of {}", cell.id)))?;
        }
        for score in &cell.scores {
            let what =
                || format!("{} of {} on {} of {}", score.metric, score.target, score.split.as_str(), cell.id);
            finite_value(&score.value, &what)?;
        }
        for fit in &cell.fits {
            let numbers = [
                ("gradient norm", fit.report.gradient_norm),
                ("validation loss", fit.report.validation_loss),
            ];
            for (name, value) in numbers {
                finite(value.unwrap_or_default(), || {
                    format!("{name} of {} with seed {}", cell.id, fit.seed)
                })?;
            }
        }
    }
    for cell in &record.cells {
        let Some(DescriptionValue::Known(known)) = &cell.description else { continue };
        let ranges = [known.bits, known.compression];
        let numbers = ranges.iter().flat_map(|range| [range.mean, range.lowest, range.highest]);
        for number in numbers.chain([known.uniform_bits]) {
            finite(number, || format!("description length of {}", cell.id))?;
        }
    }
    for verdict in &record.verdicts {
        let row = || format!("{} of {} with {}", verdict.dataset, verdict.model, verdict.probe);
        finite(verdict.margin, || format!("margin on {}", row()))?;
        finite(verdict.margin_unit.unwrap_or_default(), || format!("unit of the margin on {}", row()))?;
        for comparison in &verdict.comparisons {
            let what = || format!("difference on {} to {}", row(), comparison.baseline);
            finite_value(&comparison.delta, &what)?;
            if let Some(companion) = &comparison.companion {
                finite_value(&companion.delta, &what)?;
            }
            if let Some(power) = &comparison.power {
                let numbers = power.examples_to_settle.iter().chain(&power.examples_for_a_tie);
                for number in numbers.chain([&power.smallest_detectable]) {
                    finite(*number, || format!("power of the {}", what()))?;
                }
            }
            let p_values = comparison.p_adjusted.iter().chain(&comparison.false_discovery);
            for p in p_values.chain(comparison.tests.iter().map(|test| &test.p)) {
                finite(*p, || format!("p value of the {}", what()))?;
            }
        }
    }
    for pair in &record.model_comparisons {
        let what = || format!("difference of {} and {}", pair.first, pair.second);
        finite_value(&pair.delta, &what)?;
        for number in [Some(pair.margin), pair.p_adjusted].into_iter().flatten() {
            finite(number, what)?;
        }
    }
    for one in &record.diagnostics {
        let numbers = one.shown.numbers();
        finite(numbers.into_iter().find(|number| !number.is_finite()).unwrap_or_default(), || {
            format!("a point behind the score of {}", one.cell)
        })?;
    }
    if let Some(ranks) = &record.ranks {
        let numbers = ranks.average_ranks.iter().chain([&ranks.friedman_p, &ranks.critical_difference]);
        for number in numbers.chain(ranks.pairs.iter().map(|(_, _, p)| p)) {
            finite(*number, || "a rank over the suite or its p value".to_owned())?;
        }
    }
    Ok(())
}

fn finite_value(value: &ScoreValue, what: &dyn Fn() -> String) -> Result<(), ReportError> {
    match value {
        ScoreValue::Estimate(estimate) => [estimate.point, estimate.lower, estimate.upper, estimate.level]
            .into_iter()
            .chain(estimate.standard_error)
            .chain(estimate.degrees_of_freedom)
            .try_for_each(|number| finite(number, what)),
        ScoreValue::PointOnly { point, .. } => finite(*point, what),
        ScoreValue::Undefined { .. } => Ok(()),
    }
}

fn finite(value: f64, what: impl Fn() -> String) -> Result<(), ReportError> {
    if value.is_finite() { Ok(()) } else { Err(ReportError::NotFinite { what: what(), value }) }
}

//! The regression gate: compares a run with the accepted baseline of its suite, cell by cell.
//!
//! A cell has regressed if its paired difference is significantly below 0 (two-sided, Holm over all cells) and its
//! point is below −margin. It has improved if the same is true above. Nothing here writes a file; only
//! [`crate::accept`] changes a baseline.

pub mod baseline;
mod baseline_predictions;
mod output;
mod recomputed;
pub mod run_comparison;

use crate::error::ReportError;
use crate::record::choice::{point, primary_test_score};
use crate::record::{CellId, EstimateRecord, RunRecord, ScoreRecord, ScoreValue, Status};
use crate::run_folder::predictions::CellPredictions;
use crate::run_folder::{read_predictions, read_run};
use baseline::{BaselineCell, OpenBaseline};
use recomputed::recompute;
use run_comparison::{LEVEL, dataset_of, difference_value, paired_difference};
use seqprobe_stats::verdict::ALPHA;
use seqprobe_stats::{Difference, KnownInterval, NoEstimate, holm, metric, unpaired};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How strict the gate is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GateOptions {
    /// Every point must be identical to the accepted one in all bits: for one machine and one number of threads.
    pub exact: bool,
    /// Cells of the baseline that the run does not have are reported, but are not a failure.
    pub lenient: bool,
    /// A margin in place of the baseline's.
    pub margin: Option<f64>,
}

/// What became of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// No difference that is both significant and larger than the margin.
    Unchanged,
    /// Significantly worse, by more than the margin.
    Regressed,
    /// Significantly better, by more than the margin.
    Improved,
    /// The baseline has a score, the run has none.
    Missing,
    /// The run has a score, the baseline has none.
    New,
    /// Both have a score, but no difference can be computed; the reason says why.
    NotComparable,
}

impl Outcome {
    /// The word used in results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Regressed => "regressed",
            Self::Improved => "improved",
            Self::Missing => "missing",
            Self::New => "new",
            Self::NotComparable => "not comparable",
        }
    }
}

/// One cell of the baseline or of the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateCell {
    /// The cell's full name.
    pub cell: String,
    /// Metric of the baseline, or of the run for a new cell.
    pub metric: String,
    /// Accepted point.
    pub accepted: Option<f64>,
    /// The run's point.
    pub current: Option<f64>,
    /// Current minus accepted, positive if the run is better.
    pub delta: Option<ScoreValue>,
    /// Two-sided p value, Holm over the cells that have one.
    pub p_adjusted: Option<f64>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it is missing or not comparable.
    pub reason: Option<String>,
}

/// A run compared with its baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateReport {
    /// Suite.
    pub suite: String,
    /// Margin that was used.
    pub margin: f64,
    /// True for the exact mode.
    pub exact: bool,
    /// True when missing cells are no failure.
    pub lenient: bool,
    /// True when differences are paired, example by example.
    pub paired: bool,
    /// Why accepted points were not recomputed from the accepted predictions; `None` if all were.
    pub not_recomputed: Option<String>,
    /// Every cell of the baseline, then the new ones.
    pub cells: Vec<GateCell>,
}

impl GateReport {
    /// Cells of one outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.cells.iter().filter(|cell| cell.outcome == outcome).count()
    }

    /// Cells that close the gate without being worse: missing cells, unless the gate is lenient, and cells that cannot
    /// be compared.
    pub fn n_unanswered(&self) -> usize {
        let missing = if self.lenient { 0 } else { self.count(Outcome::Missing) };
        missing + self.count(Outcome::NotComparable)
    }

    /// True when no cell regressed and all could be compared.
    pub fn is_open(&self) -> bool {
        self.count(Outcome::Regressed) == 0 && self.n_unanswered() == 0
    }
}

/// Compares a run folder with a baseline. Every accepted point is first recomputed from the accepted predictions.
///
/// # Errors
/// [`ReportError`] when the run cannot be read, or [`ReportError::Baseline`] when the baseline is of another
/// suite, has no cell in common with the run, or has a point that is not the score of its predictions.
pub fn check(
    run: &Path,
    baseline_path: &Path,
    open: &OpenBaseline,
    options: GateOptions,
) -> Result<GateReport, ReportError> {
    let record = read_run(run)?;
    let baseline = &open.baseline;
    let refuse = |message: String| ReportError::Baseline { path: baseline_path.to_owned(), message };
    if baseline.suite != record.suite {
        return Err(refuse(format!(
            "this is the baseline of suite {:?}, the run is of {:?}\n  hint: give the baseline of that suite, or \
            accept the run as a new baseline",
            baseline.suite, record.suite
        )));
    }
    let scored: BTreeMap<&CellId, &ScoreRecord> =
        record.cells.iter().filter_map(|cell| Some((&cell.id, primary_test_score(cell)?))).collect();
    let accepted: Vec<(CellId, &BaselineCell)> =
        baseline.cells.iter().map(|cell| (cell.id(), cell)).collect();
    if !accepted.iter().any(|(id, _)| scored.contains_key(id)) {
        return Err(refuse(
            "no cell in common with the run\n  hint: the suite may have changed under the same name, or \
            the run may have no scores"
                .to_owned(),
        ));
    }
    let recomputed = recompute(&record, open);
    if let Some(wrong) = recomputed.wrong.first() {
        let more = match recomputed.wrong.len() {
            1 => String::new(),
            n => format!("; {n} points in all do not fit"),
        };
        return Err(refuse(format!(
            "{}: the accepted {} is {}, but the accepted predictions give {}{more}\n  hint: the file was edited or \
            merged by hand. Restore it, or make a new one: seqprobe accept RUN --baseline FILE --reason TEXT",
            wrong.cell, wrong.metric, wrong.accepted, wrong.recomputed
        )));
    }
    let margin = options.margin.unwrap_or(baseline.margin);
    let mut cells = Vec::with_capacity(accepted.len());
    let mut differences: Vec<Option<Result<Difference, NoEstimate>>> = Vec::new();
    for (id, cell) in &accepted {
        let difference = scored.get(id).map(|score| difference_of(run, &record, open, id, cell, score));
        cells.push(gate_cell(&record, id, cell, scored.get(id).copied(), difference.as_ref()));
        differences.push(difference);
    }
    judge(&mut cells, &differences, margin, options.exact);
    let known: BTreeSet<&CellId> = accepted.iter().map(|(id, _)| id).collect();
    cells.extend(scored.iter().filter(|(id, _)| !known.contains(*id)).map(|(id, score)| GateCell {
        cell: id.to_string(),
        metric: score.metric.clone(),
        accepted: None,
        current: point(&score.value),
        delta: None,
        p_adjusted: None,
        outcome: Outcome::New,
        reason: None,
    }));
    Ok(GateReport {
        suite: record.suite,
        margin,
        exact: options.exact,
        lenient: options.lenient,
        paired: open.predictions.is_some(),
        not_recomputed: recomputed.left_out.map(|(count, first)| {
            format!("{count} accepted points were not recomputed from their predictions ({first})")
        }),
        cells,
    })
}

/// Current minus accepted; paired if the accepted predictions are available.
fn difference_of(
    run: &Path,
    record: &RunRecord,
    open: &OpenBaseline,
    id: &CellId,
    accepted: &BaselineCell,
    score: &ScoreRecord,
) -> Result<Difference, NoEstimate> {
    let undefined = |reason: String| NoEstimate::Undefined { reason };
    if accepted.metric != score.metric || accepted.target != score.target {
        return Err(undefined(format!(
            "the score is {} of {}, the accepted one is {} of {}",
            score.metric, score.target, accepted.metric, accepted.target
        )));
    }
    let Some(predictions) = &open.predictions else {
        return unpaired_difference(accepted, score);
    };
    let dataset = dataset_of(record, id)
        .ok_or_else(|| undefined(format!("the run has no dataset {:?}", id.dataset)))?;
    let before = predictions
        .get(id)
        .ok_or_else(|| undefined("the baseline has no predictions of this cell".to_owned()))?;
    let current = read_predictions(run, id).map_err(|error| undefined(error.to_string()))?;
    paired_difference(dataset, &score.metric, &as_accepted(current), before)
}

/// Predictions rounded as the baseline stores them, so that equal predictions have a difference of 0.
fn as_accepted(mut predictions: CellPredictions) -> CellPredictions {
    for split in &mut predictions.splits {
        for value in split.seeds.iter_mut().flat_map(|seed| &mut seed.values) {
            *value = f64::from(*value as f32);
        }
    }
    predictions
}

fn unpaired_difference(accepted: &BaselineCell, score: &ScoreRecord) -> Result<Difference, NoEstimate> {
    let undefined = |reason: &str| NoEstimate::Undefined { reason: reason.to_owned() };
    let (Some(lower), Some(upper)) = (accepted.lower, accepted.upper) else {
        return Err(undefined("the accepted score has no interval, and there are no accepted predictions"));
    };
    let ScoreValue::Estimate(EstimateRecord { point, lower: now_lower, upper: now_upper, .. }) = &score.value
    else {
        return Err(undefined("the score has no interval, and there are no accepted predictions"));
    };
    let higher_is_better = metric(&score.metric).is_none_or(|metric| metric.higher_is_better);
    let known =
        |point: f64, lower: f64, upper: f64| KnownInterval { point, half_width: (upper - lower) / 2.0 };
    let (current, before) = (known(*point, *now_lower, *now_upper), known(accepted.point, lower, upper));
    Ok(unpaired(current, before, higher_is_better, LEVEL, score.n))
}

fn gate_cell(
    record: &RunRecord,
    id: &CellId,
    accepted: &BaselineCell,
    score: Option<&ScoreRecord>,
    difference: Option<&Result<Difference, NoEstimate>>,
) -> GateCell {
    let current = score.and_then(|score| point(&score.value));
    let mut cell = GateCell {
        cell: id.to_string(),
        metric: accepted.metric.clone(),
        accepted: Some(accepted.point),
        current,
        delta: difference.map(|difference| difference_value(difference.clone())),
        p_adjusted: None,
        outcome: Outcome::Unchanged,
        reason: None,
    };
    if current.is_none() {
        cell.outcome = Outcome::Missing;
        cell.reason = Some(missing_reason(record, id));
    } else if let Some(Err(error)) = difference
        && !matches!(error, NoEstimate::NoInterval { .. })
    {
        cell.outcome = Outcome::NotComparable;
        cell.reason = Some(error.to_string());
    }
    cell
}

fn missing_reason(record: &RunRecord, id: &CellId) -> String {
    match record.cells.iter().find(|cell| cell.id == *id) {
        None => "the run has no such cell".to_owned(),
        Some(cell) if cell.status == Status::Ok => "its score is undefined".to_owned(),
        Some(cell) => cell.reason.clone().unwrap_or_else(|| "it has no score".to_owned()),
    }
}

/// Sets the outcomes. Holm's correction is over all differences with an interval.
fn judge(
    cells: &mut [GateCell],
    differences: &[Option<Result<Difference, NoEstimate>>],
    margin: f64,
    exact: bool,
) {
    let p_value =
        |difference: &Difference| (2.0 * difference.p_below(0.0).min(difference.p_above(0.0))).min(1.0);
    let judged: Vec<usize> =
        (0..cells.len()).filter(|&index| matches!(differences[index], Some(Ok(_)))).collect();
    let p_values: Vec<f64> = judged
        .iter()
        .map(|&index| match &differences[index] {
            Some(Ok(difference)) => p_value(difference),
            _ => 1.0,
        })
        .collect();
    for (&index, p_adjusted) in judged.iter().zip(holm(&p_values)) {
        let Some(Ok(Difference { estimate, .. })) = &differences[index] else { continue };
        let cell = &mut cells[index];
        cell.p_adjusted = Some(p_adjusted);
        if p_adjusted < ALPHA && estimate.point.abs() > margin {
            cell.outcome = if estimate.point < 0.0 { Outcome::Regressed } else { Outcome::Improved };
        }
    }
    if exact {
        for cell in cells.iter_mut().filter(|cell| cell.current.is_some()) {
            let same = cell.accepted.map(f64::to_bits) == cell.current.map(f64::to_bits);
            cell.outcome = if same { Outcome::Unchanged } else { Outcome::Regressed };
            cell.reason = (!same).then(|| "differs from the accepted score".to_owned());
        }
    }
}

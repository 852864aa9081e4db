//! Compares two runs: the cells that both have, the paired differences of their scores, and the differences in
//! provenance. Differences are computed from stored predictions.

use crate::error::ReportError;
use crate::record::choice::primary_test_score;
use crate::record::{
    CellId, CellRecord, DatasetRecord, EstimateRecord, RunRecord, ScoreRecord, ScoreValue, Status,
};
use crate::run_folder::predictions::{CellPredictions, SplitPredictions};
use crate::run_folder::{read_predictions, read_run};
use crate::wording::quantities::value;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, LineStyle, Table};
use seqprobe_core::{Seed, TaskKind};
use seqprobe_stats::{Difference, NoEstimate, Resampling, Truth, compare, metric};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use thiserror::Error;

/// Confidence level of every difference.
pub(crate) const LEVEL: f64 = 0.95;
/// Bootstrap replicates of a difference.
const REPLICATES: usize = 2000;

/// Run B compared with run A.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunComparison {
    /// Cells that both runs have, in the order of run B.
    pub cells: Vec<CellDifference>,
    /// Cells of run A only.
    pub only_in_a: Vec<String>,
    /// Cells of run B only.
    pub only_in_b: Vec<String>,
    /// Differences in provenance.
    pub provenance: Vec<ProvenanceDifference>,
}

/// One cell in both runs, by the dataset's primary metric on test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CellDifference {
    /// The cell's full name.
    pub cell: String,
    /// Metric.
    pub metric: String,
    /// Score in run A.
    pub a: ScoreValue,
    /// Score in run B.
    pub b: ScoreValue,
    /// B minus A on the same examples, positive if B is better.
    pub delta: ScoreValue,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProvenanceDifference {
    /// What: `commit`, `dataset gue-tf-0`, `model gpn`, ….
    pub what: String,
    /// In run A; `-` if it has none.
    pub a: String,
    /// In run B.
    pub b: String,
}

/// Compares two run folders.
///
/// # Errors
/// [`ReportError`] when a run cannot be read, or [`ReportError::NothingInCommon`].
pub fn compare_runs(a: &Path, b: &Path) -> Result<RunComparison, ReportError> {
    let (record_a, record_b) = (read_run(a)?, read_run(b)?);
    let cells_a: BTreeMap<&CellId, &CellRecord> = by_id(&record_a);
    let cells_b: BTreeMap<&CellId, &CellRecord> = by_id(&record_b);
    let mut cells = Vec::new();
    for cell_b in record_b.cells.iter().filter(|cell| cell.status != Status::NotApplicable) {
        let Some(cell_a) = cells_a.get(&cell_b.id) else { continue };
        let (Some(dataset), Some(score_b)) = (dataset_of(&record_b, &cell_b.id), primary_test_score(cell_b))
        else {
            continue;
        };
        let same = |score: &&ScoreRecord| score.metric == score_b.metric && score.target == score_b.target;
        let Some(score_a) = primary_test_score(cell_a).filter(same) else { continue };
        let difference = match (read_predictions(a, &cell_a.id), read_predictions(b, &cell_b.id)) {
            (Ok(of_a), Ok(of_b)) => paired_difference(dataset, &score_b.metric, &of_b, &of_a),
            (Err(error), _) | (_, Err(error)) => Err(NoEstimate::Undefined { reason: error.to_string() }),
        };
        cells.push(CellDifference {
            cell: cell_b.id.to_string(),
            metric: score_b.metric.clone(),
            a: score_a.value.clone(),
            b: score_b.value.clone(),
            delta: difference_value(difference),
        });
    }
    if cells.is_empty() {
        return Err(ReportError::NothingInCommon { a: a.to_owned(), b: b.to_owned() });
    }
    let only = |one: &BTreeMap<&CellId, &CellRecord>, other: &BTreeMap<&CellId, &CellRecord>| {
        one.keys().filter(|id| !other.contains_key(*id)).map(ToString::to_string).collect()
    };
    Ok(RunComparison {
        cells,
        only_in_a: only(&cells_a, &cells_b),
        only_in_b: only(&cells_b, &cells_a),
        provenance: provenance_differences(&record_a, &record_b),
    })
}

impl RunComparison {
    /// The comparison as text for a terminal.
    pub fn to_text(&self) -> String {
        let mut table = new_table(&["cell", "metric", "A", "B", "B − A"]);
        for cell in &self.cells {
            table.add_row([
                cell.cell.clone(),
                cell.metric.clone(),
                value(&cell.a),
                value(&cell.b),
                shown_difference(&cell.delta),
            ]);
        }
        let mut lines = vec![table.trim_fmt(), "B − A is positive where B is better.".to_owned()];
        for (which, cells) in [("A", &self.only_in_a), ("B", &self.only_in_b)] {
            lines.extend(cells.iter().map(|cell| format!("only in {which}: {cell}")));
        }
        let differs = |one: &ProvenanceDifference| format!("differs: {}: {} → {}", one.what, one.a, one.b);
        lines.extend(self.provenance.iter().map(differs));
        lines.join("\n")
    }
}

/// A table in the terminal's style.
pub(crate) fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    table.set_content_arrangement(ContentArrangement::Disabled).set_header(header.to_vec());
    table
}

/// A difference with its sign, or why there is none.
pub(crate) fn shown_difference(delta: &ScoreValue) -> String {
    match delta {
        ScoreValue::Estimate(EstimateRecord { point, lower, upper, .. }) => {
            format!("{point:+.4} [{lower:+.4}, {upper:+.4}]")
        }
        ScoreValue::PointOnly { point, reason } => format!("{point:+.4} ({reason})"),
        ScoreValue::Undefined { reason } => format!("undefined: {reason}"),
    }
}

pub(crate) fn dataset_of<'a>(record: &'a RunRecord, cell: &CellId) -> Option<&'a DatasetRecord> {
    record.datasets.iter().find(|dataset| dataset.id == cell.dataset)
}

/// `current − before` on the same test examples, positive if `current` is better; undefined if the
/// examples or their true values differ.
pub(crate) fn paired_difference(
    dataset: &DatasetRecord,
    metric_id: &str,
    current: &CellPredictions,
    before: &CellPredictions,
) -> Result<Difference, NoEstimate> {
    let undefined = |reason: String| NoEstimate::Undefined { reason };
    let metric = metric(metric_id).ok_or_else(|| undefined(format!("unknown metric {metric_id:?}")))?;
    let test = |predictions: &CellPredictions| {
        let split = predictions.splits.iter().position(|split| split.split == "test");
        split.ok_or_else(|| undefined(format!("no predictions on test for {}", predictions.cell)))
    };
    let (now, then) = (&current.splits[test(current)?], &before.splits[test(before)?]);
    if current.outputs != before.outputs {
        return Err(undefined("the names of the outputs differ".to_owned()));
    }
    let n_outputs = current.outputs.len().max(1);
    let order = matching_rows(now, then, n_outputs).map_err(|problem| undefined(problem.to_string()))?;
    let current_values: Vec<&[f64]> = now.seeds.iter().map(|seed| seed.values.as_slice()).collect();
    let reordered = |values: &[f64]| -> Vec<f64> {
        order.iter().flat_map(|&row| values[row * n_outputs..(row + 1) * n_outputs].iter().copied()).collect()
    };
    let before_values: Vec<Vec<f64>> = then.seeds.iter().map(|seed| reordered(&seed.values)).collect();
    let before_values: Vec<&[f64]> = before_values.iter().map(Vec::as_slice).collect();
    let clusters = now.clusters.as_deref().or(then.clusters.as_deref());
    if dataset.clusters.is_some() && clusters.is_none() {
        return Err(undefined(
            "the stored predictions have no clusters\n  hint: run the suite again".to_owned(),
        ));
    }
    let seed = Seed(0).derive(&format!("bootstrap/{}/test", dataset.id)).0;
    let resampling = Resampling { replicates: REPLICATES, clusters, level: LEVEL, ..Resampling::new(seed) };
    with_truth(dataset.task, &now.truth, n_outputs, |truth| {
        compare(metric, truth, &current_values, &before_values, &resampling)
    })
}

/// Test examples of two runs that cannot be paired.
#[derive(Debug, Error)]
enum Unmatched {
    #[error("the test examples differ: {n_common} of {n_now} are among the {n_then} of the other run")]
    Examples { n_common: usize, n_now: usize, n_then: usize },
    #[error("{n_other} of {n_now} test examples have another true value in the other run")]
    Truth { n_other: usize, n_now: usize },
}

/// For each row of `now` the row of `then` with the same example.
fn matching_rows(
    now: &SplitPredictions,
    then: &SplitPredictions,
    n_outputs: usize,
) -> Result<Vec<usize>, Unmatched> {
    let places: HashMap<&str, usize> =
        then.example_ids.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect();
    let order: Vec<usize> =
        now.example_ids.iter().filter_map(|id| places.get(id.as_str()).copied()).collect();
    let (n_now, n_then) = (now.example_ids.len(), then.example_ids.len());
    if order.len() != n_now || n_now != n_then || places.len() != n_then {
        return Err(Unmatched::Examples { n_common: order.len(), n_now, n_then });
    }
    let truth_of = |truth: &[Option<f64>], row: usize| -> Vec<Option<u64>> {
        let values = truth.iter().skip(row * n_outputs).take(n_outputs);
        values.map(|value| value.map(f64::to_bits)).collect()
    };
    let n_other = order
        .iter()
        .enumerate()
        .filter(|&(row, &place)| truth_of(&now.truth, row) != truth_of(&then.truth, place))
        .count();
    if n_other > 0 {
        return Err(Unmatched::Truth { n_other, n_now });
    }
    Ok(order)
}

/// Calls `then` with the truth in the form of the statistics.
pub(crate) fn with_truth<T>(
    task: TaskKind,
    truth: &[Option<f64>],
    n_outputs: usize,
    then: impl FnOnce(&Truth<'_>) -> T,
) -> T {
    let is_one = |value: f64| value >= 0.5;
    match task {
        TaskKind::Binary => {
            let labels: Vec<bool> = truth.iter().map(|value| value.is_some_and(is_one)).collect();
            then(&Truth::Binary(&labels))
        }
        TaskKind::Multiclass => {
            let of_row = |row: &[Option<f64>]| row.iter().position(|value| value.is_some_and(is_one));
            let rows = truth.chunks_exact(n_outputs);
            let labels: Vec<u32> = rows.map(|row| of_row(row).unwrap_or(0) as u32).collect();
            then(&Truth::Classes { labels: &labels, n_classes: n_outputs })
        }
        TaskKind::Multilabel => {
            let values: Vec<Option<bool>> = truth.iter().map(|value| value.map(is_one)).collect();
            then(&Truth::Multilabel { values: &values, n_targets: n_outputs })
        }
        TaskKind::Regression => then(&Truth::Regression { values: truth, n_targets: n_outputs }),
    }
}

/// A difference as it is recorded.
pub(crate) fn difference_value(difference: Result<Difference, NoEstimate>) -> ScoreValue {
    difference.map(|difference| difference.estimate).into()
}

fn by_id(record: &RunRecord) -> BTreeMap<&CellId, &CellRecord> {
    let planned = record.cells.iter().filter(|cell| cell.status != Status::NotApplicable);
    planned.map(|cell| (&cell.id, cell)).collect()
}

fn provenance_differences(a: &RunRecord, b: &RunRecord) -> Vec<ProvenanceDifference> {
    let facts = |record: &RunRecord| -> BTreeMap<String, String> {
        let provenance = &record.provenance;
        let mut facts = BTreeMap::from([
            ("suite".to_owned(), record.suite.clone()),
            ("program".to_owned(), provenance.program.clone()),
            ("commit".to_owned(), provenance.commit.clone()),
            ("libtorch".to_owned(), provenance.libtorch.clone()),
            ("device".to_owned(), provenance.device.clone()),
            ("threads".to_owned(), provenance.threads.to_string()),
        ]);
        facts
            .extend(provenance.models.iter().map(|(name, digest)| (format!("model {name}"), digest.clone())));
        let datasets = record.datasets.iter();
        facts.extend(datasets.map(|dataset| (format!("dataset {}", dataset.id), dataset.digest.clone())));
        facts
    };
    let (of_a, of_b) = (facts(a), facts(b));
    let mut names: Vec<&String> = of_a.keys().chain(of_b.keys()).collect();
    names.sort();
    names.dedup();
    let absent = || "-".to_owned();
    names
        .into_iter()
        .filter(|name| of_a.get(*name) != of_b.get(*name))
        .map(|name| ProvenanceDifference {
            what: name.clone(),
            a: of_a.get(name).cloned().unwrap_or_else(absent),
            b: of_b.get(name).cloned().unwrap_or_else(absent),
        })
        .collect()
}

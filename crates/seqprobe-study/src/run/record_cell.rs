//! The last stop of a cell: its scores and its record.

use crate::error::StudyError;
use crate::events::StudyEvents;
use crate::judge::filled_cell::FilledCell;
use crate::judge::partial_means::flag_partial_means;
use crate::judge::score::{metric_versions, scores_of};
use crate::plan::PlannedCell;
use crate::run::context::{DatasetRun, Run};
use crate::run::one_fit::Unfitted;
use crate::store::cell_store::CellResult;
use seqprobe_core::Digest;
use seqprobe_report::record::{CellRecord, ScoreRecord, Status};

/// Folder of stored scores.
const SCORES: &str = "scores-v1";

/// Scores a result, or reads its stored scores, and completes the record.
pub(crate) fn scored(
    run: &Run<'_>,
    data: &DatasetRun<'_>,
    record: CellRecord,
    key: Digest,
    result: CellResult,
    weights: Vec<String>,
    events: &mut dyn StudyEvents,
) -> Result<FilledCell, StudyError> {
    let dataset = data.dataset;
    let replicates = run.suite.replicates;
    let versions = (metric_versions(), seqprobe_stats::INTERVALS_VERSION);
    let score_key = Digest::of_value(&("scores v1", key, &dataset.metric, versions, replicates))?;
    let mut scores: Vec<ScoreRecord> = match run.store.known(SCORES, &score_key, events)? {
        Some(scores) => scores,
        None => {
            let scores = scores_of(dataset, &result, replicates);
            run.store.keep(SCORES, &score_key, &scores)?;
            scores
        }
    };
    flag_partial_means(dataset, &mut scores);
    let record = CellRecord {
        scores,
        n_seeds: result.fits.len(),
        fits: result.fits.clone(),
        seconds: result.seconds,
        cost: result.cost.clone(),
        ..record
    };
    Ok(FilledCell { record, result: Some(result), weights })
}

/// The cell of a record without a result.
pub(crate) fn unfilled(record: CellRecord, unfitted: Unfitted) -> FilledCell {
    let (status, reason) = match unfitted {
        Unfitted::NotApplicable(reason) => (Status::NotApplicable, reason),
        Unfitted::Failed(reason) => (Status::Failed, reason),
    };
    let record = CellRecord { status, reason: Some(reason), ..record };
    FilledCell { record, result: None, weights: Vec::new() }
}

/// The record of a cell before it is filled.
pub(crate) fn empty_record(planned: &PlannedCell, key: &Digest) -> CellRecord {
    CellRecord {
        id: planned.id.clone(),
        key: key.to_string(),
        role: planned.role,
        status: Status::Ok,
        reason: None,
        n_seeds: 0,
        fits: Vec::new(),
        scores: Vec::new(),
        seconds: 0.0,
        reused: false,
        description: None,
        cost: None,
    }
}

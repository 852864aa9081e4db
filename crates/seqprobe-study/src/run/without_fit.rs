//! Cells that need no fit: constant, ready predictions, oracle, not applicable.

use crate::error::StudyError;
use crate::events::StudyEvents;
use crate::judge::filled_cell::FilledCell;
use crate::plan::{Reason, Work};
use crate::run::best_rule::best_rule;
use crate::run::constant::{constant_cell, oracle_cell, ready_cell};
use crate::run::context::{DatasetRun, Run};
use crate::run::lookup::LookedUp;
use crate::run::one_fit::Unfitted;
use crate::run::record_cell::{empty_record, scored, unfilled};

/// Fills a cell that needs no fit.
pub(crate) fn finish_without_fit(
    run: &Run<'_>,
    data: &DatasetRun<'_>,
    cell: &LookedUp<'_>,
    events: &mut dyn StudyEvents,
) -> Result<FilledCell, StudyError> {
    let mut record = empty_record(cell.planned, &cell.key);
    let result = match (&cell.planned.work, &data.dataset.oracle) {
        (Work::BestRule, _) => {
            record.reused = cell.stored.is_some();
            match &cell.stored {
                Some(stored) => stored.clone(),
                None => match best_rule(data.dataset) {
                    Ok(result) => {
                        run.store.save(&cell.key, &result)?;
                        result
                    }
                    Err(Reason(reason)) => return Ok(unfilled(record, Unfitted::NotApplicable(reason))),
                },
            }
        }
        (Work::Constant, _) => constant_cell(data.dataset),
        (Work::Oracle, Some(oracle)) => oracle_cell(data.dataset, oracle),
        (Work::Ready { reference }, _) => {
            ready_cell(data.dataset, &run.references[*reference].predictions).map_err(StudyError::Data)?
        }
        (Work::Oracle, None) => return Ok(unfilled(record, Unfitted::failed("the task has no oracle"))),
        (Work::NotApplicable(Reason(reason)), _) => {
            return Ok(unfilled(record, Unfitted::NotApplicable(reason.clone())));
        }
        (Work::Fit(_) | Work::ChooseThenShuffle { .. }, _) => {
            return Ok(unfilled(record, Unfitted::failed("the cell has no representation")));
        }
    };
    scored(run, data, record, cell.key, result, Vec::new(), events)
}

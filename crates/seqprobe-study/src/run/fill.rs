//! Filling the cells of a dataset. The cells of one representation are looked up, share their features, and are then
//! finished one by one: fitted, scored, recorded.

use crate::error::StudyError;
use crate::events::{StudyEvent, StudyEvents};
use crate::judge::filled_cell::{FilledCell, best_on_validation};
use crate::plan::{Fit, PlannedCell, Reason, Work};
use crate::prepare::PreparedRepresentation;
use crate::run::context::{DatasetRun, Run};
use crate::run::cost::cost;
use crate::run::description_length;
use crate::run::features::{Features, Place, features};
use crate::run::fit::{FitRequest, fit_cell};
use crate::run::lookup::{Description, LookedUp, look_up};
use crate::run::one_fit::Unfitted;
use crate::run::record_cell::{empty_record, scored, unfilled};
use crate::run::training_rows::Training;
use crate::run::without_fit::finish_without_fit;
use crate::store::cell_store::CellResult;
use seqprobe_core::{LayerIndex, Pooling};
use seqprobe_report::record::CellRecord;

/// Fills the cells of a dataset, in plan order. Fits to shuffled labels come after all others: their layer and pooling are
/// those that validation chose among them.
pub(crate) fn fill_dataset(
    run: &Run<'_>,
    data: &DatasetRun<'_>,
    plan: &[PlannedCell],
    events: &mut dyn StudyEvents,
) -> Result<Vec<FilledCell>, StudyError> {
    let mut filled: Vec<FilledCell> = Vec::with_capacity(plan.len());
    for cells in plan.chunk_by(|one, other| one.group() == other.group()) {
        let cells: Vec<PlannedCell> =
            cells.iter().map(|cell| with_choice(run, cell, &plan[..filled.len()], &filled)).collect();
        fill_representation(run, data, &cells, &mut filled, events)?;
    }
    Ok(filled)
}

/// A cell whose layer depends on others, with that layer; any other cell as it is.
fn with_choice(
    run: &Run<'_>,
    cell: &PlannedCell,
    done: &[PlannedCell],
    filled: &[FilledCell],
) -> PlannedCell {
    let (Work::ChooseThenShuffle { probe: wanted }, Some(number)) = (&cell.work, cell.representation) else {
        return cell.clone();
    };
    let candidates = done.iter().zip(filled).filter_map(|(planned, filled)| match planned.work {
        Work::Fit(Fit { layer, pooling, probe, training: Training::Whole, .. })
            if planned.representation == Some(number) && probe == *wanted =>
        {
            Some((filled, (layer, pooling)))
        }
        _ => None,
    });
    let chosen = best_on_validation(candidates).ok_or_else(|| {
        Reason(format!(
            "no cell of {} with {} has a validation loss to choose a layer by",
            run.prepared[number].name(),
            run.suite.probes[*wanted].family.id
        ))
    });
    cell.with_choice(*wanted, chosen)
}

/// Fills cells that read the same representation, or none.
fn fill_representation(
    run: &Run<'_>,
    data: &DatasetRun<'_>,
    cells: &[PlannedCell],
    filled: &mut Vec<FilledCell>,
    events: &mut dyn StudyEvents,
) -> Result<(), StudyError> {
    let number = cells.first().and_then(|cell| cell.representation);
    let prepared = number.map(|number| &run.prepared[number]);
    let looked_up: Vec<LookedUp<'_>> =
        cells.iter().map(|cell| look_up(run, data, prepared, cell, events)).collect::<Result<_, _>>()?;
    let mut wanted: Vec<Place> = Vec::new();
    for fit in looked_up.iter().filter_map(LookedUp::needs_features) {
        if !wanted.contains(&(fit.layer, fit.pooling)) {
            wanted.push((fit.layer, fit.pooling));
        }
    }
    let made = match prepared {
        Some(prepared) if !wanted.is_empty() => {
            features(prepared, data.dataset, &wanted, &run.features, events).map_err(Unfitted::failed)
        }
        _ => Err(Unfitted::failed("no features were asked for")),
    };
    for cell in looked_up {
        let id = &cell.planned.id;
        filled.push(match (&cell.planned.work, prepared) {
            (Work::Fit(fit), Some(prepared)) => {
                let made = made.as_ref().map_err(Clone::clone);
                finish_fit(run, data, prepared, *fit, made, cell, events)?
            }
            _ => finish_without_fit(run, data, &cell, events)?,
        });
        events.event(StudyEvent::Done(id));
    }
    Ok(())
}

/// Fits what is not stored, then scores and records the cell.
fn finish_fit(
    run: &Run<'_>,
    data: &DatasetRun<'_>,
    prepared: &PreparedRepresentation,
    fit: Fit,
    made: Result<&Features<'_>, Unfitted>,
    cell: LookedUp<'_>,
    events: &mut dyn StudyEvents,
) -> Result<FilledCell, StudyError> {
    let id = &cell.planned.id;
    let sources = made.as_ref().ok().and_then(|made| made.sources.get(&(fit.layer, fit.pooling)));
    let probe = run.suite.probes[fit.probe].probe.as_ref();
    let description = match (cell.description, sources) {
        (Description::Known(known), _) => Some(known),
        (Description::Missing, Some(sources)) => {
            events.event(StudyEvent::DescriptionLength(id));
            let described = description_length::compute(data.dataset, sources, probe);
            let key = description_length::key(&cell.key)?;
            run.store.keep(description_length::KIND, &key, &described)?;
            Some(described)
        }
        (Description::NotWanted | Description::Missing, _) => None,
    };
    let reused = cell.stored.is_some();
    let result = match (cell.stored, made, sources) {
        (Some(stored), _, _) => Ok(stored),
        (None, Err(unfitted), _) => Err(unfitted),
        (None, Ok(_), None) => Err(Unfitted::failed("the features were not made")),
        (None, Ok(made), Some(sources)) => {
            events.event(StudyEvent::Fitting(id));
            let request = FitRequest {
                dataset: data.dataset,
                training: fit.training,
                n_part_draws: run.suite.draws,
                sources,
                probe,
                seeds: &cell.seeds,
                threads: run.threads,
            };
            let fitted = fit_cell(&request).map(|mut result| {
                // Kept with the cell, so that a later run that reuses it reports the same.
                if let Some(first) = result.fits.first_mut() {
                    first.report.warnings.extend(made.remarks.iter().cloned());
                }
                result.cost = Some(cost(prepared, made, sources[0].as_ref()));
                if fit.training == Training::Shuffled {
                    record_place(&mut result, fit.layer, fit.pooling);
                }
                result
            });
            if let Ok(result) = &fitted {
                run.store.save(&cell.key, result)?;
            }
            fitted
        }
    };
    let record = CellRecord { reused, ..empty_record(cell.planned, &cell.key) };
    match result {
        Ok(result) => {
            let record = CellRecord { description, ..record };
            scored(run, data, record, cell.key, result, prepared.weights(), events)
        }
        Err(unfitted) => Ok(unfilled(record, unfitted)),
    }
}

/// Records with a cell what was chosen for it on validation, where its id does not say it.
fn record_place(cell: &mut CellResult, layer: Option<LayerIndex>, pooling: Pooling) {
    for fit in &mut cell.fits {
        if let Some(layer) = layer {
            fit.report.chosen.insert("layer".to_owned(), layer.to_string());
        }
        fit.report.chosen.insert("pooling".to_owned(), pooling.to_string());
    }
}

//! How the cells of a dataset were fitted, their seeds taken together.

use crate::record::{CellRecord, DatasetRecord, RunRecord, SeedFit};
use crate::words::{cell_detail, cells_of, count, duration, number, role_word};
use minijinja::{Value, context};
use std::collections::BTreeSet;

/// A row per cell that was fitted.
pub(super) fn rows(record: &RunRecord, dataset: &DatasetRecord) -> Vec<Value> {
    cells_of(record, dataset).filter(|cell| !cell.fits.is_empty()).map(row).collect()
}

fn row(cell: &CellRecord) -> Value {
    let reports = || cell.fits.iter().map(|fit| &fit.report);
    let n_asked = reports().filter(|report| report.converged.is_some()).count();
    let n_converged = reports().filter(|report| report.converged == Some(true)).count();
    let warnings: BTreeSet<String> = reports().flat_map(|report| report.warnings.clone()).collect();
    context! {
        name => cell.id.representation.as_str(),
        detail => cell_detail(&cell.id),
        probe => cell.id.probe_word(),
        role => role_word(cell.role),
        parameters => span(reports().map(|report| report.n_parameters), |n| count(*n)),
        reduction => span(reports().map(|report| report.reduction_parameters), |n| count(*n)),
        chosen => chosen(&cell.fits),
        converged => if n_asked == 0 { String::new() } else { format!("{n_converged} of {n_asked}") },
        unconverged => n_converged < n_asked,
        iterations => span(reports().filter_map(|report| report.iterations), |n| count(*n)),
        loss => span(reports().filter_map(|report| report.validation_loss), |loss| number(*loss)),
        took => duration(cell.seconds),
        reused => cell.reused,
        warnings => warnings.into_iter().collect::<Vec<String>>(),
    }
}

/// Smallest to largest, or the one value there is.
fn span<T: PartialOrd>(values: impl Iterator<Item = T>, show: impl Fn(&T) -> String) -> String {
    let values: Vec<T> = values.collect();
    let order = |left: &&T, right: &&T| left.partial_cmp(right).unwrap_or(std::cmp::Ordering::Equal);
    let (Some(smallest), Some(largest)) = (values.iter().min_by(order), values.iter().max_by(order)) else {
        return String::new();
    };
    let (smallest, largest) = (show(smallest), show(largest));
    if smallest == largest { smallest } else { format!("{smallest} to {largest}") }
}

/// What was chosen on validation; seeds that chose alike are named together.
fn chosen(fits: &[SeedFit]) -> Vec<String> {
    let mut choices: Vec<(String, Vec<String>)> = Vec::new();
    for fit in fits {
        let pairs: Vec<String> =
            fit.report.chosen.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let choice = pairs.join(", ");
        match choices.iter_mut().find(|(known, _)| *known == choice) {
            Some((_, seeds)) => seeds.push(fit.seed.to_string()),
            None => choices.push((choice, vec![fit.seed.to_string()])),
        }
    }
    let alike = choices.len() == 1;
    let words = |(choice, seeds): (String, Vec<String>)| {
        if alike { choice } else { format!("{choice} (seed {})", seeds.join(", ")) }
    };
    choices.into_iter().map(words).filter(|choice| !choice.is_empty()).collect()
}

//! The table of fits: one row per fitted cell, over all its seeds.

use crate::derive::dataset_view::DatasetView;
use crate::derive::fit_summary::{FitSummary, Span};
use crate::wording::names::{cell_detail, role_word};
use crate::wording::quantities::{count, duration, number};
use minijinja::{Value, context};

/// A row per cell that was fitted.
pub(super) fn rows(view: &DatasetView<'_>) -> Vec<Value> {
    view.fits.iter().map(row).collect()
}

fn row(fits: &FitSummary<'_>) -> Value {
    let FitSummary { cell, n_reporting, n_converged, .. } = *fits;
    let converged = if n_reporting == 0 { String::new() } else { format!("{n_converged} of {n_reporting}") };
    context! {
        name => cell.id.representation.as_str(),
        detail => cell_detail(&cell.id),
        probe => cell.id.probe_word(),
        role => role_word(cell.role),
        parameters => span(fits.parameters, count),
        reduction => span(fits.reduction, count),
        chosen => choices(&fits.choices),
        converged,
        unconverged => n_converged < n_reporting,
        iterations => span(fits.iterations, count),
        loss => span(fits.loss, number),
        took => duration(cell.seconds),
        reused => cell.reused,
        warnings => fits.warnings.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>(),
    }
}

/// Smallest to largest, or the only value.
fn span<T: Copy>(span: Option<Span<T>>, show: impl Fn(T) -> String) -> String {
    let Some(Span { smallest, largest }) = span else { return String::new() };
    let (smallest, largest) = (show(smallest), show(largest));
    if smallest == largest { smallest } else { format!("{smallest} to {largest}") }
}

/// The choices in words, with their seeds if these differ.
fn choices(choices: &[(String, Vec<u64>)]) -> Vec<String> {
    let is_same = choices.len() == 1;
    let words = |(choice, seeds): &(String, Vec<u64>)| {
        if is_same {
            return choice.clone();
        }
        let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
        format!("{choice} (seed {})", seeds.join(", "))
    };
    choices.iter().map(words).filter(|choice| !choice.is_empty()).collect()
}

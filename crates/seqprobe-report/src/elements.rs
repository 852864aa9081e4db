//! The words in regions that a probe selected, as several renderers show them: the strongest of each target.

use crate::record::{CellRecord, DatasetRecord, Role, RunRecord};
use crate::words::{cell_name, whole_cells_of};
use seqprobe_core::SelectedElement;

/// Most elements that are written out for a target.
const MOST_SHOWN: usize = 20;

/// What a cell selected for one target.
pub(crate) struct Selection<'a> {
    /// Representation, how it was made, and the probe; with the target where there are several.
    pub(crate) name: String,
    /// The largest absolute weights, the largest first.
    pub(crate) shown: Vec<&'a SelectedElement>,
    /// How many more there are.
    pub(crate) n_more: usize,
}

/// The selections of a dataset's cells, controls left out; a cell with several fits shows the first.
pub(crate) fn selections<'a>(record: &'a RunRecord, dataset: &'a DatasetRecord) -> Vec<Selection<'a>> {
    let cells = whole_cells_of(record, dataset).filter(|cell| cell.role != Role::Control);
    cells.flat_map(|cell| of_cell(cell, dataset.targets.len() > 1)).collect()
}

fn of_cell(cell: &CellRecord, has_targets: bool) -> Vec<Selection<'_>> {
    let elements = cell.fits.iter().map(|fit| &fit.report.selected_elements).find(|list| !list.is_empty());
    let by_target =
        elements.into_iter().flat_map(|list| list.chunk_by(|one, other| one.target == other.target));
    by_target
        .map(|elements| {
            let mut shown: Vec<&SelectedElement> = elements.iter().collect();
            shown.sort_by(|one, other| other.weight.abs().total_cmp(&one.weight.abs()));
            let n_more = shown.len().saturating_sub(MOST_SHOWN);
            shown.truncate(MOST_SHOWN);
            let mut name = format!("{}, {}", cell_name(&cell.id), cell.id.probe_word());
            if let (true, Some(first)) = (has_targets, elements.first()) {
                name.push_str(&format!(", {}", first.target));
            }
            Selection { name, shown, n_more }
        })
        .collect()
}

/// `20 to 50`: half-open, in bases from the left.
pub(crate) fn region(element: &SelectedElement) -> String {
    format!("{} to {}", element.start, element.end)
}

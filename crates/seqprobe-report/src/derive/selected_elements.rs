//! The k-mers in regions that a probe selected: for each target those with the largest weights.

use crate::record::{CellRecord, Role};
use crate::wording::names::cell_name;
use seqprobe_core::SelectedElement;

/// Maximum number of elements that reports list for a target.
const MAX_SHOWN: usize = 20;

/// What a cell selected for one target.
pub(crate) struct Selection<'a> {
    /// Representation, settings and probe; with the target if there are several.
    pub(crate) name: String,
    /// The largest absolute weights, the largest first.
    pub(crate) shown: Vec<&'a SelectedElement>,
    /// How many more there are.
    pub(crate) n_more: usize,
}

/// The selections of a dataset's cells, without controls; for a cell with several fits those of the first.
pub(crate) fn selections<'a>(whole_cells: &[&'a CellRecord], has_targets: bool) -> Vec<Selection<'a>> {
    let cells = whole_cells.iter().copied().filter(|cell| cell.role != Role::Control);
    cells.flat_map(|cell| of_cell(cell, has_targets)).collect()
}

fn of_cell(cell: &CellRecord, has_targets: bool) -> Vec<Selection<'_>> {
    let elements = cell.fits.iter().map(|fit| &fit.report.selected_elements).find(|list| !list.is_empty());
    let by_target =
        elements.into_iter().flat_map(|list| list.chunk_by(|one, other| one.target == other.target));
    by_target
        .map(|elements| {
            let mut shown: Vec<&SelectedElement> = elements.iter().collect();
            shown.sort_by(|one, other| other.weight.abs().total_cmp(&one.weight.abs()));
            let n_more = shown.len().saturating_sub(MAX_SHOWN);
            shown.truncate(MAX_SHOWN);
            let mut name = format!("{}, {}", cell_name(&cell.id), cell.id.probe_word());
            if let (true, Some(first)) = (has_targets, elements.first()) {
                name.push_str(&format!(", {}", first.target));
            }
            Selection { name, shown, n_more }
        })
        .collect()
}

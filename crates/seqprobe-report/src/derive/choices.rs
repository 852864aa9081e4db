//! Choices among the cells of a dataset.

use crate::record::choice::choose_on_validation;
use crate::record::{CellRecord, Role};

/// True for models and baselines.
pub(crate) fn is_asked_about(cell: &CellRecord) -> bool {
    matches!(cell.role, Role::Model | Role::Baseline)
}

/// The layer, pooling and probe of a representation that validation chooses; with `probe` among its cells only.
pub(crate) fn chosen_on_validation<'a>(
    whole_cells: &[&'a CellRecord],
    representation: &str,
    probe: Option<&str>,
) -> Option<&'a CellRecord> {
    let candidates = whole_cells.iter().copied().filter(|cell| {
        cell.id.representation.as_str() == representation
            && probe.is_none_or(|probe| cell.id.probe_word() == probe)
    });
    choose_on_validation(candidates, |cell| *cell)
}

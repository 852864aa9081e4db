//! A cell with its numbers, and which cell of a representation is chosen on validation.

use crate::store::cell_store::CellResult;
use seqprobe_report::choose_on_validation;
use seqprobe_report::record::{CellRecord, Role, Status};

/// A cell with its numbers, where it has any.
pub(crate) struct FilledCell {
    pub(crate) record: CellRecord,
    pub(crate) result: Option<CellResult>,
    /// Digests of the model's weights, one per draw; none without a model.
    pub(crate) weights: Vec<String>,
}

impl FilledCell {
    /// Whether the cell is fitted on all of the training split, with this representation and (if one is given) probe.
    fn is_candidate(&self, representation: &str, probe: Option<&str>) -> bool {
        let id = &self.record.id;
        id.representation.as_str() == representation
            && id.fraction.is_whole()
            && probe.is_none_or(|probe| id.probe_word() == probe)
    }

    /// Whether it belongs to a model, pretrained or randomly initialised.
    pub(crate) fn is_of_model(&self) -> bool {
        self.record.role == Role::Model || self.record.id.layer.is_some()
    }
}

/// What belongs to the cell with the lowest mean validation loss over its fits; the first of equals.
pub(crate) fn best_on_validation<'a, T>(cells: impl Iterator<Item = (&'a FilledCell, T)>) -> Option<T> {
    let filled = cells.filter(|(cell, _)| cell.result.is_some());
    choose_on_validation(filled, |(cell, _)| &cell.record).map(|(_, what)| what)
}

/// The cell of a representation that validation chooses, among one probe's or all.
pub(crate) fn chosen<'a>(
    cells: &'a [FilledCell],
    representation: &str,
    probe: Option<&str>,
) -> Option<&'a FilledCell> {
    let candidates = cells.iter().filter(|cell| cell.is_candidate(representation, probe));
    best_on_validation(candidates.map(|cell| (cell, cell)))
}

/// The chosen cell, or a failed one of a representation that has none to choose.
pub(crate) fn chosen_or_failed<'a>(
    cells: &'a [FilledCell],
    representation: &str,
    probe: Option<&str>,
) -> Option<&'a FilledCell> {
    let failed = || {
        let mut candidates = cells.iter().filter(|cell| cell.is_candidate(representation, probe));
        candidates.find(|cell| cell.record.status == Status::Failed)
    };
    chosen(cells, representation, probe).or_else(failed)
}

/// The representations of some cells, in order.
pub(crate) fn names(cells: &[FilledCell], wanted: impl Fn(&FilledCell) -> bool) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for cell in cells.iter().filter(|cell| wanted(cell)) {
        let name = cell.record.id.representation.as_str();
        if !names.iter().any(|other| other == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The chosen cell of each model, random initialisation and baseline, in plan order.
pub(crate) fn best_of_each(cells: &[FilledCell]) -> Vec<&FilledCell> {
    names(cells, |cell| cell.record.role == Role::Baseline || cell.is_of_model())
        .iter()
        .filter_map(|name| chosen(cells, name, None))
        .collect()
}

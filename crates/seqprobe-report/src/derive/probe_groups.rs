//! The scored cells of a dataset by probe, best first.

use crate::record::choice::{point, primary_test_score};
use crate::record::{CellRecord, Role, Status};

/// The cells of one probe.
pub(crate) struct ProbeGroup<'a> {
    /// The probe; `None` for predictions without one.
    pub(crate) probe: Option<&'a str>,
    /// Cells, best on test first; those without a point last.
    pub(crate) cells: Vec<&'a CellRecord>,
    /// Point of the best baseline.
    pub(crate) best_baseline: Option<f64>,
}

/// The groups of a dataset. Probes that only controls and oracles have come last: they are references.
pub(crate) fn groups_of<'a>(whole_cells: &[&'a CellRecord], lower_is_better: bool) -> Vec<ProbeGroup<'a>> {
    let scored: Vec<&CellRecord> = whole_cells
        .iter()
        .copied()
        .filter(|cell| cell.status == Status::Ok && primary_test_score(cell).is_some())
        .collect();
    let mut probes: Vec<Option<&str>> = Vec::new();
    for cell in &scored {
        if !probes.contains(&cell.id.probe.as_deref()) {
            probes.push(cell.id.probe.as_deref());
        }
    }
    let is_reference =
        |cell: &CellRecord| matches!(cell.role, Role::Control | Role::Rule | Role::Reference | Role::Oracle);
    probes.sort_by_key(|probe| {
        scored.iter().all(|cell| cell.id.probe.as_deref() != *probe || is_reference(cell))
    });
    let sign = if lower_is_better { 1.0 } else { -1.0 };
    let point_of = |cell: &CellRecord| point(&primary_test_score(cell)?.value);
    let order = |cell: &CellRecord| point_of(cell).map_or(f64::INFINITY, |point| sign * point);
    let group = |probe: Option<&'a str>| {
        let mut cells: Vec<&CellRecord> =
            scored.iter().copied().filter(|cell| cell.id.probe.as_deref() == probe).collect();
        cells.sort_by(|left, right| order(left).total_cmp(&order(right)));
        let best_baseline =
            cells.iter().find(|cell| cell.role == Role::Baseline).and_then(|cell| point_of(cell));
        ProbeGroup { probe, cells, best_baseline }
    };
    probes.into_iter().map(group).collect()
}

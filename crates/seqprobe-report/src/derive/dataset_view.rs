//! One dataset of a run with all that its reports show.

use super::choices::{chosen_on_validation, is_asked_about};
use super::direction::lower_is_better;
use super::evidence::{Evidence, settling};
use super::fit_summary::FitSummary;
use super::oracle_gap::OracleGap;
use super::probe_groups::{ProbeGroup, groups_of};
use super::selected_elements::{Selection, selections};
use super::sweeps::{Curve, fraction_curves, layer_curves};
use super::tallies::REPORTED_VERDICTS;
use crate::record::choice::{point, primary_test_score};
use crate::record::diagnostics::Diagnostics;
use crate::record::{
    CellRecord, DatasetRecord, ModelComparison, PowerRecord, Role, RunRecord, ScoreValue, Verdict,
    VerdictRecord,
};

/// A dataset with its cells, verdicts and what follows from them.
pub(crate) struct DatasetView<'a> {
    /// The record.
    pub(crate) record: &'a DatasetRecord,
    /// All cells, in plan order.
    pub(crate) cells: Vec<&'a CellRecord>,
    /// The cells that were fitted on all of the training split, in plan order.
    pub(crate) whole_cells: Vec<&'a CellRecord>,
    /// Verdicts with their evidence.
    pub(crate) verdicts: Vec<VerdictView<'a>>,
    /// Its models against each other.
    pub(crate) model_comparisons: Vec<&'a ModelComparison>,
    /// The points behind scores.
    pub(crate) diagnostics: Vec<&'a Diagnostics>,
    /// The cell of each representation, over all probes, that validation chooses; in plan order.
    pub(crate) chosen: Vec<&'a CellRecord>,
    /// The model or baseline with the best score on test.
    pub(crate) best_scored: Option<&'a CellRecord>,
    /// The distance to what can be reached on a simulated dataset.
    pub(crate) oracle_gap: Option<OracleGap<'a>>,
    /// Scored cells by probe, best first.
    pub(crate) groups: Vec<ProbeGroup<'a>>,
    /// The fits of each cell that was fitted.
    pub(crate) fits: Vec<FitSummary<'a>>,
    /// Seconds to fit and predict all cells.
    pub(crate) seconds: f64,
    /// Scores over layers.
    pub(crate) layers: Vec<Curve<'a>>,
    /// Scores over parts of the training split.
    pub(crate) fractions: Vec<Curve<'a>>,
    /// The k-mers in regions that probes selected.
    pub(crate) selections: Vec<Selection<'a>>,
    /// Level of the intervals, 0…1; the same in a whole run.
    pub(crate) level: Option<f64>,
    /// True when the suite has a model for this dataset.
    pub(crate) has_model: bool,
}

/// A verdict and what it rests on.
pub(crate) struct VerdictView<'a> {
    /// The record.
    pub(crate) record: &'a VerdictRecord,
    /// The differences that decide it.
    pub(crate) evidence: Evidence<'a>,
    /// What would settle it, if it is unclear.
    pub(crate) settling: Option<&'a PowerRecord>,
}

impl<'a> VerdictView<'a> {
    fn of(record: &'a VerdictRecord) -> Self {
        let evidence = Evidence::of(record);
        Self { record, settling: settling(record, &evidence), evidence }
    }
}

impl<'a> DatasetView<'a> {
    /// Derives the view of a dataset.
    pub(crate) fn of(record: &'a RunRecord, dataset: &'a DatasetRecord) -> Self {
        let cells: Vec<&CellRecord> =
            record.cells.iter().filter(|cell| cell.id.dataset == dataset.id).collect();
        let whole_cells: Vec<&CellRecord> =
            cells.iter().copied().filter(|cell| cell.id.fraction.is_whole()).collect();
        let ranked = ranked(&whole_cells, lower_is_better(&dataset.metric));
        let verdicts = record.verdicts.iter().filter(|verdict| verdict.dataset == dataset.id);
        let level = cells.iter().flat_map(|cell| &cell.scores).find_map(|score| match &score.value {
            ScoreValue::Estimate(estimate) => Some(estimate.level),
            _ => None,
        });
        Self {
            verdicts: verdicts.map(VerdictView::of).collect(),
            model_comparisons: record
                .model_comparisons
                .iter()
                .filter(|pair| pair.dataset == dataset.id)
                .collect(),
            diagnostics: record.diagnostics.iter().filter(|one| one.cell.dataset == dataset.id).collect(),
            chosen: chosen_of_representations(&cells, &whole_cells),
            best_scored: ranked.iter().map(|(cell, _)| *cell).find(|cell| is_asked_about(cell)),
            oracle_gap: OracleGap::of(&ranked, lower_is_better(&dataset.metric)),
            groups: groups_of(&whole_cells, lower_is_better(&dataset.metric)),
            fits: cells.iter().filter_map(|cell| FitSummary::of(cell)).collect(),
            seconds: cells.iter().map(|cell| cell.seconds).sum(),
            layers: layer_curves(&whole_cells),
            fractions: fraction_curves(&cells, &whole_cells),
            selections: selections(&whole_cells, dataset.targets.len() > 1),
            level,
            has_model: cells.iter().any(|cell| cell.role == Role::Model),
            record: dataset,
            cells,
            whole_cells,
        }
    }

    /// The cell that validation chooses for a representation, over all probes.
    pub(crate) fn chosen_of(&self, representation: &str) -> Option<&'a CellRecord> {
        self.chosen.iter().copied().find(|cell| cell.id.representation.as_str() == representation)
    }

    /// The verdicts that occur, with their number.
    pub(crate) fn verdict_counts(&self) -> Vec<(Verdict, usize)> {
        let count =
            |verdict| (verdict, self.verdicts.iter().filter(|row| row.record.verdict == verdict).count());
        REPORTED_VERDICTS.map(count).into_iter().filter(|(_, n)| *n > 0).collect()
    }
}

fn chosen_of_representations<'a>(
    cells: &[&'a CellRecord],
    whole_cells: &[&'a CellRecord],
) -> Vec<&'a CellRecord> {
    let mut names: Vec<&str> = Vec::new();
    for cell in cells {
        if !names.contains(&cell.id.representation.as_str()) {
            names.push(cell.id.representation.as_str());
        }
    }
    names.into_iter().filter_map(|name| chosen_on_validation(whole_cells, name, None)).collect()
}

/// The cells whose primary score on test has a point, best first; equal ones stay in plan order.
fn ranked<'a>(whole_cells: &[&'a CellRecord], lower_is_better: bool) -> Vec<(&'a CellRecord, f64)> {
    let mut cells: Vec<(&CellRecord, f64)> = whole_cells
        .iter()
        .filter_map(|cell| {
            primary_test_score(cell).and_then(|score| point(&score.value)).map(|point| (*cell, point))
        })
        .collect();
    let sign = if lower_is_better { 1.0 } else { -1.0 };
    cells.sort_by(|(_, left), (_, right)| (sign * left).total_cmp(&(sign * right)));
    cells
}

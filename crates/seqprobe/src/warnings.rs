//! What a reader must see before the numbers.

use seqprobe_report::record::{CellRecord, DatasetRecord, Role, ScoreValue, Status};

/// The warnings of a run, most important first.
pub(crate) fn warnings(cells: &[CellRecord], datasets: &[DatasetRecord]) -> Vec<String> {
    let mut warnings = Vec::new();
    let failed = cells.iter().filter(|cell| cell.status == Status::Failed).count();
    if failed > 0 {
        warnings.push(format!(
            "{failed} of {} cells failed; their reasons stand in the table of cells",
            cells.len()
        ));
    }
    for cell in cells {
        let n_open = cell.fits.iter().filter(|fit| fit.report.converged == Some(false)).count();
        if n_open > 0 {
            warnings.push(format!("{}: {n_open} of {} fits did not converge", cell.id, cell.fits.len()));
        }
        let mut seen: Vec<&str> = Vec::new();
        for warning in cell.fits.iter().flat_map(|fit| &fit.report.warnings) {
            if !seen.contains(&warning.as_str()) && (cell.role == Role::Model || cell.id.layer != "-") {
                seen.push(warning);
                warnings.push(format!("{}: {warning}", cell.id));
            }
        }
        let constant = cell.scores.iter().any(|score| {
            score.split == "test"
                && matches!(&score.value, ScoreValue::Undefined { reason } if reason.contains("constant"))
        });
        if constant && cell.status == Status::Ok && cell.id.probe != "-" {
            warnings.push(format!("{}: the predictions are constant", cell.id));
        }
    }
    for dataset in datasets {
        if dataset.undefined_letters > 0 {
            warnings.push(format!(
                "{}: {} letters are N or another ambiguity code",
                dataset.id, dataset.undefined_letters
            ));
        }
    }
    warnings
}

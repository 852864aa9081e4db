//! What a reader must see before the numbers.

use crate::verdicts::FilledCell;
use seqprobe_report::record::{DatasetRecord, Role, Status};

/// The warnings of a run, most important first.
pub(crate) fn warnings<'a>(
    filled: impl Iterator<Item = &'a FilledCell>,
    datasets: &[DatasetRecord],
) -> Vec<String> {
    let mut warnings = Vec::new();
    let filled: Vec<&FilledCell> = filled.collect();
    let cells: Vec<_> = filled.iter().map(|cell| &cell.record).collect();
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
    }
    for cell in filled.iter().filter(|cell| cell.record.id.probe != "-" && is_constant(cell)) {
        warnings.push(format!("{}: the predictions are constant", cell.record.id));
    }
    for dataset in datasets {
        for shared in dataset.audit.iter().flat_map(|audit| &audit.against_train) {
            let rows = shared.exact.rows + shared.reverse_complement.rows;
            if rows > 0 {
                warnings.push(format!(
                    "{}: the sequences of {rows} of {} {} rows stand in train too, on one strand or the other; the suite's key drop_leaks leaves them out of train",
                    dataset.id,
                    shared.n_rows,
                    shared.split.as_str()
                ));
            }
        }
        if dataset.undefined_letters > 0 {
            warnings.push(format!(
                "{}: {} letters are N or another ambiguity code",
                dataset.id, dataset.undefined_letters
            ));
        }
    }
    warnings
}

/// True when every fit predicts the same for all test examples.
fn is_constant(cell: &FilledCell) -> bool {
    let Some(result) = &cell.result else { return false };
    result.test.iter().all(|matrix| {
        matrix.columns().into_iter().all(|column| column.iter().all(|value| Some(value) == column.first()))
    })
}

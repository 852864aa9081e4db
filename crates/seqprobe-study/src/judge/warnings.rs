//! What a reader must see before the numbers.

use crate::control_checks::ControlFindings;
use crate::controls::SHUFFLED_LABELS;
use crate::verdicts::{FilledCell, WHOLE};
use seqprobe_report::record::{CellRecord, DatasetRecord, Role, Status};

/// The warnings of a run, most important first: what failed, what the controls give away, constant predictions, fits
/// that did not converge, then remarks.
pub(crate) fn warnings<'a>(
    filled: impl Iterator<Item = &'a FilledCell>,
    findings: &[ControlFindings],
    datasets: &[DatasetRecord],
) -> Vec<String> {
    let filled: Vec<&FilledCell> = filled.collect();
    let cells: Vec<_> = filled.iter().map(|cell| &cell.record).collect();
    let mut warnings = Vec::new();
    let failed = cells.iter().filter(|cell| cell.status == Status::Failed).count();
    if failed > 0 {
        warnings.push(format!(
            "{failed} of {} cells failed; their reasons stand in the table of cells",
            cells.len()
        ));
    }
    warnings.extend(findings.iter().flat_map(|findings| findings.leaks.iter().cloned()));
    warnings.extend(findings.iter().flat_map(|findings| findings.rivals.iter().cloned()));
    let may_be_constant =
        |cell: &FilledCell| cell.record.id.probe == "-" || cell.record.id.representation == SHUFFLED_LABELS;
    for cell in filled.iter().filter(|cell| !may_be_constant(cell) && is_constant(cell)) {
        warnings.push(format!("{}: the predictions are constant", cell.record.id));
    }
    warnings.extend(cells.iter().filter_map(|cell| open_fits(cell)));
    // Remarks on fits to parts of the training split stand in the table of fits.
    for cell in cells.into_iter().filter(|cell| cell.id.fraction == WHOLE) {
        let mut seen: Vec<&str> = Vec::new();
        for warning in cell.fits.iter().flat_map(|fit| &fit.report.warnings) {
            if !seen.contains(&warning.as_str()) && (cell.role == Role::Model || cell.id.layer != "-") {
                seen.push(warning);
                warnings.push(format!("{}: {warning}", cell.id));
            }
        }
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

/// The sentence about fits whose optimiser did not meet its criterion.
fn open_fits(cell: &CellRecord) -> Option<String> {
    let n_open = cell.fits.iter().filter(|fit| fit.report.converged == Some(false)).count();
    (n_open > 0).then(|| format!("{}: {n_open} of {} fits did not converge", cell.id, cell.fits.len()))
}

/// True when every fit predicts the same for all test examples.
fn is_constant(cell: &FilledCell) -> bool {
    let Some(result) = &cell.result else { return false };
    !result.test.is_empty()
        && result.test.iter().all(|matrix| {
            matrix
                .columns()
                .into_iter()
                .all(|column| column.iter().all(|value| Some(value) == column.first()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made::{Knows, cell, dataset};

    #[test]
    fn what_is_wrong_comes_first_and_in_order() {
        let dataset = dataset(60, false);
        let plain =
            |name: &str, knows| cell(&dataset, [name, "-", "-", "linear"], Role::Baseline, knows, 0.5);
        let mut failed = plain("kmer-4", Knows::Much);
        failed.record.status = Status::Failed;
        failed.result = None;
        let constant = plain("composition", Knows::Constant);
        let mut open = plain("kmer-3", Knows::Much);
        open.record.fits[0].report.converged = Some(false);
        let mut closed = plain("kmer-2", Knows::Much);
        closed.record.fits[0].report.converged = Some(true);
        let noise =
            cell(&dataset, [SHUFFLED_LABELS, "m", "-", "linear"], Role::Control, Knows::Constant, 0.6);
        let majority = cell(&dataset, ["majority", "-", "-", "-"], Role::Control, Knows::Constant, 0.6);
        let cells = [open, closed, constant, failed, noise, majority];
        let findings = ControlFindings {
            leaks: vec!["a leak".to_owned()],
            rivals: vec!["a rival".to_owned()],
            ..ControlFindings::default()
        };
        let told = warnings(cells.iter(), &[findings], &[]);
        assert_eq!(
            told,
            [
                "1 of 6 cells failed; their reasons stand in the table of cells",
                "a leak",
                "a rival",
                "made/composition/-/-/mean/linear/1: the predictions are constant",
                "made/kmer-3/-/-/mean/linear/1: 1 of 1 fits did not converge",
            ]
        );
    }
}

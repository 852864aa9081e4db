//! What a reader must know before the numbers, as data. The report words it.

use crate::judge::control_checks::ControlFindings;
use crate::judge::filled_cell::FilledCell;
use crate::judge::qualifications::is_large;
use seqprobe_report::record::{CellRecord, DatasetRecord, RepresentationName, Status, Warning};

/// The warnings of a run, most important first: what failed, what the controls show, constant predictions, fits that did
/// not converge, then remarks.
pub(crate) fn warnings<'a>(
    filled: impl Iterator<Item = &'a FilledCell>,
    findings: &[ControlFindings],
    datasets: &[DatasetRecord],
    partial_means: &[Warning],
) -> Vec<Warning> {
    let filled: Vec<&FilledCell> = filled.collect();
    let mut warnings = Vec::new();
    let failed = filled.iter().filter(|cell| cell.record.status == Status::Failed).count();
    if failed > 0 {
        warnings.push(Warning::CellsFailed { failed, cells: filled.len() });
    }
    warnings.extend(findings.iter().flat_map(|findings| findings.shuffled_label_leaks.iter().cloned()));
    warnings.extend(findings.iter().flat_map(|findings| findings.controls_not_beaten.iter().cloned()));
    for cell in filled.iter().filter(|cell| !may_be_constant(cell) && is_constant(cell)) {
        warnings.push(Warning::ConstantPredictions { cell: cell.record.id.clone() });
    }
    warnings.extend(filled.iter().filter_map(|cell| not_converged(&cell.record)));
    // Remarks on fits to parts of the training split are in the table of fits.
    for cell in filled.iter().filter(|cell| cell.record.id.fraction.is_whole() && cell.is_of_model()) {
        let mut seen: Vec<&str> = Vec::new();
        for text in cell.record.fits.iter().flat_map(|fit| &fit.report.warnings) {
            if !seen.contains(&text.as_str()) {
                seen.push(text);
                warnings.push(Warning::FitRemark { cell: cell.record.id.clone(), text: text.clone() });
            }
        }
    }
    warnings.extend(partial_means.iter().cloned());
    for dataset in datasets {
        for shared in dataset.audit.iter().flat_map(|audit| &audit.against_train) {
            let rows = shared.copied_rows();
            if rows > 0 {
                warnings.push(Warning::SharedWithTrain {
                    dataset: dataset.id.clone(),
                    split: shared.split,
                    shared: rows,
                    rows: shared.n_rows,
                });
            }
            if is_large(shared.near.rows, shared) {
                warnings.push(Warning::NearDuplicatesInTrain {
                    dataset: dataset.id.clone(),
                    split: shared.split,
                    near: shared.near.rows,
                    rows: shared.n_rows,
                });
            }
        }
        if dataset.undefined_letters > 0 {
            let bases = dataset.undefined_letters;
            warnings.push(Warning::AmbiguousBases { dataset: dataset.id.clone(), bases });
        }
    }
    warnings
}

/// Predictions without a probe, and fits to noise.
fn may_be_constant(cell: &FilledCell) -> bool {
    cell.record.id.probe.is_none() || cell.record.id.representation == RepresentationName::ShuffledLabels
}

/// Fits whose optimiser did not meet its criterion.
fn not_converged(cell: &CellRecord) -> Option<Warning> {
    let open = cell.fits.iter().filter(|fit| fit.report.converged == Some(false)).count();
    (open > 0).then(|| Warning::NotConverged { cell: cell.id.clone(), open, fits: cell.fits.len() })
}

fn is_constant(cell: &FilledCell) -> bool {
    cell.result.as_ref().is_some_and(|result| result.test.are_constant())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_fixtures::{Knows, cell, dataset};
    use seqprobe_report::record::Role;
    use seqprobe_report::warning_text;

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
            cell(&dataset, ["shuffled-labels", "m", "-", "linear"], Role::Control, Knows::Constant, 0.6);
        let majority = cell(&dataset, ["majority", "-", "-", "-"], Role::Control, Knows::Constant, 0.6);
        let cells = [open, closed, constant, failed, noise, majority];
        let findings = ControlFindings {
            shuffled_label_leaks: vec![Warning::Text { text: "a leak".to_owned() }],
            controls_not_beaten: vec![Warning::Text { text: "a control".to_owned() }],
            ..ControlFindings::default()
        };
        let found = warnings(cells.iter(), &[findings], &[], &[]);
        let texts: Vec<String> = found.iter().map(warning_text).collect();
        assert_eq!(
            texts,
            [
                "1 of 6 cells failed; the table of cells has the reasons",
                "a leak",
                "a control",
                "made/composition/-/-/mean/linear/1: the predictions are constant",
                "made/kmer-3/-/-/mean/linear/1: 1 of 1 fits did not converge",
            ]
        );
    }
}

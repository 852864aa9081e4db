//! How the fits of a cell went, over all its seeds.

use crate::record::CellRecord;
use std::collections::BTreeSet;

/// The smallest and the largest of some values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span<T> {
    /// Smallest.
    pub(crate) smallest: T,
    /// Largest.
    pub(crate) largest: T,
}

/// The fits of a cell.
pub(crate) struct FitSummary<'a> {
    /// The cell.
    pub(crate) cell: &'a CellRecord,
    /// Fits that report whether they converged.
    pub(crate) n_reporting: usize,
    /// Fits that converged.
    pub(crate) n_converged: usize,
    /// Parameters of the probe.
    pub(crate) parameters: Option<Span<u64>>,
    /// Parameters of the reduction before the probe.
    pub(crate) reduction: Option<Span<u64>>,
    /// Iterations, if they are known.
    pub(crate) iterations: Option<Span<u64>>,
    /// Validation loss.
    pub(crate) loss: Option<Span<f64>>,
    /// Settings that were chosen on validation, and the seeds with that choice.
    pub(crate) choices: Vec<(String, Vec<u64>)>,
    /// Distinct remarks of the fits, sorted.
    pub(crate) warnings: BTreeSet<&'a str>,
}

impl<'a> FitSummary<'a> {
    /// The summary of a cell; `None` if it was not fitted.
    pub(crate) fn of(cell: &'a CellRecord) -> Option<Self> {
        if cell.fits.is_empty() {
            return None;
        }
        let reports = || cell.fits.iter().map(|fit| &fit.report);
        let mut choices: Vec<(String, Vec<u64>)> = Vec::new();
        for fit in &cell.fits {
            let pairs: Vec<String> =
                fit.report.chosen.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            let choice = pairs.join(", ");
            match choices.iter_mut().find(|(known, _)| *known == choice) {
                Some((_, seeds)) => seeds.push(fit.seed),
                None => choices.push((choice, vec![fit.seed])),
            }
        }
        Some(Self {
            n_reporting: reports().filter(|report| report.converged.is_some()).count(),
            n_converged: reports().filter(|report| report.converged == Some(true)).count(),
            parameters: span(reports().map(|report| report.n_parameters)),
            reduction: span(reports().map(|report| report.reduction_parameters)),
            iterations: span(reports().filter_map(|report| report.iterations)),
            loss: span(reports().filter_map(|report| report.validation_loss)),
            choices,
            warnings: reports().flat_map(|report| &report.warnings).map(String::as_str).collect(),
            cell,
        })
    }
}

fn span<T: PartialOrd + Copy>(values: impl Iterator<Item = T>) -> Option<Span<T>> {
    values.fold(None, |span, value| {
        let span = span.unwrap_or(Span { smallest: value, largest: value });
        Some(Span {
            smallest: if value < span.smallest { value } else { span.smallest },
            largest: if value > span.largest { value } else { span.largest },
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_the_smallest_and_the_largest() {
        assert_eq!(span([3_u64, 1, 2].into_iter()), Some(Span { smallest: 1, largest: 3 }));
        assert_eq!(span(std::iter::empty::<f64>()), None);
    }
}

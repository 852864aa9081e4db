//! Choosing a point of a search grid: every point is fitted with the first seed, the smallest validation loss wins.

use crate::run::one_fit::{OneFit, Unfitted};
use seqprobe_core::{Candidate, ProbeError};

/// What a search chose.
pub(crate) struct Chosen {
    /// Which point.
    pub(crate) number: usize,
    /// The fit of the first seed at this point.
    pub(crate) first: OneFit,
    /// Fits made, and their optimiser steps together.
    fits: usize,
    steps: u64,
    /// Points that could not be fitted, with the reason of the first.
    failed: Option<(usize, String)>,
}

/// The best of some fits, one per point; fails where no point could be fitted.
pub(crate) fn choose(fits: Vec<Result<OneFit, ProbeError>>) -> Result<Chosen, Unfitted> {
    let mut best: Option<(usize, f64, OneFit)> = None;
    let mut failures = Vec::new();
    let (n_fits, mut steps) = (fits.len(), 0);
    for (number, fit) in fits.into_iter().enumerate() {
        match fit {
            Ok(fit) => {
                let report = &fit.fit.report;
                steps += report.steps.unwrap_or(0);
                let loss = report.validation_loss.unwrap_or(f64::INFINITY);
                if best.as_ref().is_none_or(|(_, least, _)| loss < *least) {
                    best = Some((number, loss, fit));
                }
            }
            Err(error) => failures.push(error),
        }
    }
    let n_failed = failures.len();
    let first_failure = failures.into_iter().next();
    match (best, first_failure) {
        (Some((number, _, first)), failure) => {
            let failed = failure.map(|error| (n_failed, error.to_string()));
            Ok(Chosen { number, first, fits: n_fits, steps, failed })
        }
        (None, Some(error)) => Err(error.into()),
        (None, None) => Err(Unfitted::failed("the search grid is empty")),
    }
}

impl Chosen {
    /// The fit of the first seed, with the choice and what it cost written into it and into those of the other seeds.
    pub(crate) fn record_choice(
        mut self,
        (points, seed): (&[Candidate], u64),
        others: &mut [Result<OneFit, ProbeError>],
    ) -> OneFit {
        let more: u64 = others.iter().flatten().filter_map(|fit| fit.fit.report.steps).sum();
        let (n_points, n_fits, steps) = (points.len(), self.fits + others.len(), self.steps + more);
        let budget = format!("{n_points} points with seed {seed}, {n_fits} fits and {steps} steps in all");
        for fit in others.iter_mut().flatten().chain([&mut self.first]) {
            let report = &mut fit.fit.report;
            report.chosen.extend(points[self.number].point.clone());
            report.chosen.insert("search".to_owned(), budget.clone());
            if let Some((n, reason)) = &self.failed {
                let warning = format!("{n} of {n_points} points of the search could not be fitted: {reason}");
                report.warnings.push(warning);
            }
        }
        self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use seqprobe_core::{FitReport, StoredProbe};
    use seqprobe_report::record::SeedFit;

    fn fit(loss: f64, steps: u64) -> Result<OneFit, ProbeError> {
        let report = FitReport { validation_loss: Some(loss), steps: Some(steps), ..FitReport::default() };
        let stored = StoredProbe { kind: "cnn".into(), config: serde_json::Value::Null, arrays: Vec::new() };
        let (valid, test) = (Array2::zeros((1, 1)), Array2::zeros((1, 1)));
        Ok(OneFit { fit: SeedFit { seed: 7, report }, valid, test, probe: stored })
    }

    #[test]
    fn the_smallest_loss_wins_and_every_seed_records_what_it_cost() {
        let point = |rate: &str| Candidate {
            point: [("learning_rate".to_owned(), rate.to_owned())].into(),
            probe: crate::suite::probes::probe_family("mlp").unwrap().build(&toml::Table::new()).unwrap(),
        };
        let points = [point("0.1"), point("0.2"), point("0.3")];
        let wild = Err(ProbeError::NotFinite("the loss is inf".into()));
        let chosen = choose(vec![fit(0.5, 10), fit(0.4, 20), wild]).unwrap();
        assert_eq!(chosen.number, 1);
        let mut others = vec![fit(0.6, 300), fit(0.3, 4000)];
        let first = chosen.record_choice((&points, 7), &mut others);
        for fit in others.iter().flatten().chain([&first]) {
            let report = &fit.fit.report;
            assert_eq!(report.chosen["learning_rate"], "0.2");
            assert_eq!(report.chosen["search"], "3 points with seed 7, 5 fits and 4330 steps in all");
            assert_eq!(
                report.warnings,
                ["1 of 3 points of the search could not be fitted: the loss is inf".to_owned()]
            );
        }
        let none = choose(vec![Err(ProbeError::NotFinite("the loss is inf".into()))]);
        assert!(matches!(none, Err(Unfitted::Failed(reason)) if reason.contains("inf")));
    }
}

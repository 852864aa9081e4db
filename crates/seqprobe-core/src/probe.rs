//! The contract of a probe: it fits on labelled train and validation views, predicts on a view, and can be stored.

use crate::features::FeatureView;
use crate::fit_report::FitReport;
use crate::probe_error::ProbeError;
use crate::seed::Seed;
use crate::stored_probe::StoredProbe;
use crate::targets::Targets;
use crate::task::Task;
use ndarray::Array2;
use std::collections::BTreeMap;

/// Rows with their true values, in the same order.
#[derive(Clone, Copy)]
pub struct LabelledView<'a> {
    /// Features of the rows.
    pub features: FeatureView<'a>,
    /// Targets of the rows: as many examples as `features` has rows.
    pub targets: &'a Targets,
    /// Group of each row, if the dataset has groups: k-fold selection never splits a group. Groups are clusters, or
    /// chromosomes for a probe that asks for them ([`Probe::grouping`]).
    pub groups: Option<&'a [u32]>,
}

/// What a probe expects in [`LabelledView::groups`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// The dataset's clusters: its groups, or blocks of its chromosomes.
    Clusters,
    /// Whole chromosomes.
    Chromosomes,
}

/// A supervised model family with its settings, ready to be fitted.
pub trait Probe: Sync {
    /// Identifier in suites and results.
    fn id(&self) -> &str;

    /// A number that is raised whenever the same inputs would give other numbers; part of the cell key.
    fn version(&self) -> u32;

    /// True when the seed does not change the result; such a probe runs once.
    fn is_deterministic(&self) -> bool;

    /// Everything that changes a fit, as JSON; part of the cell key.
    fn settings(&self) -> serde_json::Value;

    /// What the probe expects in the groups of the views that it is fitted on.
    fn grouping(&self) -> Grouping {
        Grouping::Clusters
    }

    /// The points of the search grid, none for a probe without a search. Each is fitted with the first seed; the one
    /// with the smallest validation loss replaces this probe for all seeds.
    fn candidates(&self) -> Vec<Candidate> {
        Vec::new()
    }

    /// Fits on `train`. Chooses penalties and the stopping point on `valid` by log loss or mean squared error.
    ///
    /// # Errors
    /// [`ProbeError`] when the features do not suit the probe or no fit exists.
    fn fit(
        &self,
        task: &Task,
        train: LabelledView<'_>,
        valid: LabelledView<'_>,
        seed: Seed,
    ) -> Result<ProbeFit, ProbeError>;
}

/// A point of a search grid.
pub struct Candidate {
    /// The settings of this point, for example `learning_rate = "0.001"`.
    pub point: BTreeMap<String, String>,
    /// The probe at this point.
    pub probe: Box<dyn Probe>,
}

/// A fitted probe and the report of its fit.
pub struct ProbeFit {
    /// The fitted model.
    pub fitted: Box<dyn FittedProbe>,
    /// How the fit went.
    pub report: FitReport,
}

/// A model that predicts.
pub trait FittedProbe {
    /// Predictions for the rows of a view: probabilities for class tasks, values for regression.
    ///
    /// # Shapes
    /// `[rows, outputs]`
    ///
    /// # Errors
    /// [`ProbeError`] when the features have a different width or cannot be read.
    fn predict(&self, features: &FeatureView<'_>) -> Result<Array2<f64>, ProbeError>;

    /// Returns the model as named arrays, from which the crate that made it can restore it.
    fn store(&self) -> StoredProbe;
}

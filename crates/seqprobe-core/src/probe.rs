//! The contract of a probe: fit on labelled train and validation views, predict on a view, be stored.

use crate::features::{FeatureError, FeatureView};
use crate::seed::Seed;
use crate::targets::Targets;
use crate::task::Task;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// Rows with their true values, in the same order.
#[derive(Clone, Copy)]
pub struct LabelledView<'a> {
    /// Features of the rows.
    pub features: FeatureView<'a>,
    /// Targets of the rows: as many examples as `features` has rows.
    pub targets: &'a Targets,
    /// Group of each row, where the dataset has groups: rows of one group are never parted by a k-fold. Clusters, or
    /// chromosomes for a probe that asks for them ([`Probe::grouping`]).
    pub groups: Option<&'a [u32]>,
}

/// What a probe wants as [`LabelledView::groups`].
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

    /// Changes whenever the same inputs would give other numbers; part of the cell key.
    fn version(&self) -> u32;

    /// True when the seed does not change the result; such a probe runs once.
    fn is_deterministic(&self) -> bool;

    /// Everything that changes a fit, as JSON; part of the cell key.
    fn settings(&self) -> serde_json::Value;

    /// What stands in the groups of the views it is fitted on.
    fn grouping(&self) -> Grouping {
        Grouping::Clusters
    }

    /// The points of the search grid, where there is one: each is fitted with the first seed, and the one with the
    /// smallest validation loss takes the place of this probe for all seeds.
    fn candidates(&self) -> Vec<Candidate> {
        Vec::new()
    }

    /// Fits on `train`, chooses penalties and stopping on `valid` by log loss or mean squared error.
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
    /// What is particular to it, for example `learning_rate = "0.001"`.
    pub point: BTreeMap<String, String>,
    /// The probe at this point.
    pub probe: Box<dyn Probe>,
}

/// A fitted probe and what is to be said of the fit.
pub struct ProbeFit {
    /// The fitted model.
    pub fitted: Box<dyn FittedProbe>,
    /// What happened.
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
    /// [`ProbeError`] when the features have another width or cannot be read.
    fn predict(&self, features: &FeatureView<'_>) -> Result<Array2<f64>, ProbeError>;

    /// The model as named arrays, from which the crate that made it can restore it.
    fn store(&self) -> StoredProbe;
}

/// What is reported of a fit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FitReport {
    /// Fitted numbers, the reduction's left out.
    pub n_parameters: u64,
    /// Fitted numbers of the first linear reduction to a fixed width; 0 where there is none.
    pub reduction_parameters: u64,
    /// Whether the optimiser met its own criterion; `None` where there is no such criterion.
    pub converged: Option<bool>,
    /// Iterations or epochs used.
    pub iterations: u64,
    /// Optimiser steps on mini-batches, where there are such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Largest absolute gradient component of the mean objective at the end, where it is defined.
    pub gradient_norm: Option<f64>,
    /// Objective at the end less a lower bound of the optimum, over the objective of the constant model: no
    /// model can be better by more than this share. Solvers with a dual problem (lasso, elastic net) tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duality_gap: Option<f64>,
    /// Validation loss of the chosen model: log loss in nats, mean squared error or mean Poisson deviance.
    pub validation_loss: Option<f64>,
    /// What was chosen on validation, for example `penalty = "0.1"`.
    pub chosen: BTreeMap<String, String>,
    /// Warnings a reader must see.
    pub warnings: Vec<String>,
    /// Words in regions of the sequence that the probe rests on, where it selects such.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selected_elements: Vec<SelectedElement>,
}

/// A word whose frequency in a region of the sequence enters a fitted probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelectedElement {
    /// The target it speaks for.
    pub target: String,
    /// Its letters, A C G T.
    pub word: String,
    /// First base of the region, 0-based from the left.
    pub start: usize,
    /// End of the region, half-open.
    pub end: usize,
    /// Weight per standard deviation of the frequency, on the scale of the linear output.
    pub weight: f64,
    /// Pearson correlation of frequency and target in train.
    pub correlation: f64,
}

/// A fitted probe as data.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredProbe {
    /// Which restorer: `linear`, `cnn`, `mlp`.
    pub kind: String,
    /// Settings needed to rebuild it.
    pub config: serde_json::Value,
    /// Fitted numbers.
    pub arrays: Vec<NamedArray>,
}

/// One named array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArray {
    /// Name, unique in its probe.
    pub name: String,
    /// Shape; its product is the number of values.
    pub shape: Vec<usize>,
    /// Values.
    pub values: Vec<f64>,
}

impl StoredProbe {
    /// The array of a name.
    pub fn array(&self, name: &str) -> Option<&NamedArray> {
        self.arrays.iter().find(|array| array.name == name)
    }
}

/// Why a probe could not be fitted or applied.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// Features could not be read.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// This probe cannot be fitted on such features or such a task.
    #[error("not applicable: {0}")]
    NotApplicable(String),
    /// The probe takes rows of one length only, and these are not, or are too short for it. A cell of a run
    /// is then not applicable rather than failed.
    #[error("not applicable: {0}")]
    Length(String),
    /// Only one class is present where two are needed.
    #[error(
        "the {split} split holds only class {class:?}\n  hint: a classifier needs examples of at least two classes"
    )]
    OneClass {
        /// Which split.
        split: &'static str,
        /// The one class.
        class: String,
    },
    /// A target has too few known values.
    #[error("target {target:?} has {n} known values in the {split} split, needs at least {needed}")]
    TooFewTargets {
        /// The target.
        target: String,
        /// Which split.
        split: &'static str,
        /// Known values.
        n: usize,
        /// Values needed.
        needed: usize,
    },
    /// Features or parameters are not finite.
    #[error("{0}")]
    NotFinite(String),
    /// Numerical failure of the solver.
    #[error("the solver failed: {0}")]
    Solver(String),
    /// Features of another width than those fitted on.
    #[error("features have {got} values per row, the probe was fitted on {expected}")]
    Width {
        /// Values fitted on.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// A stored probe that cannot be restored.
    #[error("stored probe cannot be restored: {0}")]
    Stored(String),
    /// libtorch failed.
    #[error("libtorch: {0}")]
    Torch(String),
}

//! How a linear probe fits and chooses, in types.

use crate::prepare::gram::GramProduct;
use seqprobe_core::ClassWeight;
use serde::Deserialize;

/// Who solves the optimisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Solver {
    /// This crate's solvers: Newton's method for logistic regression, one eigendecomposition for ridge.
    Exact,
    /// The L-BFGS of linfa-logistic; logistic regression only.
    Linfa,
}

impl Solver {
    /// The word used in suites and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Linfa => "linfa",
        }
    }
}

/// On which rows the penalty is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The validation split.
    Validation,
    /// Each training row once, by models that are fitted (and standardised) on the other folds. The probe is then
    /// fitted on all training rows with the chosen penalty; the validation split is only scored.
    KFold {
        /// How many folds, at least 2.
        folds: usize,
        /// Which rows stay together.
        grouping: FoldGrouping,
    },
}

/// Which rows always share a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum FoldGrouping {
    /// Rows of one group if the dataset has groups, else as [`Self::Row`].
    #[serde(rename = "known")]
    Auto,
    /// None: each fold has its share of every class.
    #[serde(rename = "row")]
    Row,
    /// Rows of one group; a dataset without groups is an error.
    #[serde(rename = "group")]
    Group,
    /// Rows of one chromosome; a dataset without chromosomes is an error.
    #[serde(rename = "chromosome")]
    Chromosome,
}

impl FoldGrouping {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Row, Self::Group, Self::Chromosome];

    /// The word used in suites and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "known",
            Self::Row => "row",
            Self::Group => "group",
            Self::Chromosome => "chromosome",
        }
    }
}

/// What the fits of one probe have in common.
#[derive(Clone, Copy)]
pub(crate) struct FitOptions<'a> {
    pub(crate) solver: Solver,
    pub(crate) penalties: &'a [f64],
    pub(crate) class_weight: Option<ClassWeight>,
    pub(crate) gram: GramProduct,
}

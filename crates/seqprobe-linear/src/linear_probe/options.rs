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
        keep: Keep,
    },
}

/// Which rows always share a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Keep {
    /// Rows of one group if the dataset has groups, else as [`Self::Nothing`].
    #[serde(rename = "known")]
    Known,
    /// None: each fold has its share of every class.
    #[serde(rename = "row")]
    Nothing,
    /// Rows of one group; a dataset without groups is an error.
    #[serde(rename = "group")]
    Groups,
    /// Rows of one chromosome; a dataset without chromosomes is an error.
    #[serde(rename = "chromosome")]
    Chromosomes,
}

impl Keep {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Known, Self::Nothing, Self::Groups, Self::Chromosomes];

    /// The word used in suites and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Nothing => "row",
            Self::Groups => "group",
            Self::Chromosomes => "chromosome",
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

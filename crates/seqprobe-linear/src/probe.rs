//! The linear probe: standardise on train, fit a path of penalties, choose on validation.

use crate::gram::{GramProduct, faer_gram};
use seqprobe_core::{LabelledView, Probe, ProbeError, ProbeFit, Seed, Task};

/// Who solves the optimisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solver {
    /// This crate's solvers: Newton's method for logistic, one eigendecomposition for ridge.
    Exact,
    /// linfa-logistic's L-BFGS; logistic only.
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

/// Ridge or logistic regression on standardised features, the penalty chosen on validation.
#[derive(Clone, Debug)]
pub struct LinearProbe {
    /// Who solves.
    pub solver: Solver,
    /// Penalties tried, each above 0, in any order. For logistic regression a penalty is 1/C.
    pub penalties: Vec<f64>,
    /// The Gram product of the exact solvers; does not enter [`Probe::settings`].
    pub gram: GramProduct,
}

impl Default for LinearProbe {
    /// The exact solver and ten penalties, one a decade from 0.001 to 1,000,000.
    fn default() -> Self {
        Self {
            solver: Solver::Exact,
            penalties: vec![1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6],
            gram: faer_gram,
        }
    }
}

impl Probe for LinearProbe {
    fn id(&self) -> &str {
        "linear"
    }

    fn version(&self) -> u32 {
        1
    }

    fn is_deterministic(&self) -> bool {
        true
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!({ "solver": self.solver.as_str(), "penalties": self.penalties })
    }

    fn fit(
        &self,
        _task: &Task,
        _train: LabelledView<'_>,
        _valid: LabelledView<'_>,
        _seed: Seed,
    ) -> Result<ProbeFit, ProbeError> {
        Err(ProbeError::Solver("the linear probe is not built yet".to_owned()))
    }
}

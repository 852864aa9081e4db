//! The plan: every cell of a dataset, and what filling it takes. A plan never changes. A combination that cannot exist
//! is planned too, as not applicable with its reason, so that nothing is missing without a word.

mod combinations;
mod plan_dataset;

pub(crate) use plan_dataset::{PlannedCell, Work, plan_dataset};

use crate::run::training_rows::Training;
use seqprobe_core::{LayerIndex, Pooling};

/// Why a cell cannot be filled, in words for the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason(pub(crate) String);

/// One fit: what is read, by which probe, on which training rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fit {
    /// Layer of a model.
    pub(crate) layer: Option<LayerIndex>,
    /// Pooling of the features that are read.
    pub(crate) pooling: Pooling,
    /// Number of the probe in the suite.
    pub(crate) probe: usize,
    /// What it trains on.
    pub(crate) training: Training,
}

impl Fit {
    /// The pooling of the stored features: flattened tokens are stored as tokens.
    pub(crate) fn stored_pooling(&self) -> Pooling {
        stored_pooling(self.pooling)
    }
}

/// Flattened tokens are stored as tokens.
pub(crate) fn stored_pooling(pooling: Pooling) -> Pooling {
    if pooling == Pooling::Flatten { Pooling::Tokens } else { pooling }
}

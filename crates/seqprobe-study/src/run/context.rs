//! What every stop of the road works with: the run, and one dataset of it.

use crate::prepare::PreparedRepresentation;
use crate::run::feature_store::FeatureStore;
use crate::store::cell_store::CellStore;
use crate::suite::Suite;
use crate::suite::published::PreparedReference;
use seqprobe_core::{Dataset, Digest};

/// What a run works with. Nothing of it changes while cells are filled.
pub(crate) struct Run<'a> {
    pub(crate) suite: &'a Suite,
    pub(crate) prepared: &'a [PreparedRepresentation],
    pub(crate) references: &'a [PreparedReference],
    pub(crate) store: CellStore,
    pub(crate) features: FeatureStore,
    pub(crate) threads: usize,
}

/// A dataset of a run, with its digest made once.
pub(crate) struct DatasetRun<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) digest: Digest,
}

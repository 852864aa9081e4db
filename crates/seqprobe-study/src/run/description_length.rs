//! Description lengths of the training labels under the linear probe: computed once per cell, in several orders, and
//! stored under the cell's key.

use crate::error::StudyError;
use crate::events::StudyEvents;
use crate::run::training_rows::{FitRows, Training};
use crate::store::cell_store::CellStore;
use seqprobe_core::{Dataset, Digest, FeatureView, LabelledView, Probe, ProbeError, Seed};
use seqprobe_embed::BoxedSource;
use seqprobe_linear::{DescriptionLength, description_length};
use seqprobe_report::record::{DescriptionRecord, DescriptionValue, RangeRecord};

/// Orders of the training rows; each is coded on its own.
const ORDERS: u64 = 3;
/// Folder of stored description lengths.
pub(crate) const KIND: &str = "descriptions-v1";
/// The stored one of a cell.
pub(crate) fn stored(
    store: &CellStore,
    cell: &Digest,
    events: &mut dyn StudyEvents,
) -> Result<Option<DescriptionValue>, StudyError> {
    Ok(store.known(KIND, &key(cell)?, events)?)
}

/// Computes one; one that cannot be computed has its reason instead.
pub(crate) fn compute(dataset: &Dataset, draws: &[BoxedSource<'_>], probe: &dyn Probe) -> DescriptionValue {
    let rows = FitRows::of(dataset, Training::Whole, 0);
    let coded: Result<Vec<DescriptionLength>, ProbeError> = (0..ORDERS)
        .map(|order| one_order(dataset, &rows, draws[order as usize % draws.len()].as_ref(), probe, order))
        .collect();
    match coded {
        Err(error) => DescriptionValue::Undefined { reason: error.to_string() },
        Ok(coded) => match record_of(&coded) {
            Some(record) => DescriptionValue::Known(record),
            None => DescriptionValue::Undefined { reason: "there is nothing to code".to_owned() },
        },
    }
}

/// Its key, from the key of its cell.
pub(crate) fn key(cell: &Digest) -> Result<Digest, StudyError> {
    Ok(Digest::of_value(&("description length v1", cell, ORDERS))?)
}

fn one_order(
    dataset: &Dataset,
    rows: &FitRows,
    source: &(dyn seqprobe_core::FeatureSource + Send),
    probe: &dyn Probe,
    order: u64,
) -> Result<DescriptionLength, ProbeError> {
    let train = FeatureView::new(source, &rows.train_rows)?;
    let valid = FeatureView::new(source, &dataset.splits.valid)?;
    description_length(
        probe,
        &dataset.task,
        LabelledView { features: train, targets: &rows.train, groups: rows.train_groups.as_deref() },
        LabelledView { features: valid, targets: &rows.valid, groups: rows.valid_groups.as_deref() },
        Seed(order).derive("description length"),
    )
}

/// Mean and range over orders; `None` where an order has nothing to code.
fn record_of(coded: &[DescriptionLength]) -> Option<DescriptionRecord> {
    let bits: Vec<f64> = coded.iter().map(|one| one.total_bits).collect();
    let compression: Option<Vec<f64>> = coded.iter().map(DescriptionLength::compression).collect();
    Some(DescriptionRecord {
        n_orders: coded.len(),
        bits: RangeRecord::of(&bits)?,
        uniform_bits: coded.first()?.uniform_bits,
        compression: RangeRecord::of(&compression?)?,
    })
}

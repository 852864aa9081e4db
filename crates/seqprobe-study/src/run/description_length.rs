//! Description lengths of the training labels under the linear probe: computed once per cell, in several orders, and
//! stored under the cell's key.

use crate::error::StudyError;
use crate::plan::Fit;
use crate::run::training_rows::{FitRows, Training};
use crate::store::cell_store::CellStore;
use crate::store::error::StoreError;
use crate::suite::Suite;
use seqprobe_core::{Dataset, Digest, FeatureView, LabelledView, Probe, ProbeError, Seed, TaskKind};
use seqprobe_embed::BoxedSource;
use seqprobe_linear::{DescriptionLength, description_length};
use seqprobe_report::record::{DescriptionRecord, DescriptionValue, RangeRecord};

/// Orders of the training rows; each is coded on its own.
const ORDERS: u64 = 3;
/// Folder of stored description lengths.
const KIND: &str = "descriptions-v1";
/// The probe whose description length is computed.
const PROBE: &str = "linear";

/// Whether a cell is to have one: the linear probe on all of the training split of a task with classes.
pub(crate) fn is_wanted(suite: &Suite, dataset: &Dataset, fit: &Fit) -> bool {
    suite.description_length
        && suite.probes[fit.probe].family.id == PROBE
        && dataset.task.kind != TaskKind::Regression
        && fit.training == Training::Whole
}

/// The stored one of a cell.
pub(crate) fn stored(store: &CellStore, cell: &Digest) -> Result<Option<DescriptionValue>, StudyError> {
    Ok(store.known(KIND, &key(cell)?)?)
}

/// Computes and stores the one of a cell; one that cannot be computed has its reason instead.
pub(crate) fn compute(
    store: &CellStore,
    cell: &Digest,
    dataset: &Dataset,
    draws: &[BoxedSource<'_>],
    probe: &dyn Probe,
) -> Result<DescriptionValue, StudyError> {
    let described: Result<_, StoreError> = store.memo(KIND, &key(cell)?, || {
        let rows = FitRows::of(dataset, Training::Whole, 0);
        let coded: Result<Vec<DescriptionLength>, ProbeError> = (0..ORDERS)
            .map(|order| {
                one_order(dataset, &rows, draws[order as usize % draws.len()].as_ref(), probe, order)
            })
            .collect();
        let record = coded
            .map_err(|error| error.to_string())
            .and_then(|coded| record_of(&coded).ok_or_else(|| "there is nothing to code".to_owned()));
        match record {
            Ok(record) => DescriptionValue::Known(record),
            Err(reason) => DescriptionValue::Undefined { reason },
        }
    });
    Ok(described?)
}

fn key(cell: &Digest) -> Result<Digest, StudyError> {
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

//! Finds the rows that the cache holds already, and groups the others by forward pass.

use crate::cache::distinct::Distinct;
use crate::cache::embedding_cache::EmbeddingCache;
use crate::cache::entry::Entry;
use crate::cache::key::EntryKey;
use crate::cache::reuse::{DonorRows, Donors};
use crate::error::EmbedError;
use crate::extract::read_rows::ReadRows;
use crate::spec::ExtractionSpec;
use seqprobe_core::{LayerIndex, Pooling};
use seqprobe_models::{FrozenModel, ModelError};
use std::ops::Range;

/// Rows that the same keys lack: one forward pass computes them for all of these keys.
pub(crate) struct MissingRows {
    /// Indices of the distinct sequences, rising.
    pub(crate) rows: Vec<usize>,
    /// Indices of the keys.
    pub(crate) of_keys: Vec<usize>,
}

/// Finds which rows of each key other entries hold, and groups the rows that are missing. A key that has an entry of
/// its own, finished or not, continues with that entry.
pub(crate) fn look_up(
    distinct: &Distinct<'_>,
    plan: &[Range<usize>],
    keys: &[EntryKey],
    cache: &EmbeddingCache,
    repair: bool,
) -> Result<(Vec<DonorRows>, Vec<MissingRows>), EmbedError> {
    let mut donors: Option<Donors> = None;
    let mut all_found = Vec::with_capacity(keys.len());
    let mut groups: Vec<MissingRows> = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let found = if Entry::is_started(cache, key) {
            DonorRows::nothing(distinct.sequences.len())
        } else {
            let donors = match &donors {
                Some(donors) => donors,
                None => donors.insert(Donors::list(cache, keys)?),
            };
            donors.find(key, distinct, repair)?
        };
        let missing = found.missing();
        all_found.push(found);
        match groups.iter_mut().find(|group| group.rows == missing) {
            Some(group) => group.of_keys.push(index),
            None if missing.is_empty() && !plan.is_empty() => {}
            None => groups.push(MissingRows { rows: missing, of_keys: vec![index] }),
        }
    }
    Ok((all_found, groups))
}

/// Counts the truncated sequences among those that other entries hold.
pub(crate) fn truncated_of(
    model: &FrozenModel,
    spec: &ExtractionSpec,
    distinct: &Distinct<'_>,
    found: &DonorRows,
) -> Result<usize, EmbedError> {
    let mut used = vec![0; found.shards.len()];
    found.locations.iter().flatten().for_each(|location| used[location.shard as usize] += 1);
    let mut count = 0;
    for (number, shard) in found.shards.iter().enumerate() {
        let of_shard = shard.record.truncated;
        if of_shard == 0 || of_shard == shard.record.rows || used[number] == shard.record.rows {
            count += of_shard.min(used[number]);
            continue;
        }
        for index in 0..distinct.sequences.len() {
            if found.locations[index].is_some_and(|location| location.shard as usize == number) {
                count += ReadRows::new(model, spec, distinct, index..index + 1)?.truncated;
            }
        }
    }
    Ok(count)
}

/// Returns the keys of all layers and poolings wanted, each once, and for each one wanted the index of its key. Two
/// names of one layer have one key.
pub(crate) fn entry_keys(
    model: &FrozenModel,
    spec: &ExtractionSpec,
    distinct: &Distinct<'_>,
    wanted: &[(LayerIndex, Pooling)],
) -> Result<(Vec<EntryKey>, Vec<usize>), EmbedError> {
    let mut keys: Vec<EntryKey> = Vec::new();
    let mut key_of_wanted = Vec::with_capacity(wanted.len());
    for &(layer, pooling) in wanted {
        require_layer(model, layer)?;
        let key = EntryKey::new(model, spec, layer, pooling, distinct.digest)?;
        let index = keys.iter().position(|known| *known == key).unwrap_or(keys.len());
        if index == keys.len() {
            keys.push(key);
        }
        key_of_wanted.push(index);
    }
    Ok((keys, key_of_wanted))
}

/// Checks that the model has the layer before anything is read or computed.
fn require_layer(model: &FrozenModel, layer: LayerIndex) -> Result<(), EmbedError> {
    let encoder = model.encoder.spec();
    match layer {
        LayerIndex::Block(number) if number > encoder.n_blocks => Err(ModelError::Layer {
            asked: layer.to_string(),
            model: encoder.family.to_owned(),
            n_blocks: encoder.n_blocks,
        }
        .into()),
        _ => Ok(()),
    }
}

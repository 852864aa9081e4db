//! From a frozen model and sequences to stored features: one forward pass for all layers and poolings
//! that are not in the cache yet.

use crate::cache::EmbeddingCache;
use crate::compute::{Computed, compute_missing};
use crate::distinct::{Distinct, by_strand};
use crate::entry::Entry;
use crate::entry_locks::lock;
use crate::error::EmbedError;
use crate::key::{EntryKey, ExtractionSpec};
use crate::read_rows::ReadRows;
use crate::reuse::{Donors, Found};
use crate::stored::StoredFeatures;
use crate::usage::note_user;
use seqprobe_core::{DnaSequence, LayerIndex, Pooling};
use seqprobe_models::{FrozenModel, ModelError};
use std::ops::{AddAssign, Range};
use std::sync::Arc;
use std::time::Instant;

/// The caller wants the extraction to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

/// How far an extraction is. Only what is computed counts, not what is read from the cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExtractionProgress {
    /// Distinct sequences done.
    pub sequences: usize,
    /// Distinct sequences to do.
    pub total: usize,
    /// Tokens done, special ones included.
    pub tokens: u64,
    /// Seconds since the start.
    pub seconds: f64,
}

/// What does not change a value beyond rounding.
pub struct ExtractionOptions<'a> {
    /// Tokens per batch, padding included; a single longer sequence makes a batch of its own. `None` for what suits the
    /// model: see [`batch_tokens`].
    pub batch_tokens: Option<usize>,
    /// Compute damaged parts of the cache again instead of failing.
    pub repair: bool,
    /// The row of the first sequence, 0-based, where the sequences are a part of more: errors name rows.
    pub first_row: usize,
    /// For whom the features are, to be told by [`crate::cache_list`].
    pub user: Option<&'a str>,
    /// Called after every batch; an error stops the extraction.
    pub progress: Option<&'a mut dyn FnMut(ExtractionProgress) -> Result<(), Interrupted>>,
}

impl Default for ExtractionOptions<'_> {
    /// Batches that suit the model, no repair, no progress.
    fn default() -> Self {
        Self { batch_tokens: None, repair: false, first_row: 0, user: None, progress: None }
    }
}

/// Tokens of a batch that suit a model: on a processor 3,072 for states of 512 values, and inversely, within 512 and 8,192;
/// on a card 32 times as many, and fewer once its memory does not suffice.
///
/// Measured in `PERFORMANCE.md`, on processors only: products of larger batches are slower, and so are those too small for
/// full matrix products.
pub fn batch_tokens(model: &FrozenModel) -> usize {
    let on_processor = ((3 << 19) / model.encoder.spec().hidden.max(1)).clamp(512, 8192);
    if model.device.is_cuda() { 32 * on_processor } else { on_processor }
}

/// What an extraction did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExtractionReport {
    /// Sequences asked for.
    pub n_rows: usize,
    /// Distinct sequences.
    pub n_distinct: usize,
    /// Distinct sequences that went through the model.
    pub n_computed: usize,
    /// Distinct sequences whose features were all in the cache already.
    pub n_read: usize,
    /// Distinct sequences that were cut to the model's limit.
    pub n_truncated: usize,
    /// Distinct sequences that were read in more than one window.
    pub n_windowed: usize,
    /// Tokens that went through the model, special ones included.
    pub n_tokens: u64,
    /// Seconds in all.
    pub seconds: f64,
    /// Tokens per second of computing; `None` when nothing was computed.
    pub tokens_per_second: Option<f64>,
}

impl AddAssign for ExtractionReport {
    /// What two extractions did together. Sequences that are distinct in each count in each.
    fn add_assign(&mut self, other: Self) {
        let computing =
            |report: &Self| report.tokens_per_second.map_or(0.0, |rate| report.n_tokens as f64 / rate);
        let seconds = computing(self) + computing(&other);
        self.n_rows += other.n_rows;
        self.n_distinct += other.n_distinct;
        self.n_computed += other.n_computed;
        self.n_read += other.n_read;
        self.n_truncated += other.n_truncated;
        self.n_windowed += other.n_windowed;
        self.n_tokens += other.n_tokens;
        self.seconds += other.seconds;
        self.tokens_per_second = (self.n_tokens > 0).then(|| self.n_tokens as f64 / seconds);
    }
}

/// Stored features and what was done to have them.
#[derive(Debug)]
pub struct Extraction {
    /// One for each layer and pooling wanted, in that order.
    pub features: Vec<StoredFeatures>,
    /// What was done.
    pub report: ExtractionReport,
    /// What of the cache was damaged, and therefore not used and computed again; one sentence per file.
    pub damage: Vec<String>,
}

/// The features of some sequences for every layer and pooling wanted, from the cache where they are there
/// and computed where not. Duplicate sequences are computed once, and so are reverse complements where both strands are
/// averaged.
///
/// A stopped or killed extraction keeps its finished shards; going on gives the same bytes as an
/// undisturbed run with the same options.
///
/// # Errors
/// [`EmbedError::NotApplicable`] for a pooling the model does not have, [`EmbedError::TooLong`] unless
/// the spec truncates, [`EmbedError::Damaged`] for a damaged entry unless repair is allowed,
/// [`EmbedError::NotFinite`] for a NaN or infinity from the model, [`EmbedError::Interrupted`] when the
/// progress callback says so, and errors of the model and the file system.
pub fn extract(
    model: &FrozenModel,
    spec: &ExtractionSpec,
    sequences: &[DnaSequence],
    wanted: &[(LayerIndex, Pooling)],
    cache: &EmbeddingCache,
    mut options: ExtractionOptions<'_>,
) -> Result<Extraction, EmbedError> {
    let start = Instant::now();
    let by_strand = by_strand(spec.reverse_complement, sequences);
    let mut distinct = Distinct::new(&by_strand);
    distinct.first_rows.iter_mut().for_each(|row| *row += options.first_row);
    let plan = distinct.shards(model.encoder.spec().hidden);
    let (keys, key_of_wanted) = entry_keys(model, spec, &distinct, wanted)?;
    let mut damage = Vec::new();
    let (found, groups) = look_up(&distinct, &plan, &keys, cache, options.repair)?;
    let mut is_computed = vec![false; distinct.sequences.len()];
    let (mut n_tokens, mut seconds) = (0, 0.0);
    let mut own: Vec<Option<Entry>> = keys.iter().map(|_| None).collect();
    for Group { missing, of_keys } in groups {
        let part = distinct.part(&missing);
        let plan = part.shards(model.encoder.spec().hidden);
        let open = |key: &EntryKey, repair| Entry::open(cache, key, &part, &plan, repair);
        let part_key = |&index: &usize| EntryKey { sequences: part.digest, ..keys[index].clone() };
        let mut entries: Vec<Entry> =
            of_keys.iter().map(|index| open(&part_key(index), options.repair)).collect::<Result<_, _>>()?;
        damage.extend(entries.iter_mut().flat_map(|entry| std::mem::take(&mut entry.damage)));
        if entries.iter().any(|entry| !entry.is_complete()) {
            let computed = complete(model, spec, &part, &plan, &mut entries, &mut options, &open)?;
            n_tokens += computed.tokens;
            seconds += computed.seconds;
            for (rows, _) in plan.iter().zip(&computed.shards).filter(|&(_, &done)| done) {
                missing[rows.clone()].iter().for_each(|&index| is_computed[index] = true);
            }
        }
        for (index, entry) in of_keys.into_iter().zip(entries) {
            own[index] = Some(entry);
        }
    }
    let of_row = Arc::new(std::mem::take(&mut distinct.of_row));
    let mut stored = Vec::with_capacity(keys.len());
    let mut n_truncated = 0;
    for ((key, mut found), own) in keys.into_iter().zip(found).zip(own) {
        damage.append(&mut found.damage);
        for folder in found.folders.iter().chain(own.as_ref().map(|entry| &entry.folder)) {
            note_user(folder, options.user);
        }
        n_truncated = truncated_of(model, spec, &distinct, &found)?;
        let missing = found.missing();
        let Found { mut shards, places, mut holds, .. } = found;
        let mut own_places = Vec::with_capacity(missing.len());
        let incomplete = || EmbedError::Encoder(format!("entry {} is not complete", key.digest().short()));
        if let Some(entry) = own {
            for shard in entry.shards {
                let shard = shard.ok_or_else(incomplete)?;
                let number = shards.len() as u32;
                own_places.extend((0..shard.record.rows).map(|row| (number, row as u32)));
                n_truncated += shard.record.truncated;
                shards.push(shard);
            }
            holds.extend(entry.hold);
        }
        let mut own_places = own_places.into_iter();
        let places = places.into_iter().map(|place| place.or_else(|| own_places.next()));
        let places = places.collect::<Option<Vec<_>>>().ok_or_else(incomplete)?;
        let folder = cache.entry_folder(&key);
        stored.push(StoredFeatures::new(key, folder, shards, places, holds, Arc::clone(&of_row)));
    }
    let features = key_of_wanted.iter().map(|&index| stored[index].clone()).collect();
    let n_computed = is_computed.iter().filter(|&&computed| computed).count();
    let report = ExtractionReport {
        n_rows: sequences.len(),
        n_distinct: distinct.sequences.len(),
        n_computed,
        n_read: distinct.sequences.len() - n_computed,
        n_truncated,
        n_windowed: spec.window.map_or(0, |window| {
            distinct.sequences.iter().filter(|sequence| sequence.len() > window.size).count()
        }),
        n_tokens,
        seconds: start.elapsed().as_secs_f64(),
        tokens_per_second: (n_tokens > 0).then(|| n_tokens as f64 / seconds),
    };
    damage.sort();
    damage.dedup();
    Ok(Extraction { features, report, damage })
}

/// Keys that lack the same sequences: one forward pass.
pub(crate) struct Group {
    /// Distinct sequences, rising.
    pub(crate) missing: Vec<usize>,
    /// Indices of the keys.
    pub(crate) of_keys: Vec<usize>,
}

/// What other entries hold of each key's rows, and the rest, grouped. A key that has an entry of its own, finished or
/// not, goes on with that one.
pub(crate) fn look_up(
    distinct: &Distinct<'_>,
    plan: &[Range<usize>],
    keys: &[EntryKey],
    cache: &EmbeddingCache,
    repair: bool,
) -> Result<(Vec<Found>, Vec<Group>), EmbedError> {
    let mut donors: Option<Donors> = None;
    let mut all_found = Vec::with_capacity(keys.len());
    let mut groups: Vec<Group> = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let found = if Entry::is_started(cache, key) {
            Found::nothing(distinct.sequences.len())
        } else {
            let donors = match &donors {
                Some(donors) => donors,
                None => donors.insert(Donors::list(cache, keys)?),
            };
            donors.find(key, distinct, repair)?
        };
        let missing = found.missing();
        all_found.push(found);
        match groups.iter_mut().find(|group| group.missing == missing) {
            Some(group) => group.of_keys.push(index),
            None if missing.is_empty() && !plan.is_empty() => {}
            None => groups.push(Group { missing, of_keys: vec![index] }),
        }
    }
    Ok((all_found, groups))
}

/// Counts the sequences that were cut to the model's limit among those that other entries hold.
fn truncated_of(
    model: &FrozenModel,
    spec: &ExtractionSpec,
    distinct: &Distinct<'_>,
    found: &Found,
) -> Result<usize, EmbedError> {
    let mut used = vec![0; found.shards.len()];
    found.places.iter().flatten().for_each(|&(shard, _)| used[shard as usize] += 1);
    let mut count = 0;
    for (number, shard) in found.shards.iter().enumerate() {
        let of_shard = shard.record.truncated;
        if of_shard == 0 || of_shard == shard.record.rows || used[number] == shard.record.rows {
            count += of_shard.min(used[number]);
            continue;
        }
        for index in 0..distinct.sequences.len() {
            if matches!(found.places[index], Some((shard, _)) if shard as usize == number) {
                count += ReadRows::new(model, spec, distinct, index..index + 1)?.truncated;
            }
        }
    }
    Ok(count)
}

/// The keys of the entries for all layers and poolings wanted, each once, and which of them each one wanted has: two names
/// of one layer are one entry.
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

/// Locks the entries that are not complete, looks at them again, computes what they lack and reads it back.
fn complete(
    model: &FrozenModel,
    spec: &ExtractionSpec,
    distinct: &Distinct<'_>,
    plan: &[Range<usize>],
    entries: &mut [Entry],
    options: &mut ExtractionOptions<'_>,
    open: &dyn Fn(&EntryKey, bool) -> Result<Entry, EmbedError>,
) -> Result<Computed, EmbedError> {
    // Every process takes its locks in the order of the folders' names, so that none waits in a circle.
    let mut waiting: Vec<&mut Entry> = entries.iter_mut().filter(|entry| !entry.is_complete()).collect();
    waiting.sort_by(|one, other| one.folder.cmp(&other.folder));
    let mut locks = Vec::with_capacity(waiting.len());
    for entry in waiting {
        locks.push(lock(&entry.folder)?);
        *entry = open(&entry.key, options.repair)?;
        entry.store_key()?;
    }
    let computed = compute_missing(model, spec, distinct, plan, entries, options)?;
    for entry in entries.iter_mut().filter(|entry| !entry.is_complete()) {
        if entry.shards.iter().any(Option::is_none) {
            // What was just written is read back and verified like any other stored value. Damage was
            // replaced by now, except for a manifest, which is written below.
            *entry = open(&entry.key, options.repair)?;
        }
        entry.store_manifest()?;
    }
    drop(locks);
    Ok(computed)
}

/// Checks that the model has the layer, before anything is read or computed.
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

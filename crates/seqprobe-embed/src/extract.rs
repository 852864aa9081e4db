//! Extraction: from a frozen model and sequences to stored features. One forward pass serves all layers and poolings
//! that the cache lacks.

mod background_writer;
mod compute;
pub mod forecast;
pub(crate) mod forward;
mod look_up;
pub(crate) mod pool;
pub mod progress;
pub(crate) mod read_rows;
pub mod report;
mod tokens;
pub mod windows;

use crate::cache::damage::{Damage, DamagedFile};
use crate::cache::distinct::{Distinct, canonical_strands};
use crate::cache::embedding_cache::EmbeddingCache;
use crate::cache::entry::Entry;
use crate::cache::entry_locks::lock;
use crate::cache::key::EntryKey;
use crate::cache::stored::StoredFeatures;
use crate::cache::usage::note_user;
use crate::error::EmbedError;
use crate::extract::compute::{Computed, compute_missing};
use crate::extract::look_up::{MissingRows, entry_keys, look_up, truncated_of};
use crate::extract::progress::ExtractionOptions;
use crate::extract::report::ExtractionReport;
use crate::spec::ExtractionSpec;
use seqprobe_core::{DnaSequence, LayerIndex, Pooling};
use seqprobe_models::FrozenModel;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// Stored features, and what was done to get them.
#[derive(Debug)]
pub struct Extraction {
    /// One for each layer and pooling wanted, in that order.
    pub features: Vec<StoredFeatures>,
    /// What was done.
    pub report: ExtractionReport,
    /// What was damaged in the cache, and was therefore computed again; one text per file.
    pub damage: Vec<String>,
}

/// Returns the features of some sequences for every layer and pooling wanted. Those in the cache are read from there,
/// the others are computed and stored. Duplicate sequences are computed once; so are reverse complements if both
/// strands are averaged.
///
/// A stopped or killed extraction keeps its finished shards. Continuing it gives the same bytes as an undisturbed run
/// with the same options.
///
/// # Errors
/// [`EmbedError::NotApplicable`] for a pooling that the model does not have, [`EmbedError::Precision`] for a model in
/// another precision, [`EmbedError::TooLong`] unless the spec truncates, [`EmbedError::Damaged`] for a damaged entry
/// unless repair is allowed, [`EmbedError::NotFinite`] for a NaN or infinity from the model,
/// [`EmbedError::Interrupted`] when the progress callback asks for it, and errors of the model and the file system.
pub fn extract(
    model: &FrozenModel,
    spec: &ExtractionSpec,
    sequences: &[DnaSequence],
    wanted: &[(LayerIndex, Pooling)],
    cache: &EmbeddingCache,
    mut options: ExtractionOptions<'_>,
) -> Result<Extraction, EmbedError> {
    let start = Instant::now();
    let strands = canonical_strands(spec.reverse_complement, sequences);
    let mut distinct = Distinct::new(&strands);
    distinct.first_rows.iter_mut().for_each(|row| *row += options.first_row);
    let plan = distinct.shards(model.encoder.spec().hidden);
    let (keys, key_of_wanted) = entry_keys(model, spec, &distinct, wanted)?;
    let (found, groups) = look_up(&distinct, &plan, &keys, cache, options.repair)?;
    let filled = fill(model, spec, &distinct, &keys, groups, cache, &mut options)?;
    let Filled { own, is_computed, n_tokens, seconds, mut damage } = filled;
    let of_row = Arc::new(std::mem::take(&mut distinct.of_row));
    let mut stored = Vec::with_capacity(keys.len());
    let mut n_truncated = 0;
    for ((key, mut found), own) in keys.into_iter().zip(found).zip(own) {
        damage.append(&mut found.damage);
        for folder in found.folders.iter().chain(own.as_ref().map(|entry| &entry.folder)) {
            note_user(folder, options.user);
        }
        n_truncated = truncated_of(model, spec, &distinct, &found)?;
        n_truncated += own.as_ref().map_or(0, Entry::truncated);
        let folder = cache.entry_folder(&key);
        let incomplete =
            || EmbedError::damaged(&folder, DamagedFile::new(folder.clone(), Damage::NotComplete));
        let rows = found.complete_with(own).ok_or_else(incomplete)?;
        stored.push(StoredFeatures::new(key, folder, rows, Arc::clone(&of_row)));
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

/// What was done for the missing rows.
struct Filled {
    /// The entry of each key that lacked rows.
    own: Vec<Option<Entry>>,
    /// True for each distinct sequence that the model computed.
    is_computed: Vec<bool>,
    n_tokens: u64,
    /// Seconds of computing.
    seconds: f64,
    damage: Vec<String>,
}

/// Computes and stores the missing rows, group after group.
fn fill(
    model: &FrozenModel,
    spec: &ExtractionSpec,
    distinct: &Distinct<'_>,
    keys: &[EntryKey],
    groups: Vec<MissingRows>,
    cache: &EmbeddingCache,
    options: &mut ExtractionOptions<'_>,
) -> Result<Filled, EmbedError> {
    let mut filled = Filled {
        own: keys.iter().map(|_| None).collect(),
        is_computed: vec![false; distinct.sequences.len()],
        n_tokens: 0,
        seconds: 0.0,
        damage: Vec::new(),
    };
    for MissingRows { rows: missing, of_keys } in groups {
        let part = distinct.part(&missing);
        let plan = part.shards(model.encoder.spec().hidden);
        let open = |key: &EntryKey, repair| Entry::open(cache, key, &part, &plan, repair);
        let part_key = |&index: &usize| EntryKey { sequences: part.digest, ..keys[index].clone() };
        let mut entries: Vec<Entry> =
            of_keys.iter().map(|index| open(&part_key(index), options.repair)).collect::<Result<_, _>>()?;
        filled.damage.extend(entries.iter_mut().flat_map(|entry| std::mem::take(&mut entry.damage)));
        if entries.iter().any(|entry| !entry.is_complete()) {
            let computed = complete(model, spec, &part, &plan, &mut entries, options, &open)?;
            filled.n_tokens += computed.tokens;
            filled.seconds += computed.seconds;
            for (rows, _) in plan.iter().zip(&computed.shards).filter(|&(_, &done)| done) {
                missing[rows.clone()].iter().for_each(|&index| filled.is_computed[index] = true);
            }
        }
        for (index, entry) in of_keys.into_iter().zip(entries) {
            filled.own[index] = Some(entry);
        }
    }
    Ok(filled)
}

/// Locks the entries that are not complete, opens them again, computes what they lack and reads it back.
fn complete(
    model: &FrozenModel,
    spec: &ExtractionSpec,
    distinct: &Distinct<'_>,
    plan: &[Range<usize>],
    entries: &mut [Entry],
    options: &mut ExtractionOptions<'_>,
    open: &dyn Fn(&EntryKey, bool) -> Result<Entry, EmbedError>,
) -> Result<Computed, EmbedError> {
    // Every process takes its locks in the order of the folder names, which prevents deadlocks.
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
            // What was just written is read back and verified like any other stored value. Damaged files have been
            // replaced, except for a manifest, which is written below.
            *entry = open(&entry.key, options.repair)?;
        }
        entry.store_manifest()?;
    }
    drop(locks);
    Ok(computed)
}

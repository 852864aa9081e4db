//! Forecast of an extraction: what is missing, how many bytes it would store, and how long it would take according to
//! a measured sample. Nothing is stored.

use crate::cache::distinct::{Distinct, canonical_strands};
use crate::cache::embedding_cache::EmbeddingCache;
use crate::cache::entry::Entry;
use crate::cache::key::EntryKey;
use crate::error::EmbedError;
use crate::extract::forward::{Forward, state_stride};
use crate::extract::look_up::{entry_keys, look_up};
use crate::extract::pool::pooled_length;
use crate::extract::progress::batch_tokens;
use crate::extract::read_rows::ReadRows;
use crate::spec::{ExtractionSpec, Window};
use seqprobe_core::{DnaSequence, LayerIndex, Pooling};
use seqprobe_models::FrozenModel;
use std::time::Instant;

/// Batches of the sample.
const SAMPLED_BATCHES: u64 = 4;

/// What an extraction would do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExtractionForecast {
    /// Sequences asked for.
    pub n_rows: usize,
    /// Distinct sequences.
    pub n_distinct: usize,
    /// Distinct sequences that would go through the model.
    pub n_missing: usize,
    /// Tokens of those, special ones included, each strand counted.
    pub n_tokens: u64,
    /// Bytes that would be stored, without headers and records of some hundred bytes per shard.
    pub n_bytes: u64,
    /// Seconds of computing, in proportion to tokens; 0 when nothing is missing.
    pub seconds: f64,
    /// Distinct sequences that were measured. They are evenly spread over the missing ones in the order of their
    /// lengths.
    pub n_sampled: usize,
}

/// Looks up what the cache lacks and measures a sample of it.
///
/// # Errors
/// As [`crate::extract()`].
pub fn forecast_extraction(
    model: &FrozenModel,
    spec: &ExtractionSpec,
    sequences: &[DnaSequence],
    wanted: &[(LayerIndex, Pooling)],
    cache: &EmbeddingCache,
) -> Result<ExtractionForecast, EmbedError> {
    let strands = canonical_strands(spec.reverse_complement, sequences);
    let distinct = Distinct::new(&strands);
    let plan = distinct.shards(model.encoder.spec().hidden);
    let (keys, _) = entry_keys(model, spec, &distinct, wanted)?;
    let stride = state_stride(model)?;
    let mut found = ExtractionForecast {
        n_rows: sequences.len(),
        n_distinct: distinct.sequences.len(),
        ..ExtractionForecast::default()
    };
    let mut missing: Vec<usize> = Vec::new();
    let (_, groups) = look_up(&distinct, &plan, &keys, cache, true)?;
    for group in groups {
        let part = distinct.part(&group.rows);
        let plan = part.shards(model.encoder.spec().hidden);
        let part_key = |&index: &usize| EntryKey { sequences: part.digest, ..keys[index].clone() };
        let open = |index| Entry::open(cache, &part_key(index), &part, &plan, true);
        let entries = group.of_keys.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        for (shard, rows) in plan.iter().enumerate() {
            let lacking: Vec<&Entry> = entries.iter().filter(|entry| entry.shards[shard].is_none()).collect();
            if lacking.is_empty() {
                continue;
            }
            let read = ReadRows::new(model, spec, &part, rows.clone())?;
            let special = read.special(stride);
            for entry in lacking {
                let pooling = entry.key.pooling;
                let vectors: usize = special.iter().map(|special| pooled_length(pooling, special)).sum();
                let borders = if pooling == Pooling::Tokens { 8 * (rows.len() + 1) } else { 0 };
                found.n_bytes += (4 * vectors * entry.key.dim + 32 * rows.len() + borders) as u64;
            }
            found.n_tokens += read.n_tokens();
            missing.extend_from_slice(&group.rows[rows.clone()]);
        }
    }
    missing.sort_unstable();
    missing.dedup();
    found.n_missing = missing.len();
    if missing.is_empty() {
        return Ok(found);
    }
    let budget = batch_tokens(model);
    let share = found.n_tokens.div_ceil(SAMPLED_BATCHES * budget as u64).max(1);
    let sample: Vec<DnaSequence> = missing
        .iter()
        .skip((share / 2).min(missing.len() as u64 - 1) as usize)
        .step_by(usize::try_from(share).unwrap_or(usize::MAX))
        .map(|&index| sampled_part(distinct.sequences[index], spec.window, budget))
        .collect();
    let sample = Distinct::new(&sample);
    let n_sampled = sample.sequences.len();
    let read = ReadRows::new(model, spec, &sample, 0..n_sampled)?;
    let pairs = keys.iter().map(|key| (key.layer, key.pooling)).collect();
    let mut forward = Forward::new(model, &sample, pairs, budget)?;
    // The first batch after loading is slower than the others, so it is not measured.
    let first = ReadRows::new(model, spec, &sample, 0..n_sampled.min(8))?;
    first.compute(&mut forward, &mut |_, _| Ok(()))?;
    let start = Instant::now();
    read.compute(&mut forward, &mut |_, _| Ok(()))?;
    let rate = start.elapsed().as_secs_f64() / read.n_tokens().max(1) as f64;
    Ok(ExtractionForecast { seconds: rate * found.n_tokens as f64, n_sampled, ..found })
}

/// The part of a sequence that is measured: its first windows, as many as a batch holds, since windows do not depend on
/// each other. Without windows it is the sequence.
fn sampled_part(sequence: &DnaSequence, window: Option<Window>, budget: usize) -> DnaSequence {
    let part = window.and_then(|window| {
        let n_windows = (budget / window.size).max(1);
        sequence.part(0..window.size + (n_windows - 1) * window.stride)
    });
    part.unwrap_or_else(|| sequence.clone())
}

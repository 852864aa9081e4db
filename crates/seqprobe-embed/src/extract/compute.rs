//! Computes the missing shards of several entries with one forward pass per batch.
//!
//! This file knows shards and their order; `forward.rs` computes a batch.

use crate::cache::distinct::Distinct;
use crate::cache::entry::Entry;
use crate::cache::shard_write::ShardWriter;
use crate::error::EmbedError;
use crate::extract::background_writer::with_background_writer;
use crate::extract::forward::{Forward, state_stride};
use crate::extract::pool::pooled_length;
use crate::extract::progress::{ExtractionOptions, ExtractionProgress, Interrupted, batch_tokens};
use crate::extract::read_rows::ReadRows;
use crate::extract::tokens::require_within_limit;
use crate::spec::{ExtractionSpec, KeepEnd};
use seqprobe_core::DnaSequence;
use seqprobe_models::FrozenModel;
use std::ops::Range;
use std::time::Instant;

/// What was computed.
#[derive(Default)]
pub(crate) struct Computed {
    /// True for each shard that went through the model.
    pub(crate) shards: Vec<bool>,
    pub(crate) tokens: u64,
    pub(crate) seconds: f64,
}

/// Computes and stores every shard that an entry lacks. The entries have the same model, spec and sequences, and
/// therefore the same plan of shards.
pub(crate) fn compute_missing(
    model: &FrozenModel,
    spec: &ExtractionSpec,
    distinct: &Distinct<'_>,
    plan: &[Range<usize>],
    entries: &[Entry],
    options: &mut ExtractionOptions<'_>,
) -> Result<Computed, EmbedError> {
    let start = Instant::now();
    let missing: Vec<bool> =
        (0..plan.len()).map(|shard| entries.iter().any(|entry| entry.shards[shard].is_none())).collect();
    let indices =
        || plan.iter().zip(&missing).filter(|&(_, &missing)| missing).flat_map(|(rows, _)| rows.clone());
    if spec.keep_end == KeepEnd::Error && spec.window.is_none() {
        require_within_limit(model, distinct, indices())?;
    }
    let total = indices().count();
    let mut computed = Computed { shards: missing, ..Computed::default() };
    let mut done = 0;
    let mut batch_tokens = options.batch_tokens.unwrap_or_else(|| batch_tokens(model));
    let missing: Vec<usize> = (0..plan.len()).filter(|&shard| computed.shards[shard]).collect();
    with_background_writer(|queue| {
        for &shard in &missing {
            let rows = plan[shard].clone();
            let sequences = &distinct.sequences[rows.clone()];
            let wanting: Vec<&Entry> = entries.iter().filter(|entry| entry.shards[shard].is_none()).collect();
            let read = ReadRows::new(model, spec, distinct, rows)?;
            queue.start(writers(&read, model, shard, sequences, &wanting)?)?;
            let pairs = wanting.iter().map(|entry| (entry.key.layer, entry.key.pooling)).collect();
            let mut forward = Forward::new(model, distinct, pairs, batch_tokens)?;
            read.compute(&mut forward, &mut |sequences, pooled| {
                done += sequences;
                computed.tokens += pooled.tokens;
                queue.push(pooled.values)?;
                let progress = ExtractionProgress {
                    sequences: done,
                    total,
                    tokens: computed.tokens,
                    seconds: start.elapsed().as_secs_f64(),
                };
                let Some(callback) = options.progress.as_mut() else { return Ok(()) };
                callback(progress).map_err(|Interrupted| EmbedError::Interrupted { done, total })
            })?;
            batch_tokens = forward.batch_tokens();
            queue.finish(sequences, read.truncated)?;
        }
        Ok(())
    })?;
    computed.seconds = start.elapsed().as_secs_f64();
    Ok(computed)
}

/// One file for each entry that lacks the shard.
fn writers(
    read: &ReadRows,
    model: &FrozenModel,
    shard: usize,
    sequences: &[&DnaSequence],
    entries: &[&Entry],
) -> Result<Vec<ShardWriter>, EmbedError> {
    let special = read.special(state_stride(model)?);
    let writer = |entry: &&Entry| {
        let lengths: Vec<usize> =
            special.iter().map(|special| pooled_length(entry.key.pooling, special)).collect();
        ShardWriter::create(&entry.folder, &entry.key, shard, sequences, &lengths)
    };
    entries.iter().map(writer).collect()
}

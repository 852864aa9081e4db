//! Computing the missing shards of several entries with one forward pass per batch.

use crate::distinct::Distinct;
use crate::entry::Entry;
use crate::error::EmbedError;
use crate::extract::{ExtractionOptions, ExtractionProgress, Interrupted};
use crate::key::{ExtractionSpec, ReverseComplement};
use crate::pool::{pool, pooled_length, special_states};
use crate::shard_write::ShardWriter;
use crate::tokens::{Pieces, batches, pieces, require_within_limit};
use crate::window::merge;
use rayon::prelude::*;
use seqprobe_core::{LayerIndex, Pooling};
use seqprobe_models::{FrozenModel, ModelError, TokenBatch, Tokens};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::time::Instant;
use tch::{Device, Kind, Tensor};

/// What was computed.
#[derive(Default)]
pub(crate) struct Computed {
    /// True for each shard that went through the model.
    pub(crate) shards: Vec<bool>,
    pub(crate) tokens: u64,
    pub(crate) seconds: f64,
}

/// Computes every shard that an entry lacks and stores it. The entries are of one model, one spec and one
/// set of sequences, so that they share their plan.
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
    if spec.truncate == crate::key::Truncate::Error && spec.window.is_none() {
        require_within_limit(model, distinct, indices())?;
    }
    let total = indices().count();
    let mut computed = Computed { shards: missing, ..Computed::default() };
    let mut done = 0;
    for (shard, rows) in plan.iter().enumerate().filter(|&(shard, _)| computed.shards[shard]) {
        let wanting: Vec<&Entry> = entries.iter().filter(|entry| entry.shards[shard].is_none()).collect();
        let mut report = |sequences: usize, tokens: u64| {
            done += sequences;
            computed.tokens += tokens;
            let progress = ExtractionProgress {
                sequences: done,
                total,
                tokens: computed.tokens,
                seconds: start.elapsed().as_secs_f64(),
            };
            let Some(callback) = options.progress.as_mut() else { return Ok(()) };
            callback(progress).map_err(|Interrupted| EmbedError::Interrupted { done, total })
        };
        compute_shard(
            model,
            spec,
            distinct,
            shard,
            rows.clone(),
            &wanting,
            options.batch_tokens,
            &mut report,
        )?;
    }
    computed.seconds = start.elapsed().as_secs_f64();
    Ok(computed)
}

#[expect(clippy::too_many_arguments, reason = "one call, from the function above")]
fn compute_shard(
    model: &FrozenModel,
    spec: &ExtractionSpec,
    distinct: &Distinct<'_>,
    shard: usize,
    rows: Range<usize>,
    entries: &[&Entry],
    batch_tokens: usize,
    report: &mut dyn FnMut(usize, u64) -> Result<(), EmbedError>,
) -> Result<(), EmbedError> {
    let sequences = &distinct.sequences[rows.clone()];
    let read = ReadRows::new(model, spec, distinct, rows)?;
    let special = read.special(state_stride(model)?);
    let mut writers = Vec::with_capacity(entries.len());
    for entry in entries {
        let lengths: Vec<usize> =
            special.iter().map(|special| pooled_length(entry.key.pooling, special)).collect();
        writers.push(ShardWriter::create(&entry.folder, &entry.key, shard, sequences, &lengths)?);
    }
    let pairs: Vec<(LayerIndex, Pooling)> =
        entries.iter().map(|entry| (entry.key.layer, entry.key.pooling)).collect();
    read.compute(model, distinct, &pairs, batch_tokens, &mut |batch, tokens, values| {
        for (writer, values) in writers.iter_mut().zip(&values) {
            writer.push(values)?;
        }
        report(batch, tokens)
    })?;
    writers.into_iter().try_for_each(|writer| writer.finish(sequences, read.truncated))
}

/// Consecutive distinct sequences as token ids, ready for the model.
pub(crate) struct ReadRows {
    first: usize,
    forward: Vec<Pieces>,
    /// The other strands; empty unless both are averaged.
    reverse: Vec<Pieces>,
    /// Sequences that were cut.
    pub(crate) truncated: usize,
}

impl ReadRows {
    pub(crate) fn new(
        model: &FrozenModel,
        spec: &ExtractionSpec,
        distinct: &Distinct<'_>,
        rows: Range<usize>,
    ) -> Result<Self, EmbedError> {
        let mut read = Self { first: rows.start, forward: Vec::new(), reverse: Vec::new(), truncated: 0 };
        for (index, sequence) in rows.clone().zip(&distinct.sequences[rows]) {
            let (row, cut) = pieces(model, spec, distinct, index, sequence)?;
            read.truncated += usize::from(cut);
            read.forward.push(row);
            if spec.reverse_complement == ReverseComplement::Average {
                let other = sequence.reverse_complement();
                read.reverse.push(pieces(model, spec, distinct, index, &other)?.0);
            }
        }
        Ok(read)
    }

    /// Which states of each row are of special tokens.
    pub(crate) fn special(&self, stride: NonZeroUsize) -> Vec<Vec<bool>> {
        // More than one piece is pooled to one vector in any case.
        self.forward.iter().map(|row| special_states(&row.tokens[0].special, stride)).collect()
    }

    /// Hands on the number of rows, the tokens and the values for each layer and pooling of one batch after the other.
    pub(crate) fn compute(
        &self,
        model: &FrozenModel,
        distinct: &Distinct<'_>,
        pairs: &[(LayerIndex, Pooling)],
        batch_tokens: usize,
        hand_on: &mut dyn FnMut(usize, u64, Vec<Vec<f32>>) -> Result<(), EmbedError>,
    ) -> Result<(), EmbedError> {
        let lengths: Vec<usize> = self.forward.iter().map(Pieces::n_tokens).collect();
        for batch in batches(&lengths, batch_tokens) {
            let first = self.first + batch.start;
            let rows = &self.forward[batch.clone()];
            let (mut values, mut tokens) = pooled_rows(model, rows, pairs, distinct, first, batch_tokens)?;
            if !self.reverse.is_empty() {
                let rows = &self.reverse[batch.clone()];
                let (others, more) = pooled_rows(model, rows, pairs, distinct, first, batch_tokens)?;
                tokens += more;
                for (value, other) in values.iter_mut().flatten().zip(others.iter().flatten()) {
                    *value = 0.5 * *value + 0.5 * other;
                }
            }
            hand_on(batch.len(), tokens, values)?;
        }
        Ok(())
    }
}

/// Tokens that one state stands for.
pub(crate) fn state_stride(model: &FrozenModel) -> Result<NonZeroUsize, EmbedError> {
    NonZeroUsize::new(model.encoder.spec().state_stride)
        .ok_or_else(|| EmbedError::Encoder("its state stride is 0, expected at least 1".to_owned()))
}

/// The pooled values of some rows for each layer and pooling, and their tokens. The windows of a row are
/// batches of their own and become one row again.
fn pooled_rows(
    model: &FrozenModel,
    rows: &[Pieces],
    pairs: &[(LayerIndex, Pooling)],
    distinct: &Distinct<'_>,
    first: usize,
    batch_tokens: usize,
) -> Result<(Vec<Vec<f32>>, u64), EmbedError> {
    if rows.iter().all(|row| row.tokens.len() == 1) {
        let whole: Vec<&Tokens> = rows.iter().flat_map(|row| &row.tokens).collect();
        return pooled_batch(model, &whole, pairs, distinct, &|row| first + row);
    }
    let mut values = vec![Vec::new(); pairs.len()];
    let mut n_tokens = 0;
    for (number, row) in rows.iter().enumerate() {
        let mut of_windows = vec![Vec::new(); pairs.len()];
        let lengths: Vec<usize> = row.tokens.iter().map(|tokens| tokens.ids.len()).collect();
        for batch in batches(&lengths, batch_tokens) {
            let windows: Vec<&Tokens> = row.tokens[batch].iter().collect();
            let (pooled, tokens) = pooled_batch(model, &windows, pairs, distinct, &|_| first + number)?;
            n_tokens += tokens;
            of_windows.iter_mut().zip(pooled).for_each(|(all, some)| all.extend(some));
        }
        for (((layer, pooling), values), windows) in pairs.iter().zip(&mut values).zip(&of_windows) {
            merge(*pooling, windows, &row.weights, model.encoder.width(*layer), values);
        }
    }
    Ok((values, n_tokens))
}

/// The pooled values of a batch for each layer and pooling, all finite, and the tokens of the batch.
/// `sequence_of` tells the distinct sequence of a row.
fn pooled_batch(
    model: &FrozenModel,
    rows: &[&Tokens],
    pairs: &[(LayerIndex, Pooling)],
    distinct: &Distinct<'_>,
    sequence_of: &(dyn Fn(usize) -> usize + Sync),
) -> Result<(Vec<Vec<f32>>, u64), EmbedError> {
    let batch = TokenBatch::from_tokens(rows, model.pad_id);
    let mut layers: Vec<LayerIndex> = pairs.iter().map(|&(layer, _)| layer).collect();
    layers.sort_unstable();
    layers.dedup();
    let states = tch::no_grad(|| model.encoder.hidden_states(&batch, &layers))?;
    let stride = state_stride(model)?;
    let longest = batch.ids.ncols().div_ceil(stride.get());
    let mut values = vec![Vec::new(); pairs.len()];
    for layer in layers {
        let tensor = states.layers.iter().find(|(found, _)| *found == layer).map(|(_, tensor)| tensor);
        let tensor =
            tensor.ok_or_else(|| EmbedError::Encoder(format!("it gave no states of layer {layer}")))?;
        let dim = model.encoder.width(layer);
        let states = to_values(tensor, &[rows.len(), longest, dim])?;
        for ((_, pooling), values) in
            pairs.iter().zip(&mut values).filter(|((wanted, _), _)| *wanted == layer)
        {
            let pooled: Vec<Vec<f32>> = rows
                .par_iter()
                .zip(states.par_chunks_exact(longest * dim))
                .enumerate()
                .map(|(row, (tokens, states))| {
                    let mut out = Vec::new();
                    let special = special_states(&tokens.special, stride);
                    let states = &states[..special.len() * dim];
                    if !pool(*pooling, states, &special, dim, &mut out) {
                        let (row, sequence) = distinct.name(sequence_of(row));
                        return Err(EmbedError::NoTokens { row, sequence, pooling: *pooling });
                    }
                    if out.iter().any(|value| !value.is_finite()) {
                        let (row, sequence) = distinct.name(sequence_of(row));
                        return Err(EmbedError::NotFinite { layer, pooling: *pooling, row, sequence });
                    }
                    Ok(out)
                })
                .collect::<Result<_, _>>()?;
            *values = pooled.concat();
        }
    }
    let tokens = rows.iter().map(|tokens| tokens.ids.len() as u64).sum();
    Ok((values, tokens))
}

/// The values of a tensor as 32-bit floats in row-major order.
fn to_values(tensor: &Tensor, shape: &[usize]) -> Result<Vec<f32>, EmbedError> {
    let found: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
    if found != shape {
        return Err(EmbedError::Encoder(format!("it gave states of shape {found:?}, expected {shape:?}")));
    }
    let copy = || -> Result<Vec<f32>, tch::TchError> {
        let tensor = tensor.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
        let mut values = vec![0.0_f32; shape.iter().product()];
        let count = values.len();
        tensor.f_copy_data(&mut values, count)?;
        Ok(values)
    };
    copy().map_err(|error| ModelError::Torch(error).into())
}

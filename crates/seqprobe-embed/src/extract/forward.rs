//! Runs batches through the encoder and pools their states. States are copied without padding. If memory runs out,
//! this batch and every later one is halved.

use crate::cache::distinct::{Distinct, RowDescription};
use crate::error::EmbedError;
use crate::extract::pool::{pool, special_states};
use crate::extract::tokens::{Pieces, next_batch};
use crate::extract::windows::merge;
use rayon::prelude::*;
use seqprobe_core::{LayerIndex, Pooling};
use seqprobe_models::{FrozenModel, ModelError, TokenBatch, Tokens};
use std::num::NonZeroUsize;
use tch::{Device, Kind, Tensor};

/// Pooled values of some rows.
pub(crate) struct Pooled {
    /// For each layer and pooling, the values of all rows, one after another.
    pub(crate) values: Vec<Vec<f32>>,
    /// Tokens that went through the model.
    pub(crate) tokens: u64,
}

impl Pooled {
    fn empty(n_pairs: usize) -> Self {
        Self { values: vec![Vec::new(); n_pairs], tokens: 0 }
    }

    fn append(&mut self, more: Self) {
        self.values.iter_mut().zip(more.values).for_each(|(all, some)| all.extend(some));
        self.tokens += more.tokens;
    }
}

/// Forward passes through one model for fixed layers and poolings.
pub(crate) struct Forward<'a> {
    model: &'a FrozenModel,
    distinct: &'a Distinct<'a>,
    pairs: Vec<(LayerIndex, Pooling)>,
    /// The layers of the pairs, each once.
    layers: Vec<LayerIndex>,
    stride: NonZeroUsize,
    batch_tokens: usize,
    /// States of one layer. The memory is kept between batches, because allocating it costs more than the copy.
    states: Vec<f32>,
}

/// Tokens, and the index of their distinct sequence.
type Piece<'t> = (&'t Tokens, usize);

impl<'a> Forward<'a> {
    pub(crate) fn new(
        model: &'a FrozenModel,
        distinct: &'a Distinct<'a>,
        pairs: Vec<(LayerIndex, Pooling)>,
        batch_tokens: usize,
    ) -> Result<Self, EmbedError> {
        let mut layers: Vec<LayerIndex> = pairs.iter().map(|&(layer, _)| layer).collect();
        layers.sort_unstable();
        layers.dedup();
        let stride = state_stride(model)?;
        Ok(Self { model, distinct, pairs, layers, stride, batch_tokens, states: Vec::new() })
    }

    /// Tokens of a batch. It becomes smaller when memory runs out.
    pub(crate) fn batch_tokens(&self) -> usize {
        self.batch_tokens
    }

    /// The pooled values of consecutive distinct sequences, the first of which has index `first`. Windows of several
    /// rows share batches; the windows of a row are merged afterwards.
    pub(crate) fn rows(&mut self, rows: &[Pieces], first: usize) -> Result<Pooled, EmbedError> {
        let pieces: Vec<Piece<'_>> = rows
            .iter()
            .zip(first..)
            .flat_map(|(row, sequence)| row.tokens.iter().map(move |tokens| (tokens, sequence)))
            .collect();
        if pieces.len() == rows.len() {
            return self.batch(&pieces);
        }
        let of_windows = self.in_batches(&pieces)?;
        let mut merged = Pooled { tokens: of_windows.tokens, ..Pooled::empty(self.pairs.len()) };
        for ((&(layer, pooling), windows), values) in
            self.pairs.iter().zip(&of_windows.values).zip(&mut merged.values)
        {
            let dim = self.model.encoder.width(layer);
            let mut rest = windows.as_slice();
            for row in rows {
                let (own, others) = rest.split_at(rest.len().min(row.tokens.len() * dim));
                merge(pooling, own, &row.weights, dim, values);
                rest = others;
            }
        }
        Ok(merged)
    }

    fn batch(&mut self, pieces: &[Piece<'_>]) -> Result<Pooled, EmbedError> {
        match self.try_batch(pieces) {
            Err(EmbedError::Model(error)) if error.is_out_of_memory() && pieces.len() > 1 => {}
            other => return other,
        }
        let longest = pieces.iter().map(|(tokens, _)| tokens.ids.len()).max().unwrap_or(1);
        self.batch_tokens = self.batch_tokens.min(longest * pieces.len()).div_ceil(2);
        self.in_batches(pieces)
    }

    /// Divides the pieces into batches that fit the budget.
    fn in_batches(&mut self, pieces: &[Piece<'_>]) -> Result<Pooled, EmbedError> {
        let lengths: Vec<usize> = pieces.iter().map(|(tokens, _)| tokens.ids.len()).collect();
        let mut pooled = Pooled::empty(self.pairs.len());
        let mut done = 0;
        while done < pieces.len() {
            let end = done + next_batch(&lengths[done..], self.batch_tokens);
            pooled.append(self.batch(&pieces[done..end])?);
            done = end;
        }
        Ok(pooled)
    }

    fn try_batch(&mut self, pieces: &[Piece<'_>]) -> Result<Pooled, EmbedError> {
        let tokens: Vec<&Tokens> = pieces.iter().map(|&(tokens, _)| tokens).collect();
        let batch = TokenBatch::from_tokens(&tokens, self.model.pad_id);
        let packed = tch::no_grad(|| self.model.encoder.packed_states(&batch, &self.layers))?;
        if packed.starts.len() != pieces.len() {
            let message = format!("it gave {} sequences, expected {}", packed.starts.len(), pieces.len());
            return Err(EmbedError::Encoder(message));
        }
        let special: Vec<Vec<bool>> =
            tokens.iter().map(|tokens| special_states(&tokens.special, self.stride)).collect();
        let mut pooled = Pooled::empty(self.pairs.len());
        pooled.tokens = tokens.iter().map(|tokens| tokens.ids.len() as u64).sum();
        for &layer in &self.layers {
            let tensor = packed.layers.iter().find(|(found, _)| *found == layer).map(|(_, tensor)| tensor);
            let tensor =
                tensor.ok_or_else(|| EmbedError::Encoder(format!("it gave no states of layer {layer}")))?;
            let dim = self.model.encoder.width(layer);
            copy_states(tensor, dim, &mut self.states)?;
            let wanted = self.pairs.iter().zip(&mut pooled.values).filter(|((own, _), _)| *own == layer);
            for (&(layer, pooling), values) in wanted {
                let of_row = |((special, &start), &(_, sequence)): ((&Vec<bool>, &usize), &Piece<'_>)| {
                    let own = start * dim..(start + special.len()) * dim;
                    let states = self.states.get(own).ok_or_else(|| {
                        EmbedError::Encoder(format!("it gave too few states of layer {layer}"))
                    })?;
                    let mut out = Vec::new();
                    if !pool(pooling, states, special, dim, &mut out) {
                        let RowDescription { row, sequence } = self.distinct.describe_row(sequence);
                        return Err(EmbedError::NoTokens { row, sequence, pooling });
                    }
                    if out.iter().any(|value| !value.is_finite()) {
                        let RowDescription { row, sequence } = self.distinct.describe_row(sequence);
                        return Err(EmbedError::NotFinite { layer, pooling, row, sequence });
                    }
                    Ok(out)
                };
                let rows = special.par_iter().zip(&packed.starts).zip(pieces).map(of_row);
                *values = rows.collect::<Result<Vec<_>, _>>()?.concat();
            }
        }
        Ok(pooled)
    }
}

/// Tokens per hidden state.
pub(crate) fn state_stride(model: &FrozenModel) -> Result<NonZeroUsize, EmbedError> {
    NonZeroUsize::new(model.encoder.spec().state_stride)
        .ok_or_else(|| EmbedError::Encoder("its state stride is 0, expected at least 1".to_owned()))
}

/// Copies states to CPU memory as 32-bit floats.
///
/// # Shapes
/// `[rows, dim]`
fn copy_states(tensor: &Tensor, dim: usize, states: &mut Vec<f32>) -> Result<(), EmbedError> {
    match tensor.size().as_slice() {
        &[_, width] if width == dim as i64 => {}
        found => {
            return Err(EmbedError::Encoder(format!(
                "it gave states of shape {found:?}, expected [rows, {dim}]"
            )));
        }
    }
    let copy = |states: &mut Vec<f32>| -> Result<(), tch::TchError> {
        let tensor = tensor.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
        states.resize(tensor.numel(), 0.0);
        tensor.f_copy_data(states, tensor.numel())
    };
    copy(states).map_err(|error| ModelError::Torch(error).into())
}

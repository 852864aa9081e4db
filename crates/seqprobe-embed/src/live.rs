//! Token features straight from the encoder: computed whenever they are read, stored nowhere.
//!
//! For features that no disk can hold. Every pass over the rows is an extraction; rows have the order of the cache,
//! and values agree with stored ones as those of two extractions do.

use crate::distinct::Distinct;
use crate::error::EmbedError;
use crate::extract::batch_tokens;
use crate::forward::{Forward, state_stride};
use crate::key::{EntryKey, ExtractionSpec};
use crate::pool::pooled_length;
use crate::read_rows::ReadRows;
use seqprobe_core::{DnaSequence, FeatureError, FeatureKind, FeatureSource, LayerIndex, Pooling};
use seqprobe_models::FrozenModel;
use std::sync::Mutex;

/// Token vectors of one layer that a model computes on reading; row i = sequence i.
pub struct LiveFeatures<'a> {
    /// One reader at a time: an encoder is not shared between threads.
    model: Mutex<FrozenModel>,
    spec: ExtractionSpec,
    layer: LayerIndex,
    dim: usize,
    sequences: &'a [DnaSequence],
    /// The distinct sequence of each row: the order of the cache.
    of_row: Vec<u32>,
    /// Vectors of each distinct sequence.
    lengths: Vec<usize>,
}

impl<'a> LiveFeatures<'a> {
    /// Takes the model and tokenizes every sequence once; nothing goes through the model yet.
    ///
    /// # Errors
    /// [`EmbedError::NotApplicable`] where the model has no token vectors, [`EmbedError::TooLong`] and errors of the
    /// tokenizer as [`crate::extract()`].
    pub fn new(
        model: FrozenModel,
        spec: &ExtractionSpec,
        sequences: &'a [DnaSequence],
        layer: LayerIndex,
    ) -> Result<Self, EmbedError> {
        let distinct = Distinct::new(sequences);
        let dim = EntryKey::new(&model, spec, layer, Pooling::Tokens, distinct.digest)?.dim;
        let stride = state_stride(&model)?;
        let mut lengths = Vec::with_capacity(distinct.sequences.len());
        for row in 0..distinct.sequences.len() {
            let special = ReadRows::new(&model, spec, &distinct, row..row + 1)?.special(stride);
            lengths.extend(special.iter().map(|special| pooled_length(Pooling::Tokens, special)));
        }
        let of_row = distinct.of_row;
        Ok(Self { model: Mutex::new(model), spec: *spec, layer, dim, sequences, of_row, lengths })
    }

    fn compute(&self, rows: &[usize]) -> Result<(Vec<Vec<f32>>, Vec<u32>), EmbedError> {
        let wanted: Vec<DnaSequence> = rows.iter().map(|&row| self.sequences[row].clone()).collect();
        let distinct = Distinct::new(&wanted);
        let mut values: Vec<Vec<f32>> = Vec::with_capacity(distinct.sequences.len());
        // A poisoned lock is of a reader that failed; the model itself is never changed.
        let model = self.model.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let read = ReadRows::new(&model, &self.spec, &distinct, 0..distinct.sequences.len())?;
        let pairs = vec![(self.layer, Pooling::Tokens)];
        let batch_tokens = batch_tokens(&model);
        let lengths: Vec<usize> = distinct.first_rows.iter().map(|&row| self.length(rows[row])).collect();
        let mut forward = Forward::new(&model, &distinct, pairs, batch_tokens)?;
        read.compute(&mut forward, &mut |batch, pooled| {
            let mut rest = pooled.values.first().map_or(&[][..], Vec::as_slice);
            for length in &lengths[values.len()..values.len() + batch] {
                let (own, after) = rest.split_at(rest.len().min(length * self.dim));
                values.push(own.to_vec());
                rest = after;
            }
            Ok(())
        })?;
        drop(model);
        Ok((values, distinct.of_row))
    }
}

impl FeatureSource for LiveFeatures<'_> {
    fn n_rows(&self) -> usize {
        self.of_row.len()
    }

    fn dim(&self) -> usize {
        self.dim
    }

    fn kind(&self) -> FeatureKind {
        FeatureKind::Tokens
    }

    fn length(&self, row: usize) -> usize {
        self.lengths[self.of_row[row] as usize]
    }

    fn storage_position(&self, row: usize) -> usize {
        self.of_row[row] as usize
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        let n_rows = self.n_rows();
        if let Some(&row) = rows.iter().find(|&&row| row >= n_rows) {
            return Err(FeatureError::Row { row, n_rows });
        }
        let (values, of_row) = self.compute(rows).map_err(|error| FeatureError::Store(error.to_string()))?;
        out.reserve(rows.iter().map(|&row| self.length(row) * self.dim).sum());
        of_row.into_iter().for_each(|index| out.extend_from_slice(&values[index as usize]));
        Ok(())
    }
}

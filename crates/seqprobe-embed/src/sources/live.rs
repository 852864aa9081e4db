//! Token features that are computed whenever they are read and never stored, for features that are too large for the
//! disk.
//!
//! Every pass over the rows computes them again. Rows have the order of the cache. Values agree with stored ones up
//! to rounding, as those of two extractions do.

use crate::cache::distinct::Distinct;
use crate::cache::key::EntryKey;
use crate::error::EmbedError;
use crate::extract::forward::{Forward, state_stride};
use crate::extract::pool::pooled_length;
use crate::extract::progress::batch_tokens;
use crate::extract::read_rows::ReadRows;
use crate::spec::ExtractionSpec;
use seqprobe_core::{DnaSequence, FeatureError, FeatureKind, FeatureSource, LayerIndex, Pooling};
use seqprobe_models::FrozenModel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Token vectors of one layer that a model computes on reading; row i = sequence i.
pub struct LiveFeatures<'a> {
    /// An encoder cannot run on two threads at once, so one reader at a time computes.
    model: Arc<Mutex<FrozenModel>>,
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
    /// Tokenizes every sequence once; nothing goes through the model yet. The features of several layers may share
    /// one model, which is then loaded once.
    ///
    /// # Errors
    /// [`EmbedError::NotApplicable`] if the model has no token vectors; [`EmbedError::Precision`],
    /// [`EmbedError::TooLong`] and errors of the tokenizer as in [`crate::extract()`].
    pub fn new(
        model: Arc<Mutex<FrozenModel>>,
        spec: &ExtractionSpec,
        sequences: &'a [DnaSequence],
        layer: LayerIndex,
    ) -> Result<Self, EmbedError> {
        let distinct = Distinct::new(sequences);
        let locked = lock(&model);
        let dim = EntryKey::new(&locked, spec, layer, Pooling::Tokens, distinct.digest)?.dim;
        let stride = state_stride(&locked)?;
        let mut lengths = Vec::with_capacity(distinct.sequences.len());
        for row in 0..distinct.sequences.len() {
            let special = ReadRows::new(&locked, spec, &distinct, row..row + 1)?.special(stride);
            lengths.extend(special.iter().map(|special| pooled_length(Pooling::Tokens, special)));
        }
        drop(locked);
        let of_row = distinct.of_row;
        Ok(Self { model, spec: *spec, layer, dim, sequences, of_row, lengths })
    }

    fn compute(&self, rows: &[usize]) -> Result<(Vec<Vec<f32>>, Vec<u32>), EmbedError> {
        let wanted: Vec<DnaSequence> = rows.iter().map(|&row| self.sequences[row].clone()).collect();
        let distinct = Distinct::new(&wanted);
        let mut values: Vec<Vec<f32>> = Vec::with_capacity(distinct.sequences.len());
        let model = lock(&self.model);
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

/// Runs work that locks the model and uses rayon while it holds the lock.
///
/// A rayon thread that waits for a part of its work takes other tasks in the meantime. If such a task also reads live
/// features, it waits for the lock that its own thread holds, for ever. Work that is called from a rayon thread
/// therefore runs in a pool of its own, behind a plain thread, and the caller waits without taking tasks.
fn isolated<T: Send>(work: impl FnOnce() -> Result<T, EmbedError> + Send) -> Result<T, EmbedError> {
    if rayon::current_thread_index().is_none() {
        return work();
    }
    let in_own_pool = || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let pool = pool.map_err(|error| EmbedError::Encoder(format!("it got no thread: {error}")))?;
        pool.install(work)
    };
    std::thread::scope(|scope| {
        scope.spawn(in_own_pool).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Waits for the model. A poisoned lock means that another reader panicked; the model itself is never changed.
fn lock(model: &Mutex<FrozenModel>) -> MutexGuard<'_, FrozenModel> {
    model.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (values, of_row) =
            isolated(|| self.compute(rows)).map_err(|error| FeatureError::Store(error.to_string()))?;
        out.reserve(rows.iter().map(|&row| self.length(row) * self.dim).sum());
        of_row.into_iter().for_each(|index| out.extend_from_slice(&values[index as usize]));
        Ok(())
    }
}

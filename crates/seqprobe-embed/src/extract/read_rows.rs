//! Tokenizes consecutive distinct sequences and runs them through the model batch by batch. It knows no shards and no
//! files.

use crate::cache::distinct::Distinct;
use crate::error::EmbedError;
use crate::extract::forward::{Forward, Pooled};
use crate::extract::pool::special_states;
use crate::extract::tokens::{Pieces, next_batch, pieces};
use crate::spec::{ExtractionSpec, ReverseComplement};
use rayon::prelude::*;
use seqprobe_models::FrozenModel;
use std::num::NonZeroUsize;
use std::ops::Range;

/// Consecutive distinct sequences as token ids, ready for the model.
pub(crate) struct ReadRows {
    first: usize,
    forward: Vec<Pieces>,
    /// The reverse complements; empty unless both strands are averaged.
    reverse: Vec<Pieces>,
    /// Sequences that were truncated.
    pub(crate) truncated: usize,
}

impl ReadRows {
    /// Tokenizes on all threads.
    pub(crate) fn new(
        model: &FrozenModel,
        spec: &ExtractionSpec,
        distinct: &Distinct<'_>,
        rows: Range<usize>,
    ) -> Result<Self, EmbedError> {
        let (tokenize, limit) = (model.tokenizer(), model.encoder.spec().max_tokens);
        let both = spec.reverse_complement == ReverseComplement::Average;
        let read: Vec<(Pieces, bool, Option<Pieces>)> = rows
            .clone()
            .into_par_iter()
            .map(|index| {
                let sequence = distinct.sequences[index];
                let (own, cut) = pieces(tokenize, limit, spec, distinct, index, sequence)?;
                let other = both.then(|| {
                    let other = sequence.reverse_complement();
                    pieces(tokenize, limit, spec, distinct, index, &other).map(|(pieces, _)| pieces)
                });
                Ok((own, cut, other.transpose()?))
            })
            .collect::<Result<_, EmbedError>>()?;
        let mut all = Self { first: rows.start, forward: Vec::new(), reverse: Vec::new(), truncated: 0 };
        for (own, cut, other) in read {
            all.truncated += usize::from(cut);
            all.forward.push(own);
            all.reverse.extend(other);
        }
        Ok(all)
    }

    /// Tokens of all rows, of both strands if they are averaged.
    pub(crate) fn n_tokens(&self) -> u64 {
        self.forward.iter().chain(&self.reverse).map(|row| row.n_tokens() as u64).sum()
    }

    /// Which states of each row are of special tokens.
    pub(crate) fn special(&self, stride: NonZeroUsize) -> Vec<Vec<bool>> {
        // Several pieces are always pooled to one vector.
        self.forward.iter().map(|row| special_states(&row.tokens[0].special, stride)).collect()
    }

    /// Computes batch after batch and passes the number of rows and the pooled values of each to `receive`.
    pub(crate) fn compute(
        &self,
        forward: &mut Forward<'_>,
        receive: &mut dyn FnMut(usize, Pooled) -> Result<(), EmbedError>,
    ) -> Result<(), EmbedError> {
        let lengths: Vec<usize> = self.forward.iter().map(Pieces::n_tokens).collect();
        let mut done = 0;
        while done < lengths.len() {
            // The budget may have changed: it becomes smaller when memory runs out.
            let batch = done..done + next_batch(&lengths[done..], forward.batch_tokens());
            let first = self.first + batch.start;
            let mut pooled = forward.rows(&self.forward[batch.clone()], first)?;
            if !self.reverse.is_empty() {
                let others = forward.rows(&self.reverse[batch.clone()], first)?;
                pooled.tokens += others.tokens;
                for (value, other) in pooled.values.iter_mut().flatten().zip(others.values.iter().flatten()) {
                    *value = 0.5 * *value + 0.5 * other;
                }
            }
            done = batch.end;
            receive(batch.len(), pooled)?;
        }
        Ok(())
    }
}

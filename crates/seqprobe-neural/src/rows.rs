//! Feature rows on their way into a network: standardised, in batches, padded with zeros.
//!
//! One rule for every representation: each of the `dim` channels is centred and scaled by its mean and
//! deviation over all tokens of the training rows; a channel that does not vary is centred only. Padding is
//! zero after that, which is the training mean.

use crate::torch;
use seqprobe_core::{FeatureView, ProbeError};
use tch::Tensor;

/// Values read at a time where not all are held.
const CHUNK_VALUES: usize = 1 << 22;

/// Channel means and inverse deviations of the training tokens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Standardisation {
    pub(crate) mean: Vec<f32>,
    pub(crate) inverse_deviation: Vec<f32>,
}

impl Standardisation {
    /// Statistics over all tokens of a view, summed in `f64` about its first token.
    pub(crate) fn fit(view: &FeatureView<'_>) -> Result<Self, ProbeError> {
        let dim = view.dim();
        let mut origin: Vec<f64> = Vec::new();
        let (mut sum, mut squares, mut count) = (vec![0.0_f64; dim], vec![0.0_f64; dim], 0_usize);
        let mut values = Vec::new();
        for rows in chunks(view) {
            values.clear();
            read_finite(view, &rows, &mut values)?;
            if origin.is_empty() {
                origin = values.iter().take(dim).map(|&value| f64::from(value)).collect();
            }
            for token in values.chunks_exact(dim) {
                count += 1;
                for (((&value, origin), sum), square) in
                    token.iter().zip(&origin).zip(&mut sum).zip(&mut squares)
                {
                    let difference = f64::from(value) - origin;
                    *sum += difference;
                    *square += difference * difference;
                }
            }
        }
        let n = count.max(1) as f64;
        let (mut mean, mut inverse_deviation) = (Vec::with_capacity(dim), Vec::with_capacity(dim));
        for ((origin, sum), square) in origin.iter().zip(&sum).zip(&squares) {
            let centre = origin + sum / n;
            let deviation = (square / n - (sum / n).powi(2)).max(0.0).sqrt();
            mean.push(centre as f32);
            let varies = deviation > 1e-6 * centre.abs() && deviation > f64::from(f32::MIN_POSITIVE);
            inverse_deviation.push(if varies { (1.0 / deviation) as f32 } else { 1.0 });
        }
        Ok(Self { mean, inverse_deviation })
    }

    /// Values per token.
    pub(crate) fn dim(&self) -> usize {
        self.mean.len()
    }

    fn apply(&self, values: &mut [f32]) {
        for token in values.chunks_exact_mut(self.dim().max(1)) {
            for ((value, mean), inverse) in token.iter_mut().zip(&self.mean).zip(&self.inverse_deviation) {
                *value = (*value - mean) * inverse;
            }
        }
    }
}

/// A batch as the networks take it.
pub(crate) struct Batch {
    /// `[rows, longest, dim]`, zero beyond each row's length.
    pub(crate) values: Tensor,
    /// Tokens of each row.
    pub(crate) lengths: Vec<usize>,
    /// The most tokens of a row.
    pub(crate) longest: usize,
}

impl Batch {
    /// True when no row is padded.
    pub(crate) fn is_even(&self) -> bool {
        self.lengths.iter().all(|&length| length == self.longest)
    }
}

/// The rows of one split, held in memory where they fit into a budget, else read batch by batch. Which of
/// the two never changes a value.
pub(crate) struct Rows<'a> {
    view: &'a FeatureView<'a>,
    standardisation: &'a Standardisation,
    lengths: Vec<usize>,
    held: Option<(Vec<f32>, Vec<usize>)>,
}

impl<'a> Rows<'a> {
    /// The rows of a view; at most `budget` bytes are held.
    pub(crate) fn new(
        view: &'a FeatureView<'a>,
        standardisation: &'a Standardisation,
        budget: usize,
    ) -> Result<Self, ProbeError> {
        let dim = standardisation.dim();
        if view.dim() != dim {
            return Err(ProbeError::Width { expected: dim, got: view.dim() });
        }
        let lengths: Vec<usize> = (0..view.n_rows()).map(|row| view.length(row)).collect();
        let n_values = lengths.iter().sum::<usize>().saturating_mul(dim);
        let mut rows = Self { view, standardisation, lengths, held: None };
        if n_values.saturating_mul(size_of::<f32>()) <= budget {
            let mut values = Vec::with_capacity(n_values);
            let all: Vec<usize> = (0..view.n_rows()).collect();
            read_finite(view, &all, &mut values)?;
            standardisation.apply(&mut values);
            let mut starts = Vec::with_capacity(rows.lengths.len());
            let mut start = 0;
            for length in &rows.lengths {
                starts.push(start);
                start += length * dim;
            }
            rows.held = Some((values, starts));
        }
        Ok(rows)
    }

    /// Number of rows.
    pub(crate) fn n_rows(&self) -> usize {
        self.lengths.len()
    }

    /// Tokens of each row.
    pub(crate) fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Bytes held.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held.as_ref().map_or(0, |(values, _)| values.len() * size_of::<f32>())
    }

    /// Some rows as a batch, in the order given.
    pub(crate) fn batch(&self, rows: &[usize]) -> Result<Batch, ProbeError> {
        let dim = self.standardisation.dim();
        let lengths: Vec<usize> = rows.iter().map(|&row| self.lengths[row]).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let mut padded = vec![0.0_f32; rows.len() * longest * dim];
        let mut read = Vec::new();
        if self.held.is_none() {
            read_finite(self.view, rows, &mut read)?;
            self.standardisation.apply(&mut read);
        }
        let mut start = 0;
        for ((&row, &length), place) in
            rows.iter().zip(&lengths).zip(padded.chunks_exact_mut((longest * dim).max(1)))
        {
            let source = match &self.held {
                Some((values, starts)) => &values[starts[row]..starts[row] + length * dim],
                None => &read[start..start + length * dim],
            };
            place[..length * dim].copy_from_slice(source);
            start += length * dim;
        }
        let shape = [rows.len() as i64, longest as i64, dim as i64];
        let values = Tensor::f_from_slice(&padded).and_then(|values| values.f_view(shape)).map_err(torch)?;
        Ok(Batch { values, lengths, longest })
    }

    /// All rows sorted by length, in batches of at most `tokens` tokens (at least one row each).
    pub(crate) fn batches_by_length(&self, tokens: usize) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.n_rows()).collect();
        order.sort_by_key(|&row| self.lengths[row]);
        let mut batches: Vec<Vec<usize>> = Vec::new();
        for row in order {
            match batches.last_mut() {
                Some(batch) if (batch.len() + 1) * self.lengths[row] <= tokens => batch.push(row),
                _ => batches.push(vec![row]),
            }
        }
        batches
    }
}

/// Consecutive rows whose values together are about [`CHUNK_VALUES`].
fn chunks(view: &FeatureView<'_>) -> Vec<Vec<usize>> {
    let mut chunks: Vec<Vec<usize>> = Vec::new();
    let mut values = usize::MAX;
    for row in 0..view.n_rows() {
        let own = view.length(row).saturating_mul(view.dim());
        values = values.saturating_add(own);
        if values > CHUNK_VALUES {
            chunks.push(Vec::new());
            values = own;
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(row);
        }
    }
    chunks
}

/// Reads rows and refuses values that are not finite, and rows without a token.
fn read_finite(view: &FeatureView<'_>, rows: &[usize], out: &mut Vec<f32>) -> Result<(), ProbeError> {
    let before = out.len();
    view.read(rows, out)?;
    let expected: usize = rows.iter().map(|&row| view.length(row) * view.dim()).sum();
    if out.len() - before != expected {
        let got = out.len() - before;
        return Err(ProbeError::Width { expected, got });
    }
    let mut start = before;
    for &row in rows {
        let size = view.length(row) * view.dim();
        if size == 0 {
            return Err(ProbeError::NotApplicable(format!("row {row} has no token or no channel")));
        }
        if let Some(place) = out[start..start + size].iter().position(|value| !value.is_finite()) {
            return Err(ProbeError::NotFinite(format!(
                "row {row} of the view holds {} at token {}, channel {} (all 0-based)",
                out[start + place],
                place / view.dim(),
                place % view.dim()
            )));
        }
        start += size;
    }
    Ok(())
}

//! The same scaling for every representation: each of the `dim` channels is centred and scaled by its mean and standard
//! deviation over all tokens of the training rows. A constant channel is only centred.

use crate::training::order::chunks;
use crate::training::read_finite::read_finite;
use seqprobe_core::{FeatureView, ProbeError};

/// Values read at a time: 16 MiB.
const CHUNK_VALUES: usize = 1 << 22;

/// Channel means and inverse deviations of the training tokens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Standardisation {
    pub(crate) mean: Vec<f32>,
    pub(crate) inverse_deviation: Vec<f32>,
}

impl Standardisation {
    /// Statistics over all tokens of a view, summed in `f64` relative to its first token.
    pub(crate) fn fit(view: &FeatureView<'_>) -> Result<Self, ProbeError> {
        let dim = view.dim();
        let mut origin: Vec<f64> = Vec::new();
        let (mut sum, mut squares, mut count) = (vec![0.0_f64; dim], vec![0.0_f64; dim], 0_usize);
        let lengths: Vec<usize> = (0..view.n_rows()).map(|row| view.length(row)).collect();
        let mut by_storage: Vec<usize> = (0..view.n_rows()).collect();
        by_storage.sort_by_key(|&row| view.storage_position(row));
        let mut values = Vec::new();
        for place in chunks(&by_storage, &lengths, dim, CHUNK_VALUES) {
            values.clear();
            read_finite(view, &by_storage[place], &mut values)?;
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

    /// Standardises whole tokens in place.
    pub(crate) fn apply(&self, values: &mut [f32]) {
        for token in values.chunks_exact_mut(self.dim().max(1)) {
            for ((value, mean), inverse) in token.iter_mut().zip(&self.mean).zip(&self.inverse_deviation) {
                *value = (*value - mean) * inverse;
            }
        }
    }
}

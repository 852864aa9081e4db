//! Whether a network trains or predicts, and channel dropout, which is the only thing that depends on it in every
//! network.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tch::{TchError, Tensor};

/// Training or predicting.
pub(crate) enum Mode<'a> {
    /// Training, with the generator of the dropout masks.
    Train(&'a mut ChaCha8Rng),
    /// Predicting.
    Predict,
}

impl Mode<'_> {
    /// Drops whole channels in training: multiplies each by 0 with the given probability, else by 1 / (1 -
    /// probability).
    ///
    /// # Shapes
    /// `values [rows, channels, …]`; the mask is `[rows, channels, 1…]`
    pub(crate) fn drop_channels(&mut self, values: Tensor, probability: f64) -> Result<Tensor, TchError> {
        let Self::Train(rng) = self else { return Ok(values) };
        if probability <= 0.0 {
            return Ok(values);
        }
        let size = values.size();
        let shape: Vec<i64> =
            size.iter().enumerate().map(|(axis, &n)| if axis < 2 { n } else { 1 }).collect();
        let n: i64 = shape.iter().product();
        let threshold = (probability * f64::from(u32::MAX)) as u32;
        let kept = (1.0 / (1.0 - probability)) as f32;
        let mask: Vec<f32> =
            (0..n).map(|_| if rng.random::<u32>() < threshold { 0.0 } else { kept }).collect();
        values.f_mul(&Tensor::f_from_slice(&mask)?.f_view(shape.as_slice())?)
    }
}

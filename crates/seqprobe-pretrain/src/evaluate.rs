//! The loss on held-out sequence, in bits per base: every base has the same weight, N is left out, and every target is
//! masked.

use crate::batches::{Batch, Batches, Masking};
use crate::corpus::{Corpus, Window};
use crate::counts::CountModel;
use crate::error::PretrainError;
use seqprobe_models::training::Network;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

/// A mean loss, and how many bases and windows it is the mean of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// Bits per base.
    pub bits: f64,
    /// Standard error of the mean, with windows as units because bases of a window are not independent. `None` for one
    /// window.
    pub standard_error: Option<f64>,
    /// Bases.
    pub n_bases: u64,
    /// Windows that contain them.
    pub n_windows: usize,
}

/// Collects sums per window.
#[derive(Default)]
pub(crate) struct LossSum {
    /// Bits and bases of each window that has a target.
    windows: Vec<(f64, f64)>,
}

impl LossSum {
    pub(crate) fn add(&mut self, n_windows: usize, origins: &[(usize, usize)], bits: &[f64]) {
        let mut sums = vec![(0.0, 0.0); n_windows];
        for (&(row, _), bits) in origins.iter().zip(bits) {
            sums[row].0 += bits;
            sums[row].1 += 1.0;
        }
        self.windows.extend(sums.into_iter().filter(|(_, n)| *n > 0.0));
    }

    /// The ratio of the sums, and its standard error by linearisation.
    pub(crate) fn finish(&self) -> Option<Loss> {
        let (bits, bases) =
            self.windows.iter().fold((0.0, 0.0), |(bits, bases), one| (bits + one.0, bases + one.1));
        if bases <= 0.0 {
            return None;
        }
        let mean = bits / bases;
        let n = self.windows.len() as f64;
        let squares: f64 = self.windows.iter().map(|(bits, n)| (bits - mean * n).powi(2)).sum();
        let standard_error = (n > 1.0).then(|| (squares * n / (n - 1.0)).sqrt() / bases);
        Some(Loss { bits: mean, standard_error, n_bases: bases as u64, n_windows: self.windows.len() })
    }
}

/// At most `max` of the windows, spread evenly.
pub(crate) fn spread(windows: &[Window], max: usize) -> Vec<Window> {
    let n = windows.len().min(max);
    (0..n).map(|index| windows[index * windows.len() / n]).collect()
}

/// The loss of a network on some windows.
pub(crate) fn loss_of(
    network: &Network,
    batches: &Batches<'_>,
    windows: &[Window],
    size: usize,
    masking: Masking,
    device: Device,
) -> Result<LossSum, PretrainError> {
    let mut sum = LossSum::default();
    for windows in windows.chunks(size) {
        let batch = batches.evaluation(windows, masking);
        if batch.targets.is_empty() {
            continue;
        }
        let bits = tch::no_grad(|| target_bits(network, &batch, device))?;
        let bits: Vec<f64> = Vec::try_from(bits.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?)?;
        sum.add(windows.len(), &batch.origins, &bits);
    }
    Ok(sum)
}

/// The loss of a count model on the same targets.
pub(crate) fn count_loss(
    model: &CountModel,
    corpus: &Corpus,
    batches: &Batches<'_>,
    windows: &[Window],
    masking: Masking,
) -> Option<Loss> {
    let mut sum = LossSum::default();
    for windows in windows.chunks(256) {
        let batch = batches.evaluation(windows, masking);
        sum.add(windows.len(), &batch.origins, &model.bits(corpus, windows, &batch));
    }
    sum.finish()
}

/// Bits of each target, with gradients if the calling thread computes them.
///
/// # Shapes
/// `[targets]`
pub(crate) fn target_bits(network: &Network, batch: &Batch, device: Device) -> Result<Tensor, PretrainError> {
    let index = |values: &[i64]| -> Result<Tensor, PretrainError> {
        Ok(Tensor::f_from_slice(values)?.f_to_device(device)?)
    };
    let logits = network.logits(&batch.tokens, &index(&batch.places)?)?; // [targets, vocabulary]
    let logarithms = logits.f_log_softmax(-1, Kind::Float)?;
    let targets = index(&batch.targets)?.f_unsqueeze(1)?;
    Ok(logarithms.f_gather(1, &targets, false)?.f_squeeze_dim(1)?.f_mul_scalar(-std::f64::consts::LOG2_E)?)
}

/// Mean of the bits of a batch's targets, weighted.
pub(crate) fn weighted_loss(
    network: &Network,
    batch: &Batch,
    device: Device,
) -> Result<Tensor, PretrainError> {
    let bits = target_bits(network, batch, device)?; // [targets]
    let weight: f64 = batch.weights.iter().map(|&weight| f64::from(weight)).sum();
    let weights = Tensor::f_from_slice(&batch.weights)?.f_to_device(device)?;
    Ok(bits.f_mul(&weights)?.f_sum(Kind::Float)?.f_div_scalar(weight)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_the_ratio_of_sums_with_windows_as_units() {
        let mut sum = LossSum::default();
        sum.add(2, &[(0, 1), (0, 5), (1, 0)], &[1.0, 2.0, 3.0]);
        assert_eq!(sum.finish().map(|loss| (loss.n_bases, loss.n_windows)), Some((3, 2)));
        sum.add(3, &[(2, 7)], &[2.0]);
        let loss = sum.finish().unwrap();
        assert_eq!((loss.n_bases, loss.n_windows), (4, 3));
        approx::assert_relative_eq!(loss.bits, 2.0);
        // Residuals of the windows: 3 - 2·2 = -1, 3 - 2 = 1, 2 - 2 = 0; √(2 · 3 / 2) / 4.
        approx::assert_relative_eq!(loss.standard_error.unwrap(), 3.0_f64.sqrt() / 4.0);
        assert_eq!(LossSum::default().finish(), None);
        let mut one = LossSum::default();
        one.add(1, &[(0, 0)], &[1.5]);
        assert_eq!(one.finish().and_then(|loss| loss.standard_error), None);
    }
}

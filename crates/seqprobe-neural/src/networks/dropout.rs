//! Masks of elementwise dropout. Whether a value is dropped follows from its index and a key, not from a stream of
//! random numbers, so that any thread can compute it in any order.

use crate::networks::mode::Mode;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tch::{TchError, Tensor};

/// Which values of one layer are dropped in one pass. Value `i` is dropped if 16 bits of a mixing function of
/// `i` and the key are below the probability.
#[derive(Clone, Copy)]
pub(crate) struct Mask {
    key: [u32; 2],
    threshold: u32,
    /// Factor of the values that stay.
    pub(crate) scale: f32,
}

impl Mask {
    /// Draws a mask.
    pub(crate) fn draw(probability: f64, rng: &mut ChaCha8Rng) -> Self {
        let threshold = (probability * 65_536.0).round().min(65_535.0) as u32;
        let scale = (65_536.0 / f64::from(65_536 - threshold)) as f32;
        Self { key: [rng.random(), rng.random()], threshold, scale }
    }

    /// The mask that drops nothing.
    pub(crate) fn none() -> Self {
        Self { key: [0; 2], threshold: 0, scale: 1.0 }
    }

    /// Whether value `index` stays.
    #[inline(always)]
    pub(crate) fn keeps(self, index: u32) -> bool {
        (mixed(index, self.key) >> 16) >= self.threshold
    }

    /// The factor of value `index`.
    #[inline(always)]
    fn factor(self, index: u32) -> f32 {
        if self.keeps(index) { self.scale } else { 0.0 }
    }
}

/// 32 bits that depend on all bits of the index and the key: two rounds of multiplying and folding
/// (constants of Wellons' hash-prospector, lowest bias found), the key added before each.
#[inline(always)]
fn mixed(index: u32, key: [u32; 2]) -> u32 {
    let mut bits = index.wrapping_add(key[0]);
    bits ^= bits >> 16;
    bits = bits.wrapping_mul(0x7feb_352d);
    bits ^= bits >> 15;
    bits = bits.wrapping_add(key[1]);
    bits = bits.wrapping_mul(0x846c_a68b);
    bits ^ (bits >> 16)
}

/// Drops single values in training, and scales the others such that the mean stays the same.
pub(crate) fn drop_values(values: Tensor, probability: f64, mode: &mut Mode<'_>) -> Result<Tensor, TchError> {
    let Mode::Train(rng) = mode else { return Ok(values) };
    if probability <= 0.0 {
        return Ok(values);
    }
    let mask = Mask::draw(probability, rng);
    let factors: Vec<f32> = (0..values.numel() as u32).map(|index| mask.factor(index)).collect();
    // Channels are last in memory, and so is the mask.
    let size = values.size();
    let factors = Tensor::f_from_slice(&factors)?;
    let factors = match size[..] {
        [rows, channels, one, tokens] => {
            factors.f_view([rows, one, tokens, channels])?.f_permute([0, 3, 1, 2])?
        }
        _ => factors.f_view(size.as_slice())?,
    };
    values.f_mul(&factors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use seqprobe_core::Seed;

    #[test]
    fn masks_drop_their_share_and_values_are_dropped_independently() {
        let mut rng = Seed(1).rng();
        for probability in [0.1, 0.2, 0.5] {
            let mask = Mask::draw(probability, &mut rng);
            let dropped: Vec<bool> = (0..1_000_000).map(|index| mask.factor(index) <= 0.0).collect();
            let share = |count: usize| count as f64 / 1e6;
            let single = share(dropped.iter().filter(|&&dropped| dropped).count());
            // Four standard deviations of a proportion over a million are below 0.002.
            assert!((single - probability).abs() < 2e-3, "{single}");
            for lag in [1, 2, 5, 16, 64, 196, 980, 65_536] {
                let both = share(dropped.iter().zip(&dropped[lag..]).filter(|(a, b)| **a && **b).count());
                let expected = probability * probability * (1e6 - lag as f64) / 1e6;
                assert!((both - expected).abs() < 2e-3, "lag {lag}: {both} against {expected}");
            }
            let next = Mask::draw(probability, &mut rng);
            let both =
                share((0..1_000_000).filter(|&i| mask.factor(i) <= 0.0 && next.factor(i) <= 0.0).count());
            assert!((both - probability * probability).abs() < 2e-3, "{both}");
        }
    }
}

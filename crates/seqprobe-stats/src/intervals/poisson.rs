//! Poisson counts of mean 1. One random byte is enough for 98% of them.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;

/// Number of counts in the table: larger counts have a probability below 1e-17, which 64-bit numbers cannot resolve.
const MAX_COUNTS: usize = 18;
/// The bytes in whose 256th of the unit interval the distribution function steps to the next count; the last one holds
/// all further steps. A byte above `STEPS[k]` means a count above `k`; a byte equal to `STEPS[k]` needs more bits.
const STEPS: [u8; 5] = [94, 188, 235, 251, 255];
/// Bit set in a count that its byte did not decide. The other bits are its index in [`STEPS`].
const UNDECIDED: u8 = 0x80;
/// The same bit in eight counts at once.
const ANY_UNDECIDED: u64 = u64::from_le_bytes([UNDECIDED; 8]);
/// Bytes read from the generator at once.
const CHUNK: usize = 2048;

/// The distribution function of the Poisson distribution with mean 1.
pub(crate) struct PoissonBytes {
    /// `P(count ≤ k)`.
    cumulative: [f64; MAX_COUNTS],
}

impl PoissonBytes {
    pub(crate) fn new() -> Self {
        let (mut cumulative, mut probability, mut sum) = ([0.0; MAX_COUNTS], (-1.0_f64).exp(), 0.0);
        for (count, place) in cumulative.iter_mut().enumerate() {
            sum += probability;
            probability /= (count + 1) as f64;
            *place = sum;
        }
        Self { cumulative }
    }

    /// Returns the count for a uniform number in `[0, 1)`.
    fn count(&self, uniform: f64) -> u8 {
        self.cumulative.iter().take_while(|&&step| step <= uniform).count() as u8
    }

    /// Fills `counts` with independent counts: all bytes by comparison, then the undecided 2% one by one.
    pub(crate) fn fill(&self, rng: &mut ChaCha8Rng, counts: &mut [u8]) {
        for chunk in counts.chunks_mut(CHUNK) {
            rng.fill_bytes(chunk);
            for byte in chunk.iter_mut() {
                let (mut count, mut undecided) = (0, 0);
                for step in STEPS {
                    count += u8::from(*byte > step);
                    undecided |= u8::from(*byte == step);
                }
                *byte = count | (undecided << 7);
            }
            for eight in chunk.chunks_mut(8) {
                let mut word = [0; 8];
                word[..eight.len()].copy_from_slice(eight);
                let mut marked = u64::from_le_bytes(word) & ANY_UNDECIDED;
                while marked != 0 {
                    let count = &mut eight[marked.trailing_zeros() as usize / 8];
                    *count = self.decide(rng, *count & !UNDECIDED);
                    marked &= marked - 1;
                }
            }
        }
    }

    /// Returns the count of an undecided byte from 45 more random bits, 53 in total.
    fn decide(&self, rng: &mut ChaCha8Rng, step: u8) -> u8 {
        let within = (rng.next_u64() >> 19) as f64 / (1_u64 << 45) as f64;
        let uniform = (f64::from(STEPS[usize::from(step)]) + within) / 256.0;
        if usize::from(step) + 1 < STEPS.len() {
            step + u8::from(self.cumulative[usize::from(step)] <= uniform)
        } else {
            self.count(uniform)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn counts_are_poissons() {
        let table = PoissonBytes::new();
        // scipy 1.17.1: stats.poisson.cdf(k, 1)
        for (count, expected) in [
            (0, 0.36787944117144233),
            (1, 0.7357588823428847),
            (4, 0.9963401531726563),
            (8, 0.9999988747974021),
        ] {
            assert!((table.cumulative[count] - expected).abs() < 1e-15);
        }
        let mut counts = vec![0; 1_000_003];
        table.fill(&mut ChaCha8Rng::seed_from_u64(4), &mut counts);
        let mut below = 0.0;
        for (count, &cumulative) in table.cumulative.iter().take(9).enumerate() {
            let rate = cumulative - below;
            let got = counts.iter().filter(|&&other| usize::from(other) == count).count() as f64
                / counts.len() as f64;
            let spread = (rate / counts.len() as f64).sqrt();
            assert!((got - rate).abs() < 4.5 * spread.max(1e-7), "{count}: {got} {rate}");
            below = cumulative;
        }
    }

    #[test]
    fn decided_bytes_have_one_count() {
        let table = PoissonBytes::new();
        for byte in 0..=u8::MAX {
            let ends = [f64::from(byte) / 256.0, (f64::from(byte) + 1.0).next_down() / 256.0];
            let [first, last] = ends.map(|end| table.count(end));
            assert_eq!(first != last, STEPS.contains(&byte), "{byte}");
            assert_eq!(usize::from(first), STEPS.iter().filter(|&&step| byte > step).count(), "{byte}");
        }
    }
}

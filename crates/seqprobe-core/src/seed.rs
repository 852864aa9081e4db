//! Randomness as an argument: a seed, from which seeds with names and generators are derived.
//!
//! There is no global generator and no clock seed. The same seed and name give the same numbers on
//! every machine and in every version of this program.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// A seed; every random choice of the program comes from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed for one purpose, for example `seed.derive("bootstrap")`. Different names give
    /// independent seeds.
    #[must_use]
    pub fn derive(self, purpose: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("seqprobe seed v1");
        hasher.update(&self.0.to_le_bytes());
        hasher.update(purpose.as_bytes());
        let mut first = [0_u8; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Self(u64::from_le_bytes(first))
    }

    /// A generator that starts at this seed.
    pub fn rng(self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn derived_seeds_depend_on_seed_and_purpose_only() {
        assert_eq!(Seed(1).derive("a"), Seed(1).derive("a"));
        assert_ne!(Seed(1).derive("a"), Seed(1).derive("b"));
        assert_ne!(Seed(1).derive("a"), Seed(2).derive("a"));
    }

    #[test]
    fn the_stream_is_stable() {
        // Golden values: a changed stream would change every accepted baseline.
        let seed = Seed(0).derive("golden");
        assert_eq!(seed, Seed(16_127_935_792_606_245_806));
        let mut rng = seed.rng();
        let numbers: [u64; 2] = [rng.random(), rng.random()];
        assert_eq!(numbers, [7_847_956_294_629_946_152, 15_536_400_414_197_323_806]);
    }
}

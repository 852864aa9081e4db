//! The background of simulated sequences: a first-order Markov chain, poor in CG like the human genome.
//!
//! The probabilities are round numbers chosen here; they define the model and are not estimates.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Probabilities of A, C, G, T.
pub(crate) type BaseProbabilities = [f64; 4];

/// Probabilities of the first base.
pub(crate) const START: BaseProbabilities = [0.295, 0.205, 0.205, 0.295];

/// `TRANSITIONS[this][next]`: probability of the next base after this one, order A, C, G, T.
pub(crate) const TRANSITIONS: [BaseProbabilities; 4] = [
    [0.33, 0.17, 0.24, 0.26], // after A
    [0.35, 0.26, 0.05, 0.34], // after C
    [0.29, 0.21, 0.26, 0.24], // after G
    [0.22, 0.20, 0.25, 0.33], // after T
];

/// Draws a background sequence as base codes.
pub(crate) fn draw_background(rng: &mut ChaCha8Rng, length: usize) -> Vec<u8> {
    let mut codes = Vec::with_capacity(length);
    let mut probabilities = &START;
    for _ in 0..length {
        let code = draw_base(rng, probabilities);
        codes.push(code);
        probabilities = &TRANSITIONS[usize::from(code)];
    }
    codes
}

/// Draws one base.
pub(crate) fn draw_base(rng: &mut ChaCha8Rng, probabilities: &BaseProbabilities) -> u8 {
    let mut left: f64 = rng.random();
    for (code, probability) in (0_u8..3).zip(probabilities) {
        left -= probability;
        if left < 0.0 {
            return code;
        }
    }
    3
}

/// `TRANSITIONS` multiplied by itself: `power(k)[a][b]` is the probability of b, k bases after a.
pub(crate) fn power(exponent: usize) -> [BaseProbabilities; 4] {
    let mut result = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]];
    for _ in 0..exponent {
        result = result.map(|row| {
            std::array::from_fn(|next| (0..4).map(|middle| row[middle] * TRANSITIONS[middle][next]).sum())
        });
    }
    result
}

/// Probability of a base at a position given the base before it.
pub(crate) fn base_probability(codes: &[u8], place: usize) -> f64 {
    let this = usize::from(codes[place]);
    match place.checked_sub(1) {
        Some(before) => TRANSITIONS[usize::from(codes[before])][this],
        None => START[this],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn every_row_is_a_distribution() {
        for row in TRANSITIONS.iter().chain([&START]).chain(&power(9)) {
            assert_abs_diff_eq!(row.iter().sum::<f64>(), 1.0, epsilon = 1e-12);
        }
    }

    #[test]
    fn drawn_pairs_have_the_stated_frequencies() {
        let codes = draw_background(&mut seqprobe_core::Seed(5).rng(), 200_000);
        let after_c: Vec<u8> = codes.windows(2).filter(|pair| pair[0] == 1).map(|pair| pair[1]).collect();
        let g = after_c.iter().filter(|&&code| code == 2).count() as f64 / after_c.len() as f64;
        assert_abs_diff_eq!(g, 0.05, epsilon = 0.005);
    }
}

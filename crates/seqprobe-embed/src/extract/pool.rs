//! Pools the hidden states of one sequence. The states do not contain padding.

use seqprobe_core::Pooling;
use std::num::NonZeroUsize;

/// Which hidden states of one sequence are special: those of special tokens only. A state belongs to `stride` tokens,
/// the last one possibly to fewer.
pub(crate) fn special_states(special_tokens: &[bool], stride: NonZeroUsize) -> Vec<bool> {
    special_tokens.chunks(stride.get()).map(|tokens| tokens.iter().all(|&special| special)).collect()
}

/// Vectors that a pooling of one sequence gives.
///
/// # Shapes
/// `special`: `[states]`
pub(crate) fn pooled_length(pooling: Pooling, special: &[bool]) -> usize {
    match pooling {
        Pooling::Tokens | Pooling::Flatten => special.iter().filter(|&&special| !special).count(),
        _ => 1,
    }
}

/// Appends the pooled vectors of one sequence. Returns false, and appends nothing, when it has no state to pool.
///
/// # Shapes
/// `states`: `[states, dim]`, `special`: `[states]`
pub(crate) fn pool(
    pooling: Pooling,
    states: &[f32],
    special: &[bool],
    dim: usize,
    out: &mut Vec<f32>,
) -> bool {
    let all = || states.chunks_exact(dim).zip(special);
    let plain = || all().filter(|&(_, &special)| !special).map(|(vector, _)| vector);
    match pooling {
        Pooling::MeanAll => {
            if !special.is_empty() {
                push_mean(all().map(|(vector, _)| vector), dim, out);
            }
            return !special.is_empty();
        }
        Pooling::Cls => {
            // A model with CLS puts it first.
            let has_cls = special.first() == Some(&true);
            if has_cls {
                out.extend(states.iter().take(dim));
            }
            return has_cls;
        }
        _ => {}
    }
    let Some(last) = plain().next_back() else { return false };
    match pooling {
        Pooling::Max => push_max(plain(), dim, out),
        Pooling::Last => out.extend_from_slice(last),
        Pooling::Tokens | Pooling::Flatten => plain().for_each(|vector| out.extend_from_slice(vector)),
        Pooling::Mean | Pooling::MeanAll | Pooling::Cls => push_mean(plain(), dim, out),
    }
    true
}

/// Appends the mean of at least one vector: summed in 64 bits in the order given, rounded once.
pub(crate) fn push_mean<'v>(vectors: impl Iterator<Item = &'v [f32]>, dim: usize, out: &mut Vec<f32>) {
    let mut sums = vec![0.0_f64; dim];
    let mut count = 0.0_f64;
    for vector in vectors {
        for (sum, &value) in sums.iter_mut().zip(vector) {
            *sum += f64::from(value);
        }
        count += 1.0;
    }
    out.extend(sums.iter().map(|sum| (sum / count) as f32));
}

/// Appends the largest value per dimension of at least one vector; a NaN stays a NaN.
pub(crate) fn push_max<'v>(vectors: impl Iterator<Item = &'v [f32]>, dim: usize, out: &mut Vec<f32>) {
    let start = out.len();
    out.resize(start + dim, f32::NEG_INFINITY);
    for vector in vectors {
        for (largest, &value) in out[start..].iter_mut().zip(vector) {
            if value > *largest || value.is_nan() {
                *largest = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CLS, two tokens, SEP; two values each.
    const STATES: [f32; 8] = [9.0, 8.0, 1.0, -4.0, 3.0, -2.0, 70.0, 60.0];
    const SPECIAL: [bool; 4] = [true, false, false, true];

    fn pooled(pooling: Pooling) -> Vec<f32> {
        let mut out = Vec::new();
        assert!(pool(pooling, &STATES, &SPECIAL, 2, &mut out));
        assert_eq!(out.len(), 2 * pooled_length(pooling, &SPECIAL));
        out
    }

    #[test]
    fn each_pooling_by_hand() {
        assert_eq!(pooled(Pooling::Mean), [2.0, -3.0]);
        assert_eq!(pooled(Pooling::MeanAll), [20.75, 15.5]);
        assert_eq!(pooled(Pooling::Cls), [9.0, 8.0]);
        assert_eq!(pooled(Pooling::Max), [3.0, -2.0]);
        assert_eq!(pooled(Pooling::Last), [3.0, -2.0]);
        assert_eq!(pooled(Pooling::Tokens), [1.0, -4.0, 3.0, -2.0]);
    }

    #[test]
    fn a_state_is_special_when_all_its_tokens_are() {
        let special = |tokens: &[bool], stride| special_states(tokens, NonZeroUsize::new(stride).unwrap());
        let tokens = [true, false, false, false, false, true, true, true, true];
        assert_eq!(special(&tokens, 1), tokens);
        assert_eq!(special(&tokens, 4), [false, false, true]);
        assert_eq!(special(&tokens, 5), [false, true]);
        assert_eq!(special(&tokens, 9), [false]);
        assert_eq!(special(&tokens, 100), [false]);
        assert!(special(&[], 4).is_empty());
    }

    #[test]
    fn only_special_tokens_are_undefined() {
        for pooling in [Pooling::Mean, Pooling::Max, Pooling::Last, Pooling::Tokens] {
            let mut out = Vec::new();
            assert!(!pool(pooling, &STATES[..4], &[true, true], 2, &mut out));
            assert!(out.is_empty());
        }
    }

    #[test]
    fn a_nan_is_never_pooled_away() {
        let states = [1.0, f32::NAN, 2.0];
        for pooling in [Pooling::Mean, Pooling::Max, Pooling::Tokens] {
            let mut out = Vec::new();
            assert!(pool(pooling, &states, &[false; 3], 1, &mut out));
            assert!(out.iter().any(|value| value.is_nan()), "{pooling}");
        }
    }
}

//! Divides long sequences into overlapping windows of bases, and merges the features of the windows.
//!
//! For the model, a window is a sequence of its own with its own special tokens. The features of a sequence are the
//! weighted mean of the features of its windows. The weight of a window is its number of bases, where a base that is
//! in several windows is divided among them, so that each base counts once. `max` pooling takes the largest value,
//! `last` pooling the last window.

use crate::spec::Window;
use seqprobe_core::Pooling;
use std::ops::Range;

impl Window {
    /// Returns the windows of a sequence: one for a sequence that fits; otherwise one every `stride` bases and a last
    /// window that ends with the sequence. Ranges are 0-based and half-open.
    pub(crate) fn ranges(self, length: usize) -> Vec<Range<usize>> {
        let Some(last) = length.checked_sub(self.size).filter(|last| *last > 0) else {
            return std::iter::once(0..length).collect();
        };
        let starts = (0..last).step_by(self.stride).chain([last]);
        starts.map(|start| start..start + self.size).collect()
    }
}

/// Returns the weight of each window: its bases, where a base that is in several windows is divided among them. The
/// weights sum to the length of the sequence.
pub(crate) fn weights(ranges: &[Range<usize>]) -> Vec<f64> {
    let length = ranges.iter().map(|range| range.end).max().unwrap_or(0);
    // Changes in the number of windows that contain a base, at the start and end of each window.
    let mut changes = vec![0_i64; length + 1];
    for range in ranges {
        changes[range.start] += 1;
        changes[range.end] -= 1;
    }
    let mut shares = Vec::with_capacity(length + 1);
    let (mut n_windows, mut sum) = (0, 0.0);
    for change in &changes {
        shares.push(sum);
        n_windows += change;
        if n_windows > 0 {
            sum += 1.0 / n_windows as f64;
        }
    }
    ranges.iter().map(|range| shares[range.end] - shares[range.start]).collect()
}

/// Appends the features of one sequence, merged from those of its windows.
///
/// # Shapes
/// `values`: `[windows, dim]`, `weights`: `[windows]`
pub(crate) fn merge(pooling: Pooling, values: &[f32], weights: &[f64], dim: usize, out: &mut Vec<f32>) {
    let windows = || values.chunks_exact(dim).zip(weights);
    match pooling {
        Pooling::Last => out.extend(windows().next_back().into_iter().flat_map(|(values, _)| values)),
        Pooling::Max => {
            let largest = |place: usize| windows().map(|(values, _)| values[place]).fold(f32::MIN, f32::max);
            out.extend((0..dim).map(largest));
        }
        _ => {
            let total: f64 = weights.iter().sum();
            let mean = |place: usize| {
                let sum: f64 = windows().map(|(values, weight)| f64::from(values[place]) * weight).sum();
                (sum / total) as f32
            };
            out.extend((0..dim).map(mean));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn windows_start_every_stride_and_the_last_ends_with_the_sequence() {
        let window = Window::new(4, 2).unwrap();
        assert_eq!(window.ranges(4).as_slice(), std::slice::from_ref(&(0..4)));
        assert_eq!(window.ranges(3).as_slice(), std::slice::from_ref(&(0..3)));
        assert_eq!(window.ranges(8), [0..4, 2..6, 4..8]);
        assert_eq!(window.ranges(9), [0..4, 2..6, 4..8, 5..9]);
    }

    #[test]
    fn a_base_in_two_windows_counts_half_in_each() {
        assert_eq!(weights(&[0..4, 2..6]), [3.0, 3.0]);
        assert_eq!(weights(&[0..4, 4..8, 5..9]), [4.0, 2.5, 2.5]);
        let mut out = Vec::new();
        merge(Pooling::Mean, &[1.0, 10.0, 3.0, 20.0], &[3.0, 1.0], 2, &mut out);
        merge(Pooling::Max, &[1.0, 10.0, 3.0, -20.0], &[3.0, 1.0], 2, &mut out);
        merge(Pooling::Last, &[1.0, 10.0, 3.0, 20.0], &[3.0, 1.0], 2, &mut out);
        assert_eq!(out, [1.5, 12.5, 3.0, 10.0, 3.0, 20.0]);
    }

    proptest! {
        #[test]
        fn weights_sum_to_the_bases(length in 1_usize..300, size in 1_usize..80, stride in 1_usize..80) {
            prop_assume!(stride <= size);
            let ranges = Window::new(size, stride).unwrap().ranges(length);
            let sum: f64 = weights(&ranges).iter().sum();
            prop_assert!((sum - length as f64).abs() < 1e-9, "{sum}");
            prop_assert!(ranges.iter().all(|range| range.len() == size.min(length)));
        }
    }
}

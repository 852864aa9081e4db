//! The elementwise part of a fused stem on plain slices: batch norm, exponential, dropout and maximum over blocks of
//! tokens, forward and backward, in three passes over the convolution's output instead of a dozen.
//!
//! It is fast for two reasons. The exponential is monotonic, so the maximum over the values that are not dropped is
//! taken first, and one exponential is computed per block. And the gradient of a block reaches one token only: the
//! rest of the gradient of the batch norm is `α + β·z`, which one pass writes over `z`.
//!
//! Rows are divided among threads. Sums are kept per row and added in row order, so that the number of threads
//! changes no bit. Multiplications and additions are not fused, so that the processor changes no bit either.

use crate::networks::dropout::Mask;
use pulp::Arch;

/// The sizes of the output of a stem.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) rows: usize,
    pub(crate) tokens: usize,
    pub(crate) channels: usize,
    /// Tokens per block; a shorter last block is left out.
    pub(crate) block: usize,
}

impl Sizes {
    pub(crate) fn blocks(self) -> usize {
        self.tokens / self.block
    }

    fn row(self) -> usize {
        self.tokens * self.channels
    }

    fn pooled_row(self) -> usize {
        self.blocks() * self.channels
    }
}

/// Mean and variance of each channel over all rows and tokens.
///
/// # Shapes
/// `z [rows, tokens, channels]`
pub(crate) fn moments(z: &[f32], sizes: Sizes, threads: usize) -> (Vec<f32>, Vec<f32>) {
    let channels = sizes.channels;
    // Relative to the values of the first token, to avoid cancellation.
    let origin = &z[..channels];
    let mut sums = vec![0.0_f32; sizes.rows * 2 * channels];
    let work = z.chunks_exact(sizes.row()).zip(sums.chunks_exact_mut(2 * channels));
    share_out(
        work.collect(),
        threads,
        #[inline(always)]
        |(row, sums)| {
            let (sum, square) = sums.split_at_mut(channels);
            row.chunks_exact(channels).for_each(|token| add_moments(token, origin, sum, square));
        },
    );
    let n = (sizes.rows * sizes.tokens) as f64;
    (0..channels)
        .map(|channel| {
            let total = |offset: usize| -> f64 {
                sums.chunks_exact(2 * channels).map(|row| f64::from(row[offset + channel])).sum()
            };
            let (mean, square) = (total(0) / n, total(channels) / n);
            ((f64::from(origin[channel]) + mean) as f32, (square - mean * mean).max(0.0) as f32)
        })
        .unzip()
}

/// Results of the forward pass that the backward pass needs.
pub(crate) struct Winners {
    /// Index within its block of the token with the maximum, `[rows, blocks, channels]`.
    place: Vec<u32>,
    /// The value of this token before the norm, `[rows, blocks, channels]`.
    z: Vec<f32>,
}

/// `max over blocks of dropout(exp(slope · z + shift))`; [`Mask::none`] drops nothing.
///
/// # Shapes
/// `z [rows, tokens, channels]`, `slope` and `shift [channels]`, `pooled [rows, blocks, channels]`
pub(crate) fn pool(
    z: &[f32],
    (slope, shift): (&[f32], &[f32]),
    mask: Mask,
    pooled: &mut [f32],
    sizes: Sizes,
    threads: usize,
) -> Winners {
    let mut winners = Winners { place: vec![0; pooled.len()], z: vec![0.0; pooled.len()] };
    let channels = sizes.channels;
    let outputs = pooled
        .chunks_exact_mut(sizes.pooled_row())
        .zip(winners.place.chunks_exact_mut(sizes.pooled_row()))
        .zip(winners.z.chunks_exact_mut(sizes.pooled_row()));
    let work = z.chunks_exact(sizes.row()).enumerate().zip(outputs);
    share_out(
        work.collect(),
        threads,
        #[inline(always)]
        |((row, z), ((pooled, place), winner))| {
            let blocks = pooled.chunks_exact_mut(channels).zip(place.chunks_exact_mut(channels));
            for (block, ((best, place), winner)) in blocks.zip(winner.chunks_exact_mut(channels)).enumerate()
            {
                best.fill(f32::NEG_INFINITY);
                for number in 0..sizes.block {
                    let token = block * sizes.block + number;
                    let values = &z[token * channels..(token + 1) * channels];
                    let first = ((row * sizes.tokens + token) * channels) as u32;
                    contend(values, (slope, shift), (mask, first), number as u32, (best, place, winner));
                }
                finish(best, mask.scale);
            }
        },
    );
    winners
}

/// Gradient with respect to gain and offset of the norm, summed over all rows.
pub(crate) struct NormGradient {
    pub(crate) gain: Vec<f32>,
    pub(crate) offset: Vec<f32>,
}

/// The backward pass. Replaces `z` by the gradient with respect to `z`, and `gradient`, which is with respect to the
/// pooled values, by the one with respect to the output of the norm.
///
/// # Shapes
/// `z [rows, tokens, channels]`, `gradient` and `pooled [rows, blocks, channels]`, all others `[channels]`
pub(crate) fn pool_backward(
    z: &mut [f32],
    gradient: &mut [f32],
    (pooled, winners): (&[f32], &Winners),
    (mean, inverse, gain): (&[f32], &[f32], &[f32]),
    sizes: Sizes,
    threads: usize,
) -> NormGradient {
    let channels = sizes.channels;
    let mut sums = vec![0.0_f32; sizes.rows * 2 * channels];
    let rows = gradient
        .chunks_exact_mut(sizes.pooled_row())
        .zip(pooled.chunks_exact(sizes.pooled_row()).zip(winners.z.chunks_exact(sizes.pooled_row())));
    let work = rows.zip(sums.chunks_exact_mut(2 * channels));
    share_out(
        work.collect(),
        threads,
        #[inline(always)]
        |((gradient, (pooled, winner)), sums)| {
            let (by_offset, by_gain) = sums.split_at_mut(channels);
            let blocks = gradient.chunks_exact_mut(channels).zip(pooled.chunks_exact(channels));
            for ((gradient, pooled), winner) in blocks.zip(winner.chunks_exact(channels)) {
                through_exponential(gradient, pooled, winner, (mean, inverse), (by_offset, by_gain));
            }
        },
    );
    let total = |offset: usize| -> Vec<f32> {
        let one = |channel| {
            sums.chunks_exact(2 * channels).map(|row| f64::from(row[offset + channel])).sum::<f64>()
        };
        (0..channels).map(|channel| one(channel) as f32).collect()
    };
    let (offset, gain_gradient) = (total(0), total(channels));
    // gain · inverse · (g - mean(g) - ẑ · mean(g · ẑ)), of which all but g is α + β·z
    let n = (sizes.rows * sizes.tokens) as f32;
    let slope: Vec<f32> = gain.iter().zip(inverse).map(|(gain, inverse)| gain * inverse).collect();
    let beta: Vec<f32> = (0..channels).map(|c| -slope[c] * inverse[c] * gain_gradient[c] / n).collect();
    let alpha: Vec<f32> = (0..channels).map(|c| -slope[c] * offset[c] / n - beta[c] * mean[c]).collect();
    let work = z
        .chunks_exact_mut(sizes.row())
        .zip(gradient.chunks_exact(sizes.pooled_row()).zip(winners.place.chunks_exact(sizes.pooled_row())));
    share_out(
        work.collect(),
        threads,
        #[inline(always)]
        |(z, (gradient, place))| {
            let (pooled_tokens, rest) = z.split_at_mut(sizes.blocks() * sizes.block * channels);
            let blocks = gradient.chunks_exact(channels).zip(place.chunks_exact(channels));
            for (z, (gradient, place)) in pooled_tokens.chunks_exact_mut(sizes.block * channels).zip(blocks) {
                for (number, token) in z.chunks_exact_mut(channels).enumerate() {
                    through_norm(token, (&alpha, &beta, &slope), (gradient, place, number as u32));
                }
            }
            rest.chunks_exact_mut(channels).for_each(|token| through_norm_only(token, &alpha, &beta));
        },
    );
    NormGradient { gain: gain_gradient, offset }
}

// The loops over the channels of one token. Slices are first cut to one length, so that the compiler can vectorise.

#[inline(always)]
fn add_moments(token: &[f32], origin: &[f32], sum: &mut [f32], square: &mut [f32]) {
    let n = token.len();
    let (origin, sum, square) = (&origin[..n], &mut sum[..n], &mut square[..n]);
    for c in 0..n {
        let difference = token[c] - origin[c];
        sum[c] += difference;
        square[c] += difference * difference;
    }
}

#[inline(always)]
fn contend(
    values: &[f32],
    (slope, shift): (&[f32], &[f32]),
    (mask, first): (Mask, u32),
    number: u32,
    (best, place, winner): (&mut [f32], &mut [u32], &mut [f32]),
) {
    let n = values.len();
    let (slope, shift) = (&slope[..n], &shift[..n]);
    let (best, place, winner) = (&mut best[..n], &mut place[..n], &mut winner[..n]);
    for c in 0..n {
        let affine = slope[c] * values[c] + shift[c];
        let candidate = if mask.keeps(first.wrapping_add(c as u32)) { affine } else { f32::NEG_INFINITY };
        let wins = candidate > best[c];
        best[c] = if wins { candidate } else { best[c] };
        place[c] = if wins { number } else { place[c] };
        winner[c] = if wins { values[c] } else { winner[c] };
    }
}

#[inline(always)]
fn finish(best: &mut [f32], scale: f32) {
    for best in best {
        let value = scale * exponential(*best);
        *best = if *best > f32::NEG_INFINITY { value } else { 0.0 };
    }
}

#[inline(always)]
fn through_exponential(
    gradient: &mut [f32],
    pooled: &[f32],
    winner: &[f32],
    (mean, inverse): (&[f32], &[f32]),
    (by_offset, by_gain): (&mut [f32], &mut [f32]),
) {
    let n = gradient.len();
    let (pooled, winner, mean, inverse) = (&pooled[..n], &winner[..n], &mean[..n], &inverse[..n]);
    let (by_offset, by_gain) = (&mut by_offset[..n], &mut by_gain[..n]);
    for c in 0..n {
        // The derivative of the exponential is its value, which includes the dropout factor.
        let own = gradient[c] * pooled[c];
        gradient[c] = own;
        by_offset[c] += own;
        by_gain[c] += own * ((winner[c] - mean[c]) * inverse[c]);
    }
}

#[inline(always)]
fn through_norm(
    z: &mut [f32],
    (alpha, beta, slope): (&[f32], &[f32], &[f32]),
    (gradient, place, number): (&[f32], &[u32], u32),
) {
    let n = z.len();
    let (alpha, beta, slope) = (&alpha[..n], &beta[..n], &slope[..n]);
    let (gradient, place) = (&gradient[..n], &place[..n]);
    for c in 0..n {
        let own = slope[c] * gradient[c];
        z[c] = alpha[c] + beta[c] * z[c] + if place[c] == number { own } else { 0.0 };
    }
}

#[inline(always)]
fn through_norm_only(z: &mut [f32], alpha: &[f32], beta: &[f32]) {
    let n = z.len();
    let (alpha, beta) = (&alpha[..n], &beta[..n]);
    for c in 0..n {
        z[c] = alpha[c] + beta[c] * z[c];
    }
}

/// The input of the convolution at each token: the values of the `kernel` tokens around it, each followed by a one; all
/// zero beyond the ends of the row.
///
/// # Shapes
/// `values [rows, tokens, dim]` → `[rows, tokens, kernel, dim + 1]`
pub(crate) fn neighbourhoods(values: &[f32], (tokens, dim): (usize, usize), kernel: usize, out: &mut [f32]) {
    let (wide, half) = (dim + 1, kernel / 2);
    let rows = values.chunks_exact(tokens * dim).zip(out.chunks_exact_mut(tokens * kernel * wide));
    for (row, out) in rows {
        for (token, out) in out.chunks_exact_mut(kernel * wide).enumerate() {
            for (tap, out) in out.chunks_exact_mut(wide).enumerate() {
                match (token + tap).checked_sub(half).filter(|&seen| seen < tokens) {
                    Some(seen) => {
                        out[..dim].copy_from_slice(&row[seen * dim..(seen + 1) * dim]);
                        out[dim] = 1.0;
                    }
                    None => out.fill(0.0),
                }
            }
        }
    }
}

/// `e^x` in `f32`, within two units in the last place. `x` is clamped to -87…88.
#[inline(always)]
fn exponential(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0; // 1.5 · 2²³: adding and subtracting it rounds to an integer
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + MAGIC; // its lowest bits are that integer
    let power = shifted - MAGIC;
    let rest = (x - power * 0.693_359_4) - power * -2.121_944_4e-4; // ln 2 in two parts
    let series = 1.0 / 5040.0;
    let series = series * rest + 1.0 / 720.0;
    let series = series * rest + 1.0 / 120.0;
    let series = series * rest + 1.0 / 24.0;
    let series = series * rest + 1.0 / 6.0;
    let series = series * rest + 0.5;
    let series = series * rest + 1.0;
    let series = series * rest + 1.0;
    series * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

/// Runs `one` on each item on this many threads, compiled for the current processor. The assignment of items to threads
/// does not change a result. `one` must be marked `#[inline(always)]`, or it is compiled for a generic processor.
fn share_out<W: Send>(work: Vec<W>, threads: usize, one: impl Fn(W) + Sync) {
    let run = |part: Vec<W>| {
        for item in part {
            Arch::new().dispatch(
                #[inline(always)]
                || one(item),
            );
        }
    };
    let threads = threads.clamp(1, work.len().max(1));
    if threads == 1 {
        return run(work);
    }
    let each = work.len().div_ceil(threads);
    let mut work = work.into_iter();
    std::thread::scope(|scope| {
        loop {
            let part: Vec<W> = work.by_ref().take(each).collect();
            if part.is_empty() {
                break;
            }
            scope.spawn(|| run(part));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_that_of_the_library() {
        for step in -8700..8800 {
            let x = step as f32 / 100.0;
            approx::assert_relative_eq!(exponential(x), x.exp(), max_relative = 4e-7);
        }
    }

    #[test]
    fn threads_change_no_bit() {
        let sizes = Sizes { rows: 5, tokens: 13, channels: 20, block: 4 };
        let z: Vec<f32> = (0..5 * 13 * 20).map(|i| ((i * 37 % 101) as f32) / 50.0 - 1.0).collect();
        let run = |threads| {
            let (mean, variance) = moments(&z, sizes, threads);
            let inverse: Vec<f32> = variance.iter().map(|v| 1.0 / v.sqrt()).collect();
            let mut pooled = vec![0.0; 5 * 3 * 20];
            let winners = pool(&z, (&inverse, &mean), Mask::none(), &mut pooled, sizes, threads);
            let (mut gradient, mut z) = (pooled.clone(), z.clone());
            let norms = (mean.as_slice(), inverse.as_slice(), inverse.as_slice());
            let norm = pool_backward(&mut z, &mut gradient, (&pooled, &winners), norms, sizes, threads);
            (pooled, z, norm.gain, norm.offset)
        };
        assert_eq!(run(1), run(3));
    }
}

//! The recurrence of a selective state space model (Gu, Dao 2023, arXiv:2312.00752): for each channel and each
//! of its states,
//!
//! `state ← exp(step · rate) · state + step · input · write`, `output = Σ state · read`,
//!
//! from zero at the beginning of every sequence. Rates are negative, steps positive, so that nothing grows.
//!
//! Time is one plain loop, which runs over blocks of channels in parallel. No tensor is made per time step, and none of
//! the size tokens × channels × states. The loop runs on the CPU, on whichever device the tensors are. The result does
//! not depend on the number of threads.

use crate::error::ModelError;
use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

/// Channels of a block.
const LANES: usize = 16;

/// The inputs that vary along a sequence. The tokens of all sequences follow one another.
pub(crate) struct Inputs<'a> {
    /// `[tokens, channels]`
    pub(crate) values: &'a Tensor,
    /// `[tokens, channels]`
    pub(crate) steps: &'a Tensor,
    /// `[tokens, states]`
    pub(crate) writes: &'a Tensor,
    /// `[tokens, states]`
    pub(crate) reads: &'a Tensor,
    /// Tokens of each sequence, in order.
    pub(crate) lengths: &'a [usize],
}

/// Runs the recurrence in the type of `values`.
///
/// # Shapes
/// `rates`: `[channels, states]`; the result is `[tokens, channels]`
pub(crate) fn selective_scan(inputs: &Inputs<'_>, rates: &Tensor) -> Result<Tensor, ModelError> {
    match inputs.values.kind() {
        Kind::Double => scan_tensors::<f64>(inputs, rates),
        _ => scan_tensors::<f32>(inputs, rates),
    }
}

fn scan_tensors<T: Number>(inputs: &Inputs<'_>, rates: &Tensor) -> Result<Tensor, ModelError> {
    let (n_tokens, n_channels) = inputs.values.size2()?;
    let (_, n_states) = rates.size2()?;
    let n_blocks = (n_channels as usize).div_ceil(LANES) as i64;
    let blocks = |tensor: &Tensor| -> Result<Vec<T>, ModelError> {
        let missing = n_blocks * LANES as i64 - n_channels;
        let whole = tensor.f_constant_pad_nd([0, missing])?.f_reshape([-1, n_blocks, LANES as i64])?;
        read(&whole.f_transpose(0, 1)?) // [blocks, rows, lanes]
    };
    let scan = Scan {
        values: blocks(inputs.values)?,
        steps: blocks(inputs.steps)?,
        rates: blocks(&rates.f_transpose(0, 1)?)?,
        writes: read(inputs.writes)?,
        reads: read(inputs.reads)?,
        n_states: n_states as usize,
        lengths: inputs.lengths,
    };
    let output = Tensor::f_from_slice(&scan.run())?
        .f_reshape([n_blocks, n_tokens, LANES as i64])?
        .f_transpose(0, 1)?
        .f_reshape([n_tokens, n_blocks * LANES as i64])?
        .f_narrow(1, 0, n_channels)?;
    Ok(output.f_to_device_(inputs.values.device(), inputs.values.kind(), false, false)?)
}

fn read<T: Number>(tensor: &Tensor) -> Result<Vec<T>, ModelError> {
    let flat = tensor.f_to_device_(Device::Cpu, T::KIND, false, false)?.f_contiguous()?.f_reshape([-1])?;
    let mut values = vec![T::ZERO; flat.numel()];
    flat.f_copy_data(&mut values, flat.numel())?;
    Ok(values)
}

/// Plain arrays, row-major.
struct Scan<'a, T> {
    /// `[blocks, tokens, lanes]`
    values: Vec<T>,
    /// `[blocks, tokens, lanes]`
    steps: Vec<T>,
    /// `[blocks, states, lanes]`
    rates: Vec<T>,
    /// `[tokens, states]`
    writes: Vec<T>,
    /// `[tokens, states]`
    reads: Vec<T>,
    n_states: usize,
    lengths: &'a [usize],
}

impl<T: Number> Scan<'_, T> {
    /// # Shapes
    /// `[blocks, tokens, lanes]`
    fn run(&self) -> Vec<T> {
        let n_tokens: usize = self.lengths.iter().sum();
        let mut output = vec![T::ZERO; self.values.len()];
        let block = (n_tokens * LANES).max(1);
        output
            .par_chunks_mut(block)
            .zip(self.values.par_chunks(block))
            .zip(self.steps.par_chunks(block))
            .zip(self.rates.par_chunks((self.n_states * LANES).max(1)))
            .for_each(|(((output, values), steps), rates)| self.run_block(output, values, steps, rates));
        output
    }

    /// # Shapes
    /// `output`, `values`, `steps`: `[tokens, lanes]`; `rates`: `[states, lanes]`
    fn run_block(&self, output: &mut [T], values: &[T], steps: &[T], rates: &[T]) {
        let (rates, _) = rates.as_chunks::<LANES>();
        let (output, _) = output.as_chunks_mut::<LANES>();
        let mut tokens = output
            .iter_mut()
            .zip(values.as_chunks::<LANES>().0)
            .zip(steps.as_chunks::<LANES>().0)
            .zip(self.writes.chunks_exact(self.n_states).zip(self.reads.chunks_exact(self.n_states)));
        let mut states = vec![[T::ZERO; LANES]; self.n_states];
        for &length in self.lengths {
            states.fill([T::ZERO; LANES]);
            for (((output, values), steps), (writes, reads)) in tokens.by_ref().take(length) {
                let mut inflow = [T::ZERO; LANES];
                for ((inflow, value), step) in inflow.iter_mut().zip(values).zip(steps) {
                    *inflow = *value * *step;
                }
                let mut sum = [T::ZERO; LANES];
                for ((state, rates), (write, read)) in
                    states.iter_mut().zip(rates).zip(writes.iter().zip(reads))
                {
                    for ((((state, rate), step), inflow), sum) in
                        state.iter_mut().zip(rates).zip(steps).zip(&inflow).zip(&mut sum)
                    {
                        *state = T::exp_of_negative(*step * *rate) * *state + *inflow * *write;
                        *sum = *sum + *state * *read;
                    }
                }
                *output = sum;
            }
        }
    }
}

/// The operations that the recurrence needs from a floating-point type.
trait Number:
    Copy + Send + Sync + tch::kind::Element + std::ops::Add<Output = Self> + std::ops::Mul<Output = Self>
{
    /// Returns the exponential of a number that is not positive.
    fn exp_of_negative(self) -> Self;
}

impl Number for f64 {
    fn exp_of_negative(self) -> Self {
        self.exp()
    }
}

impl Number for f32 {
    /// `2^whole · exp(rest)` with `|rest| ≤ ln 2 / 2` and the Taylor polynomial of degree 7 for the second
    /// factor: within two units in the last place, without branches, so that the loop over lanes becomes
    /// vector instructions. Below −87 the result is 0 instead of a subnormal number.
    #[inline]
    fn exp_of_negative(self) -> Self {
        // ln 2 in two parts, so that the subtraction below is exact.
        const LN_2_HIGH: f32 = 0.693_359_4;
        const LN_2_LOW: f32 = -2.121_944_4e-4;
        // Adding and subtracting it rounds to a whole number.
        const ROUNDER: f32 = 12_582_912.0;
        let bounded = self.max(-88.0);
        let rounded = bounded * std::f32::consts::LOG2_E + ROUNDER;
        let whole = rounded - ROUNDER;
        let rest = bounded - whole * LN_2_HIGH - whole * LN_2_LOW;
        let mut sum = 1.0 / 5040.0;
        for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
            sum = sum * rest + coefficient;
        }
        // The last bits of the rounded sum are the whole number, which lies between −127 and 0.
        let exponent = rounded.to_bits().wrapping_sub(ROUNDER.to_bits()).wrapping_add(127);
        sum * f32::from_bits(exponent << 23)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn the_exponential_is_exact_to_single_precision() {
        for step in 0..=870_000 {
            let x = -(step as f32) * 1e-4;
            let exact = f64::from(x).exp();
            let error = (f64::from(x.exp_of_negative()) - exact).abs() / exact;
            assert!(error < 2.5e-7, "{x}: {error:e}");
        }
        assert_relative_eq!(0.0_f32.exp_of_negative(), 1.0, max_relative = 1e-7);
        assert!((-1e30_f32).exp_of_negative().abs() < 1e-38);
        assert!(f32::NEG_INFINITY.exp_of_negative().abs() < 1e-38);
    }

    /// The recurrence as it is written down, one number at a time.
    fn written_out(scan: [&[f64]; 5], n_states: usize, n_channels: usize, lengths: &[usize]) -> Vec<f64> {
        let [values, steps, rates, writes, reads] = scan;
        let mut output = Vec::new();
        let mut token = 0;
        for &length in lengths {
            let mut states = vec![0.0; n_channels * n_states];
            for _ in 0..length {
                for channel in 0..n_channels {
                    let place = token * n_channels + channel;
                    let mut sum = 0.0;
                    for state in 0..n_states {
                        let memory = &mut states[channel * n_states + state];
                        *memory = (steps[place] * rates[channel * n_states + state]).exp() * *memory
                            + steps[place] * values[place] * writes[token * n_states + state];
                        sum += *memory * reads[token * n_states + state];
                    }
                    output.push(sum);
                }
                token += 1;
            }
        }
        output
    }

    #[test]
    fn blocks_of_channels_and_sequences_do_not_mix() {
        for (n_channels, n_states, lengths) in [(1, 1, vec![1]), (16, 3, vec![5]), (21, 4, vec![7, 1, 12])] {
            let n_tokens: usize = lengths.iter().sum();
            let numbers = |count: usize, seed: f64| -> Vec<f64> {
                (0..count).map(|place| ((place as f64 + 1.0) * seed).sin()).collect()
            };
            let values = numbers(n_tokens * n_channels, 1.3);
            let steps: Vec<f64> = numbers(n_tokens * n_channels, 0.7).iter().map(|x| x.exp()).collect();
            let rates: Vec<f64> = numbers(n_channels * n_states, 2.1).iter().map(|x| -x.exp()).collect();
            let writes = numbers(n_tokens * n_states, 0.9);
            let reads = numbers(n_tokens * n_states, 1.7);
            let expected =
                written_out([&values, &steps, &rates, &writes, &reads], n_states, n_channels, &lengths);
            for (kind, tolerance) in [(Kind::Double, 1e-13), (Kind::Float, 2e-6)] {
                let tensor = |values: &[f64], width: usize| {
                    Tensor::from_slice(values).reshape([-1, width as i64]).to_kind(kind)
                };
                let inputs = Inputs {
                    values: &tensor(&values, n_channels),
                    steps: &tensor(&steps, n_channels),
                    writes: &tensor(&writes, n_states),
                    reads: &tensor(&reads, n_states),
                    lengths: &lengths,
                };
                let output = selective_scan(&inputs, &tensor(&rates, n_states)).unwrap();
                assert_eq!((output.size(), output.kind()), (vec![n_tokens as i64, n_channels as i64], kind));
                let got: Vec<f64> = output.to_kind(Kind::Double).reshape([-1]).try_into().unwrap();
                for (got, expected) in got.iter().zip(&expected) {
                    assert!((got - expected).abs() < tolerance * 10.0, "{got} {expected}");
                }
            }
        }
    }
}

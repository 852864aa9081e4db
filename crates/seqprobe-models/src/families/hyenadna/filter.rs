//! HyenaDNA's long convolution: a filter as long as the input, which a small network computes from features of the
//! position. It is applied with the Fourier transform.
//!
//! The filter of a short input is the beginning of the filter of a longer one: positions are scaled to the
//! length for which the model was made, and not to that of the input. So one filter is enough for a whole batch.

use super::config::Config;
use crate::error::ModelError;
use crate::layers::linear::Linear;
use crate::layers::packing::Packing;
use crate::parameters::Parameters;
use crate::parameters::initialise::Initialisation;
use tch::{Device, Kind, Tensor};

/// The features of positions that the filters of all blocks use.
pub(super) struct Positions {
    /// `[max length, features]`
    features: Tensor,
    /// `[max length, 1]`, from 0 to 1
    times: Tensor,
}

impl Positions {
    /// Computes the features by the authors' formulas, in 32 bits as in their code: the time from 0 to 1, then
    /// cosines and minus sines of `2π · position / length · frequency`, frequencies evenly spaced from 1e-4 to
    /// bands − 1.
    pub(super) fn computed(config: &Config, kind: Kind, device: Device) -> Result<Self, ModelError> {
        let options = (Kind::Float, Device::Cpu);
        let length = config.max_length as i64;
        let n_bands = (config.n_features as i64 - 1) / 2;
        let times = Tensor::f_linspace(0, 1, length, options)?.f_unsqueeze(1)?;
        let angles = Tensor::f_linspace(0, length - 1, length, options)?
            .f_mul_scalar(std::f64::consts::TAU)?
            .f_div_scalar(length)?
            .f_unsqueeze(1)?;
        let frequencies = Tensor::f_linspace(1e-4, (n_bands - 1) as f64, n_bands, options)?;
        let phases = frequencies.f_neg()?.f_mul(&angles)?; // [max length, bands]
        let features = Tensor::f_cat(&[times.shallow_clone(), phases.f_cos()?, phases.f_sin()?], 1)?;
        let place = |tensor: Tensor| tensor.f_to_device_(device, kind, false, false);
        Ok(Self { features: place(features)?, times: place(times)? })
    }

    /// Returns the features that the checkpoint stores for a block, else the computed ones.
    fn take(&self, parameters: &mut Parameters, stem: &str, config: &Config) -> Result<Self, ModelError> {
        let (length, n_features) = (config.max_length, config.n_features);
        let mut stored = |name: &str, width: usize, computed: &Tensor| {
            let found = parameters.take_optional(&format!("{stem}.pos_emb.{name}"), &[1, length, width])?;
            match found {
                Some(tensor) => Ok::<Tensor, ModelError>(tensor.f_squeeze_dim(0)?),
                None => Ok(computed.shallow_clone()),
            }
        };
        Ok(Self { features: stored("z", n_features, &self.features)?, times: stored("t", 1, &self.times)? })
    }
}

/// The long convolution of one block.
pub(super) struct LongFilter {
    positions: Positions,
    /// The network's layers and the frequencies of the sine that follows each, `[filter width]`.
    layers: Vec<(Linear, Tensor)>,
    output: Linear,
    /// Decay rates, `[width]`
    rates: Tensor,
    shift: f64,
    /// Weight of the input itself, `[width]`
    skip: Tensor,
}

impl LongFilter {
    /// Takes the tensors under `stem`. One sine activation is shared by all layers of the network, so a checkpoint
    /// stores its frequencies once or as several equal copies; a layer uses its own copy if it has one.
    pub(super) fn take(
        parameters: &mut Parameters,
        stem: &str,
        config: &Config,
        positions: &Positions,
    ) -> Result<Self, ModelError> {
        let normal = Initialisation::Normal { deviation: config.initializer_range };
        let (width, inner) = (config.width, config.filter_width);
        let skip =
            parameters.take(&format!("{stem}.bias"), &[width], Initialisation::Normal { deviation: 1.0 })?;
        let start = Initialisation::Constant { value: config.frequency };
        let frequencies = parameters
            .take(&format!("{stem}.implicit_filter.1.freq"), &[1, inner], start)?
            .f_squeeze_dim(0)?;
        let mut layers = Vec::with_capacity(config.n_inner_filter_layers + 1);
        for index in 0..=config.n_inner_filter_layers {
            let inputs = if index == 0 { config.n_features } else { inner };
            let name = format!("{stem}.implicit_filter.{}", 2 * index);
            let linear = Linear::take(parameters, &name, inputs, inner, normal)?;
            let copy = match index {
                0 => None,
                _ => parameters
                    .take_optional(&format!("{stem}.implicit_filter.{}.freq", 2 * index + 1), &[1, inner])?,
            };
            let own = match copy {
                Some(copy) => copy.f_squeeze_dim(0)?,
                None => frequencies.shallow_clone(),
            };
            layers.push((linear, own));
        }
        let last = format!("{stem}.implicit_filter.{}", 2 * config.n_inner_filter_layers + 2);
        let output = Linear::take_without_bias(parameters, &last, inner, width, normal)?;
        let rates = match parameters.take_optional(&format!("{stem}.modulation.deltas"), &[1, 1, width])? {
            Some(stored) => stored.f_reshape([-1])?,
            None => {
                let (slow, fast) = (config.window.slow, config.window.fast);
                let target = config.window.target.ln();
                let options = (Kind::Float, Device::Cpu);
                Tensor::f_linspace(target / slow, target / fast, width as i64, options)?.f_to_device_(
                    parameters.device(),
                    parameters.kind(),
                    false,
                    false,
                )?
            }
        };
        Ok(Self {
            positions: positions.take(parameters, stem, config)?,
            layers,
            output,
            rates: rates.f_abs()?,
            shift: config.window.shift,
            skip,
        })
    }

    /// # Shapes
    /// `[length, width]`
    fn filter(&self, length: i64) -> Result<Tensor, ModelError> {
        let mut state = self.positions.features.f_narrow(0, 0, length)?;
        for (linear, frequencies) in &self.layers {
            state = linear.forward(&state)?.f_mul(frequencies)?.f_sin()?; // [length, filter width]
        }
        let times = self.positions.times.f_narrow(0, 0, length)?;
        let window = times.f_mul(&self.rates)?.f_neg()?.f_exp()?.f_add_scalar(self.shift)?;
        Ok(self.output.forward(&state)?.f_mul(&window)?)
    }

    /// Computes the causal convolution of every sequence with the filter, plus the weighted input.
    ///
    /// # Shapes
    /// `[packed tokens, width]` to the same
    pub(super) fn forward(&self, input: &Tensor, buckets: &[Bucket]) -> Result<Tensor, ModelError> {
        let longest = buckets.iter().map(|bucket| bucket.length).max().unwrap_or(0);
        let filter = self.filter(longest)?.f_transpose(0, 1)?.f_contiguous()?; // [width, longest]
        let mut convolved = Vec::with_capacity(buckets.len());
        for bucket in buckets {
            // Twice the length, so that the end of a sequence does not run into its beginning.
            let size = fast_size(2 * bucket.length);
            let sequences = bucket.spread(input)?.f_transpose(1, 2)?.f_contiguous()?; // [sequences, width, length]
            let spectrum = filter.f_narrow(1, 0, bucket.length)?.f_fft_rfft(size, -1, "backward")?;
            let product = sequences.f_fft_rfft(size, -1, "backward")?.f_mul_(&spectrum)?;
            let output = product.f_fft_irfft(size, -1, "backward")?.f_narrow(2, 0, bucket.length)?;
            convolved.push(bucket.gather(&output.f_transpose(1, 2)?)?);
        }
        Ok(Tensor::f_cat(&convolved, 0)?.f_addcmul(input, &self.skip)?)
    }
}

/// Packed sequences of similar lengths that share one Fourier transform. Shorter ones are filled up with copies of
/// another token, which is allowed because the convolution is causal: later places do not change earlier ones.
pub(super) struct Bucket {
    /// First packed token.
    start: i64,
    n_tokens: i64,
    n_sequences: i64,
    /// Of the longest sequence.
    length: i64,
    /// For each place of `[sequences, length]` the token of the bucket, and for each token its place; `None` if all
    /// sequences are equally long.
    places: Option<(Tensor, Tensor)>,
}

impl Bucket {
    /// Neighbours in the packed order share a bucket as long as there are at most a quarter more places than tokens.
    pub(super) fn all_of(packing: &Packing, device: Device) -> Result<Vec<Self>, ModelError> {
        let lengths: Vec<i64> = packing.lengths().into_iter().map(|length| length as i64).collect();
        let mut buckets = Vec::new();
        let (mut rest, mut start) = (lengths.as_slice(), 0);
        while !rest.is_empty() {
            let mut n_tokens = 0;
            // Lengths grow in packed order.
            let fits = |(before, length): &(usize, &i64)| {
                n_tokens += **length;
                4 * (*before as i64 + 1) * **length <= 5 * n_tokens
            };
            let count = rest.iter().enumerate().take_while(fits).count().max(1);
            let (own, others) = rest.split_at(count);
            buckets.push(Self::of(own, start, device)?);
            start += own.iter().sum::<i64>();
            rest = others;
        }
        Ok(buckets)
    }

    fn of(lengths: &[i64], start: i64, device: Device) -> Result<Self, ModelError> {
        let length = lengths.iter().copied().max().unwrap_or(0);
        let (mut of_place, mut of_token) = (Vec::new(), Vec::new());
        let mut n_tokens = 0;
        for (row, &own) in (0..).zip(lengths) {
            of_place.extend((0..length).map(|column| if column < own { n_tokens + column } else { 0 }));
            of_token.extend((0..own).map(|column| row * length + column));
            n_tokens += own;
        }
        let on_device =
            |values: &[i64]| Tensor::f_from_slice(values)?.f_to_device_(device, Kind::Int64, false, false);
        let places = match of_place.len() == of_token.len() {
            true => None,
            false => Some((on_device(&of_place)?, on_device(&of_token)?)),
        };
        Ok(Self { start, n_tokens, n_sequences: lengths.len() as i64, length, places })
    }

    /// # Shapes
    /// `[packed tokens, width]` to `[sequences, length, width]`
    fn spread(&self, packed: &Tensor) -> Result<Tensor, ModelError> {
        let own = packed.f_narrow(0, self.start, self.n_tokens)?;
        let sizes = [self.n_sequences, self.length, -1];
        match &self.places {
            Some((of_place, _)) => Ok(own.f_index_select(0, of_place)?.f_reshape(sizes)?),
            None => Ok(own.f_reshape(sizes)?),
        }
    }

    /// # Shapes
    /// `[sequences, length, width]` to `[tokens of the bucket, width]`
    fn gather(&self, spread: &Tensor) -> Result<Tensor, ModelError> {
        let flat = spread.f_reshape([self.n_sequences * self.length, -1])?;
        match &self.places {
            Some((_, of_token)) => Ok(flat.f_index_select(0, of_token)?),
            None => Ok(flat),
        }
    }
}

/// Returns the smallest number of at least `least` that has no prime factor above 5. Fourier transforms of other
/// sizes can be many times slower.
fn fast_size(least: i64) -> i64 {
    let is_fast = |size: &i64| {
        let mut rest = *size;
        for prime in [2, 3, 5] {
            while rest % prime == 0 {
                rest /= prime;
            }
        }
        rest == 1
    };
    (least.max(1)..).find(is_fast).unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::{Bucket, fast_size};
    use crate::batch::{TokenBatch, Tokens};
    use crate::layers::packing::Packing;
    use tch::{Device, Kind, Tensor};

    #[test]
    fn similar_lengths_share_a_bucket_and_every_token_is_recovered() {
        let lengths = [40, 9, 10, 10, 8, 100];
        let tokens: Vec<Tokens> = lengths
            .iter()
            .map(|&length| Tokens { ids: vec![1; length], special: vec![false; length] })
            .collect();
        let packing = Packing::new(&TokenBatch::from_tokens(&tokens, 0), 2, None).unwrap();
        let buckets = Bucket::all_of(&packing, Device::Cpu).unwrap();
        let sizes: Vec<(i64, i64)> =
            buckets.iter().map(|bucket| (bucket.n_sequences, bucket.length)).collect();
        assert_eq!(sizes, [(4, 10), (1, 40), (1, 100)]);
        let packed = Tensor::arange(177, (Kind::Float, Device::Cpu)).unsqueeze(1);
        let back: Vec<Tensor> =
            buckets.iter().map(|bucket| bucket.gather(&bucket.spread(&packed).unwrap()).unwrap()).collect();
        assert_eq!(Tensor::cat(&back, 0), packed);
    }

    #[test]
    fn sizes_have_small_factors_and_are_little_more_than_asked() {
        let sizes: Vec<i64> = [1, 2, 7, 14, 26, 2051, 2_000_004].map(fast_size).into();
        assert_eq!(sizes, [1, 2, 8, 15, 27, 2160, 2_025_000]);
    }
}

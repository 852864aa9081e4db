//! The first seven layers of `tang-mpra-cnn` as one: norm, reduction, convolution, norm, exponential, dropout,
//! maximum over blocks. It computes the same function and gradients as the single layers, with much less memory
//! traffic: a fit needs 36% of their processor time on one-hot input, and as much as they do on wide input (256
//! channels).
//!
//! - No gradient with respect to the input is needed, so the scale of the input norm moves into the weights of the
//!   reduction.
//! - There is no nonlinearity between reduction and convolution. For narrow tokens, their weights are multiplied first
//!   and one narrow product runs; a channel of ones carries the bias of the reduction, which padding does not have.
//! - The other layers run on plain slices (`stem_kernels.rs`). libtorch then differentiates the sum of products of the
//!   convolution's output and the gradient with respect to it, which gives the gradient with respect to the weights.

use crate::error::torch;
use crate::networks::batch::Batch;
use crate::networks::batch_norm::move_running;
use crate::networks::dropout::Mask;
use crate::networks::layer::{Convention, Layer};
use crate::networks::layered_network::{LayeredNetwork, run};
use crate::networks::mode::Mode;
use crate::networks::parameters::NetworkParameters;
use crate::networks::stem_kernels::{Sizes, Winners, moments, neighbourhoods, pool, pool_backward};
use crate::networks::tensor_memory::{values, values_mut};
use rand_chacha::ChaCha8Rng;
use seqprobe_core::ProbeError;
use tch::{Kind, TchError, Tensor};

/// Number of layers that are fused.
const FUSED: usize = 7;
const INPUT_NORM: &str = "00";
const NORM: &str = "03";

/// The sizes of a stem.
struct Stem {
    dim: i64,
    width: i64,
    channels: i64,
    kernel: i64,
    input_norm: Convention,
    norm: Convention,
    dropout: f64,
    sizes: Sizes,
}

/// Results of the forward pass that the backward pass needs.
struct Trace {
    /// The output of the convolution `[rows · tokens, channels]`, with its autograd history.
    z: Tensor,
    mean: Vec<f32>,
    inverse: Vec<f32>,
    winners: Winners,
    /// `[rows, blocks, channels]`
    pooled: Tensor,
}

impl LayeredNetwork {
    fn stem(&self, rows: usize) -> Option<Stem> {
        let [
            Layer::BatchNorm(input_norm),
            Layer::Convolution(reduction),
            Layer::Convolution(convolution),
            Layer::BatchNorm(norm),
            Layer::Exp,
            Layer::Dropout(dropout),
            Layer::MaxPool(block),
            ..,
        ] = self.layers.as_slice()
        else {
            return None;
        };
        let is_plain = reduction.kernel == 1
            && convolution.same_length
            && convolution.dilation == 1
            && reduction.bias
            && convolution.bias;
        is_plain.then_some(Stem {
            dim: self.dim as i64,
            width: reduction.channels as i64,
            channels: convolution.channels as i64,
            kernel: convolution.kernel as i64,
            input_norm: *input_norm,
            norm: *norm,
            dropout: *dropout,
            sizes: Sizes { rows, tokens: self.tokens, channels: convolution.channels, block: *block },
        })
    }

    /// As [`Self::forward`] when predicting; `None` if the network has no such stem.
    pub(crate) fn fused_forward(
        &self,
        parameters: &NetworkParameters,
        batch: &Batch,
    ) -> Result<Option<Tensor>, TchError> {
        let Some(stem) = self.stem(batch.lengths.len()) else { return Ok(None) };
        let trace = stem.forward(parameters, batch, &mut Mode::Predict)?;
        let placed = self.placed_layers()?;
        let tail = as_tokens(&trace.pooled)?;
        run(&placed[FUSED..], parameters, tail, &mut Mode::Predict, &mut |_, _| Ok(())).map(Some)
    }

    /// Whether the first layers are such a stem.
    pub(crate) fn has_fused_stem(&self) -> bool {
        self.stem(1).is_some()
    }

    /// As [`crate::networks::ProbeNetwork::gradient`], of a network with such a stem.
    pub(crate) fn fused_gradient(
        &self,
        parameters: &NetworkParameters,
        batch: &Batch,
        masks: &mut ChaCha8Rng,
        loss: impl FnOnce(&Tensor) -> Result<Tensor, ProbeError>,
    ) -> Result<(f64, Tensor), ProbeError> {
        let Some(stem) = self.stem(batch.lengths.len()) else {
            return Err(ProbeError::Torch("the network has no fused stem".to_owned()));
        };
        tch::with_grad(|| {
            let mut mode = Mode::Train(masks);
            let trace = stem.forward(parameters, batch, &mut mode).map_err(torch)?;
            let pooled = trace.pooled.f_detach().map_err(torch)?.set_requires_grad(true);
            let placed = self.placed_layers().map_err(torch)?;
            let output = as_tokens(&pooled)
                .and_then(|tail| run(&placed[FUSED..], parameters, tail, &mut mode, &mut |_, _| Ok(())))
                .map_err(torch)?;
            let loss = loss(&output)?;
            let value = loss.f_double_value(&[]).map_err(torch)?;
            let gradient = stem.backward(parameters, &trace, &pooled, &loss).map_err(torch)?;
            Ok((value, gradient))
        })
    }
}

impl Stem {
    fn forward(
        &self,
        parameters: &NetworkParameters,
        batch: &Batch,
        mode: &mut Mode<'_>,
    ) -> Result<Trace, TchError> {
        let threads = threads();
        let (mean, inverse) = self.input_moments(parameters, batch, mode)?;
        let z = self.convolved(parameters, batch, &mean, &inverse)?;
        let flat = z.f_detach()?;
        let z_values = values(&flat)?;
        let (epsilon, share) = self.norm.constants();
        let (mean, variance) = match mode {
            Mode::Train(_) => {
                let (mean, variance) = moments(z_values, self.sizes, threads);
                move_running(
                    parameters,
                    NORM,
                    share,
                    (&Tensor::f_from_slice(&mean)?, &Tensor::f_from_slice(&variance)?),
                )?;
                (mean, variance)
            }
            Mode::Predict => {
                (numbers(parameters, NORM, "running-mean")?, numbers(parameters, NORM, "running-variance")?)
            }
        };
        let inverse: Vec<f32> =
            variance.iter().map(|&v| (1.0 / (f64::from(v) + epsilon).sqrt()) as f32).collect();
        let (gain, offset) = (numbers(parameters, NORM, "gain")?, numbers(parameters, NORM, "offset")?);
        let slope: Vec<f32> = gain.iter().zip(&inverse).map(|(gain, inverse)| gain * inverse).collect();
        let shift: Vec<f32> = offset
            .iter()
            .zip(&slope)
            .zip(&mean)
            .map(|((offset, slope), mean)| offset - slope * mean)
            .collect();
        let mask = match mode {
            Mode::Train(rng) if self.dropout > 0.0 => Mask::draw(self.dropout, rng),
            _ => Mask::none(),
        };
        let shape = [self.sizes.rows as i64, self.sizes.blocks() as i64, self.channels];
        let mut pooled = Tensor::f_empty(shape, (Kind::Float, tch::Device::Cpu))?;
        let winners = pool(z_values, (&slope, &shift), mask, values_mut(&mut pooled)?, self.sizes, threads);
        Ok(Trace { z, mean, inverse, winners, pooled })
    }

    /// Mean and inverse deviation of the input channels. Training also updates the running statistics.
    ///
    /// # Shapes
    /// `[dim]` each
    fn input_moments(
        &self,
        parameters: &NetworkParameters,
        batch: &Batch,
        mode: &Mode<'_>,
    ) -> Result<(Tensor, Tensor), TchError> {
        let (epsilon, share) = self.input_norm.constants();
        let (mean, variance) = match mode {
            Mode::Train(_) => {
                let sizes = Sizes { channels: batch.values.size()[2] as usize, block: 1, ..self.sizes };
                let (mean, variance) = moments(values(&batch.values)?, sizes, threads());
                let (mean, variance) = (Tensor::f_from_slice(&mean)?, Tensor::f_from_slice(&variance)?);
                move_running(parameters, INPUT_NORM, share, (&mean, &variance))?;
                (mean, variance)
            }
            Mode::Predict => {
                let get =
                    |what: &str| parameters.get(&format!("{INPUT_NORM}/{what}")).map(Tensor::shallow_clone);
                (get("running-mean")?, get("running-variance")?)
            }
        };
        Ok((mean, variance.f_add_scalar(epsilon)?.f_rsqrt()?))
    }

    /// Norm, reduction and convolution.
    ///
    /// # Shapes
    /// `batch.values [rows, tokens, dim]` → `[rows · tokens, channels]`
    fn convolved(
        &self,
        parameters: &NetworkParameters,
        batch: &Batch,
        mean: &Tensor,
        inverse: &Tensor,
    ) -> Result<Tensor, TchError> {
        let (dim, width, channels, kernel) = (self.dim, self.width, self.channels, self.kernel);
        let (rows, tokens) = (self.sizes.rows as i64, self.sizes.tokens as i64);
        let get = |name: &str| parameters.get(name);
        // gain · (x - mean) · inverse + offset, then the reduction: one linear map of x
        let scale = get("00/gain")?.f_mul(inverse)?;
        let shift = get("00/offset")?.f_sub(&scale.f_mul(mean)?)?;
        let reduction = get("01/weight")?.f_view([width, dim])?;
        let bias = get("01/bias")?.f_add(&reduction.f_mv(&shift)?)?;
        let reduction = reduction.f_mul(&scale)?;
        let (weight, own_bias) = (get("02/weight")?, get("02/bias")?);
        if kernel * (dim + 1) <= width {
            let reduction = Tensor::f_cat(&[reduction, bias.f_unsqueeze(1)?], 1)?;
            let weight = weight.f_view([channels * kernel, width])?.f_matmul(&reduction)?;
            let weight = weight.f_view([channels, kernel * (dim + 1)])?;
            let shape = [rows * tokens, kernel * (dim + 1)];
            let mut seen = Tensor::f_empty(shape, (Kind::Float, tch::Device::Cpu))?;
            let sizes = (self.sizes.tokens, dim as usize);
            neighbourhoods(values(&batch.values)?, sizes, kernel as usize, values_mut(&mut seen)?);
            return own_bias.f_addmm(&seen, &weight.f_transpose(0, 1)?);
        }
        let reduced = bias.f_addmm(&batch.values.f_view([-1, dim])?, &reduction.f_transpose(0, 1)?)?;
        let reduced = reduced.f_view([rows, 1, tokens, width])?.f_permute([0, 3, 1, 2])?;
        let weight = weight.f_view([channels, 1, kernel, width])?.f_permute([0, 3, 1, 2])?;
        let z = reduced.f_conv2d(&weight, Some(own_bias), [1, 1], [0, kernel / 2], [1, 1], 1)?;
        z.f_permute([0, 2, 3, 1])?.f_reshape([rows * tokens, channels])
    }

    /// The gradient with respect to all trained parameters, in their order.
    fn backward(
        &self,
        parameters: &NetworkParameters,
        trace: &Trace,
        pooled: &Tensor,
        loss: &Tensor,
    ) -> Result<Tensor, TchError> {
        let trained = parameters.specifications().iter().filter(|one| one.role.is_trained());
        let names: Vec<&str> = trained.map(|one| one.name.as_ref()).collect();
        let is_in =
            |name: &str, layers: &[&str]| layers.iter().any(|layer| name.starts_with(&format!("{layer}/")));
        let tensors = |wanted: &dyn Fn(&str) -> bool| -> Result<Vec<Tensor>, TchError> {
            let chosen = names.iter().filter(|name| wanted(name));
            chosen.map(|name| parameters.get(name).map(Tensor::shallow_clone)).collect()
        };
        let is_linear = |name: &str| is_in(name, &[INPUT_NORM, "01", "02"]);
        let is_tail = |name: &str| !is_linear(name) && !is_in(name, &[NORM]);

        let mut wanted = tensors(&is_tail)?;
        wanted.push(pooled.shallow_clone());
        let mut tail = Tensor::f_run_backward(&[loss], &wanted, false, false)?;
        let by_pooled = tail.pop().ok_or_else(|| TchError::Torch("a gradient is missing".to_owned()))?;
        let mut by_pooled = by_pooled.f_contiguous()?;
        let mut z = trace.z.f_detach()?;
        let gain = numbers(parameters, NORM, "gain")?;
        let norm = pool_backward(
            values_mut(&mut z)?,
            values_mut(&mut by_pooled)?,
            (values(&trace.pooled)?, &trace.winners),
            (&trace.mean, &trace.inverse, &gain),
            self.sizes,
            threads(),
        );
        // The gradient of Σ z·g with respect to the inputs of z is the wanted one. The memory of `z` now contains g.
        let product = trace.z.f_view(-1)?.f_dot(&z.f_view(-1)?)?;
        let linear = Tensor::f_run_backward(&[product], &tensors(&is_linear)?, false, false)?;

        let (mut tail, mut linear) = (tail.into_iter(), linear.into_iter());
        let norm = [Tensor::f_from_slice(&norm.gain)?, Tensor::f_from_slice(&norm.offset)?];
        let mut parts = Vec::with_capacity(names.len());
        for name in names {
            let part = if is_in(name, &[NORM]) {
                Some(norm[usize::from(name.ends_with("offset"))].shallow_clone())
            } else if is_linear(name) {
                linear.next()
            } else {
                tail.next()
            };
            let part = part.ok_or_else(|| TchError::Torch(format!("the gradient of {name} is missing")))?;
            parts.push(part.f_reshape(-1)?);
        }
        tch::no_grad(|| Tensor::f_cat(&parts, 0))
    }
}

/// `[rows, blocks, channels]` as `[rows, channels, 1, blocks]`, the same memory.
fn as_tokens(pooled: &Tensor) -> Result<Tensor, TchError> {
    pooled.f_unsqueeze(1)?.f_permute([0, 3, 1, 2])
}

fn threads() -> usize {
    tch::get_num_threads().try_into().unwrap_or(1)
}

fn numbers(parameters: &NetworkParameters, layer: &str, what: &str) -> Result<Vec<f32>, TchError> {
    Vec::<f32>::try_from(parameters.get(&format!("{layer}/{what}"))?.f_detach()?)
}

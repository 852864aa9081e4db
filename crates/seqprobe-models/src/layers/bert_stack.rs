//! The network that the BERT-like families share: embeddings (word + position + token type 0, then a norm) and blocks
//! of attention and a two-layer feed-forward. The norms come after each residual sum (BERT) or before each part
//! (GENA-LM).
//!
//! Sequences are computed without padding: the tokens of the whole batch follow one another, and only attention
//! separates sequences, in groups of equal length. So padding never changes a value.

use crate::batch::TokenBatch;
use crate::encoder::EncoderSpec;
use crate::error::ModelError;
use crate::layers::attention::{Positions, attend};
use crate::layers::bert_settings::BertSettings;
use crate::layers::layer_plan::{Kept, LayerPlan};
use crate::layers::linear::{LayerNorm, Linear};
use crate::layers::network::Network;
use crate::layers::packing::Packing;
use crate::parameters::Parameters;
use crate::parameters::initialise::Initialisation;
use seqprobe_core::LayerIndex;
use tch::{Device, Kind, Tensor};

/// Where a block has its norms.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum NormPlace {
    /// After each residual sum.
    AfterSum,
    /// Before attention and before the feed-forward (Xiong et al. 2020, arXiv:2002.04745).
    BeforePart,
}

/// The differences between the families.
pub(crate) struct BertLayout {
    /// Name of the attention module in a block's tensors: `attention.self`.
    pub(crate) attention: &'static str,
    pub(crate) norm_place: NormPlace,
    /// Name of a norm after the last block.
    pub(crate) last_norm: Option<&'static str>,
    /// Whether weights are initialised like the layers of torch, and not from one normal distribution.
    pub(crate) starts_as_torch: bool,
}

/// Word embeddings, the vectors that are added to them, and their norm.
pub(crate) struct BertEmbeddings {
    /// `[vocabulary, hidden]`
    embedding_table: Tensor,
    /// Token type 0 alone `[1, hidden]`, or added to each position `[positions, hidden]`.
    added: Tensor,
    has_positions: bool,
    norm: LayerNorm,
}

impl BertEmbeddings {
    /// Takes `embeddings.*`; `max_positions` is `None` for a model without position embeddings.
    pub(crate) fn take(
        parameters: &mut Parameters,
        settings: &BertSettings,
        max_positions: Option<usize>,
        starts_as_torch: bool,
    ) -> Result<Self, ModelError> {
        let width = settings.hidden_size;
        // Torch initialises an embedding from a standard normal distribution.
        let deviation = if starts_as_torch { 1.0 } else { settings.initializer_range };
        let normal = Initialisation::Normal { deviation };
        let padded = Initialisation::NormalButRow { deviation, row: settings.pad_token_id };
        let mut table = |name: &str, rows: usize, start: Initialisation| {
            parameters.take(&format!("embeddings.{name}_embeddings.weight"), &[rows, width], start)
        };
        let embedding_table = table("word", settings.vocab_size, padded)?;
        let positions = max_positions.map(|rows| table("position", rows, normal)).transpose()?;
        let first_type = table("token_type", settings.n_token_types, normal)?.f_narrow(0, 0, 1)?;
        let added = match &positions {
            Some(positions) => positions.f_add(&first_type)?,
            None => first_type,
        };
        let norm = LayerNorm::take(parameters, "embeddings.LayerNorm", width, settings.norm_epsilon)?;
        Ok(Self { embedding_table, added, has_positions: positions.is_some(), norm })
    }

    /// # Shapes
    /// `[packed tokens, hidden]`
    pub(crate) fn forward(&self, packing: &Packing, device: Device) -> Result<Tensor, ModelError> {
        let index = |values: &[i64]| -> Result<Tensor, ModelError> {
            Ok(Tensor::f_from_slice(values)?.f_to_device_(device, Kind::Int64, false, false)?)
        };
        let embedded = self.embedding_table.f_index_select(0, &index(&packing.ids)?)?;
        let embedded = match self.has_positions {
            true => embedded.f_add(&self.added.f_index_select(0, &index(&packing.columns)?)?)?,
            false => embedded.f_add(&self.added)?,
        };
        self.norm.forward(&embedded)
    }
}

struct Block {
    norm_place: NormPlace,
    attention_norm: LayerNorm,
    /// Query, key and value in one product.
    query_key_value: Linear,
    attention_output: Linear,
    feed_forward_norm: LayerNorm,
    intermediate: Linear,
    output: Linear,
}

impl Block {
    fn take(
        parameters: &mut Parameters,
        stem: &str,
        settings: &BertSettings,
        layout: &BertLayout,
    ) -> Result<Self, ModelError> {
        let (width, inner) = (settings.hidden_size, settings.intermediate_size);
        let (weights, biases) = start_of(width, settings, layout);
        let parts = ["query", "key", "value"].map(|part| format!("{stem}.{}.{part}", layout.attention));
        let query_key_value = Linear::take_stacked(parameters, &parts, [width, width], weights, biases)?;
        let mut linear = |name: &str, inputs: usize, outputs: usize| {
            take_linear(parameters, &format!("{stem}.{name}"), [inputs, outputs], settings, layout)
        };
        let attention_output = linear("attention.output.dense", width, width)?;
        let intermediate = linear("intermediate.dense", width, inner)?;
        let output = linear("output.dense", inner, width)?;
        let names = match layout.norm_place {
            NormPlace::AfterSum => ["attention.output.LayerNorm", "output.LayerNorm"],
            NormPlace::BeforePart => ["pre_attention_ln", "post_attention_ln"],
        };
        let mut norm =
            |name: &str| LayerNorm::take(parameters, &format!("{stem}.{name}"), width, settings.norm_epsilon);
        Ok(Self {
            norm_place: layout.norm_place,
            attention_norm: norm(names[0])?,
            query_key_value,
            attention_output,
            feed_forward_norm: norm(names[1])?,
            intermediate,
            output,
        })
    }

    /// # Shapes
    /// `[packed tokens, hidden]` to the same
    fn forward(&self, state: &Tensor, packing: &Packing, n_heads: i64) -> Result<Tensor, ModelError> {
        let attention = |input: &Tensor| -> Result<Tensor, ModelError> {
            let projected = self.query_key_value.forward(input)?; // [packed tokens, 3 * hidden]
            let attended = attend(&projected, packing, n_heads, &Positions::Absent)?; // [packed tokens, hidden]
            self.attention_output.add_to(state, &attended)
        };
        let feed_forward = |input: &Tensor, state: &Tensor| -> Result<Tensor, ModelError> {
            let inner = self.intermediate.forward(input)?.f_gelu_("none")?; // [packed tokens, intermediate]
            self.output.add_to(state, &inner)
        };
        match self.norm_place {
            NormPlace::AfterSum => {
                let state = self.attention_norm.forward(&attention(state)?)?;
                self.feed_forward_norm.forward(&feed_forward(&state, &state)?)
            }
            NormPlace::BeforePart => {
                let state = attention(&self.attention_norm.forward(state)?)?;
                feed_forward(&self.feed_forward_norm.forward(&state)?, &state)
            }
        }
    }
}

fn take_linear(
    parameters: &mut Parameters,
    stem: &str,
    [inputs, outputs]: [usize; 2],
    settings: &BertSettings,
    layout: &BertLayout,
) -> Result<Linear, ModelError> {
    let (weights, biases) = start_of(inputs, settings, layout);
    let weight = parameters.take(&format!("{stem}.weight"), &[outputs, inputs], weights)?;
    let bias = parameters.take(&format!("{stem}.bias"), &[outputs], biases)?;
    Linear::for_matmul(parameters, &weight, Some(&bias))
}

/// Returns the initialisation of weights and biases of a linear layer.
fn start_of(inputs: usize, settings: &BertSettings, layout: &BertLayout) -> (Initialisation, Initialisation) {
    if !layout.starts_as_torch {
        let normal = Initialisation::Normal { deviation: settings.initializer_range };
        return (normal, Initialisation::Zeros);
    }
    // Torch initialises weight and bias of a linear layer uniformly within 1 / sqrt(inputs).
    let uniform = Initialisation::Uniform { bound: 1.0 / (inputs as f64).sqrt() };
    (uniform, uniform)
}

/// A BERT-like network.
pub(crate) struct BertStack {
    vocab_size: usize,
    n_heads: i64,
    device: Device,
    embeddings: BertEmbeddings,
    blocks: Vec<Block>,
    last_norm: Option<LayerNorm>,
}

impl BertStack {
    /// Takes all parameters and describes the network.
    pub(crate) fn take(
        parameters: &mut Parameters,
        settings: &BertSettings,
        layout: &BertLayout,
        family: &'static str,
        version: u32,
    ) -> Result<(EncoderSpec, Self), ModelError> {
        parameters.allow_reduced_matmul();
        let positions = Some(settings.max_positions);
        let embeddings = BertEmbeddings::take(parameters, settings, positions, layout.starts_as_torch)?;
        let mut blocks = Vec::with_capacity(settings.n_layers);
        for index in 0..settings.n_layers {
            blocks.push(Block::take(parameters, &format!("encoder.layer.{index}"), settings, layout)?);
        }
        let (width, epsilon) = (settings.hidden_size, settings.norm_epsilon);
        let last_norm =
            layout.last_norm.map(|name| LayerNorm::take(parameters, name, width, epsilon)).transpose()?;
        let spec = EncoderSpec {
            family,
            n_blocks: settings.n_layers as u32,
            hidden: width,
            max_tokens: Some(settings.max_positions),
            has_final_norm: last_norm.is_some(),
            has_cls: true,
            state_stride: 1,
            n_parameters: parameters.n_values(),
            version,
        };
        let stack = Self {
            vocab_size: settings.vocab_size,
            n_heads: settings.n_heads as i64,
            device: parameters.device(),
            embeddings,
            blocks,
            last_norm,
        };
        Ok((spec, stack))
    }
}

impl Network for BertStack {
    fn forward(
        &self,
        spec: &EncoderSpec,
        batch: &TokenBatch,
        layers: &[LayerIndex],
    ) -> Result<Kept, ModelError> {
        let mut plan = LayerPlan::new(spec, layers)?;
        let packing = Packing::new(batch, self.vocab_size, spec.max_tokens)?;
        let mut state = self.embeddings.forward(&packing, self.device)?; // [packed tokens, hidden]
        plan.keep(0, || Ok(state.shallow_clone()))?;
        for (index, block) in self.blocks.iter().enumerate() {
            if plan.is_done(index) {
                break;
            }
            state = block.forward(&state, &packing, self.n_heads)?;
            plan.keep(index + 1, || Ok(state.shallow_clone()))?;
        }
        if let Some(norm) = &self.last_norm {
            plan.keep(self.blocks.len() + 1, || norm.forward(&state))?;
        }
        Ok(plan.finish_packed(packing))
    }
}

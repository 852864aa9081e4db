//! A model in a TorchScript file: it reads ids and an attention mask, and returns one tensor of states per layer.
//! Sequences of equal length run together, so that the file's code gets no padding.
//!
//! The file is code, so it is loaded only if the caller allows that. It computes in the types with which it was saved;
//! its states are converted.

use crate::batch::TokenBatch;
use crate::encoder::{Encoder, EncoderSpec, HiddenStates};
use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;
use crate::folder::misplaced::misplaced;
use crate::layers::packing::check_batch;
use crate::model::{FrozenModel, LoadOptions};
use crate::tokenizer::TOKENIZERS;
use seqprobe_core::LayerIndex;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_files::FileKind;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr;
use tch::{CModule, Device, IValue, Kind, Tensor};
use thiserror::Error;

/// Raised whenever a file's outputs would be read differently. It is part of every cache key.
const VERSION: u32 = 1;

/// How to run a TorchScript file.
pub(crate) struct TorchScriptSettings {
    /// The manifest, which errors name.
    pub(crate) manifest: PathBuf,
    /// The TorchScript file.
    pub(crate) file: PathBuf,
    /// The identifier of one of [`TOKENIZERS`].
    pub(crate) tokenizer: String,
    /// Folder of the tokenizer's files.
    pub(crate) tokenizer_folder: PathBuf,
    /// Values per token.
    pub(crate) hidden: usize,
    /// What each output is, in order.
    pub(crate) outputs: Vec<LayerIndex>,
    /// The most tokens, added ones included.
    pub(crate) max_tokens: Option<usize>,
    /// Whether the tokenizer puts a CLS token first.
    pub(crate) cls: bool,
}

/// The manifest's key `layers`: `13` or `["0", "6", "final"]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum LayersKey {
    /// The outputs are layers 0 to below this number.
    Count(u32),
    /// The layer of each output, in order.
    Names(Vec<String>),
}

/// A key `layers` that does not describe the outputs.
#[derive(Debug, Error)]
pub(crate) enum WrongLayers {
    #[error("key \"layers\" names no output, expected a number of them or their names in order")]
    Empty,
    #[error("key \"layers\" names an output twice")]
    Repeated,
    #[error("{0}")]
    NotALayer(<LayerIndex as FromStr>::Err),
}

/// Returns the layer of each output, from the key `layers`.
///
/// # Errors
/// [`WrongLayers`] if there is no output, a name is not a layer, or a layer is named twice.
pub(crate) fn outputs(layers: Option<&LayersKey>) -> Result<Vec<LayerIndex>, WrongLayers> {
    let parse = |name: &String| name.parse::<LayerIndex>().map_err(WrongLayers::NotALayer);
    let outputs: Vec<LayerIndex> = match layers {
        Some(LayersKey::Count(count)) if *count <= 10_000 => (0..*count).map(LayerIndex::Block).collect(),
        Some(LayersKey::Names(names)) => names.iter().map(parse).collect::<Result<_, _>>()?,
        _ => Vec::new(),
    };
    if outputs.is_empty() {
        return Err(WrongLayers::Empty);
    }
    let distinct: BTreeSet<_> = outputs.iter().collect();
    if distinct.len() != outputs.len() {
        return Err(WrongLayers::Repeated);
    }
    Ok(outputs)
}

/// The text of the outputs that the digest covers. It must stay the same, or cached embeddings are lost.
fn digest_text(outputs: &[LayerIndex]) -> String {
    let names: Vec<String> = outputs
        .iter()
        .map(|layer| match layer {
            LayerIndex::Block(number) => format!("Block({number})"),
            LayerIndex::Final => "Final".to_owned(),
        })
        .collect();
    format!("[{}]", names.join(", "))
}

/// Loads a TorchScript file and its tokenizer.
///
/// # Errors
/// [`ModelError::Config`] for an unknown tokenizer, errors of the tokenizer's files, [`ModelError::Code`] if libtorch
/// cannot load the file.
pub(crate) fn load(settings: TorchScriptSettings, options: LoadOptions) -> Result<FrozenModel, ModelError> {
    let wrong = |message: String| ModelError::Config { path: settings.manifest.clone(), message };
    let kinds = || TOKENIZERS.iter().map(|kind| kind.id);
    let kind = TOKENIZERS.iter().find(|kind| kind.has_name(&settings.tokenizer)).ok_or_else(|| {
        let hint = match seqprobe_core::config::nearest(&settings.tokenizer, kinds()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("use one of {}", kinds().collect::<Vec<_>>().join(", ")),
        };
        wrong(format!("tokenizer {:?} is not known\n  hint: {hint}", settings.tokenizer))
    })?;
    let folder = &settings.tokenizer_folder;
    // The folder of a foreign model may contain only the tokenizer's files.
    let config = if folder.join("config.json").is_file() {
        ConfigFile::read(folder)?
    } else {
        ConfigFile::from_value(folder.join("config.json"), serde_json::json!({}))?
    };
    let tokenizer = (kind.read)(folder, &config)?;
    let bytes = std::fs::read(&settings.file).map_err(ModelError::io(&settings.file))?;
    let kind = FileKind::of(&bytes);
    if kind.hint().is_some() {
        let message = misplaced(kind, "a TorchScript file");
        return Err(ModelError::Code { path: settings.file.clone(), message });
    }
    let mut digest = DigestBuilder::new("torchscript v1");
    let outputs = digest_text(&settings.outputs);
    digest.part(&bytes).part(options.precision.digest_text().as_bytes());
    digest.part(format!("{outputs} {} {}", settings.hidden, settings.cls).as_bytes());
    let mut module = CModule::load_data_on_device(&mut bytes.as_slice(), options.device).map_err(|error| {
        let path = settings.file.clone();
        let first = error.to_string().lines().next().unwrap_or_default().to_owned();
        ModelError::Code { path, message: format!("not a TorchScript file: {first}\n  hint: write it with torch.jit.trace(…).save(…) or torch.jit.script(…).save(…), on the CPU") }
    })?;
    module.f_set_eval().map_err(|error| code_error(&settings, &error))?;
    let numbers = settings.outputs.iter().filter_map(|layer| match layer {
        LayerIndex::Block(number) => Some(*number),
        LayerIndex::Final => None,
    });
    let n_parameters = module
        .named_parameters()
        .map_err(|error| code_error(&settings, &error))?
        .iter()
        .map(|(_, tensor)| tensor.numel() as u64)
        .sum();
    let spec = EncoderSpec {
        family: "torchscript",
        n_blocks: numbers.max().unwrap_or(0),
        hidden: settings.hidden,
        max_tokens: settings.max_tokens,
        has_final_norm: settings.outputs.contains(&LayerIndex::Final),
        has_cls: settings.cls,
        state_stride: 1,
        n_parameters,
        version: VERSION,
    };
    let vocab_size = usize::try_from(tokenizer.largest_id() + 1).unwrap_or(0);
    let (pad_id, tokenizer_digest) = (tokenizer.pad_id(), tokenizer.digest());
    let encoder = TorchScriptEncoder {
        settings,
        spec,
        module,
        vocab_size,
        kind: options.precision.kind(),
        device: options.device,
    };
    let tokenize = Box::new(move |sequence: &seqprobe_core::DnaSequence| tokenizer.tokenize(sequence));
    Ok(FrozenModel::from_parts(
        Box::new(encoder),
        tokenize,
        pad_id,
        options.device,
        digest.finish(),
        tokenizer_digest,
    ))
}

fn code_error(settings: &TorchScriptSettings, error: &tch::TchError) -> ModelError {
    // libtorch adds its own call stack after the message. The last lines of a TorchScript trace contain the cause.
    let text = error.to_string();
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.starts_with("frame #") && !line.trim().is_empty()).collect();
    let start = lines.len().saturating_sub(12);
    let message = format!("its code failed: {}", lines.get(start..).unwrap_or_default().join("\n  "));
    ModelError::Code { path: settings.file.clone(), message }
}

struct TorchScriptEncoder {
    settings: TorchScriptSettings,
    spec: EncoderSpec,
    module: CModule,
    vocab_size: usize,
    kind: Kind,
    device: Device,
}

impl Encoder for TorchScriptEncoder {
    fn spec(&self) -> &EncoderSpec {
        &self.spec
    }

    fn hidden_states(&self, batch: &TokenBatch, layers: &[LayerIndex]) -> Result<HiddenStates, ModelError> {
        check_batch(batch, self.vocab_size, self.spec.max_tokens)?;
        let places: Vec<usize> =
            layers.iter().map(|layer| self.output_of(*layer)).collect::<Result<_, _>>()?;
        let (n_rows, n_tokens) = batch.ids.dim();
        let sizes = [n_rows as i64, n_tokens as i64, self.spec.hidden as i64];
        let mut states = Vec::with_capacity(layers.len());
        for &layer in layers {
            states.push((layer, Tensor::f_zeros(sizes, (self.kind, self.device))?));
        }
        let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (row, &length) in batch.lengths.iter().enumerate() {
            by_length.entry(length).or_default().push(row);
        }
        for (length, rows) in by_length {
            // ids and mask: [rows, tokens]
            let ids: Vec<i64> = rows
                .iter()
                .flat_map(|&row| batch.ids.row(row).iter().take(length).copied().collect::<Vec<_>>())
                .collect();
            let ids = Tensor::f_from_slice(&ids)?.f_reshape([rows.len() as i64, length as i64])?;
            let ids = ids.f_to_device(self.device)?;
            let found = tch::no_grad(|| self.forward(ids))?;
            let index: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
            let index = Tensor::f_from_slice(&index)?.f_to_device(self.device)?;
            for ((layer, states), &place) in states.iter_mut().zip(&places) {
                let tensor =
                    found.get(place).ok_or_else(|| self.error(format!("it returned no output {place}")))?;
                let tensor = self.checked(tensor, *layer, rows.len(), length)?;
                let mut columns = states.f_narrow(1, 0, length as i64)?;
                let _ = columns.f_index_copy_(0, &index, &tensor)?;
            }
        }
        Ok(HiddenStates { layers: states })
    }
}

impl TorchScriptEncoder {
    fn error(&self, message: String) -> ModelError {
        ModelError::Code { path: self.settings.file.clone(), message }
    }

    /// Returns the index of a layer among the outputs.
    fn output_of(&self, layer: LayerIndex) -> Result<usize, ModelError> {
        let wanted = layer.canonical(self.spec.n_blocks, self.spec.has_final_norm);
        let place = self.settings.outputs.iter().position(|output| *output == wanted);
        place.ok_or_else(|| {
            let names: Vec<String> = self.settings.outputs.iter().map(ToString::to_string).collect();
            self.error(format!(
                "layer {layer} is not among its outputs\n  hint: its manifest names {}",
                names.join(", ")
            ))
        })
    }

    /// Returns all outputs: one tensor, or a tuple or list of them.
    fn forward(&self, ids: Tensor) -> Result<Vec<Tensor>, ModelError> {
        let mask = ids.f_ones_like()?;
        let inputs = [IValue::Tensor(ids), IValue::Tensor(mask)];
        let outputs = self.module.forward_is(&inputs).map_err(|error| code_error(&self.settings, &error))?;
        let tensors = match outputs {
            IValue::Tensor(tensor) => vec![tensor],
            IValue::TensorList(tensors) => tensors,
            IValue::Tuple(values) | IValue::GenericList(values) => values
                .into_iter()
                .map(|value| match value {
                    IValue::Tensor(tensor) => Ok(tensor),
                    _ => Err(self
                        .error("it returned something other than tensors in its tuple or list".to_owned())),
                })
                .collect::<Result<_, _>>()?,
            _ => return Err(self.error("it returned no tensor, and no tuple or list of tensors".to_owned())),
        };
        if tensors.len() == self.settings.outputs.len() {
            return Ok(tensors);
        }
        Err(self.error(format!(
            "it returned {} outputs, its manifest names {}\n  hint: the key \"layers\" names the layer of each output",
            tensors.len(),
            self.settings.outputs.len()
        )))
    }

    /// Checks the shape and that all numbers are finite, and converts an output to the requested precision.
    fn checked(
        &self,
        tensor: &Tensor,
        layer: LayerIndex,
        rows: usize,
        length: usize,
    ) -> Result<Tensor, ModelError> {
        let expected = [rows as i64, length as i64, self.spec.hidden as i64];
        if tensor.size() != expected {
            return Err(self.error(format!(
                "the output of layer {layer} has shape {:?}, expected {expected:?}: [batch, tokens, hidden]",
                tensor.size()
            )));
        }
        let tensor = tensor.f_to_device(self.device)?.f_to_kind(self.kind)?;
        let is_finite = tensor.f_isfinite()?.f_all()?;
        if i64::try_from(&is_finite)? == 0 {
            return Err(
                self.error(format!("the output of layer {layer} contains a number that is not finite"))
            );
        }
        Ok(tensor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_text_of_outputs_never_changes() {
        let outputs = [LayerIndex::Block(0), LayerIndex::Block(12), LayerIndex::Final];
        assert_eq!(digest_text(&outputs), "[Block(0), Block(12), Final]");
        assert_eq!(digest_text(&[]), "[]");
    }

    #[test]
    fn the_key_layers_is_a_number_or_names() {
        let names = |names: &[&str]| LayersKey::Names(names.iter().map(|name| (*name).to_owned()).collect());
        let (zero, one, three) = (LayerIndex::Block(0), LayerIndex::Block(1), LayerIndex::Block(3));
        assert_eq!(outputs(Some(&LayersKey::Count(2))).unwrap(), [zero, one]);
        assert_eq!(outputs(Some(&names(&["3", "final"]))).unwrap(), [three, LayerIndex::Final]);
        assert!(matches!(outputs(Some(&LayersKey::Count(0))), Err(WrongLayers::Empty)));
        assert!(matches!(outputs(None), Err(WrongLayers::Empty)));
        assert!(matches!(outputs(Some(&names(&["1", "1"]))), Err(WrongLayers::Repeated)));
        assert!(matches!(outputs(Some(&names(&["last"]))), Err(WrongLayers::NotALayer(_))));
    }
}

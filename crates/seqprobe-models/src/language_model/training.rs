//! A model whose parameters can be trained: named leaf tensors, and a network that is built from them again for every
//! step. So everything that a family derives from its parameters (rearranged kernels, stacked layers) is part of the
//! graph. The network is the same code that frozen models run. Losses and optimisers are in seqprobe-pretrain.

use crate::batch::TokenBatch;
use crate::encoder::Encoder;
use crate::error::ModelError;
use crate::families::{FAMILIES, Family, recognise};
use crate::folder::config_file::ConfigFile;
use crate::layers::language_model_head::{Head, HeadEntry, Objective};
use crate::parameters::Parameters;
use crate::tokenizer::{NucleotideIds, Tokenizer};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use seqprobe_core::{LayerIndex, Seed};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use tch::{Device, Kind, Tensor};

/// The number of scored targets is rounded up to a multiple of this.
const TARGET_MULTIPLE: i64 = 256;

/// One parameter.
pub struct TrainedTensor {
    /// Its name in the checkpoint.
    pub name: String,
    /// Its name without the prefix of the model's outer class.
    bare: String,
    /// A 32-bit leaf of the graph.
    pub tensor: Tensor,
}

/// A model that is being trained.
pub struct TrainableModel {
    config: ConfigFile,
    family: &'static Family,
    head: &'static HeadEntry,
    tensors: Vec<TrainedTensor>,
    device: Device,
}

/// The network with the current values of the parameters.
pub struct Network {
    encoder: Box<dyn Encoder>,
    head: Head,
}

impl Network {
    /// Returns the scores of the vocabulary at some tokens as 32-bit numbers, with gradients if they are on in the
    /// calling thread.
    ///
    /// # Shapes
    /// `places`: `[targets]`, each `sequence × tokens of the batch + token`; the result is `[targets, vocabulary]`
    ///
    /// # Errors
    /// [`ModelError`] for an input that is too long, or a libtorch failure.
    pub fn logits(&self, batch: &TokenBatch, places: &Tensor) -> Result<Tensor, ModelError> {
        let states = self.encoder.trainable_states(batch, &[LayerIndex::Final])?;
        let Some((_, states)) = states.layers.into_iter().next() else {
            return Err(ModelError::Batch("the model returned no state".to_owned()));
        };
        let width = states.size().last().copied().unwrap_or(0);
        // libtorch keeps megabytes for every new size of a matrix product, so sizes are rounded up.
        let n_targets = places.size1()?;
        let filled = (n_targets + TARGET_MULTIPLE - 1) / TARGET_MULTIPLE * TARGET_MULTIPLE;
        let places = places.f_constant_pad_nd([0, filled - n_targets])?; // [filled], zeros at the end
        let selected = states.f_reshape([-1, width])?.f_index_select(0, &places)?; // [filled, hidden]
        Ok(self.head.logits(&selected)?.f_narrow(0, 0, n_targets)?.f_to_kind(Kind::Float)?)
    }
}

impl TrainableModel {
    /// Makes a new model of a config, initialised as its authors initialise it. For the vocabulary see
    /// [`new_vocabulary`].
    ///
    /// # Errors
    /// [`ModelError`] for a wrong config, or for a family that cannot be trained; the error names those that can.
    pub fn new(config: &ConfigFile, seed: Seed, device: Device) -> Result<Self, ModelError> {
        let (family, head) = trainable(config)?;
        let mut parameters = Parameters::random(seed, Kind::Float, Device::Cpu);
        parameters.drawn = Some(Vec::new());
        (family.load)(config, &mut parameters)?;
        (head.take)(config, &mut parameters)?;
        let prefix = family.tensors.usual_prefix();
        let tensors = parameters
            .drawn
            .unwrap_or_default()
            .into_iter()
            .map(|drawn| {
                let shape: Vec<i64> = drawn.shape.iter().map(|&size| size as i64).collect();
                let values = Tensor::f_from_slice(&drawn.values)?.f_reshape(&shape)?;
                let on_device = values.f_to_device_(device, Kind::Float, false, true)?;
                let prefix = if drawn.is_unprefixed { "" } else { prefix };
                Ok(TrainedTensor {
                    name: format!("{prefix}{}", drawn.name),
                    bare: drawn.name,
                    tensor: on_device.f_set_requires_grad(true)?,
                })
            })
            .collect::<Result<Vec<_>, ModelError>>()?;
        Ok(Self { config: config.clone(), family, head, tensors, device })
    }

    /// What the model is trained to predict.
    pub fn objective(&self) -> Objective {
        self.head.objective
    }

    /// The family's identifier.
    pub fn family(&self) -> &'static str {
        self.family.id
    }

    /// Returns the parameters, always in the same order.
    pub fn tensors(&self) -> &[TrainedTensor] {
        &self.tensors
    }

    /// The number of values in all parameters, including the head.
    pub fn n_parameters(&self) -> u64 {
        self.tensors.iter().map(|one| one.tensor.numel() as u64).sum()
    }

    /// Returns the ids of the nucleotides, from the tokenizer files of a folder.
    ///
    /// # Errors
    /// [`ModelError`] for tokens that are not single bases.
    pub fn nucleotide_ids(&self, folder: &Path) -> Result<NucleotideIds, ModelError> {
        let tokenizer: Box<dyn Tokenizer> = (self.family.tokenizer)(folder, &self.config)?;
        tokenizer.nucleotide_ids().ok_or_else(|| ModelError::LanguageModel {
            model: folder.display().to_string(),
            message: "its tokens are not single bases, expected one token for each of A, C, G and T"
                .to_owned(),
        })
    }

    /// Builds the network with the current values. It computes in `kind`: 32 bits, or `BFloat16` with 32-bit
    /// parameters.
    ///
    /// # Errors
    /// [`ModelError`] as for loading a model.
    pub fn network(&self, kind: Kind) -> Result<Network, ModelError> {
        let by_name: BTreeMap<String, Tensor> =
            self.tensors.iter().map(|one| (one.bare.clone(), one.tensor.shallow_clone())).collect();
        let mut parameters = Parameters::trained(by_name, kind, self.device);
        let encoder = (self.family.load)(&self.config, &mut parameters)?.into_encoder();
        Ok(Network { encoder, head: (self.head.take)(&self.config, &mut parameters)? })
    }

    /// Rounds every parameter to the nearest value of a narrower type.
    ///
    /// # Errors
    /// [`ModelError::Torch`]
    pub fn round(&self, kind: Kind) -> Result<(), ModelError> {
        tch::no_grad(|| {
            for one in &self.tensors {
                let mut values = one.tensor.f_detach()?;
                values.f_copy_(&values.f_to_kind(kind)?.f_to_kind(Kind::Float)?)?;
            }
            Ok(())
        })
    }

    /// Returns the bytes of `model.safetensors`, in 32 or 16 bits.
    ///
    /// # Errors
    /// [`ModelError::TensorValues`] for a value that is not finite, or too large for 16 bits.
    pub fn serialized(&self, path: &Path, kind: Kind) -> Result<Vec<u8>, ModelError> {
        let dtype = if kind == Kind::Half { Dtype::F16 } else { Dtype::F32 };
        let problem = |name: &str, problem: String| ModelError::TensorValues {
            path: path.to_owned(),
            name: name.to_owned(),
            problem,
        };
        let mut stored: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::with_capacity(self.tensors.len());
        for one in &self.tensors {
            let values = one.tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(kind)?;
            if !bool::try_from(values.f_isfinite()?.f_all()?)? {
                return Err(problem(&one.name, format!("contains values that are not finite as {kind:?}")));
            }
            let values = values.f_contiguous()?;
            let mut bytes = vec![0_u8; values.numel() * kind.elt_size_in_bytes()];
            values.f_copy_data_u8(&mut bytes, values.numel())?;
            let shape = one.tensor.size().iter().map(|&size| size as usize).collect();
            stored.push((one.name.clone(), shape, bytes));
        }
        let views = stored
            .iter()
            .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(dtype, shape.clone(), bytes)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        views
            .and_then(|views| safetensors::serialize(views, Some(metadata)))
            .map_err(|error| ModelError::Checkpoint { path: path.to_owned(), message: error.to_string() })
    }
}

/// Returns the tokens of `vocab.txt` for a new model of a config's family; `None` if its code has a vocabulary.
///
/// # Errors
/// [`ModelError`] for a family that cannot be trained; the error names those that can.
pub fn new_vocabulary(config: &ConfigFile) -> Result<Option<&'static [&'static str]>, ModelError> {
    let (_, head) = trainable(config)?;
    Ok(head.new_vocabulary.filter(|tokens| !tokens.is_empty()))
}

fn trainable(config: &ConfigFile) -> Result<(&'static Family, &'static HeadEntry), ModelError> {
    let family = recognise(config)?;
    match &family.head {
        Some(head) if head.new_vocabulary.is_some() => Ok((family, head)),
        _ => {
            let can =
                |family: &&Family| family.head.as_ref().is_some_and(|head| head.new_vocabulary.is_some());
            let names: Vec<String> = FAMILIES
                .iter()
                .filter(can)
                .map(|family| format!("{} (model_type {:?})", family.id, family.model_types.join(", ")))
                .collect();
            Err(config.error(format!(
                "models of the family {} cannot be trained\n  hint: those that can are {}",
                family.id,
                names.join(", ")
            )))
        }
    }
}

//! What a masked language model predicts for every base: probabilities of A, C, G and T while the base is masked, and
//! the pseudo-log-likelihood of a sequence (Salazar et al. 2020, arXiv:1910.14659).

use crate::batch::{TokenBatch, Tokens};
use crate::error::ModelError;
use crate::layers::language_model_head::Head;
use crate::model::{FrozenModel, LoadOptions};
use crate::open_model::open_masked_model;
use crate::tokenizer::NucleotideIds;
use ndarray::Array2;
use seqprobe_core::{DnaSequence, LayerIndex};
use std::path::Path;
use tch::{Kind, Tensor};

/// Tokens of a batch: about as many as keep the processor busy.
const BATCH_TOKENS: usize = 1 << 13;

/// A frozen masked language model over single bases, with its head.
pub struct MaskedModel {
    model: FrozenModel,
    head: Head,
    nucleotide_ids: NucleotideIds,
    mask: i64,
}

/// The predictions of a model for one sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct NucleotideProbabilities {
    /// Probabilities of A, C, G and T, which add to 1, given all bases except those that are masked in the same pass.
    ///
    /// # Shapes
    /// `[bases, 4]`
    pub probabilities: Array2<f32>,
    /// Sum of the natural logarithms of the probabilities of the bases A, C, G and T in the sequence; other bases add
    /// nothing.
    pub pseudo_log_likelihood: f64,
    /// The number of bases in that sum.
    pub n_bases: usize,
}

impl MaskedModel {
    /// Loads a model with its head.
    ///
    /// # Errors
    /// As [`open_model`](crate::open_model()); [`ModelError::LanguageModel`] for a model that cannot predict masked
    /// bases: its family's head is not known, it is causal, or its tokens are not single bases;
    /// [`ModelError::MissingTensor`] for a checkpoint without the head.
    pub fn load(folder: &Path, options: LoadOptions) -> Result<Self, ModelError> {
        let (model, head, nucleotide_ids) = open_masked_model(folder, options)?;
        let mask = nucleotide_ids.mask.ok_or_else(|| ModelError::LanguageModel {
            model: folder.display().to_string(),
            message: "its vocabulary has no mask".to_owned(),
        })?;
        Ok(Self { model, head, nucleotide_ids, mask })
    }

    /// Predicts the bases of a sequence. They are masked in groups of bases that are `stride` apart, with one
    /// forward pass per group. A stride of at least the sequence's length masks one base at a time, which is the
    /// definition of the pseudo-log-likelihood.
    ///
    /// # Errors
    /// [`ModelError`] for a sequence that is too long, or a libtorch failure.
    pub fn nucleotide_probabilities(
        &self,
        sequence: &DnaSequence,
        stride: usize,
    ) -> Result<NucleotideProbabilities, ModelError> {
        let tokens = self.model.tokenize(sequence)?;
        let places: Vec<usize> =
            tokens.special.iter().enumerate().filter(|(_, special)| !**special).map(|(at, _)| at).collect();
        if places.len() != sequence.len() {
            return Err(ModelError::Batch(format!(
                "{} tokens for {} bases, expected one token per base",
                places.len(),
                sequence.len()
            )));
        }
        let n_groups = stride.clamp(1, places.len());
        let mut probabilities = Array2::zeros((places.len(), 4));
        let at_once = (BATCH_TOKENS / tokens.ids.len().max(1)).max(1);
        let groups: Vec<usize> = (0..n_groups).collect();
        for groups in groups.chunks(at_once) {
            self.fill(&tokens, &places, groups, n_groups, &mut probabilities)?;
        }
        let (mut sum, mut n_bases) = (0.0, 0);
        for (base, code) in sequence.codes().enumerate() {
            if let Some(probability) = probabilities.get([base, usize::from(code)]).filter(|_| code < 4) {
                sum += f64::from(*probability).ln();
                n_bases += 1;
            }
        }
        Ok(NucleotideProbabilities { probabilities, pseudo_log_likelihood: sum, n_bases })
    }

    /// Runs one forward pass over copies of a sequence, in each of which the bases of one group are masked.
    fn fill(
        &self,
        tokens: &Tokens,
        places: &[usize],
        groups: &[usize],
        n_groups: usize,
        probabilities: &mut Array2<f32>,
    ) -> Result<(), ModelError> {
        let mut copies = vec![tokens.clone(); groups.len()];
        let (mut masked, mut bases) = (Vec::new(), Vec::new());
        for (row, (copy, &group)) in copies.iter_mut().zip(groups).enumerate() {
            for base in (group..places.len()).step_by(n_groups) {
                copy.ids[places[base]] = self.mask;
                masked.push((row * tokens.ids.len() + places[base]) as i64);
                bases.push(base);
            }
        }
        let batch = TokenBatch::from_tokens(&copies, self.model.pad_id);
        let values = tch::no_grad(|| -> Result<Tensor, ModelError> {
            let states = self.model.encoder.hidden_states(&batch, &[LayerIndex::Final])?;
            let Some((_, states)) = states.layers.into_iter().next() else {
                return Err(ModelError::Batch("the model returned no state".to_owned()));
            };
            let device = states.device();
            let width = states.size().last().copied().unwrap_or(0);
            let masked = Tensor::f_from_slice(&masked)?.f_to_device(device)?;
            let logits = self.head.logits(&states.f_reshape([-1, width])?.f_index_select(0, &masked)?)?;
            let acgt = Tensor::f_from_slice(&self.nucleotide_ids.acgt)?.f_to_device(device)?;
            Ok(logits.f_index_select(-1, &acgt)?.f_softmax(-1, Kind::Float)?.f_to_device(tch::Device::Cpu)?)
        })?; // [masked bases, 4]
        let values: Vec<f32> = Vec::try_from(values.f_reshape([-1])?)?;
        for (base, four) in bases.into_iter().zip(values.chunks_exact(4)) {
            for (cell, value) in probabilities.row_mut(base).iter_mut().zip(four) {
                *cell = *value;
            }
        }
        Ok(())
    }
}

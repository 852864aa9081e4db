//! What a masked language model tells of every letter: probabilities of A, C, G and T where the letter is hidden,
//! and the pseudo-log-likelihood of a sequence (Salazar et al. 2020, arXiv:1910.14659).

use crate::batch::{TokenBatch, Tokens};
use crate::error::ModelError;
use crate::language_model::{Head, LetterIds};
use crate::model::{FrozenModel, LoadOptions};
use ndarray::Array2;
use seqprobe_core::{DnaSequence, LayerIndex};
use std::path::Path;
use tch::{Kind, Tensor};

/// Tokens of a batch: about what keeps the processor busy.
const BATCH_TOKENS: usize = 1 << 13;

/// A frozen masked language model over single letters, with its head.
pub struct MaskedModel {
    model: FrozenModel,
    head: Head,
    letters: LetterIds,
    mask: i64,
}

/// What a model tells of one sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct LetterScores {
    /// Probabilities of A, C, G and T, which add to 1, given all letters but those that are hidden with this one.
    ///
    /// # Shapes
    /// `[letters, 4]`
    pub probabilities: Array2<f32>,
    /// Sum over the letters A, C, G and T of the natural logarithm of their own probability; other letters add nothing.
    pub pseudo_log_likelihood: f64,
    /// Letters in that sum.
    pub n_letters: usize,
}

impl MaskedModel {
    /// Loads a model with its head.
    ///
    /// # Errors
    /// As [`FrozenModel::load`]; [`ModelError::LanguageModel`] for a model that is not asked for hidden letters: of a
    /// family whose head is not known or that is causal, or whose tokens are not single letters;
    /// [`ModelError::MissingTensor`] for a checkpoint without the head.
    pub fn load(folder: &Path, options: LoadOptions) -> Result<Self, ModelError> {
        let (model, head, letters) = FrozenModel::load_with_head(folder, options)?;
        let mask = letters.mask.ok_or_else(|| ModelError::LanguageModel {
            model: folder.display().to_string(),
            message: "its vocabulary has no mask".to_owned(),
        })?;
        Ok(Self { model, head, letters, mask })
    }

    /// Scores of a sequence. Letters are hidden in groups, each `stride` letters from the next of its group: 1 forward
    /// pass per group. A stride of at least the sequence's length hides one letter at a time, as the
    /// pseudo-log-likelihood is defined.
    ///
    /// # Errors
    /// [`ModelError`] for a sequence that is too long, or a libtorch failure.
    pub fn letter_scores(&self, sequence: &DnaSequence, stride: usize) -> Result<LetterScores, ModelError> {
        let tokens = self.model.tokenize(sequence)?;
        let places: Vec<usize> =
            tokens.special.iter().enumerate().filter(|(_, special)| !**special).map(|(at, _)| at).collect();
        if places.len() != sequence.len() {
            return Err(ModelError::Batch(format!(
                "{} tokens for {} letters, expected as many",
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
        let (mut sum, mut n_letters) = (0.0, 0);
        for (letter, code) in sequence.codes().enumerate() {
            if let Some(probability) = probabilities.get([letter, usize::from(code)]).filter(|_| code < 4) {
                sum += f64::from(*probability).ln();
                n_letters += 1;
            }
        }
        Ok(LetterScores { probabilities, pseudo_log_likelihood: sum, n_letters })
    }

    /// One forward pass over copies of a sequence, in each of which the letters of one group are hidden.
    fn fill(
        &self,
        tokens: &Tokens,
        places: &[usize],
        groups: &[usize],
        n_groups: usize,
        probabilities: &mut Array2<f32>,
    ) -> Result<(), ModelError> {
        let mut copies = vec![tokens.clone(); groups.len()];
        let (mut asked, mut letters) = (Vec::new(), Vec::new());
        for (row, (copy, &group)) in copies.iter_mut().zip(groups).enumerate() {
            for letter in (group..places.len()).step_by(n_groups) {
                copy.ids[places[letter]] = self.mask;
                asked.push((row * tokens.ids.len() + places[letter]) as i64);
                letters.push(letter);
            }
        }
        let batch = TokenBatch::from_tokens(&copies, self.model.pad_id);
        let values = tch::no_grad(|| -> Result<Tensor, ModelError> {
            let states = self.model.encoder.hidden_states(&batch, &[LayerIndex::Final])?;
            let Some((_, states)) = states.layers.into_iter().next() else {
                return Err(ModelError::Batch("no state came back".to_owned()));
            };
            let device = states.device();
            let width = states.size().last().copied().unwrap_or(0);
            let asked = Tensor::f_from_slice(&asked)?.f_to_device(device)?;
            let logits = self.head.logits(&states.f_reshape([-1, width])?.f_index_select(0, &asked)?)?;
            let acgt = Tensor::f_from_slice(&self.letters.acgt)?.f_to_device(device)?;
            Ok(logits.f_index_select(-1, &acgt)?.f_softmax(-1, Kind::Float)?.f_to_device(tch::Device::Cpu)?)
        })?; // [hidden letters, 4]
        let values: Vec<f32> = Vec::try_from(values.f_reshape([-1])?)?;
        for (letter, four) in letters.into_iter().zip(values.chunks_exact(4)) {
            for (cell, value) in probabilities.row_mut(letter).iter_mut().zip(four) {
                *cell = *value;
            }
        }
        Ok(())
    }
}

//! What a masked language model predicts for every masked base. Nothing of it is cached.

use crate::error::{ModelProblem, StudyError};
use crate::events::StudyEvents;
use crate::models::finder::{FoundModel, ModelFinder};
use seqprobe_core::{FeatureError, FeatureKind, FeatureSource};
use seqprobe_data::NamedSequences;
use seqprobe_models::hub::Needed;
use seqprobe_models::{LoadOptions, MaskedModel, Precision, Weights};
use std::num::NonZeroUsize;
use std::path::Path;

/// Predictions of masked bases.
pub struct MaskedScores {
    /// Probabilities of A, C, G and T.
    ///
    /// # Shapes
    /// `[bases, 4]` per sequence
    pub probabilities: Box<dyn FeatureSource>,
    /// Bases A, C, G or T of each sequence, and the sum of the natural logarithms of their probabilities; `None` for a
    /// sequence without such a base.
    pub likelihoods: Vec<(usize, Option<f64>)>,
    /// Bases of all sequences.
    pub n_bases: usize,
}

/// Masks every base once, `mask_every` bases apart in one pass (one at a time where it is `None`).
///
/// # Errors
/// [`StudyError::Model`] where the model is not a masked one over single bases, or does not take a sequence.
pub fn masked_scores(
    name: &str,
    input: &NamedSequences,
    mask_every: Option<NonZeroUsize>,
    finder: &ModelFinder,
    events: &mut dyn StudyEvents,
) -> Result<MaskedScores, StudyError> {
    let FoundModel { path, unpacked, .. } = finder.find(name, Path::new(""), Needed::Weights, events)?;
    let options = LoadOptions {
        weights: Weights::Pretrained,
        precision: Precision::F32,
        device: finder.device,
        allow_code: false,
    };
    let model = MaskedModel::load(&path, options).map_err(|error| StudyError::model(name, error))?;
    drop(unpacked);
    let stride = mask_every.map_or(usize::MAX, NonZeroUsize::get);
    let mut rows = BaseRows { values: Vec::new(), starts: vec![0] };
    let mut likelihoods = Vec::new();
    for (id, sequence) in input.ids.iter().zip(&input.sequences) {
        let one = model
            .nucleotide_probabilities(sequence, stride)
            .map_err(|error| StudyError::model(name, ModelProblem::Sequence { id: id.to_owned(), error }))?;
        rows.values.extend(one.probabilities.iter());
        rows.starts.push(rows.values.len() / 4);
        likelihoods.push((one.n_bases, (one.n_bases > 0).then_some(one.pseudo_log_likelihood)));
    }
    let n_bases = rows.values.len() / 4;
    Ok(MaskedScores { probabilities: Box::new(rows), likelihoods, n_bases })
}

/// Four probabilities per base, as rows of tokens.
struct BaseRows {
    values: Vec<f32>,
    /// First base of each sequence, and the end.
    starts: Vec<usize>,
}

impl FeatureSource for BaseRows {
    fn n_rows(&self) -> usize {
        self.starts.len() - 1
    }

    fn dim(&self) -> usize {
        4
    }

    fn kind(&self) -> FeatureKind {
        FeatureKind::Tokens
    }

    fn length(&self, row: usize) -> usize {
        self.starts[row + 1] - self.starts[row]
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        for &row in rows {
            match (self.starts.get(row), self.starts.get(row + 1)) {
                (Some(start), Some(end)) => out.extend_from_slice(&self.values[4 * start..4 * end]),
                _ => return Err(FeatureError::Row { row, n_rows: self.n_rows() }),
            }
        }
        Ok(())
    }
}

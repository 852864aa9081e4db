//! What the features of a cell cost, for the report to set against its score.

use crate::features::Features;
use crate::fill::Runner;
use crate::suite::Representation;
use seqprobe_core::{Dataset, FeatureSource};
use seqprobe_embed::{BoxedSource, ReverseComplement};
use seqprobe_models::FrozenModel;
use seqprobe_report::record::CostRecord;

/// Sequences that are tokenized to know how many tokens one has.
const SAMPLE: usize = 64;

impl Runner<'_> {
    /// The cost of one source of a representation's features.
    pub(crate) fn cost(
        &self,
        representation: &Representation,
        number: usize,
        features: &Features<'_>,
        source: &BoxedSource<'_>,
    ) -> CostRecord {
        let bytes = bytes_per_row(source.as_ref());
        let model = self.models[number].as_ref().and_then(|loaded| loaded.draws.first());
        let tokens = features.tokens;
        let (parameters, operations) = match (representation, model) {
            (Representation::Plain { .. }, _) => (Some(0), Some(0.0)),
            (Representation::Model(asked), Some(model)) => {
                // A model that brings its own code may not say how many parameters it has.
                let parameters = Some(model.encoder.spec().n_parameters).filter(|&n| n > 0);
                let strands = match asked.extraction.reverse_complement {
                    ReverseComplement::Forward => 1.0,
                    ReverseComplement::Average => 2.0,
                };
                let both = parameters.zip(tokens);
                (parameters, both.map(|(n, tokens)| 2.0 * n as f64 * tokens * strands))
            }
            _ => (None, None),
        };
        CostRecord { bytes, parameters, tokens, operations, seconds: features.seconds }
    }
}

fn bytes_per_row(source: &dyn FeatureSource) -> f64 {
    let vectors: usize = (0..source.n_rows()).map(|row| source.length(row)).sum();
    (vectors * source.dim() * size_of::<f32>()) as f64 / source.n_rows().max(1) as f64
}

/// The mean over evenly spaced sequences, cut to what the model takes or not; `None` where one of them has no tokens.
pub(crate) fn tokens_per_sequence(dataset: &Dataset, model: &FrozenModel, is_cut: bool) -> Option<f64> {
    let most = model.encoder.spec().max_tokens.filter(|_| is_cut).unwrap_or(usize::MAX);
    let step = dataset.sequences.len().div_ceil(SAMPLE).max(1);
    let counts: Option<Vec<usize>> = dataset
        .sequences
        .iter()
        .step_by(step)
        .map(|sequence| model.tokenize(sequence).ok().map(|tokens| tokens.ids.len().min(most)))
        .collect();
    let counts = counts.filter(|counts| !counts.is_empty())?;
    Some(counts.iter().sum::<usize>() as f64 / counts.len() as f64)
}

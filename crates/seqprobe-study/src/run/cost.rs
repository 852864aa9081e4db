//! What the features of a cell cost, which the report compares with its score.

use crate::prepare::PreparedRepresentation;
use crate::run::features::Features;
use seqprobe_core::{Dataset, FeatureSource};
use seqprobe_embed::ReverseComplement;
use seqprobe_models::FrozenModel;
use seqprobe_report::record::CostRecord;

/// Sequences that are tokenized to know how many tokens one has.
const SAMPLE: usize = 64;

/// The cost of one source of a representation's features.
pub(crate) fn cost(
    prepared: &PreparedRepresentation,
    features: &Features<'_>,
    source: &dyn FeatureSource,
) -> CostRecord {
    let tokens = features.tokens;
    let (parameters, operations) = match prepared {
        PreparedRepresentation::Plain { .. } => (Some(0), Some(0.0)),
        PreparedRepresentation::Imported { .. } => (None, None),
        PreparedRepresentation::Model(model) => {
            // A model that runs its own code may not say how many parameters it has.
            let parameters = Some(model.loaded.spec.n_parameters).filter(|&n| n > 0);
            let strands = match model.asked.extraction.reverse_complement {
                ReverseComplement::Forward => 1.0,
                ReverseComplement::Average => 2.0,
            };
            let both = parameters.zip(tokens);
            (parameters, both.map(|(n, tokens)| 2.0 * n as f64 * tokens * strands))
        }
    };
    CostRecord { bytes: bytes_per_row(source), parameters, tokens, operations, seconds: features.seconds }
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

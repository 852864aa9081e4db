//! What the features of a cell cost, which the report compares with its score.

use crate::prepare::PreparedRepresentation;
use crate::run::features::Features;
use seqprobe_core::FeatureSource;
use seqprobe_embed::ReverseComplement;
use seqprobe_report::record::CostRecord;

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

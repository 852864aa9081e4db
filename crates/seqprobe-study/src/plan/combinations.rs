//! Which layers and poolings of a representation a probe can read.

use crate::plan::{Reason, stored_pooling};
use crate::prepare::{PreparedModel, PreparedRepresentation};
use crate::suite::probes::ProbeFamily;
use seqprobe_core::{FeatureKind, LayerIndex, Pooling};
use seqprobe_embed::{PlainRepresentation, check_pooling};

/// A layer and a pooling of a representation with one probe.
pub(crate) struct Combination {
    /// Layer in the cell's id.
    pub(crate) layer: Option<LayerIndex>,
    /// Pooling in the cell's id.
    pub(crate) pooling: Option<Pooling>,
    /// The pooling that the probe reads, or why the combination cannot exist.
    pub(crate) reads: Result<Pooling, Reason>,
}

/// All combinations of a representation with a probe.
pub(crate) fn combinations(prepared: &PreparedRepresentation, family: &ProbeFamily) -> Vec<Combination> {
    let keeps_bases =
        matches!(prepared, PreparedRepresentation::Plain { representation: PlainRepresentation::OneHot, .. });
    if family.reads_bases() && !keeps_bases {
        let reason =
            format!("{} reads the bases themselves, which only onehot with pooling tokens keeps", family.id);
        return vec![Combination { layer: None, pooling: None, reads: Err(Reason(reason)) }];
    }
    let takes_tokens = family.reads == FeatureKind::Tokens;
    match prepared {
        PreparedRepresentation::Plain { representation, poolings } => {
            of_plain(*representation, poolings.as_deref(), family, takes_tokens)
        }
        PreparedRepresentation::Imported { asked, .. } => {
            // The vectors are ready; no pooling is done, so the id has none.
            let reads = if takes_tokens {
                Err(Reason(one_vector_reason(&asked.name, family)))
            } else {
                Ok(Pooling::Mean)
            };
            vec![Combination { layer: None, pooling: None, reads }]
        }
        PreparedRepresentation::Model(model) => of_model(model, takes_tokens),
    }
}

fn of_plain(
    representation: PlainRepresentation,
    poolings: Option<&[Pooling]>,
    family: &ProbeFamily,
    takes_tokens: bool,
) -> Vec<Combination> {
    let is_onehot = representation == PlainRepresentation::OneHot;
    let chosen = match poolings {
        None if is_onehot && takes_tokens => vec![Pooling::Tokens],
        None if is_onehot => vec![Pooling::Flatten],
        None if takes_tokens => {
            let reads = Err(Reason(one_vector_reason(representation.id(), family)));
            return vec![Combination { layer: None, pooling: Some(Pooling::Mean), reads }];
        }
        None => vec![Pooling::Mean],
        Some(list) => suitable(list, takes_tokens),
    };
    if chosen.is_empty() {
        return vec![Combination {
            layer: None,
            pooling: None,
            reads: Err(Reason(no_pooling_reason(takes_tokens))),
        }];
    }
    let read = |pooling: Pooling| {
        representation.check_pooling(pooling).map_err(|error| Reason(error.to_string()))?;
        Ok(pooling)
    };
    let combination = |pooling| Combination { layer: None, pooling: Some(pooling), reads: read(pooling) };
    chosen.into_iter().map(combination).collect()
}

fn of_model(model: &PreparedModel, takes_tokens: bool) -> Vec<Combination> {
    let chosen = suitable(&model.asked.poolings, takes_tokens);
    let mut combinations = Vec::new();
    for &layer in &model.layers {
        if chosen.is_empty() {
            let reads = Err(Reason(no_pooling_reason(takes_tokens)));
            combinations.push(Combination { layer: Some(layer), pooling: None, reads });
        }
        for &pooling in &chosen {
            let check = check_pooling(&model.loaded.spec, &model.asked.extraction, stored_pooling(pooling));
            let reads = check.map(|()| pooling).map_err(|error| Reason(error.to_string()));
            combinations.push(Combination { layer: Some(layer), pooling: Some(pooling), reads });
        }
    }
    combinations
}

fn suitable(poolings: &[Pooling], takes_tokens: bool) -> Vec<Pooling> {
    poolings.iter().copied().filter(|pooling| (*pooling == Pooling::Tokens) == takes_tokens).collect()
}

fn one_vector_reason(name: &str, family: &ProbeFamily) -> String {
    format!("{name} is one vector per sequence, {} needs one per token", family.id)
}

fn no_pooling_reason(takes_tokens: bool) -> String {
    if takes_tokens {
        "the probe needs pooling = tokens, which is not among those asked for".to_owned()
    } else {
        "the probe needs one vector per sequence, and only pooling = tokens was asked for".to_owned()
    }
}

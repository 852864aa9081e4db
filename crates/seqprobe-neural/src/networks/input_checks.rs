//! Checks of the features that a probe is given: their kind, and for networks of a fixed length the length of the rows.

use crate::networks::layered_network::LayeredNetwork;
use seqprobe_core::{FeatureKind, FeatureView, ProbeError};

/// Refuses features of another kind.
pub(crate) fn check_kind(
    probe: &str,
    wanted: FeatureKind,
    views: &[&FeatureView<'_>],
) -> Result<(), ProbeError> {
    if views.iter().all(|view| view.kind() == wanted) {
        return Ok(());
    }
    Err(ProbeError::NotApplicable(match wanted {
        FeatureKind::Tokens => {
            format!("{probe} needs token features, these are pooled\n  hint: use the pooling \"tokens\"")
        }
        FeatureKind::Pooled => format!(
            "{probe} needs pooled features, these are per token\n  \
             hint: use a pooling such as \"mean\" or \"flatten\""
        ),
    }))
}

/// Refuses rows of another length than the network's.
pub(crate) fn check_lengths(
    network: &LayeredNetwork,
    view: &FeatureView<'_>,
    split: &str,
) -> Result<(), ProbeError> {
    match (0..view.n_rows()).find(|&row| view.length(row) != network.tokens) {
        None => Ok(()),
        Some(row) => Err(ProbeError::Length(format!(
            "{} needs rows of one length: row {row} of the {split} rows has {} tokens, others have {}\n  \
             hint: use the cnn probe, which takes any length, or cut the sequences",
            network.preset,
            view.length(row),
            network.tokens
        ))),
    }
}

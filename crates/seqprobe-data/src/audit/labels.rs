//! Whether the labels of two rows agree.

use seqprobe_core::Targets;

/// True when two rows have the same labels; a target that one of them lacks is not compared. Numbers are the same
/// within `tolerances` (one per target), classes and multilabels when they are equal.
pub(crate) fn labels_agree(targets: &Targets, left: usize, right: usize, tolerances: &[f64]) -> bool {
    match targets {
        Targets::Classes { labels, .. } => labels[left] == labels[right],
        Targets::Values { values } => values.row(left).iter().zip(values.row(right)).zip(tolerances).all(
            |((left, right), tolerance)| match (left, right) {
                (Some(left), Some(right)) => (left - right).abs() <= *tolerance,
                _ => true,
            },
        ),
    }
}

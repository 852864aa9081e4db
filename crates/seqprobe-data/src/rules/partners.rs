//! How a binary dataset was put together: which rows of one class have a twin in the other.

use super::composition_twins::CompositionTwins;
use super::lookup::FindPartners;
use super::positional_twins::PositionalTwins;
use seqprobe_core::{Dataset, Targets, TaskKind};

/// Negatives of a binary dataset and their twins among the positives, over all splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Partners {
    /// Rows of the negative class.
    pub negatives: usize,
    /// Negatives with a positive of the same dinucleotide counts: shuffles.
    pub shuffles: usize,
    /// Negatives with a positive that has three 12-mers at the same offset: altered copies.
    pub altered: usize,
}

/// Counts negatives with a positive twin; `None` if the task is not binary.
pub fn partners(dataset: &Dataset) -> Option<Partners> {
    let Targets::Classes { labels, .. } = &dataset.targets else { return None };
    if dataset.task.kind != TaskKind::Binary {
        return None;
    }
    let of = |class| -> Vec<usize> {
        dataset.splits.all_rows().into_iter().filter(|&row| labels[row] == class).collect()
    };
    let (negatives, positives) = (of(0), of(1));
    let count = |partners: Vec<Vec<usize>>| partners.iter().filter(|rows| !rows.is_empty()).count();
    Some(Partners {
        negatives: negatives.len(),
        shuffles: count(CompositionTwins { dataset }.partners(&positives, &negatives)),
        altered: count(PositionalTwins { dataset }.partners(&positives, &negatives)),
    })
}

//! What a dataset may give away: sequences that training shares with the other splits, labels that contradict each
//! other, and shifts of length and GC content. It reports; [`leaks`] drops training rows when asked to.

mod copies;
pub mod leaks;
mod near;
mod shift;
pub mod windows;

use copies::{copies_of, label_conflicts};
use near::near_duplicates;
use seqprobe_core::audit::{Audit, Shared};
use seqprobe_core::{Dataset, Split, Targets};
use shift::shifts;

pub use leaks::{LeakKind, without_leaks};

/// Audits a dataset; `near_threshold` lies in 0…1, [`seqprobe_core::audit::NEAR_THRESHOLD`] is usual.
pub fn audit(dataset: &Dataset, near_threshold: f64) -> Audit {
    let others = [Split::Valid, Split::Test];
    let near = near_duplicates(dataset, &others, near_threshold);
    let against_train = others
        .into_iter()
        .zip(&near.splits)
        .map(|(split, near)| {
            let (exact, reverse_complement) = copies_of(dataset, split);
            Shared {
                split,
                n_rows: dataset.splits.rows(split).len(),
                exact,
                reverse_complement,
                near: near.summary,
            }
        })
        .collect();
    Audit {
        dataset: dataset.id.clone(),
        near_threshold,
        near_sampled: near.sampled,
        against_train,
        conflicts: label_conflicts(dataset),
        shifts: shifts(dataset),
    }
}

/// Whether two rows have the same labels, as far as both have them. Numbers are the same within `tolerances`, one a
/// target; classes and multilabels where they are equal.
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

//! Leaks in a dataset: sequences that training shares with the other splits, labels that contradict each other, and
//! shifts of length and GC content. The audit reports them; [`leaks`] drops training rows.

mod copies;
mod labels;
pub mod leaks;
mod near;
mod shift;
pub mod windows;

use copies::{copies_of, label_conflicts};
use near::near_duplicates;
use seqprobe_core::audit::{Audit, Shared};
use seqprobe_core::{Dataset, Split};
use shift::shifts;

pub use leaks::{LeakKind, without_leaks};

/// Audits a dataset; `near_threshold` is in 0…1, by default [`seqprobe_core::audit::NEAR_THRESHOLD`].
pub fn audit(dataset: &Dataset, near_threshold: f64) -> Audit {
    let others = [Split::Valid, Split::Test];
    let near = near_duplicates(dataset, &others, near_threshold);
    let against_train = others
        .into_iter()
        .zip(&near.splits)
        .map(|(split, near)| {
            let (exact, reverse_complement, rows_in_train) = copies_of(dataset, split);
            Shared {
                split,
                n_rows: dataset.splits.rows(split).len(),
                exact,
                reverse_complement,
                rows_in_train: Some(rows_in_train),
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

//! Sequences that are in train and in another split, on the same or the other strand, and sequences whose labels
//! contradict each other.

use super::labels::labels_agree;
use seqprobe_core::audit::{Conflicts, Copies};
use seqprobe_core::{Dataset, DnaSequence, Split, Targets};
use std::collections::HashMap;

/// Rows by sequence.
pub(crate) type RowsBySequence<'a> = HashMap<&'a DnaSequence, Vec<usize>>;

/// The rows of each distinct sequence of some rows.
pub(crate) fn rows_by_sequence<'a>(dataset: &'a Dataset, rows: &[usize]) -> RowsBySequence<'a> {
    let mut by_sequence = RowsBySequence::with_capacity(rows.len());
    for &row in rows {
        by_sequence.entry(&dataset.sequences[row]).or_default().push(row);
    }
    by_sequence
}

/// Copies of training sequences in another split: on the same strand, on the other strand, and the number of rows with
/// either.
pub(crate) fn copies_of(dataset: &Dataset, split: Split) -> (Copies, Copies, usize) {
    let train = rows_by_sequence(dataset, &dataset.splits.train);
    let exactly = no_tolerances(dataset);
    let (mut exact, mut reverse, mut rows_in_train) = (Copies::default(), Copies::default(), 0);
    for (sequence, rows) in rows_by_sequence(dataset, dataset.splits.rows(split)) {
        let other_strand = sequence.reverse_complement();
        let strands = [(train.get(sequence), &mut exact)]
            .into_iter()
            .chain((other_strand != *sequence).then(|| (train.get(&other_strand), &mut reverse)));
        let mut is_in_train = false;
        for (train_rows, copies) in strands {
            let Some(train_rows) = train_rows else { continue };
            is_in_train = true;
            copies.sequences += 1;
            copies.rows += rows.len();
            copies.train_rows += train_rows.len();
            let differs = |&row: &usize| {
                train_rows.iter().any(|&other| !labels_agree(&dataset.targets, row, other, &exactly))
            };
            copies.conflicting += usize::from(rows.iter().any(differs));
        }
        rows_in_train += if is_in_train { rows.len() } else { 0 };
    }
    (exact, reverse, rows_in_train)
}

/// Sequences whose rows, of any split, do not all have the same labels.
pub(crate) fn label_conflicts(dataset: &Dataset) -> Conflicts {
    let rows: Vec<usize> = Split::ALL.iter().flat_map(|&split| dataset.splits.rows(split)).copied().collect();
    let exactly = no_tolerances(dataset);
    let mut conflicts = Conflicts::default();
    for rows in rows_by_sequence(dataset, &rows).values().filter(|rows| rows.len() > 1) {
        let pairs = rows
            .iter()
            .enumerate()
            .flat_map(|(place, &left)| rows[place + 1..].iter().map(move |&right| (left, right)));
        if pairs.into_iter().any(|(left, right)| !labels_agree(&dataset.targets, left, right, &exactly)) {
            conflicts.sequences += 1;
            conflicts.rows += rows.len();
        }
    }
    conflicts
}

/// A tolerance of 0 for every target.
fn no_tolerances(dataset: &Dataset) -> Vec<f64> {
    match &dataset.targets {
        Targets::Classes { .. } => Vec::new(),
        Targets::Values { values } => vec![0.0; values.ncols()],
    }
}

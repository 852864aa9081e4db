//! Drops training rows whose sequence is also in the validation or test split. The other splits do not change, so that
//! scores stay comparable.

use super::copies::rows_by_sequence;
use super::near::near_duplicates;
use crate::error::DataError;
use crate::load::class_without_row;
use seqprobe_core::{Dataset, Split};
use std::collections::HashSet;

/// Which training rows count as leaking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeakKind {
    /// Copies of a validation or test sequence, on the same or the other strand.
    Exact,
    /// Copies and near-duplicates of a validation or test sequence.
    Near,
}

/// The dataset without its leaking training rows, with a note that says how many were left out.
///
/// In some tasks, short windows are near-duplicates with opposite labels on purpose: dropping them changes the task.
///
/// # Errors
/// [`DataError`] when no training row is left, or none of a class.
pub fn without_leaks(
    mut dataset: Dataset,
    kind: LeakKind,
    near_threshold: f64,
) -> Result<Dataset, DataError> {
    let others = [Split::Valid, Split::Test];
    let mut leaking: HashSet<usize> = HashSet::new();
    let train = rows_by_sequence(&dataset, &dataset.splits.train);
    for &row in others.iter().flat_map(|&split| dataset.splits.rows(split)) {
        let sequence = &dataset.sequences[row];
        for strand in [train.get(sequence), train.get(&sequence.reverse_complement())] {
            leaking.extend(strand.into_iter().flatten());
        }
    }
    drop(train);
    if kind == LeakKind::Near {
        let near = near_duplicates(&dataset, &others, near_threshold);
        leaking.extend(near.splits.iter().flat_map(|split| &split.train_rows));
    }
    let n_before = dataset.splits.train.len();
    dataset.splits.train.retain(|row| !leaking.contains(row));
    let what = match kind {
        LeakKind::Exact => "have a copy".to_owned(),
        LeakKind::Near => format!("have a copy or a near-duplicate (containment from {near_threshold})"),
    };
    check_train(&dataset)?;
    dataset.notes.push(format!(
        "{} of {n_before} train rows were left out: they {what} in valid or test",
        n_before - dataset.splits.train.len()
    ));
    Ok(dataset)
}

/// Checks that there is a training row of every class.
fn check_train(dataset: &Dataset) -> Result<(), DataError> {
    let refuse = |what: String| {
        let message = format!(
            "without leaking rows {what}\n  hint: keep the leaking rows, or split the data in another way"
        );
        Err(DataError::card(&dataset.id, message))
    };
    if dataset.splits.train.is_empty() {
        return refuse("the train split is empty".to_owned());
    }
    if let Some(class) = class_without_row(&dataset.splits.train, &dataset.targets, &dataset.task.classes) {
        return refuse(format!("class {class:?} has no rows in the train split"));
    }
    Ok(())
}

//! Text of target columns to classes or values; rows without a target are left out here.

use super::card_files::ReadRows;
use super::labels::{Label, TargetProblem, is_missing, parse_number, parse_yes_no};
use crate::card::Card;
use crate::error::DataError;
use ndarray::Array2;
use seqprobe_core::{Targets, Task, TaskKind};
use std::collections::BTreeMap;

/// Rows that have a target, and the targets.
pub(crate) struct Decoded {
    /// The rows kept.
    pub(crate) rows: ReadRows,
    /// The task with its classes.
    pub(crate) task: Task,
    /// One per row kept.
    pub(crate) targets: Targets,
    /// What was left out, one sentence each.
    pub(crate) notes: Vec<String>,
}

/// Decodes the targets of all rows.
pub(crate) fn decode(card: &Card, mut rows: ReadRows) -> Result<Decoded, DataError> {
    let n_read = rows.rows.len();
    rows.rows.retain(|row| !row.targets.iter().all(|text| is_missing(text)));
    let n_left_out = n_read - rows.rows.len();
    if rows.rows.is_empty() {
        return Err(card.error("no row has a target"));
    }
    let mut notes = Vec::new();
    if n_left_out > 0 {
        notes.push(format!("{n_left_out} of {n_read} rows were left out: their target is missing"));
    }
    let (classes, targets) = match card.task {
        TaskKind::Binary | TaskKind::Multiclass => decode_classes(card, &rows)?,
        TaskKind::Multilabel => (Vec::new(), decode_values(&rows, card, parse_yes_no, &mut notes)?),
        TaskKind::Regression => (Vec::new(), decode_values(&rows, card, parse_number, &mut notes)?),
    };
    let task = Task { kind: card.task, targets: card.target_names(), classes };
    Ok(Decoded { rows, task, targets, notes })
}

/// Classes in output order, and the class of each row.
fn decode_classes(card: &Card, rows: &ReadRows) -> Result<(Vec<String>, Targets), DataError> {
    let mut labels = Vec::with_capacity(rows.rows.len());
    for row in &rows.rows {
        let text = row.targets.first().map(String::as_str).unwrap_or_default();
        labels.push(Label::parse(text).map_err(|problem| rows.error_at(row, problem.to_string()))?);
    }
    let mut first_rows: BTreeMap<&Label, usize> = BTreeMap::new();
    for (row, label) in labels.iter().enumerate() {
        first_rows.entry(label).or_insert(row);
    }
    let classes = match card.task {
        TaskKind::Binary => binary_classes(card, &first_rows)?,
        _ => multiclass_classes(card, rows, &first_rows)?,
    };
    let numbers: BTreeMap<&Label, u32> = classes.iter().zip(0..).collect();
    let codes = labels.iter().filter_map(|label| numbers.get(label).copied()).collect();
    let targets = Targets::Classes { labels: codes, n_classes: classes.len() };
    Ok((classes.iter().map(Label::to_string).collect(), targets))
}

/// The negative class, then the positive one.
fn binary_classes(card: &Card, found: &BTreeMap<&Label, usize>) -> Result<Vec<Label>, DataError> {
    let shown = show(found.keys().copied());
    if found.len() != 2 {
        return Err(card.error(format!(
            "a binary task has exactly two target values, found {}: {shown}\n  hint: for more classes use task = \
            \"multiclass\", for numbers task = \"regression\"",
            found.len()
        )));
    }
    let positive = card.positive.as_ref().map(|text| text.as_str()).unwrap_or_default();
    let positive = Label::parse(positive).map_err(|problem| card.error(format!("positive: {problem}")))?;
    let negative = found.keys().find(|label| ***label != positive);
    match negative {
        Some(negative) if found.contains_key(&positive) => Ok(vec![(*negative).clone(), positive]),
        _ => Err(card.error(format!(
            "positive = {:?} does not occur\n  hint: the values of the target are {shown}",
            positive.to_string()
        ))),
    }
}

/// The classes of the card; if it has none, all that occur, sorted.
fn multiclass_classes(
    card: &Card,
    rows: &ReadRows,
    found: &BTreeMap<&Label, usize>,
) -> Result<Vec<Label>, DataError> {
    let Some(stated) = &card.classes else {
        if found.len() < 3 {
            return Err(card.error(format!(
                "a multiclass task has three or more classes, found {}: {}\n  hint: for two classes use task = \
                \"binary\" and positive",
                found.len(),
                show(found.keys().copied())
            )));
        }
        return Ok(found.keys().map(|label| (*label).clone()).collect());
    };
    let mut classes: Vec<Label> = Vec::with_capacity(stated.len());
    for text in stated {
        let label =
            Label::parse(text.as_str()).map_err(|problem| card.error(format!("classes: {problem}")))?;
        if classes.contains(&label) {
            return Err(card.error(format!("classes: duplicate {:?}", label.to_string())));
        }
        classes.push(label);
    }
    let unknown = found.iter().filter(|(label, _)| !classes.contains(label)).min_by_key(|(_, row)| **row);
    match unknown {
        Some((label, &row)) => Err(rows.error_at(
            &rows.rows[row],
            format!(
                "class {:?} is not in the card's classes\n  hint: the classes are {}",
                label.to_string(),
                show(classes.iter())
            ),
        )),
        None => Ok(classes),
    }
}

/// Numbers of every target column, `None` where missing.
fn decode_values(
    rows: &ReadRows,
    card: &Card,
    parse: fn(&str) -> Result<f64, TargetProblem>,
    notes: &mut Vec<String>,
) -> Result<Targets, DataError> {
    let names = card.target_names();
    let mut values = Array2::from_elem((rows.rows.len(), names.len()), None);
    for (row, mut row_values) in rows.rows.iter().zip(values.rows_mut()) {
        for ((text, name), value) in row.targets.iter().zip(&names).zip(row_values.iter_mut()) {
            if !is_missing(text) {
                let number = parse(text)
                    .map_err(|problem| rows.error_at(row, format!("column {name:?}: {problem}")))?;
                *value = Some(number);
            }
        }
    }
    for (name, column) in names.iter().zip(values.columns()) {
        let n_missing = column.iter().filter(|value| value.is_none()).count();
        if n_missing == column.len() {
            return Err(card.error(format!("target {name:?} is missing in every row")));
        }
        if n_missing > 0 {
            notes.push(format!("target {name:?} is missing in {n_missing} of {} rows", column.len()));
        }
    }
    Ok(Targets::Values { values })
}

/// Labels for a message, at most ten.
fn show<'a>(labels: impl Iterator<Item = &'a Label>) -> String {
    let mut texts: Vec<String> = labels.take(11).map(|label| format!("{:?}", label.to_string())).collect();
    if texts.len() > 10 {
        texts[10] = "…".to_owned();
    }
    texts.join(", ")
}

//! Text of target columns to classes or values; rows without a target are left out here.

use super::card_files::ReadRows;
use super::labels::{Label, TargetProblem, parse_number, parse_yes_no, usual_positive};
use super::missing::{MissingCounts, is_missing, missing_words_that_are_classes};
use crate::card::Card;
use crate::error::DataError;
use ndarray::Array2;
use seqprobe_core::{Targets, Task, TaskKind};
use std::collections::{BTreeMap, BTreeSet};

/// The largest target of a regression; 1 divided by it is the smallest that the largest of a column can be.
const MAX_SIZE: f64 = 1e75;

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
    let classes = words_of_classes(card, &rows);
    let is_missing = |text: &str| is_missing(text) && !classes.contains(text.trim());
    let n_read = rows.rows.len();
    let mut left_out = MissingCounts::default();
    rows.rows.retain(|row| {
        let is_left_out = row.targets.iter().all(|text| is_missing(text));
        if is_left_out {
            left_out.add(row.targets.first().map_or("", String::as_str));
        }
        !is_left_out
    });
    let n_left_out = n_read - rows.rows.len();
    if rows.rows.is_empty() {
        return Err(card.error(format!("no row has a target: {}", left_out.text())));
    }
    let mut notes = Vec::new();
    if n_left_out > 0 {
        let words = left_out.text();
        notes.push(format!("{n_left_out} of {n_read} rows were left out: their target is missing ({words})"));
    }
    if !classes.is_empty() {
        let words: Vec<String> = classes.iter().map(|word| format!("{word:?}")).collect();
        notes.push(format!("{} is the name of a class here, not a missing value", words.join(", ")));
    }
    let (classes, targets) = match card.task {
        TaskKind::Binary | TaskKind::Multiclass => decode_classes(card, &rows, &mut notes)?,
        TaskKind::Multilabel if card.labels.is_some() => (Vec::new(), decode_lists(&rows, card)?),
        TaskKind::Multilabel => (Vec::new(), decode_values(&rows, card, parse_yes_no, &mut notes)?),
        TaskKind::Regression => {
            let targets = decode_values(&rows, card, parse_number, &mut notes)?;
            check_sizes(&rows, card, &targets)?;
            (Vec::new(), targets)
        }
    };
    let task = Task { kind: card.task, targets: card.target_names(), classes };
    Ok(Decoded { rows, task, targets, notes })
}

/// One column of lists of label numbers to one yes/no value per label.
fn decode_lists(rows: &ReadRows, card: &Card) -> Result<Targets, DataError> {
    let n_labels = card.labels.unwrap_or_default();
    let mut values = Array2::from_elem((rows.rows.len(), n_labels), Some(0.0));
    for (row, mut values) in rows.rows.iter().zip(values.rows_mut()) {
        for text in row.targets.first().into_iter().flat_map(|text| text.split(',')) {
            let text = text.trim();
            let value = text.parse::<usize>().ok().and_then(|label| values.get_mut(label));
            let Some(value) = value else {
                let message = format!(
                    "label {text:?} is not a whole number from 0 to {}\n  hint: labels in the card is the number of labels",
                    n_labels.saturating_sub(1)
                );
                return Err(rows.error_at(row, message));
            };
            *value = Some(1.0);
        }
    }
    Ok(Targets::Values { values })
}

/// The missing words that are names of classes in this dataset.
fn words_of_classes(card: &Card, rows: &ReadRows) -> BTreeSet<String> {
    if !matches!(card.task, TaskKind::Binary | TaskKind::Multiclass) {
        return BTreeSet::new();
    }
    let labels =
        card.files.values().flat_map(|entries| entries.as_slice()).filter_map(|entry| entry.label.as_ref());
    let stated = labels.chain(&card.positive).chain(card.classes.iter().flatten());
    let mut stated: BTreeSet<String> = stated.map(|text| text.as_str().trim().to_owned()).collect();
    stated.extend(rows.class_names.iter().cloned());
    let mut values = BTreeSet::new();
    for text in rows.rows.iter().filter_map(|row| row.targets.first()) {
        if !values.contains(text.trim()) {
            values.insert(text.trim().to_owned());
        }
    }
    missing_words_that_are_classes(&values, &stated)
}

/// A class as it was found.
struct FoundClass {
    first_row: usize,
    spellings: BTreeSet<String>,
}

/// Classes in output order, and the class of each row.
fn decode_classes(
    card: &Card,
    rows: &ReadRows,
    notes: &mut Vec<String>,
) -> Result<(Vec<String>, Targets), DataError> {
    let mut labels = Vec::with_capacity(rows.rows.len());
    let mut found: BTreeMap<Label, FoundClass> = BTreeMap::new();
    for (first_row, row) in rows.rows.iter().enumerate() {
        let label = Label::parse(row.targets.first().map(String::as_str).unwrap_or_default());
        match found.get_mut(&label) {
            Some(class) if class.spellings.contains(label.text()) => {}
            Some(class) => {
                class.spellings.insert(label.text().to_owned());
            }
            None => {
                let spellings = BTreeSet::from([label.text().to_owned()]);
                found.insert(label.clone(), FoundClass { first_row, spellings });
            }
        }
        labels.push(label);
    }
    for class in found.values().filter(|class| class.spellings.len() > 1) {
        let words: Vec<String> = class.spellings.iter().map(|word| format!("{word:?}")).collect();
        notes.push(format!("{} are one class", words.join(" and ")));
    }
    let classes = match card.task {
        TaskKind::Binary => binary_classes(card, &found, notes)?,
        _ => multiclass_classes(card, rows, &found)?,
    };
    let numbers: BTreeMap<&Label, u32> = classes.iter().zip(0..).collect();
    let codes = labels.iter().filter_map(|label| numbers.get(label).copied()).collect();
    let targets = Targets::Classes { labels: codes, n_classes: classes.len() };
    Ok((classes.iter().map(Label::to_string).collect(), targets))
}

/// The class that a card names: written so, or the only one that is the same number.
fn find_class<'a>(found: &'a BTreeMap<Label, FoundClass>, stated: &Label) -> Option<&'a Label> {
    if let Some((label, _)) = found.get_key_value(stated) {
        return Some(label);
    }
    let mut like = found.keys().filter(|label| label.is_like(stated));
    like.next().filter(|_| like.next().is_none())
}

/// The negative class, then the positive one.
fn binary_classes(
    card: &Card,
    found: &BTreeMap<Label, FoundClass>,
    notes: &mut Vec<String>,
) -> Result<Vec<Label>, DataError> {
    let labels: Vec<&Label> = found.keys().collect();
    let shown = show(labels.iter().copied());
    let [first, second] = labels[..] else {
        return Err(card.error(format!(
            "a binary task has exactly two target values, found {}: {shown}\n  hint: for more classes use task = \
            \"multiclass\", for numbers task = \"regression\"",
            found.len()
        )));
    };
    let positive = match &card.positive {
        Some(stated) => find_class(found, &Label::parse(stated.as_str())).ok_or_else(|| {
            card.error(format!(
                "positive = {:?} does not occur\n  hint: the values of the target are {shown}",
                stated.as_str()
            ))
        })?,
        None => {
            let positive = usual_positive(first, second);
            notes.push(format!("the card has no key positive: the positive class is {:?}", positive.name()));
            positive
        }
    };
    let negative = if positive == first { second } else { first };
    Ok(vec![negative.clone(), positive.clone()])
}

/// The classes of the card; if it has none, all that occur, sorted.
fn multiclass_classes(
    card: &Card,
    rows: &ReadRows,
    found: &BTreeMap<Label, FoundClass>,
) -> Result<Vec<Label>, DataError> {
    let Some(stated) = &card.classes else {
        if found.len() < 3 {
            return Err(card.error(format!(
                "a multiclass task has three or more classes, found {}: {}\n  hint: for two classes use task = \
                \"binary\"",
                found.len(),
                show(found.keys())
            )));
        }
        return Ok(found.keys().cloned().collect());
    };
    let mut classes: Vec<Label> = Vec::with_capacity(stated.len());
    for text in stated {
        let label = Label::parse(text.as_str());
        let label = find_class(found, &label).cloned().unwrap_or(label);
        if classes.contains(&label) {
            return Err(card.error(format!("classes: duplicate {:?}", text.as_str())));
        }
        classes.push(label);
    }
    let unknown =
        found.iter().filter(|(label, _)| !classes.contains(label)).min_by_key(|(_, class)| class.first_row);
    match unknown {
        Some((label, class)) => Err(rows.error_at(
            &rows.rows[class.first_row],
            format!(
                "class {:?} is not in the card's classes\n  hint: the classes are {}",
                label.name(),
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
    let mut missing = vec![MissingCounts::default(); names.len()];
    for (row, mut row_values) in rows.rows.iter().zip(values.rows_mut()) {
        let fields = row.targets.iter().zip(&names).zip(row_values.iter_mut()).zip(&mut missing);
        for (((text, name), value), words) in fields {
            if is_missing(text) {
                words.add(text);
            } else {
                let number = parse(text)
                    .map_err(|problem| rows.error_at(row, format!("column {name:?}: {problem}")))?;
                *value = Some(number);
            }
        }
    }
    for ((name, column), words) in names.iter().zip(values.columns()).zip(&missing) {
        let n_missing = column.iter().filter(|value| value.is_none()).count();
        if n_missing == column.len() {
            return Err(card.error(format!("target {name:?} is missing in every row")));
        }
        if n_missing > 0 {
            let n = column.len();
            let words = words.text();
            notes.push(format!("target {name:?} is missing in {n_missing} of {n} rows ({words})"));
        }
    }
    Ok(Targets::Values { values })
}

/// Numbers whose fourth powers are 64-bit numbers, as the variance of a squared error needs.
fn check_sizes(rows: &ReadRows, card: &Card, targets: &Targets) -> Result<(), DataError> {
    let Targets::Values { values } = targets else { return Ok(()) };
    for (name, column) in card.target_names().iter().zip(values.columns()) {
        let mut largest = 0.0_f64;
        for (row, value) in column.iter().enumerate() {
            let size = value.unwrap_or_default().abs();
            largest = largest.max(size);
            if size > MAX_SIZE {
                let message = format!(
                    "column {name:?}: target {size:e} is too large\n  hint: a target is at most {MAX_SIZE:e}; divide \
                    the column by a constant, or take its logarithm"
                );
                return Err(rows.error_at(&rows.rows[row], message));
            }
        }
        if largest > 0.0 && largest < 1.0 / MAX_SIZE {
            return Err(card.error(format!(
                "column {name:?}: the largest target is {largest:e}, which is too small\n  hint: multiply the column by a \
                constant, or take its logarithm"
            )));
        }
    }
    Ok(())
}

/// Labels for a message, at most ten.
fn show<'a>(labels: impl Iterator<Item = &'a Label>) -> String {
    let mut texts: Vec<String> = labels.take(11).map(|label| format!("{:?}", label.name())).collect();
    if texts.len() > 10 {
        texts[10] = "…".to_owned();
    }
    texts.join(", ")
}

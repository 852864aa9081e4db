//! Card to checked dataset: reads the files, decodes targets, splits, and notes which rows it left out.

use crate::card::Card;
use crate::card::DataFolders;
use crate::error::DataError;
use crate::read::card_files::{ReadRow, ReadRows, read_card};
use crate::read::targets::{Decoded, decode};
use crate::split::assign::assign_splits;
use seqprobe_core::clusters::Clusters;
use seqprobe_core::dataset::Origin;
use seqprobe_core::{Dataset, DnaSequence, Split, Splits, Targets};
use std::collections::{HashMap, HashSet};

/// Reads, checks and splits the data of a card.
///
/// Rows whose target is missing (all targets, if there are several) are left out before splitting; the notes count
/// them. Default ids count rows before that.
///
/// # Errors
/// [`DataError`] with the file, and the line if there is one, for a file that is absent, has another digest or does not
/// fit its card, and for a split without rows or classes.
pub fn load(card: &Card, folders: &DataFolders) -> Result<Dataset, DataError> {
    card.check()?;
    let rows = read_card(card, folders)?;
    check_unique_ids(&rows)?;
    let Decoded { rows, task, targets, mut notes } = decode(card, rows)?;
    let assigned = assign_splits(card, &rows, &targets)?;
    check_groups(card, &rows, &assigned)?;
    let splits = splits_of(&assigned);
    check_splits(card, &splits, &targets, &task.classes)?;
    let clusters = clusters_of(card, &rows.rows);
    if !card.note.is_empty() {
        notes.push(card.note.clone());
    }
    notes.extend(rows.notes);
    let n_rows = rows.rows.len();
    let (example_ids, sequences): (Vec<String>, Vec<DnaSequence>) =
        rows.rows.into_iter().filter_map(|row| Some((row.id, row.sequence?))).unzip();
    if sequences.len() != n_rows {
        return Err(card.error("the genome does not have the sequences of all rows"));
    }
    Ok(Dataset {
        id: card.id.clone(),
        title: card.title.clone(),
        task,
        metric: card.metric.clone(),
        example_ids,
        sequences,
        targets,
        splits,
        clusters,
        letters: rows.letters,
        oracle: None,
        notes,
        origin: Origin {
            licence: card.licence.clone(),
            citation: card.citation.clone(),
            source: card.source.clone(),
            published: card.published.clone(),
        },
    })
}

fn check_unique_ids(rows: &ReadRows) -> Result<(), DataError> {
    let mut seen: HashMap<&str, &ReadRow> = HashMap::with_capacity(rows.rows.len());
    for row in &rows.rows {
        if let Some(first) = seen.insert(&row.id, row) {
            let message =
                format!("duplicate example id {:?}, first seen at {}", row.id, rows.file_and_line(first));
            return Err(rows.error_at(row, message));
        }
    }
    Ok(())
}

/// No group is in two splits, even if the files are the splits.
fn check_groups(card: &Card, rows: &ReadRows, assigned: &[Split]) -> Result<(), DataError> {
    if card.group.is_none() {
        return Ok(());
    }
    let mut seen: HashMap<&str, (Split, &ReadRow)> = HashMap::new();
    for (row, &split) in rows.rows.iter().zip(assigned) {
        let Some(group) = row.group.as_deref() else { continue };
        let &mut (first_split, first) = seen.entry(group).or_insert((split, row));
        if first_split != split {
            let message = format!(
                "group {group:?} is in the {} split here and in the {} split at {}\n  hint: split whole groups with \
                [[split]] method = \"group\", or remove group from the card",
                split.as_str(),
                first_split.as_str(),
                rows.file_and_line(first)
            );
            return Err(rows.error_at(row, message));
        }
    }
    Ok(())
}

fn splits_of(assigned: &[Split]) -> Splits {
    let rows_of = |wanted| (0..assigned.len()).filter(|&row| assigned[row] == wanted).collect();
    Splits { train: rows_of(Split::Train), valid: rows_of(Split::Valid), test: rows_of(Split::Test) }
}

/// Every split has a row; every class has a training row.
fn check_splits(
    card: &Card,
    splits: &Splits,
    targets: &Targets,
    classes: &[String],
) -> Result<(), DataError> {
    if let Some(empty) = Split::ALL.into_iter().find(|&split| splits.rows(split).is_empty()) {
        let message = format!(
            "the {} split has no rows\n  hint: give it a larger share, or name other files, chromosomes or values",
            empty.as_str()
        );
        return Err(card.error(message));
    }
    if let Some(absent) = class_without_row(&splits.train, targets, classes) {
        return Err(card.error(format!(
            "class {absent:?} has no rows in the train split\n  hint: a classifier needs training rows of every class"
        )));
    }
    Ok(())
}

/// The first class that none of the rows has; `None` if targets are not classes.
pub(crate) fn class_without_row<'a>(
    rows: &[usize],
    targets: &Targets,
    classes: &'a [String],
) -> Option<&'a String> {
    let Targets::Classes { labels, .. } = targets else { return None };
    let present: HashSet<u32> = rows.iter().map(|&row| labels[row]).collect();
    (0_u32..).zip(classes).find(|(class, _)| !present.contains(class)).map(|(_, class)| class)
}

/// Groups, else 1 Mb blocks (whole chromosomes if a start is unknown); with the chromosomes if all are known.
fn clusters_of(card: &Card, rows: &[ReadRow]) -> Option<Clusters> {
    let positions: Option<Vec<_>> = rows.iter().map(|row| row.position.as_ref()).collect();
    let clusters = if card.group.is_some() {
        let names: Vec<&str> = rows.iter().map(|row| row.group.as_deref().unwrap_or_default()).collect();
        Clusters::from_names(&names, "group")
    } else {
        let positions = positions.as_ref()?;
        let kind = if positions.iter().all(|position| position.start.is_some()) {
            "1 Mb block"
        } else {
            "chromosome"
        };
        let names: Vec<String> = positions
            .iter()
            .map(|position| match kind {
                "chromosome" => position.chromosome.clone(),
                _ => position.block(),
            })
            .collect();
        Clusters::from_names(&names, kind)
    };
    Some(match positions {
        Some(positions) => {
            let names: Vec<&str> = positions.iter().map(|position| position.chromosome.as_str()).collect();
            clusters.with_chromosomes(&names)
        }
        None => clusters,
    })
}

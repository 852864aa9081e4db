//! Which split each row of a card is in: by its file, or by the card's rules.

use super::draw::{split_at_random, split_by_group};
use crate::card::{Card, SplitMethod, SplitRule};
use crate::error::DataError;
use crate::read::card_files::{ReadRow, ReadRows};
use seqprobe_core::clusters::Clusters;
use seqprobe_core::{Seed, Split, Targets};
use std::collections::{BTreeSet, HashMap};

/// Values of a split column when the rule has no lists.
const DEFAULT_VALUES: [(Split, &[&str]); 3] = [
    (Split::Train, &["train"]),
    (Split::Valid, &["valid", "validation", "val", "dev"]),
    (Split::Test, &["test"]),
];

/// The split of each row.
pub(crate) fn assign_splits(
    card: &Card,
    rows: &ReadRows,
    targets: &Targets,
) -> Result<Vec<Split>, DataError> {
    let mut assigned = vec![Split::Train; rows.rows.len()];
    for (key, _) in card.files_in_order() {
        let members: Vec<usize> = (0..rows.rows.len()).filter(|&row| rows.rows[row].key == key).collect();
        let splits = match card.splits.iter().find(|rule| rule.of == key) {
            Some(rule) => apply(card, rule, rows, &members, targets)?,
            None => {
                let split = Split::ALL
                    .into_iter()
                    .find(|split| split.as_str() == key)
                    .ok_or_else(|| card.error(format!("file {key:?} is in no split")))?;
                vec![split; members.len()]
            }
        };
        for (row, split) in members.into_iter().zip(splits) {
            assigned[row] = split;
        }
    }
    Ok(assigned)
}

fn apply(
    card: &Card,
    rule: &SplitRule,
    rows: &ReadRows,
    members: &[usize],
    targets: &Targets,
) -> Result<Vec<Split>, DataError> {
    let seed = Seed(rule.seed).derive("split").derive(&rule.of);
    let missing = || card.error(format!("[[split]] of = {:?}: into is missing", rule.of));
    let by_name = |names: Vec<&str>| {
        let shares = rule.into.as_ref().ok_or_else(missing)?;
        Ok(split_by_group(Clusters::from_names(&names, "").ids(), shares, seed))
    };
    let chromosome =
        |row: &usize| rows.rows[*row].position.as_ref().map_or("", |position| position.chromosome.as_str());
    match rule.method {
        SplitMethod::Random => {
            let shares = rule.into.as_ref().ok_or_else(missing)?;
            let classes: Option<Vec<u32>> = match targets {
                Targets::Classes { labels, .. } => Some(members.iter().map(|&row| labels[row]).collect()),
                Targets::Values { .. } => None,
            };
            Ok(split_at_random(members.len(), classes.as_deref(), shares, seed))
        }
        SplitMethod::Group => {
            by_name(members.iter().map(|&row| rows.rows[row].group.as_deref().unwrap_or_default()).collect())
        }
        SplitMethod::Chromosome if rule.into.is_some() => by_name(members.iter().map(chromosome).collect()),
        SplitMethod::Chromosome => {
            let present: BTreeSet<&str> = members.iter().map(chromosome).collect();
            let unknown = rule
                .lists()
                .into_iter()
                .filter_map(|(_, list)| list)
                .flatten()
                .find(|name| !present.contains(name.as_str()));
            if let Some(unknown) = unknown {
                let shown: Vec<&str> = present.into_iter().take(30).collect();
                return Err(card.error(format!(
                    "[[split]] of = {:?}: no row is on chromosome {:?}\n  hint: the chromosomes are {}",
                    rule.of,
                    unknown.0,
                    shown.join(", ")
                )));
            }
            let fallback = if rule.train.is_none() { Some(Split::Train) } else { None };
            by_lists(rule, rows, members, fallback, |row| {
                row.position.as_ref().map_or("", |position| position.chromosome.as_str())
            })
        }
        SplitMethod::Column => {
            by_lists(rule, rows, members, None, |row| row.split.as_deref().unwrap_or_default())
        }
    }
}

/// Splits by the list that contains a row's value.
fn by_lists(
    rule: &SplitRule,
    rows: &ReadRows,
    members: &[usize],
    fallback: Option<Split>,
    value_of: impl Fn(&ReadRow) -> &str,
) -> Result<Vec<Split>, DataError> {
    let is_column = rule.method == SplitMethod::Column;
    let mut split_of: HashMap<&str, Split> = HashMap::new();
    for ((split, list), (_, defaults)) in rule.lists().into_iter().zip(DEFAULT_VALUES) {
        match list {
            Some(list) => split_of.extend(list.iter().map(|text| (text.as_str(), split))),
            None if is_column => {
                for &value in defaults {
                    split_of.entry(value).or_insert(split);
                }
            }
            None => {}
        }
    }
    members
        .iter()
        .map(|&row| {
            let row = &rows.rows[row];
            let value = value_of(row);
            split_of.get(value).copied().or(fallback).ok_or_else(|| {
                rows.error_at(
                    row,
                    format!(
                        "{value:?} is in no list of [[split]] of = {:?}\n  hint: add it to train, valid or test of \
                        that rule",
                        rule.of
                    ),
                )
            })
        })
        .collect()
}

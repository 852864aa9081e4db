//! Which split each row of a card is in: by its file, or by the card's rules.

use super::draw::{split_at_random, split_by_group};
use super::words::{split_named, words_shown};
use crate::card::{Card, Shares, SplitMethod, SplitRule};
use crate::error::DataError;
use crate::read::card_files::{ReadRow, ReadRows};
use seqprobe_core::clusters::Clusters;
use seqprobe_core::{Seed, Split, Targets};
use std::collections::{BTreeSet, HashMap};

/// The split of each row.
pub(crate) fn assign_splits(
    card: &Card,
    rows: &ReadRows,
    targets: &Targets,
) -> Result<Vec<Split>, DataError> {
    let mut assigned = vec![Split::Train; rows.rows.len()];
    for (key, _) in card.files_in_order() {
        let members: Vec<usize> = (0..rows.rows.len()).filter(|&row| &*rows.rows[row].key == key).collect();
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
        let groups = Clusters::from_names(&names, "");
        check_number_of_groups(card, rule, &groups, &names, shares)?;
        Ok(split_by_group(groups.ids(), shares, seed))
    };
    let classes_of = |members: &[usize]| match targets {
        Targets::Classes { labels, .. } => Some(members.iter().map(|&row| labels[row]).collect::<Vec<u32>>()),
        Targets::Values { .. } => None,
    };
    let group = |row: &usize| rows.rows[*row].group.as_deref().unwrap_or_default();
    let chromosome =
        |row: &usize| rows.rows[*row].position.as_ref().map_or("", |position| position.chromosome.as_str());
    match rule.method {
        SplitMethod::Random => {
            let shares = rule.into.as_ref().ok_or_else(missing)?;
            Ok(split_at_random(members.len(), classes_of(members).as_deref(), shares, seed))
        }
        SplitMethod::Group => by_name(members.iter().map(group).collect()),
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
            let mut splits =
                by_lists(rule, rows, members, None, |row| row.split.as_deref().unwrap_or_default())?;
            let Some(shares) = &rule.into else { return Ok(splits) };
            if splits.contains(&Split::Valid) {
                return Err(card.error(format!(
                    "[[split]] of = {:?}: the column has valid rows, so that into has no use\n  hint: remove into",
                    rule.of
                )));
            }
            let places: Vec<usize> =
                (0..members.len()).filter(|&place| splits[place] == Split::Train).collect();
            let train: Vec<usize> = places.iter().map(|&place| members[place]).collect();
            let drawn = match &card.group {
                Some(_) => by_name(train.iter().map(group).collect())?,
                None => split_at_random(train.len(), classes_of(&train).as_deref(), shares, seed),
            };
            places.into_iter().zip(drawn).for_each(|(place, split)| splits[place] = split);
            Ok(splits)
        }
    }
}

/// A split that should get rows needs a group of its own.
fn check_number_of_groups(
    card: &Card,
    rule: &SplitRule,
    groups: &Clusters,
    names: &[&str],
    shares: &Shares,
) -> Result<(), DataError> {
    let n_wanted = Split::ALL.into_iter().filter(|&split| shares.of(split) > 0.0).count();
    let n = groups.n_clusters();
    if names.is_empty() || n >= n_wanted {
        return Ok(());
    }
    let mut distinct: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let what = if rule.method == SplitMethod::Chromosome { "chromosome" } else { "group" };
    let plural = if n == 1 { "" } else { "s" };
    Err(card.error(format!(
        "{n} {what}{plural} ({}) cannot fill {n_wanted} splits\n  hint: name a column with more {what}s, or split at \
        random",
        distinct.join(", ")
    )))
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
    for (split, list) in rule.lists() {
        split_of.extend(list.into_iter().flatten().map(|text| (text.as_str(), split)));
    }
    // A split without a list has its usual words.
    let by_word = |value: &str| {
        let split = split_named(value).filter(|_| is_column)?;
        rule.lists().into_iter().any(|(one, list)| one == split && list.is_none()).then_some(split)
    };
    members
        .iter()
        .map(|&row| {
            let row = &rows.rows[row];
            let value = value_of(row);
            split_of.get(value).copied().or_else(|| by_word(value)).or(fallback).ok_or_else(|| {
                let words =
                    if is_column { format!("; without lists the words are {}", words_shown()) } else { String::new() };
                rows.error_at(
                    row,
                    format!(
                        "{value:?} is in no list of [[split]] of = {:?}\n  hint: add it to train, valid or test of \
                        that rule{words}",
                        rule.of
                    ),
                )
            })
        })
        .collect()
}

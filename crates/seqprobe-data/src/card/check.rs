//! What of a card can be checked without its data.

use super::paths::check_is_inside;
use super::problem::{CardProblem, RuleProblem};
use super::{CARD_SCHEMA, Card, Format, SplitMethod, SplitRule, Text};
use crate::error::DataError;
use seqprobe_core::{Split, TaskKind};
use std::collections::BTreeSet;

impl Card {
    /// Checks what can be known without the data.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        let checks = [check_names, check_files, check_targets, check_columns, check_layout, check_splits];
        checks
            .into_iter()
            .try_for_each(|check| check(self))
            .map_err(|problem| self.error(problem.to_string()))
    }
}

type Check = Result<(), CardProblem>;

fn check_names(card: &Card) -> Check {
    if card.schema != CARD_SCHEMA {
        return Err(CardProblem::Schema(card.schema));
    }
    check_name("id", &card.id)?;
    for (key, value) in [("title", &card.title), ("metric", &card.metric)] {
        if value.trim().is_empty() {
            return Err(CardProblem::Empty(key));
        }
    }
    card.files.keys().try_for_each(|key| check_name("file key", key))
}

fn check_name(key: &'static str, name: &str) -> Check {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(is_plain) || name.starts_with('.') {
        return Err(CardProblem::Name { key, name: name.to_owned() });
    }
    Ok(())
}

fn check_files(card: &Card) -> Check {
    if card.files.is_empty() {
        return Err(CardProblem::NoFile);
    }
    for (key, entries) in &card.files {
        for entry in entries.as_slice() {
            let tables = entry.table.iter().map(|table| (&table.path, &table.sha256));
            for (path, sha256) in std::iter::once((&entry.path, &entry.sha256)).chain(tables) {
                check_is_inside(path)?;
                if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    let (key, path, sha256) = (key.clone(), path.clone(), sha256.clone());
                    return Err(CardProblem::Sha256 { key, path, sha256 });
                }
            }
        }
    }
    Ok(())
}

fn check_targets(card: &Card) -> Check {
    let entries: Vec<_> = card.files.values().flat_map(|entries| entries.as_slice()).collect();
    let n_labelled = entries.iter().filter(|entry| entry.label.is_some()).count();
    let is_classes = matches!(card.task, TaskKind::Binary | TaskKind::Multiclass);
    match &card.target {
        Some(_) if n_labelled > 0 => return Err(CardProblem::TargetAndLabel),
        None if n_labelled < entries.len() => return Err(CardProblem::NoTarget),
        None if !is_classes => return Err(CardProblem::LabelOfNumbers(card.task)),
        Some(target) if is_classes && target.as_slice().len() > 1 => {
            return Err(CardProblem::SeveralTargets { task: card.task, n: target.as_slice().len() });
        }
        _ => {}
    }
    if let Some(twice) = first_duplicate(card.target_columns()) {
        return Err(CardProblem::DuplicateTarget(twice.0.clone()));
    }
    match (card.task, &card.positive, &card.classes) {
        (TaskKind::Binary, None, _) => Err(CardProblem::NoPositive),
        (TaskKind::Binary, _, Some(_)) => Err(CardProblem::ClassesOfBinary),
        (TaskKind::Multiclass, Some(_), _) => Err(CardProblem::PositiveOfMulticlass),
        (TaskKind::Multiclass, None, Some(classes)) if classes.len() < 3 => {
            Err(CardProblem::FewClasses(classes.len()))
        }
        (TaskKind::Multilabel | TaskKind::Regression, None, None)
        | (TaskKind::Binary, Some(_), None)
        | (TaskKind::Multiclass, None, _) => Ok(()),
        (TaskKind::Multilabel | TaskKind::Regression, _, _) => Err(CardProblem::ClassesOfNumbers(card.task)),
    }
}

fn check_columns(card: &Card) -> Check {
    if card.start.is_some() && card.chromosome.is_none() {
        return Err(CardProblem::StartAlone);
    }
    if card.header {
        return Ok(());
    }
    let optional = [&card.example_id, &card.group, &card.chromosome, &card.start];
    let rules = card.splits.iter().filter_map(|rule| rule.column.as_ref());
    let mut all = std::iter::once(&card.sequence)
        .chain(card.target_columns())
        .chain(optional.into_iter().flatten())
        .chain(rules);
    match all.find(|column| column.0.parse::<usize>().is_err()) {
        Some(column) => Err(CardProblem::ColumnNumber(column.0.clone())),
        None => Ok(()),
    }
}

fn check_layout(card: &Card) -> Check {
    if let Some(delimiter) = card.delimiter
        && (!delimiter.is_ascii() || matches!(delimiter, '"' | '\n' | '\r' | '\0'))
    {
        return Err(CardProblem::Delimiter(delimiter));
    }
    if card.kmers == Some(0) {
        return Err(CardProblem::ZeroKmers);
    }
    if card.format == Some(Format::Fasta) {
        let keys = [
            ("delimiter", card.delimiter.is_some()),
            ("header = false", !card.header),
            ("kmers", card.kmers.is_some()),
        ];
        if let Some((key, _)) = keys.into_iter().find(|(_, is_given)| *is_given) {
            return Err(CardProblem::NotForFasta(key));
        }
    }
    Ok(())
}

fn check_splits(card: &Card) -> Check {
    if let Some(twice) = first_duplicate(card.splits.iter().map(|rule| &rule.of)) {
        return Err(CardProblem::DuplicateRule(twice.clone()));
    }
    let mut filled = BTreeSet::new();
    for rule in &card.splits {
        if !card.files.contains_key(&rule.of) {
            let keys = card.files.keys().cloned().collect();
            return Err(CardProblem::RuleOfNoFile { of: rule.of.clone(), keys });
        }
        check_rule(card, rule).map_err(|problem| CardProblem::Rule { of: rule.of.clone(), problem })?;
        filled.extend(Split::ALL.into_iter().filter(|&split| rule.may_fill(split)).map(Split::as_str));
    }
    for key in card.files.keys().filter(|key| card.splits.iter().all(|rule| rule.of != **key)) {
        let Some(split) = Split::ALL.into_iter().find(|split| split.as_str() == key) else {
            return Err(CardProblem::FileInNoSplit(key.clone()));
        };
        filled.insert(split.as_str());
    }
    match Split::ALL.into_iter().find(|split| !filled.contains(split.as_str())) {
        Some(missing) => Err(CardProblem::EmptySplit(missing)),
        None => Ok(()),
    }
}

fn check_rule(card: &Card, rule: &SplitRule) -> Result<(), RuleProblem> {
    let has_lists = rule.lists().iter().any(|(_, list)| list.is_some());
    let method = rule.method;
    if rule.column.is_some() && method != SplitMethod::Column {
        return Err(RuleProblem::Column);
    }
    match method {
        SplitMethod::Random if card.group.is_some() => return Err(RuleProblem::RandomGroups),
        SplitMethod::Group if card.group.is_none() => {
            return Err(RuleProblem::NoCardColumn { method, key: "group" });
        }
        SplitMethod::Chromosome if card.chromosome.is_none() => {
            return Err(RuleProblem::NoCardColumn { method, key: "chromosome" });
        }
        SplitMethod::Column if rule.column.is_none() => return Err(RuleProblem::NoColumn),
        SplitMethod::Random | SplitMethod::Group if has_lists => return Err(RuleProblem::Lists),
        _ => {}
    }
    match (&rule.into, method) {
        (Some(_), SplitMethod::Column) => Err(RuleProblem::Into),
        (Some(_), SplitMethod::Chromosome) if has_lists => Err(RuleProblem::IntoAndLists),
        (None, SplitMethod::Random | SplitMethod::Group) => Err(RuleProblem::NoShares),
        (None, SplitMethod::Chromosome) if !has_lists => Err(RuleProblem::NoChromosomes),
        (Some(shares), _) => {
            let values = Split::ALL.map(|split| shares.of(split));
            let is_share = |share: &f64| share.is_finite() && *share >= 0.0;
            let sum: f64 = values.iter().sum();
            if !values.iter().all(is_share) || (sum - 1.0).abs() > 1e-9 {
                return Err(RuleProblem::Shares(sum));
            }
            Ok(())
        }
        (None, _) => {
            let lists = rule.lists();
            let named = lists.iter().filter_map(|(_, list)| *list).flatten();
            match first_duplicate(named) {
                Some(twice) => Err(RuleProblem::InTwoLists(twice.0.clone())),
                None => Ok(()),
            }
        }
    }
}

impl Card {
    fn target_columns(&self) -> impl Iterator<Item = &Text> {
        self.target.iter().flat_map(|target| target.as_slice())
    }
}

/// The first value that occurs a second time.
fn first_duplicate<T: Ord + Copy>(values: impl IntoIterator<Item = T>) -> Option<T> {
    let mut seen = BTreeSet::new();
    values.into_iter().find(|value| !seen.insert(*value))
}

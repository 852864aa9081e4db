//! What of a card can be checked without its data.

use super::paths::check_is_inside;
use super::problem::{CardProblem, RuleProblem};
use super::{CARD_SCHEMA, Card, SplitMethod, SplitRule, Text};
use crate::error::DataError;
use seqprobe_core::config::{AtLine, line_of_key};
use seqprobe_core::{Split, TaskKind};
use std::collections::BTreeSet;

impl Card {
    /// Checks what can be known without the data.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        self.find_problem().map_err(|problem| self.error(problem.to_string()))
    }

    /// As [`Card::check`]; the error names the line of the card's text.
    pub(super) fn check_text(&self, text: &str) -> Result<(), DataError> {
        self.find_problem().map_err(|problem| {
            let line = line_of_key(text, &problem.path(self));
            DataError::card(&format!("{}{}", self.name, AtLine(line)), problem.to_string())
        })
    }

    fn find_problem(&self) -> Check {
        let checks = [check_names, check_files, check_targets, check_columns, check_layout, check_splits];
        checks.into_iter().try_for_each(|check| check(self))
    }
}

/// Maximum number of labels of one column.
const MAX_LABELS: usize = 10_000;

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
    for score in &card.published {
        if score.model.trim().is_empty() || score.metric.trim().is_empty() || !score.value.is_finite() {
            return Err(CardProblem::Published(score.model.clone()));
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
            let Some(target) = &entry.target else { continue };
            let expected = card.target.as_ref().map_or(0, |target| target.as_slice().len());
            let found = target.as_slice().len();
            if found != expected {
                return Err(CardProblem::TargetsOfFile { key: key.clone(), found, expected });
            }
        }
    }
    for file in card.named_files() {
        check_is_inside(file.path)?;
        let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if let Some(sha256) = file.sha256.filter(|sha256| !is_digest(sha256)) {
            return Err(CardProblem::Sha256 { path: file.path.to_owned(), sha256: sha256.to_owned() });
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
    if let Some(n) = card.labels {
        let is_one = card.target.as_ref().is_some_and(|target| target.as_slice().len() == 1);
        if card.task != TaskKind::Multilabel || !is_one || !(1..=MAX_LABELS).contains(&n) {
            return Err(CardProblem::Labels);
        }
    }
    if let Some(twice) = first_duplicate(card.target_columns()) {
        return Err(CardProblem::DuplicateTarget(twice.0.clone()));
    }
    match (card.task, &card.positive, &card.classes) {
        (TaskKind::Binary, _, Some(_)) => Err(CardProblem::ClassesOfBinary),
        (TaskKind::Multiclass, Some(_), _) => Err(CardProblem::PositiveOfMulticlass),
        (TaskKind::Multiclass, None, Some(classes)) if classes.len() < 3 => {
            Err(CardProblem::FewClasses(classes.len()))
        }
        (TaskKind::Multilabel | TaskKind::Regression, None, None)
        | (TaskKind::Binary, _, None)
        | (TaskKind::Multiclass, None, _) => Ok(()),
        (TaskKind::Multilabel | TaskKind::Regression, _, _) => Err(CardProblem::ClassesOfNumbers(card.task)),
    }
}

fn check_columns(card: &Card) -> Check {
    if card.start.is_some() && card.chromosome.is_none() {
        return Err(CardProblem::StartAlone);
    }
    check_intervals(card)?;
    if card.header {
        return Ok(());
    }
    let optional = [&card.example_id, &card.group, &card.chromosome, &card.start, &card.end, &card.strand];
    let rules = card.splits.iter().filter_map(|rule| rule.column.as_ref());
    let mut all = std::iter::once(&card.sequence)
        .filter(|_| !is_on_genome(card))
        .chain(card.target_columns())
        .chain(optional.into_iter().flatten())
        .chain(rules);
    match all.find(|column| column.0.parse::<usize>().is_err()) {
        Some(column) => Err(CardProblem::ColumnNumber(column.0.clone())),
        None => Ok(()),
    }
}

fn is_on_genome(card: &Card) -> bool {
    card.files.values().flat_map(|entries| entries.as_slice()).any(|entry| card.genome_of(entry).is_some())
}

/// The keys of intervals over a genome.
fn check_intervals(card: &Card) -> Check {
    let keys =
        [("end", card.end.is_some()), ("strand", card.strand.is_some()), ("length", card.length.is_some())];
    let entries: Vec<_> = card.files.values().flat_map(|entries| entries.as_slice()).collect();
    let n_on_genome = entries.iter().filter(|entry| card.genome_of(entry).is_some()).count();
    if n_on_genome > 0 && n_on_genome < entries.len() {
        return Err(CardProblem::NoGenome);
    }
    if n_on_genome == 0 {
        return match keys.into_iter().find(|(_, is_given)| *is_given) {
            Some((key, _)) => Err(CardProblem::OnlyWithGenome(key)),
            None => Ok(()),
        };
    }
    if card.format.is_some_and(|format| !format.is_table()) {
        return Err(CardProblem::NotWithGenome("format = \"fasta\""));
    }
    if card.kmers.is_some() {
        return Err(CardProblem::NotWithGenome("kmers"));
    }
    if card.length == Some(0) {
        return Err(CardProblem::ZeroLength);
    }
    match (&card.chromosome, &card.start, &card.end) {
        (None, _, _) | (Some(_), Some(_), None) | (Some(_), None, Some(_)) => Err(CardProblem::NoInterval),
        _ => Ok(()),
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
    if let Some(format) = card.format.filter(|format| !format.is_table()) {
        let keys = [
            ("delimiter", card.delimiter.is_some()),
            ("header = false", !card.header),
            ("kmers", card.kmers.is_some() && format.has_records()),
        ];
        if let Some((key, _)) = keys.into_iter().find(|(_, is_given)| *is_given) {
            return Err(CardProblem::NotForFormat { key, format: format.as_str() });
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
        (Some(shares), SplitMethod::Column) if shares.test > 0.0 || shares.valid <= 0.0 => {
            Err(RuleProblem::Into)
        }
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

//! What of a card can be checked without its data.

use super::{CARD_SCHEMA, Card, Format, SplitMethod, SplitRule, Text};
use crate::error::DataError;
use crate::folders::stays_inside;
use seqprobe_core::{Split, TaskKind};
use std::collections::BTreeSet;

impl Card {
    /// Checks what can be known without the data.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        let checks = [check_names, check_files, check_targets, check_columns, check_layout, check_splits];
        checks.into_iter().try_for_each(|check| check(self)).map_err(|message| self.error(message))
    }
}

type Check = Result<(), String>;

fn check_names(card: &Card) -> Check {
    if card.schema != CARD_SCHEMA {
        return Err(format!(
            "schema {} is not known\n  hint: this version reads schema = {CARD_SCHEMA}",
            card.schema
        ));
    }
    check_name("id", &card.id)?;
    for (key, value) in [("title", &card.title), ("metric", &card.metric)] {
        if value.trim().is_empty() {
            return Err(format!("{key} is empty"));
        }
    }
    card.files.keys().try_for_each(|key| check_name("file key", key))
}

fn check_name(what: &str, name: &str) -> Check {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(is_plain) || name.starts_with('.') {
        return Err(format!(
            "{what} {name:?} may hold ASCII letters, digits, \"-\", \"_\" and \".\" only, and not start with \".\""
        ));
    }
    Ok(())
}

fn check_files(card: &Card) -> Check {
    if card.files.is_empty() {
        return Err("there is no file\n  hint: [files] needs at least one entry".to_owned());
    }
    for (key, entries) in &card.files {
        for entry in entries.as_slice() {
            let tables = entry.table.iter().map(|table| (&table.path, &table.sha256));
            for (path, sha256) in std::iter::once((&entry.path, &entry.sha256)).chain(tables) {
                stays_inside(path)?;
                if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(format!(
                        "file {key:?}: sha256 is not 64 hexadecimal digits: {sha256:?}\n  hint: `sha256sum {path}` prints it"
                    ));
                }
            }
        }
    }
    Ok(())
}

fn check_targets(card: &Card) -> Check {
    let kind = card.task.as_str();
    let entries: Vec<_> = card.files.values().flat_map(|entries| entries.as_slice()).collect();
    let n_labelled = entries.iter().filter(|entry| entry.label.is_some()).count();
    let is_classes = matches!(card.task, TaskKind::Binary | TaskKind::Multiclass);
    match &card.target {
        Some(_) if n_labelled > 0 => {
            return Err("both target and a file's label are given\n  hint: keep one of them".to_owned());
        }
        None if n_labelled < entries.len() => {
            return Err(
                "target is missing\n  hint: name the target column, or give every file a label".to_owned()
            );
        }
        None if !is_classes => {
            return Err(format!(
                "a file's label is a class, the task is {kind}\n  hint: name target columns"
            ));
        }
        Some(target) if is_classes && target.as_slice().len() > 1 => {
            return Err(format!(
                "a {kind} task has one target, not {}\n  hint: several yes/no targets are task = \"multilabel\"",
                target.as_slice().len()
            ));
        }
        _ => {}
    }
    if let Some(twice) = first_twice(card.target_columns()) {
        return Err(format!("target {:?} is named twice", twice.0));
    }
    match (card.task, &card.positive, &card.classes) {
        (TaskKind::Binary, None, _) => Err(
            "a binary task needs positive\n  hint: positive = \"1\" names the value of the positive class"
                .to_owned(),
        ),
        (TaskKind::Binary, _, Some(_)) => Err("a binary task has positive, not classes".to_owned()),
        (TaskKind::Multiclass, Some(_), _) => Err("a multiclass task has classes, not positive".to_owned()),
        (TaskKind::Multiclass, None, Some(classes)) if classes.len() < 3 => Err(format!(
            "a multiclass task has three or more classes, not {}\n  hint: two classes are task = \"binary\" with positive",
            classes.len()
        )),
        (TaskKind::Multilabel | TaskKind::Regression, None, None)
        | (TaskKind::Binary, Some(_), None)
        | (TaskKind::Multiclass, None, _) => Ok(()),
        (TaskKind::Multilabel | TaskKind::Regression, _, _) => {
            Err(format!("a {kind} task has neither positive nor classes"))
        }
    }
}

fn check_columns(card: &Card) -> Check {
    if card.start.is_some() && card.chromosome.is_none() {
        return Err("start is given without chromosome".to_owned());
    }
    if card.header {
        return Ok(());
    }
    let optional = [&card.example_id, &card.group, &card.chromosome, &card.start];
    let rules = card.splits.iter().filter_map(|rule| rule.column.as_ref());
    let all = std::iter::once(&card.sequence)
        .chain(card.target_columns())
        .chain(optional.into_iter().flatten())
        .chain(rules);
    for column in all {
        if column.0.parse::<usize>().is_err() {
            return Err(format!(
                "column {:?} is not a number\n  hint: with header = false columns are numbers from 0, sequence too",
                column.0
            ));
        }
    }
    Ok(())
}

fn check_layout(card: &Card) -> Check {
    if let Some(delimiter) = card.delimiter
        && (!delimiter.is_ascii() || matches!(delimiter, '"' | '\n' | '\r' | '\0'))
    {
        return Err(format!(
            "delimiter {delimiter:?} is not a single ASCII character that can separate fields"
        ));
    }
    if card.kmers == Some(0) {
        return Err("kmers is 0\n  hint: it is the length of the k-mers the text holds".to_owned());
    }
    if card.format == Some(Format::Fasta) {
        for (key, is_given) in [
            ("delimiter", card.delimiter.is_some()),
            ("header = false", !card.header),
            ("kmers", card.kmers.is_some()),
        ] {
            if is_given {
                return Err(format!("{key} does not go with format = \"fasta\""));
            }
        }
    }
    Ok(())
}

fn check_splits(card: &Card) -> Check {
    if let Some(twice) = first_twice(card.splits.iter().map(|rule| &rule.of)) {
        return Err(format!("[[split]] of = {twice:?} stands twice"));
    }
    let mut filled = BTreeSet::new();
    for rule in &card.splits {
        if !card.files.contains_key(&rule.of) {
            let keys: Vec<_> = card.files.keys().map(String::as_str).collect();
            return Err(format!(
                "[[split]] of = {:?} names no file\n  hint: the files are {}",
                rule.of,
                keys.join(", ")
            ));
        }
        check_rule(card, rule).map_err(|message| format!("[[split]] of = {:?}: {message}", rule.of))?;
        filled.extend(Split::ALL.into_iter().filter(|&split| rule.may_fill(split)).map(Split::as_str));
    }
    for key in card.files.keys().filter(|key| card.splits.iter().all(|rule| rule.of != **key)) {
        let Some(split) = Split::ALL.into_iter().find(|split| split.as_str() == key) else {
            return Err(format!(
                "file {key:?} is in no split\n  hint: name it train, valid or test, or add [[split]] of = {key:?}"
            ));
        };
        filled.insert(split.as_str());
    }
    match Split::ALL.into_iter().find(|split| !filled.contains(split.as_str())) {
        Some(missing) => Err(format!(
            "no file and no [[split]] fills the {} split\n  hint: all of train, valid and test are needed",
            missing.as_str()
        )),
        None => Ok(()),
    }
}

fn check_rule(card: &Card, rule: &SplitRule) -> Check {
    let has_lists = rule.lists().iter().any(|(_, list)| list.is_some());
    if rule.column.is_some() && rule.method != SplitMethod::Column {
        return Err("column goes with method = \"column\" only".to_owned());
    }
    match rule.method {
        SplitMethod::Random if card.group.is_some() => {
            return Err("a random split would cut through groups\n  hint: method = \"group\"".to_owned());
        }
        SplitMethod::Group if card.group.is_none() => {
            return Err("method = \"group\" needs the card's group column".to_owned());
        }
        SplitMethod::Chromosome if card.chromosome.is_none() => {
            return Err("method = \"chromosome\" needs the card's chromosome column".to_owned());
        }
        SplitMethod::Column if rule.column.is_none() => {
            return Err("method = \"column\" needs column".to_owned());
        }
        SplitMethod::Random | SplitMethod::Group if has_lists => {
            return Err("lists go with methods \"chromosome\" and \"column\" only\n  hint: into = { train = 0.8, valid = 0.2 }".to_owned());
        }
        _ => {}
    }
    match (&rule.into, rule.method) {
        (Some(_), SplitMethod::Column) => Err("into does not go with method = \"column\"".to_owned()),
        (Some(_), SplitMethod::Chromosome) if has_lists => Err("both into and lists of chromosomes are given".to_owned()),
        (None, SplitMethod::Random | SplitMethod::Group) => {
            Err("into is missing\n  hint: into = { train = 0.8, valid = 0.2 }".to_owned())
        }
        (None, SplitMethod::Chromosome) if !has_lists => {
            Err("chromosomes are missing\n  hint: valid = [\"chr8\"], test = [\"chr9\"], or into = { train = 0.8, … }".to_owned())
        }
        (Some(shares), _) => {
            let values = Split::ALL.map(|split| shares.of(split));
            let is_share = |share: &f64| share.is_finite() && *share >= 0.0;
            let sum: f64 = values.iter().sum();
            if !values.iter().all(is_share) || (sum - 1.0).abs() > 1e-9 {
                return Err(format!("the shares of into are {sum:.4} together, not 1, or one is negative"));
            }
            Ok(())
        }
        (None, _) => {
            let lists = rule.lists();
            let named = lists.iter().filter_map(|(_, list)| *list).flatten();
            match first_twice(named) {
                Some(twice) => Err(format!("{:?} is in two lists", twice.0)),
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

impl SplitRule {
    /// The lists of chromosomes or column values.
    pub(crate) fn lists(&self) -> [(Split, Option<&Vec<Text>>); 3] {
        [
            (Split::Train, self.train.as_ref()),
            (Split::Valid, self.valid.as_ref()),
            (Split::Test, self.test.as_ref()),
        ]
    }

    /// True when rows of this rule can be in a split.
    fn may_fill(&self, split: Split) -> bool {
        match (&self.into, self.method) {
            (Some(shares), _) => shares.of(split) > 0.0,
            (None, SplitMethod::Chromosome) => {
                split == Split::Train
                    || self.lists().iter().any(|(one, list)| *one == split && list.is_some())
            }
            (None, _) => true,
        }
    }
}

/// The first value that stands twice.
fn first_twice<T: Ord + Copy>(values: impl IntoIterator<Item = T>) -> Option<T> {
    let mut seen = BTreeSet::new();
    values.into_iter().find(|value| !seen.insert(*value))
}

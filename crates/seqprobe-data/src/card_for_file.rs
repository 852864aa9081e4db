//! A card made from one CSV, TSV or FASTA file of a user.

use crate::card::{
    CARD_SCHEMA, Card, DataFolders, FileEntry, OneOrMany, Shares, SplitMethod, SplitRule, Text,
};
use crate::error::DataError;
use crate::read::columns::{Column, FileLayout, Layout};
use crate::read::data_file::DataFile;
use crate::read::labels::{Label, is_missing};
use crate::read::rows::{column_names, read_rows};
use crate::read::sequence_column::{find_named, find_sequence_column};
use seqprobe_core::{Seed, TaskKind};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Maximum number of distinct values that are guessed to be classes.
const MAX_CLASSES: usize = 20;

/// What the user said about the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTask {
    /// The file: CSV, TSV or FASTA, plain or compressed; a pipe, or `-` for standard input.
    pub path: PathBuf,
    /// What is known of its columns.
    pub layout: FileLayout,
    /// Target columns, at least one. FASTA: the key of a `KEY=VALUE` field of the definition lines.
    pub targets: Vec<String>,
    /// The kind of task; `None` to guess it from the values.
    pub task: Option<TaskKind>,
    /// The positive class; `None` to guess it.
    pub positive: Option<String>,
    /// Split by the groups of this column.
    pub group: Option<String>,
    /// Split by chromosome.
    pub chromosome: bool,
    /// Seed of the split.
    pub seed: Seed,
}

/// A card made from a file, and what was guessed.
#[derive(Clone, Debug)]
pub struct FileCard {
    /// The card, with the file's digest. Its path is the bare file name: save the card next to the file, or add the
    /// file's folder to the data folders.
    pub card: Card,
    /// What was guessed, one sentence each.
    pub guesses: Vec<String>,
    /// The file, open.
    pub file: DataFile,
}

impl FileCard {
    /// Where [`crate::load()`] finds the card's file: it is not opened again.
    pub fn folders(&self) -> DataFolders {
        let file = self.card.files.values().flat_map(|entries| entries.as_slice()).next();
        let opened = file.map(|entry| (entry.path.clone(), self.file.clone()));
        DataFolders { folders: Vec::new(), opened }
    }
}

/// Makes the card for one file. Rows are split into 0.7 train, 0.1 valid and 0.2 test, at random (stratified by class),
/// by group or by chromosome. Two distinct values make a binary task, up to 20 whole numbers or texts a multiclass
/// task, other numbers a regression; several targets of only 0 and 1 make a multilabel task.
///
/// # Errors
/// [`DataError`] when the file cannot be read, or a column or the kind of task cannot be found.
pub fn card_for_file(task: &FileTask) -> Result<FileCard, DataError> {
    let path = task.path.as_path();
    let mut guesses = Vec::new();
    let file = DataFile::open(path)?;
    let layout = task.layout.layout();
    let names = column_names(&file, layout)?;
    let column = |name: &str| match &names {
        None if name != "header" && !name.starts_with("header:") => Text(format!("header:{name}")),
        _ => Text::from(name),
    };
    let sequence = match (&task.layout.sequence, &names) {
        (Some(stated), _) => stated.clone(),
        (None, None) => "sequence".to_owned(),
        (None, Some(_)) => {
            let found = find_sequence_column(&file, layout)?.unwrap_or_default();
            guesses.push(format!("the sequence is column {found:?}"));
            found
        }
    };
    let targets: Vec<Text> = task.targets.iter().map(|name| column(name)).collect();
    let values = read_targets(&file, layout, &targets)?;
    let kind = match task.task {
        Some(kind) => kind,
        None => {
            let kind = guess_kind(path, &values)?;
            guesses.push(format!("the task is {}", kind.as_str()));
            kind
        }
    };
    let positive = match (kind, &task.positive) {
        (TaskKind::Binary, Some(stated)) => Some(Text(stated.clone())),
        (TaskKind::Binary, None) => {
            let found = guess_positive(values.first());
            guesses.push(format!("the positive class is {found:?}"));
            Some(Text(found))
        }
        _ => None,
    };
    let (method, chromosome, start) = match (&task.group, task.chromosome) {
        (Some(_), true) => {
            return Err(DataError::file(path, "split by group or by chromosome, not both"));
        }
        (Some(_), false) => (SplitMethod::Group, None, None),
        (None, false) => (SplitMethod::Random, None, None),
        (None, true) => {
            let (chromosome, start) = find_chromosome(path, names.as_deref())?;
            guesses.push(format!("the chromosome is column {chromosome:?}"));
            (SplitMethod::Chromosome, Some(Text(chromosome)), start.map(Text))
        }
    };
    guesses.push(format!(
        "split 0.7, 0.1, 0.2 into train, valid, test, {} seed {}",
        unit_of(method),
        task.seed.0
    ));
    let file_name = match path.file_name() {
        _ if file.is_spooled() => "stdin",
        name => name.and_then(|name| name.to_str()).ok_or_else(|| {
            DataError::file(path, "the file name is not UTF-8 text\n  hint: rename the file")
        })?,
    };
    let entry =
        FileEntry { path: file_name.to_owned(), sha256: file.sha256()?, label: None, url: None, table: None };
    let card = Card {
        schema: CARD_SCHEMA,
        id: id_from(file_name),
        title: format!("{} in {file_name}", task.targets.join(", ")),
        task: kind,
        sequence: Text(sequence),
        target: OneOrMany::many(targets),
        positive,
        classes: None,
        example_id: task.layout.id.as_deref().map(column),
        group: task.group.as_deref().map(column),
        chromosome,
        start,
        metric: default_metric(kind).to_owned(),
        licence: String::new(),
        citation: String::new(),
        source: String::new(),
        note: String::new(),
        format: None,
        delimiter: task.layout.delimiter.map(|delimiter| char::from(delimiter.byte())),
        header: task.layout.has_header,
        kmers: None,
        files: BTreeMap::from([("all".to_owned(), OneOrMany::one(entry))]),
        splits: vec![SplitRule {
            of: "all".to_owned(),
            method,
            into: Some(Shares { train: 0.7, valid: 0.1, test: 0.2 }),
            seed: task.seed.0,
            column: None,
            train: None,
            valid: None,
            test: None,
        }],
        folder: path.parent().unwrap_or(Path::new("")).to_owned(),
        name: path.display().to_string(),
    };
    card.check()?;
    Ok(FileCard { card, guesses, file })
}

/// The distinct labels of one target; more than [`MAX_CLASSES`] + 1 are not kept.
#[derive(Default)]
struct TargetValues {
    distinct: BTreeSet<Label>,
    are_numbers: bool,
    are_whole_or_texts: bool,
}

fn read_targets(file: &DataFile, layout: Layout, targets: &[Text]) -> Result<Vec<TargetValues>, DataError> {
    let path = file.path();
    if targets.is_empty() {
        return Err(DataError::file(path, "no target column is named"));
    }
    let columns: Vec<Column<'_>> = targets.iter().map(|target| Column::Named(target.as_str())).collect();
    let new = || TargetValues { distinct: BTreeSet::new(), are_numbers: true, are_whole_or_texts: true };
    let mut found: Vec<TargetValues> = targets.iter().map(|_| new()).collect();
    let mut n_rows = 0_usize;
    read_rows(file, layout, &columns, &mut |row| {
        n_rows += 1;
        for (text, values) in row.values.iter().zip(&mut found) {
            if is_missing(text) {
                continue;
            }
            let label =
                Label::parse(text).map_err(|problem| DataError::line(path, row.line, problem.to_string()))?;
            match &label {
                Label::Number(number) => {
                    values.are_whole_or_texts &= number.fract().abs() < f64::MIN_POSITIVE;
                }
                Label::Text(_) => values.are_numbers = false,
            }
            if values.distinct.len() <= MAX_CLASSES {
                values.distinct.insert(label);
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if n_rows == 0 {
        return Err(DataError::file(path, "has no rows"));
    }
    Ok(found)
}

fn guess_kind(path: &Path, targets: &[TargetValues]) -> Result<TaskKind, DataError> {
    let hint = "\n  hint: name the kind of task";
    match targets {
        [one] => match one.distinct.len() {
            0 | 1 => Err(DataError::file(path, "the target has fewer than two distinct values")),
            2 => Ok(TaskKind::Binary),
            n if n <= MAX_CLASSES && one.are_whole_or_texts => Ok(TaskKind::Multiclass),
            _ if one.are_numbers => Ok(TaskKind::Regression),
            _ => Err(DataError::file(
                path,
                format!("the target has text values and more than {MAX_CLASSES} distinct values{hint}"),
            )),
        },
        several => {
            let zero_or_one = [Label::Number(0.0), Label::Number(1.0)];
            let are_yes_no =
                |one: &TargetValues| one.distinct.iter().all(|label| zero_or_one.contains(label));
            if several.iter().all(are_yes_no) {
                Ok(TaskKind::Multilabel)
            } else if several.iter().all(|one| one.are_numbers) {
                Ok(TaskKind::Regression)
            } else {
                Err(DataError::file(path, format!("the targets are not all numbers{hint}")))
            }
        }
    }
}

/// A text that means yes, else the greater label: 1 of 0 and 1.
fn guess_positive(values: Option<&TargetValues>) -> String {
    const YES: &[&str] = &["true", "yes", "y", "positive", "pos"];
    let Some(values) = values else { return String::new() };
    let yes = values.distinct.iter().find(|label| YES.contains(&label.to_string().to_lowercase().as_str()));
    yes.or(values.distinct.last()).map(Label::to_string).unwrap_or_default()
}

/// The column of the chromosome and, if there is one, of the start.
fn find_chromosome(path: &Path, names: Option<&[String]>) -> Result<(String, Option<String>), DataError> {
    let Some(names) = names else { return Ok(("header".to_owned(), None)) };
    let chromosome = find_named(names, &["chromosome", "chrom", "chr", "region"]).ok_or_else(|| {
        DataError::file(
            path,
            "no column named chromosome, chrom or chr\n  hint: rename the column, or write a card with chromosome = \
            \"…\"",
        )
    })?;
    let start = find_named(names, &["start", "chromstart", "chrom_start"]);
    Ok((chromosome.to_owned(), start.map(str::to_owned)))
}

fn unit_of(method: SplitMethod) -> &'static str {
    match method {
        SplitMethod::Random => "row by row,",
        SplitMethod::Group => "whole groups,",
        SplitMethod::Chromosome => "whole chromosomes,",
        SplitMethod::Column => "by a column,",
    }
}

fn default_metric(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Binary | TaskKind::Multiclass | TaskKind::Multilabel => "auroc",
        TaskKind::Regression => "spearman",
    }
}

/// A card id from a file name: without its endings, other characters replaced by `-`.
fn id_from(file_name: &str) -> String {
    let mut stem = file_name;
    for ending in
        [".gz", ".bgz", ".zst", ".xz", ".bz2", ".zip", ".csv", ".tsv", ".txt", ".fasta", ".fa", ".fna"]
    {
        stem = stem.strip_suffix(ending).unwrap_or(stem);
    }
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.') { letter } else { '-' }
    };
    let id: String = stem.chars().map(plain).collect();
    let id = id.trim_start_matches('.');
    if id.is_empty() { "data".to_owned() } else { id.to_owned() }
}

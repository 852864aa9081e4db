//! A card made from one CSV, TSV or FASTA file of a user.

use crate::card::{
    CARD_SCHEMA, Card, DataFolders, FileEntry, GenomeFile, OneOrMany, Shares, SplitMethod, SplitRule, Text,
};
use crate::error::DataError;
use crate::guess_task::{MetricOf, TargetValues, guess_kind, guess_positive};
use crate::read::columns::{Column, FileLayout, Layout};
use crate::read::data_file::DataFile;
use crate::read::definition::is_of_header;
use crate::read::ids::{ID_NAMES, IdProblem, Repeats, SeenIds};
use crate::read::interval_columns::IntervalColumns;
use crate::read::rows::{class_names, column_names, read_rows};
use crate::read::sequence_column::{find_named, find_sequence_column};
use crate::split::column::{SplitColumn, SplitWords};
use crate::split::words::SPLIT_COLUMNS;
use seqprobe_core::{Seed, TaskKind};
use seqprobe_files::FileKind;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

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
    /// What the user's metric is of; it decides between classes and numbers where the values alone do not.
    pub metric: Option<MetricOf>,
    /// The column of the splits, or `random` for none; `None` to find it by its name.
    pub split: Option<String>,
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
    /// The files, open, under their paths in the card.
    pub opened: Vec<(String, DataFile)>,
}

impl FileCard {
    /// Where [`crate::load()`] finds the card's files: they are not opened again.
    pub fn folders(&self) -> DataFolders {
        DataFolders { folders: Vec::new(), opened: self.opened.clone() }
    }

    /// True where the data come from a pipe: the card could not be used again.
    pub fn is_spooled(&self) -> bool {
        self.opened.iter().any(|(_, file)| file.is_spooled())
    }
}

/// Makes the card for one file.
///
/// A column `split`, `set`, `partition`, `fold` or `subset` that has the words for splits is the split; otherwise rows
/// are split into 0.7 train, 0.1 valid and 0.2 test, at random (stratified by class), by group or by chromosome. Two
/// distinct values make a binary task, texts a multiclass task, numbers that are not whole a regression; several targets
/// of only 0 and 1 make a multilabel task.
///
/// # Errors
/// [`DataError`] when the file cannot be read, or a column, the kind of task or the split cannot be found or could be
/// one of several.
pub fn card_for_file(task: &FileTask) -> Result<FileCard, DataError> {
    let path = task.path.as_path();
    let mut guesses = Vec::new();
    let file = DataFile::open(path)?;
    let intervals = match &task.layout.genome {
        Some(genome) => {
            Some((GenomeOfTask::open(genome, &file)?, IntervalColumns::find(&file, &task.layout)?))
        }
        None => None,
    };
    let layout = intervals.as_ref().map_or_else(|| task.layout.layout(), |(_, columns)| columns.layout);
    let names = column_names(&file, layout)?;
    let column = |name: &str| match &names {
        None if !is_of_header(name) => Text(format!("header:{name}")),
        _ => Text::from(name),
    };
    let sequence = match (&task.layout.sequence, &names) {
        (stated, _) if intervals.is_some() => {
            if stated.is_some() {
                let message = "--sequence and --genome are both given\n  hint: the sequences are in the file or in the genome";
                return Err(DataError::file(path, message));
            }
            "sequence".to_owned()
        }
        (Some(stated), _) => stated.clone(),
        (None, None) => "sequence".to_owned(),
        (None, Some(_)) => {
            let found = find_sequence_column(&file, layout)?.unwrap_or_default();
            guesses.push(format!("the sequence is column {found:?}"));
            found
        }
    };
    let targets: Vec<Text> = task.targets.iter().map(|name| column(name)).collect();
    let id = match (&task.layout.id, &names) {
        (Some(stated), _) => Some(column(stated).0),
        (None, None) => Some("header".to_owned()),
        (None, Some(names)) => find_named(names, ID_NAMES).map(str::to_owned),
    };
    let splits = split_columns(task, &file, layout, names.as_deref())?;
    let mut columns =
        FileColumns { targets: Vec::new(), id: id.map(|name| (name, SeenIds::default())), splits };
    columns.read(&file, layout, &task.targets, &targets)?;
    let kind = match task.task {
        Some(kind) => kind,
        None => {
            let kind = guess_kind(path, &columns.targets, task.metric, task.positive.as_deref())?;
            guesses.push(format!("the task is {}", kind.as_str()));
            kind
        }
    };
    let class_names = match task.targets.as_slice() {
        [one] => class_names(&file, one)?,
        _ => None,
    };
    let positive = match (kind, &task.positive) {
        (TaskKind::Binary, Some(stated)) => Some(Text(stated.clone())),
        (TaskKind::Binary, None) => {
            let found = match class_names.as_deref() {
                // The class of number 1.
                Some([_, second]) => second.clone(),
                _ => guess_positive(columns.targets.first()),
            };
            guesses.push(format!("the positive class is {found:?}"));
            Some(Text(found))
        }
        (kind, Some(stated)) => {
            let message = format!(
                "{stated:?} is to be the positive class, but the task is {}\n  hint: only a task of two classes has \
                a positive one; leave out --positive, or give --task binary",
                kind.as_str()
            );
            return Err(DataError::file(path, message));
        }
        (_, None) => None,
    };
    let example_id = match columns.id {
        Some((name, _)) if task.layout.id.is_some() => Some(Text(name)),
        Some((name, seen)) => match id_problem(&file, layout, &name, seen)? {
            Some(problem) => {
                guesses.push(problem.remark(&name));
                None
            }
            None => {
                let what =
                    if name == "header" { "the record names".to_owned() } else { format!("column {name:?}") };
                guesses.push(format!("the ids are {what}"));
                Some(Text(name))
            }
        },
        None => None,
    };
    let (chromosome, start) = match (&task.group, task.chromosome) {
        (Some(_), true) => {
            return Err(DataError::file(path, "split by group or by chromosome, not both"));
        }
        (_, false) => (None, None),
        (None, true) if intervals.is_some() => (None, None),
        (None, true) => {
            let (chromosome, start) = find_chromosome(&file, layout, names.as_deref())?;
            guesses.push(format!("the chromosome is column {chromosome:?}"));
            (Some(Text(chromosome)), start.map(Text))
        }
    };
    let rule = split_rule(task, &columns.splits, path, &mut guesses)?;
    let file_name = match path.file_name() {
        _ if file.is_spooled() => "stdin",
        name => name.and_then(|name| name.to_str()).ok_or_else(|| {
            DataError::file(path, "the file name is not UTF-8 text\n  hint: rename the file")
        })?,
    };
    let entry = FileEntry {
        path: file_name.to_owned(),
        sha256: Some(file.sha256()?),
        sequence: None,
        target: None,
        label: None,
        url: None,
        table: None,
        genome: None,
    };
    let mut opened = vec![(file_name.to_owned(), file)];
    let (genome, columns) = match intervals {
        Some((genome, columns)) => {
            guesses.push(columns.guess());
            opened.push((genome.entry.path.clone(), genome.file));
            (Some(genome.entry), Some(columns))
        }
        None => (None, None),
    };
    let found =
        |column: fn(&IntervalColumns) -> Option<&str>| columns.as_ref().and_then(column).map(Text::from);
    let card = Card {
        schema: CARD_SCHEMA,
        id: id_from(file_name),
        title: format!("{} in {file_name}", task.targets.join(", ")),
        task: kind,
        sequence: Text(sequence),
        target: OneOrMany::many(targets),
        positive,
        classes: class_names
            .filter(|names| kind == TaskKind::Multiclass && names.len() >= 3)
            .map(|names| names.into_iter().map(Text).collect()),
        example_id,
        group: task.group.as_deref().map(column),
        chromosome: found(|columns| Some(&columns.chromosome)).or(chromosome),
        start: found(|columns| Some(&columns.start)).or(start),
        genome,
        end: found(|columns| Some(&columns.end)),
        strand: found(|columns| columns.strand.as_deref()),
        length: None,
        labels: None,
        metric: default_metric(kind).to_owned(),
        licence: String::new(),
        citation: String::new(),
        source: String::new(),
        note: String::new(),
        format: None,
        delimiter: task.layout.delimiter.map(|delimiter| char::from(delimiter.byte())),
        header: layout.has_header,
        kmers: None,
        published: Vec::new(),
        files: BTreeMap::from([("all".to_owned(), OneOrMany::one(entry))]),
        splits: vec![rule],
        folder: path.parent().unwrap_or(Path::new("")).to_owned(),
        name: path.display().to_string(),
    };
    card.check()?;
    Ok(FileCard { card, guesses, opened })
}

/// The genome that the user named, open, and its entry in the card.
pub(crate) struct GenomeOfTask {
    pub(crate) entry: GenomeFile,
    pub(crate) file: DataFile,
}

impl GenomeOfTask {
    pub(crate) fn open(path: &Path, intervals: &DataFile) -> Result<Self, DataError> {
        let file = DataFile::open(path)?;
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.filter(|_| !file.is_spooled()) else {
            return Err(DataError::file(path, "a genome is a file with a name in UTF-8, not a pipe"));
        };
        if intervals.path().file_name() == path.file_name() {
            let message = "has the name of the file of intervals\n  hint: rename one of them, because the card names both";
            return Err(DataError::file(path, message));
        }
        let entry = GenomeFile { path: name.to_owned(), sha256: Some(file.sha256()?), url: None };
        Ok(Self { entry, file })
    }
}

/// What one pass over the file finds.
struct FileColumns {
    targets: Vec<TargetValues>,
    id: Option<(String, SeenIds)>,
    splits: Vec<SplitColumn>,
}

impl FileColumns {
    fn read(
        &mut self,
        file: &DataFile,
        layout: Layout,
        names: &[String],
        targets: &[Text],
    ) -> Result<(), DataError> {
        let path = file.path();
        if targets.is_empty() {
            let message = "no target column is named\n  hint: --target COLUMN; a folder of intervals with one file per class \
                           needs none";
            return Err(DataError::file(path, message));
        }
        self.targets = names.iter().map(|name| TargetValues::new(name)).collect();
        let id_name = self.id.as_ref().map(|(name, _)| name.clone());
        let split_names: Vec<String> = self.splits.iter().map(|split| split.name().to_owned()).collect();
        let columns: Vec<Column<'_>> = targets
            .iter()
            .map(Text::as_str)
            .chain(id_name.as_deref())
            .chain(split_names.iter().map(String::as_str))
            .map(Column::Named)
            .collect();
        let mut n_rows = 0_usize;
        read_rows(file, layout, &columns, &mut |row| {
            n_rows += 1;
            let mut values = row.values.iter();
            for (target, text) in self.targets.iter_mut().zip(values.by_ref()) {
                target.add(text, row.line);
            }
            if let Some((_, seen)) = &mut self.id
                && let Some(text) = values.next()
            {
                seen.add(text.trim(), row.line);
            }
            for (split, text) in self.splits.iter_mut().zip(values) {
                split.add(text, row.line);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if n_rows == 0 {
            return Err(DataError::file(path, "has no rows"));
        }
        Ok(())
    }
}

/// What is wrong with the ids of a column.
fn id_problem(
    file: &DataFile,
    layout: Layout,
    column: &str,
    seen: SeenIds,
) -> Result<Option<IdProblem>, DataError> {
    if let Some(line) = seen.first_empty() {
        return Ok(Some(IdProblem::Empty { line }));
    }
    let hashes = seen.repeated();
    if hashes.is_empty() {
        return Ok(None);
    }
    let (mut repeats, mut problem) = (Repeats::new(hashes), None);
    read_rows(file, layout, &[Column::Named(column)], &mut |row| {
        problem = row.values.first().and_then(|id| repeats.add(id.trim(), row.line));
        Ok(if problem.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(problem)
}

/// The columns that can be the split: the stated one, or those with such a name.
fn split_columns(
    task: &FileTask,
    file: &DataFile,
    layout: Layout,
    names: Option<&[String]>,
) -> Result<Vec<SplitColumn>, DataError> {
    match (task.split.as_deref(), names) {
        (Some("random"), _) => Ok(Vec::new()),
        (Some(stated), Some(_)) => Ok(vec![SplitColumn::new(stated)]),
        (Some(stated), None) => {
            let name = stated.strip_prefix("header:").unwrap_or(stated);
            Ok(vec![SplitColumn::new(&format!("header:{name}"))])
        }
        (None, Some(names)) => {
            let is_named = |name: &&str| {
                let is_once = names.iter().filter(|other| other == name).count() == 1;
                is_once
                    && !task.targets.iter().any(|target| target == name)
                    && task.group.as_deref() != Some(name)
            };
            let found =
                SPLIT_COLUMNS.iter().filter_map(|wanted| find_named(names, &[wanted])).filter(is_named);
            Ok(found.map(SplitColumn::new).collect())
        }
        (None, None) => {
            let name = "header:split";
            Ok(if has_field(file, layout, name)? { vec![SplitColumn::new(name)] } else { Vec::new() })
        }
    }
}

/// True where the first FASTA or FASTQ record has the field. Records of GenBank and EMBL have none.
fn has_field(file: &DataFile, layout: Layout, column: &str) -> Result<bool, DataError> {
    if matches!(file.kind(), FileKind::GenBank | FileKind::Embl) {
        return Ok(false);
    }
    let mut has = false;
    let found = read_rows(file, layout, &[Column::Named(column)], &mut |_| {
        has = true;
        Ok(ControlFlow::Break(()))
    });
    match found {
        Err(DataError::Line { .. }) if !has => Ok(false),
        found => found.map(|_| has),
    }
}

/// The split: by its column, by group, by chromosome, or at random.
fn split_rule(
    task: &FileTask,
    columns: &[SplitColumn],
    path: &Path,
    guesses: &mut Vec<String>,
) -> Result<SplitRule, DataError> {
    let is_stated = task.split.is_some();
    let rule = |method, into, column: Option<&SplitColumn>| SplitRule {
        of: "all".to_owned(),
        method,
        into,
        seed: task.seed.0,
        column: column.map(|column| Text::from(column.name())),
        train: None,
        valid: None,
        test: None,
    };
    for column in columns {
        match column.words().map_err(|problem| DataError::file(path, problem.to_string()))? {
            SplitWords::None { values } if is_stated => {
                let message = format!(
                    "column {:?} has no words for splits: its values are {values}\n  hint: the words are {}",
                    column.name(),
                    crate::split::words::words_shown()
                );
                return Err(DataError::file(path, message));
            }
            SplitWords::None { values } => guesses.push(format!(
                "column {:?} is not the split: its values are {values}; --split names another column",
                column.name()
            )),
            SplitWords::Whole(counts) => {
                guesses.push(format!("the split is column {:?}: {counts}", column.name()));
                return Ok(rule(SplitMethod::Column, None, Some(column)));
            }
            SplitWords::WithoutValid(counts) => {
                let unit = if task.group.is_some() { "whole groups" } else { "row by row" };
                guesses.push(format!(
                    "the split is column {:?}: {counts}; valid is 0.1 of the train rows, {unit}, seed {}",
                    column.name(),
                    task.seed.0
                ));
                let shares = Shares { train: 0.9, valid: 0.1, test: 0.0 };
                return Ok(rule(SplitMethod::Column, Some(shares), Some(column)));
            }
        }
    }
    let method = match (&task.group, task.chromosome) {
        (Some(_), _) => SplitMethod::Group,
        (None, true) => SplitMethod::Chromosome,
        (None, false) => SplitMethod::Random,
    };
    guesses.push(format!(
        "split 0.7, 0.1, 0.2 into train, valid, test, {} seed {}",
        unit_of(method),
        task.seed.0
    ));
    Ok(rule(method, Some(Shares { train: 0.7, valid: 0.1, test: 0.2 }), None))
}

/// The column of the chromosome and, if there is one, of the start.
fn find_chromosome(
    file: &DataFile,
    layout: Layout,
    names: Option<&[String]>,
) -> Result<(String, Option<String>), DataError> {
    let Some(names) = names else {
        // The genome browser of UCSC writes `>hg38_dna range=chr1:1-40`.
        let column = if has_field(file, layout, "header:range")? { "header:range" } else { "header" };
        return Ok((column.to_owned(), None));
    };
    let chromosome = find_named(names, &["chromosome", "chrom", "chr", "region", "seqnames"]).ok_or_else(|| {
        let message = format!(
            "no column named chromosome, chrom or chr\n  hint: rename the column, or write a card with chromosome = \
            \"…\"; the columns are {}",
            names.join(", ")
        );
        DataError::file(file.path(), message)
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

pub(crate) fn default_metric(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Binary | TaskKind::Multiclass | TaskKind::Multilabel => "auroc",
        TaskKind::Regression => "spearman",
    }
}

/// A card id from a file name: without its endings, other characters replaced by `-`.
pub(crate) fn id_from(file_name: &str) -> String {
    let mut stem = file_name;
    for ending in [
        ".gz", ".bgz", ".zst", ".xz", ".bz2", ".zip", ".csv", ".tsv", ".txt", ".bed", ".fasta", ".fa",
        ".fna", ".fastq", ".fq", ".gb", ".gbk", ".embl", ".jsonl", ".json", ".parquet", ".h5", ".hdf5",
    ] {
        stem = stem.strip_suffix(ending).unwrap_or(stem);
    }
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.') { letter } else { '-' }
    };
    let id: String = stem.chars().map(plain).collect();
    let id = id.trim_start_matches('.');
    if id.is_empty() { "data".to_owned() } else { id.to_owned() }
}

//! A card made from a folder of intervals in the layout of Genomic Benchmarks: `train/CLASS.csv.gz`, `test/CLASS.csv.gz`.

use crate::card::{CARD_SCHEMA, Card, FileEntry, OneOrMany, Shares, SplitMethod, SplitRule, Text};
use crate::card_for_file::{FileCard, FileTask, GenomeOfTask, default_metric, id_from};
use crate::error::DataError;
use crate::read::DataFile;
use crate::read::interval_columns::IntervalColumns;
use crate::read::labels::{Label, usual_positive};
use seqprobe_core::TaskKind;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Share of the training rows that become validation rows where the folder has none.
const VALID_SHARE: f64 = 0.1;
/// Endings of files of intervals, compressed or not.
const ENDINGS: &[&str] = &["csv", "tsv", "bed", "txt"];

/// Makes the card for a folder with the folders `train`, `test` and perhaps `valid`, each with one file of intervals per
/// class, named by the class. Without `valid`, a tenth of each class of `train` is drawn for it.
///
/// # Errors
/// [`DataError`] when the folder has another layout, no genome is named, or a file cannot be read.
pub fn card_for_folder(task: &FileTask) -> Result<FileCard, DataError> {
    let folder = task.path.as_path();
    let refuse = |message: &str| Err(DataError::file(folder, message));
    let Some(genome) = &task.layout.genome else {
        return refuse(
            "is a folder of intervals\n  hint: --genome FILE names the FASTA file that they are on",
        );
    };
    if !task.targets.is_empty() {
        return refuse("is a folder in which files are classes\n  hint: leave out --target");
    }
    if task.group.is_some() || task.chromosome {
        return refuse("has its own split into train and test\n  hint: leave out --group and --chromosome");
    }
    let mut splits: BTreeMap<&str, Vec<(String, PathBuf)>> = BTreeMap::new();
    for split in ["train", "valid", "test"] {
        let classes = classes_in(&folder.join(split))?;
        if !classes.is_empty() {
            splits.insert(split, classes);
        }
    }
    let names = |split: &str| -> BTreeSet<String> {
        splits.get(split).into_iter().flatten().map(|(class, _)| class.clone()).collect()
    };
    let classes = names("train");
    if classes.len() < 2 || splits.keys().any(|split| names(split) != classes) || !splits.contains_key("test")
    {
        return refuse(
            "does not have the layout of Genomic Benchmarks\n  hint: the folders train and test have one file of intervals for \
            each class, with the same names: train/positive.csv.gz, test/positive.csv.gz, …",
        );
    }
    let mut opened = Vec::new();
    let mut columns: Option<IntervalColumns> = None;
    let mut files = BTreeMap::new();
    for (split, members) in &splits {
        let mut entries = Vec::new();
        for (class, path) in members {
            let file = DataFile::open(path)?;
            let found = IntervalColumns::find(&file, &task.layout)?;
            if let Some(first) = &columns
                && (&first.chromosome, &first.start, &first.end, &first.strand)
                    != (&found.chromosome, &found.start, &found.end, &found.strand)
            {
                return Err(DataError::file(path, "has other columns than the other files of the folder"));
            }
            columns.get_or_insert(found);
            let file_name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{split}/{file_name}");
            entries.push(FileEntry {
                path: name.clone(),
                sha256: Some(file.sha256()?),
                sequence: None,
                target: None,
                label: Some(Text(class.clone())),
                url: None,
                table: None,
                genome: None,
            });
            opened.push((name, file));
        }
        files.extend(OneOrMany::many(entries).map(|entries| ((*split).to_owned(), entries)));
    }
    let (Some(columns), Some((_, first))) = (columns, opened.first()) else {
        return refuse("has no files of intervals");
    };
    let genome = GenomeOfTask::open(genome, first)?;
    opened.push((genome.entry.path.clone(), genome.file));
    let mut guesses = vec![columns.guess()];
    let kind = if classes.len() == 2 { TaskKind::Binary } else { TaskKind::Multiclass };
    guesses.push(format!("the task is {}: each file is a class", kind.as_str()));
    let positive = (kind == TaskKind::Binary).then(|| {
        let labels: Vec<Label> = classes.iter().map(|class| Label::parse(class)).collect();
        let usual = || match labels.as_slice() {
            [first, second] => usual_positive(first, second).name().to_owned(),
            _ => String::new(),
        };
        let positive = task.positive.clone().unwrap_or_else(usual);
        guesses.push(format!("the positive class is {positive:?}"));
        Text(positive)
    });
    let mut rules = Vec::new();
    if !splits.contains_key("valid") {
        guesses.push(format!(
            "the folder has no valid rows: {VALID_SHARE} of the train rows of each class are drawn for it, seed {}",
            task.seed.0
        ));
        rules.push(SplitRule {
            of: "train".to_owned(),
            method: SplitMethod::Random,
            into: Some(Shares { train: 1.0 - VALID_SHARE, valid: VALID_SHARE, test: 0.0 }),
            seed: task.seed.0,
            column: None,
            train: None,
            valid: None,
            test: None,
        });
    }
    let name = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let card = Card {
        schema: CARD_SCHEMA,
        id: id_from(&name),
        title: format!("intervals of {} classes in {name}", classes.len()),
        task: kind,
        sequence: Text::from("sequence"),
        target: None,
        positive,
        classes: None,
        example_id: None,
        group: None,
        chromosome: Some(Text(columns.chromosome)),
        start: Some(Text(columns.start)),
        genome: Some(genome.entry),
        end: Some(Text(columns.end)),
        strand: columns.strand.map(Text),
        length: None,
        labels: None,
        metric: default_metric(kind).to_owned(),
        licence: String::new(),
        citation: String::new(),
        source: String::new(),
        note: String::new(),
        format: None,
        delimiter: task.layout.delimiter.map(|delimiter| char::from(delimiter.byte())),
        header: columns.layout.has_header,
        kmers: None,
        published: Vec::new(),
        files,
        splits: rules,
        folder: folder.to_owned(),
        name: folder.display().to_string(),
    };
    card.check()?;
    Ok(FileCard { card, guesses, opened })
}

/// The files of a folder and the classes that they are named by, sorted; none where there is no such folder.
fn classes_in(folder: &Path) -> Result<Vec<(String, PathBuf)>, DataError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(DataError::io(folder, source)),
    };
    let mut classes = Vec::new();
    for entry in entries {
        let path = entry.map_err(|source| DataError::io(folder, source))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let mut parts = name.split('.');
        let (Some(class), Some(ending)) = (parts.next(), parts.next()) else { continue };
        if !class.is_empty() && ENDINGS.contains(&ending) {
            classes.push((class.to_owned(), path));
        }
    }
    classes.sort();
    Ok(classes)
}

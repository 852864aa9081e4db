//! Ready predictions of other programs: a table with one row per example, joined to a dataset by example id, by sequence
//! or by row number, never by order alone.

use crate::error::DataError;
use crate::read::columns::{Column, Layout};
use crate::read::data_file::DataFile;
use crate::read::ids::ID_NAMES;
use crate::read::rows::{column_names, read_rows};
use ndarray::Array2;
use seqprobe_core::config::nearest;
use seqprobe_core::{Dataset, DnaSequence, TaskKind};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Names of the column of predictions that are looked for when none is given, in any case.
const NAMES: &[&str] = &["prediction", "predictions", "predicted", "pred", "score"];

/// What is read of a file of predictions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredictionRequest {
    /// CSV, TSV, Parquet or JSON Lines, plain or compressed.
    pub path: PathBuf,
    /// One column per output of the task, in its order. Empty: the column `prediction`, `predictions`, `predicted`,
    /// `pred` or `score`.
    pub columns: Vec<String>,
    /// How the rows belong to examples.
    pub join: PredictionJoin,
}

/// How the rows of a file of predictions belong to examples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PredictionJoin {
    /// By the column `example_id`, `id` or `name`; without one by row number, for datasets without an id column.
    #[default]
    Found,
    /// By the example ids in a column.
    Ids(String),
    /// By the sequences in a column. Rows with the same sequence must have the same predictions.
    Sequences(String),
}

/// Predictions that were read.
#[derive(Clone, Debug)]
pub struct ReadyPredictions {
    path: PathBuf,
    sha256: String,
    columns: Vec<String>,
    key: KeyKind,
    /// Line and values, by id, sequence or row number.
    rows: HashMap<String, (u64, Vec<f64>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyKind {
    Id,
    Sequence,
    Row,
}

impl ReadyPredictions {
    /// Version; raised whenever the same file would give other values.
    pub const VERSION: u32 = 1;

    /// Reads a file.
    ///
    /// # Errors
    /// [`DataError`] with file and line: a column that is not there, a value that is not a finite number, an id that
    /// occurs twice, a sequence that has two predictions.
    pub fn read(request: &PredictionRequest) -> Result<Self, DataError> {
        let path = &request.path;
        let file = DataFile::open(path)?;
        let names = column_names(&file, Layout::GUESSED)?.ok_or_else(|| {
            DataError::file(
                path,
                "has no columns of predictions\n  hint: use CSV, TSV, Parquet or JSON Lines",
            )
        })?;
        let columns = match request.columns.as_slice() {
            [] => vec![find_column(path, &names)?],
            given => given.to_vec(),
        };
        let (key, key_column) = match &request.join {
            PredictionJoin::Ids(column) => (KeyKind::Id, Some(column.clone())),
            PredictionJoin::Sequences(column) => (KeyKind::Sequence, Some(column.clone())),
            PredictionJoin::Found => match find(&names, ID_NAMES) {
                Some(column) => (KeyKind::Id, Some(column)),
                None => (KeyKind::Row, None),
            },
        };
        let mut asked: Vec<Column<'_>> = key_column.iter().map(|name| Column::Named(name)).collect();
        asked.extend(columns.iter().map(|name| Column::Named(name)));
        let n_keys = usize::from(key_column.is_some());
        let mut rows: HashMap<String, (u64, Vec<f64>)> = HashMap::new();
        let mut n_read = 0;
        read_rows(&file, Layout::GUESSED, &asked, &mut |row| {
            let wrong = |message: String| DataError::line(path, row.line, message);
            let (keys, texts) = row.values.split_at(n_keys);
            let text = keys.first().map_or("", |text| text.trim());
            let own = match key {
                KeyKind::Row => n_read.to_string(),
                KeyKind::Id => text.to_owned(),
                KeyKind::Sequence => {
                    let (sequence, _) =
                        DnaSequence::parse(text).map_err(|problem| wrong(problem.to_string()))?;
                    sequence.as_str().to_owned()
                }
            };
            n_read += 1;
            let values = texts
                .iter()
                .zip(&columns)
                .map(|(text, column)| match text.trim().parse::<f64>() {
                    Ok(value) if value.is_finite() => Ok(value),
                    _ => Err(wrong(format!("column {column:?}: {text:?} is not a finite number"))),
                })
                .collect::<Result<Vec<f64>, DataError>>()?;
            match rows.get(&own) {
                Some((_, earlier)) if key == KeyKind::Sequence && *earlier == values => {}
                Some((line, _)) => {
                    let what = match key {
                        KeyKind::Sequence => "this sequence has another prediction".to_owned(),
                        _ => format!("id {own:?} is there twice, first"),
                    };
                    return Err(wrong(format!("{what} at line {line}")));
                }
                None => drop(rows.insert(own, (row.line, values))),
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if rows.is_empty() {
            return Err(DataError::file(path, "has no rows"));
        }
        Ok(Self { path: path.clone(), sha256: file.sha256()?, columns, key, rows })
    }

    /// The SHA-256 digest of the file.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The columns that were read.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// How rows belong to examples, for people and for keys.
    pub fn joined_by(&self) -> &'static str {
        match self.key {
            KeyKind::Id => "example id",
            KeyKind::Sequence => "sequence",
            KeyKind::Row => "row number",
        }
    }

    /// The predictions of some rows of a dataset.
    ///
    /// # Shapes
    /// `[rows, outputs]`
    ///
    /// # Errors
    /// [`DataError`] where an example has no prediction, where the columns are not one per output, and for tasks of
    /// classes where a value is not from 0 to 1.
    pub fn of(&self, dataset: &Dataset, rows: &[usize]) -> Result<Array2<f64>, DataError> {
        let n_outputs = match dataset.task.kind {
            TaskKind::Binary => 1,
            TaskKind::Multiclass => dataset.task.classes.len(),
            TaskKind::Multilabel | TaskKind::Regression => dataset.task.targets.len(),
        };
        if self.columns.len() != n_outputs {
            return Err(self.error(format!(
                "{} columns of predictions, but {} has {n_outputs} outputs\n  hint: name one column per output with \
                the key columns, in the order of the targets or classes",
                self.columns.len(),
                dataset.id
            )));
        }
        let mut values = Array2::zeros((rows.len(), n_outputs));
        let mut missing = Vec::new();
        for (&row, mut out) in rows.iter().zip(values.rows_mut()) {
            let id = dataset.example_ids[row].as_str();
            let key = match self.key {
                KeyKind::Id => Some(id),
                KeyKind::Sequence => Some(dataset.sequences[row].as_str()),
                KeyKind::Row => id.rsplit_once(':').map(|(_, number)| number),
            };
            match key.and_then(|key| self.rows.get(key)) {
                Some((line, found)) => {
                    if let (true, Some(value)) =
                        (has_classes(dataset), found.iter().find(|value| !is_share(**value)))
                    {
                        let message = format!(
                            "{value} is not a probability, and {} is a task of classes\n  hint: map scores to numbers from 0 to 1",
                            dataset.id
                        );
                        return Err(DataError::line(&self.path, *line, message));
                    }
                    out.iter_mut().zip(found).for_each(|(out, value)| *out = *value);
                }
                None => missing.push(id),
            }
        }
        match missing.first() {
            None => Ok(values),
            Some(first) => Err(self.error(format!(
                "{} of {} examples of {} have no prediction, first {first:?}\n  hint: rows are joined by {}; the keys ids \
                and sequences name another column",
                missing.len(),
                rows.len(),
                dataset.id,
                self.joined_by()
            ))),
        }
    }

    fn error(&self, message: String) -> DataError {
        DataError::file(&self.path, message)
    }
}

fn has_classes(dataset: &Dataset) -> bool {
    dataset.task.kind != TaskKind::Regression
}

fn is_share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

fn find(names: &[String], wanted: &[&str]) -> Option<String> {
    let named = |wanted: &&str| names.iter().find(|name| name.trim().eq_ignore_ascii_case(wanted));
    wanted.iter().find_map(named).cloned()
}

fn find_column(path: &Path, names: &[String]) -> Result<String, DataError> {
    find(names, NAMES).ok_or_else(|| {
        let near = NAMES.iter().find_map(|wanted| nearest(wanted, names.iter().map(String::as_str)));
        let shown: Vec<String> = names.iter().take(20).map(|name| format!("{name:?}")).collect();
        let also = near.map_or_else(String::new, |near| format!("; perhaps {near:?}"));
        DataError::file(
            path,
            format!(
                "no column {}\n  hint: name the columns of predictions with the key columns; the file has {}{also}",
                NAMES.join(", "),
                shown.join(", ")
            ),
        )
    })
}

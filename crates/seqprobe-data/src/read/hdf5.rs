//! Rows of an HDF5 file: its data sets are the columns, named by their path (`X`, `train/x`).
//!
//! A data set with one value per row is a column. One of two dimensions is a column for each place of the second:
//! `y:0`, `y:1`. One of three dimensions, `[rows, length, 4]` or `[rows, 4, length]`, is a one-hot sequence.

mod one_hot;

use super::columns::{Column, Row, Visit, no_column};
use super::data_file::DataFile;
use super::limited_reader::{MAX_COLUMNS, check_row_count};
use crate::error::DataError;
use hdf5_pure::{DType, Dataset, Datatype, Error, File, Group, ReadSeekSource};
use one_hot::OneHot;
use std::path::Path;

/// Bytes of one data set that are decoded at a time.
const BATCH_BYTES: u64 = 4 << 20;
/// Rows that are decoded at a time.
const BATCH: u64 = 1024;
/// Groups inside groups that are searched for data sets.
const MAX_DEPTH: usize = 8;

/// An HDF5 file that has been opened.
pub(crate) struct Hdf5Rows<'a> {
    path: &'a Path,
    file: File,
}

/// How the values of a data set become texts.
enum Values {
    OneHot(OneHot),
    Texts,
    Signed,
    Unsigned,
    Floats,
    /// h5py stores truth values as an enumeration of bytes.
    Booleans,
}

/// A column that is asked for.
struct OpenColumn {
    name: String,
    dataset: Dataset,
    values: Values,
    n_rows: u64,
    /// Values per row of the data set, and which of them is the column.
    width: usize,
    place: usize,
    texts: Vec<String>,
}

impl<'a> Hdf5Rows<'a> {
    pub(crate) fn new(file: &'a DataFile) -> Result<Self, DataError> {
        let path = file.path();
        let content = file.content();
        let source = ReadSeekSource::new(std::io::BufReader::new(content.reader()));
        let hdf5 = source.map_err(Error::from).and_then(File::from_source);
        let hdf5 = hdf5.map_err(|error| damaged(path, &error))?;
        let stated = hdf5.superblock().eof_address;
        if stated > content.n_bytes() {
            let message = format!(
                "is cut: it has {} bytes, its first block says {stated}\n  hint: copy or download it again",
                content.n_bytes()
            );
            return Err(DataError::file(path, message));
        }
        Ok(Self { path, file: hdf5 })
    }

    /// The columns, by path.
    pub(crate) fn names(&self) -> Result<Vec<String>, DataError> {
        let mut names = Vec::new();
        for (path, dataset) in self.datasets()? {
            match self.shape(&dataset)?.as_slice() {
                [_, width] if *width > 1 => {
                    let width = usize::try_from(*width).unwrap_or(usize::MAX).min(MAX_COLUMNS - 1);
                    names.extend((0..width).map(|place| format!("{path}:{place}")));
                }
                [_] | [_, 1] | [_, _, _] => names.push(path),
                _ => {}
            }
            if names.len() > MAX_COLUMNS {
                return Err(DataError::file(self.path, format!("has more than {MAX_COLUMNS} columns")));
            }
        }
        Ok(names)
    }

    /// The columns that may be sequences: one-hot arrays and texts.
    pub(crate) fn sequence_names(&self) -> Result<Vec<String>, DataError> {
        let mut names = Vec::new();
        for (path, dataset) in self.datasets()? {
            let shape = self.shape(&dataset)?;
            let is_text = shape.len() == 1
                && matches!(
                    dataset.dtype().map_err(|error| damaged(self.path, &error))?,
                    DType::String | DType::VariableLengthString
                );
            if is_text || OneHot::of_shape(&shape).is_some() {
                names.push(path);
            }
        }
        Ok(names)
    }

    fn datasets(&self) -> Result<Vec<(String, Dataset)>, DataError> {
        let mut found = Vec::new();
        let mut open = vec![(String::new(), self.file.root(), 0)];
        while let Some((prefix, group, depth)) = open.pop() {
            self.search(&prefix, &group, depth, &mut open, &mut found)
                .map_err(|error| damaged(self.path, &error))?;
            if found.len() > MAX_COLUMNS {
                return Err(DataError::file(self.path, format!("has more than {MAX_COLUMNS} data sets")));
            }
        }
        Ok(found)
    }

    fn search(
        &self,
        prefix: &str,
        group: &Group,
        depth: usize,
        open: &mut Vec<(String, Group, usize)>,
        found: &mut Vec<(String, Dataset)>,
    ) -> Result<(), Error> {
        for name in group.datasets()? {
            found.push((format!("{prefix}{name}"), group.dataset(&name)?));
        }
        if depth < MAX_DEPTH && open.len() < MAX_COLUMNS {
            for name in group.groups()? {
                open.push((format!("{prefix}{name}/"), group.group(&name)?, depth + 1));
            }
        }
        Ok(())
    }

    fn shape(&self, dataset: &Dataset) -> Result<Vec<u64>, DataError> {
        dataset.shape().map_err(|error| damaged(self.path, &error))
    }

    /// Finds a column by its path, or by the path of an array and a number.
    fn open_column(&self, column: Column<'_>) -> Result<OpenColumn, DataError> {
        let (Column::Sequence(asked) | Column::Named(asked)) = column;
        let name = asked.trim_matches('/');
        let (dataset, place) = match (self.file.dataset(name), name.rsplit_once(':')) {
            (Ok(dataset), _) => (dataset, None),
            (Err(_), Some((array, place))) if place.parse::<usize>().is_ok() => {
                let dataset = self.file.dataset(array).map_err(|_| self.no_data_set(asked))?;
                (dataset, place.parse::<usize>().ok())
            }
            _ => return Err(self.no_data_set(asked)),
        };
        let shape = self.shape(&dataset)?;
        let datatype = dataset.datatype().map_err(|error| damaged(self.path, &error))?;
        let error = |message: String| Err(DataError::file(self.path, message));
        let (width, values) = match (shape.as_slice(), place) {
            ([_], None) => (1, None),
            (&[_, width], place) if width > 0 => {
                let width = usize::try_from(width).unwrap_or(usize::MAX);
                if place.is_none() && width != 1 || place.is_some_and(|place| place >= width) {
                    return error(format!(
                        "data set {name:?} has {width} columns\n  hint: name one of them, \"{}:0\" to \"{}:{}\"",
                        name.rsplit_once(':').map_or(name, |(array, _)| array),
                        name.rsplit_once(':').map_or(name, |(array, _)| array),
                        width - 1
                    ));
                }
                (width, None)
            }
            ([_, _, _], None) => match OneHot::of_shape(&shape) {
                Some(one_hot) => (1, Some(Values::OneHot(one_hot))),
                None => {
                    return error(format!(
                        "data set {name:?} has the shape {shape:?}; one-hot sequences are [rows, length, 4] or \
                        [rows, 4, length]"
                    ));
                }
            },
            _ => {
                return error(format!(
                    "data set {name:?} has the shape {shape:?}; a column has one value per row"
                ));
            }
        };
        let Some(kind) = kind_of(&datatype) else {
            return error(format!(
                "data set {name:?} has values that are not read\n  hint: store numbers or texts"
            ));
        };
        let values = match (values, kind) {
            (Some(Values::OneHot(_)), Values::Texts) => {
                return error(format!("data set {name:?} has texts in three dimensions"));
            }
            (Some(one_hot), _) => one_hot,
            (None, kind) => kind,
        };
        let n_rows = shape.first().copied().unwrap_or_default();
        Ok(OpenColumn {
            name: asked.to_owned(),
            dataset,
            values,
            n_rows,
            width,
            place: place.unwrap_or(0),
            texts: Vec::new(),
        })
    }

    fn no_data_set(&self, name: &str) -> DataError {
        match self.names() {
            Ok(names) => no_column(self.path, name, &names),
            Err(error) => error,
        }
    }

    /// Gives the columns asked for of each row, in file order, to `visit`. The line is the row, from 1.
    pub(crate) fn read(self, columns: &[Column<'_>], visit: Visit<'_>) -> Result<(), DataError> {
        let mut open =
            columns.iter().map(|column| self.open_column(*column)).collect::<Result<Vec<_>, _>>()?;
        let Some(first) = open.first() else { return Ok(()) };
        let n_rows = first.n_rows;
        if let Some(other) = open.iter().find(|column| column.n_rows != n_rows) {
            let message = format!(
                "data set {:?} has {n_rows} rows, {:?} has {}\n  hint: name data sets of the same rows",
                first.name, other.name, other.n_rows
            );
            return Err(DataError::file(self.path, message));
        }
        check_row_count(self.path, n_rows, n_rows)?;
        let batch = open
            .iter()
            .map(|column| column.batch(self.path))
            .try_fold(BATCH, |most, batch| batch.map(|batch| most.min(batch)))?;
        let mut start = 0;
        while start < n_rows {
            let n = batch.min(n_rows - start);
            for column in &mut open {
                column.read(self.path, start, n)?;
            }
            for at in 0..usize::try_from(n).unwrap_or(0) {
                let line = start + at as u64 + 1;
                let values: Vec<&str> =
                    open.iter().map(|column| column.texts.get(at).map_or("", String::as_str)).collect();
                if visit(Row { line, values: &values })?.is_break() {
                    return Ok(());
                }
            }
            start += n;
        }
        Ok(())
    }
}

impl OpenColumn {
    /// Rows to decode at a time.
    fn batch(&self, path: &Path) -> Result<u64, DataError> {
        let size = self.dataset.element_size().map_err(|error| damaged(path, &error))?;
        let per_row = match &self.values {
            Values::OneHot(one_hot) => one_hot.n_values() as u64,
            _ => self.width as u64,
        };
        Ok((BATCH_BYTES / size.saturating_mul(per_row).max(1)).max(1))
    }

    fn read(&mut self, path: &Path, start: u64, n: u64) -> Result<(), DataError> {
        let error = |error: Error| damaged(path, &error);
        let dataset = &self.dataset;
        let (width, place) = (self.width, self.place);
        let n_rows = usize::try_from(n).unwrap_or(usize::MAX);
        self.texts = match &self.values {
            Values::OneHot(one_hot) => {
                let values = one_hot_values(dataset, start, n).map_err(error)?;
                let n_values = one_hot.n_values();
                if values.len() != n_values.saturating_mul(n_rows) {
                    return Err(self.wrong_size(path, values.len()));
                }
                let mut texts = Vec::with_capacity(n_rows);
                for (row, values) in (start + 1..).zip(values.chunks_exact(n_values)) {
                    let text = one_hot.letters(values).map_err(|problem| {
                        DataError::line(path, row, format!("data set {:?}: {problem}", self.name))
                    })?;
                    texts.push(text);
                }
                texts
            }
            Values::Texts => {
                let texts = dataset.read_string_rows(start, n).map_err(error)?;
                if texts.len() != width.saturating_mul(n_rows) {
                    return Err(self.wrong_size(path, texts.len()));
                }
                texts.into_iter().skip(place).step_by(width).collect()
            }
            Values::Signed => picked(&dataset.read_i64_rows(start, n).map_err(error)?, width, place),
            Values::Unsigned => picked(&dataset.read_u64_rows(start, n).map_err(error)?, width, place),
            Values::Floats => picked(&dataset.read_f64_rows(start, n).map_err(error)?, width, place),
            Values::Booleans => {
                let raw = dataset.read_raw_rows(start, n).map_err(error)?;
                picked(&raw.iter().map(|&byte| byte != 0).collect::<Vec<_>>(), width, place)
            }
        };
        if self.texts.len() == n_rows { Ok(()) } else { Err(self.wrong_size(path, self.texts.len())) }
    }

    fn wrong_size(&self, path: &Path, found: usize) -> DataError {
        let message = format!(
            "data set {:?} is cut or damaged: {found} values where its shape has more\n  hint: copy or download it again",
            self.name
        );
        DataError::file(path, message)
    }
}

fn picked<T: ToString>(values: &[T], width: usize, place: usize) -> Vec<String> {
    values.iter().skip(place).step_by(width.max(1)).map(ToString::to_string).collect()
}

fn one_hot_values(dataset: &Dataset, start: u64, n: u64) -> Result<Vec<f32>, Error> {
    if let Datatype::Enumeration { size: 1, .. } = dataset.datatype()? {
        return Ok(dataset.read_raw_rows(start, n)?.into_iter().map(f32::from).collect());
    }
    dataset.read_f32_rows(start, n)
}

/// `None` for what is not read.
fn kind_of(datatype: &Datatype) -> Option<Values> {
    match datatype {
        Datatype::FixedPoint { layout, .. } => {
            Some(if layout.signed { Values::Signed } else { Values::Unsigned })
        }
        Datatype::FloatingPoint { .. } => Some(Values::Floats),
        Datatype::String { .. } | Datatype::VariableLength { is_string: true, .. } => Some(Values::Texts),
        Datatype::Enumeration { size: 1, members, .. } => {
            let is_boolean = members.len() == 2
                && members.iter().all(|member| matches!(member.name.as_str(), "FALSE" | "TRUE"));
            is_boolean.then_some(Values::Booleans)
        }
        _ => None,
    }
}

fn damaged(path: &Path, error: &Error) -> DataError {
    let message = format!(
        "cannot be read as HDF5: {error}\n  hint: it may be cut or damaged; copy or download it again"
    );
    DataError::file(path, message)
}

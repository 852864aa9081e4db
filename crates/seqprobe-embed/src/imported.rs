//! Embeddings of other programs: one vector per example from npy, npz, safetensors, Parquet, HDF5 or h5ad files. They
//! are joined to a dataset by example id, never by order. Only pooled vectors are read, and nothing is copied into
//! the cache.
//!
//! The files and their keys are described in `docs/src/how-to/imported-embeddings.md`.

pub(crate) mod error;
#[cfg(feature = "hdf5")]
mod hdf5;
mod ids;
mod npy;
mod npz;
mod numbers;
mod parquet;
mod safetensors;

pub use error::ImportError;

use crate::error::EmbedError;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{Digest, FeatureError, FeatureKind, FeatureSource};
use seqprobe_files::FileKind;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Names of the vectors that are tried in this order when none is given.
pub const DEFAULT_VALUES: [&str; 2] = ["embeddings", "features"];

/// Names of the ids that are tried in this order when none is given.
pub const DEFAULT_IDS: [&str; 2] = ["ids", "example_id"];

/// Where the example ids of an imported file are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IdsFrom {
    /// In the default place of the format: [`DEFAULT_IDS`], or the file `X.ids.txt` for `X.npy`.
    #[default]
    Default,
    /// Under this name in the file.
    Name(String),
    /// In a text file, one id per line.
    File(PathBuf),
}

/// What to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRequest {
    /// The file.
    pub path: PathBuf,
    /// Name of the array, column or HDF5 data set of the vectors; [`DEFAULT_VALUES`] when absent.
    pub values: Option<String>,
    /// Where the ids are.
    pub ids: IdsFrom,
}

/// A file format that can be imported.
pub struct ImportFormat {
    /// Endings of its files, lower case, without the dot.
    pub endings: &'static [&'static str],
    /// A description of one line of what is read.
    pub title: &'static str,
    read: fn(&ImportedFile) -> Result<ImportedArrays, ImportError>,
}

/// All formats.
pub static IMPORT_FORMATS: &[ImportFormat] = &[
    npy::FORMAT,
    npz::FORMAT,
    safetensors::FORMAT,
    parquet::FORMAT,
    #[cfg(feature = "hdf5")]
    hdf5::FORMAT,
];

/// A file being imported, as the formats see it.
struct ImportedFile {
    path: PathBuf,
    bytes: Vec<u8>,
    values: Option<String>,
    ids: IdsFrom,
}

/// Arrays of a file, not checked yet.
struct ImportedArrays {
    /// Name of the vectors.
    name: String,
    shape: Vec<u64>,
    /// Row-major.
    values: Vec<f32>,
    /// Ids in row order; `None` when they are in another file.
    ids: Option<Vec<String>>,
}

/// Vectors of an imported file by example id: all of one width, each id once. Those that an example needs are finite.
#[derive(Clone, Debug)]
pub struct ImportedEmbeddings {
    table: Arc<Table>,
}

#[derive(Debug)]
struct Table {
    path: PathBuf,
    /// Name of the vectors.
    name: String,
    digest: Digest,
    dim: usize,
    values: Vec<f32>,
    row_of_id: HashMap<String, usize>,
    /// Rows with a NaN or an infinity, and the first value that is one. No example may use them.
    not_finite: BTreeMap<usize, usize>,
}

impl ImportedEmbeddings {
    /// Version; raised whenever the same file would give other values. It is part of every cell key.
    pub const VERSION: u32 = 1;

    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`EmbedError::Import`] with the file and what is wrong with it: an unknown ending, a name that is not in the
    /// file, ids that are absent, empty or repeated, values that are not floats, a shape other than
    /// `[examples, values]`; [`EmbedError::Io`] when it cannot be read.
    pub fn read(request: &ImportRequest) -> Result<Self, EmbedError> {
        let path = &request.path;
        let refuse = |reason: ImportError| EmbedError::Import { path: path.clone(), reason };
        let bytes = std::fs::read(path).map_err(|source| EmbedError::io("read", path, source))?;
        let format = format_of(path, FileKind::of(&bytes)).map_err(refuse)?;
        let mut digest = DigestBuilder::new("imported embeddings v1");
        digest.part(&bytes);
        let file = ImportedFile {
            path: path.clone(),
            bytes,
            values: request.values.clone(),
            ids: request.ids.clone(),
        };
        let found = (format.read)(&file).map_err(refuse)?;
        drop(file);
        let ids = match (found.ids, &request.ids) {
            (_, IdsFrom::File(ids)) => ids::read_lines(ids)?,
            (Some(ids), _) => ids,
            (None, _) => ids::read_lines(&path.with_extension("ids.txt"))?,
        };
        let (rows, dim) = check_shape(&found.name, &found.shape, found.values.len()).map_err(refuse)?;
        if ids.len() != rows {
            return Err(refuse(ImportError::IdCount { ids: ids.len(), rows, name: found.name }));
        }
        digest.part(found.name.as_bytes());
        for id in &ids {
            digest.part(id.as_bytes());
        }
        let mut not_finite: BTreeMap<usize, usize> = BTreeMap::new();
        for (at, _) in found.values.iter().enumerate().filter(|(_, value)| !value.is_finite()) {
            not_finite.entry(at / dim).or_insert(at % dim);
        }
        let row_of_id = ids::rows_by_id(&ids).map_err(refuse)?;
        let table = Table {
            path: path.clone(),
            name: found.name,
            digest: digest.finish(),
            dim,
            values: found.values,
            row_of_id,
            not_finite,
        };
        Ok(Self { table: Arc::new(table) })
    }

    /// Digest of the file's bytes, the name of the vectors and the ids.
    pub fn digest(&self) -> Digest {
        self.table.digest
    }

    /// Values per vector.
    pub fn dim(&self) -> usize {
        self.table.dim
    }

    /// Vectors in the file.
    pub fn n_rows(&self) -> usize {
        self.table.row_of_id.len()
    }

    /// Returns the features of a dataset: row i belongs to `example_ids[i]`. Only the rows in `needed` must be in the
    /// file. Other rows (those in no split) may be absent; reading an absent row is an error.
    ///
    /// # Errors
    /// [`EmbedError::Import`] with the number of absent ids that are needed, and the first three; or with the first needed
    /// vector that holds a NaN or an infinity.
    pub fn join(&self, example_ids: &[String], needed: &[usize]) -> Result<ImportedFeatures, EmbedError> {
        let exact = || example_ids.iter().map(|id| self.table.row_of_id.get(id).copied());
        let mut of_row: Vec<Option<usize>> = exact().collect();
        // Rows of one file that has no ids: `embed` numbers them, a card puts the key of the file before the number.
        if of_row.iter().all(Option::is_none)
            && let Some(numbers) = row_numbers(example_ids)
        {
            of_row = numbers.iter().map(|&number| self.table.row_of_id.get(number).copied()).collect();
        }
        let missing: Vec<&str> = needed
            .iter()
            .filter(|&&row| of_row.get(row).copied().flatten().is_none())
            .map(|&row| example_ids.get(row).map_or("", String::as_str))
            .collect();
        if !missing.is_empty() {
            return Err(EmbedError::Import {
                path: self.table.path.clone(),
                reason: ImportError::NoEmbedding {
                    missing: missing.len(),
                    needed: needed.len(),
                    first: missing.iter().take(3).map(|&id| id.to_owned()).collect(),
                },
            });
        }
        let wrong = needed.iter().find_map(|&row| {
            let place = of_row.get(row).copied().flatten()?;
            Some((row, place, *self.table.not_finite.get(&place)?))
        });
        if let Some((row, place, column)) = wrong {
            let n_wrong = needed
                .iter()
                .filter_map(|&row| of_row.get(row).copied().flatten())
                .filter(|place| self.table.not_finite.contains_key(place))
                .count();
            return Err(EmbedError::Import {
                path: self.table.path.clone(),
                reason: ImportError::NotFinite {
                    row: place,
                    id: example_ids.get(row).cloned().unwrap_or_default(),
                    column,
                    name: self.table.name.clone(),
                    value: self
                        .table
                        .values
                        .get(place * self.table.dim + column)
                        .copied()
                        .unwrap_or(f32::NAN),
                    n_wrong,
                },
            });
        }
        let n_used = of_row.iter().flatten().count();
        Ok(ImportedFeatures { table: self.table.clone(), n_extra: self.n_rows() - n_used, of_row })
    }
}

/// Imported vectors in the order of a dataset.
#[derive(Clone, Debug)]
pub struct ImportedFeatures {
    table: Arc<Table>,
    of_row: Vec<Option<usize>>,
    /// Vectors of the file whose id is not in the dataset.
    pub n_extra: usize,
}

impl FeatureSource for ImportedFeatures {
    fn n_rows(&self) -> usize {
        self.of_row.len()
    }

    fn dim(&self) -> usize {
        self.table.dim
    }

    fn kind(&self) -> FeatureKind {
        FeatureKind::Pooled
    }

    fn length(&self, _row: usize) -> usize {
        1
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        out.reserve(rows.len() * self.table.dim);
        for &row in rows {
            let Some(&place) = self.of_row.get(row) else {
                return Err(FeatureError::Row { row, n_rows: self.n_rows() });
            };
            if place.is_some_and(|place| self.table.not_finite.contains_key(&place)) {
                let path = self.table.path.display();
                return Err(FeatureError::Store(format!(
                    "{path}: the embedding of row {row} of the dataset is not finite"
                )));
            }
            let start = place.map(|place| place * self.table.dim);
            match start.and_then(|start| self.table.values.get(start..start + self.table.dim)) {
                Some(values) => out.extend_from_slice(values),
                None => {
                    let path = self.table.path.display();
                    return Err(FeatureError::Store(format!(
                        "{path}: row {row} of the dataset has no embedding"
                    )));
                }
            }
        }
        Ok(())
    }
}

/// The format of a file. Its content decides; a file of no known kind is read as its ending says, so that the reader
/// can say what is wrong with it.
fn format_of(path: &Path, kind: FileKind) -> Result<&'static ImportFormat, ImportError> {
    let by_ending = |ending: &str| IMPORT_FORMATS.iter().find(|format| format.endings.contains(&ending));
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let by_content = match kind {
        FileKind::Npy => by_ending("npy"),
        FileKind::Zip => by_ending("npz"),
        FileKind::Safetensors => by_ending("safetensors"),
        FileKind::Parquet => by_ending("parquet"),
        FileKind::Hdf5 => by_ending("h5"),
        FileKind::Binary | FileKind::Text | FileKind::Empty => None,
        other => return Err(ImportError::Kind { kind: other, known: endings() }),
    };
    by_content.or_else(|| by_ending(&ending)).ok_or_else(|| ImportError::Ending { ending, known: endings() })
}

fn endings() -> Vec<&'static str> {
    IMPORT_FORMATS.iter().flat_map(|format| format.endings).copied().collect()
}

/// Rows and values per row of a two-dimensional array.
fn check_shape(name: &str, shape: &[u64], n_values: usize) -> Result<(usize, usize), ImportError> {
    let sizes: Vec<usize> = shape.iter().map(|&size| usize::try_from(size).unwrap_or(usize::MAX)).collect();
    match sizes.as_slice() {
        [rows, dim] if *rows > 0 && *dim > 0 && rows.checked_mul(*dim) == Some(n_values) => Ok((*rows, *dim)),
        [rows, dim] if *rows > 0 && *dim > 0 => {
            Err(ImportError::ValueCount { name: name.to_owned(), shape: sizes, found: n_values })
        }
        _ => Err(ImportError::Shape { name: name.to_owned(), shape: sizes }),
    }
}

/// Returns the name asked for, or the first default name that is in the file.
fn choose<'a>(
    what: &'static str,
    asked: Option<&'a str>,
    defaults: &[&'a str],
    there: &[String],
) -> Result<&'a str, ImportError> {
    let is_there = |name: &str| there.iter().any(|other| other == name);
    let tried: Vec<&str> = asked.map_or_else(|| defaults.to_vec(), |name| vec![name]);
    tried.iter().find(|name| is_there(name)).copied().ok_or_else(|| {
        let hint = match asked
            .and_then(|name| seqprobe_core::config::nearest(name, there.iter().map(String::as_str)))
        {
            Some(near) => format!("did you mean {near:?}?"),
            None if asked.is_some() => "upper and lower case matter in names".to_owned(),
            None if what == "ids" => {
                "name it with the key \"ids\", or a text file with one id per line: ids = \"FILE.txt\""
                    .to_owned()
            }
            None => format!("name it with the key {what:?}"),
        };
        let tried = tried.iter().map(|&name| name.to_owned()).collect();
        ImportError::NoName { what, tried, held: there.to_vec(), hint }
    })
}

fn ids_name(file: &ImportedFile) -> Option<&str> {
    match &file.ids {
        IdsFrom::Name(name) => Some(name),
        _ => None,
    }
}

/// Whether the ids are read from the imported file itself.
fn wants_ids(file: &ImportedFile) -> bool {
    !matches!(file.ids, IdsFrom::File(_))
}

/// The numbers of ids `KEY:NUMBER` that all have one key; `None` for other ids.
fn row_numbers(example_ids: &[String]) -> Option<Vec<&str>> {
    let (key, _) = example_ids.first()?.rsplit_once(':')?;
    let number = |id: &'_ String| -> Option<usize> {
        let (one, number) = id.rsplit_once(':')?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        (one == key && is_number).then_some(one.len() + 1)
    };
    example_ids.iter().map(|id| Some(&id[number(id)?..])).collect()
}

//! The cell store: fits and predictions under their content address. A cell folder appears whole, by a rename. Every file
//! of it is checked against a digest when it is read, and what is damaged is computed again.

use crate::events::{StudyEvent, StudyEvents};
use crate::judge::truth::Predictions;
use crate::store::arrays::{read_arrays, write_arrays};
use crate::store::error::{Damage, DamageProblem, StoreError};
use ndarray::Array2;
use seqprobe_core::{Digest, NamedArray, StoredProbe};
use seqprobe_files::{write_synced, write_whole};
use seqprobe_report::record::{CostRecord, SeedFit};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// Raised when a stored cell's layout or meaning changes.
pub(crate) const CELL_VERSION: u32 = 2;

/// The header of a cell.
const HEADER: &str = "cell.json";
/// The predictions of a cell.
const PREDICTIONS: &str = "predictions.safetensors";
/// Folder of small computed values; the number is that of their layout.
const VALUES: &str = "values-v1";

/// Everything that changes a cell's numbers; its digest is the cell's key.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CellKey {
    pub(crate) cell_version: u32,
    pub(crate) dataset: Digest,
    /// One entry per draw of the representation.
    pub(crate) features: Vec<serde_json::Value>,
    pub(crate) probe: String,
    pub(crate) probe_version: u32,
    pub(crate) probe_settings: serde_json::Value,
    pub(crate) fraction: String,
    /// Seeds that the fits are derived from.
    pub(crate) seeds: Vec<u64>,
    /// How the training rows or labels differ from the dataset's own, where they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) training: Option<serde_json::Value>,
}

/// What a filled cell holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CellResult {
    pub(crate) fits: Vec<SeedFit>,
    /// Of each fit on the validation examples.
    pub(crate) valid: Predictions,
    /// Of each fit on the test examples.
    pub(crate) test: Predictions,
    /// One per fit; none for oracle and constant.
    pub(crate) probes: Vec<StoredProbe>,
    /// Values per feature vector that the probes were fitted on; `None` for oracle and constant.
    pub(crate) width: Option<usize>,
    pub(crate) seconds: f64,
    /// What its features cost, where there are any.
    pub(crate) cost: Option<CostRecord>,
}

/// Header file of a stored cell.
#[derive(Serialize, Deserialize)]
struct CellHeader {
    cell_version: u32,
    fits: Vec<SeedFit>,
    width: Option<usize>,
    seconds: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost: Option<CostRecord>,
    predictions: Digest,
    probes: Vec<ProbeHeader>,
}

#[derive(Serialize, Deserialize)]
struct ProbeHeader {
    kind: String,
    config: serde_json::Value,
    digest: Digest,
}

/// Cells and small computed values on disk.
pub(crate) struct CellStore {
    root: PathBuf,
    repair: bool,
}

impl CellStore {
    /// A store below a cache folder. What is damaged is reported and computed again; without `repair` it is an error.
    pub(crate) fn new(cache: &Path, repair: bool) -> Self {
        Self { root: cache.to_owned(), repair }
    }

    fn cell_folder(&self, key: &Digest) -> PathBuf {
        self.root.join(cells_folder()).join(key.to_string())
    }

    /// The stored cell of a key, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], unless it may be computed again.
    pub(crate) fn load(
        &self,
        key: &Digest,
        events: &mut dyn StudyEvents,
    ) -> Result<Option<CellResult>, StoreError> {
        let folder = self.cell_folder(key);
        if !folder.exists() {
            return Ok(None);
        }
        match read_cell(&folder) {
            Ok(cell) => {
                touch(&folder.join(HEADER));
                Ok(Some(cell))
            }
            Err(damage) => self.damaged(damage, events).map(|()| None),
        }
    }

    /// Reports what is damaged, or returns it as an error.
    fn damaged(&self, damage: Damage, events: &mut dyn StudyEvents) -> Result<(), StoreError> {
        if !self.repair {
            return Err(StoreError::Damaged(damage));
        }
        events.event(StudyEvent::Damaged { reason: &damage.to_string() });
        Ok(())
    }

    /// Keeps a cell.
    pub(crate) fn save(&self, key: &Digest, result: &CellResult) -> Result<(), StoreError> {
        let folder = self.cell_folder(key);
        let parent = folder.parent().unwrap_or(&self.root);
        let in_parent = |source| StoreError::Folder { path: parent.to_owned(), source };
        fs::create_dir_all(parent).map_err(in_parent)?;
        let temporary = new_folder(parent).map_err(in_parent)?;
        let named = |prefix: &str, predictions: &Predictions| -> Vec<NamedArray> {
            predictions
                .fits()
                .iter()
                .enumerate()
                .map(|(number, matrix)| NamedArray {
                    name: format!("{prefix}-{number:04}"),
                    shape: vec![matrix.nrows(), matrix.ncols()],
                    values: matrix.iter().copied().collect(),
                })
                .collect()
        };
        let predictions =
            write_arrays(&[named("valid", &result.valid), named("test", &result.test)].concat())?;
        write_synced(&temporary.path().join(PREDICTIONS), &predictions)?;
        let mut probes = Vec::new();
        for (number, probe) in result.probes.iter().enumerate() {
            let bytes = write_arrays(&probe.arrays)?;
            write_synced(&temporary.path().join(probe_file(number)), &bytes)?;
            probes.push(ProbeHeader {
                kind: probe.kind.clone(),
                config: probe.config.clone(),
                digest: Digest::of_bytes(&bytes),
            });
        }
        let header = CellHeader {
            cell_version: CELL_VERSION,
            fits: result.fits.clone(),
            width: result.width,
            seconds: result.seconds,
            cost: result.cost.clone(),
            predictions: Digest::of_bytes(&predictions),
            probes,
        };
        let header = serde_json::to_vec_pretty(&header)?;
        write_synced(&temporary.path().join(HEADER), &sealed(&header))?;
        if folder.exists() {
            // A damaged cell of the same key, or another process's equal one.
            fs::remove_dir_all(&folder)
                .map_err(|source| StoreError::Folder { path: folder.clone(), source })?;
        }
        match fs::rename(temporary.path(), &folder) {
            Ok(()) => Ok(()),
            Err(_) if folder.join(HEADER).exists() => Ok(()),
            Err(source) => Err(StoreError::Folder { path: folder, source }),
        }
    }

    /// The stored value of a key, where there is one.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], unless it may be computed again.
    pub(crate) fn known<T: DeserializeOwned>(
        &self,
        kind: &str,
        key: &Digest,
        events: &mut dyn StudyEvents,
    ) -> Result<Option<T>, StoreError> {
        let path = self.value_path(kind, key);
        match read_value(&path) {
            Ok(None) => Ok(None),
            Ok(Some(value)) => {
                touch(&path);
                Ok(Some(value))
            }
            Err(problem) => self.damaged(Damage { path, problem }, events).map(|()| None),
        }
    }

    /// A value computed once per key; `kind` names its folder.
    ///
    /// # Errors
    /// As [`Self::known`], and [`StoreError::Write`].
    pub(crate) fn memo<T: Serialize + DeserializeOwned>(
        &self,
        kind: &str,
        key: &Digest,
        events: &mut dyn StudyEvents,
        compute: impl FnOnce() -> T,
    ) -> Result<T, StoreError> {
        if let Some(value) = self.known(kind, key, events)? {
            return Ok(value);
        }
        let value = compute();
        self.keep(kind, key, &value)?;
        Ok(value)
    }

    /// Stores a small value under a key.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub(crate) fn keep<T: Serialize>(&self, kind: &str, key: &Digest, value: &T) -> Result<(), StoreError> {
        let text = serde_json::to_vec(value)?;
        Ok(write_whole(&self.value_path(kind, key), &sealed(&text))?)
    }

    fn value_path(&self, kind: &str, key: &Digest) -> PathBuf {
        self.root.join(VALUES).join(kind).join(format!("{key}.json"))
    }
}

fn cells_folder() -> String {
    format!("cells-v{CELL_VERSION}")
}

/// The folders of all cells and the files of all small values below a cache folder.
///
/// # Errors
/// [`StoreError::Folder`] where a folder is there and cannot be listed.
pub fn cached_items(cache: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let children = |folder: &Path| -> Result<Vec<PathBuf>, StoreError> {
        let error = |source| StoreError::Folder { path: folder.to_owned(), source };
        match fs::read_dir(folder) {
            Ok(listing) => listing.map(|item| Ok(item.map_err(error)?.path())).collect(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(error(source)),
        }
    };
    let mut items = children(&cache.join(cells_folder()))?;
    for kind in children(&cache.join(VALUES))? {
        items.extend(children(&kind)?);
    }
    Ok(items)
}

/// A temporary folder that becomes a cell, with the permissions that the umask gives.
fn new_folder(parent: &Path) -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".cell-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The system takes the umask off this.
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    builder.tempdir_in(parent)
}

/// Reads a cell and checks every byte of it.
fn read_cell(folder: &Path) -> Result<CellResult, Damage> {
    let path = folder.join(HEADER);
    let header = read_header(&path).map_err(|problem| Damage { path, problem })?;
    let path = folder.join(PREDICTIONS);
    let (valid, test) =
        read_predictions(&path, &header.predictions).map_err(|problem| Damage { path, problem })?;
    let mut probes = Vec::new();
    for (number, probe) in header.probes.into_iter().enumerate() {
        let path = folder.join(probe_file(number));
        let arrays = read_checked(&path, &probe.digest).map_err(|problem| Damage { path, problem })?;
        probes.push(StoredProbe { kind: probe.kind, config: probe.config, arrays });
    }
    let CellHeader { fits, width, seconds, cost, .. } = header;
    Ok(CellResult { fits, valid, test, probes, width, seconds, cost })
}

fn read_header(path: &Path) -> Result<CellHeader, DamageProblem> {
    let bytes = fs::read(path)?;
    let header: CellHeader = serde_json::from_slice(unsealed(&bytes)?)?;
    if header.cell_version != CELL_VERSION {
        return Err(DamageProblem::Version { found: header.cell_version, expected: CELL_VERSION });
    }
    Ok(header)
}

fn read_predictions(path: &Path, digest: &Digest) -> Result<(Predictions, Predictions), DamageProblem> {
    let (mut valid, mut test) = (Vec::new(), Vec::new());
    for array in read_checked(path, digest)? {
        let matrix = match array.shape[..] {
            [rows, columns] => Array2::from_shape_vec((rows, columns), array.values).ok(),
            _ => None,
        };
        match (array.name.split_once('-').map(|(split, _)| split), matrix) {
            (Some("valid"), Some(matrix)) => valid.push(matrix),
            (Some("test"), Some(matrix)) => test.push(matrix),
            _ => return Err(DamageProblem::NotPredictions(array.name)),
        }
    }
    Ok((Predictions::new(valid), Predictions::new(test)))
}

fn read_value<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, DamageProblem> {
    match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        bytes => Ok(Some(serde_json::from_slice(unsealed(&bytes?)?)?)),
    }
}

/// A text with its digest in front, on a line of its own.
fn sealed(text: &[u8]) -> Vec<u8> {
    [Digest::of_bytes(text).to_string().as_bytes(), b"\n", text].concat()
}

/// The text of [`sealed`], if it is unchanged.
fn unsealed(bytes: &[u8]) -> Result<&[u8], DamageProblem> {
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let (digest, text) = (&bytes[..end], bytes.get(end + 1..).unwrap_or_default());
    let found = Digest::of_bytes(text);
    if digest == found.to_string().as_bytes() {
        return Ok(text);
    }
    let expected = format!("{:.64}", String::from_utf8_lossy(digest));
    Err(DamageProblem::Digest { found, expected })
}

/// Notes that a file was used now; a cache that can only be read goes without.
fn touch(path: &Path) {
    if let Ok(file) = fs::File::options().append(true).open(path) {
        let _ = file.set_modified(std::time::SystemTime::now());
    }
}

fn probe_file(number: usize) -> String {
    format!("probe-{number:04}.safetensors")
}

/// Reads named arrays whose file must have a digest.
fn read_checked(path: &Path, digest: &Digest) -> Result<Vec<NamedArray>, DamageProblem> {
    let bytes = fs::read(path)?;
    let found = Digest::of_bytes(&bytes);
    if found != *digest {
        return Err(DamageProblem::Digest { found, expected: digest.to_string() });
    }
    Ok(read_arrays(&bytes)?)
}

//! The cell store: fits and predictions under their content address. A cell folder appears whole, by a
//! rename; every file of it is checked against a digest when it is read, and anything else is computed anew.

use crate::exit::{ExitCode, Failure, OrExit};
use crate::files::write_whole;
use crate::output::tell;
use ndarray::Array2;
use safetensors::tensor::{Dtype, TensorView};
use seqprobe_core::{Digest, NamedArray, StoredProbe};
use seqprobe_report::record::{CostRecord, SeedFit};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// Raised when a stored cell's layout or meaning changes.
pub(crate) const CELL_VERSION: u32 = 2;

/// The header of a cell.
const HEADER: &str = "cell.json";
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
    /// One per fit, `[valid examples, outputs]`.
    pub(crate) valid: Vec<Array2<f64>>,
    /// One per fit, `[test examples, outputs]`.
    pub(crate) test: Vec<Array2<f64>>,
    /// One per fit; none for oracle and constant.
    pub(crate) probes: Vec<StoredProbe>,
    /// Values per feature vector that the probes were fitted on; 0 for oracle and constant.
    pub(crate) width: usize,
    pub(crate) seconds: f64,
    /// What its features cost, where there are any.
    pub(crate) cost: Option<CostRecord>,
}

/// Header file of a stored cell.
#[derive(Serialize, Deserialize)]
struct CellHeader {
    cell_version: u32,
    fits: Vec<SeedFit>,
    width: usize,
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
    /// A store below a cache folder. What is damaged is told and computed anew; without `repair` it is an error.
    pub(crate) fn new(cache: &Path, repair: bool) -> Self {
        Self { root: cache.to_owned(), repair }
    }

    /// The folders of all cells and the files of all values below a cache folder.
    pub(crate) fn items(cache: &Path) -> Result<Vec<PathBuf>, Failure> {
        let children = |folder: &Path| -> Result<Vec<PathBuf>, Failure> {
            match fs::read_dir(folder) {
                Ok(listing) => Ok(listing.map(|item| Ok(item?.path())).collect::<std::io::Result<_>>()?),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
                Err(error) => {
                    Err(Failure::new(ExitCode::Unexpected, format!("{}: {error}", folder.display())))
                }
            }
        };
        let mut items = children(&cache.join(cells_folder()))?;
        for kind in children(&cache.join(VALUES))? {
            items.extend(children(&kind)?);
        }
        Ok(items)
    }

    fn cell_folder(&self, key: &Digest) -> PathBuf {
        self.root.join(cells_folder()).join(key.to_string())
    }

    /// The stored cell of a key, if there is one.
    ///
    /// # Errors
    /// What is damaged, unless it may be computed anew.
    pub(crate) fn load(&self, key: &Digest) -> Result<Option<CellResult>, Failure> {
        let folder = self.cell_folder(key);
        if !folder.exists() {
            return Ok(None);
        }
        match read_cell(&folder) {
            Ok(cell) => {
                touch(&folder.join(HEADER));
                Ok(Some(cell))
            }
            Err(reason) => self.damaged(&reason).map(|()| None),
        }
    }

    /// Tells what is damaged, or gives it back as an error.
    fn damaged(&self, reason: &str) -> Result<(), Failure> {
        if self.repair {
            tell(&format!("damaged, not used and computed again: {reason}"));
            return Ok(());
        }
        let hint = "leave out --no-repair to compute it again";
        Err(Failure::new(ExitCode::Unexpected, format!("{reason}; it was not used\n  hint: {hint}")))
    }

    /// Keeps a cell.
    pub(crate) fn save(&self, key: &Digest, result: &CellResult) -> Result<(), Failure> {
        let folder = self.cell_folder(key);
        let parent = folder.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent)?;
        let temporary = tempfile::Builder::new().prefix(".cell-").tempdir_in(parent)?;
        let named = |prefix: &str, matrices: &[Array2<f64>]| -> Vec<NamedArray> {
            matrices
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
        write_whole(&temporary.path().join("predictions.safetensors"), &predictions)?;
        let mut probes = Vec::new();
        for (number, probe) in result.probes.iter().enumerate() {
            let bytes = write_arrays(&probe.arrays)?;
            write_whole(&temporary.path().join(probe_file(number)), &bytes)?;
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
        let header = serde_json::to_vec_pretty(&header).or_exit(ExitCode::Unexpected)?;
        write_whole(&temporary.path().join(HEADER), &sealed(&header))?;
        if folder.exists() {
            // A damaged cell of the same key, or another process's equal one.
            fs::remove_dir_all(&folder)?;
        }
        match fs::rename(temporary.path(), &folder) {
            Ok(()) => Ok(()),
            Err(_) if folder.join(HEADER).exists() => Ok(()),
            Err(error) => Err(Failure::new(ExitCode::Unexpected, format!("{}: {error}", folder.display()))),
        }
    }

    /// The stored value of a key, where there is one.
    ///
    /// # Errors
    /// What is damaged, unless it may be computed anew.
    pub(crate) fn known<T: DeserializeOwned>(&self, kind: &str, key: &Digest) -> Result<Option<T>, Failure> {
        let path = self.value_path(kind, key);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| format!("{}: {error}", path.display())),
        };
        let value = bytes.and_then(|bytes| {
            let text = unsealed(&path, &bytes)?;
            serde_json::from_slice(text).map_err(|error| format!("{}: {error}", path.display()))
        });
        match value {
            Ok(value) => {
                touch(&path);
                Ok(Some(value))
            }
            Err(reason) => self.damaged(&reason).map(|()| None),
        }
    }

    /// A value computed once per key; `kind` names its folder.
    pub(crate) fn memo<T: Serialize + DeserializeOwned>(
        &self,
        kind: &str,
        key: &Digest,
        compute: impl FnOnce() -> T,
    ) -> Result<T, Failure> {
        if let Some(value) = self.known(kind, key)? {
            return Ok(value);
        }
        let value = compute();
        let text = serde_json::to_vec(&value).or_exit(ExitCode::Unexpected)?;
        write_whole(&self.value_path(kind, key), &sealed(&text))?;
        Ok(value)
    }

    fn value_path(&self, kind: &str, key: &Digest) -> PathBuf {
        self.root.join(VALUES).join(kind).join(format!("{key}.json"))
    }
}

fn cells_folder() -> String {
    format!("cells-v{CELL_VERSION}")
}

/// Reads a cell, every byte of it checked; the error names the file at fault.
fn read_cell(folder: &Path) -> Result<CellResult, String> {
    let path = folder.join(HEADER);
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let bytes = fs::read(&path).map_err(|error| at(&error))?;
    let header: CellHeader = serde_json::from_slice(unsealed(&path, &bytes)?).map_err(|error| at(&error))?;
    if header.cell_version != CELL_VERSION {
        return Err(at(&format!("it has cell version {}, expected {CELL_VERSION}", header.cell_version)));
    }
    let path = folder.join("predictions.safetensors");
    let mut valid = Vec::new();
    let mut test = Vec::new();
    for array in read_checked(&path, &header.predictions)? {
        let matrix = match array.shape[..] {
            [rows, columns] => Array2::from_shape_vec((rows, columns), array.values).ok(),
            _ => None,
        };
        let matrix = matrix.ok_or_else(|| format!("{}: {:?} is no matrix", path.display(), array.name))?;
        if array.name.starts_with("valid") { valid.push(matrix) } else { test.push(matrix) }
    }
    let mut probes = Vec::new();
    for (number, probe) in header.probes.into_iter().enumerate() {
        let arrays = read_checked(&folder.join(probe_file(number)), &probe.digest)?;
        probes.push(StoredProbe { kind: probe.kind, config: probe.config, arrays });
    }
    let CellHeader { fits, width, seconds, cost, .. } = header;
    Ok(CellResult { fits, valid, test, probes, width, seconds, cost })
}

/// A text with its digest in front, on a line of its own.
fn sealed(text: &[u8]) -> Vec<u8> {
    [Digest::of_bytes(text).to_string().as_bytes(), b"\n", text].concat()
}

/// The text of [`sealed`], when it is unchanged.
fn unsealed<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a [u8], String> {
    let place = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let (digest, text) = (&bytes[..place], bytes.get(place + 1..).unwrap_or_default());
    let found = Digest::of_bytes(text).to_string();
    if digest == found.as_bytes() {
        return Ok(text);
    }
    let digest = String::from_utf8_lossy(digest);
    Err(format!("{}: its digest is {found}, its first line says {digest:.64}", path.display()))
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
fn read_checked(path: &Path, digest: &Digest) -> Result<Vec<NamedArray>, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let found = Digest::of_bytes(&bytes);
    if found != *digest {
        return Err(format!("{}: its digest is {found}, the cell says {digest}", path.display()));
    }
    read_arrays(&bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// Named arrays as safetensors of f64.
pub(crate) fn write_arrays(arrays: &[NamedArray]) -> Result<Vec<u8>, Failure> {
    let bytes: Vec<Vec<u8>> = arrays
        .iter()
        .map(|array| array.values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views: Result<Vec<_>, _> = arrays
        .iter()
        .zip(&bytes)
        .map(|(array, bytes)| {
            TensorView::new(Dtype::F64, array.shape.clone(), bytes).map(|view| (array.name.as_str(), view))
        })
        .collect();
    let views = views.or_exit(ExitCode::Unexpected)?;
    safetensors::serialize(views, None).or_exit(ExitCode::Unexpected)
}

/// Named arrays from safetensors of f64, sorted by name.
pub(crate) fn read_arrays(bytes: &[u8]) -> Result<Vec<NamedArray>, String> {
    let tensors = safetensors::SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let mut arrays = Vec::new();
    for (name, view) in tensors.tensors() {
        if view.dtype() != Dtype::F64 {
            return Err(format!("tensor {name:?} is {:?}, expected F64", view.dtype()));
        }
        let values = view
            .data()
            .chunks_exact(8)
            .map(|chunk| {
                let mut eight = [0_u8; 8];
                eight.copy_from_slice(chunk);
                f64::from_le_bytes(eight)
            })
            .collect();
        arrays.push(NamedArray { name, shape: view.shape().to_vec(), values });
    }
    arrays.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(arrays)
}

//! The cell store: fits and predictions under their content address. A cell folder appears whole, by a
//! rename; what is read is checked against the digests in its `cell.json`, and anything else is computed anew.

use crate::exit::{ExitCode, Failure, OrExit};
use crate::files::write_whole;
use ndarray::Array2;
use safetensors::tensor::{Dtype, TensorView};
use seqprobe_core::{Digest, NamedArray, StoredProbe};
use seqprobe_report::record::{CostRecord, SeedFit};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// Raised when a stored cell's layout or meaning changes.
pub(crate) const CELL_VERSION: u32 = 1;

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
}

impl CellStore {
    /// A store below a cache folder.
    pub(crate) fn new(cache: &Path) -> Self {
        Self { root: cache.to_owned() }
    }

    fn cell_folder(&self, key: &Digest) -> PathBuf {
        self.root.join(format!("cells-v{CELL_VERSION}")).join(key.to_string())
    }

    /// The stored cell of a key, if there is a whole and unchanged one.
    pub(crate) fn load(&self, key: &Digest) -> Option<CellResult> {
        let folder = self.cell_folder(key);
        let header: CellHeader = serde_json::from_slice(&fs::read(folder.join("cell.json")).ok()?).ok()?;
        if header.cell_version != CELL_VERSION {
            return None;
        }
        let bytes = read_checked(&folder.join("predictions.safetensors"), &header.predictions)?;
        let mut valid = Vec::new();
        let mut test = Vec::new();
        for array in read_arrays(&bytes).ok()? {
            let shape = (*array.shape.first()?, *array.shape.get(1)?);
            let matrix = Array2::from_shape_vec(shape, array.values).ok()?;
            if array.name.starts_with("valid") { valid.push(matrix) } else { test.push(matrix) }
        }
        let mut probes = Vec::new();
        for (number, probe) in header.probes.into_iter().enumerate() {
            let bytes = read_checked(&folder.join(probe_file(number)), &probe.digest)?;
            probes.push(StoredProbe {
                kind: probe.kind,
                config: probe.config,
                arrays: read_arrays(&bytes).ok()?,
            });
        }
        Some(CellResult {
            fits: header.fits,
            valid,
            test,
            probes,
            width: header.width,
            seconds: header.seconds,
            cost: header.cost,
        })
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
        write_whole(&temporary.path().join("cell.json"), &header)?;
        if folder.exists() {
            // A damaged cell of the same key, or another process's equal one.
            fs::remove_dir_all(&folder)?;
        }
        match fs::rename(temporary.path(), &folder) {
            Ok(()) => Ok(()),
            Err(_) if folder.join("cell.json").exists() => Ok(()),
            Err(error) => Err(Failure::new(ExitCode::Unexpected, format!("{}: {error}", folder.display()))),
        }
    }

    /// The stored value of a key, where there is one that can be read.
    pub(crate) fn known<T: DeserializeOwned>(&self, kind: &str, key: &Digest) -> Option<T> {
        let bytes = fs::read(self.root.join(kind).join(format!("{key}.json"))).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// A value computed once per key; `kind` names its folder.
    pub(crate) fn memo<T: Serialize + DeserializeOwned>(
        &self,
        kind: &str,
        key: &Digest,
        compute: impl FnOnce() -> T,
    ) -> Result<T, Failure> {
        if let Some(value) = self.known(kind, key) {
            return Ok(value);
        }
        let value = compute();
        let path = self.root.join(kind).join(format!("{key}.json"));
        write_whole(&path, &serde_json::to_vec(&value).or_exit(ExitCode::Unexpected)?)?;
        Ok(value)
    }
}

fn probe_file(number: usize) -> String {
    format!("probe-{number:04}.safetensors")
}

fn read_checked(path: &Path, digest: &Digest) -> Option<Vec<u8>> {
    fs::read(path).ok().filter(|bytes| Digest::of_bytes(bytes) == *digest)
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

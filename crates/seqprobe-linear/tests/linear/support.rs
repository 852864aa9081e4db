//! What the tests share: a generator, features in memory, golden files.

use ndarray::{Array2, ArrayView2};
use seqprobe_core::{FeatureError, FeatureKind, FeatureSource};
use std::path::{Path, PathBuf};

/// The generator of `generate.py`: splitmix64, and bell-shaped values from sums of four uniforms.
pub(crate) struct Splitmix(pub(crate) u64);

impl Splitmix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn centred(&mut self) -> f64 {
        self.uniform() + self.uniform() + self.uniform() + self.uniform() - 2.0
    }

    pub(crate) fn matrix(&mut self, rows: usize, columns: usize) -> Array2<f64> {
        Array2::from_shape_fn((rows, columns), |_| self.centred())
    }
}

/// Pooled features, or tokens of one vector each.
pub(crate) struct Memory {
    pub(crate) values: Array2<f32>,
    pub(crate) kind: FeatureKind,
}

impl Memory {
    pub(crate) fn pooled(values: ArrayView2<'_, f64>) -> Self {
        Self { values: values.mapv(|value| value as f32), kind: FeatureKind::Pooled }
    }
}

impl FeatureSource for Memory {
    fn n_rows(&self) -> usize {
        self.values.nrows()
    }

    fn dim(&self) -> usize {
        self.values.ncols()
    }

    fn kind(&self) -> FeatureKind {
        self.kind
    }

    fn length(&self, _row: usize) -> usize {
        1
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        for &row in rows {
            out.extend(self.values.row(row));
        }
        Ok(())
    }
}

/// The folder of the public data sets.
pub(crate) fn data_folder() -> PathBuf {
    match std::env::var_os("SEQPROBE_DATA_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    }
}

/// Returns whether a file or folder of the public data is there. If not, the caller skips its test.
///
/// # Panics
/// When it is not there and `SEQPROBE_REQUIRE_DATA` is 1.
pub(crate) fn has_data(path: &Path) -> bool {
    if path.exists() {
        return true;
    }
    let text = format!("skipped: {} is absent", path.display());
    assert!(std::env::var_os("SEQPROBE_REQUIRE_DATA").is_none_or(|value| value != "1"), "{text}");
    println!("{text}");
    false
}

/// The cases of a golden file.
pub(crate) fn golden(name: &str) -> serde_json::Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/linear").join(name);
    let file: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file["cases"].clone()
}

/// A JSON list of numbers, or of lists of numbers, in one row.
pub(crate) fn numbers(value: &serde_json::Value) -> Vec<f64> {
    match value {
        serde_json::Value::Array(values) => values.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

/// Asserts that two lists agree everywhere within `tolerance`.
pub(crate) fn assert_close(got: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}: lengths");
    for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
        let off = (got - expected).abs();
        assert!(off <= tolerance, "{what} {index}: {got} is not {expected} (off by {off:e})");
    }
}

//! A fitted probe as data: settings and named arrays.

/// A fitted probe as data.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredProbe {
    /// Which crate and function restore it: `linear`, `cnn`, `mlp`.
    pub kind: String,
    /// Settings needed to rebuild it.
    pub config: serde_json::Value,
    /// Fitted numbers.
    pub arrays: Vec<NamedArray>,
}

/// One named array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArray {
    /// Name, unique within its probe.
    pub name: String,
    /// Shape; its product is the number of values.
    pub shape: Vec<usize>,
    /// Values.
    pub values: Vec<f64>,
}

impl StoredProbe {
    /// Returns the array of a name.
    pub fn array(&self, name: &str) -> Option<&NamedArray> {
        self.arrays.iter().find(|array| array.name == name)
    }
}

//! Models that are part of the program: small ones, for first steps and tests.

use crate::error::ModelError;
use seqprobe_files::write_whole;
use tempfile::TempDir;

/// A model whose files are part of the program.
#[derive(Debug, PartialEq, Eq)]
pub struct BundledModel {
    /// The name that suites and commands use.
    pub id: &'static str,
    /// Its family.
    pub family: &'static str,
    /// Number of parameters of the encoder.
    pub n_parameters: u64,
    /// Blocks.
    pub layers: u32,
    /// Values per token.
    pub hidden: u32,
    /// The kind of tokens.
    pub tokenizer: &'static str,
    /// Where the repository has it.
    pub source: &'static str,
    files: &'static [(&'static str, &'static [u8])],
}

macro_rules! files {
    ($folder:literal, $($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../", $folder, "/", $name)))),*]
    };
}

/// The models that are part of the program.
pub static BUNDLED_MODELS: &[BundledModel] = &[BundledModel {
    id: "seqprobe-mini",
    family: "gpn",
    n_parameters: 1_316_864,
    layers: 8,
    hidden: 128,
    tokenizer: "single bases",
    source: "benchmarks/models/seqprobe-mini",
    files: files![
        "benchmarks/models/seqprobe-mini",
        "config.json",
        "model.safetensors",
        "tokenizer_config.json",
        "vocab.txt",
    ],
}];

impl BundledModel {
    /// The model of a name.
    pub fn named(id: &str) -> Option<&'static Self> {
        BUNDLED_MODELS.iter().find(|model| model.id == id)
    }

    /// Writes its files into a new temporary folder, which is removed when the value is dropped. A loaded model does
    /// not need the folder any more.
    ///
    /// # Errors
    /// [`ModelError::Io`] when the folder of temporary files (`TMPDIR`) cannot be written.
    pub fn unpack(&self) -> Result<TempDir, ModelError> {
        let parent = std::env::temp_dir();
        let folder = tempfile::tempdir().map_err(ModelError::io(&parent))?;
        for (name, bytes) in self.files {
            write_whole(&folder.path().join(name), bytes)?;
        }
        Ok(folder)
    }
}

//! Features as files for other programs: npy with ids beside it, or safetensors with ids inside.

use crate::error::EmbedError;
use seqprobe_core::FeatureSource;
use std::path::Path;

/// Writes all rows of a source to `path`, whole or not at all.
///
/// - `X.npy`: `[n, dim]` of 32-bit floats, and `X.ids.txt` with one id per line.
/// - `X.safetensors`: `features [n, dim]`, or for tokens `tokens [Σ length, dim]` with `offsets [n + 1]`;
///   the ids are a JSON array under `ids` in the metadata.
///
/// # Errors
/// [`EmbedError::Export`] for another ending, tokens to npy, or ids that do not match; errors of the
/// source and the file system.
pub fn export_features(source: &dyn FeatureSource, ids: &[String], path: &Path) -> Result<(), EmbedError> {
    let _ = (source, ids);
    Err(EmbedError::Export { path: path.to_owned(), reason: "not written yet".into() })
}

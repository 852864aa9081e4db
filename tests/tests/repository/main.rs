//! Tests of the repository itself: manifests, licences, rules for files, and the script that prepares libtorch. None
//! needs the built program.

mod direction;
mod files;
mod licences;
mod prepare_libtorch;

use std::path::PathBuf;

/// The root of the repository.
fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

//! Public datasets that are not in the repository, and the line that a test prints when it runs without them.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder of public datasets.
pub(crate) fn data_folder() -> PathBuf {
    std::env::var_os("SEQPROBE_DATA_DIR").map_or_else(|| workspace().join("../shared/data"), PathBuf::from)
}

/// True when a file or folder below [`data_folder`] is there; else says that its test is skipped.
///
/// # Panics
/// When data is absent and `SEQPROBE_REQUIRE_DATA` is 1.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub(crate) fn is_there(path: &str) -> bool {
    let path = data_folder().join(path);
    if path.exists() {
        return true;
    }
    let line = format!("skipped: {} is absent", path.display());
    assert!(std::env::var_os("SEQPROBE_REQUIRE_DATA").is_none_or(|value| value != "1"), "{line}");
    println!("{line}");
    false
}

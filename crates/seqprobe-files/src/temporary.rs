//! Names of temporary files, by which an interrupted write can be recognised later.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The end of temporary names.
pub(crate) const SUFFIX: &str = ".tmp";

/// True for the name of a temporary file of this crate, on whatever machine it was written.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(SUFFIX)
}

/// True for the name of a temporary file that was written on this machine since its last start.
pub fn is_of_this_machine(name: &str) -> bool {
    name.contains(&format!(".{}-", machine()))
}

/// A temporary name in the folder of `target` that no other process chooses, for a folder that is renamed when it is
/// complete.
pub fn temporary_beside(target: &Path) -> PathBuf {
    let token = RandomState::new().build_hasher().finish();
    target.with_file_name(format!("{}{token:016x}{SUFFIX}", prefix(target)))
}

/// The start of the temporary names of a target: its own name and this machine.
pub(crate) fn prefix(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    format!(".{name}.{}-", machine())
}

/// Names this machine since its last start; zeros where the system does not say.
fn machine() -> &'static str {
    static MACHINE: OnceLock<String> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let id: String = id.chars().filter(char::is_ascii_hexdigit).take(8).collect();
        if id.len() == 8 { id } else { "00000000".to_owned() }
    })
}

//! Files that are read from one opening, and files that appear whole or not at all. Every crate that writes a file
//! writes it through this one; [`InputFile`] opens a file or pipe once, and [`FileKind`] says what its content is.
//!
//! A file is written under a temporary name in the folder of its target, synced, and renamed; then the folder is
//! synced. The target gets the permissions that the umask gives, or keeps those it had. A symbolic link is followed.
//! A pipe or a device (`/dev/stdout`) is written through, because it cannot be replaced.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("scores.csv");
//! seqprobe_files::write_whole(&path, b"cell,auroc\n")?;
//! assert_eq!(std::fs::read(&path)?, b"cell,auroc\n");
//! # Ok(())
//! # }
//! ```

mod atomic_file;
mod contained;
mod error;
mod input_file;
mod kind;
mod temporary;

pub use atomic_file::{AtomicFile, StagedFile, write_synced, write_whole, write_whole_with};
pub use contained::contained;
pub use error::FileError;
pub use input_file::{InputError, InputFile, InputReader};
pub use kind::FileKind;
pub use temporary::{is_of_this_machine, is_temporary, temporary_beside};

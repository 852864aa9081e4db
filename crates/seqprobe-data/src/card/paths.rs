//! Paths in cards: relative, below the card's folder or a data folder.

use std::path::{Component, Path};
use thiserror::Error;

/// A path that is absolute or has `..`.
#[derive(Debug, PartialEq, Eq, Error)]
#[error(
    "path {0:?} leaves the card's folder\n  hint: write paths with / and without .., relative to the card's folder or \
    a data folder"
)]
pub struct OutsideFolder(pub(super) String);

/// Rejects a path that is absolute or leaves its folder.
pub(crate) fn check_is_inside(path: &str) -> Result<(), OutsideFolder> {
    let is_inside = !path.is_empty()
        && !path.contains('\\')
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if is_inside { Ok(()) } else { Err(OutsideFolder(path.to_owned())) }
}

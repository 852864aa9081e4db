//! Where cards and data files are looked for.

use crate::card::Card;
use crate::error::DataError;
use seqprobe_core::config::nearest;
use std::path::{Component, Path, PathBuf};

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
    if id_or_path.ends_with(".toml") || id_or_path.contains(['/', '\\']) {
        return Card::read(Path::new(id_or_path));
    }
    let file_name = format!("{id_or_path}.toml");
    if let Some(path) = card_folders.iter().map(|folder| folder.join(&file_name)).find(|path| path.is_file())
    {
        return Card::read(&path);
    }
    let known = card_ids(card_folders);
    let hint = match nearest(id_or_path, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None if known.is_empty() => "no card folder holds a card; give the path of a card instead".to_owned(),
        None => format!("the cards are {}", known.join(", ")),
    };
    Err(DataError::card(id_or_path, format!("there is no dataset card of this id\n  hint: {hint}")))
}

/// The ids of all cards in some folders, sorted.
pub fn card_ids(card_folders: &[PathBuf]) -> Vec<String> {
    let mut ids: Vec<String> = card_folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

/// The first place where a file lies: some folders, in order.
///
/// # Errors
/// What is wrong, with a hint: a path that is absolute or leaves its folder, or that is in none of them.
pub fn find_file(folders: &[PathBuf], path: &str) -> Result<PathBuf, String> {
    stays_inside(path)?;
    if let Some(found) = folders.iter().map(|folder| folder.join(path)).find(|path| path.is_file()) {
        return Ok(found);
    }
    let looked: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    Err(format!(
        "file {path:?} is in none of: {}\n  hint: give the folder that holds it with --data-dir or SEQPROBE_DATA_DIR",
        looked.join(", ")
    ))
}

impl DataFolders {
    /// The first place where a card's file lies: the card's own folder, then the data folders in order.
    pub(crate) fn find(&self, card: &Card, path: &str, url: Option<&str>) -> Result<PathBuf, DataError> {
        stays_inside(path).map_err(|message| card.error(message))?;
        let places = std::iter::once(&card.folder).chain(&self.folders);
        if let Some(found) = places.map(|folder| folder.join(path)).find(|path| path.is_file()) {
            return Ok(found);
        }
        let mut looked: Vec<String> = vec![if card.folder.as_os_str().is_empty() {
            ".".to_owned()
        } else {
            card.folder.display().to_string()
        }];
        looked.extend(self.folders.iter().map(|folder| folder.display().to_string()));
        let looked = looked.join(", ");
        let hint = match (url, self.allow_download) {
            (None, _) => "give the folder that holds it with --data-dir or SEQPROBE_DATA_DIR".to_owned(),
            (Some(url), false) => {
                format!("downloads are off (no --allow-download); put {url} into a data folder yourself")
            }
            (Some(url), true) => {
                format!("this version downloads nothing itself; put {url} into a data folder")
            }
        };
        Err(card.error(format!("file {path:?} is in none of: {looked}\n  hint: {hint}")))
    }
}

/// Refuses a path that is absolute or leaves its folder.
pub(crate) fn stays_inside(path: &str) -> Result<(), String> {
    let is_inside = !path.is_empty()
        && !path.contains('\\')
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if is_inside {
        return Ok(());
    }
    Err(format!(
        "path {path:?} leaves the card's folder\n  hint: paths are relative, with / and without .., to the card's folder or a data folder"
    ))
}

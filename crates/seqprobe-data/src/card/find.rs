//! Where cards and data files are looked for.

use super::Card;
use super::bundled::bundled_cards;
use super::paths::{OutsideFolder, check_is_inside};
use crate::error::DataError;
use crate::read::DataFile;
use seqprobe_core::config::nearest;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Where the files of cards are.
#[derive(Clone, Debug, Default)]
pub struct DataFolders {
    /// Folders below which a card's paths are looked for, after the card's own folder.
    pub folders: Vec<PathBuf>,
    /// A file that is open already, under its path in the card: a pipe can be opened once only.
    pub opened: Option<(String, DataFile)>,
}

/// A file that cannot be found.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum FindFileError {
    /// The path is absolute or leaves its folder.
    #[error(transparent)]
    Path(#[from] OutsideFolder),
    /// The file is in none of the folders.
    #[error(
        "file {path:?} is not in any of these folders: {folders}\n  hint: {hint}",
        folders = show(.folders),
        hint = hint(.url.as_deref())
    )]
    Absent {
        /// The path that was looked for.
        path: String,
        /// Where it was looked for.
        folders: Vec<PathBuf>,
        /// Where the file can be downloaded.
        url: Option<String>,
    },
}

fn show(folders: &[PathBuf]) -> String {
    let names = folders.iter().map(|folder| {
        if folder.as_os_str().is_empty() { ".".to_owned() } else { folder.display().to_string() }
    });
    names.collect::<Vec<_>>().join(", ")
}

fn hint(url: Option<&str>) -> String {
    match url {
        None => "give the folder that contains it with --data-dir or SEQPROBE_DATA_DIR".to_owned(),
        Some(url) => {
            format!(
                "download {url}, and give the folder that contains it with --data-dir or SEQPROBE_DATA_DIR"
            )
        }
    }
}

/// Reads the card that a suite or a user names: a path (anything that ends in `.toml` or has a `/`), or an id. An id is
/// looked up as `<folder>/<id>.toml` in the card folders, in order, then among the bundled cards.
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
    if let Some(bundled) = bundled_cards().iter().find(|bundled| bundled.id == id_or_path) {
        return bundled.card();
    }
    let mut known = card_ids(card_folders);
    known.extend(bundled_cards().iter().map(|bundled| bundled.id.to_owned()));
    known.sort();
    known.dedup();
    let hint = match nearest(id_or_path, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("the cards are {}", known.join(", ")),
    };
    Err(DataError::card(id_or_path, format!("there is no dataset card with this id\n  hint: {hint}")))
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

/// The first of some folders that contains a file, and the file in it.
///
/// # Errors
/// [`FindFileError`] for a path that is absolute or leaves its folder, or that is in none of the folders.
pub fn find_file(folders: &[PathBuf], path: &str) -> Result<PathBuf, FindFileError> {
    find(folders.iter(), path, None)
}

impl DataFolders {
    /// Some folders.
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self { folders, opened: None }
    }

    /// Opens a card's file and checks its digest.
    pub(crate) fn open(
        &self,
        card: &Card,
        path: &str,
        sha256: &str,
        url: Option<&str>,
    ) -> Result<DataFile, DataError> {
        let file = match &self.opened {
            Some((name, file)) if name == path => file.clone(),
            _ => DataFile::open(&self.find(card, path, url)?)?,
        };
        file.check_sha256(sha256)?;
        Ok(file)
    }

    /// The first place of a card's file: the card's own folder, then the data folders in order.
    fn find(&self, card: &Card, path: &str, url: Option<&str>) -> Result<PathBuf, DataError> {
        let folders = std::iter::once(&card.folder).chain(&self.folders);
        find(folders, path, url).map_err(|problem| card.error(problem.to_string()))
    }
}

fn find<'a>(
    folders: impl Iterator<Item = &'a PathBuf> + Clone,
    path: &str,
    url: Option<&str>,
) -> Result<PathBuf, FindFileError> {
    check_is_inside(path)?;
    match folders.clone().map(|folder| folder.join(path)).find(|path| path.is_file()) {
        Some(found) => Ok(found),
        None => Err(FindFileError::Absent {
            path: path.to_owned(),
            folders: folders.cloned().collect(),
            url: url.map(str::to_owned),
        }),
    }
}

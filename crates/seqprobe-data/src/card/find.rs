//! Where cards and data files are looked for.

use super::bundled::bundled_cards;
use super::lock::{DataLock, LOCK_FILE};
use super::paths::{OutsideFolder, check_is_inside};
use super::{Card, NamedFile};
use crate::error::DataError;
use crate::read::DataFile;
use seqprobe_core::config::nearest;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Where the files of cards are.
#[derive(Clone, Debug, Default)]
pub struct DataFolders {
    /// Folders below which a card's paths are looked for, after the card's own folder.
    pub folders: Vec<PathBuf>,
    /// Files that are open already, under their paths in the card: a pipe can be opened once only.
    pub opened: Vec<(String, DataFile)>,
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
        hint = hint(.get.as_ref())
    )]
    Absent {
        /// The path that was looked for.
        path: String,
        /// Where it was looked for.
        folders: Vec<PathBuf>,
        /// How a card's file can be got.
        get: Option<GetFile>,
    },
}

/// How a file of a card can be got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GetFile {
    /// It has an address: the card, as the user named it, and the address.
    Fetch(String, String),
    /// It has none: the page of the data.
    Source(String),
}

/// A file of a card that is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it is.
    pub path: PathBuf,
    /// The folder below which it was found.
    pub folder: PathBuf,
    /// The SHA-256 that it must have: that of the card, else that of a lock file. `None` where neither has one.
    pub sha256: Option<String>,
}

fn show(folders: &[PathBuf]) -> String {
    let names = folders.iter().map(|folder| {
        if folder.as_os_str().is_empty() { ".".to_owned() } else { folder.display().to_string() }
    });
    names.collect::<Vec<_>>().join(", ")
}

fn hint(get: Option<&GetFile>) -> String {
    const FOLDER: &str = "give the folder that contains it with --data-dir or SEQPROBE_DATA_DIR";
    match get {
        None => FOLDER.to_owned(),
        Some(GetFile::Fetch(card, url)) => {
            format!("`seqprobe data fetch {card}` downloads it from {url}; or {FOLDER}")
        }
        Some(GetFile::Source(page)) => format!("get it from {page}, and {FOLDER}"),
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
    find(folders.iter(), path, None).map(|(_, path)| path)
}

impl DataFolders {
    /// Some folders.
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self { folders, opened: Vec::new() }
    }

    /// The first place of a card's file: the card's own folder, then the data folders in order; and the digest it must have.
    ///
    /// # Errors
    /// [`DataError::NotHere`] where the file is in none of the folders, another one for a lock file that cannot be read.
    pub fn look_up(&self, card: &Card, file: NamedFile<'_>) -> Result<FoundFile, DataError> {
        let folders = || std::iter::once(&card.folder).chain(&self.folders);
        let get = match file.url {
            Some(url) => Some(GetFile::Fetch(card.id_or_path(), url.to_owned())),
            None => Some(card.source.clone()).filter(|page| !page.is_empty()).map(GetFile::Source),
        };
        let not_here = |problem: FindFileError| DataError::NotHere {
            card: card.name.clone(),
            message: problem.to_string(),
        };
        let (folder, path) = find(folders(), file.path, get).map_err(not_here)?;
        let mut sha256 = file.sha256.map(str::to_owned);
        for folder in folders() {
            if sha256.is_none() {
                sha256 = DataLock::read(folder)?.sha256(file.path).map(str::to_owned);
            }
        }
        Ok(FoundFile { path, folder, sha256 })
    }

    /// Opens a card's file and checks its digest; without a digest the file is not read.
    pub(crate) fn open(&self, card: &Card, file: NamedFile<'_>) -> Result<DataFile, DataError> {
        if let Some((_, opened)) = self.opened.iter().find(|(path, _)| path == file.path) {
            if let Some(sha256) = file.sha256 {
                opened.check_sha256(sha256)?;
            }
            return Ok(opened.clone());
        }
        let found = self.look_up(card, file)?;
        match found.sha256 {
            Some(sha256) => {
                let file = DataFile::open(&found.path)?;
                file.check_sha256(&sha256)?;
                Ok(file)
            }
            None => Err(card.error(format!(
                "file {:?} has no sha256 in the card or in {}\n  hint: `seqprobe data fetch {}` writes the digest of the \
                file that is here to {LOCK_FILE}, and it is held to it from then on; or give sha256 in the card",
                file.path,
                found.folder.join(LOCK_FILE).display(),
                card.id_or_path()
            ))),
        }
    }
}

impl FoundFile {
    /// Compares the file with its digest, where there is one.
    ///
    /// # Errors
    /// [`DataError`] when the file cannot be read or has another digest.
    pub fn check(&self) -> Result<(), DataError> {
        let Some(expected) = &self.sha256 else { return Ok(()) };
        let (got, _) = self.digest()?;
        if got.eq_ignore_ascii_case(expected) {
            return Ok(());
        }
        Err(DataError::Digest { path: self.path.clone(), expected: expected.clone(), got })
    }

    /// The SHA-256 that the file has, and its bytes.
    ///
    /// # Errors
    /// [`DataError::Io`] when the file cannot be read.
    pub fn digest(&self) -> Result<(String, u64), DataError> {
        let io = |source| DataError::io(&self.path, source);
        let mut file = std::fs::File::open(&self.path).map_err(io)?;
        let mut hasher = Sha256::new();
        let bytes = std::io::copy(&mut file, &mut hasher).map_err(io)?;
        Ok((hex::encode(hasher.finalize()), bytes))
    }
}

impl Card {
    /// How a command names this card: the id of a bundled one, the path of another.
    fn id_or_path(&self) -> String {
        if self.name.ends_with(".toml") { self.name.clone() } else { self.id.clone() }
    }
}

fn find<'a>(
    folders: impl Iterator<Item = &'a PathBuf> + Clone,
    path: &str,
    get: Option<GetFile>,
) -> Result<(PathBuf, PathBuf), FindFileError> {
    check_is_inside(path)?;
    let mut places = folders.clone().map(|folder| (folder.clone(), folder.join(path)));
    match places.find(|(_, path)| path.is_file()) {
        Some(found) => Ok(found),
        None => {
            Err(FindFileError::Absent { path: path.to_owned(), folders: folders.cloned().collect(), get })
        }
    }
}

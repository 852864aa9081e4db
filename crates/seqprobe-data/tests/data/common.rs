//! A folder with data files and a card, and what comes of loading it.

use seqprobe_core::Dataset;
use seqprobe_data::{Card, DataError, DataFolders, load};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::Path;

/// Writes the files and loads the card, in which `SHA(name)` stands for a file's digest.
pub(crate) fn load_from(
    folder: &Path,
    card: &str,
    files: &[(&str, &[u8])],
    folders: &DataFolders,
) -> Result<Dataset, DataError> {
    let mut text = card.to_owned();
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).expect("the test folder can be written");
        text = text.replace(&format!("SHA({name})"), &hex::encode(Sha256::digest(bytes)));
    }
    // Files that are not given have the right form of a digest, so that other errors show.
    while let Some(start) = text.find("SHA(") {
        let end = start + text[start..].find(')').expect("SHA( is closed");
        text.replace_range(start..=end, &"0".repeat(64));
    }
    std::fs::write(folder.join("card.toml"), text).expect("the test folder can be written");
    load(&Card::read(&folder.join("card.toml"))?, folders)
}

/// Loads a card that fits its files.
pub(crate) fn load_good(card: &str, files: &[(&str, &[u8])]) -> Dataset {
    let folder = tempfile::tempdir().expect("the test folder can be written");
    load_from(folder.path(), card, files, &DataFolders::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The message of a card or data that do not fit; the folder reads `DIR`.
pub(crate) fn error_of(card: &str, files: &[(&str, &[u8])]) -> String {
    let folder = tempfile::tempdir().expect("the test folder can be written");
    let error = load_from(folder.path(), card, files, &DataFolders::default())
        .expect_err("the card or its data do not fit");
    error.to_string().replace(&folder.path().display().to_string(), "DIR")
}

/// The bytes as one gzip member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("the test folder can be written");
    encoder.finish().expect("the test folder can be written")
}

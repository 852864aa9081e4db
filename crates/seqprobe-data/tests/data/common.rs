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

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Not at all.
    Plain,
    /// One gzip member.
    Gzip,
    /// Blocks of 60 bytes as bgzip writes them, with the block that marks the end.
    Bgzf,
    /// Zstandard, with a checksum.
    Zstd,
    /// xz.
    Xz,
    /// bzip2.
    Bzip2,
    /// A ZIP archive of one file.
    Zip,
}

impl Packing {
    /// All of them.
    pub(crate) const ALL: [Self; 7] =
        [Self::Plain, Self::Gzip, Self::Bgzf, Self::Zstd, Self::Xz, Self::Bzip2, Self::Zip];

    /// The packed bytes.
    pub(crate) fn pack(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Plain => bytes.to_vec(),
            Self::Gzip => gzip(bytes),
            Self::Bgzf => {
                let mut packed: Vec<u8> = bytes.chunks(60).flat_map(bgzf_block).collect();
                packed.extend(bgzf_block(b""));
                packed
            }
            Self::Zstd => {
                let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("zstd starts");
                encoder.include_checksum(true).expect("zstd has checksums");
                encoder.write_all(bytes).expect("memory can be written");
                encoder.finish().expect("memory can be written")
            }
            Self::Xz => {
                let options = lzma_rust2::XzOptions::with_preset(3);
                let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).expect("xz starts");
                encoder.write_all(bytes).expect("memory can be written");
                encoder.finish().expect("memory can be written")
            }
            Self::Bzip2 => {
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                encoder.write_all(bytes).expect("memory can be written");
                encoder.finish().expect("memory can be written")
            }
            Self::Zip => zip(&[("data.csv", bytes)]),
        }
    }
}

/// A ZIP archive.
pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("memory can be written");
        archive.write_all(bytes).expect("memory can be written");
    }
    archive.finish().expect("memory can be written").into_inner()
}

/// One BGZF block: a gzip member that says how long it is (SAM specification, section 4.1).
pub(crate) fn bgzf_block(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("memory can be written");
    let deflated = encoder.finish().expect("memory can be written");
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    let size = u16::try_from(18 + deflated.len() + 8 - 1).expect("a block is small");
    let mut block = vec![0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, b'B', b'C', 2, 0];
    block.extend(size.to_le_bytes());
    block.extend(deflated);
    block.extend(crc.sum().to_le_bytes());
    block.extend(u32::try_from(bytes.len()).expect("a block is small").to_le_bytes());
    block
}

/// Ids and sequences of a file with some bytes, or the message; the folder reads `DIR`.
pub(crate) fn read_bytes(
    name: &str,
    bytes: &[u8],
    layout: &seqprobe_data::FileLayout,
) -> Result<seqprobe_data::NamedSequences, String> {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let folder = folder.expect("the test folder can be written");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("the test folder can be written");
    seqprobe_data::read_sequences(&path, layout)
        .map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "DIR"))
}

//! A data file that is opened once: its digest, and its text, decompressed, any number of times.

use super::limited_reader::{LimitedReader, MAX_UNPACKED, MIN_UNPACKED};
use crate::error::DataError;
use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use seqprobe_files::{FileKind, InputFile};
use sha2::{Digest, Sha256};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Size of the buffers of a reader, and bytes from which a format is guessed.
pub(crate) const BUFFER: usize = 64 << 10;
/// The last 28 bytes of a complete BGZF file: an empty block (SAM specification, section 4.1.2).
const BGZF_END: [u8; 28] =
    [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, b'B', b'C', 2, 0, 0x1b, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// A data file. A clone shares the opened file.
#[derive(Clone, Debug)]
pub struct DataFile {
    /// The bytes as they are stored.
    stored: InputFile,
    /// The one member of a ZIP archive, or the stored bytes.
    content: InputFile,
    /// What the content is, before decompression.
    kind: FileKind,
}

impl DataFile {
    /// Opens a file, a pipe or standard input (`-`). Refuses files that are cut or hold something else in their place.
    ///
    /// # Errors
    /// [`DataError`] for what cannot be opened, a BGZF file without its last block, and archives of several files.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let stored = InputFile::open(path)?;
        let kind = stored.kind()?;
        let content = if kind == FileKind::Zip { only_member(&stored)? } else { stored.clone() };
        let file = Self { kind: content.kind()?, stored, content };
        match file.kind {
            FileKind::Gzip => file.check_bgzf_end()?,
            kind @ (FileKind::Zip | FileKind::SevenZip | FileKind::Tar | FileKind::Lz4) => {
                return Err(DataError::kind(path, kind));
            }
            _ => {}
        }
        Ok(file)
    }

    /// The file as the user named it.
    pub fn path(&self) -> &Path {
        self.stored.path()
    }

    /// True for a pipe or standard input.
    pub fn is_spooled(&self) -> bool {
        self.stored.is_spooled()
    }

    /// What the content is, before decompression.
    pub(crate) fn kind(&self) -> FileKind {
        self.kind
    }

    /// The content, before decompression: for formats that are not text.
    pub(crate) fn content(&self) -> &InputFile {
        &self.content
    }

    /// The SHA-256 digest of the stored bytes, 64 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// [`DataError::Io`] when it cannot be read.
    pub fn sha256(&self) -> Result<String, DataError> {
        let mut hasher = Sha256::new();
        io::copy(&mut self.stored.reader(), &mut hasher)
            .map_err(|source| DataError::io(self.path(), source))?;
        Ok(hex::encode(hasher.finalize()))
    }

    /// Compares the digest of the stored bytes with the expected one.
    pub(crate) fn check_sha256(&self, expected: &str) -> Result<(), DataError> {
        let got = self.sha256()?;
        if got.eq_ignore_ascii_case(expected) {
            return Ok(());
        }
        Err(DataError::Digest { path: self.path().to_owned(), expected: expected.to_owned(), got })
    }

    /// Checks that the file has not changed since it was opened.
    pub(crate) fn check_unchanged(&self) -> Result<(), DataError> {
        Ok(self.stored.check_unchanged()?)
    }

    /// The text from its first byte, decompressed.
    pub(crate) fn text(&self) -> LimitedReader {
        let packed = BufReader::with_capacity(BUFFER, self.content().reader());
        let text: Box<dyn BufRead + Send> = match self.kind {
            FileKind::Gzip => buffered(MultiGzDecoder::new(packed)),
            FileKind::Zstd => match zstd::Decoder::with_buffer(packed) {
                Ok(decoder) => buffered(decoder),
                Err(error) => Box::new(BufReader::new(Failing(Some(error)))),
            },
            FileKind::Xz => buffered(XzReader::new(packed, true)),
            FileKind::Bzip2 => buffered(MultiBzDecoder::new(packed)),
            _ => Box::new(packed),
        };
        let is_packed = self.kind.is_compressed() || self.stored.n_bytes() != self.content.n_bytes();
        let most = self.stored.n_bytes().saturating_mul(MAX_UNPACKED).max(MIN_UNPACKED);
        LimitedReader::new(text, is_packed.then_some(most))
    }

    /// True for gzip in blocks that can be read one by one.
    pub(crate) fn is_bgzf(&self) -> Result<bool, DataError> {
        let start = self.content().start(18)?;
        Ok(start.get(3).is_some_and(|flags| flags & 4 != 0) && start.get(12..14) == Some(b"BC"))
    }

    /// A BGZF file ends with an empty block; without it the file was cut, perhaps between two blocks.
    fn check_bgzf_end(&self) -> Result<(), DataError> {
        if !self.is_bgzf()? {
            return Ok(());
        }
        let mut end = Vec::new();
        let mut reader = self.content().reader();
        let from = self.content.n_bytes().saturating_sub(BGZF_END.len() as u64);
        let read = reader.seek(SeekFrom::Start(from)).and_then(|_| reader.read_to_end(&mut end));
        read.map_err(|source| DataError::io(self.path(), source))?;
        if end == BGZF_END {
            return Ok(());
        }
        Err(DataError::file(
            self.path(),
            "is a BGZF file without its end-of-file block: it is not complete\n  hint: copy or download it again; \
            `bgzip --test` checks a file",
        ))
    }
}

fn buffered(decoder: impl Read + Send + 'static) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(BUFFER, Complete(decoder)))
}

/// A decoder whose complaints say that the compressed file is cut or damaged.
struct Complete<R>(R);

impl<R: Read> Read for Complete<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let message = format!(
                "the compressed file is cut, damaged or has bytes behind its end ({error})\n  hint: copy or download \
                it again"
            );
            io::Error::new(io::ErrorKind::InvalidData, message)
        })
    }
}

/// A reader that gives an error once.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Unpacks the only file of a ZIP archive.
fn only_member(stored: &InputFile) -> Result<InputFile, DataError> {
    let path = stored.path();
    let zip_error = |error: zip::result::ZipError| {
        DataError::file(
            path,
            format!("cannot be read as a ZIP archive: {error}\n  hint: copy or download it again"),
        )
    };
    let mut archive = zip::ZipArchive::new(BufReader::new(stored.reader())).map_err(zip_error)?;
    let names = archive.file_names().map(|name| name.map(std::borrow::Cow::into_owned));
    let names: Vec<String> = names.collect::<Result<_, _>>().map_err(zip_error)?;
    let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.ends_with('/')).collect();
    if names.is_empty() {
        return Err(DataError::file(path, "is a ZIP archive without a file"));
    }
    let [name] = names.as_slice() else {
        if names.contains(&"[Content_Types].xml") {
            return Err(DataError::file(path, "is an Excel file (xlsx)\n  hint: save it as CSV"));
        }
        let shown: Vec<&str> = names.iter().take(5).copied().collect();
        let message = format!(
            "is a ZIP archive of {} files ({}{})\n  hint: unpack it and name one of them",
            names.len(),
            shown.join(", "),
            if names.len() > shown.len() { ", …" } else { "" }
        );
        return Err(DataError::file(path, message));
    };
    let mut member = archive.by_name(name).map_err(zip_error)?;
    let most = stored.n_bytes().saturating_mul(MAX_UNPACKED).max(MIN_UNPACKED);
    let copy = InputFile::copy_of(path, &mut member.by_ref().take(most + 1));
    let copy = copy.map_err(|source| {
        DataError::file(path, format!("cannot unpack {name}: {source}\n  hint: copy or download it again"))
    })?;
    if copy.n_bytes() > most {
        let message = format!(
            "{name} has more than {} MiB, over {MAX_UNPACKED} times the size of the ZIP archive\n  hint: if that is \
            right, unpack it first",
            most >> 20
        );
        return Err(DataError::file(path, message));
    }
    Ok(copy)
}

//! Settings and vocabularies are small texts. A larger file is refused before it fills the memory, and a file that is
//! something else, such as a Git LFS pointer or a web page, is named as that.

use crate::folder::misplaced::misplaced;
use seqprobe_files::FileKind;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// The most bytes that are read. The largest published tokenizer of DNA has about ten MiB.
const MAX_BYTES: u64 = 64 << 20;

/// Reads a text file of at most 64 MiB.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    if let Some(target) = dangling(path) {
        let message = format!(
            "is a link to {}, which is not there\n  hint: the download is not complete: fetch or copy the model again",
            target.display()
        );
        return Err(Error::new(ErrorKind::InvalidData, message));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("it is larger than the {} MiB that such a file may have", MAX_BYTES >> 20);
        return Err(Error::new(ErrorKind::FileTooLarge, message));
    }
    let kind = FileKind::of(&bytes);
    if !kind.is_text() {
        return Err(Error::new(ErrorKind::InvalidData, misplaced(kind, "settings or a vocabulary")));
    }
    String::from_utf8(bytes).map_err(|error| Error::new(ErrorKind::InvalidData, error))
}

/// The target of a symbolic link that leads nowhere.
pub(crate) fn dangling(path: &Path) -> Option<std::path::PathBuf> {
    let target = std::fs::read_link(path).ok()?;
    (!path.exists()).then_some(target)
}

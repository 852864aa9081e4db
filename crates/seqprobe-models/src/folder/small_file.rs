//! Settings and vocabularies are small. A larger file is refused before it fills the memory.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// The most bytes that are read. The largest published tokenizer of DNA has about ten MiB.
const MAX_BYTES: u64 = 64 << 20;

/// Reads a text file of at most 64 MiB.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        let message = format!("it is larger than the {} MiB that such a file may have", MAX_BYTES >> 20);
        return Err(Error::new(ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

//! Weight files as read-only memory maps.

use crate::error::ModelError;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A file in memory. It must not be changed while it is loaded, as for any reader. Afterwards it may be changed,
/// because the loaded tensors are copies.
pub(super) struct MappedFile {
    pub(super) path: PathBuf,
    map: memmap2::Mmap,
}

impl MappedFile {
    pub(super) fn open(path: &Path) -> Result<Self, ModelError> {
        let file = std::fs::File::open(path).map_err(ModelError::io(path))?;
        let map = map_file(&file).map_err(ModelError::io(path))?;
        Ok(Self { path: path.to_owned(), map })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Releases the memory of the pages of `range` (bytes) after their use. They could be read from the file again.
    /// This is only a hint to the system; if it is ignored, more memory stays in use.
    pub(super) fn release(&self, range: Range<usize>) {
        let start = range.start.saturating_sub(NEIGHBOURS);
        let end = range.end.saturating_add(NEIGHBOURS).min(self.map.len());
        if start < end {
            release_pages(&self.map, start, end - start);
        }
    }
}

/// Reading a page also loads its neighbours, up to a large page of 2 MiB if the page cache uses those (measured on
/// a file written by Python). That includes pages around a range that were released already.
const NEIGHBOURS: usize = 1 << 21;

#[expect(
    unsafe_code,
    reason = "a read-only memory map of a checkpoint; the file must not be changed while it is loaded, as for any reader"
)]
fn map_file(file: &std::fs::File) -> std::io::Result<memmap2::Mmap> {
    // SAFETY: the map is read-only and lives only while one model is loaded.
    unsafe { memmap2::Mmap::map(file) }
}

#[cfg(unix)]
#[expect(
    unsafe_code,
    reason = "releasing pages of a read-only file map, which can be read from the file again"
)]
fn release_pages(map: &memmap2::Mmap, start: usize, length: usize) {
    // SAFETY: the map is backed by a file and never written, so its pages have the same bytes when they are read again.
    let _ = unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, start, length) };
}

#[cfg(not(unix))]
fn release_pages(_map: &memmap2::Mmap, _start: usize, _length: usize) {}

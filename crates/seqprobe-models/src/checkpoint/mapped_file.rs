//! Weight files as read-only memory maps.

use crate::error::ModelError;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A file in memory. It must not be changed while it is loaded, as for any reader; afterwards it may,
/// because what was loaded is a copy.
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

    /// Gives the memory of the pages of `range` (bytes) back: they have been used, and would come from the
    /// file again. Only a hint; where it is not followed, more memory is held.
    pub(super) fn release(&self, range: Range<usize>) {
        let start = range.start.saturating_sub(NEIGHBOURS);
        let end = range.end.saturating_add(NEIGHBOURS).min(self.map.len());
        if start < end {
            release_pages(&self.map, start, end - start);
        }
    }
}

/// A touched page brings its neighbours with it, up to a large page of 2 MiB where the page cache holds such
/// (measured on a file that Python had written), also those around a range that were given back already.
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
#[expect(unsafe_code, reason = "giving pages of a read-only file map back, which come from the file again")]
fn release_pages(map: &memmap2::Mmap, start: usize, length: usize) {
    // SAFETY: the map is backed by a file and never written, so its pages hold the same bytes when they are
    // read again.
    let _ = unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, start, length) };
}

#[cfg(not(unix))]
fn release_pages(_map: &memmap2::Mmap, _start: usize, _length: usize) {}

//! The members of a zip archive as `torch.save` writes it: stored and not compressed, so that they are read in place.
//! Nothing is ever unpacked, and names of members never become paths.

use super::error::TorchFileError;
use std::io::Cursor;
use std::ops::Range;
use zip::read::{ArchiveOffset, Config, ZipArchive};

/// An archive whose directory has been read.
pub(super) struct Archive<'a> {
    n_bytes: usize,
    zip: ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Archive<'a> {
    /// Reads the directory at the end of the file.
    pub(super) fn read(file: &'a [u8]) -> Result<Self, TorchFileError> {
        let config = Config { archive_offset: ArchiveOffset::Known(0) };
        let zip = ZipArchive::with_config(config, Cursor::new(file))
            .map_err(|error| broken(format!("{error}\n  hint: download or copy it again")))?;
        if zip.has_duplicate_names() {
            return Err(broken("it has two members with the same name".to_owned()));
        }
        Ok(Self { n_bytes: file.len(), zip })
    }

    /// Returns the folder at the start of every member's name: that of the only `<folder>/data.pkl`.
    pub(super) fn root(&self) -> Result<String, TorchFileError> {
        let mut roots = self.zip.file_names_raw().filter_map(|name| {
            let root = std::str::from_utf8(name).ok()?.strip_suffix("/data.pkl")?;
            (!root.contains('/')).then(|| root.to_owned())
        });
        match (roots.next(), roots.next()) {
            (Some(root), None) => Ok(root),
            (Some(_), Some(_)) => Err(broken("it has several members named data.pkl".to_owned())),
            (None, _) => Err(broken("it has no member <name>/data.pkl, as torch.save writes it".to_owned())),
        }
    }

    /// Whether there is a member of this name.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// Returns the range of a member's bytes in the file.
    pub(super) fn range(&mut self, name: &str) -> Result<Range<usize>, TorchFileError> {
        let Some(index) = self.zip.index_for_name(name) else {
            return Err(broken(format!("it has no member {name:?}")));
        };
        let member =
            self.zip.by_index_raw(index).map_err(|error| broken(format!("member {name:?}: {error}")))?;
        if member.encrypted() {
            return Err(broken(format!("member {name:?} is encrypted")));
        }
        if member.compression() != zip::CompressionMethod::Stored || member.compressed_size() != member.size()
        {
            return Err(broken(format!(
                "member {name:?} is compressed ({}, {} bytes for {}), expected it stored, as torch.save writes it",
                member.compression(),
                member.compressed_size(),
                member.size()
            )));
        }
        let range = member.data_start().and_then(|start| {
            let end = start.checked_add(member.size())?;
            Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
        });
        range
            .filter(|range| range.end <= self.n_bytes)
            .ok_or_else(|| broken(format!("member {name:?} does not lie within the file")))
    }
}

fn broken(problem: String) -> TorchFileError {
    TorchFileError::Archive(problem)
}

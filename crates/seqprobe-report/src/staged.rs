//! Files that appear together: each is written in full and synced under a temporary name in its own folder,
//! then all are renamed. What is not renamed is removed again.

use crate::error::ReportError;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file that is written but not yet in place.
pub(crate) struct StagedFile {
    temporary: PathBuf,
    place: PathBuf,
    in_place: bool,
}

impl StagedFile {
    /// Writes some bytes beside `place`.
    pub(crate) fn write(place: &Path, bytes: &[u8]) -> Result<Self, ReportError> {
        Self::write_with(place, |mut file| {
            file.write_all(bytes).map_err(|error| ReportError::io(place, "write", error))?;
            Ok(file)
        })
    }

    /// Lets `fill` write into a new file beside `place`, then syncs it.
    pub(crate) fn write_with(
        place: &Path,
        fill: impl FnOnce(File) -> Result<File, ReportError>,
    ) -> Result<Self, ReportError> {
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let temporary = place.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let file = File::create(&temporary).map_err(|error| ReportError::io(place, "write", error))?;
        // From here on, dropping removes the file.
        let staged = Self { temporary, place: place.to_owned(), in_place: false };
        fill(file)?.sync_all().map_err(|error| ReportError::io(place, "write", error))?;
        Ok(staged)
    }

    /// Puts the file in place, over whatever stood there.
    pub(crate) fn put_in_place(mut self) -> Result<(), ReportError> {
        fs::rename(&self.temporary, &self.place)
            .map_err(|error| ReportError::io(&self.place, "rename", error))?;
        self.in_place = true;
        Ok(())
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.in_place {
            // Already on the way out with an error of more use than this one's.
            drop(fs::remove_file(&self.temporary));
        }
    }
}

//! Ids and sequences of a dataset out again, so that others can embed them.

use crate::error::DataError;
use crate::write::write_whole;
use seqprobe_core::{Dataset, Split};
use std::path::Path;

/// Writes `example_id,split,sequence` for every row that is in a split, train first.
///
/// # Errors
/// [`DataError::Io`] when the file cannot be written; it is then not there, not half there.
pub fn export_csv(dataset: &Dataset, path: &Path) -> Result<(), DataError> {
    write_whole(path, |out| {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(["example_id", "split", "sequence"])?;
        for (row, split) in rows_in_order(dataset) {
            writer.write_record([
                dataset.example_ids[row].as_str(),
                split.as_str(),
                dataset.sequences[row].as_str(),
            ])?;
        }
        writer.flush()
    })
}

/// Writes FASTA records `>example_id split=train`, each sequence on one line, train first.
///
/// # Errors
/// [`DataError`] when an id cannot be a FASTA name or the file cannot be written.
pub fn export_fasta(dataset: &Dataset, path: &Path) -> Result<(), DataError> {
    if let Some(id) = dataset.example_ids.iter().find(|id| id.contains(char::is_whitespace)) {
        let message =
            format!("example id {id:?} holds a blank and cannot be a FASTA name\n  hint: export CSV");
        return Err(DataError::file(path, message));
    }
    write_whole(path, |out| {
        for (row, split) in rows_in_order(dataset) {
            writeln!(
                out,
                ">{} split={}\n{}",
                dataset.example_ids[row],
                split.as_str(),
                dataset.sequences[row]
            )?;
        }
        Ok(())
    })
}

fn rows_in_order(dataset: &Dataset) -> impl Iterator<Item = (usize, Split)> {
    Split::ALL.into_iter().flat_map(|split| dataset.splits.rows(split).iter().map(move |&row| (row, split)))
}

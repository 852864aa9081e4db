//! Export of ids and sequences, so that other programs can embed them.

use crate::error::DataError;
use seqprobe_core::{Dataset, Split};
use seqprobe_files::write_whole_with;
use std::path::Path;

/// Writes `example_id,split,sequence` for every row that is in a split, train first.
///
/// # Errors
/// [`DataError::Write`] when the file cannot be written; there is then no partial file.
pub fn export_csv(dataset: &Dataset, path: &Path) -> Result<(), DataError> {
    write_whole_with(path, |out| {
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
    })?;
    Ok(())
}

/// Writes FASTA records `>example_id split=train`, each sequence on one line, train first.
///
/// # Errors
/// [`DataError`] when an id cannot be a FASTA name or the file cannot be written.
pub fn export_fasta(dataset: &Dataset, path: &Path) -> Result<(), DataError> {
    if let Some(id) = dataset.example_ids.iter().find(|id| id.contains(char::is_whitespace)) {
        let message =
            format!("example id {id:?} contains a blank and cannot be a FASTA name\n  hint: export CSV");
        return Err(DataError::file(path, message));
    }
    write_whole_with(path, |out| {
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
    })?;
    Ok(())
}

fn rows_in_order(dataset: &Dataset) -> impl Iterator<Item = (usize, Split)> {
    Split::ALL.into_iter().flat_map(|split| dataset.splits.rows(split).iter().map(move |&row| (row, split)))
}

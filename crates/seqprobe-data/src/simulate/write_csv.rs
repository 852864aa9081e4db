//! A simulated dataset as CSV files and a card.

use super::tasks::target_name;
use crate::card::{CARD_SCHEMA, Card, FileEntry, OneOrMany, Text};
use crate::error::DataError;
use crate::read::data_file::DataFile;
use seqprobe_core::{Dataset, Split, Targets, TaskKind};
use seqprobe_files::{write_whole, write_whole_with};
use std::collections::BTreeMap;
use std::path::Path;

/// Writes `train.csv`, `valid.csv`, `test.csv` (`example_id,sequence,<target>,oracle`) and the card
/// `sim-<name>.toml` into a folder, which is created if absent. Loading the card gives the same dataset digest; the
/// oracle is in the files for other programs.
///
/// # Errors
/// [`DataError::Simulation`] when the dataset has no oracle, [`DataError::Write`] when a file cannot be written.
pub fn write_csv(dataset: &Dataset, folder: &Path) -> Result<(), DataError> {
    let Some(oracle) = &dataset.oracle else {
        return Err(DataError::Simulation(format!("dataset {:?} is not simulated", dataset.id)));
    };
    let target = target_name(dataset.task.kind);
    let mut files = BTreeMap::new();
    for split in Split::ALL {
        let file_name = format!("{}.csv", split.as_str());
        let path = folder.join(&file_name);
        write_whole_with(&path, |out| {
            let mut writer = csv::Writer::from_writer(out);
            writer.write_record(["example_id", "sequence", target, "oracle"])?;
            for &row in dataset.splits.rows(split) {
                let value = match &dataset.targets {
                    Targets::Classes { labels, .. } => labels[row].to_string(),
                    Targets::Values { values } => {
                        values[[row, 0]].map(|value| value.to_string()).unwrap_or_default()
                    }
                };
                writer.write_record([
                    dataset.example_ids[row].as_str(),
                    dataset.sequences[row].as_str(),
                    &value,
                    &oracle[[row, 0]].to_string(),
                ])?;
            }
            writer.flush()
        })?;
        let entry = FileEntry {
            sequence: None,
            target: None,
            path: file_name,
            sha256: Some(DataFile::open(&path)?.sha256()?),
            label: None,
            url: None,
            table: None,
            genome: None,
        };
        files.insert(split.as_str().to_owned(), OneOrMany::one(entry));
    }
    let id = dataset.id.replace(':', "-");
    let path = folder.join(format!("{id}.toml"));
    let card = Card {
        schema: CARD_SCHEMA,
        id,
        title: dataset.title.clone(),
        task: dataset.task.kind,
        sequence: Text::from("sequence"),
        target: Some(OneOrMany::one(Text::from(target))),
        positive: (dataset.task.kind == TaskKind::Binary).then(|| Text::from("1")),
        classes: None,
        example_id: Some(Text::from("example_id")),
        group: None,
        chromosome: None,
        start: None,
        genome: None,
        end: None,
        strand: None,
        length: None,
        labels: None,
        metric: dataset.metric.clone(),
        licence: dataset.origin.licence.clone(),
        citation: dataset.origin.citation.clone(),
        source: dataset.origin.source.clone(),
        note: dataset.notes.join("; "),
        format: None,
        delimiter: None,
        header: true,
        kmers: None,
        published: Vec::new(),
        files,
        splits: Vec::new(),
        folder: folder.to_owned(),
        name: path.display().to_string(),
    };
    let text = card.to_toml()?;
    write_whole(&path, text.as_bytes())?;
    Ok(())
}

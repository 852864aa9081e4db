//! The suite of one file of labelled sequences: one-hot and 4-mers, the models, the probes and controls asked for.

use crate::error::StudyError;
use crate::suite::file::{ControlsEntry, LayersEntry, ProbeEntry, RepresentationEntry, SuiteFile};
use seqprobe_core::TaskKind;
use seqprobe_data::{Card, FileLayout};
use seqprobe_embed::Window;
use seqprobe_files::write_whole;
use seqprobe_report::record::RANDOM_PREFIX;
use std::path::{Path, PathBuf};

/// A file of labelled sequences and what to ask about it, in the words of suites and the command line.
#[derive(Clone, Debug)]
pub struct OneFile {
    /// CSV, TSV or FASTA; a pipe, or `-` for standard input; with a genome also a folder with one file of intervals per class.
    pub file: PathBuf,
    /// Target columns.
    pub targets: Vec<String>,
    /// What is known of the file's columns.
    pub layout: FileLayout,
    /// The kind of task; `None` to find it from the values.
    pub task: Option<TaskKind>,
    /// The column of the splits, or `random` for none; `None` to find it by its name.
    pub split: Option<String>,
    /// Column whose values are never split.
    pub group: Option<String>,
    /// Split by chromosome.
    pub chromosome: bool,
    /// Class counted as positive.
    pub positive: Option<String>,
    /// Primary metric.
    pub metric: Option<String>,
    /// Models.
    pub models: Vec<String>,
    /// Files of embeddings.
    pub embeddings: Vec<String>,
    /// Layers of the models.
    pub layers: Vec<String>,
    /// Probes.
    pub probes: Vec<String>,
    /// Controls; `None` for all.
    pub controls: Option<Vec<String>>,
    /// Number of training seeds.
    pub seeds: u64,
    /// Differences smaller than this do not matter.
    pub margin: f64,
    /// The end that is kept of sequences longer than a model takes.
    pub keep: Option<String>,
    /// Windows that long sequences are read in.
    pub window: Option<Window>,
    /// Strands.
    pub strands: Option<String>,
    /// Type of the matrix products.
    pub precision: Option<String>,
}

/// The suite that a request stands for.
pub(crate) fn suite_file(request: &OneFile, dataset: &str) -> SuiteFile {
    let plain = |id: &str| RepresentationEntry { id: Some(id.to_owned()), ..RepresentationEntry::default() };
    let mut representation = vec![plain("onehot"), plain("kmer-4")];
    let layers = LayersEntry::from_words(&request.layers);
    for model in &request.models {
        if !representation.iter().any(|entry| entry.model.as_ref() == Some(model)) {
            representation.push(RepresentationEntry {
                model: Some(model.clone()),
                layers: Some(layers.clone()),
                keep: request.keep.clone(),
                window: request.window,
                rc: request.strands.clone(),
                precision: request.precision.clone(),
                ..RepresentationEntry::default()
            });
        }
    }
    representation.extend(request.embeddings.iter().map(|file| RepresentationEntry {
        embeddings: Some(file.clone()),
        ..RepresentationEntry::default()
    }));
    let probe = |id: &String| ProbeEntry { id: id.clone(), ..ProbeEntry::default() };
    SuiteFile {
        schema: 1,
        name: dataset.to_owned(),
        seeds: Some((0..request.seeds).collect()),
        margin: Some(request.margin),
        replicates: None,
        controls: request.controls.as_ref().map(|words| ControlsEntry::from_words(words)),
        fractions: None,
        draws: None,
        description_length: None,
        datasets: vec![dataset.to_owned()],
        drop_leaks: None,
        simulate: None,
        representation,
        probe: request.probes.iter().map(probe).collect(),
    }
}

/// Writes the card and a suite that names it; paths of models and embeddings become absolute.
pub(crate) fn write_card_and_suite(
    folder: &Path,
    card: &Card,
    mut file: SuiteFile,
) -> Result<[PathBuf; 2], StudyError> {
    for model in file.representation.iter_mut().filter_map(|entry| entry.model.as_mut()) {
        let (prefix, path) = match model.strip_prefix(RANDOM_PREFIX) {
            Some(path) => (RANDOM_PREFIX, path),
            None => ("", model.as_str()),
        };
        if let Ok(absolute) = std::fs::canonicalize(path) {
            *model = format!("{prefix}{}", absolute.display());
        }
    }
    for path in file.representation.iter_mut().filter_map(|entry| entry.embeddings.as_mut()) {
        if let Ok(absolute) = std::fs::canonicalize(&*path) {
            *path = absolute.display().to_string();
        }
    }
    let id = &card.id;
    file.datasets = vec![format!("{id}.toml")];
    let paths = [folder.join(format!("{id}.toml")), folder.join(format!("{id}.suite.toml"))];
    write_whole(&paths[0], card.to_toml().map_err(StudyError::Data)?.as_bytes())?;
    write_whole(&paths[1], toml::to_string_pretty(&file)?.as_bytes())?;
    Ok(paths)
}

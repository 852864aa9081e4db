//! `seqprobe probe`: one file and a target column, from there to the verdict. It makes the card and the
//! suite that would do the same, and can save them.

use crate::cli::ProbeArguments;
use crate::controls::ControlsEntry;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::files::write_whole;
use crate::output::tell;
use crate::probe_entry::ProbeEntry;
use crate::run::{default_out, run_suite, set_threads};
use crate::run_command::finish;
use crate::suite::{LayersEntry, RepresentationEntry, Suite, SuiteFile};
use seqprobe_core::Seed;
use seqprobe_data::{DataFolders, FileTask, card_for_file, load};
use std::path::{Path, PathBuf};

pub(crate) fn run(arguments: &ProbeArguments, command: String) -> Result<(), Failure> {
    let threads = set_threads(arguments.computing.machine.threads)?;
    let folder = arguments
        .file
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
        .to_owned();
    let made = card_for_file(&FileTask {
        path: arguments.file.clone(),
        targets: arguments.target.clone(),
        sequence: arguments.sequence.clone(),
        task: None,
        positive: arguments.positive.clone(),
        group: arguments.group.clone(),
        chromosome: arguments.chromosome,
        seed: Seed(0),
    })
    .or_exit(ExitCode::Data)?;
    let mut card = made.card;
    if let Some(metric) = &arguments.metric {
        card.metric.clone_from(metric);
    }
    for guess in &made.guesses {
        tell(&format!("guessed: {guess}"));
    }
    let dataset =
        load(&card, &DataFolders { folders: vec![folder] }).or_exit(ExitCode::Data)?;
    let file = suite_file(arguments, &card.id)?;
    let suite = Suite::check(
        &file,
        PathBuf::new(),
        "command line",
        toml::to_string_pretty(&file).or_exit(ExitCode::Unexpected)?,
    )?;
    if !seqprobe_stats::METRICS.iter().any(|metric| metric.id == dataset.metric) {
        return Err(Failure::usage(format!(
            "unknown metric {:?}\n  hint: `seqprobe list metrics` tells them",
            dataset.metric
        )));
    }
    let out = arguments.out.clone().unwrap_or_else(|| default_out(&suite.name));
    let id = card.id.clone();
    let finished = run_suite(&suite, vec![dataset], &arguments.computing, threads, command)?;
    if let Some(save) = &arguments.save {
        save_card_and_suite(save, &id, &card, file)?;
    }
    finish(&suite, &finished, &out)
}

/// The suite that the command line stands for: one-hot and 4-mers, the models, the probes and controls asked for.
fn suite_file(arguments: &ProbeArguments, dataset: &str) -> Result<SuiteFile, Failure> {
    let plain = |id: &str| RepresentationEntry { id: Some(id.to_owned()), ..RepresentationEntry::default() };
    let mut representation = vec![plain("onehot"), plain("kmer-4")];
    let layers = LayersEntry::from_words(&arguments.layers);
    for model in &arguments.model {
        if !representation.iter().any(|entry| entry.model.as_ref() == Some(model)) {
            representation.push(RepresentationEntry {
                model: Some(model.clone()),
                layers: Some(layers.clone()),
                truncate: arguments.reading.truncate.clone(),
                window: arguments.reading.window,
                rc: arguments.reading.rc.clone(),
                precision: arguments.reading.precision.clone(),
                ..RepresentationEntry::default()
            });
        }
    }
    representation.extend(arguments.embeddings.iter().map(|file| RepresentationEntry {
        embeddings: Some(file.clone()),
        ..RepresentationEntry::default()
    }));
    if arguments.seeds == 0 {
        return Err(Failure::usage("--seeds must be at least 1"));
    }
    Ok(SuiteFile {
        schema: 1,
        name: dataset.to_owned(),
        seeds: Some((0..arguments.seeds).collect()),
        margin: Some(arguments.margin),
        replicates: None,
        controls: arguments.controls.as_ref().map(|words| ControlsEntry::from_words(words)),
        fractions: None,
        draws: None,
        description_length: None,
        datasets: vec![dataset.to_owned()],
        drop_leaks: None,
        simulate: None,
        representation,
        probe: arguments
            .probes
            .iter()
            .map(|id| ProbeEntry { id: id.clone(), ..ProbeEntry::default() })
            .collect(),
    })
}

/// Writes the card and a suite that names it; paths of models and embeddings become absolute.
fn save_card_and_suite(
    folder: &Path,
    id: &str,
    card: &seqprobe_data::Card,
    mut file: SuiteFile,
) -> Result<(), Failure> {
    for entry in &mut file.representation {
        if let Some(model) = &mut entry.model {
            let (prefix, path) = match model.strip_prefix("random:") {
                Some(path) => ("random:", path),
                None => ("", model.as_str()),
            };
            if let Ok(absolute) = std::fs::canonicalize(path) {
                *model = format!("{prefix}{}", absolute.display());
            }
        }
    }
    for path in file.representation.iter_mut().filter_map(|entry| entry.embeddings.as_mut()) {
        if let Ok(absolute) = std::fs::canonicalize(&*path) {
            *path = absolute.display().to_string();
        }
    }
    file.datasets = vec![format!("{id}.toml")];
    write_whole(
        &folder.join(format!("{id}.toml")),
        card.to_toml().or_exit(ExitCode::Unexpected)?.as_bytes(),
    )?;
    let name = format!("{id}.suite.toml");
    write_whole(
        &folder.join(&name),
        toml::to_string_pretty(&file).or_exit(ExitCode::Unexpected)?.as_bytes(),
    )?;
    tell(&format!(
        "saved {id}.toml and {name} in {}; the same run: seqprobe run {} --data-dir FOLDER_OF_THE_FILE",
        folder.display(),
        folder.join(&name).display()
    ));
    Ok(())
}

//! `seqprobe data`: look at, check, simulate and export datasets.

use crate::cli::{DataCommand, Folders};
use crate::exit::{ExitCode, Failure, OrExit};
use crate::output::say;
use crate::suite::SimulateEntry;
use seqprobe_core::{Dataset, Seed, Split, Targets};
use seqprobe_data::simulate::{self, Sizes, simulated_name};
use seqprobe_data::{DataFolders, export, find_card, load};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) fn run(command: DataCommand) -> Result<(), Failure> {
    match command {
        DataCommand::Show { dataset, folders } => show(&dataset, &folders),
        DataCommand::Check { datasets, folders } => check(datasets, &folders),
        DataCommand::Audit { datasets, threshold, format, folders } => {
            crate::audit_command::run(datasets, threshold, format, &folders)
        }
        DataCommand::Simulate { task, output, seed, train, valid, test, length } => {
            let entry = SimulateEntry { seed: Some(seed), train, valid, test, length };
            let name = simulated_name(&task).unwrap_or(&task);
            let dataset = simulate_dataset(name, entry)?;
            simulate::write_csv(&dataset, &output).or_exit(ExitCode::Data)?;
            say(&format!(
                "wrote {} examples of sim:{name} and their card to {}",
                dataset.n_examples(),
                output.display()
            ))
        }
        DataCommand::Export { dataset, output, folders } => {
            let loaded = load_dataset(&dataset, Path::new(""), &folders.data_dirs, SimulateEntry::default())?;
            let is_fasta =
                output.extension().is_some_and(|extension| extension == "fa" || extension == "fasta");
            if is_fasta {
                export::export_fasta(&loaded, &output)
            } else {
                export::export_csv(&loaded, &output)
            }
            .or_exit(ExitCode::Data)?;
            say(&format!("wrote {} ids and sequences to {}", loaded.n_examples(), output.display()))
        }
    }
}

/// Loads a dataset by id or path; `sim:NAME` is generated.
pub(crate) fn load_dataset(
    name: &str,
    relative_to: &Path,
    data_dirs: &[PathBuf],
    simulate: SimulateEntry,
) -> Result<Dataset, Failure> {
    if let Some(task) = simulated_name(name) {
        return simulate_dataset(task, simulate);
    }
    let by_path = relative_to.join(name);
    let asked = if name.ends_with(".toml") && by_path.exists() {
        by_path.display().to_string()
    } else {
        name.to_owned()
    };
    let card = find_card(&asked, &card_folders(relative_to)).or_exit(ExitCode::Usage)?;
    let folders = DataFolders { folders: data_dirs.to_vec() };
    load(&card, &folders).or_exit(ExitCode::Data)
}

/// Where cards of an id are looked for: beside the suite, in its sibling `datasets`, in `datasets` here.
pub(crate) fn card_folders(relative_to: &Path) -> Vec<PathBuf> {
    vec![relative_to.to_owned(), relative_to.join("..").join("datasets"), PathBuf::from("datasets")]
}

fn simulate_dataset(name: &str, entry: SimulateEntry) -> Result<Dataset, Failure> {
    let usual = Sizes::DEFAULT;
    let sizes = Sizes {
        train: entry.train.unwrap_or(usual.train),
        valid: entry.valid.unwrap_or(usual.valid),
        test: entry.test.unwrap_or(usual.test),
        length: entry.length.unwrap_or(usual.length),
    };
    seqprobe_data::simulated(name, Seed(entry.seed.unwrap_or(0)), sizes).or_exit(ExitCode::Usage)
}

fn show(name: &str, folders: &Folders) -> Result<(), Failure> {
    let dataset = load_dataset(name, Path::new(""), &folders.data_dirs, SimulateEntry::default())?;
    let record = crate::provenance::dataset_record(&dataset, Vec::new(), None);
    let mut lines = vec![
        format!("{}: {}", dataset.id, dataset.title),
        format!(
            "task       {}, target {}, scored by {}",
            dataset.task.kind.as_str(),
            dataset.task.targets.join(", "),
            dataset.metric
        ),
        format!("examples   {} train, {} valid, {} test", record.n_train, record.n_valid, record.n_test),
        format!("lengths    {} to {} bases", record.lengths.0, record.lengths.1),
        format!(
            "letters    {} in all, {} N, {} other ambiguity codes read as N, {} U read as T",
            dataset.letters.letters, dataset.letters.n, dataset.letters.iupac, dataset.letters.uracil
        ),
    ];
    if let Some((kind, n)) = &record.clusters {
        lines.push(format!("clusters   {n} in test, each a {kind}"));
    }
    match &dataset.targets {
        Targets::Classes { labels, .. } => {
            for split in Split::ALL {
                let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
                for &row in dataset.splits.rows(split) {
                    *counts
                        .entry(dataset.task.classes.get(labels[row] as usize).map_or("?", String::as_str))
                        .or_default() += 1;
                }
                let parts: Vec<String> = counts.iter().map(|(class, n)| format!("{class}: {n}")).collect();
                lines.push(format!("{:<10} {}", split.as_str(), parts.join(", ")));
            }
        }
        Targets::Values { values } => {
            for (column, target) in dataset.task.targets.iter().enumerate() {
                let known = values.column(column).iter().flatten().count();
                lines.push(format!("{target:<10} {known} known values"));
            }
        }
    }
    lines.extend(dataset.notes.iter().map(|note| format!("note       {note}")));
    lines.push(format!("licence    {}", dataset.origin.licence));
    lines.push(format!("source     {}", dataset.origin.source));
    lines.push(format!("digest     {}", record.digest));
    say(&lines.join("\n"))
}

fn check(mut datasets: Vec<String>, folders: &Folders) -> Result<(), Failure> {
    if datasets.is_empty() {
        datasets = cards_here()?;
    }
    let mut n_bad = 0;
    for name in &datasets {
        match load_dataset(name, Path::new(""), &folders.data_dirs, SimulateEntry::default()) {
            Ok(dataset) => say(&format!("ok      {name}: {} examples", dataset.n_examples()))?,
            Err(failure) => {
                n_bad += 1;
                say(&format!("failed  {name}: {}", failure.text()))?;
            }
        }
    }
    if n_bad > 0 {
        return Err(Failure::new(
            ExitCode::Data,
            format!("{n_bad} of {} datasets failed their check", datasets.len()),
        ));
    }
    Ok(())
}

/// Ids of the cards in the folder `datasets`.
pub(crate) fn cards_here() -> Result<Vec<String>, Failure> {
    let folder = Path::new("datasets");
    let entries = std::fs::read_dir(folder).map_err(|error| {
        Failure::usage(format!("datasets: {error}\n  hint: run in a folder that has one, or name a card"))
    })?;
    let mut ids: Vec<String> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
        .collect();
    ids.sort();
    Ok(ids)
}

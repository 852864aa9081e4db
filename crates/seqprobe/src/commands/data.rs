//! `seqprobe data`: look at, check, simulate and export datasets.

use crate::cli::{DataCommand, PathArgs};
use crate::commands::cards::cards_here;
use crate::commands::fetch_data::{self, check_all};
use crate::exit::{ExitCode, Failure, OrExit};
use crate::output::print_line;
use seqprobe_core::{Split, Targets};
use seqprobe_data::export;
use seqprobe_data::simulate::{self, simulated_name};
use seqprobe_study::{SimulateEntry, dataset_record, load_dataset, remarks_of_dataset, simulate_dataset};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) fn run(command: DataCommand) -> Result<(), Failure> {
    match command {
        DataCommand::Show { dataset, folders } => show(&dataset, &folders),
        DataCommand::Check { all: true, folders, .. } => check_all(&folders),
        DataCommand::Check { datasets, folders, .. } => check(datasets, &folders),
        DataCommand::Fetch { datasets, folders } => fetch_data::run(&datasets, &folders),
        DataCommand::Audit { datasets, threshold, format, folders } => {
            crate::commands::audit::run(datasets, threshold, format, &folders)
        }
        DataCommand::Simulate { task, output, seed, train, valid, test, length } => {
            let count = |given: Option<u32>| given.map(|n| n as usize);
            let (train, valid) = (count(train), count(valid));
            let entry =
                SimulateEntry { seed: Some(seed), train, valid, test: count(test), length: count(length) };
            let name = simulated_name(&task).unwrap_or(&task);
            let dataset = simulate_dataset(name, entry)?;
            simulate::write_csv(&dataset, &output).or_exit(ExitCode::Data)?;
            print_line(&format!(
                "wrote {} examples of sim:{name} and their card to {}",
                dataset.n_examples(),
                output.display()
            ))
        }
        DataCommand::Export { dataset, output, folders } => {
            let loaded =
                load_dataset(&dataset, Path::new(""), &folders.data_folders(), SimulateEntry::default())?;
            let is_fasta =
                output.extension().is_some_and(|extension| extension == "fa" || extension == "fasta");
            if is_fasta {
                export::export_fasta(&loaded, &output)
            } else {
                export::export_csv(&loaded, &output)
            }
            .or_exit(ExitCode::Data)?;
            print_line(&format!("wrote {} ids and sequences to {}", loaded.n_examples(), output.display()))
        }
    }
}

fn show(name: &str, folders: &PathArgs) -> Result<(), Failure> {
    let dataset = load_dataset(name, Path::new(""), &folders.data_folders(), SimulateEntry::default())?;
    let record = dataset_record(&dataset, Vec::new(), None);
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
            "bases      {} in all, {} N, {} other ambiguity codes read as N, {} U read as T",
            dataset.letters.total, dataset.letters.n, dataset.letters.iupac, dataset.letters.uracil
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
    lines.extend(remarks_of_dataset(&dataset).iter().map(|note| format!("note       {note}")));
    lines.push(format!("licence    {}", dataset.origin.licence));
    lines.push(format!("source     {}", dataset.origin.source));
    lines.push(format!("digest     {}", record.digest));
    print_line(&lines.join("\n"))
}

fn check(mut datasets: Vec<String>, folders: &PathArgs) -> Result<(), Failure> {
    if datasets.is_empty() {
        datasets = cards_here()?;
    }
    let mut n_bad = 0;
    for name in &datasets {
        match load_dataset(name, Path::new(""), &folders.data_folders(), SimulateEntry::default()) {
            Ok(dataset) => {
                print_line(&format!("ok      {name}: {} examples", dataset.n_examples()))?;
                for remark in remarks_of_dataset(&dataset) {
                    print_line(&format!("        {remark}"))?;
                }
            }
            Err(failure) => {
                n_bad += 1;
                print_line(&format!("failed  {name}: {}", Failure::from(failure).text()))?;
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

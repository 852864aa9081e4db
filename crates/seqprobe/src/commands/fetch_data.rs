//! `seqprobe data fetch` and `seqprobe data check --all`: which files of the cards are here, and getting the others.

use crate::cli::PathArgs;
use crate::commands::cards::all_cards;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::output::print_line;
use crate::progress::ShownEvents;
use seqprobe_data::{Card, DataFolders, LOCK_FILE, find_card};
use seqprobe_report::quantities;
use seqprobe_study::{
    DataFile, DataFileState, ModelFinder, SimulateEntry, StudyError, card_folders, check_files, fetch_files,
    load_dataset,
};
use std::path::Path;

pub(crate) fn run(names: &[String], folders: &PathArgs) -> Result<(), Failure> {
    let into = folders.download_folder()?;
    let places = DataFolders::new(folders.data_folders());
    let finder = ModelFinder::local();
    let hub = finder.hub().or_exit(ExitCode::Data)?;
    let mut events = ShownEvents::default();
    let mut n_incomplete = 0;
    for name in names {
        let card = card(name)?;
        let files =
            fetch_files(&card, &places, &into, hub, &mut events).map_err(|error| in_card(name, error))?;
        events.finish();
        print_line(name)?;
        for file in &files {
            print_line(&format!("  {}", line(&card, file, &into)))?;
        }
        n_incomplete += usize::from(files.iter().any(is_absent));
    }
    if n_incomplete > 0 {
        let message = format!("{n_incomplete} of {} datasets have files that cannot be fetched", names.len());
        return Err(Failure::new(ExitCode::Data, message));
    }
    Ok(())
}

/// Checks every card as far as its files are here. What is not here is listed and is no failure.
pub(crate) fn check_all(folders: &PathArgs) -> Result<(), Failure> {
    let names = all_cards()?;
    let (mut n_ok, mut n_bad, mut to_fetch, mut by_hand) = (0, 0, Vec::new(), 0);
    for name in &names {
        match check_one(name, folders) {
            Ok(Checked::Whole { examples }) => {
                n_ok += 1;
                print_line(&format!("ok      {name}: {examples} examples"))?;
            }
            Ok(Checked::Incomplete { n_files, n_here, hint, can_fetch }) => {
                print_line(&format!("absent  {name}: {n_here} of {n_files} files are here; {hint}"))?;
                if can_fetch { to_fetch.push(name.as_str()) } else { by_hand += 1 }
            }
            Err(failure) => {
                n_bad += 1;
                print_line(&format!("failed  {name}: {}", failure.text()))?;
            }
        }
    }
    let n_absent = to_fetch.len() + by_hand;
    print_line(&format!("{n_ok} ok, {n_absent} absent, {n_bad} failed"))?;
    if !to_fetch.is_empty() {
        print_line(&format!("to fetch what has an address: seqprobe data fetch {}", to_fetch.join(" ")))?;
    }
    if n_bad > 0 {
        let message = format!("{n_bad} of {} datasets failed their check", names.len());
        return Err(Failure::new(ExitCode::Data, message));
    }
    Ok(())
}

enum Checked {
    Whole { examples: usize },
    Incomplete { n_files: usize, n_here: usize, hint: String, can_fetch: bool },
}

fn check_one(name: &str, folders: &PathArgs) -> Result<Checked, Failure> {
    let card = card(name)?;
    let files = check_files(&card, &DataFolders::new(folders.data_folders()))?;
    let is_here = |file: &&DataFile| matches!(file.state, DataFileState::Here { .. });
    let n_here = files.iter().filter(is_here).count();
    if n_here == files.len() {
        let dataset = load_dataset(name, Path::new(""), &folders.data_folders(), SimulateEntry::default())?;
        return Ok(Checked::Whole { examples: dataset.n_examples() });
    }
    let no_address = files.iter().find(|file| matches!(file.state, DataFileState::Absent { url: None }));
    let hint = match no_address {
        None => format!("`seqprobe data fetch {name}` gets the others"),
        Some(file) => format!("get {} from {}", file.path, page(&card)),
    };
    Ok(Checked::Incomplete { n_files: files.len(), n_here, hint, can_fetch: no_address.is_none() })
}

fn card(name: &str) -> Result<Card, Failure> {
    Ok(find_card(name, &card_folders(Path::new(""))).map_err(StudyError::UnknownDataset)?)
}

fn in_card(name: &str, error: StudyError) -> Failure {
    let failure = Failure::from(error);
    Failure::new(failure.code, format!("{name}: {}", failure.text()))
}

fn is_absent(file: &DataFile) -> bool {
    matches!(file.state, DataFileState::Absent { .. })
}

fn page(card: &Card) -> &str {
    if card.source.is_empty() { "the authors of the data" } else { &card.source }
}

fn line(card: &Card, file: &DataFile, into: &Path) -> String {
    match &file.state {
        DataFileState::Here { at } => format!("here        {}", at.display()),
        DataFileState::NoDigest { at } => format!("no digest   {}", at.display()),
        DataFileState::Locked { at, sha256, folder } => {
            format!("locked      {}  sha256 {sha256}, in {}", at.display(), folder.join(LOCK_FILE).display())
        }
        DataFileState::Downloaded { at, bytes, sha256, locked_in } => {
            let lock = locked_in
                .as_ref()
                .map_or_else(String::new, |folder| format!(", in {}", folder.join(LOCK_FILE).display()));
            format!("downloaded  {}  {}  sha256 {sha256}{lock}", at.display(), quantities::bytes(*bytes))
        }
        DataFileState::Absent { .. } => format!(
            "not here    {}: get it from {}, put it at {}, and run this again",
            file.path,
            page(card),
            into.join(&file.path).display()
        ),
    }
}

//! `seqprobe fetch`: download models of the hub into the Hugging Face cache.

use crate::cli::FetchArguments;
use crate::exit::Failure;
use crate::output::print_line;
use crate::progress::ShownEvents;
use seqprobe_study::{ModelFinder, StudyError};

pub(crate) fn run(arguments: &FetchArguments) -> Result<(), Failure> {
    let finder = ModelFinder::local();
    let mut events = ShownEvents::default();
    for model in &arguments.models {
        let snapshot = finder.fetch(model, &mut events)?;
        events.finish();
        print_line(&format!(
            "{} at commit {}: {}",
            snapshot.repository,
            snapshot.commit,
            snapshot.folder.display()
        ))?;
        for file in snapshot.digests().map_err(|error| StudyError::model(model, error))? {
            print_line(&format!("  sha256 {}  {:>12} bytes  {}", file.sha256, file.bytes, file.name))?;
        }
    }
    Ok(())
}

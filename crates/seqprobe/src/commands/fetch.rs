//! `seqprobe fetch`: models of the hub into the Hugging Face cache. Asking for it is allowing it.

use crate::cli::FetchArguments;
use crate::exit::Failure;
use crate::model_finder::{ModelFinder, model_failure};
use crate::output::say;

pub(crate) fn run(arguments: &FetchArguments) -> Result<(), Failure> {
    let finder = ModelFinder::that_looks_only();
    for model in &arguments.models {
        let snapshot = finder.fetch(model)?;
        say(&format!(
            "{} at commit {}: {}",
            snapshot.repository,
            snapshot.commit,
            snapshot.folder.display()
        ))?;
        for file in snapshot.digests().map_err(|error| model_failure(model, &error))? {
            say(&format!("  sha256 {}  {:>12} bytes  {}", file.sha256, file.bytes, file.name))?;
        }
    }
    Ok(())
}

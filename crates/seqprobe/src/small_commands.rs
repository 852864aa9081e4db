//! The short commands: `report`, `cache`.

use crate::cli::{CacheCommand, ReportArguments};
use crate::exit::{ExitCode, Failure, OrExit};
use crate::files::{cache_folder, write_whole};
use crate::output::say;
use seqprobe_embed::{EmbeddingCache, EntrySummary, cache_list, cache_verify};
use seqprobe_report::{read_run, render};

/// `seqprobe report`
pub(crate) fn report(arguments: &ReportArguments) -> Result<(), Failure> {
    let record = read_run(&arguments.run).or_exit(ExitCode::Data)?;
    let text = render(&record, &arguments.format).or_exit(ExitCode::Usage)?;
    match &arguments.output {
        Some(path) => write_whole(path, text.as_bytes()),
        None => say(text.trim_end()),
    }
}

/// `seqprobe cache`
pub(crate) fn cache(command: &CacheCommand) -> Result<(), Failure> {
    let (CacheCommand::Ls(folders) | CacheCommand::Verify(folders)) = command;
    let cache = EmbeddingCache::open(&cache_folder(folders)?).or_exit(ExitCode::Unexpected)?;
    let verify = matches!(command, CacheCommand::Verify(_));
    let entries =
        if verify { cache_verify(&cache) } else { cache_list(&cache) }.or_exit(ExitCode::Unexpected)?;
    let mut n_bad = 0;
    for entry in &entries {
        say(&entry_line(entry))?;
        if !entry.problems.is_empty() {
            n_bad += 1;
        }
    }
    say(&format!(
        "{} entries, {} bytes, in {}",
        entries.len(),
        entries.iter().map(|entry| entry.bytes).sum::<u64>(),
        cache.bucket().display()
    ))?;
    if verify && n_bad > 0 {
        return Err(Failure::new(
            ExitCode::Data,
            format!(
                "{n_bad} entries are damaged\n  hint: run the suite again: damaged parts are computed anew"
            ),
        ));
    }
    Ok(())
}

fn entry_line(entry: &EntrySummary) -> String {
    let name = entry.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let what = match &entry.key {
        Some(key) => {
            format!("{} layer {} {} weights {}", key.family, key.layer, key.pooling, key.weights.short())
        }
        None => "key cannot be read".to_owned(),
    };
    let state = if entry.complete { "complete" } else { "partial" };
    let mut line = format!("{name}  {what}  {} rows  {} bytes  {state}", entry.rows, entry.bytes);
    for problem in &entry.problems {
        line.push_str("\n  problem: ");
        line.push_str(problem);
    }
    line
}

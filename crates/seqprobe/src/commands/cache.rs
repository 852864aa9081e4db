//! `seqprobe cache`: list, verify, remove and export what is stored.

use crate::byte_size::ByteSize;
use crate::cli::CacheCommand;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::output::{print_error_line, print_line};
use seqprobe_core::FeatureSource;
use seqprobe_data::{FileLayout, read_sequences};
use seqprobe_embed::{
    EXPORT_FORMATS, EmbeddingCache, EntrySummary, Removal, StoredFeatures, cache_list, cache_verify,
    export_features, remove_entry, remove_leftover_entries,
};
use seqprobe_report::quantities;
use seqprobe_study::{StudyError, cached_items};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub(crate) fn run(command: &CacheCommand) -> Result<(), Failure> {
    match command {
        CacheCommand::Ls(folders) => show(&folders.cache_folder()?, false),
        CacheCommand::Verify(folders) => show(&folders.cache_folder()?, true),
        CacheCommand::Gc { max_size, dry_run, folders } => gc(&folders.cache_folder()?, *max_size, *dry_run),
        CacheCommand::Export { entry, to, output, input, folders } => {
            export(&folders.cache_folder()?, entry, to, output.as_deref(), input.as_deref())
        }
    }
}

fn show(folder: &Path, verify: bool) -> Result<(), Failure> {
    let cache = EmbeddingCache::open(folder).or_exit(ExitCode::Unexpected)?;
    let entries =
        if verify { cache_verify(&cache) } else { cache_list(&cache) }.or_exit(ExitCode::Unexpected)?;
    let mut n_bad = 0;
    for entry in &entries {
        print_line(&entry_lines(entry))?;
        if !entry.problems.is_empty() {
            n_bad += 1;
        }
    }
    print_line(&format!(
        "{} entries, {} bytes, in {}",
        entries.len(),
        entries.iter().map(|entry| entry.bytes).sum::<u64>(),
        cache.bucket().display()
    ))?;
    let cells = items_of_cells(folder)?;
    let bytes = ByteSize(cells.iter().map(|item| item.bytes).sum());
    print_line(&format!("{} cells and values of cells, {bytes}", cells.len()))?;
    if verify && n_bad > 0 {
        let hint = "run the suite again: damaged parts are computed again";
        return Err(Failure::new(ExitCode::Data, format!("{n_bad} entries are damaged\n  hint: {hint}")));
    }
    Ok(())
}

fn entry_lines(entry: &EntrySummary) -> String {
    let what = match &entry.key {
        Some(key) => {
            format!("{} layer {} {} weights {}", key.family, key.layer, key.pooling, key.weights.short())
        }
        None => "key cannot be read".to_owned(),
    };
    let state = if entry.complete { "complete" } else { "partial" };
    let name = name_of(&entry.folder);
    let (rows, bytes, used) = (entry.rows, entry.bytes, age(entry.last_used));
    let mut text = format!("{name}  {what}  {rows} rows  {bytes} bytes  {state}  used {used}");
    for user in &entry.users {
        text.push_str(&format!("\n  for {}", user.escape_debug()));
    }
    for problem in &entry.problems {
        text.push_str("\n  problem: ");
        text.push_str(problem);
    }
    text
}

/// When something was used last.
fn age(time: Option<SystemTime>) -> String {
    // A clock that was set back makes a use in the future one of now.
    time.map_or_else(
        || "at an unknown time".to_owned(),
        |time| quantities::age(time.elapsed().unwrap_or_default()),
    )
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Something that can be removed.
struct Item {
    path: PathBuf,
    bytes: u64,
    last_used: Option<SystemTime>,
    /// The summary of an entry; cells have none.
    entry: Option<EntrySummary>,
}

/// Removes what was not used for longest until the rest is small enough. What is in use stays.
fn gc(folder: &Path, max_size: ByteSize, dry_run: bool) -> Result<(), Failure> {
    let cache = EmbeddingCache::open(folder).or_exit(ExitCode::Unexpected)?;
    if !dry_run {
        remove_leftover_entries(&cache).or_exit(ExitCode::Unexpected)?;
    }
    let mut items = items_of_cells(folder)?;
    for entry in cache_list(&cache).or_exit(ExitCode::Unexpected)? {
        let (path, bytes, last_used) = (entry.folder.clone(), entry.bytes, entry.last_used);
        items.push(Item { path, bytes, last_used, entry: Some(entry) });
    }
    // What has no time goes first.
    items.sort_by(|one, other| one.last_used.cmp(&other.last_used).then_with(|| one.path.cmp(&other.path)));
    let mut left: u64 = items.iter().map(|item| item.bytes).sum();
    let (mut n_removed, mut removed, mut n_in_use) = (0, 0, 0);
    for item in &items {
        if left <= max_size.0 {
            break;
        }
        if !dry_run && !remove(item)? {
            n_in_use += 1;
            continue;
        }
        let did = if dry_run { "would remove" } else { "removed" };
        print_line(&format!(
            "{did} {}, {}, used {}",
            item.path.display(),
            ByteSize(item.bytes),
            age(item.last_used)
        ))?;
        n_removed += 1;
        removed += item.bytes;
        left -= item.bytes;
    }
    let would = if dry_run { "would be " } else { "" };
    print_line(&format!(
        "{n_removed} of {} {would}removed, {}; {} {would}left",
        items.len(),
        ByteSize(removed),
        ByteSize(left)
    ))?;
    if n_in_use > 0 {
        print_error_line(&format!("{n_in_use} are in use and stay; the limit is {max_size}"));
    }
    Ok(())
}

/// Removes an item; false when it is in use.
fn remove(item: &Item) -> Result<bool, Failure> {
    if let Some(entry) = &item.entry {
        return Ok(remove_entry(entry).or_exit(ExitCode::Unexpected)? == Removal::Removed);
    }
    // A cell is read as a whole before it is used, and read again or computed when it is gone.
    let removed = if item.path.is_dir() {
        std::fs::remove_dir_all(&item.path)
    } else {
        std::fs::remove_file(&item.path)
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::new(ExitCode::Unexpected, format!("cannot remove {}: {error}", item.path.display())))
        }
        _ => Ok(true),
    }
}

fn items_of_cells(folder: &Path) -> Result<Vec<Item>, Failure> {
    let mut items = Vec::new();
    for path in cached_items(folder).map_err(StudyError::Store)? {
        let files = if path.is_dir() {
            std::fs::read_dir(&path)?.map(|item| Ok(item?.path())).collect::<std::io::Result<Vec<_>>>()?
        } else {
            vec![path.clone()]
        };
        let found: Vec<_> = files.iter().filter_map(|file| std::fs::metadata(file).ok()).collect();
        let bytes = found.iter().map(std::fs::Metadata::len).sum();
        let last_used = found.iter().filter_map(|file| file.modified().ok()).max();
        items.push(Item { path, bytes, last_used, entry: None });
    }
    Ok(items)
}

fn export(
    folder: &Path,
    entry: &str,
    to: &str,
    output: Option<&Path>,
    input: Option<&Path>,
) -> Result<(), Failure> {
    if !EXPORT_FORMATS.iter().any(|format| format.ending == to) {
        let known: Vec<&str> = EXPORT_FORMATS.iter().map(|format| format.ending).collect();
        return Err(Failure::usage(format!("format {to:?} is not known\n  hint: use {}", known.join(", "))));
    }
    let cache = EmbeddingCache::open(folder).or_exit(ExitCode::Unexpected)?;
    let found = cache.find_entry(entry).or_exit(ExitCode::Usage)?;
    let output = output.map_or_else(|| PathBuf::from(format!("{}.{to}", name_of(&found))), Path::to_owned);
    if output.extension().is_none_or(|ending| ending != to) {
        let message = format!("{} does not end in .{to}", output.display());
        return Err(Failure::usage(message));
    }
    let (features, ids) = match input {
        None => StoredFeatures::of_entry(&found).or_exit(ExitCode::Data)?,
        Some(input) => {
            let read = read_sequences(input, &FileLayout::default()).or_exit(ExitCode::Data)?;
            let features = StoredFeatures::of_sequences(&cache, &found, &read.sequences);
            (features.or_exit(ExitCode::Data)?, read.ids)
        }
    };
    export_features(&features, &ids.iter().collect(), &output).or_exit(ExitCode::Unexpected)?;
    print_line(&format!("wrote {} × {} to {}", features.n_rows(), features.dim(), output.display()))
}

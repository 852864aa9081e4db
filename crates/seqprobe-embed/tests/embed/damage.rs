//! Interrupted and damaged caches: what was stored is either verified or not used.

use crate::common::{Behaviour, all_values, files, many, repair, run, skipped};
use seqprobe_core::FeatureSource;
use seqprobe_embed::{
    EmbedError, EmbeddingCache, Extraction, ExtractionOptions, ExtractionProgress, Interrupted,
    KmerFrequencies, cache_list, cache_verify, export_features,
};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

/// Enough sequences for three shards.
const COUNT: usize = 9000;

fn complete(cache: &Path) -> Extraction {
    run(&Behaviour::default(), &many(COUNT), cache, ExtractionOptions::default()).unwrap()
}

fn open(cache: &Path) -> Result<Extraction, EmbedError> {
    run(&Behaviour::default(), &many(COUNT), cache, ExtractionOptions::default())
}

/// One of the two entries, the pooled one.
fn entry(extraction: &Extraction) -> PathBuf {
    extraction.features[0].folder().to_owned()
}

/// Damages the pooled entry, expects an error whose text holds `expected`, repairs, expects the bytes of
/// before.
fn damage_and_repair(damage: impl Fn(&Path), expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let extraction = complete(folder.path());
    let before = files(folder.path());
    let expected_values = all_values(&extraction.features[0]);
    damage(&entry(&extraction));
    drop(extraction);

    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, EmbedError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains(expected), "{error}");
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    let problems: Vec<String> =
        cache_verify(&cache).unwrap().into_iter().flat_map(|summary| summary.problems).collect();
    assert!(problems.iter().any(|problem| problem.contains(expected)), "{problems:?}");

    let repaired = run(&Behaviour::default(), &many(COUNT), folder.path(), repair()).unwrap();
    assert!(repaired.damage.iter().any(|reason| reason.contains(expected)), "{:?}", repaired.damage);
    assert_eq!(all_values(&repaired.features[0]), expected_values);
    assert!(files(folder.path()) == before, "repair gives the bytes of before");
    assert!(cache_verify(&cache).unwrap().iter().all(|summary| summary.problems.is_empty()));
}

fn flip(path: &Path, from_end: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let place = bytes.len() - from_end;
    bytes[place] ^= 4;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_stopped_extraction_goes_on_to_the_same_bytes() {
    let undisturbed = tempfile::tempdir().unwrap();
    complete(undisturbed.path());
    let folder = tempfile::tempdir().unwrap();
    let mut stop = |progress: ExtractionProgress| {
        if progress.sequences > 5000 { Err(Interrupted) } else { Ok(()) }
    };
    let options = ExtractionOptions { progress: Some(&mut stop), ..ExtractionOptions::default() };
    let error = run(&Behaviour::default(), &many(COUNT), folder.path(), options).unwrap_err();
    assert!(matches!(error, EmbedError::Interrupted { total: COUNT, .. }), "{error}");
    let left = files(folder.path());
    assert!(left.keys().any(|name| name.contains("shard-00000.json")));
    assert!(
        left.keys().all(|name| !name.contains("shard-00001") && !name.contains("manifest")),
        "{:?}",
        left.keys()
    );

    let behaviour = Behaviour::default();
    let resumed = run(&behaviour, &many(COUNT), folder.path(), ExtractionOptions::default()).unwrap();
    assert_eq!(behaviour.seen.load(Ordering::Relaxed), COUNT - 4096);
    assert_eq!((resumed.report.n_computed, resumed.report.n_read), (COUNT - 4096, 4096));
    assert!(files(folder.path()) == files(undisturbed.path()));
}

#[test]
fn a_killed_writer_leaves_nothing_that_is_used() {
    let undisturbed = tempfile::tempdir().unwrap();
    let extraction = complete(undisturbed.path());
    let before = files(undisturbed.path());
    let folder = entry(&extraction);
    // Killed between shard and record, with the next shard begun.
    std::fs::remove_file(folder.join("manifest.json")).unwrap();
    std::fs::remove_file(folder.join("shard-00001.json")).unwrap();
    std::fs::write(folder.join("shard-00001.safetensors"), b"half").unwrap();
    // Of another machine, days ago. One of today may still be in use, because locks are not always shared.
    let leftover = folder.join(".shard-00002.safetensors.77-0.tmp");
    std::fs::write(&leftover, b"half").unwrap();
    let days_ago = SystemTime::now() - Duration::from_secs(2 * 24 * 3600);
    File::options().write(true).open(&leftover).unwrap().set_modified(days_ago).unwrap();
    let recent = folder.join(".shard-00002.safetensors.78-0.tmp");
    std::fs::write(&recent, b"half").unwrap();
    // Of this machine: its writer is dead, because the entry could be locked.
    let own = seqprobe_files::temporary_beside(&folder.join("shard-00002.safetensors"));
    std::fs::write(&own, b"half").unwrap();
    let behaviour = Behaviour::default();
    run(&behaviour, &many(COUNT), undisturbed.path(), ExtractionOptions::default()).unwrap();
    assert_eq!(behaviour.seen.load(Ordering::Relaxed), 4096);
    assert!(!own.exists() && !leftover.exists());
    std::fs::remove_file(recent).unwrap();
    assert!(files(undisturbed.path()) == before);
}

#[test]
fn a_missing_manifest_is_written_again_without_computing() {
    let folder = tempfile::tempdir().unwrap();
    let extraction = complete(folder.path());
    let before = files(folder.path());
    std::fs::remove_file(entry(&extraction).join("manifest.json")).unwrap();
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    assert_eq!(cache_list(&cache).unwrap().iter().filter(|summary| summary.complete).count(), 1);
    let behaviour = Behaviour::default();
    run(&behaviour, &many(COUNT), folder.path(), ExtractionOptions::default()).unwrap();
    assert_eq!(behaviour.seen.load(Ordering::Relaxed), 0);
    assert!(files(folder.path()) == before);
}

#[test]
fn a_flipped_byte_is_found() {
    damage_and_repair(|entry| flip(&entry.join("shard-00001.safetensors"), 150_000), "BLAKE3");
}

#[test]
fn a_truncated_shard_is_found() {
    let damage = |entry: &Path| {
        let path = entry.join("shard-00001.safetensors");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 100]).unwrap();
    };
    damage_and_repair(damage, "bytes, its record says");
    damage_and_repair(
        |entry| std::fs::write(entry.join("shard-00001.safetensors"), b"").unwrap(),
        "it has 0 bytes",
    );
}

#[test]
fn swapped_shards_are_found_even_with_their_records() {
    let swap = |entry: &Path, ending: &str| {
        let (one, two) =
            (entry.join(format!("shard-00000.{ending}")), entry.join(format!("shard-00001.{ending}")));
        let spare = entry.join("spare");
        std::fs::rename(&one, &spare).unwrap();
        std::fs::rename(&two, &one).unwrap();
        std::fs::rename(&spare, &two).unwrap();
    };
    damage_and_repair(|entry| swap(entry, "safetensors"), "its record says");
    let both = |entry: &Path| {
        swap(entry, "safetensors");
        swap(entry, "json");
    };
    damage_and_repair(both, "its shard is 1, expected 0");
}

#[test]
fn another_format_version_is_never_read() {
    let damage = |entry: &Path| {
        let path = entry.join("key.json");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    };
    damage_and_repair(damage, "format version 2, expected 1");
}

#[test]
fn a_manifest_of_another_format_is_never_read() {
    let damage = |entry: &Path| {
        let path = entry.join("manifest.json");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("\"format\": 1", "\"format\": 7", 1)).unwrap();
    };
    damage_and_repair(damage, "format version 7, expected 1");
}

#[test]
fn a_shard_that_is_listed_and_gone_is_said() {
    damage_and_repair(
        |entry| std::fs::remove_file(entry.join("shard-00001.safetensors")).unwrap(),
        "missing",
    );
}

#[test]
fn records_and_manifests_that_cannot_be_read_are_found() {
    damage_and_repair(
        |entry| std::fs::write(entry.join("shard-00000.json"), b"{").unwrap(),
        "shard-00000.json",
    );
    damage_and_repair(|entry| std::fs::write(entry.join("manifest.json"), b"{}").unwrap(), "manifest.json");
    let other = |entry: &Path| {
        let path = entry.join("manifest.json");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("\"rows\": 9000", "\"rows\": 9001", 1)).unwrap();
    };
    damage_and_repair(other, "does not agree with the records");
}

#[test]
fn the_list_says_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let extraction = complete(folder.path());
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    let list = cache_list(&cache).unwrap();
    assert_eq!(list, cache_verify(&cache).unwrap());
    assert_eq!(list.len(), 2);
    for summary in &list {
        assert!(summary.complete && summary.problems.is_empty(), "{summary:?}");
        assert_eq!(summary.rows, COUNT as u64);
        let on_disk: u64 = files(&summary.folder).values().map(|bytes| bytes.len() as u64).sum();
        assert_eq!(summary.bytes, on_disk);
    }
    assert!(list.iter().any(|summary| summary.key.as_ref() == Some(extraction.features[0].key())));
}

#[test]
fn a_shard_is_plain_safetensors() {
    let folder = tempfile::tempdir().unwrap();
    let extraction = complete(folder.path());
    let bytes = std::fs::read(entry(&extraction).join("shard-00000.safetensors")).unwrap();
    let (header, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!((8 + header) % 64, 0);
    assert_eq!(metadata.metadata().as_ref().unwrap()["pooling"], "mean");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("features").unwrap().shape(), [4096, crate::common::HIDDEN]);
}

#[test]
fn folders_that_cannot_be_written_are_clear_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let error = EmbeddingCache::open(&file).unwrap_err().to_string();
    assert!(
        error.contains("cannot create") && error.contains("there is a file where a folder is needed"),
        "{error}"
    );

    if Path::new("/proc/self").exists() {
        // No user may make folders here, root included.
        let error = EmbeddingCache::open(Path::new("/proc/seqprobe-cache")).unwrap_err().to_string();
        assert!(error.starts_with("cannot create /proc/seqprobe-cache"), "{error}");
    } else {
        skipped("there is no /proc");
    }
}

/// The child of the test below: extracts and exports under a limit on the size of files.
#[test]
fn disk_full_child() {
    let Some(folder) = std::env::var_os("SEQPROBE_DISK_FULL_FOLDER") else { return };
    let folder = PathBuf::from(folder);
    let error = open(&folder.join("cache")).unwrap_err().to_string();
    assert!(error.contains("cannot write") && error.contains("shard-00000"), "{error}");
    assert!(error.contains("hint: free space"), "{error}");
    let sequences = many(COUNT);
    let source = KmerFrequencies::new(&sequences, 3).unwrap();
    let ids: Vec<String> = (0..COUNT).map(|row| row.to_string()).collect();
    let error =
        export_features(&source, &ids.iter().collect(), &folder.join("x.npy")).unwrap_err().to_string();
    assert!(error.contains("cannot write"), "{error}");
    assert_eq!(source.n_rows(), COUNT);
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    // A limit on file sizes replaces a full disk: larger writes fail, and no privilege is needed.
    let child = std::process::Command::new("sh")
        .arg("-c")
        .arg("trap '' XFSZ && ulimit -f 128 && exec \"$0\" --exact damage::disk_full_child")
        .arg(std::env::current_exe().unwrap())
        .env("SEQPROBE_DISK_FULL_FOLDER", folder.path())
        .output();
    let Ok(child) = child else {
        skipped("there is no shell");
        return;
    };
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
    let left = files(folder.path());
    assert!(
        left.keys().all(|name| ["key.json", "lock", "readers"].iter().any(|end| name.ends_with(end))),
        "only the keys and locks of the entries: {:?}",
        left.keys()
    );
}

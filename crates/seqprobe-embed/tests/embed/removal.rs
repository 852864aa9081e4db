//! Removing entries: what is in use stays, what goes goes whole.

use crate::common::{Behaviour, many, run};
use seqprobe_embed::{
    EmbeddingCache, ExtractionOptions, Removal, cache_list, remove_entry, remove_leftover_entries,
};
use std::sync::atomic::Ordering;
use std::time::Duration;

#[test]
fn an_entry_in_use_stays() {
    let folder = tempfile::tempdir().unwrap();
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    let options = || ExtractionOptions { user: Some("a test\u{7}"), ..ExtractionOptions::default() };
    let found = run(&Behaviour::default(), &many(50), folder.path(), options()).unwrap();
    let listed = cache_list(&cache).unwrap();
    assert_eq!(listed.len(), 2);
    for entry in &listed {
        assert_eq!(entry.users, ["a test\u{7}"]);
        assert!(entry.last_used.unwrap().elapsed().unwrap_or_default() < Duration::from_secs(3600));
        assert_eq!(remove_entry(entry).unwrap(), Removal::InUse);
        assert!(entry.folder.is_dir());
    }
    // A subset reads the same entries, and holds them as well.
    let part = run(&Behaviour::default(), &many(20), folder.path(), options()).unwrap();
    drop(found);
    assert_eq!(remove_entry(&listed[0]).unwrap(), Removal::InUse);
    drop(part);
    for entry in &listed {
        assert_eq!(remove_entry(entry).unwrap(), Removal::Removed);
        assert!(!entry.folder.exists());
    }
    assert_eq!(std::fs::read_dir(cache.bucket()).unwrap().count(), 0);

    let behaviour = Behaviour::default();
    run(&behaviour, &many(50), folder.path(), options()).unwrap();
    assert_eq!(behaviour.seen.load(Ordering::Relaxed), 50, "what was removed is computed again");
}

#[test]
fn what_a_killed_removal_left_is_no_entry() {
    let folder = tempfile::tempdir().unwrap();
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    drop(run(&Behaviour::default(), &many(50), folder.path(), ExtractionOptions::default()).unwrap());
    let entry = cache_list(&cache).unwrap().remove(0);
    let name = entry.folder.file_name().unwrap().to_string_lossy().into_owned();
    std::fs::rename(&entry.folder, cache.bucket().join(format!(".{name}.1-2.tmp"))).unwrap();
    assert_eq!(cache_list(&cache).unwrap().len(), 1);
    let behaviour = Behaviour::default();
    run(&behaviour, &many(50), folder.path(), ExtractionOptions::default()).unwrap();
    assert_eq!(behaviour.seen.load(Ordering::Relaxed), 50);
    assert_eq!(remove_leftover_entries(&cache).unwrap(), 1);
    assert_eq!(std::fs::read_dir(cache.bucket()).unwrap().count(), 2);
}

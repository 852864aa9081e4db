//! Damaged vocabularies, tokenizers and configurations: an error or tokens within the vocabulary, never a panic.
//! `make fuzz` runs for minutes.

#[path = "../../../../tests/src/mutate.rs"]
#[expect(dead_code, unreachable_pub, clippy::print_stdout, reason = "a file that several packages use")]
mod mutate;

use mutate::Mutations;
use seqprobe_core::DnaSequence;
use seqprobe_models::FAMILIES;
use seqprobe_models::config_file::ConfigFile;
use std::path::{Path, PathBuf};

const FILES: [&str; 4] = ["vocab.txt", "tokenizer.json", "tokenizer_config.json", "config.json"];

/// Folders of fixtures with a configuration.
fn folders() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models")];
    while let Some(folder) = open.pop() {
        open.extend(
            std::fs::read_dir(&folder).unwrap().map(|item| item.unwrap().path()).filter(|path| path.is_dir()),
        );
        if folder.join("config.json").is_file() {
            found.push(folder);
        }
    }
    found.sort();
    found
}

fn require_sound(folder: &Path, sequences: &[DnaSequence]) {
    let Ok(config) = ConfigFile::read(folder) else { return };
    for family in FAMILIES.iter().filter(|family| family.claim.accepts(&config)) {
        let Ok(tokenizer) = (family.tokenizer)(folder, &config) else { continue };
        for sequence in sequences {
            if let Ok(tokens) = tokenizer.tokenize(sequence) {
                assert_eq!(tokens.ids.len(), tokens.special.len());
                let known = 0..=tokenizer.largest_id();
                assert!(tokens.ids.iter().all(|id| known.contains(id)), "{:?}", tokens.ids);
            }
        }
    }
}

#[test]
fn fuzz_tokenizer() {
    let folders = folders();
    assert!(folders.len() > 10);
    let parse = |text: &str| DnaSequence::parse(text).unwrap().0;
    let sequences = [parse("ACGTNACGTTTGACA"), parse("A"), parse(&"GATTACA".repeat(30))];
    let words = [
        "[UNK]",
        "[CLS]",
        "##",
        "\"merges\"",
        "\"vocab\": {",
        "null",
        "\\ud800",
        "\"A\": -1",
        "AA",
        "\"k\": 0",
        "[[[[",
    ];
    let place = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let mut number = 0;
    let corpora: Vec<(PathBuf, &str, Vec<u8>)> = folders
        .iter()
        .flat_map(|folder| FILES.iter().map(move |file| (folder.clone(), *file)))
        .filter_map(|(folder, file)| std::fs::read(folder.join(file)).ok().map(|bytes| (folder, file, bytes)))
        .collect();
    let end = std::env::var("SEQPROBE_FUZZ_SECONDS").ok().and_then(|text| text.parse::<f64>().ok());
    let start = std::time::Instant::now();
    loop {
        let (folder, file, good) = &corpora[number % corpora.len()];
        for name in FILES {
            let _ = std::fs::remove_file(place.path().join(name));
            let _ = std::fs::copy(folder.join(name), place.path().join(name));
        }
        let mutations = Mutations { corpus: std::slice::from_ref(good), words: &words, count: 12 };
        mutations.try_some(number as u64, |bytes| {
            std::fs::write(place.path().join(file), bytes).unwrap();
            require_sound(place.path(), &sequences);
        });
        number += 1;
        if end.map_or(number >= corpora.len(), |end| start.elapsed().as_secs_f64() > end) {
            break;
        }
    }
    println!("{} inputs", 12 * number);
}

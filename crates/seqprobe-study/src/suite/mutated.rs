//! Damaged suites: an error that names the file or a suite, never a panic. `make fuzz` goes on for minutes.

#[path = "../../../../tests/src/mutate.rs"]
#[expect(unreachable_pub, reason = "a file that several packages use")]
mod mutate;

use crate::suite::Suite;
use crate::suite::file::SuiteFile;
use mutate::Mutations;
use seqprobe_core::parse_toml;
use std::path::PathBuf;

#[test]
fn fuzz_suite() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benchmarks");
    let suites = std::fs::read_dir(folder).unwrap().map(|item| item.unwrap().path());
    let suites = suites.filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    let corpus: Vec<Vec<u8>> = suites.map(|path| std::fs::read(path).unwrap()).collect();
    assert!(corpus.len() > 3);
    let words = [
        "[[probe]]\n",
        "[[representation]]\n",
        "layers = \"all\"\n",
        "window = \"1:0\"\n",
        "random:",
        "seeds = []\n",
        "fractions = [0.0, nan]\n",
        "margin = -inf\n",
        "draws = 0\n",
        "schema = 1\n",
        "\"\"\"",
        "= -1\n",
    ];
    Mutations { corpus: &corpus, words: &words, count: 1500 }.try_all(|bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let refused = match parse_toml::<SuiteFile>(text, "mutated") {
            Err(error) => error.to_string(),
            Ok(file) => match Suite::check(&file, PathBuf::new(), "mutated", text.to_owned()) {
                Ok(_) => return,
                Err(error) => error.to_string(),
            },
        };
        assert!(refused.contains("mutated"), "{refused}");
    });
}

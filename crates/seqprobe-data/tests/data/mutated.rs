//! Damaged FASTA, CSV and cards: an error or a dataset, never a panic. `make fuzz` goes on for minutes.

#[path = "../../../../tests/src/mutate.rs"]
#[expect(unreachable_pub, clippy::print_stdout, reason = "a file that several packages use")]
mod mutate;

use mutate::Mutations;
use seqprobe_data::{Card, FileLayout, read_sequences};
use std::path::PathBuf;

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Files are read from a folder in memory where there is one.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("the test folder can be written")
}

fn require_sound(bytes: &[u8], path: &std::path::Path) {
    std::fs::write(path, bytes).expect("the test folder can be written");
    match read_sequences(path, &FileLayout::default()) {
        Ok(read) => {
            assert_eq!(read.ids.len(), read.sequences.len());
            assert!(read.sequences.iter().all(|sequence| sequence.len() >= 1));
        }
        Err(error) => assert!(error.to_string().contains("mutated"), "{error}"),
    }
}

#[test]
fn fuzz_fasta() {
    let folder = folder();
    let path = folder.path().join("mutated.fa");
    let corpus = texts(&[
        ">a first\nACGTACGT\nACGN\n>b\nTTTT\n>c\r\nacgu\r\n",
        ">chr1:10-20|k=v label=1\nRYKMSWBDHVN\n\n>d\nACGT",
        ">x\nAC GT\n>y\n\n>z\nA",
    ]);
    let words = [">", "\n>", ">\n", "\r\n", ";", "-", "*", "\u{feff}", "\0", "N"];
    Mutations { corpus: &corpus, words: &words, count: 3000 }.try_all(|bytes| require_sound(bytes, &path));
}

#[test]
fn fuzz_csv() {
    let folder = folder();
    let path = folder.path().join("mutated.csv");
    let corpus = texts(&[
        "name,sequence,label\na,ACGT,1\nb,TTGA,0\n\"c,d\",ACGT,\n",
        "sequence\tlabel\nACGT\t0.5\nTTTT\t-1\n",
        "id;seq;label\r\n1;ACGT;x\r\n2;NNNN;y\r\n",
        "sequence,label\n\"AC\"\"GT\",1\n\"ACGT\nACGT\",0\n",
    ]);
    let words = ["\"", "\"\"", ",", ";", "\t", "\r\n", "sequence", "id", "\u{feff}", "\0"];
    Mutations { corpus: &corpus, words: &words, count: 3000 }.try_all(|bytes| require_sound(bytes, &path));
}

#[test]
fn fuzz_card() {
    let mut corpus = Vec::new();
    for card in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets")).expect("the cards")
    {
        let path = card.expect("a card").path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            corpus.push(std::fs::read(path).expect("a card"));
        }
    }
    assert!(corpus.len() > 5);
    let words = [
        "[[split]]\n",
        "[files]\n",
        "schema = 1\n",
        "into = {",
        "..",
        "/",
        "\"\"\"",
        "= -1\n",
        "nan",
        "1979-05-27",
    ];
    Mutations { corpus: &corpus, words: &words, count: 3000 }.try_all(|bytes| {
        if let Ok(text) = std::str::from_utf8(bytes)
            && let Err(error) = Card::parse(text, "mutated", PathBuf::new())
        {
            assert!(error.to_string().contains("mutated"), "{error}");
        }
    });
}

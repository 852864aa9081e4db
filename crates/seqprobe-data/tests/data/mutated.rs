//! Damaged FASTA, CSV and cards: an error or a dataset, never a panic. `make fuzz` goes on for minutes.

#[path = "../../../../tests/src/mutate.rs"]
#[expect(unreachable_pub, clippy::print_stdout, reason = "a file that several packages use")]
mod mutate;

use crate::common::Packing;
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
    require_sound_column(path, None);
}

fn require_sound_column(path: &std::path::Path, sequence: Option<&str>) {
    let layout = FileLayout { sequence: sequence.map(str::to_owned), ..FileLayout::default() };
    match read_sequences(path, &layout) {
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
        "# made by a tool\n#id\tsequence\nr0\tACGTACGT\nr1\tGGTTAACC\n",
        "sep=;\nid;sequence\nr0;ACGTACGT\n",
        "\"id\",\"sequence\"\n\"1\",\"r0\",\"ACGTACGT\"\n\"2\",\"r1\",\"TTGGTTGG\"\n",
        "id,sequence\rr0,ACGTACGT\rr1,TTGGTTGG\r\u{1a}",
    ]);
    let words = [
        "\"", "\"\"", ",", ";", "\t", "\r\n", "\r", "sequence", "id", "\u{feff}", "\0", "#", "sep=", " \"",
        "\u{1a}",
    ];
    Mutations { corpus: &corpus, words: &words, count: 3000 }.try_all(|bytes| require_sound(bytes, &path));
}

/// Damaged packed files: an error or rows, never a panic.
fn fuzz_packing(packing: Packing) {
    let folder = folder();
    let path = folder.path().join("mutated.csv");
    let rows: String = (0..30).map(|row| format!("r{row},{}\n", "ACGT".repeat(2 + row % 7))).collect();
    let good = format!("id,sequence\n{rows}");
    let corpus =
        [packing.pack(good.as_bytes()), packing.pack(b"id,sequence\nr0,ACGTACGT\n"), packing.pack(b"")];
    let words = ["\x1f", "\0\0\0\0", "PK\x03\x04", "BZh9", "BC\x02\0"];
    let mutations = Mutations { corpus: &corpus, words: &words, count: 1500 };
    mutations.try_all(|bytes| require_sound(bytes, &path));
}

#[test]
fn fuzz_gzip() {
    fuzz_packing(Packing::Gzip);
}

#[test]
fn fuzz_bgzf() {
    fuzz_packing(Packing::Bgzf);
}

#[test]
fn fuzz_zstd() {
    fuzz_packing(Packing::Zstd);
}

#[test]
fn fuzz_xz() {
    fuzz_packing(Packing::Xz);
}

#[test]
fn fuzz_bzip2() {
    fuzz_packing(Packing::Bzip2);
}

#[test]
fn fuzz_zip() {
    fuzz_packing(Packing::Zip);
}

/// The committed genome, its indexes and intervals, in a folder; one of the files is mutated.
fn fuzz_on_genome(genome: &str, mutated: &str, words: &[&str], count: usize) {
    let folder = folder();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/intervals");
    for ending in ["", ".fai", ".gzi"] {
        let name = format!("{genome}{ending}");
        if fixtures.join(&name).exists() {
            std::fs::copy(fixtures.join(&name), folder.path().join(&name))
                .expect("the test folder can be written");
        }
    }
    std::fs::copy(fixtures.join("intervals.bed"), folder.path().join("intervals.bed"))
        .expect("the test folder can be written");
    let corpus = [std::fs::read(fixtures.join(mutated)).expect("a fixture")];
    let layout = FileLayout { genome: Some(folder.path().join(genome)), ..FileLayout::default() };
    let intervals = folder.path().join("intervals.bed");
    Mutations { corpus: &corpus, words, count }.try_all(|bytes| {
        std::fs::write(folder.path().join(mutated), bytes).expect("the test folder can be written");
        match read_sequences(&intervals, &layout) {
            Ok(read) => assert!(read.sequences.iter().all(|sequence| sequence.len() >= 1)),
            Err(error) => {
                let folder = folder.path().display().to_string();
                assert!(error.to_string().contains(&folder), "{error}");
            }
        }
    });
}

#[test]
fn fuzz_intervals() {
    let words =
        ["track ", "#", "\t", "\r\n", "-1", "18446744073709551615", "chr1", "2", "-", "\u{feff}", "\0"];
    fuzz_on_genome("genome.fa", "intervals.bed", &words, 2000);
}

#[test]
fn fuzz_genome_index() {
    let words = ["chr1\t", "18446744073709551615", "0", "-1", "\t\t", "\n", "9223372036854775807", "\0"];
    fuzz_on_genome("genome.fa", "genome.fa.fai", &words, 2000);
    let numbers = ["\0\0\0\0\0\0\0\0", "\u{7f}", "\0\u{1}"];
    fuzz_on_genome("genome.bgz", "genome.bgz.gzi", &numbers, 1000);
    fuzz_on_genome("genome.bgz", "genome.bgz", &numbers, 1000);
}

fn fixtures(names: &[&str]) -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/formats");
    names
        .iter()
        .map(|name| std::fs::read(format!("{folder}/{name}")).expect("the fixture is there"))
        .collect()
}

#[test]
fn fuzz_json_lines() {
    let folder = folder();
    let path = folder.path().join("mutated.jsonl");
    let corpus = texts(&[
        "{\"id\":\"a\",\"sequence\":\"ACGTACGT\",\"label\":1.50}\n{\"id\":\"b\",\"sequence\":\"AC\\u0041\",\"label\":null}\n",
        "{\"seq\": \"ACGT\", \"x\": [1, {\"y\": 2}], \"z\": true}\r\n\r\n{\"z\": 1e3, \"seq\": \"N\"}",
    ]);
    let words = ["{", "}", "[", "]", "\"", "\\", "\\u00", ":", ",", "null", "\"sequence\":", "\n", "1e9"];
    Mutations { corpus: &corpus, words: &words, count: 3000 }.try_all(|bytes| require_sound(bytes, &path));
}

#[test]
fn fuzz_fastq() {
    let folder = folder();
    let path = folder.path().join("mutated.fq");
    let corpus =
        texts(&["@a x\nACGT\n+\n@III\n@b\nAC\nGT\n+b\nII\n@I\n\n@c\nA\n+\nI", "@r\r\nACGN\r\n+\r\n!!!!\r\n"]);
    let words = ["@", "+", "\n@", "\n+\n", "\r\n", "\0", "N"];
    Mutations { corpus: &corpus, words: &words, count: 3000 }.try_all(|bytes| require_sound(bytes, &path));
}

#[test]
fn fuzz_genbank() {
    let folder = folder();
    let path = folder.path().join("mutated.gb");
    let corpus: Vec<Vec<u8>> = fixtures(&["records.gb", "records.embl"])
        .into_iter()
        .map(|mut bytes| {
            bytes.truncate(900);
            bytes
        })
        .collect();
    let words = ["LOCUS ", "ID   ", "ORIGIN\n", "SQ   ", "//\n", "VERSION ", " bp ", " aa ", "CONTIG"];
    Mutations { corpus: &corpus, words: &words, count: 3000 }.try_all(|bytes| require_sound(bytes, &path));
}

#[test]
fn fuzz_parquet() {
    let folder = folder();
    let path = folder.path().join("mutated.parquet");
    let corpus =
        fixtures(&["snappy.parquet", "zstd.parquet", "gzip.parquet", "lz4.parquet", "types.parquet"]);
    Mutations { corpus: &corpus, words: &["PAR1"], count: 500 }.try_all(|bytes| require_sound(bytes, &path));
}

#[test]
fn fuzz_hdf5() {
    let folder = folder();
    let path = folder.path().join("mutated.h5");
    let corpus = fixtures(&["arrays.h5", "texts.h5"]);
    Mutations { corpus: &corpus, words: &["OHDR", "TREE", "HEAP"], count: 200 }.try_all(|bytes| {
        require_sound(bytes, &path);
        for name in ["x", "x_train", "group/text", "group/fixed"] {
            require_sound_column(&path, Some(name));
        }
    });
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

//! Formats that mean the same give the same dataset.

use crate::common::{gzip, load_good};
use proptest::prelude::*;
use seqprobe_core::{Dataset, Split, Targets};

const KEYS: &str = "schema = 1\nid = \"t\"\ntitle = \"t\"\nmetric = \"auroc\"\ntask = \"binary\"\n";
const RANDOM: &str =
    "[[split]]\nof = \"all\"\nmethod = \"random\"\ninto = { train = 0.5, valid = 0.25, test = 0.25 }\n";

fn load_all(keys: &str, file: &[u8], rule: &str) -> Dataset {
    let card =
        format!("{KEYS}{keys}\n[files]\nall = {{ path = \"all.csv\", sha256 = \"SHA(all.csv)\" }}\n{rule}");
    load_good(&card, &[("all.csv", file)])
}

const LABEL: &str = "target = \"label\"\npositive = \"1\"";

fn rows(separator: &str, end: &str) -> String {
    let mut text = format!("sequence{separator}label{end}");
    for (index, letters) in
        ["ACGT", "acgu", "NNRT", "TTTT", "GATC", "CCCC", "GGGA", "TACA"].iter().enumerate()
    {
        text.push_str(&format!("{letters}{separator}{}{end}", index % 2));
    }
    text
}

#[test]
fn layout_does_not_change_the_dataset() {
    let plain = load_all(LABEL, rows(",", "\n").as_bytes(), RANDOM);
    assert_eq!(plain.sequences[2].as_str(), "NNNT");
    assert_eq!((plain.letters.n, plain.letters.iupac, plain.letters.uracil), (2, 1, 1));
    assert_eq!(plain.task.classes, ["0", "1"]);
    let text = rows(",", "\n");
    let (first, second) = text.split_at(40);
    let members = [gzip(first.as_bytes()), gzip(second.as_bytes())].concat();
    let quoted = rows(",", "\n").replace("TTTT", "\"TTTT\"").replace("GATC,0", "\"GATC\",\"0.0\"");
    for (what, bytes) in [
        ("tabs despite .csv", rows("\t", "\n").into_bytes()),
        ("semicolons", rows(";", "\n").into_bytes()),
        ("CRLF", rows(",", "\r\n").into_bytes()),
        ("no last line break", rows(",", "\n").trim_end().as_bytes().to_vec()),
        ("byte-order mark", [b"\xef\xbb\xbf", rows(",", "\n").as_bytes()].concat()),
        ("blank lines", rows(",", "\n\n").into_bytes()),
        ("gzip of two members", members),
        ("quotes", quoted.into_bytes()),
        ("labels as decimals", rows(",", ".0\n").replace("label.0", "label").into_bytes()),
    ] {
        assert_eq!(load_all(LABEL, &bytes, RANDOM).digest(), plain.digest(), "{what}");
    }
    let no_header = rows("|", "\n").split_once('\n').unwrap().1.to_owned();
    let keys = "header = false\ndelimiter = \"|\"\nsequence = 0\ntarget = 1\npositive = 1";
    let numbered = load_all(keys, no_header.as_bytes(), RANDOM);
    assert_eq!((numbered.sequences, numbered.targets), (plain.sequences, plain.targets));
}

#[test]
fn fasta_labels_come_from_header_file_or_table() {
    let fasta = ">chr1:5-9 label=1\nAC\nGT\n>chr2:2000000-2000004 label=0\r\nAC\r\nCA\r\n>chr3:1-5 label=0\nGGGG\n>chr1:9-13 x|label=0\nTTTT\n";
    let rule = "[[split]]\nof = \"all\"\nmethod = \"chromosome\"\nvalid = [\"chr2\"]\ntest = [\"chr3\"]\n";
    let keys =
        "target = \"header:label\"\npositive = \"1\"\nchromosome = \"header\"\nexample_id = \"header\"";
    let dataset = load_all(keys, fasta.as_bytes(), rule);
    assert_eq!(dataset.task.targets, ["label"]);
    assert_eq!(dataset.sequences[0].as_str(), "ACGT");
    assert_eq!(dataset.example_ids[1], "chr2:2000000-2000004");
    assert_eq!(dataset.splits.train, [0, 3]);
    assert_eq!((&dataset.splits.valid, &dataset.splits.test), (&vec![1], &vec![2]));
    let clusters = dataset.clusters.clone().unwrap();
    assert_eq!((clusters.ids(), clusters.kind()), (&[0, 1, 2, 0][..], "1 Mb block"));
    assert_eq!(clusters.chromosomes(), Some(&[0, 1, 2, 0][..]));

    let card = format!(
        "{KEYS}positive = \"one\"\nchromosome = \"header\"\nexample_id = \"header\"\n[files]\nall = [\n{{ path = \"a.fa\", sha256 = \"SHA(a.fa)\", label = \"one\" }},\n{{ path = \"b.fa\", sha256 = \"SHA(b.fa)\", label = \"none\" }}]\n{rule}"
    );
    let (one, none) = fasta.split_at(fasta.find(">chr2").unwrap());
    let by_file = load_good(&card, &[("a.fa", one.as_bytes()), ("b.fa", none.as_bytes())]);
    assert_eq!(by_file.targets, dataset.targets);
    assert_eq!(by_file.task.classes, ["none", "one"]);

    let table = "name,kind,gene\nchr3:1-5,no,g3\nchr1:5-9,yes,g1\nchr2:2000000-2000004,no,g2\nchr1:9-13,no,g1\nunused,no,g\n";
    let card = format!(
        "{KEYS}positive = \"yes\"\ntarget = \"kind\"\ngroup = \"gene\"\nchromosome = \"header\"\n[files]\nall = {{ path = \"a.fa\", sha256 = \"SHA(a.fa)\", table = {{ path = \"t.csv\", sha256 = \"SHA(t.csv)\", id = \"name\" }} }}\n{rule}"
    );
    let by_table = load_good(&card, &[("a.fa", fasta.as_bytes()), ("t.csv", table.as_bytes())]);
    assert_eq!(by_table.targets, dataset.targets);
    assert_eq!(by_table.example_ids[3], "all:3");
    assert_eq!(by_table.clusters.unwrap().kind(), "group");
}

#[test]
fn missing_targets_are_left_out_or_none() {
    let text = rows(",", "\n").replace("GATC,0", "GATC,NA").replace("TTTT,1", "TTTT,");
    let dataset = load_all(LABEL, text.as_bytes(), RANDOM);
    assert_eq!(dataset.n_examples(), 6);
    assert_eq!(dataset.example_ids[3], "all:5");
    assert_eq!(dataset.notes[0], "2 of 8 rows were left out: their target is missing (1 empty, 1 \"NA\")");

    let two = "s,a,b\nACGT,1,NA\nACGA,,\nACGC,2.5,3\nAAAA,-1e3,0\nCCCC,NA,7\n";
    let keys = KEYS.replace("binary", "regression");
    let card = format!(
        "{keys}sequence = \"s\"\ntarget = [\"a\", \"b\"]\n[files]\nall = {{ path = \"all.csv\", sha256 = \"SHA(all.csv)\" }}\n{RANDOM}"
    );
    let dataset = load_good(&card, &[("all.csv", two.as_bytes())]);
    let Targets::Values { values } = &dataset.targets else { panic!("regression") };
    assert_eq!(values.row(0).to_vec(), [Some(1.0), None]);
    assert_eq!(values.row(3).to_vec(), [None, Some(7.0)]);
    assert_eq!(dataset.notes.len(), 3, "{:?}", dataset.notes);
}

#[test]
fn a_split_column_and_kmers_are_read() {
    let text = "fold,sequence,label\ntrain,ACG CGT,0\ndev,AAA AAA,1\ntest,ACG CGT GTT,1\ntrain,CCC CCC,1\n";
    let rule = "[[split]]\nof = \"all\"\nmethod = \"column\"\ncolumn = \"fold\"\n";
    let dataset = load_all(&format!("{LABEL}\nkmers = 3"), text.as_bytes(), rule);
    assert_eq!(dataset.sequences[2].as_str(), "ACGTT");
    assert_eq!((&dataset.splits.train[..], &dataset.splits.valid[..]), (&[0, 3][..], &[1][..]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn splits_are_disjoint_and_complete_and_gzip_changes_nothing(
        rows in prop::collection::vec(("[ACGTN]{1,20}", 0_u8..4), 30..80), seed in 0_u64..50,
    ) {
        let mut text = String::from("sequence,gene,label\n");
        for (row, (letters, gene)) in rows.iter().enumerate() {
            text.push_str(&format!("{letters},{gene},{}\n", row % 2));
        }
        for (keys, method) in [(LABEL.to_owned(), "random"), (format!("{LABEL}\ngroup = \"gene\""), "group")] {
            if method == "group" && (0..4).any(|gene| rows.iter().enumerate().filter(|(row, one)| one.1 == gene && row % 2 == 0).count() < 2
                || rows.iter().enumerate().filter(|(row, one)| one.1 == gene && row % 2 == 1).count() < 2) {
                continue;
            }
            let rule = format!("[[split]]\nof = \"all\"\nmethod = \"{method}\"\nseed = {seed}\ninto = {{ train = 0.6, valid = 0.2, test = 0.2 }}\n");
            let plain = load_all(&keys, text.as_bytes(), &rule);
            let packed = load_all(&keys, &gzip(text.as_bytes()), &rule);
            prop_assert_eq!(plain.digest(), packed.digest());
            let mut all: Vec<usize> = Split::ALL.iter().flat_map(|&split| plain.splits.rows(split)).copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..rows.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(
        start in prop::sample::select(vec!["", ">", "\u{1f}", "sequence,label\n", "a\tb\n", "\"", "\u{feff}"]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("any");
        std::fs::write(&path, [start.as_bytes(), &bytes].concat()).unwrap();
        // Whatever it holds, an error names the file.
        if let Err(error) = seqprobe_data::read_sequences(&path, &seqprobe_data::FileLayout::default()) {
            prop_assert!(error.to_string().starts_with(&path.display().to_string()));
        }
    }
}

//! Every way a card or its data can be wrong, with the message the user sees.

use crate::common::{error_of, gzip};

const ROWS: &str = "sequence,label\nACGT,0\nAACC,1\nGGTT,0\nACCA,1\n";

/// A binary card over train.csv, valid.csv and test.csv with more keys before `[files]`.
fn card(keys: &str) -> String {
    let entry = |key: &str| format!("{key} = {{ path = \"{key}.csv\", sha256 = \"SHA({key}.csv)\" }}\n");
    format!(
        "schema = 1\nid = \"t\"\ntitle = \"t\"\nmetric = \"auroc\"\n{keys}\n[files]\n{}{}{}",
        entry("train"),
        entry("valid"),
        entry("test")
    )
}

const BINARY: &str = "task = \"binary\"\ntarget = \"label\"\npositive = \"1\"";

/// The message when train.csv holds `train`, the other files being right.
fn with_train(keys: &str, train: impl AsRef<[u8]>) -> String {
    let ok = ROWS.as_bytes();
    error_of(&card(keys), &[("train.csv", train.as_ref()), ("valid.csv", ok), ("test.csv", ok)])
}

/// A card over all.csv with one split rule.
fn split_card(keys: &str, rule: &str) -> String {
    format!(
        "schema = 1\nid = \"t\"\ntitle = \"t\"\nmetric = \"auroc\"\n{keys}\n[files]\nall = {{ path = \"all.csv\", sha256 = \"SHA(all.csv)\" }}\n[[split]]\nof = \"all\"\n{rule}\n"
    )
}

fn with_rule(keys: &str, rule: &str, rows: &str) -> String {
    error_of(&split_card(keys, rule), &[("all.csv", rows.as_bytes())])
}

#[test]
fn cards_that_contradict_themselves() {
    let ok = ROWS;
    insta::assert_snapshot!(with_train("task = \"binry\"\ntarget = \"label\"", ok), @r#"
DIR/card.toml:5: task is "binry", expected "binary", "multiclass", "multilabel" or "regression"
  hint: did you mean "binary"?
"#);
    insta::assert_snapshot!(with_train(&format!("{BINARY}\nsequense = \"s\""), ok), @r#"
DIR/card.toml:8: unknown key "sequense"
  hint: did you mean "sequence"?
"#);
    insta::assert_snapshot!(error_of(&card(BINARY).replace("schema = 1", "schema = 2"), &[]), @r#"
DIR/card.toml:1: unknown schema 2
  hint: this version reads schema = 1
"#);
    insta::assert_snapshot!(error_of(&card(BINARY).replace("id = \"t\"", "id = \"a b\""), &[]), @r#"
DIR/card.toml:2: id "a b" is not allowed
  hint: use ASCII letters, digits, "-", "_" and ".", and do not start with "."
"#);
    insta::assert_snapshot!(error_of(&card(BINARY).replace("train.csv\", sha", "../train.csv\", sha"), &[]), @r#"
DIR/card.toml:9: path "../train.csv" leaves the card's folder
  hint: write paths with / and without .., relative to the card's folder or a data folder
"#);
    insta::assert_snapshot!(error_of(&card(BINARY).replace("train.csv\", sha", "/etc/passwd\", sha"), &[]), @r#"
DIR/card.toml:9: path "/etc/passwd" leaves the card's folder
  hint: write paths with / and without .., relative to the card's folder or a data folder
"#);
    insta::assert_snapshot!(error_of(&card(BINARY), &[]), @r#"
DIR/card.toml: file "train.csv" is not in any of these folders: DIR
  hint: give the folder that contains it with --data-dir or SEQPROBE_DATA_DIR
"#);
    insta::assert_snapshot!(with_train("task = \"binary\"\npositive = 1", ok), @r#"
DIR/card.toml:5: target is missing
  hint: name the target column, or give every file a label
"#);
    insta::assert_snapshot!(with_train("task = \"binary\"\npositive = 1\ntarget = [\"a\", \"b\"]", ok), @r#"
DIR/card.toml:7: a binary task has one target, not 2
  hint: for several yes/no targets use task = "multilabel"
"#);
    insta::assert_snapshot!(with_train("task = \"multiclass\"\ntarget = \"label\"\nclasses = [0, 1]", ok), @r#"
DIR/card.toml:7: a multiclass task has three or more classes, not 2
  hint: for two classes use task = "binary" and positive
"#);
    insta::assert_snapshot!(with_train("task = \"regression\"\ntarget = [\"a\", \"a\"]", ok), @r#"DIR/card.toml:6: target "a" is named twice"#);
    insta::assert_snapshot!(with_train("task = \"regression\"\ntarget = []", ok), @"DIR/card.toml:6: target: the list is empty, expected at least one value");
    insta::assert_snapshot!(with_train(&format!("{BINARY}\nheader = false"), ok), @r#"
DIR/card.toml:8: column "sequence" is not a number
  hint: with header = false, columns (sequence too) are numbers from 0
"#);
    insta::assert_snapshot!(with_train(&format!("{BINARY}\ndelimiter = \"é\""), ok), @"DIR/card.toml:8: delimiter 'é' is not a single ASCII character that can separate fields");
    insta::assert_snapshot!(with_train(&format!("{BINARY}\nkmers = 0"), ok), @r#"
DIR/card.toml:8: kmers is 0
  hint: kmers is the length of the k-mers in the sequence column
"#);
}

#[test]
fn files_that_are_not_there_or_not_the_right_ones() {
    let sha = "0".repeat(64);
    let absent = card(BINARY)
        .replace("SHA(train.csv)", &sha)
        .replace("SHA(valid.csv)", &sha)
        .replace("SHA(test.csv)", &sha);
    insta::assert_snapshot!(error_of(&absent, &[]), @r#"
DIR/card.toml: file "train.csv" is not in any of these folders: DIR
  hint: give the folder that contains it with --data-dir or SEQPROBE_DATA_DIR
"#);
    let with_url = absent.replace("\" }\nvalid", "\", url = \"https://example.org/train.csv\" }\nvalid");
    insta::assert_snapshot!(error_of(&with_url, &[]), @r#"
DIR/card.toml: file "train.csv" is not in any of these folders: DIR
  hint: `seqprobe data fetch DIR/card.toml` downloads it from https://example.org/train.csv; or give the folder that contains it with --data-dir or SEQPROBE_DATA_DIR
"#);
    insta::assert_snapshot!(error_of(&absent, &[("train.csv", b"x")]), @r#"
DIR/train.csv: wrong SHA-256 digest
  expected 0000000000000000000000000000000000000000000000000000000000000000
  got      2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881
  hint: the card was written for another version of this file; get that version, or write a card with a new id and this digest
"#);
}

#[test]
fn rows_that_do_not_fit() {
    insta::assert_snapshot!(with_train(BINARY, ""), @"DIR/train.csv: is empty");
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\n"), @"DIR/train.csv: has no rows");
    insta::assert_snapshot!(with_train(BINARY, "sequence,lable\nACGT,0\n"), @r#"
DIR/train.csv: no column "label"
  hint: did you mean "lable"?
"#);
    insta::assert_snapshot!(with_train(BINARY, "sequence,label,label\nACGT,0,0\n"), @r#"DIR/train.csv:1: column "label" occurs more than once in the header"#);
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\nACGT,0\nACGT\n"), @"DIR/train.csv:3: expected 2 fields, as in the first line, got 1");
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\r\nACGT,0\r\n\r\nACXT,1\r\n"), @r#"
DIR/train.csv:4: sequence: letter 'X' at position 3 (1-based) is not DNA
  hint: allowed are A C G T U N and the IUPAC codes R Y S W K M B D H V, in either case
"#);
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\n\"AC\nGT\",0\nACGT,1\n"), @r#"
DIR/train.csv:2: sequence: letter '\n' at position 3 (1-based) is not DNA
  hint: allowed are A C G T U N and the IUPAC codes R Y S W K M B D H V, in either case
"#);
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\n,0\n"), @"DIR/train.csv:2: sequence: empty sequence");
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\nACGT,0\nACGT,nan\n"), @r#"
DIR/card.toml: class "1" has no rows in the train split
  hint: a classifier needs training rows of every class
"#);
    insta::assert_snapshot!(with_train("task = \"regression\"\ntarget = \"label\"", "sequence,label\nACGT,0\nACGT,inf\n"), @r#"
DIR/train.csv:3: column "label": target "inf" is not a finite number
  hint: leave the field of a missing value empty; numbers are at most 1.8e308
"#);
    insta::assert_snapshot!(with_train("task = \"regression\"\ntarget = \"label\"", "sequence,label\nACGT,0\nACGT,high\n"), @r#"
DIR/train.csv:3: column "label": target "high" is not a number
  hint: leave the field of a missing value empty, or write NA
"#);
    insta::assert_snapshot!(with_train("task = \"multilabel\"\ntarget = [\"label\"]", "sequence,label\nACGT,0\nACGT,2\n"), @r#"DIR/train.csv:3: column "label": target "2" is neither 0 nor 1"#);
    insta::assert_snapshot!(with_train(BINARY, b"sequence,label\nACGT,0\nAC\xffGT,1\n"), @"DIR/train.csv:3: is not UTF-8 text");
    insta::assert_snapshot!(with_train(BINARY, b"\xff\xfes\0e\0"), @r#"
DIR/train.csv: is UTF-16 or UTF-32 text, not a table or sequences
  hint: save it as UTF-8
"#);
    insta::assert_snapshot!(with_train(&format!("{BINARY}\nkmers = 3"), "sequence,label\nACG CGT,0\nACG GTT,1\n"), @r#"DIR/train.csv:3: k-mer 2 ("GTT") does not overlap the k-mer before it"#);
    let ids = |rows: &str| format!("id,sequence,label\n{rows}");
    let files = [ids("a,ACGT,0\nb,ACGT,1\n"), ids("c,ACGT,1\n"), ids("d,ACGT,0\nb,ACGT,1\n")];
    let named: Vec<(&str, &[u8])> =
        ["train.csv", "valid.csv", "test.csv"].into_iter().zip(files.iter().map(String::as_bytes)).collect();
    insta::assert_snapshot!(error_of(&card(&format!("{BINARY}\nexample_id = \"id\"")), &named), @r#"DIR/test.csv:3: duplicate example id "b", first seen at DIR/train.csv:3"#);
    insta::assert_snapshot!(with_train(&format!("{BINARY}\nchromosome = \"c\""), "c,sequence,label\nchr1:9-3,ACGT,0\n"), @r#"DIR/train.csv:2: "chr1:9-3" is not a position chr:start-end with start below end"#);
    insta::assert_snapshot!(with_train(&format!("{BINARY}\ngroup = \"g\""), "g,sequence,label\n,ACGT,0\n"), @"DIR/train.csv:2: the group is missing");
    let cut = gzip(ROWS.as_bytes());
    insta::assert_snapshot!(with_train(BINARY, &cut[..cut.len() - 9]), @r#"
DIR/train.csv:5: the compressed file is cut, damaged or has bytes behind its end (incomplete deflate stream)
  hint: copy or download it again
"#);
}

#[test]
fn a_line_of_64_mib_is_refused_not_read() {
    let mut text = b"sequence,label\n".to_vec();
    text.resize(66 << 20, b'A');
    insta::assert_snapshot!(with_train(BINARY, gzip(&text)), @r#"
DIR/train.csv:2: a line or record is longer than 64 MiB
  hint: look for a missing line break or an unclosed quote; sequences that are longer can be read from FASTA
"#);
}

#[test]
fn classes_that_do_not_fit() {
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\nACGT,0\nACGT,1\nACGT,2\n"), @r#"
DIR/card.toml: a binary task has exactly two target values, found 3: "0", "1", "2"
  hint: for more classes use task = "multiclass", for numbers task = "regression"
"#);
    insta::assert_snapshot!(with_train("task = \"binary\"\ntarget = \"label\"\npositive = \"yes\"", ROWS), @r#"
DIR/card.toml: positive = "yes" does not occur
  hint: the values of the target are "0", "1"
"#);
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\nACGT,0\nAAAA,0\n"), @r#"
DIR/card.toml: class "1" has no rows in the train split
  hint: a classifier needs training rows of every class
"#);
    insta::assert_snapshot!(with_train("task = \"multiclass\"\ntarget = \"label\"", ROWS), @r#"
DIR/card.toml: a multiclass task has three or more classes, found 2: "0", "1"
  hint: for two classes use task = "binary"
"#);
    insta::assert_snapshot!(with_train("task = \"multiclass\"\ntarget = \"label\"\nclasses = [0, 1, 2]", "sequence,label\nACGT,0\nAAAA,3\n"), @r#"
DIR/train.csv:3: class "3" is not in the card's classes
  hint: the classes are "0", "1", "2"
"#);
    insta::assert_snapshot!(with_train("task = \"multiclass\"\ntarget = \"label\"\nclasses = [0, 1, 2]", ROWS), @r#"
DIR/card.toml: class "2" has no rows in the train split
  hint: a classifier needs training rows of every class
"#);
    let empty = "sequence,label\nACGT,\n";
    insta::assert_snapshot!(
        error_of(&card(BINARY), &[("train.csv", ROWS.as_bytes()), ("valid.csv", empty.as_bytes()), ("test.csv", ROWS.as_bytes())]),
        @r#"
DIR/card.toml: the valid split has no rows
  hint: give it a larger share, or name other files, chromosomes or values
"#
    );
}

#[test]
fn splits_that_do_not_fit() {
    let random = "method = \"random\"\ninto = { train = 0.7, valid = 0.1, test = 0.2 }";
    insta::assert_snapshot!(with_rule(BINARY, "method = \"random\"\ninto = { train = 0.7, valid = 0.1 }", ROWS), @r#"DIR/card.toml:13: [[split]] of = "all": the shares of into add up to 0.8000, not 1, or one of them is negative"#);
    insta::assert_snapshot!(with_rule(BINARY, "method = \"random\"\ninto = { train = 0.5, valid = 0.5 }", ROWS), @r#"
DIR/card.toml:8: no file and no [[split]] fills the test split
  hint: train, valid and test are all needed
"#);
    insta::assert_snapshot!(with_rule(BINARY, "method = \"random\"", ROWS), @r#"
DIR/card.toml:12: [[split]] of = "all": into is missing
  hint: into = { train = 0.8, valid = 0.2 }
"#);
    insta::assert_snapshot!(with_rule(BINARY, "method = \"group\"\ninto = { train = 1.0 }", ROWS), @r#"DIR/card.toml:12: [[split]] of = "all": method = "group" needs the card's group column"#);
    insta::assert_snapshot!(with_rule(&format!("{BINARY}\ngroup = \"g\""), random, ROWS), @r#"
DIR/card.toml:13: [[split]] of = "all": a random split would divide groups
  hint: use method = "group"
"#);
    insta::assert_snapshot!(with_rule(BINARY, random, "sequence,label\nACGT,0\nAAAA,1\n"), @r#"
DIR/card.toml: the valid split has no rows
  hint: give it a larger share, or name other files, chromosomes or values
"#);
    insta::assert_snapshot!(error_of(&split_card(BINARY, random).replace("of = \"all\"", "of = \"al\""), &[]), @r#"
DIR/card.toml:11: [[split]] of = "al" names no file
  hint: the files are all
"#);
    insta::assert_snapshot!(error_of(split_card(BINARY, "").split("[[split]]").next().unwrap(), &[("all.csv", b"")]), @r#"
DIR/card.toml:9: file "all" is in no split
  hint: name it train, valid or test, or add [[split]] of = "all"
"#);

    let on_chromosomes = format!("{BINARY}\nchromosome = \"c\"");
    let rows = "c,sequence,label\nchr1,ACGT,0\nchr1,ACGA,1\nchr2,ACGT,1\nchr3,ACGT,0\n";
    insta::assert_snapshot!(with_rule(&on_chromosomes, "method = \"chromosome\"\nvalid = [\"chr2\"]\ntest = [\"chr9\"]", rows), @r#"
DIR/card.toml: [[split]] of = "all": no row is on chromosome "chr9"
  hint: the chromosomes are chr1, chr2, chr3
"#);
    insta::assert_snapshot!(with_rule(&on_chromosomes, "method = \"chromosome\"\nvalid = [\"chr2\"]\ntest = [\"chr2\"]", rows), @r#"DIR/card.toml:12: [[split]] of = "all": "chr2" is in two lists"#);
    insta::assert_snapshot!(with_rule(&on_chromosomes, "method = \"chromosome\"\ntrain = [\"chr1\"]\nvalid = [\"chr2\"]\ntest = []", rows), @r#"
DIR/all.csv:5: "chr3" is in no list of [[split]] of = "all"
  hint: add it to train, valid or test of that rule
"#);
    insta::assert_snapshot!(with_rule(BINARY, "method = \"column\"\ncolumn = \"fold\"", "fold,sequence,label\ntrain,ACGT,0\nother,ACGT,1\n"), @r#"
DIR/all.csv:3: "other" is in no list of [[split]] of = "all"
  hint: add it to train, valid or test of that rule; without lists the words are train, training, tr, valid, validation, val, dev, development, test, testing, holdout, held-out, heldout
"#);

    let grouped = "g,sequence,label\na,ACGT,0\na,AACC,1\n";
    let files: [(&str, &[u8]); 3] = [
        ("train.csv", grouped.as_bytes()),
        ("valid.csv", b"g,sequence,label\nb,ACGT,0\n"),
        ("test.csv", grouped.as_bytes()),
    ];
    insta::assert_snapshot!(error_of(&card(&format!("{BINARY}\ngroup = \"g\"")), &files), @r#"
DIR/test.csv:2: group "a" is in the test split here and in the train split at DIR/train.csv:2
  hint: split whole groups with [[split]] method = "group", or remove group from the card
"#);
}

#[test]
fn fasta_that_does_not_fit() {
    let keys = "task = \"binary\"\ntarget = \"header:label\"\npositive = \"1\"";
    insta::assert_snapshot!(with_train(keys, ">a label=1\nACGT\n>b label=0\n>c label=0\nAC\n"), @r#"DIR/train.csv:3: FASTA record "b" has no sequence"#);
    insta::assert_snapshot!(with_train(keys, ">a label=1\r\nAC\r\nGT\r\n\r\n>\r\nAC\r\n"), @"DIR/train.csv:5: a FASTA record without a name");
    insta::assert_snapshot!(with_train(keys, ">a label=1\nACGT\n>b\nAC\n"), @r#"DIR/train.csv:3: the definition line of "b" has no label=VALUE"#);
    insta::assert_snapshot!(with_train(keys, ">a label=1\nACGT\n>b label=0\nAC\nA*C\n"), @r#"
DIR/train.csv:3: sequence: letter '*' at position 4 (1-based) is not DNA
  hint: allowed are A C G T U N and the IUPAC codes R Y S W K M B D H V, in either case
"#);
    insta::assert_snapshot!(with_train(BINARY, ">a label=1\nACGT\n"), @r#"
DIR/train.csv: no column "label": this is FASTA
  hint: use "header" for the record name, "header:label" for label=VALUE in the definition line, "header|last" for its last part between |, or a side table
"#);
    insta::assert_snapshot!(with_train(&format!("{keys}\nformat = \"fasta\""), "ACGT\n>a label=1\nACGT\n"), @r#"DIR/train.csv:1: a FASTA file starts with ">""#);
    let table = card(BINARY).replace(
        "SHA(train.csv)\" }",
        "SHA(train.csv)\", table = { path = \"t.csv\", sha256 = \"SHA(t.csv)\", id = \"name\" } }",
    );
    let run = |rows: &str| {
        let files: [(&str, &[u8]); 4] = [
            ("train.csv", b">a\nACGT\n>b\nACCT\n"),
            ("t.csv", rows.as_bytes()),
            ("valid.csv", ROWS.as_bytes()),
            ("test.csv", ROWS.as_bytes()),
        ];
        error_of(&table, &files)
    };
    insta::assert_snapshot!(run("name,label\na,1\n"), @r#"DIR/train.csv:3: record "b" is not in the table DIR/t.csv"#);
    insta::assert_snapshot!(run("name,label\na,1\na,0\n"), @r#"DIR/t.csv:3: duplicate id "a", first seen at line 2"#);
}

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
    insta::assert_snapshot!(with_train("task = \"binry\"\ntarget = \"label\"", ok), @"");
    insta::assert_snapshot!(with_train(&format!("{BINARY}\nsequense = \"s\""), ok), @"");
    insta::assert_snapshot!(error_of(&card(BINARY).replace("schema = 1", "schema = 2"), &[]), @"");
    insta::assert_snapshot!(error_of(&card(BINARY).replace("id = \"t\"", "id = \"a b\""), &[]), @"");
    insta::assert_snapshot!(error_of(&card(BINARY).replace("train.csv\", sha", "../train.csv\", sha"), &[]), @"");
    insta::assert_snapshot!(error_of(&card(BINARY).replace("train.csv\", sha", "/etc/passwd\", sha"), &[]), @"");
    insta::assert_snapshot!(error_of(&card(BINARY), &[]), @"");
    insta::assert_snapshot!(with_train("task = \"binary\"\ntarget = \"label\"", ok), @"");
    insta::assert_snapshot!(with_train("task = \"binary\"\npositive = 1", ok), @"");
    insta::assert_snapshot!(with_train("task = \"binary\"\npositive = 1\ntarget = [\"a\", \"b\"]", ok), @"");
    insta::assert_snapshot!(with_train("task = \"multiclass\"\ntarget = \"label\"\nclasses = [0, 1]", ok), @"");
    insta::assert_snapshot!(with_train("task = \"regression\"\ntarget = [\"a\", \"a\"]", ok), @"");
    insta::assert_snapshot!(with_train("task = \"regression\"\ntarget = []", ok), @"");
    insta::assert_snapshot!(with_train(&format!("{BINARY}\nheader = false"), ok), @"");
    insta::assert_snapshot!(with_train(&format!("{BINARY}\ndelimiter = \"é\""), ok), @"");
    insta::assert_snapshot!(with_train(&format!("{BINARY}\nkmers = 0"), ok), @"");
}

#[test]
fn files_that_are_not_there_or_not_the_right_ones() {
    let sha = "0".repeat(64);
    let absent = card(BINARY).replace("SHA(train.csv)", &sha).replace("SHA(valid.csv)", &sha).replace("SHA(test.csv)", &sha);
    insta::assert_snapshot!(error_of(&absent, &[]), @"");
    let with_url = absent.replace("\" }\nvalid", "\", url = \"https://example.org/train.csv\" }\nvalid");
    insta::assert_snapshot!(error_of(&with_url, &[]), @"");
    insta::assert_snapshot!(error_of(&absent, &[("train.csv", b"x")]), @"");
}

#[test]
fn rows_that_do_not_fit() {
    insta::assert_snapshot!(with_train(BINARY, ""), @"");
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\n"), @"");
    insta::assert_snapshot!(with_train(BINARY, "sequence,lable\nACGT,0\n"), @"");
    insta::assert_snapshot!(with_train(BINARY, "sequence,label,label\nACGT,0,0\n"), @"");
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\nACGT,0\nACGT\n"), @"");
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\r\nACGT,0\r\n\r\nACXT,1\r\n"), @"");
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\n\"AC\nGT\",0\nACGT,1\n"), @"");
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\n,0\n"), @"");
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\nACGT,0\nACGT,nan\n"), @"");
    insta::assert_snapshot!(with_train("task = \"regression\"\ntarget = \"label\"", "sequence,label\nACGT,0\nACGT,inf\n"), @"");
    insta::assert_snapshot!(with_train("task = \"regression\"\ntarget = \"label\"", "sequence,label\nACGT,0\nACGT,high\n"), @"");
    insta::assert_snapshot!(with_train("task = \"multilabel\"\ntarget = [\"label\"]", "sequence,label\nACGT,0\nACGT,2\n"), @"");
    insta::assert_snapshot!(with_train(BINARY, b"sequence,label\nACGT,0\nAC\xffGT,1\n"), @"");
    insta::assert_snapshot!(with_train(BINARY, b"\xff\xfes\0e\0"), @"");
    insta::assert_snapshot!(with_train(&format!("{BINARY}\nkmers = 3"), "sequence,label\nACG CGT,0\nACG GTT,1\n"), @"");
    insta::assert_snapshot!(with_train(&format!("{BINARY}\nexample_id = \"id\""), "id,sequence,label\na,ACGT,0\nb,ACGT,1\na,ACGT,1\n"), @"");
    insta::assert_snapshot!(with_train(&format!("{BINARY}\nchromosome = \"c\""), "c,sequence,label\nchr1:9-3,ACGT,0\n"), @"");
    insta::assert_snapshot!(with_train(&format!("{BINARY}\ngroup = \"g\""), "g,sequence,label\n,ACGT,0\n"), @"");
    let cut = gzip(ROWS.as_bytes());
    insta::assert_snapshot!(with_train(BINARY, &cut[..cut.len() - 9]), @"");
}

#[test]
fn a_line_of_64_mib_is_refused_not_read() {
    let mut text = b"sequence,label\n".to_vec();
    text.resize(66 << 20, b'A');
    insta::assert_snapshot!(with_train(BINARY, gzip(&text)), @"");
    let mut text = b">a\n".to_vec();
    text.resize(66 << 20, b'A');
    insta::assert_snapshot!(with_train("task = \"binary\"\ntarget = \"header:label\"\npositive = \"1\"", gzip(&text)), @"");
}

#[test]
fn classes_that_do_not_fit() {
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\nACGT,0\nACGT,1\nACGT,2\n"), @"");
    insta::assert_snapshot!(with_train("task = \"binary\"\ntarget = \"label\"\npositive = \"yes\"", ROWS), @"");
    insta::assert_snapshot!(with_train(BINARY, "sequence,label\nACGT,0\nAAAA,0\n"), @"");
    insta::assert_snapshot!(with_train("task = \"multiclass\"\ntarget = \"label\"", ROWS), @"");
    insta::assert_snapshot!(with_train("task = \"multiclass\"\ntarget = \"label\"\nclasses = [0, 1, 2]", "sequence,label\nACGT,0\nAAAA,3\n"), @"");
    insta::assert_snapshot!(with_train("task = \"multiclass\"\ntarget = \"label\"\nclasses = [0, 1, 2]", ROWS), @"");
    let empty = "sequence,label\nACGT,\n";
    insta::assert_snapshot!(
        error_of(&card(BINARY), &[("train.csv", ROWS.as_bytes()), ("valid.csv", empty.as_bytes()), ("test.csv", ROWS.as_bytes())]),
        @""
    );
}

#[test]
fn splits_that_do_not_fit() {
    let random = "method = \"random\"\ninto = { train = 0.7, valid = 0.1, test = 0.2 }";
    insta::assert_snapshot!(with_rule(BINARY, "method = \"random\"\ninto = { train = 0.7, valid = 0.1 }", ROWS), @"");
    insta::assert_snapshot!(with_rule(BINARY, "method = \"random\"\ninto = { train = 0.5, valid = 0.5 }", ROWS), @"");
    insta::assert_snapshot!(with_rule(BINARY, "method = \"random\"", ROWS), @"");
    insta::assert_snapshot!(with_rule(BINARY, "method = \"group\"\ninto = { train = 1.0 }", ROWS), @"");
    insta::assert_snapshot!(with_rule(&format!("{BINARY}\ngroup = \"g\""), random, ROWS), @"");
    insta::assert_snapshot!(with_rule(BINARY, random, "sequence,label\nACGT,0\nAAAA,1\n"), @"");
    insta::assert_snapshot!(error_of(&split_card(BINARY, random).replace("of = \"all\"", "of = \"al\""), &[]), @"");
    insta::assert_snapshot!(error_of(split_card(BINARY, "").split("[[split]]").next().unwrap(), &[("all.csv", b"")]), @"");

    let on_chromosomes = format!("{BINARY}\nchromosome = \"c\"");
    let rows = "c,sequence,label\nchr1,ACGT,0\nchr1,ACGA,1\nchr2,ACGT,1\nchr3,ACGT,0\n";
    insta::assert_snapshot!(with_rule(&on_chromosomes, "method = \"chromosome\"\nvalid = [\"chr2\"]\ntest = [\"chr9\"]", rows), @"");
    insta::assert_snapshot!(with_rule(&on_chromosomes, "method = \"chromosome\"\nvalid = [\"chr2\"]\ntest = [\"chr2\"]", rows), @"");
    insta::assert_snapshot!(with_rule(&on_chromosomes, "method = \"chromosome\"\ntrain = [\"chr1\"]\nvalid = [\"chr2\"]\ntest = []", rows), @"");
    insta::assert_snapshot!(with_rule(BINARY, "method = \"column\"\ncolumn = \"fold\"", "fold,sequence,label\ntrain,ACGT,0\nother,ACGT,1\n"), @"");

    let grouped = "g,sequence,label\na,ACGT,0\na,AACC,1\n";
    let files: [(&str, &[u8]); 3] =
        [("train.csv", grouped.as_bytes()), ("valid.csv", b"g,sequence,label\nb,ACGT,0\n"), ("test.csv", grouped.as_bytes())];
    insta::assert_snapshot!(error_of(&card(&format!("{BINARY}\ngroup = \"g\"")), &files), @"");
}

#[test]
fn fasta_that_does_not_fit() {
    let keys = "task = \"binary\"\ntarget = \"header:label\"\npositive = \"1\"";
    insta::assert_snapshot!(with_train(keys, ">a label=1\nACGT\n>b label=0\n>c label=0\nAC\n"), @"");
    insta::assert_snapshot!(with_train(keys, ">a label=1\r\nAC\r\nGT\r\n\r\n>\r\nAC\r\n"), @"");
    insta::assert_snapshot!(with_train(keys, ">a label=1\nACGT\n>b\nAC\n"), @"");
    insta::assert_snapshot!(with_train(keys, ">a label=1\nACGT\n>b label=0\nAC\nA*C\n"), @"");
    insta::assert_snapshot!(with_train(BINARY, ">a label=1\nACGT\n"), @"");
    insta::assert_snapshot!(with_train(&format!("{keys}\nformat = \"fasta\""), "ACGT\n>a label=1\nACGT\n"), @"");
    let table = card(BINARY).replace("SHA(train.csv)\" }", "SHA(train.csv)\", table = { path = \"t.csv\", sha256 = \"SHA(t.csv)\", id = \"name\" } }");
    let run = |rows: &str| {
        let files: [(&str, &[u8]); 4] = [
            ("train.csv", b">a\nACGT\n>b\nACCT\n"),
            ("t.csv", rows.as_bytes()),
            ("valid.csv", ROWS.as_bytes()),
            ("test.csv", ROWS.as_bytes()),
        ];
        error_of(&table, &files)
    };
    insta::assert_snapshot!(run("name,label\na,1\n"), @"");
    insta::assert_snapshot!(run("name,label\na,1\na,0\n"), @"");
}

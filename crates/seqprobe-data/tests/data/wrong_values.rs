//! Every key of a card with a value of every type: accepted, or an error with line, key and what is allowed.

#[path = "../../../../tests/src/wrong_values.rs"]
#[expect(unreachable_pub, reason = "a file that several packages use")]
mod values;

use seqprobe_data::Card;
use values::{check_message, trials};

const RIGHT: &str = r#"
schema = 1
id = "t"
title = "t"
task = "binary"
metric = "auroc"
target = "label"
positive = "1"
[files]
all = { path = "a.fa", sha256 = "0000000000000000000000000000000000000000000000000000000000000000", table = { path = "t.csv", sha256 = "0000000000000000000000000000000000000000000000000000000000000000", id = "id" } }
[[split]]
of = "all"
method = "random"
into = { train = 0.7, valid = 0.1, test = 0.2 }
"#;

fn card(text: &str) -> Result<Card, String> {
    Card::parse(text, "card.toml", "".into()).map_err(|error| error.to_string())
}

#[test]
fn a_wrong_value_names_its_line_and_key_and_what_is_allowed() {
    card(RIGHT).unwrap();
    let schema = include_str!("../../../../docs/src/reference/card.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let (mut n_refused, mut n_accepted) = (0, 0);
    for trial in trials(&schema, &RIGHT.parse().unwrap()) {
        match card(&trial.text) {
            Ok(_) => n_accepted += 1,
            Err(message) => {
                n_refused += 1;
                check_message(&trial, "card.toml", &message);
            }
        }
    }
    assert!(n_refused > 200 && n_accepted > 40, "{n_refused} {n_accepted}");
}

#[test]
fn the_line_is_that_of_the_key() {
    for (old, new, message) in [
        ("task = \"binary\"", "task = \"binry\"", "card.toml:5: task is \"binry\", expected \"binary\", "),
        ("task = \"binary\"", "task = 3", "card.toml:5: task is 3, expected \"binary\", "),
        (
            "method = \"random\"",
            "method = \"stratified\"",
            "card.toml:13: split 1: method is \"stratified\", expected \"random\", ",
        ),
        (
            "train = 0.7",
            "train = 70",
            "card.toml:14: [[split]] of = \"all\": the shares of into add up to 70.3",
        ),
        ("train = 0.7", "train = \"70%\"", "card.toml:14: split 1: into.train is \"70%\", expected a number"),
        ("id = \"t\"\n", "id = \"a b\"\n", "card.toml:3: id \"a b\" is not allowed"),
        ("positive = \"1\"", "kmers = 0.5", "card.toml:8: kmers is 0.5, expected a whole number from 0"),
        ("\"a.fa\"", "\"../a.fa\"", "card.toml:10: path \"../a.fa\" leaves"),
        ("\"t.csv\"", "7", "card.toml:10: files.all.table.path is 7, expected a text in quotes"),
        (
            "target = \"label\"",
            "delimiter = \"tab\"",
            "card.toml:7: delimiter is \"tab\", expected one character in quotes",
        ),
        (
            "target = \"label\"",
            "target = []",
            "card.toml:7: target: the list is empty, expected at least one value",
        ),
    ] {
        assert!(RIGHT.contains(old), "{old}");
        let found = card(&RIGHT.replacen(old, new, 1)).unwrap_err();
        assert!(found.starts_with(message), "{found}\n{message}");
    }
}

//! Every key of a suite with a value of every type: accepted, or an error with line, key and what is allowed.

#[path = "../../../../tests/src/wrong_values.rs"]
#[expect(unreachable_pub, reason = "a file that several packages use")]
mod values;

use crate::suite::Suite;
use values::{check_message, trials};

const RIGHT: &str = r#"
schema = 1
name = "s"
seeds = [0]
datasets = ["card.toml"]
[simulate]
train = 10
[[representation]]
model = "m"
layers = [1, "final"]
window = { size = 10, stride = 5 }
[[probe]]
id = "ID"
"#;

fn suite(text: &str) -> Result<Suite, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("suite.toml");
    std::fs::write(&path, text).unwrap();
    Suite::read(&path).map_err(|error| {
        error
            .to_string()
            .replace(&folder.path().display().to_string(), "")
            .replace("/suite.toml", "suite.toml")
    })
}

#[test]
fn a_wrong_value_names_its_line_and_key_and_what_is_allowed() {
    let schema = include_str!("../../../../docs/src/reference/suite.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let (mut n_refused, mut n_accepted) = (0, 0);
    for id in ["linear", "elastic-net", "dexter", "mlp", "attention"] {
        let right = RIGHT.replace("ID", id);
        suite(&right).unwrap_or_else(|error| panic!("{error}"));
        for trial in trials(&schema, &right.parse().unwrap()) {
            match suite(&trial.text) {
                Ok(_) => n_accepted += 1,
                Err(message) => {
                    n_refused += 1;
                    check_message(&trial, "suite.toml", &message);
                }
            }
        }
    }
    assert!(n_refused > 1500 && n_accepted > 100, "{n_refused} {n_accepted}");
}

#[test]
fn the_line_is_that_of_the_key() {
    let right = RIGHT.replace("ID", "linear");
    for (old, new, message) in [
        (
            "seeds = [0]",
            "controls = \"none\"",
            "4: controls is \"none\", expected true, false or a list of controls",
        ),
        ("seeds = [0]", "controls = 0", "4: controls is 0, expected true, false or a list of controls"),
        (
            "seeds = [0]",
            "controls = [\"one-hot\"]",
            "4: unknown control \"one-hot\"\n  hint: did you mean \"onehot\"?",
        ),
        (
            "seeds = [0]",
            "seeds = 5",
            "4: seeds is 5, expected a list in [ ], each value a whole number from 0",
        ),
        ("seeds = [0]", "seeds = [0.5]", "4: seeds holds 0.5, expected a whole number from 0"),
        ("seeds = [0]", "seeds = [1, 1]", "4: seeds must be a non-empty list of distinct numbers"),
        ("seeds = [0]", "replicates = 0", "4: replicates is 0, expected a number from 100 to 1000000"),
        ("seeds = [0]", "fractions = [10]", "4: fractions is 10, expected a number above 0 and at most 1"),
        ("seeds = [0]", "drop_leaks = true", "4: drop_leaks is true, expected \""),
        ("datasets =", "dataset =", "5: unknown key \"dataset\"\n  hint: did you mean \"datasets\"?"),
        (
            "[\"card.toml\"]",
            "\"card.toml\"",
            "5: datasets is \"card.toml\", expected a list in [ ], each value a text",
        ),
        (
            "layers = [1, \"final\"]",
            "layers = [-1]",
            "10: representation 1: layers holds -1, expected \"final\" or a number from 0",
        ),
        (
            "layers = [1, \"final\"]",
            "layers = 3.5",
            "10: representation 1: layers is 3.5, expected \"all\" or a list",
        ),
        ("layers = [1, \"final\"]", "layers = \"last\"", "10: representation 1: layers: "),
        (
            "layers = [1, \"final\"]",
            "pooling = \"avg\"",
            "10: representation 1: pooling is \"avg\", expected a list of poolings",
        ),
        (
            "layers = [1, \"final\"]",
            "pooling = [\"avg\"]",
            "10: representation 1: pooling: pooling \"avg\" does not exist",
        ),
        (
            "layers = [1, \"final\"]",
            "rc = true",
            "10: representation 1: rc is true, expected \"forward\" or \"average\"",
        ),
        (
            "{ size = 10, stride = 5 }",
            "100",
            "11: representation 1: window is 100, expected a table with the keys size, stride",
        ),
        (
            "{ size = 10, stride = 5 }",
            "{ size = 10, stride = 50 }",
            "11: representation 1: window: window of 10 bases",
        ),
        (
            "id = \"linear\"",
            "id = \"linera\"",
            "13: probe 1: unknown probe \"linera\"\n  hint: did you mean \"linear\"?",
        ),
        ("id = \"linear\"", "id = 3", "13: probe 1: id is 3, expected a text in quotes"),
        (
            "id = \"linear\"",
            "id = \"linear\"\npenalties = 1.0",
            "14: probe 1: linear: penalties is 1.0, expected a list in [ ], each value a number",
        ),
        (
            "id = \"linear\"",
            "id = \"linear\"\nfold = 3",
            "14: probe 1: linear: unknown key \"fold\"\n  hint: did you mean \"folds\"?",
        ),
        ("id = \"linear\"", "folds = 3", "12: probe 1: the key \"id\" is missing"),
    ] {
        assert!(right.contains(old), "{old}");
        let found = suite(&right.replacen(old, new, 1)).err().unwrap_or_else(|| panic!("{new} is accepted"));
        assert!(found.starts_with(&format!("suite.toml:{message}")), "{found}\n{message}");
    }
    let empty = suite("schema = 1\nname = \"s\"\nprobe = [\"linear\"]\n").err().unwrap();
    assert!(
        empty.starts_with("suite.toml:3: probe holds \"linear\", expected a table with the key id"),
        "{empty}"
    );
    for text in ["{\"schema\": 1}", "schema: 1\nname: s\n"] {
        let found = suite(text).err().unwrap();
        assert!(found.starts_with("suite.toml:1: not TOML: ") && found.contains("write TOML"), "{found}");
    }
}

//! Layers, parts of the training split and description lengths, through the program.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{root, rows, run_well, write};
use std::fs;
use std::path::Path;

/// A small GPN of the parity fixtures.
fn model() -> String {
    let models = fs::read_dir(root().join("crates/seqprobe-models/tests/fixtures/models/gpn")).unwrap();
    let models = models.map(|entry| entry.unwrap().path());
    models.filter(|path| path.join("config.json").exists()).min().unwrap().display().to_string()
}

fn suite(folder: &Path, keys: &str) {
    let text = format!(
        r#"schema = 1
name = "swept"
replicates = 200
{keys}controls = ["onehot", "composition", "random"]
datasets = ["sim:gc", "sim:additive"]
[simulate]
train = 240
valid = 80
test = 160
length = 40
[[representation]]
model = {:?}
layers = "all"
pooling = ["mean"]
[[probe]]
id = "linear"
"#,
        model()
    );
    write(folder, "suite.toml", &text);
}

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap()
}

fn record(folder: &Path) -> serde_json::Value {
    serde_json::from_str(&read(folder, "run.json")).unwrap()
}

#[test]
fn parts_of_train_widen_the_report_and_change_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    suite(folder.path(), "");
    run_well(folder.path(), &["run", "suite.toml", "--out", "whole"]);
    suite(folder.path(), "fractions = [0.1, 0.5, 1.0]\ndraws = 3\n");
    let ended = run_well(folder.path(), &["run", "suite.toml", "--out", "parts"]);
    assert!(ended.stdout.contains("by part of the training split"), "{}", ended.stdout);
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    assert_eq!(read(&whole, "verdicts.csv"), read(&parts, "verdicts.csv"));
    let results = |folder: &Path| rows(&folder.join("results.csv"));
    let is_whole = |row: &&std::collections::BTreeMap<String, String>| row["fraction"] == "1";
    let (of_whole, of_parts) = (results(&whole), results(&parts));
    assert!(
        of_whole.iter().eq(of_parts.iter().filter(is_whole)),
        "all of train gives the same with and without parts"
    );
    let part = |fraction: &str, dataset: &str, representation: &str| -> Vec<f64> {
        let mut numbers = of_parts.iter().filter(|row| {
            row["fraction"] == fraction
                && row["dataset"] == dataset
                && row["representation"] == representation
                && row["split"] == "test"
                && ["auroc", "pearson"].contains(&row["metric"].as_str())
        });
        let row = numbers.next().unwrap();
        assert_eq!(row["n_seeds"], if fraction == "1" { "1" } else { "3" }, "draws count as seeds: {row:?}");
        ["point", "lower", "upper"].map(|column| row[column].parse().unwrap()).to_vec()
    };
    // More to learn from makes a better probe of what must be learned.
    let (tenth, half, all) = (
        part("0.1", "sim:additive", "onehot")[0],
        part("0.5", "sim:additive", "onehot")[0],
        part("1", "sim:additive", "onehot")[0],
    );
    assert!(tenth < half && half < all, "{tenth} {half} {all}");
    // The spread of the draws is in the interval.
    let width = |numbers: &[f64]| numbers[2] - numbers[1];
    let (tenth, all) = (part("0.1", "sim:gc", "onehot"), part("1", "sim:gc", "onehot"));
    assert!(width(&tenth) > width(&all), "{tenth:?} {all:?}");
    // Every layer is drawn, one of them is marked for the model and one for its random initialisation.
    let html = read(&parts, "report.html");
    assert!(html.contains("by layer</b>") && html.contains("by part of the training split</b>"));
    assert_eq!(
        html.matches(", chosen on validation</title>").count(),
        4,
        "two representations on two datasets"
    );
    for file in ["layers-01-sim-gc.svg", "fractions-02-sim-additive.svg"] {
        assert!(read(&parts, &format!("figures/{file}")).contains("</svg>"), "{file}");
    }
}

#[test]
fn description_lengths_are_told_for_classes_with_their_range() {
    let folder = tempfile::tempdir().unwrap();
    suite(folder.path(), "");
    run_well(folder.path(), &["run", "suite.toml", "--out", "without"]);
    let n_described = |run: &serde_json::Value| {
        run["cells"].as_array().unwrap().iter().filter(|cell| cell.get("description").is_some()).count()
    };
    let without = record(&folder.path().join("without"));
    assert_eq!(n_described(&without), 0);

    suite(folder.path(), "description_length = true\n");
    let ended = run_well(folder.path(), &["run", "suite.toml", "--out", "with"]);
    let with = record(&folder.path().join("with"));
    let cells = with["cells"].as_array().unwrap();
    // No cell is fitted again for it: all that were fitted are read.
    let fitted = |cell: &&serde_json::Value| cell["status"] == "ok" && cell["id"]["probe"] == "linear";
    assert!(cells.iter().filter(fitted).all(|cell| cell["reused"] == true), "{}", ended.stdout);
    let of_classes = cells.iter().filter(fitted).filter(|cell| cell["id"]["dataset"] == "sim:gc").count();
    assert!(of_classes > 5 && n_described(&with) == of_classes, "{} of {of_classes}", n_described(&with));
    let composition = cells
        .iter()
        .find(|cell| cell["id"]["dataset"] == "sim:gc" && cell["id"]["representation"] == "composition")
        .unwrap();
    let description = &composition["description"];
    let number = |of: &serde_json::Value, key: &str| of[key].as_f64().unwrap();
    let (bits, compression) = (&description["bits"], &description["compression"]);
    assert_eq!((description["n_orders"].as_u64(), number(description, "uniform_bits")), (Some(3), 240.0));
    assert!(number(bits, "lowest") < number(bits, "mean") && number(bits, "mean") < number(bits, "highest"));
    assert!(number(bits, "highest") < 240.0 && number(compression, "lowest") > 1.0, "{description}");
    let middle = 240.0 / number(compression, "mean");
    assert!((number(bits, "lowest")..number(bits, "highest")).contains(&middle), "{description}");
    for text in [ended.stdout, read(&folder.path().join("with"), "report.md")] {
        assert!(text.contains("Description length of the training labels"), "{text}");
    }
    // Everything is stored: a third run gives the same to the last bit.
    run_well(folder.path(), &["run", "suite.toml", "--out", "again"]);
    let again = record(&folder.path().join("again"));
    let descriptions = |run: &serde_json::Value| -> Vec<serde_json::Value> {
        run["cells"].as_array().unwrap().iter().filter_map(|cell| cell.get("description").cloned()).collect()
    };
    assert_eq!(descriptions(&with), descriptions(&again));
}

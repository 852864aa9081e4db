//! What help texts and reference pages say about defaults is what the program does: leaving a key out and writing its
//! documented default give the same cells and the same numbers.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{root, run_well, small_suite, write};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// `key = default` for each row `| key | default | …` of the table below a heading of a reference page, where the default
/// is one TOML value. `column` is the place of the default in the row, from 0.
fn defaults(page: &str, heading: &str, column: usize) -> Vec<String> {
    let text = fs::read_to_string(root().join("docs/src/reference").join(page)).unwrap();
    let section = text.split(heading).nth(1).unwrap_or_else(|| panic!("{page} has no {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.split(" | ").collect();
        let key = cells.first()?.strip_prefix('`')?.strip_suffix('`')?;
        let default = cells.get(column)?.trim_matches('`');
        let line = format!("{key} = {default}");
        line.parse::<toml::Table>().is_ok().then_some(line)
    });
    lines.collect()
}

/// A small suite; the extra lines go to the suite, to its model, and to its probe `cnn`.
fn suite(of_suite: &[String], of_model: &[String], of_probe: &[String]) -> String {
    let mut text =
        "schema = 1\nname = \"defaults\"\ndatasets = [\"sim:motif-fixed\"]\nfractions = [0.5]\n".to_owned();
    let mut add = |more: &str, lines: &[String]| {
        let _ = write!(text, "{}\n{more}\n", lines.join("\n"));
    };
    add(
        "[simulate]\ntrain = 60\nvalid = 30\ntest = 40\nlength = 20\n[[representation]]\nmodel = \"random:model\"",
        of_suite,
    );
    add("[[representation]]\nid = \"onehot\"\n[[probe]]\nid = \"linear\"\n[[probe]]\nid = \"cnn\"", of_model);
    add("", of_probe);
    text
}

fn tables(folder: &Path, out: &str) -> [String; 2] {
    ["results.csv", "verdicts.csv"].map(|name| fs::read_to_string(folder.join(out).join(name)).unwrap())
}

#[test]
fn a_documented_default_is_what_a_missing_key_means() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_suite(at);
    let of_suite = defaults("suites.md", "## The suite", 1);
    let of_model = defaults("suites.md", "## `[[representation]]`", 2);
    let of_probe = defaults("neural-probes.md", "| key | default | meaning |", 1);
    assert!(of_suite.contains(&"margin = 0.01".to_owned()) && of_suite.len() >= 6, "{of_suite:?}");
    assert!(of_model.contains(&"rc = \"forward\"".to_owned()) && of_model.len() >= 4, "{of_model:?}");
    assert!(of_probe.contains(&"optimiser = \"adamw\"".to_owned()) && of_probe.len() >= 5, "{of_probe:?}");

    write(at, "short.toml", &suite(&[], &[], &[]));
    write(at, "long.toml", &suite(&of_suite, &of_model, &of_probe));
    run_well(at, &["run", "short.toml", "--out", "short"]);
    run_well(at, &["run", "long.toml", "--out", "long"]);
    let record: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(at.join("long/run.json")).unwrap()).unwrap();
    let cells = record["cells"].as_array().unwrap().iter();
    let fitted: Vec<_> = cells.filter(|cell| cell["status"] == "ok" && cell["id"]["probe"] != "-").collect();
    assert!(fitted.len() > 10, "{fitted:#?}");
    let again: Vec<_> = fitted.iter().filter(|cell| cell["reused"] != true).map(|cell| &cell["id"]).collect();
    assert!(again.is_empty(), "these cells are others with the documented defaults: {again:#?}");
    assert_eq!(tables(at, "short"), tables(at, "long"));

    let other = |line: &String| {
        if line.starts_with("replicates") { "replicates = 100".to_owned() } else { line.clone() }
    };
    write(at, "other.toml", &suite(&of_suite.iter().map(other).collect::<Vec<_>>(), &[], &[]));
    run_well(at, &["run", "other.toml", "--out", "other"]);
    assert_ne!(tables(at, "short")[0], tables(at, "other")[0], "the comparison above can fail");
}

#[test]
fn the_help_names_the_metrics_that_are_used_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let help = run_well(at, &["probe", "--help"]).stdout;
    let of_metric = help.split("--metric").nth(1).and_then(|rest| rest.split("\n      --").next()).unwrap();
    for (name, target) in [("classes", "1"), ("numbers", "0.25")] {
        let mut text = "sequence,target\n".to_owned();
        for number in 0_usize..120 {
            let bases: String =
                (0..12).map(|place| char::from(b"ACGT"[(number * 7 + place * number) % 4])).collect();
            let value = if number % 3 == 0 {
                "0".to_owned()
            } else if target == "1" {
                "1".to_owned()
            } else {
                format!("{}.5", number % 17)
            };
            let _ = writeln!(text, "{bases},{value}");
        }
        write(at, &format!("{name}.csv"), &text);
        let arguments = ["--target", "target", "--probes", "linear", "--controls", "none", "--seeds", "1"];
        run_well(at, &[&["probe", &format!("{name}.csv"), "--out", name][..], &arguments].concat());
        let record = fs::read_to_string(at.join(name).join("run.json")).unwrap();
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        let used = record["datasets"][0]["metric"].as_str().unwrap();
        assert!(of_metric.contains(used), "{name}: {used} is used, but the help says: {of_metric}");
    }
}

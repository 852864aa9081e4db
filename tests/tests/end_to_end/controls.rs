//! Controls through the program: they are in every run unless switched off, shuffled labels score at chance, and
//! planted knowledge is found.

use seqprobe_tests::{root, rows, run, run_well, small_suite, write};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

type Row = BTreeMap<String, String>;

/// The rows of the primary metric on test.
fn headlines(folder: &Path, metric: &str) -> Vec<Row> {
    let mut rows = rows(&folder.join("results.csv"));
    rows.retain(|row| row["metric"] == metric && row["split"] == "test");
    rows
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} of {row:?}"))
}

#[test]
fn a_suite_of_a_model_alone_gets_its_baselines_and_controls() {
    let folder = tempfile::tempdir().unwrap();
    let model = root().join("crates/seqprobe-models/tests/fixtures/models/gpn");
    let model = fs::read_dir(model).unwrap().map(|entry| entry.unwrap().path());
    let model = model.filter(|path| path.join("config.json").exists()).min().unwrap();
    let suite = |controls: &str| {
        format!(
            "schema = 1\nname = \"alone\"\nreplicates = 200\n{controls}datasets = [\"sim:gc\"]\n[simulate]\ntrain = 120\nvalid = 60\ntest = 80\nlength = 40\n[[representation]]\nmodel = {:?}\npooling = [\"mean\"]\n[[probe]]\nid = \"linear\"\n",
            model.display().to_string()
        )
    };
    let names = |controls: &str| -> BTreeSet<String> {
        write(folder.path(), "suite.toml", &suite(controls));
        run_well(folder.path(), &["run", "suite.toml", "--out", "out"]);
        let rows = rows(&folder.path().join("out/results.csv"));
        let name = |row: &Row| row["representation"].replace(&model.display().to_string(), "M");
        rows.iter().filter(|row| row["status"] == "ok").map(name).collect()
    };
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
    let all = [
        "M",
        "random:M",
        "onehot",
        "kmer-4",
        "composition",
        "shuffled-labels",
        "majority",
        "best-rule",
        "oracle",
    ];
    assert_eq!(names(""), set(&all));
    let results = headlines(&folder.path().join("out"), "auroc");
    let cell = |name: &str| results.iter().find(|row| row["representation"] == name).unwrap();
    // Three draws of the architecture, five permutations of the labels.
    let random = results.iter().find(|row| row["representation"].starts_with("random:")).unwrap();
    assert_eq!((random["n_seeds"].as_str(), random["variant"].as_str()), ("3", "draws-3"));
    assert_eq!(cell("shuffled-labels")["n_seeds"], "5");
    assert_eq!(cell("shuffled-labels")["variant"], model.display().to_string());
    let verdicts = rows(&folder.path().join("out/verdicts.csv"));
    let baselines: BTreeSet<&str> = verdicts.iter().map(|row| row["baseline"].as_str()).collect();
    assert_eq!(baselines, BTreeSet::from(["onehot", "kmer-4", "best-rule"]));

    assert_eq!(names("controls = false\n"), set(&["M", "oracle"]));
    let some = "controls = [\"random\", \"constant\"]\n";
    assert_eq!(names(some), set(&["M", "random:M", "majority", "oracle"]));
    write(folder.path(), "suite.toml", &suite("controls = [\"randon\"]\n"));
    let wrong = run(folder.path(), &["run", "suite.toml", "--out", "out"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("did you mean \"random\"?"), "{}", wrong.stderr);
}

#[test]
fn what_the_controls_give_away_is_said_first_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path());
    let model = root().join("crates/seqprobe-models/tests/fixtures/models/gpn");
    let model = fs::read_dir(model).unwrap().map(|entry| entry.unwrap().path());
    let model = model.filter(|path| path.join("config.json").exists()).min().unwrap().display().to_string();
    let suite = format!(
        "schema = 1\nname = \"null\"\nreplicates = 200\ndatasets = [\"sim:null\"]\n[simulate]\ntrain = 120\nvalid = 60\ntest = 80\nlength = 40\n[[representation]]\nmodel = {model:?}\npooling = [\"mean\"]\n[[probe]]\nid = \"linear\"\n"
    );
    write(folder.path(), "suite.toml", &suite);
    let ended = run_well(folder.path(), &["run", "suite.toml", "--out", "out"]);
    let first = ended.stdout.lines().next().unwrap();
    assert!(first.starts_with("warning: sim:null: ") && first.contains("with linear: "), "{first}");
    for control in ["random initialisation", "composition", "shuffled labels"] {
        assert!(first.contains(control), "{first}");
    }
    let out = folder.path().join("out");
    let run: serde_json::Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    assert_eq!(run["warnings"][0]["kind"], "controls-not-beaten", "{}", run["warnings"]);
    let markdown = fs::read_to_string(out.join("report.md")).unwrap();
    let third = markdown.lines().nth(2).unwrap();
    assert!(third.starts_with("> **Warning:**") && third.contains("random initialisation"), "{third}");
    let html = fs::read_to_string(out.join("report.html")).unwrap();
    let (warning, table) = (html.find("random initialisation").unwrap(), html.find("<table").unwrap());
    assert!(warning < table);
}

#[test]
fn the_null_task_gives_chance_and_planted_tasks_reach_their_oracle() {
    let folder = tempfile::tempdir().unwrap();
    // Each task with a probe that can express it.
    let suite = r#"schema = 1
name = "proof"
seeds = [0, 1, 2]
replicates = 300
datasets = ["sim:motif-fixed", "sim:motif-anywhere", "sim:gc", "sim:null"]
[simulate]
train = 1500
valid = 300
test = 500
length = 40
[[representation]]
id = "onehot"
[[representation]]
id = "kmer-4"
[[probe]]
id = "linear"
[[probe]]
id = "cnn"
epochs = 15
"#;
    write(folder.path(), "suite.toml", suite);
    run_well(folder.path(), &["run", "suite.toml", "--out", "out"]);
    let results = headlines(&folder.path().join("out"), "auroc");
    let holds = |row: &Row, value: f64| number(row, "lower") <= value && value <= number(row, "upper");
    let of = |dataset: &str, representation: &str, probe: &str| {
        let is_it = |row: &&Row| {
            row["dataset"] == dataset && row["representation"] == representation && row["probe"] == probe
        };
        results.iter().find(is_it).unwrap_or_else(|| panic!("{dataset} {representation} {probe}"))
    };
    // There is nothing to learn, for any probe.
    let null: Vec<&Row> =
        results.iter().filter(|row| row["dataset"] == "sim:null" && row["status"] == "ok").collect();
    assert_eq!(null.len(), 8, "{null:#?}");
    for row in &null {
        assert!(holds(row, 0.5) && (0.42..0.58).contains(&number(row, "point")), "{row:?}");
    }
    // Much to know, and it is found: within 0.03 of the true generating model, which is no easy mark.
    for (dataset, representation, probe) in [
        ("sim:motif-fixed", "onehot", "linear"),
        ("sim:motif-anywhere", "onehot", "cnn"),
        ("sim:gc", "composition", "linear"),
        ("sim:gc", "onehot", "cnn"),
    ] {
        let (row, oracle) = (of(dataset, representation, probe), of(dataset, "oracle", "-"));
        let (reached, ceiling) = (number(row, "point"), number(oracle, "point"));
        assert!(ceiling > 0.8, "{oracle:?}");
        assert!((-0.02..0.03).contains(&(ceiling - reached)), "{row:?}\n{oracle:?}");
    }
    // What cannot express a task does not reach it: a motif at one place is invisible to composition.
    let blind = of("sim:motif-fixed", "composition", "linear");
    assert!(number(blind, "point") < 0.7, "{blind:?}");
    let run: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("out/run.json")).unwrap()).unwrap();
    let warnings = run["warnings"].as_array().unwrap();
    assert!(
        !warnings.iter().any(|warning| warning["kind"].as_str().unwrap().starts_with("shuffled-labels")),
        "{warnings:#?}"
    );
}

#[test]
fn shuffled_labels_give_chance_on_average_and_within_their_intervals() {
    let folder = tempfile::tempdir().unwrap();
    let datasets = ["sim:motif-fixed", "sim:motif-anywhere", "sim:gc", "sim:null"];
    let mut of_dataset: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let (mut n_within, mut n_above) = (0, 0);
    for seed in 0..6 {
        let suite = format!(
            "schema = 1\nname = \"noise\"\nreplicates = 200\ncontrols = [\"shuffled-labels\"]\ndatasets = {datasets:?}\n[simulate]\nseed = {seed}\ntrain = 800\nvalid = 200\ntest = 400\nlength = 40\n[[representation]]\nid = \"onehot\"\n[[probe]]\nid = \"linear\"\n"
        );
        write(folder.path(), "suite.toml", &suite);
        run_well(folder.path(), &["run", "suite.toml", "--out", "out"]);
        for row in headlines(&folder.path().join("out"), "auroc") {
            if row["representation"] != "shuffled-labels" {
                continue;
            }
            assert_eq!((row["n_seeds"].as_str(), row["variant"].as_str()), ("5", "onehot"));
            let (lower, upper) = (number(&row, "lower"), number(&row, "upper"));
            n_within += usize::from((lower..=upper).contains(&0.5));
            n_above += usize::from(lower > 0.5);
            of_dataset.entry(row["dataset"].clone()).or_default().push(number(&row, "point"));
        }
    }
    // 24 intervals at 95%: one or two may miss.
    assert!((22..=24).contains(&n_within) && n_above <= 1, "{n_within} {n_above} {of_dataset:?}");
    for (dataset, points) in of_dataset {
        let mean = points.iter().sum::<f64>() / points.len() as f64;
        assert!(points.len() == 6 && (0.45..0.55).contains(&mean), "{dataset}: {mean} {points:?}");
    }
}

//! Run folders: written whole, read back, and clear about what is wrong.

use parquet::file::reader::{FileReader, SerializedFileReader};
use seqprobe_report::record::{CellId, RunRecord, SCHEMA_VERSION};
use seqprobe_report::{
    CellPredictions, OutputName, ReportError, SeedPredictions, SplitPredictions, predictions_path,
    read_predictions, read_run, write_run,
};
use std::fs;
use std::path::Path;
use std::sync::Arc;

fn predictions(cell: &CellId, n_examples: usize) -> CellPredictions {
    let output = |name: &str| OutputName { target: "label".to_owned(), output: name.to_owned() };
    let outputs = vec![output("a"), output("b"), output("=c")];
    let n_values = n_examples * outputs.len();
    let truth: Arc<[Option<f64>]> =
        (0..n_values).map(|at| (at % 7 != 0).then_some((at % 2) as f64)).collect();
    let seed = |seed: u64| SeedPredictions {
        seed,
        values: (0..n_values).map(|at| (at as f64 + seed as f64 / 1e20).sin()).collect(),
    };
    let split = |name: &str| SplitPredictions {
        split: name.to_owned(),
        example_ids: (0..n_examples).map(|at| format!("{name}:{at}")).collect(),
        truth: truth.clone(),
        seeds: vec![seed(0), seed(u64::MAX)],
        clusters: (name == "test" && n_examples > 0)
            .then(|| (0..n_examples as u32).map(|at| at / 2).collect()),
    };
    CellPredictions { cell: cell.clone(), outputs, splits: vec![split("valid"), split("test")] }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn written() -> (tempfile::TempDir, RunRecord) {
    let folder = tempfile::tempdir().unwrap();
    let record = crate::sample::run();
    write_run(folder.path(), &record, &[predictions(&record.cells[0].id, 5)]).unwrap();
    (folder, record)
}

#[test]
fn a_run_comes_back_as_it_was() {
    let (folder, record) = written();
    assert_eq!(read_run(folder.path()).unwrap(), record);
    assert_eq!(read_run(&folder.path().join("run.json")).unwrap(), record);
    let expected = [
        "figures",
        "junit.xml",
        "predictions",
        "report.html",
        "report.md",
        "results.csv",
        "run.json",
        "verdicts.csv",
    ];
    assert_eq!(names(folder.path()), expected);
}

#[test]
fn predictions_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let record = crate::sample::run();
    // More rows than one batch, and hardly any.
    let all: Vec<CellPredictions> =
        record.cells.iter().zip([4000, 1, 0]).map(|(cell, n)| predictions(&cell.id, n)).collect();
    write_run(folder.path(), &record, &all).unwrap();
    for given in &all {
        assert_eq!(&read_predictions(folder.path(), &given.cell).unwrap(), given);
    }
}

#[test]
fn predictions_are_plain_columns_for_other_readers() {
    let (folder, record) = written();
    let file = fs::File::open(predictions_path(folder.path(), &record.cells[0].id)).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows: Vec<String> =
        reader.get_row_iter(None).unwrap().skip(16).take(2).map(|row| row.unwrap().to_string()).collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
{example_id: "valid:0", split: "valid", target: "label", output: "b", truth: 1.0, prediction: 0.9262985391851339, seed: 18446744073709551615, cluster: null}
{example_id: "valid:0", split: "valid", target: "label", output: "=c", truth: 0E0, prediction: 0.8175394376257659, seed: 18446744073709551615, cluster: null}
"#);
}

#[test]
fn hostile_names_stay_within_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = crate::sample::run();
    record.cells[0].id.dataset = "../../up".to_owned();
    record.cells[0].id.representation = "random:models/../x\0".repeat(50).as_str().into();
    record.cells[1].id.representation = "random:models/../x\u{1}".repeat(50).as_str().into();
    let all = [predictions(&record.cells[0].id, 2), predictions(&record.cells[1].id, 2)];
    write_run(folder.path(), &record, &all).unwrap();
    assert_eq!(names(&folder.path().join("predictions")).len(), 2);
    assert_eq!(read_predictions(folder.path(), &all[0].cell).unwrap(), all[0]);
}

#[test]
fn a_second_run_replaces_the_first_and_leaves_other_files() {
    let (folder, mut record) = written();
    let other = folder.path().join("predictions/mine.parquet");
    fs::write(&other, "mine").unwrap();
    record.suite = "second".to_owned();
    write_run(folder.path(), &record, &[predictions(&record.cells[1].id, 3)]).unwrap();
    assert_eq!(read_run(folder.path()).unwrap().suite, "second");
    assert!(!predictions_path(folder.path(), &record.cells[0].id).exists());
    assert_eq!(names(&folder.path().join("predictions")).len(), 2);
    assert_eq!(fs::read_to_string(other).unwrap(), "mine");
}

#[test]
fn what_cannot_be_written_leaves_the_earlier_run_alone() {
    let (folder, record) = written();
    let before = names(folder.path());
    // A folder where a file should go: works for every user, the superuser too.
    let mut second = record.clone();
    second.suite = "second".to_owned();
    fs::remove_dir_all(folder.path().join("predictions")).unwrap();
    fs::write(folder.path().join("predictions"), "in the way").unwrap();
    let error = write_run(folder.path(), &second, &[]).unwrap_err();
    assert!(matches!(error, ReportError::Io { .. }), "{error}");
    assert!(error.to_string().contains("predictions"), "{error}");
    assert_eq!(read_run(folder.path()).unwrap(), record);
    assert_eq!(names(folder.path()), before);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = write_run(&file.join("run"), &crate::sample::run(), &[]).unwrap_err().to_string();
    assert!(error.contains("file/run"), "{error}");
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn predictions_that_do_not_fit_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let record = crate::sample::run();
    let good = predictions(&record.cells[0].id, 4);
    let refused = |predictions: &[CellPredictions]| {
        write_run(&folder.path().join("run"), &record, predictions).unwrap_err().to_string()
    };
    let mut bad = good.clone();
    bad.splits[0].seeds[1].values.pop();
    assert!(refused(&[bad]).contains("has 11 predictions, expected 12"));
    let mut bad = good.clone();
    bad.splits[1].seeds[0].values[4] = f64::NAN;
    assert!(refused(&[bad]).contains("example \"test:1\" has a prediction that is not finite"));
    let mut bad = good.clone();
    bad.cell.probe = Some("unknown".to_owned());
    assert!(refused(&[bad]).contains("no such cell"));
    assert!(refused(&[good.clone(), good]).contains("given twice"));
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_number_that_is_not_finite_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = crate::sample::run();
    record.cells[0].scores[1].value = crate::sample::estimate(0.5, f64::NEG_INFINITY, 0.6);
    let error = write_run(folder.path(), &record, &[]).unwrap_err().to_string();
    insta::assert_snapshot!(error, @"mcc of label on test of gue-tf-0/onehot/-/-/flatten/linear/1 is -inf; only finite numbers can be stored");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_cannot_be_read_says_why() {
    let (folder, _) = written();
    let path = folder.path().join("run.json");
    let text = fs::read_to_string(&path).unwrap();
    let shown =
        |error: ReportError| error.to_string().replace(&folder.path().display().to_string(), "runs/a");

    fs::write(&path, &text[..text.len() / 2]).unwrap();
    let error = read_run(folder.path()).unwrap_err();
    assert!(matches!(error, ReportError::CutOff { .. }), "{error}");
    assert!(shown(error).starts_with("runs/a/run.json: the file is cut off at line "));

    fs::write(&path, "").unwrap();
    assert!(matches!(read_run(folder.path()).unwrap_err(), ReportError::CutOff { .. }));

    let newer = text.replacen(&format!("\"schema_version\": {SCHEMA_VERSION}"), "\"schema_version\": 99", 1);
    fs::write(&path, newer.replacen("\"cells\"", "\"cellules\"", 1)).unwrap();
    insta::assert_snapshot!(shown(read_run(folder.path()).unwrap_err()), @r#"
runs/a/run.json: schema version 99, this program reads versions 1 to 2
  hint: read it with the version of seqprobe that wrote it (0.1.0)
"#);

    fs::write(&path, text.replacen("\"cells\"", "\"cellules\"", 1)).unwrap();
    let error = shown(read_run(folder.path()).unwrap_err());
    assert!(error.contains("not a run record: missing field `cells`"), "{error}");

    fs::write(&path, "{\"answer\": 42}").unwrap();
    let error = shown(read_run(folder.path()).unwrap_err());
    assert!(error.contains("missing field `schema_version`"), "{error}");

    fs::remove_file(&path).unwrap();
    insta::assert_snapshot!(shown(read_run(folder.path()).unwrap_err()), @r#"
runs/a: no run here
  hint: a run folder contains run.json, which is written last; an interrupted run has none
"#);
}

#[test]
fn a_damaged_prediction_file_is_an_error() {
    let (folder, record) = written();
    let cell = &record.cells[0].id;
    let path = predictions_path(folder.path(), cell);
    let bytes = fs::read(&path).unwrap();
    for length in [0, 3, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        let error = read_predictions(folder.path(), cell).unwrap_err();
        assert!(matches!(error, ReportError::Parquet { .. }), "{length}: {error}");
    }
    let other = &record.cells[1].id;
    fs::write(predictions_path(folder.path(), other), &bytes).unwrap();
    let error = read_predictions(folder.path(), other).unwrap_err().to_string();
    assert!(error.contains("the file has those of gue-tf-0/onehot"), "{error}");
}

#[test]
fn drawings_are_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let record = crate::sample::run();
    write_run(folder.path(), &record, &[]).unwrap();
    let names = || -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder.path().join("figures"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let first = names();
    assert!(
        first.contains(&"ranks.svg".to_owned()) && first.contains(&"curves-01-gue-tf-0.svg".to_owned()),
        "{first:?}"
    );
    for name in &first {
        let text = std::fs::read_to_string(folder.path().join("figures").join(name)).unwrap();
        assert!(
            text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && text.ends_with("</svg>\n"),
            "{name}"
        );
        assert!(text.contains("--model:") && !text.contains("<script"), "{name}");
    }
    std::fs::write(folder.path().join("figures/mine.svg"), "<svg/>").unwrap();
    let mut fewer = record;
    fewer.ranks = None;
    write_run(folder.path(), &fewer, &[]).unwrap();
    let second = names();
    assert!(
        !second.contains(&"ranks.svg".to_owned()) && second.contains(&"mine.svg".to_owned()),
        "{second:?}"
    );
}

//! What is refused: other suites, damaged baselines, runs that are not whole; and how texts are escaped.

use super::*;

#[test]
fn a_baseline_of_another_suite_or_without_common_cells_is_refused() {
    let gate = Gate::new(&Run::new());
    let refused = |now: &Run| gate.check(now, options()).unwrap_err().to_string();
    let mut other = Run::new();
    other.record.suite = "other".to_owned();
    let text = refused(&other);
    assert!(
        text.contains("suite \"gate\"") && text.contains("\"other\"") && text.contains("hint:"),
        "{text}"
    );
    let before = gate.text();
    let error = accept(&gate.path("b"), &gate.path("gate.toml"), 0.01, "x").unwrap_err();
    assert!(matches!(error, ReportError::Baseline { .. }), "{error}");
    assert_eq!(gate.text(), before);
    let mut none = Run::new();
    none.record.cells.drain(1..);
    none.predictions.drain(1..);
    none.record.cells[0].id = sample::id(DATASET, "kmer-9", ("-", "-"), "linear");
    none.predictions[0].cell = none.record.cells[0].id.clone();
    assert!(refused(&none).contains("no cell in common"), "{}", refused(&none));
}

#[test]
fn damaged_baselines_are_refused() {
    let gate = Gate::new(&Run::new());
    let text = gate.text();
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        fs::write(gate.path("gate.toml"), text.replace(from, to)).unwrap();
        gate.refused()
    };
    assert!(refused("schema = 1", "schema = 2").contains("schema 2, expected 1"));
    assert!(refused("reason =", "reasons =").contains("not a baseline"));
    for name in ["../gate.predictions.parquet", "a\\\\b.parquet", ".hidden.parquet"] {
        let error = refused("\"gate.predictions.parquet\"", &format!("\"{name}\""));
        assert!(error.contains("expected a plain file name"), "{name}: {error}");
    }
    fs::write(gate.path("gate.toml"), &text).unwrap();
    let file = gate.path("gate.predictions.parquet");
    let bytes = fs::read(&file).unwrap();
    let mut changed = bytes.clone();
    changed[5] ^= 1;
    fs::write(&file, &changed).unwrap();
    assert!(gate.refused().contains("has digest"));
    // A file of that digest that is no Parquet file.
    let no_parquet = b"PAR1 no parquet PAR1";
    fs::write(&file, no_parquet).unwrap();
    let digest = |bytes: &[u8]| seqprobe_core::Digest::of_bytes(bytes).to_string();
    fs::write(gate.path("gate.toml"), text.replace(&digest(&bytes), &digest(no_parquet))).unwrap();
    assert!(gate.refused().contains("gate.predictions.parquet: "));
    fs::remove_file(&file).unwrap();
    assert!(gate.predictions().unwrap().is_none());
    // What is there and cannot be read is an error.
    fs::create_dir(&file).unwrap();
    assert!(matches!(gate.predictions(), Err(ReportError::Io { .. })));
}

#[test]
fn what_is_in_the_place_of_a_baseline_or_its_predictions_is_named() {
    let gate = Gate::new(&Run::new());
    let (text, file) = (gate.text(), gate.path("gate.predictions.parquet"));
    let bytes = fs::read(&file).unwrap();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 8310\n";
    let in_place = [
        (pointer.as_bytes(), "a Git LFS pointer\n  hint: only the pointer was downloaded; `git lfs pull`"),
        (
            b"<!DOCTYPE html><html></html>",
            "a web page (HTML)\n  hint: a web page was saved in place of the file",
        ),
        (b"", "it is empty\n  hint: "),
        (b"\x1f\x8b\x08 and more", "it is gzip\n  hint: "),
    ];
    for (found, says) in in_place {
        fs::write(&file, found).unwrap();
        let error = gate.refused();
        assert!(error.contains("gate.predictions.parquet: ") && error.contains(says), "{error}");
        fs::write(&file, &bytes).unwrap();
        fs::write(gate.path("gate.toml"), found).unwrap();
        let error = gate.refused();
        assert!(error.contains("not a baseline: ") && error.contains(says), "{error}");
        fs::write(gate.path("gate.toml"), &text).unwrap();
    }
    fs::write(&file, &bytes[..bytes.len() - 3]).unwrap();
    assert!(gate.refused().contains("the Parquet file is cut off after "), "{}", gate.refused());
    fs::write(&file, &bytes).unwrap();
    let conflict = text.replace("margin =", "<<<<<<< HEAD\nmargin = 0.02\n=======\nmargin =");
    fs::write(gate.path("gate.toml"), conflict).unwrap();
    assert!(gate.refused().contains("line 7: a merge conflict is not resolved"), "{}", gate.refused());
    // Line ends of Windows change nothing.
    fs::write(gate.path("gate.toml"), text.replace('\n', "\r\n")).unwrap();
    assert_eq!(gate.predictions().unwrap().unwrap().len(), 3);
}

#[test]
fn only_whole_runs_are_accepted_and_changes_are_listed() {
    let gate = Gate::new(&Run::new());
    let accept_run = |run: &Run| {
        run.write(&gate.path("b"));
        accept(&gate.path("b"), &gate.path("gate.toml"), 0.02, "again")
    };
    assert_eq!(accept_run(&Run::new()).unwrap().changes, Vec::<String>::new());
    let mut failed = Run::new();
    failed.record.cells[0].status = Status::Failed;
    failed.record.cells[0].scores.clear();
    failed.predictions.remove(0);
    assert!(accept_run(&failed).unwrap_err().to_string().contains("1 of its cells failed"));
    let mut empty = Run::new();
    empty.record.cells.clear();
    empty.predictions.clear();
    assert!(accept_run(&empty).unwrap_err().to_string().contains("it has no score on test"));

    let mut now = Run::new();
    *now.value(0) = sample::estimate(0.75, 0.7, 0.8);
    now.record.cells[1].scores.iter_mut().for_each(|score| score.metric = "brier".to_owned());
    now.record.cells[2].id = sample::id(DATASET, "kmer-3", ("-", "-"), "linear");
    now.predictions[2].cell = now.record.cells[2].id.clone();
    let changes = accept_run(&now).unwrap().changes;
    assert_eq!(changes.len(), 4, "{changes:?}");
    assert!(changes[0].starts_with("new: gue-tf-0/kmer-3"), "{changes:?}");
    assert!(changes[1].starts_with("changed: gue-tf-0/kmer-4") && changes[1].ends_with("→ auroc 0.7500"));
    assert!(changes[2].starts_with("changed: gue-tf-0/onehot/-/-/-/linear/1: auroc"), "{changes:?}");
    assert!(changes[2].contains("→ brier"), "{changes:?}");
    assert_eq!(changes[3], "gone: gue-tf-0/kmer-2/-/-/-/linear/1");
    assert!(gate.text().contains("margin = 0.02\n") && gate.text().contains("reason = \"again\"\n"));
}

#[test]
fn texts_of_annotations_are_escaped() {
    let mut before = Run::new();
    before.record.cells[0].id = sample::id(DATASET, "a%b:c,d", ("-", "-"), "linear");
    before.predictions[0].cell = before.record.cells[0].id.clone();
    let gate = Gate::new(&before);
    let mut now = before.clone();
    now.record.cells[0].status = Status::Failed;
    now.record.cells[0].reason = Some("first\nsecond\r".to_owned());
    now.record.cells[0].scores.clear();
    now.predictions.remove(0);
    let report = gate.check(&now, options()).unwrap();
    let annotations = report.to_github_annotations();
    assert_eq!(annotations.len(), 1);
    assert!(
        annotations[0].starts_with("::error title=seqprobe%3A missing::gue-tf-0/a%25b:c,d/"),
        "{annotations:?}"
    );
    assert!(annotations[0].ends_with(" → -, first%0Asecond%0D"), "{annotations:?}");
    assert!(report.to_text().contains("missing"));
}

//! Targets as people write them: words for missing values, classes that look like numbers, counts, decimal commas, names
//! of the positive class. Rows are made here; each writer is tried with each kind of task.

use crate::common::load_good;
use proptest::prelude::*;
use seqprobe_core::{Dataset, Seed, Targets, TaskKind};
use seqprobe_data::{FileCard, FileLayout, FileTask, MISSING_WORDS, MetricOf, card_for_file, load};

/// A file of `sequence,y` with these values, one a row.
fn made(values: &[String], change: impl Fn(&mut FileTask)) -> Result<(FileCard, Dataset), String> {
    let folder = tempfile::tempdir().expect("the test folder can be written");
    let path = folder.path().join("x.csv");
    let mut text = String::from("sequence,y\n");
    for (row, value) in values.iter().enumerate() {
        let letters: String = (0..12).map(|place| char::from(b"ACGT"[((row * 7) >> place) % 4])).collect();
        let quoted = if value.contains(',') { format!("\"{value}\"") } else { value.clone() };
        text.push_str(&format!("{letters},{quoted}\n"));
    }
    std::fs::write(&path, text).expect("the test folder can be written");
    let mut task = FileTask {
        path,
        layout: FileLayout::default(),
        targets: vec!["y".to_owned()],
        task: None,
        positive: None,
        metric: None,
        split: None,
        group: None,
        chromosome: false,
        seed: Seed(0),
    };
    change(&mut task);
    let plain = |error: seqprobe_data::DataError| {
        error.to_string().replace(&folder.path().display().to_string(), "DIR")
    };
    let card = card_for_file(&task).map_err(plain)?;
    let dataset = load(&card.card, &card.folders()).map_err(plain)?;
    Ok((card, dataset))
}

/// `n` values that take turns.
fn turns(words: &[&str], n: usize) -> Vec<String> {
    (0..n).map(|row| words[row % words.len()].to_owned()).collect()
}

fn dataset(words: &[&str]) -> Dataset {
    made(&turns(words, 60), |_| ()).unwrap_or_else(|error| panic!("{error}")).1
}

fn error(words: &[&str], change: impl Fn(&mut FileTask)) -> String {
    made(&turns(words, 60), change).expect_err("the program asks")
}

#[test]
fn every_missing_word_is_left_out_in_every_kind_of_task_and_counted() {
    for word in MISSING_WORDS {
        let shown = if word.is_empty() { "10 empty".to_owned() } else { format!("10 {word:?}") };
        let note = format!("10 of 60 rows were left out: their target is missing ({shown})");
        for (values, kind) in [
            (["0", "1", "0", "1", "0"], TaskKind::Binary),
            (["a", "b", "c", "a", "b"], TaskKind::Multiclass),
            (["0.5", "1.25", "-3", "1e3", "0"], TaskKind::Regression),
        ] {
            let words = [values.as_slice(), &[word]].concat();
            let found = dataset(&words);
            assert_eq!((found.task.kind, found.n_examples()), (kind, 50), "{word:?}");
            assert_eq!(found.notes, std::slice::from_ref(&note), "{word:?}");
            assert!(!found.task.classes.iter().any(|class| class == word));
        }
    }
    // A word that is not in the list is never a class or a missing value by a guess.
    for word in ["unknown", "n.d.", "missing", "x"] {
        let asked = error(&["0", "1", word], |_| ());
        assert!(
            asked.starts_with(&format!("DIR/x.csv:4: column \"y\": {word:?} is not a number")),
            "{asked}"
        );
        let stated =
            made(&turns(&["0", "1", word], 60), |task| task.task = Some(TaskKind::Multiclass)).unwrap().1;
        assert_eq!(stated.task.classes, ["0", "1", word]);
    }
}

#[test]
fn a_minus_beside_a_plus_is_a_class() {
    let signs = dataset(&["+", "-", "+", "-", ""]);
    assert_eq!(
        (signs.n_examples(), signs.task.classes.as_slice()),
        (48, &["-".to_owned(), "+".to_owned()][..])
    );
    assert_eq!(
        signs.notes,
        [
            "12 of 60 rows were left out: their target is missing (12 empty)",
            "\"-\" is the name of a class here, not a missing value",
        ]
    );
    assert_eq!(dataset(&["enhancer", "none"]).task.classes, ["none", "enhancer"]);
    let asked = error(&["1", "-"], |_| ());
    assert!(asked.contains("has one value only, \"1\"; 30 values are missing (30 \"-\")"), "{asked}");
    let stated = made(&turns(&["1", "NA"], 60), |task| task.positive = Some("NA".to_owned())).unwrap().1;
    assert_eq!((stated.n_examples(), stated.task.classes), (60, vec!["1".to_owned(), "NA".to_owned()]));
}

#[test]
fn labels_are_as_the_file_has_them() {
    assert_eq!(dataset(&["1e3", "1000", "2E1", "20"]).task.classes, ["20", "2E1", "1000", "1e3"]);
    assert_eq!(dataset(&["001", "01", "1"]).task.classes, ["001", "01", "1"]);
    assert_eq!(dataset(&["1.0", "0.0"]).task.classes, ["0", "1"]);
    let mixed = dataset(&["1.0", "0", "1", "0.0"]);
    assert_eq!(mixed.task.classes, ["0", "1"]);
    assert_eq!(mixed.notes, ["\"0\" and \"0.0\" are one class", "\"1\" and \"1.0\" are one class"]);
    let asked = error(&["TRUE", "True", "1"], |_| ());
    assert!(asked.starts_with("DIR/x.csv:2: column \"y\": \"TRUE\" is not a number"), "{asked}");
    let asked = error(&["TRUE", "False", "True"], |_| ());
    assert!(asked.contains("column \"y\" has both \"TRUE\" and \"True\""), "{asked}");
    assert!(asked.contains("--task multiclass"), "{asked}");
}

#[test]
fn counts_and_commas_are_asked_about() {
    let counts = ["0", "0", "1", "2", "3", "5", "8"];
    let asked = error(&counts, |_| ());
    assert!(asked.contains("--task multiclass") && asked.contains("--task regression"), "{asked}");
    for (change, kind) in [
        (FileTask { metric: Some(MetricOf::Numbers), ..empty() }, TaskKind::Regression),
        (FileTask { metric: Some(MetricOf::Classes), ..empty() }, TaskKind::Multiclass),
        (FileTask { task: Some(TaskKind::Regression), ..empty() }, TaskKind::Regression),
        (FileTask { task: Some(TaskKind::Multiclass), ..empty() }, TaskKind::Multiclass),
    ] {
        let found = made(&turns(&counts, 140), |task| {
            task.metric = change.metric;
            task.task = change.task;
        });
        assert_eq!(found.unwrap().1.task.kind, kind);
    }
    let commas: Vec<String> = (0..60).map(|row| format!("0,{row:02}")).collect();
    let asked = made(&commas, |_| ()).unwrap_err();
    assert!(asked.starts_with("DIR/x.csv:2: column \"y\": \"0,00\" has a decimal comma\n"), "{asked}");
    let stated = made(&commas, |task| task.task = Some(TaskKind::Regression)).unwrap_err();
    assert!(
        stated.starts_with("DIR/x.csv:2: column \"y\": target \"0,00\" has a decimal comma\n"),
        "{stated}"
    );
    let asked = error(&["0", "1"], |task| {
        task.positive = Some("1".to_owned());
        task.task = Some(TaskKind::Regression);
    });
    assert!(asked.contains("the task is regression"), "{asked}");
}

fn empty() -> FileTask {
    FileTask {
        path: "x.csv".into(),
        layout: FileLayout::default(),
        targets: Vec::new(),
        task: None,
        positive: None,
        metric: None,
        split: None,
        group: None,
        chromosome: false,
        seed: Seed(0),
    }
}

#[test]
fn numbers_that_overflow_are_refused() {
    let huge = ["1", "2.5", "1e80", "4"];
    let refused = error(&huge, |_| ());
    assert!(refused.starts_with("DIR/x.csv:4: column \"y\": target 1e80 is too large\n"), "{refused}");
    let refused = error(&["1e-80", "2.5e-81", "3e-82"], |_| ());
    assert!(refused.contains("column \"y\": the largest target is 1e-80, which is too small\n"), "{refused}");
    let kept = dataset(&["1e75", "2.5", "1e-300", "0"]);
    assert_eq!(kept.task.kind, TaskKind::Regression);
}

#[test]
fn the_positive_class_is_guessed_in_files_and_cards() {
    let (made, dataset) = made(&turns(&["enhancer", "non-enhancer"], 60), |_| ()).unwrap();
    assert_eq!(dataset.task.classes, ["non-enhancer", "enhancer"]);
    assert!(made.guesses.contains(&"the positive class is \"enhancer\"".to_owned()), "{:?}", made.guesses);
    let keys =
        "schema = 1\nid = \"t\"\ntitle = \"t\"\nmetric = \"auroc\"\ntask = \"binary\"\ntarget = \"l\"\n";
    let files = "[files]\ntrain = { path = \"a.csv\", sha256 = \"SHA(a.csv)\" }\nvalid = { path = \"b.csv\", sha256 = \"SHA(b.csv)\" }\ntest = { path = \"c.csv\", sha256 = \"SHA(c.csv)\" }\n";
    let data: [(&str, &[u8]); 3] = [
        ("a.csv", b"sequence,l\nACGT,case\nAACC,control\n"),
        ("b.csv", b"sequence,l\nAAAA,control\n"),
        ("c.csv", b"sequence,l\nTTTT,case\n"),
    ];
    let guessed = load_good(&format!("{keys}{files}"), &data);
    assert_eq!(guessed.task.classes, ["control", "case"]);
    assert_eq!(guessed.notes, ["the card has no key positive: the positive class is \"case\""]);
    let stated = load_good(&format!("{keys}positive = \"control\"\n{files}"), &data);
    assert_eq!(stated.task.classes, ["case", "control"]);
    assert!(stated.notes.is_empty(), "{:?}", stated.notes);
}

#[test]
fn constant_labels_of_files_are_classes_even_if_they_are_missing_words() {
    let card = "schema = 1\nid = \"t\"\ntitle = \"t\"\nmetric = \"auroc\"\ntask = \"binary\"\npositive = \"peak\"\n[files]\n\
        train = [{ path = \"a.csv\", sha256 = \"SHA(a.csv)\", label = \"peak\" }, { path = \"b.csv\", sha256 = \"SHA(b.csv)\", label = \"none\" }]\n\
        valid = { path = \"c.csv\", sha256 = \"SHA(c.csv)\", label = \"peak\" }\n\
        test = { path = \"d.csv\", sha256 = \"SHA(d.csv)\", label = \"none\" }\n";
    let rows: &[u8] = b"sequence\nACGT\nAACC\n";
    let found = load_good(card, &[("a.csv", rows), ("b.csv", rows), ("c.csv", rows), ("d.csv", rows)]);
    assert_eq!((found.n_examples(), found.task.classes), (8, vec!["none".to_owned(), "peak".to_owned()]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// The same labels, written by R, pandas with and without missing values, a spreadsheet and by hand.
    #[test]
    fn writers_of_two_classes_give_one_task(
        labels in prop::collection::vec(any::<bool>(), 60..120),
        gaps in prop::collection::vec(any::<bool>(), 120),
        writer in 0_usize..6,
        word in prop::sample::select(MISSING_WORDS),
    ) {
        prop_assume!(labels.iter().filter(|label| **label).count() > 20);
        prop_assume!(labels.iter().filter(|label| !**label).count() > 20);
        let spelled = [["0", "1"], ["0.0", "1.0"], ["FALSE", "TRUE"], ["False", "True"], ["neg", "pos"], ["-1", "1"]][writer];
        let mut values: Vec<String> =
            labels.iter().map(|&label| spelled[usize::from(label)].to_owned()).collect();
        let mut n_known = 0;
        for (row, value) in values.iter_mut().enumerate() {
            if row % 10 == 9 && gaps[row] {
                (*word).clone_into(value);
            } else {
                n_known += 1;
            }
        }
        let (_, found) = made(&values, |_| ()).map_err(TestCaseError::fail)?;
        // Beside two texts that are no numbers every missing word stays missing, as there are three values.
        prop_assert_eq!(found.task.kind, TaskKind::Binary);
        prop_assert_eq!(found.task.classes, spelled.map(|text| text.trim_end_matches(".0")));
        prop_assert_eq!(found.sequences.len(), n_known);
    }

    /// Numbers as writers give them are read to the last bit, or the column is not a regression at all.
    #[test]
    fn numbers_are_read_to_the_last_bit(
        numbers in prop::collection::vec(-1e6_f64..1e6, 30..60), form in 0_usize..3,
    ) {
        let written: Vec<String> = numbers
            .iter()
            .map(|number| match form {
                0 => format!("{number}"),
                1 => format!("{number:e}"),
                _ => format!("{number:+}"),
            })
            .collect();
        let (_, found) = made(&written, |_| ()).map_err(TestCaseError::fail)?;
        prop_assert_eq!(found.task.kind, TaskKind::Regression);
        let Targets::Values { values } = &found.targets else { return Err(TestCaseError::fail("no numbers")) };
        let read: Vec<f64> = values.iter().copied().flatten().collect();
        prop_assert_eq!(read, numbers);
        // The same numbers with a decimal comma stop the program.
        if form == 0 {
            let commas: Vec<String> = written.iter().map(|text| text.replace('.', ",")).collect();
            let refused = made(&commas, |_| ());
            prop_assert!(refused.is_err());
        }
    }
}

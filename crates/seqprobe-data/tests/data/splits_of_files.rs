//! Splits of one file: a column of splits is obeyed, groups and positions on chromosomes are understood.

use seqprobe_core::{Dataset, Seed, Split};
use seqprobe_data::{FileLayout, FileTask, card_for_file, load};

/// The guesses and the dataset of a file.
fn made(name: &str, text: &str, change: impl Fn(&mut FileTask)) -> Result<(Vec<String>, Dataset), String> {
    let folder = tempfile::tempdir().expect("the test folder can be written");
    let path = folder.path().join(name);
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
    Ok((card.guesses, dataset))
}

/// A CSV file with a column of splits: 120 rows of the first word, 30 of the second, 50 of the third.
fn csv(column: &str, words: [&str; 3]) -> String {
    let mut text = format!("{column},sequence,y,g\n");
    for row in 0..200_usize {
        let word = words[usize::from(row >= 120) + usize::from(row >= 150)];
        let letters: String = (0..12).map(|place| char::from(b"ACGT"[((row * 7) >> place) % 4])).collect();
        text.push_str(&format!("{word},{letters},{},g{}\n", row % 2, row / 10));
    }
    text
}

fn sizes(dataset: &Dataset) -> [usize; 3] {
    Split::ALL.map(|split| dataset.splits.rows(split).len())
}

#[test]
fn a_split_column_is_obeyed() {
    for (column, words) in [
        ("split", ["train", "valid", "test"]),
        ("Split", ["TRAIN", "val", "Test"]),
        ("set", ["training", "validation", "testing"]),
        ("partition", ["train", "dev", "test"]),
        ("fold", ["Train", "Valid", "Holdout"]),
    ] {
        let (guesses, dataset) = made("x.csv", &csv(column, words), |_| ()).unwrap();
        assert_eq!(sizes(&dataset), [120, 30, 50], "{column}");
        assert_eq!(dataset.splits.rows(Split::Test), (150..200).collect::<Vec<_>>());
        let said = format!("the split is column {column:?}: 120 train, 30 valid, 50 test");
        assert!(guesses.contains(&said), "{guesses:?}");
    }
    let stated = |task: &mut FileTask| task.split = Some("mine".to_owned());
    let (_, dataset) = made("x.csv", &csv("mine", ["train", "valid", "test"]), stated).unwrap();
    assert_eq!(sizes(&dataset), [120, 30, 50]);
    let (_, dataset) = made("x.csv", &csv("mine", ["train", "valid", "test"]), |_| ()).unwrap();
    assert_eq!(sizes(&dataset), [140, 20, 40]);
    let random = |task: &mut FileTask| task.split = Some("random".to_owned());
    let (_, dataset) = made("x.csv", &csv("split", ["train", "valid", "test"]), random).unwrap();
    assert_eq!(sizes(&dataset), [140, 20, 40]);
}

#[test]
fn valid_rows_are_taken_from_train_where_there_are_none() {
    let (guesses, dataset) = made("x.csv", &csv("split", ["train", "train", "test"]), |_| ()).unwrap();
    assert_eq!(sizes(&dataset), [135, 15, 50]);
    assert_eq!(dataset.splits.rows(Split::Test), (150..200).collect::<Vec<_>>());
    assert!(
        guesses
            .iter()
            .any(|guess| guess.contains("150 train, 50 test; valid is 0.1 of the train rows, row by row")),
        "{guesses:?}"
    );
    let grouped = |task: &mut FileTask| task.group = Some("g".to_owned());
    let (_, dataset) = made("x.csv", &csv("split", ["train", "train", "test"]), grouped).unwrap();
    let group = |row: &usize| row / 10;
    let train: std::collections::BTreeSet<usize> = dataset.splits.train.iter().map(group).collect();
    assert!(dataset.splits.valid.iter().map(group).all(|group| !train.contains(&group)));
    assert_eq!((sizes(&dataset)[2], dataset.splits.valid.is_empty()), (50, false));
}

#[test]
fn words_that_are_not_understood_are_named() {
    let error = made("x.csv", &csv("split", ["train", "extra", "test"]), |_| ()).unwrap_err();
    assert!(
        error.starts_with(
            "DIR/x.csv: column \"split\" has words for splits, but \"extra\" at line 122 is none\n"
        ),
        "{error}"
    );
    let error = made("x.csv", &csv("split", ["train", "valid", "valid"]), |_| ()).unwrap_err();
    assert!(error.contains("column \"split\" has no test rows: 120 train, 80 valid\n"), "{error}");
    let stated = |task: &mut FileTask| task.split = Some("set".to_owned());
    let error = made("x.csv", &csv("set", ["1", "2", "3"]), stated).unwrap_err();
    assert!(
        error.contains("column \"set\" has no words for splits: its values are \"1\", \"2\", \"3\"\n"),
        "{error}"
    );
    let (guesses, dataset) = made("x.csv", &csv("set", ["1", "2", "3"]), |_| ()).unwrap();
    assert_eq!(sizes(&dataset), [140, 20, 40]);
    assert!(
        guesses.iter().any(|guess| guess.starts_with("column \"set\" is not the split: its values")),
        "{guesses:?}"
    );
}

#[test]
fn few_groups_are_named() {
    let grouped = |task: &mut FileTask| {
        task.group = Some("x".to_owned());
        task.targets = vec!["y".to_owned()];
    };

    let two = csv("x", ["a", "b", "b"]);
    let error = made("x.csv", &two, grouped).unwrap_err();
    assert!(error.starts_with("DIR/x.csv: 2 groups (\"a\", \"b\") cannot fill 3 splits\n"), "{error}");
    let single = csv("x", ["a", "a", "a"]);
    let error = made("x.csv", &single, grouped).unwrap_err();
    assert!(error.starts_with("DIR/x.csv: 1 group (\"a\") cannot fill 3 splits\n"), "{error}");
    let (_, dataset) = made("x.csv", &csv("x", ["a", "b", "c"]), grouped).unwrap();
    assert!(sizes(&dataset).iter().all(|&size| size > 0));
}

#[test]
fn positions_of_bedtools_and_ucsc_are_understood() {
    let fasta = |header: &dyn Fn(usize) -> String| -> String {
        (0..60).map(|row| format!(">{}\nACGTACGT\n", header(row))).collect()
    };
    let on_chromosomes = |task: &mut FileTask| task.chromosome = true;
    let start = |row: usize| row * 1000;
    let bedtools =
        fasta(&|row| format!("p{row}::chr{}:{}-{}(+) y={}", row % 6, start(row), start(row) + 8, row % 2));
    let ucsc = fasta(&|row| {
        format!("hg38_dna range=chr{}:{}-{} strand=+ y={}", row % 6, start(row) + 1, start(row) + 8, row % 2)
    });
    let plain = fasta(&|row| format!("chr{}:{}-{} y={}", row % 6, start(row), start(row) + 8, row % 2));
    let of = |text: &str| made("x.fa", text, on_chromosomes).unwrap().1;
    let expected = of(&plain);
    for text in [&bedtools, &ucsc] {
        let found = of(text);
        assert_eq!(found.splits, expected.splits);
        assert_eq!(found.clusters, expected.clusters);
    }
    assert_eq!(expected.clusters.as_ref().unwrap().kind(), "1 Mb block");
    let unplaced = fasta(&|row| format!("hg38_dna_{} y={}", row % 2, row % 2));
    let error = made("x.fa", &unplaced, on_chromosomes).unwrap_err();
    assert!(
        error.contains("2 chromosomes (\"hg38_dna_0\", \"hg38_dna_1\") cannot fill 3 splits\n"),
        "{error}"
    );
}

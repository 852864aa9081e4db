//! A card made from one file; ids and sequences, read and exported.

use crate::common::{gzip, load_good};
use seqprobe_core::{Seed, Split, TaskKind};
use seqprobe_data::{
    Card, DataFolders, FileLayout, FileTask, NamedSequences, SequenceFile, card_for_file, export_csv,
    export_fasta, find_card, load, read_sequences,
};
use std::ops::ControlFlow;
use std::path::Path;

fn task(folder: &Path, name: &str, text: &str) -> FileTask {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the test folder can be written");
    FileTask {
        path,
        targets: vec!["label".to_owned()],
        layout: FileLayout::default(),
        task: None,
        positive: None,
        group: None,
        chromosome: false,
        seed: Seed(7),
    }
}

/// Rows `letters,<label of the row>,gene<row / 4>,chr<row % 5>` with twenty different sequences.
fn rows(label: impl Fn(usize) -> String) -> String {
    let mut text = String::from("name,oligo,label,gene,chrom\n");
    for row in 0..40_usize {
        let letters: String = (0..12).map(|place| char::from(b"ACGT"[(row >> place) % 4])).collect();
        text.push_str(&format!("r{row},{letters},{},gene{},chr{}\n", label(row), row / 4, row % 5));
    }
    text
}

#[test]
fn the_task_is_guessed_from_the_values() {
    let folder = tempfile::tempdir().unwrap();
    let kind_of = |label: &dyn Fn(usize) -> String| {
        let card = card_for_file(&task(folder.path(), "x.csv", &rows(label))).unwrap().card;
        load(&card, &DataFolders::default()).unwrap();
        (card.task, card.positive.map(|positive| positive.0))
    };
    assert_eq!(kind_of(&|row| (row % 2).to_string()), (TaskKind::Binary, Some("1".to_owned())));
    assert_eq!(kind_of(&|row| ["No", "Yes"][row % 2].to_owned()), (TaskKind::Binary, Some("Yes".to_owned())));
    assert_eq!(kind_of(&|row| (row % 4).to_string()), (TaskKind::Multiclass, None));
    assert_eq!(kind_of(&|row| (row as f64 / 8.0).to_string()), (TaskKind::Regression, None));
    let text = rows(|row| format!("t{row}"));
    let error = card_for_file(&task(folder.path(), "x.csv", &text)).unwrap_err().to_string();
    assert!(error.contains("text values and more than 20 distinct values"), "{error}");
}

#[test]
fn the_card_is_complete_and_can_be_saved() {
    let folder = tempfile::tempdir().unwrap();
    let mut task = task(folder.path(), "My data.csv", &rows(|row| (row % 2).to_string()));
    task.group = Some("gene".to_owned());
    let made = card_for_file(&task).unwrap();
    insta::assert_snapshot!(made.card.to_toml().unwrap(), @r#"
schema = 1
id = "My-data"
title = "label in My data.csv"
task = "binary"
sequence = "oligo"
target = "label"
positive = "1"
group = "gene"
metric = "auroc"

[files.all]
path = "My data.csv"
sha256 = "df8b1e5f3232075c2b6af4daf3112003eab572c1edd1528523f4777f55cabe42"

[[split]]
of = "all"
method = "group"
seed = 7

[split.into]
train = 0.7
valid = 0.1
test = 0.2
"#);
    insta::assert_snapshot!(made.guesses.join("\n"), @r#"
the sequence is column "oligo"
the task is binary
the positive class is "1"
split 0.7, 0.1, 0.2 into train, valid, test, whole groups, seed 7
"#);
    let dataset = load(&made.card, &DataFolders::default()).unwrap();
    assert_eq!(Split::ALL.map(|split| dataset.splits.rows(split).len()), [28, 4, 8]);
    assert_eq!(dataset.clusters.as_ref().unwrap().n_clusters(), 10);

    let saved = folder.path().join("My-data.toml");
    std::fs::write(&saved, made.card.to_toml().unwrap()).unwrap();
    let again = load(&Card::read(&saved).unwrap(), &DataFolders::default()).unwrap();
    assert_eq!(again.digest(), dataset.digest());
    let found = find_card("My-data", &[folder.path().to_owned()]).unwrap();
    assert_eq!(found.id, "My-data");
    let error = find_card("My-dta", &[folder.path().to_owned()]).unwrap_err().to_string();
    insta::assert_snapshot!(error, @r#"
My-dta: there is no dataset card with this id
  hint: did you mean "My-data"?
"#);
}

#[test]
fn chromosomes_are_never_split() {
    let folder = tempfile::tempdir().unwrap();
    let mut task = task(folder.path(), "x.csv", &rows(|row| (row % 2).to_string()));
    task.chromosome = true;
    let dataset = load(&card_for_file(&task).unwrap().card, &DataFolders::default()).unwrap();
    let clusters = dataset.clusters.clone().unwrap();
    assert_eq!((clusters.n_clusters(), clusters.kind()), (5, "chromosome"));
    for &test in &dataset.splits.test {
        assert!(dataset.splits.train.iter().all(|&train| clusters.ids()[train] != clusters.ids()[test]));
    }
}

#[test]
fn a_fasta_file_is_a_task_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let text: String = (0..30)
        .map(|row| format!(">chr{}:{row}-{} label={}\nACGTACGT\n", row % 6, row + 8, row % 2))
        .collect();
    let mut task = task(folder.path(), "x.fa", &text);
    task.chromosome = true;
    let dataset = load(&card_for_file(&task).unwrap().card, &DataFolders::default()).unwrap();
    assert_eq!((dataset.n_examples(), dataset.clusters.unwrap().kind()), (30, "1 Mb block"));
}

#[test]
fn sequences_are_read_and_exported_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.csv.gz");
    std::fs::write(&path, gzip(rows(|row| row.to_string()).as_bytes())).unwrap();
    let read = read_sequences(&path, &FileLayout::default()).unwrap();
    assert_eq!((read.ids.len(), read.ids[39].as_str(), read.letters.total), (40, "r39", 480));
    let stated = FileLayout { sequence: Some("olgo".to_owned()), ..FileLayout::default() };
    let error = read_sequences(&path, &stated).unwrap_err().to_string();
    assert!(error.contains("did you mean \"oligo\"?"), "{error}");

    std::fs::write(folder.path().join("twice.fa"), ">a\nAC\n>b\nAC\n>a\nAC\n").unwrap();
    let error =
        read_sequences(&folder.path().join("twice.fa"), &FileLayout::default()).unwrap_err().to_string();
    assert!(error.ends_with("twice.fa:5: duplicate id \"a\", first seen at line 1"), "{error}");
    std::fs::write(folder.path().join("two.csv"), "a,b\nACGTACGT,ACGTACGT\n").unwrap();
    let error =
        read_sequences(&folder.path().join("two.csv"), &FileLayout::default()).unwrap_err().to_string();
    assert!(error.contains("several columns contain DNA: a, b"), "{error}");

    let card = "schema = 1\nid = \"t\"\ntitle = \"t\"\nmetric = \"auroc\"\ntask = \"binary\"\ntarget = \"l\"\npositive = 1\n[files]\ntrain = { path = \"a.csv\", sha256 = \"SHA(a.csv)\" }\nvalid = { path = \"b.csv\", sha256 = \"SHA(b.csv)\" }\ntest = { path = \"c.csv\", sha256 = \"SHA(c.csv)\" }\n";
    let files: [(&str, &[u8]); 3] = [
        ("a.csv", b"sequence,l\nACGT,0\nAACC,1\n"),
        ("b.csv", b"sequence,l\nNNNN,1\n"),
        ("c.csv", b"sequence,l\nTTTT,0\n"),
    ];
    let dataset = load_good(card, &files);
    let (csv_path, fasta_path) = (folder.path().join("out.csv"), folder.path().join("out.fa"));
    export_csv(&dataset, &csv_path).unwrap();
    export_fasta(&dataset, &fasta_path).unwrap();
    insta::assert_snapshot!(std::fs::read_to_string(&csv_path).unwrap(), @r#"
example_id,split,sequence
train:0,train,ACGT
train:1,train,AACC
valid:0,valid,NNNN
test:0,test,TTTT
"#);
    insta::assert_snapshot!(std::fs::read_to_string(&fasta_path).unwrap(), @r#"
>train:0 split=train
ACGT
>train:1 split=train
AACC
>valid:0 split=valid
NNNN
>test:0 split=test
TTTT
"#);
    let (from_csv, from_fasta) = (
        read_sequences(&csv_path, &FileLayout::default()).unwrap(),
        read_sequences(&fasta_path, &FileLayout::default()).unwrap(),
    );
    assert_eq!(from_csv, from_fasta);
    assert_eq!(from_csv.ids, dataset.example_ids);
    let in_a_file = csv_path.join("out.csv");
    let error = export_csv(&dataset, &in_a_file).unwrap_err().to_string();
    assert!(error.contains("out.csv/out.csv: cannot create"), "{error}");
}

#[test]
fn a_file_of_sequences_is_read_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.csv");
    std::fs::write(&path, rows(|row| row.to_string())).unwrap();
    let whole = read_sequences(&path, &FileLayout::default()).unwrap();
    for (most, sizes) in [(16, vec![16, 16, 8]), (20, vec![20, 20]), (1000, vec![40])] {
        let file = SequenceFile::check(&path, &FileLayout::default()).unwrap();
        let (mut joined, mut found) = (NamedSequences::default(), Vec::new());
        file.read_parts(most, &mut |part| {
            found.push(part.ids.len());
            joined.ids.extend(part.ids);
            joined.sequences.extend(part.sequences);
            joined.letters += part.letters;
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!((file.n_rows(), found), (40, sizes));
        assert_eq!(joined, whole);
    }
    let file = SequenceFile::check(&path, &FileLayout::default()).unwrap();
    let mut n_parts = 0;
    let stop = &mut |_| {
        n_parts += 1;
        ControlFlow::Break(())
    };
    file.read_parts(3, stop).unwrap();
    assert_eq!(n_parts, 1);
    let all = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, all.lines().take(20).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let error = file.read_parts(64, &mut |_| panic!("it is not whole")).unwrap_err().to_string();
    assert!(error.contains("changed while it was read"), "{error}");
}

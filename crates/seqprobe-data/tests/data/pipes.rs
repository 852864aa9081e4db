//! Pipes are read once and give every row, however often the rows are needed.

use seqprobe_core::Seed;
use seqprobe_data::{FileLayout, FileTask, SequenceFile, card_for_file, load, read_sequences};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;

/// A FIFO, and the thread that writes to it.
fn fifo(folder: &Path, text: String) -> (PathBuf, JoinHandle<()>) {
    let path = folder.join("fifo");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo is there").success());
    let target = path.clone();
    (path, std::thread::spawn(move || std::fs::write(target, text).expect("the FIFO can be written")))
}

fn bases(row: usize) -> String {
    (0..57).map(|place| char::from(b"ACGT"[(row * 7 + place * (1 + row % 5) + row / 64) % 4])).collect()
}

/// Records of 64 bytes: they fill buffers of any power of two exactly.
fn fasta() -> String {
    let text: String = (0..3000).map(|row| format!(">{row:04}\n{}\n", bases(row))).collect();
    assert_eq!(text.len(), 3000 * 64);
    text
}

#[test]
fn three_thousand_records_of_64_bytes_give_three_thousand_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (path, writer) = fifo(folder.path(), fasta());
    let read = read_sequences(&path, &FileLayout::default()).unwrap();
    writer.join().unwrap();
    assert_eq!((read.ids.len(), read.sequences.len()), (3000, 3000));
    assert_eq!((read.ids[0].as_str(), read.sequences[0].as_str()), ("0000", bases(0).as_str()));
    assert_eq!((read.ids[2999].as_str(), read.sequences[2999].as_str()), ("2999", bases(2999).as_str()));
}

#[test]
fn a_pipe_is_checked_and_then_read_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let (path, writer) = fifo(folder.path(), fasta());
    let file = SequenceFile::check(&path, &FileLayout::default()).unwrap();
    writer.join().unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut ids = Vec::new();
    file.read_parts(700, &mut |part| {
        ids.extend(part.ids);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!((file.n_rows(), ids.len(), ids[2999].as_str()), (3000, 3000, "2999"));
}

#[test]
fn a_card_of_a_pipe_has_its_digest_and_all_its_rows() {
    let rows: String = (0..3000).map(|row| format!("r{row},{},{}\n", bases(row), row % 2)).collect();
    let text = format!("id,sequence,label\n{rows}");
    let task = |path: PathBuf| FileTask {
        path,
        layout: FileLayout::default(),
        targets: vec!["label".to_owned()],
        task: None,
        positive: None,
        group: None,
        chromosome: false,
        seed: Seed(0),
    };
    let folder = tempfile::tempdir().unwrap();
    let (path, writer) = fifo(folder.path(), text.clone());
    let piped = card_for_file(&task(path)).unwrap();
    writer.join().unwrap();
    let file = folder.path().join("x.csv");
    std::fs::write(&file, text).unwrap();
    let plain = card_for_file(&task(file)).unwrap();
    let digest = |made: &seqprobe_data::FileCard| made.card.files["all"].as_slice()[0].sha256.clone();
    assert_eq!(digest(&piped), digest(&plain));
    let [piped, plain] = [piped, plain].map(|made| load(&made.card, &made.folders()).unwrap());
    assert_eq!((piped.n_examples(), &piped.sequences), (3000, &plain.sequences));
    assert_eq!(piped.splits, plain.splits);
}

//! `seqprobe embed` for every family: all layers from one pass, and features that do not depend on what else
//! is in the file. The models are the parity fixtures of the models crate.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{root, run_well, write};
use std::fs;
use std::path::{Path, PathBuf};

/// One small model of every family.
fn models() -> Vec<(String, PathBuf)> {
    let sorted = |folder: &Path| {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.is_dir());
        paths.sort();
        paths
    };
    let families = sorted(&root().join("crates/seqprobe-models/tests/fixtures/models"));
    let of_family = |family: PathBuf| {
        let case = sorted(&family).into_iter().find(|case| case.join("config.json").exists())?;
        Some((family.file_name()?.to_string_lossy().into_owned(), case))
    };
    families.into_iter().filter_map(of_family).collect()
}

/// Different sequences of 30 to 90 letters, some with N.
fn sequences() -> Vec<String> {
    let mut state = 11_u64;
    let mut draw = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    (0..24)
        .map(|_| {
            let length = 30 + draw(61);
            (0..length)
                .map(|_| if draw(40) == 0 { 'N' } else { char::from(b"ACGT"[draw(4) as usize]) })
                .collect()
        })
        .collect()
}

fn fasta(sequences: &[(usize, &String)]) -> String {
    sequences.iter().map(|(number, letters)| format!(">s{number}\n{letters}\n")).collect()
}

/// Rows of 32-bit floats.
fn read_npy(path: &Path, rows: usize) -> Vec<Vec<f32>> {
    let bytes = fs::read(path).unwrap();
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let values: Vec<f32> = bytes[10 + header..]
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
        .collect();
    values.chunks_exact(values.len() / rows).map(<[f32]>::to_vec).collect()
}

/// Embeds a file with every layer; the files by layer.
fn embed(folder: &Path, model: &Path, input: &str, stem: &str) -> Vec<(String, PathBuf)> {
    let output = format!("{stem}.npy");
    let model = model.display().to_string();
    // A cache of its own: rows that another call stored would be read.
    let cache = format!("cache-{stem}");
    let arguments = [
        "embed",
        "--model",
        &model,
        "--input",
        input,
        "--layer",
        "all",
        "--output",
        &output,
        "--cache-dir",
        &cache,
    ];
    let said = run_well(folder, &arguments).stdout;
    let layer_of = |line: &str| {
        let file = line.split_once(" to ")?.1.to_owned();
        let layer = line.split_once("layer ")?.1.split_once(')')?.0.to_owned();
        Some((layer, folder.join(file)))
    };
    let layers: Vec<(String, PathBuf)> = said.lines().filter_map(layer_of).collect();
    assert!(!layers.is_empty() && said.contains("24 distinct") != said.contains("12 distinct"), "{said}");
    layers
}

#[test]
fn every_family_embeds_all_layers_whatever_else_is_in_the_file() {
    let sequences = sequences();
    let all: Vec<(usize, &String)> = sequences.iter().enumerate().collect();
    let half: Vec<(usize, &String)> = all.iter().rev().copied().step_by(2).collect();
    let models = models();
    assert!(models.len() >= 2, "{models:?}");
    for (family, model) in models {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "all.fa", &fasta(&all));
        write(folder.path(), "half.fa", &fasta(&half));
        let whole = embed(folder.path(), &model, "all.fa", "all");
        let part = embed(folder.path(), &model, "half.fa", "half");
        assert_eq!(whole[0].0, "0", "{family}");
        assert_eq!(whole.len(), part.len());
        for ((layer, one), (_, other)) in whole.iter().zip(&part) {
            let (one, other) = (read_npy(one, all.len()), read_npy(other, half.len()));
            for ((number, _), values) in half.iter().zip(&other) {
                let largest = one[*number].iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
                assert!(largest > 0.0 && largest.is_finite(), "{family} layer {layer} s{number}");
                for (got, expected) in values.iter().zip(&one[*number]) {
                    let error = (got - expected).abs() / largest;
                    assert!(error <= 1e-5, "{family} layer {layer} s{number}: {got} {expected}");
                }
            }
            assert!(
                one.windows(2).any(|pair| pair[0] != pair[1]),
                "{family} layer {layer}: all rows are the same"
            );
        }
    }
}

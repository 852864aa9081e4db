//! Static k-mer tables: the real dna2vec, digests, random tables, and what a user reads when a folder does
//! not fit.

use crate::common::{
    PRETRAINED, copy_of_fixture, dna, edit_config, load_error, random, skip_without_data, states,
};
use proptest::prelude::*;
use seqprobe_core::LayerIndex;
use seqprobe_models::{LoadOptions, Precision, TokenBatch, open_model};
use serde_json::json;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The folder of public data sets: the one of the environment, else the one next to the repository.
fn dna2vec() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("SEQPROBE_DATA_DIR").map_or(beside, PathBuf::from);
    Some(folder.join("dna2vec/dna2vec-6mer.npy")).filter(|path| path.exists())
}

#[test]
fn dna2vec_gives_its_rows() {
    let Some(path) = dna2vec() else {
        return skip_without_data("dna2vec/dna2vec-6mer.npy is not in the data folder");
    };
    let folder = TempDir::new().unwrap();
    std::fs::copy(&path, folder.path().join("dna2vec-6mer.npy")).unwrap();
    let config = r#"{"model_type": "kmer-table", "k": 6, "hidden_size": 100, "table": "dna2vec-6mer.npy",
                     "order": "acgt", "first_row": 1, "null_row": 0}"#;
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let model = open_model(folder.path(), LoadOptions { precision: Precision::F64, ..PRETRAINED }).unwrap();
    let spec = model.encoder.spec();
    assert_eq!((spec.n_blocks, spec.hidden, spec.n_parameters), (0, 100, 409_700));
    let tokens = model.tokenize(&dna("AAAAAACNTTTTTT")).unwrap();
    assert_eq!(tokens.ids, [1, 2, 0, 0, 0, 0, 0, 0, 4096]);
    let batch = TokenBatch::from_tokens(&[tokens], model.pad_id);
    let states = model.encoder.hidden_states(&batch, &[LayerIndex::Final]).unwrap();
    let got: Vec<f64> = states.layers[0].1.reshape([-1]).try_into().unwrap();
    // The file itself: 128 bytes of header, then rows of 100 doubles.
    let bytes = std::fs::read(path).unwrap();
    let row = |row: usize| -> Vec<f64> {
        bytes[128 + 800 * row..][..800]
            .chunks_exact(8)
            .map(|value| f64::from_le_bytes(value.try_into().unwrap()))
            .collect()
    };
    let expected: Vec<f64> = batch.ids.iter().flat_map(|&id| row(id as usize)).collect();
    assert_eq!(got, expected);
    assert!((got[0] + 0.157932).abs() < 1e-9 && (got[1] - 0.264544).abs() < 1e-9);
    assert!(got[200..300].iter().all(|value| value.to_bits() == 0), "a k-mer with N has the null row");
}

#[test]
fn the_weights_digest_covers_the_table() {
    let folder = copy_of_fixture("kmer-table", "npy");
    let digest = || open_model(folder.path(), PRETRAINED).unwrap().weights_digest;
    let first = digest();
    assert_eq!(digest(), first);
    let path = folder.path().join("vectors.npy");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 8;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_ne!(digest(), first);
    let other_order = digest();
    edit_config(folder.path(), |config| {
        config.insert("order".to_owned(), json!("tgca"));
    });
    assert_ne!(digest(), other_order);
}

#[test]
fn random_tables_have_the_shape_of_the_table_and_a_null_row() {
    let folder = copy_of_fixture("kmer-table", "npy");
    std::fs::remove_file(folder.path().join("vectors.npy")).unwrap();
    let model = open_model(folder.path(), random(1)).unwrap();
    assert_eq!(model.encoder.spec().n_parameters, 65 * 8);
    let values = states(&model, "AAANCCC");
    assert!(values[8..32].iter().all(|value| value.to_bits() == 0));
    assert!(
        values[..8].iter().chain(&values[32..]).all(|value| value.abs() > 0.0 && value.abs() <= 0.5 / 8.0)
    );
    let all = states(&model, &"ACGTTGCAATCGGACTAGGCTTTACC".repeat(4));
    let largest = all.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    assert!(largest > 0.9 * 0.5 / 8.0, "word2vec starts uniform within half of 1 / width, got {largest}");
    assert_ne!(values, states(&open_model(folder.path(), random(2)).unwrap(), "AAANCCC"));
}

#[test]
fn a_config_that_does_not_fit_is_an_error() {
    let refused = |key: &str, value: serde_json::Value| {
        let folder = copy_of_fixture("kmer-table", "npy");
        edit_config(folder.path(), |config| {
            config.insert(key.to_owned(), value);
        });
        load_error(folder.path(), PRETRAINED)
    };
    insta::assert_snapshot!(refused("k", json!(9)), @r#"<folder>/config.json: key "k" is 9, expected 1 to 8"#);
    insta::assert_snapshot!(refused("order", json!("acga")), @r#"<folder>/config.json: key "order" is "acga", expected the order of bases, for example "acgt""#);
    insta::assert_snapshot!(refused("order", json!("acgtn")), @r#"<folder>/config.json: key "order" is "acgtn", expected the order of bases, for example "acgt""#);
    insta::assert_snapshot!(refused("null_row", json!(7)), @r#"<folder>/config.json: key "null_row" is 7, which is the row of a 3-mer, expected another"#);
    insta::assert_snapshot!(refused("first_row", json!(null)), @r#"<folder>/config.json: key "first_row" is missing or not a row, expected a whole number from 0 to 1000000"#);
    insta::assert_snapshot!(refused("table", json!("../vectors.npy")), @r#"<folder>/config.json: key "table" is "../vectors.npy", expected the name of a .npy file in the folder of config.json"#);
    insta::assert_snapshot!(refused("table", json!("other.npy")), @"<folder>/other.npy: No such file or directory (os error 2)");
    insta::assert_snapshot!(refused("hidden_size", json!(9)), @r#"
    <folder>/vectors.npy: tensor "embeddings.weight" has shape [65, 8], expected [65, 9]
      hint: config.json and the weights belong to different models
    "#);
    insta::assert_snapshot!(refused("k", json!(2)), @r#"
    <folder>/vectors.npy: tensor "embeddings.weight" has shape [65, 8], expected [17, 8]
      hint: config.json and the weights belong to different models
    "#);
}

/// A file of version 1.0 with this header and these bytes.
fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let padded = format!("{header:<117}\n");
    [b"\x93NUMPY\x01\x00v\x00".as_slice(), padded.as_bytes(), data].concat()
}

#[test]
fn a_table_that_is_not_plain_is_an_error() {
    let folder = copy_of_fixture("kmer-table", "npy");
    let refused = |bytes: &[u8]| {
        std::fs::write(folder.path().join("vectors.npy"), bytes).unwrap();
        load_error(folder.path(), PRETRAINED)
    };
    let header = |descr: &str, fortran: &str, shape: &str| {
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}")
    };
    let plain = |descr: &str| header(descr, "False", "(65, 8)");
    let zeros = vec![0; 65 * 8 * 8];
    insta::assert_snapshot!(refused(&npy(&header("<f8", "False", "(65, 8, 1)"), &zeros)), @"<folder>/vectors.npy: has shape [65, 8, 1], expected rows and columns");
    insta::assert_snapshot!(refused(&npy(&header("<f8", "True", "(65, 8)"), &zeros)), @r"
    <folder>/vectors.npy: is stored column by column, expected row by row
      hint: save numpy.ascontiguousarray(table)
    ");
    insta::assert_snapshot!(refused(&npy(&plain("<i8"), &zeros)), @"<folder>/vectors.npy: has element type '<i8', expected '<f4' or '<f8'");
    insta::assert_snapshot!(refused(&npy(&plain("<f8"), &zeros[8..])), @r"
    <folder>/vectors.npy: not a complete npy file (4280 bytes): failed to fill whole buffer
      hint: copy it again
    ");
    insta::assert_snapshot!(refused(&npy(&plain("<f4"), &zeros)), @"<folder>/vectors.npy: 2080 bytes follow the table, expected none");
    insta::assert_snapshot!(refused(&npy(&header("<f8", "False", "(4000000000, 4000000000)"), &zeros)), @r"
    <folder>/vectors.npy: 4288 bytes are too few for 4000000000 rows of 4000000000 numbers
      hint: copy it again
    ");
    let mut infinite = zeros;
    infinite[8 * 9..8 * 10].copy_from_slice(&f64::INFINITY.to_le_bytes());
    insta::assert_snapshot!(refused(&npy(&plain("<f8"), &infinite)), @"<folder>/vectors.npy: row 1, column 1 is inf, expected a finite number");
    insta::assert_snapshot!(refused(b""), @r"
    <folder>/vectors.npy: not a complete npy file (0 bytes): magic not found for NPY file
      hint: copy it again
    ");
    // Either byte order and either width are plain.
    let single: Vec<u8> = (0..65 * 8).flat_map(|value| (value as f32).to_be_bytes()).collect();
    std::fs::write(folder.path().join("vectors.npy"), npy(&plain(">f4"), &single)).unwrap();
    assert_eq!(
        states(&open_model(folder.path(), PRETRAINED).unwrap(), "AAC"),
        (16..24).map(|value| value as f32).collect::<Vec<_>>()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// A damaged header is an error or, where a value of no meaning was hit, another table; never a panic.
    #[test]
    fn a_damaged_table_never_panics(place in 0_usize..128, byte in any::<u8>()) {
        let folder = copy_of_fixture("kmer-table", "npy");
        let path = folder.path().join("vectors.npy");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[place] = byte;
        std::fs::write(&path, &bytes).unwrap();
        match open_model(folder.path(), PRETRAINED) {
            Ok(model) => prop_assert_eq!(model.encoder.spec().hidden, 8),
            Err(error) => prop_assert!(error.to_string().contains("vectors.npy"), "{}", error),
        }
    }
}

//! Parquet, JSON Lines, FASTQ, GenBank, EMBL and HDF5: values equal to those of pyarrow, pandas, Biopython and h5py
//! (`tests/fixtures/formats/generate.py`), and errors for files that are cut.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use crate::common::{gzip, load_from, load_good};
use seqprobe_core::Targets;
use seqprobe_data::{DataError, DataFolders, FileLayout, NamedSequences, read_sequences};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats").join(name)
}

fn bytes_of(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).expect("the fixture is there")
}

fn expected() -> Value {
    serde_json::from_slice(&bytes_of("expected.json")).expect("the fixture is JSON")
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
}

fn read(path: &Path, sequence: Option<&str>) -> Result<NamedSequences, DataError> {
    let layout = FileLayout { sequence: sequence.map(str::to_owned), ..FileLayout::default() };
    read_sequences(path, &layout)
}

fn sequences(read: &NamedSequences) -> Vec<&str> {
    read.sequences.iter().map(|sequence| sequence.as_str()).collect()
}

/// A card with rows of one file in train, valid and test by number.
fn card(keys: &str, files: &str) -> String {
    format!("schema = 1\nid = \"x\"\ntitle = \"t\"\n{keys}\n[files]\n{files}\n")
}

const SPLIT: &str =
    "[[split]]\nof = \"all\"\nmethod = \"random\"\ninto = { train = 0.6, valid = 0.2, test = 0.2 }\n";

#[test]
fn every_codec_of_parquet_gives_the_rows_of_pyarrow() {
    let expected = expected();
    for codec in ["snappy", "zstd", "gzip", "lz4", "none"] {
        let found = read(&fixture(&format!("{codec}.parquet")), None).unwrap();
        assert_eq!(sequences(&found), texts(&expected["sequences"]), "{codec}");
        assert_eq!(found.ids[59], "r59", "{codec}");
    }
    let error = read(&fixture("brotli.parquet"), None).unwrap_err().to_string();
    assert!(error.contains("is compressed with Brotli, which is not read"), "{error}");
}

#[test]
fn every_type_of_a_parquet_column_has_the_value_of_pyarrow() {
    let expected = expected();
    let bytes = bytes_of("types.parquet");
    for sequence in ["sequence", "large", "view", "binary"] {
        let found = read(&fixture("types.parquet"), Some(sequence)).unwrap();
        assert_eq!(sequences(&found), texts(&expected["sequences"]), "{sequence}");
    }
    for (name, values) in expected["types"].as_object().unwrap() {
        if ["sequence", "large", "view", "binary", "null", "bool"].contains(&name.as_str()) {
            continue;
        }
        let keys = format!("task = \"regression\"\nmetric = \"spearman\"\ntarget = {name:?}");
        let card = card(&keys, "all = { path = \"a\", sha256 = \"SHA(a)\" }") + SPLIT;
        let data = load_good(&card, &[("a", bytes.as_slice())]);
        let Targets::Values { values: found } = &data.targets else { panic!("numbers") };
        let wanted: Vec<f64> = values
            .as_array()
            .unwrap()
            .iter()
            .filter(|value| !value.is_null())
            .map(|value| value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap()))
            .collect();
        let found: Vec<f64> = found.column(0).iter().map(|value| value.unwrap()).collect();
        assert_eq!(found, wanted, "{name}");
    }
}

#[test]
fn what_a_parquet_column_cannot_hold_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let all = "all = { path = \"a\", sha256 = \"SHA(a)\" }";
    for (file, target, part) in [
        ("date.parquet", "when", "column \"when\" has values of the type Date, which is not read"),
        ("snappy.parquet", "list", "column \"list\" has lists, structs or maps"),
        ("snappy.parquet", "scores", "did you mean \"score\"?"),
    ] {
        let keys = format!("task = \"regression\"\nmetric = \"spearman\"\ntarget = {target:?}");
        let bytes = bytes_of(file);
        let result = load_from(
            folder.path(),
            &(card(&keys, all) + SPLIT),
            &[("a", bytes.as_slice())],
            &DataFolders::default(),
        );
        let error = result.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn classes_of_a_hugging_face_file_have_their_names() {
    let bytes = bytes_of("zstd.parquet");
    let keys = "task = \"multiclass\"\nmetric = \"accuracy\"\ntarget = \"label\"";
    let card = card(keys, "all = { path = \"a\", sha256 = \"SHA(a)\" }") + SPLIT;
    let data = load_good(&card, &[("a", bytes.as_slice())]);
    assert_eq!(data.task.classes, ["enhancer", "none", "promoter"]);
    let Targets::Classes { labels, .. } = &data.targets else { panic!("classes") };
    // enhancer, promoter, none in the file.
    assert_eq!(labels[..4], [0, 2, 1, 0]);
}

#[test]
fn json_lines_give_the_rows_of_pandas() {
    let expected = expected();
    let bytes = bytes_of("rows.jsonl");
    let folder = tempfile::tempdir().unwrap();
    for packed in [bytes.clone(), gzip(&bytes)] {
        let path = folder.path().join("rows");
        std::fs::write(&path, &packed).unwrap();
        let found = read(&path, None).unwrap();
        assert_eq!(sequences(&found), texts(&expected["sequences"]));
        assert_eq!(found.ids[3], "r3");
    }
    let keys = "task = \"regression\"\nmetric = \"spearman\"\ntarget = \"score\"";
    let card = card(keys, "all = { path = \"a\", sha256 = \"SHA(a)\" }") + SPLIT;
    let data = load_good(&card, &[("a", bytes.as_slice())]);
    let Targets::Values { values } = &data.targets else { panic!("numbers") };
    let scores: Vec<f64> = expected["scores"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    assert_eq!(values.column(0).iter().map(|value| value.unwrap()).collect::<Vec<_>>(), scores);
    assert_eq!(data.notes, ["6 of 60 rows were left out: their target is missing (6 empty)"]);
}

#[test]
fn a_json_array_and_nested_values_are_refused_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    for (text, part) in [
        ("[{\"sequence\":\"ACGT\"}]", "is a JSON array; objects are read one per line"),
        ("{\"sequence\":\"ACGTACGT\"}\n{\"sequence\":[1]}\n", ":2: the value of \"sequence\" is a list"),
        ("{\"sequence\":\"ACGTACGT\"}\n{\"sequence\":\"ACGT\"\n", ":2: JSON: expected \",\" or \"}\""),
        ("{\"sequence\":\"ACGTACGT\"}\n{\"x\":1}\n", ":2: sequence: empty sequence"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = read(&path, None).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    std::fs::write(&path, "{\"sequence\":\"ACGTACGT\"}\n").unwrap();
    assert_eq!(sequences(&read(&path, None).unwrap()), ["ACGTACGT"]);
}

#[test]
fn fastq_genbank_and_embl_give_the_records_of_biopython() {
    let expected = expected();
    let wanted = texts(&expected["sequences"]);
    let found = read(&fixture("reads.fastq"), None).unwrap();
    assert_eq!(sequences(&found), wanted);
    assert_eq!(found.ids, texts(&expected["names"]));
    for (file, kind) in [("records.gb", "genbank"), ("records.embl", "embl")] {
        let found = read(&fixture(file), None).unwrap();
        assert_eq!(sequences(&found), wanted[..20], "{file}");
        assert_eq!(found.ids, texts(&expected[kind]), "{file}");
    }
}

#[test]
fn fastq_of_several_lines_is_read_and_wrong_qualities_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.fastq");
    let read_text = |text: &str| {
        std::fs::write(&path, text).unwrap();
        read(&path, None).map_err(|error| error.to_string())
    };
    // A quality that begins with "@" is no record.
    let found = read_text("@a x\nACGT\n+\n@III\n@b\nAC\nGT\n+b\nII\n@I\n\n@c\nA\n+\nI").unwrap();
    assert_eq!((sequences(&found), found.ids.len()), (vec!["ACGT", "ACGT", "A"], 3));
    for (text, part) in [
        (
            "@a\nACGT\n+\nIIII\n@b\nACGT\n+\nIII\n",
            "a.fastq:5: FASTQ record \"b\" has 4 bases and 3 qualities",
        ),
        ("@a\nACGT\n+\nIIII\n@b\nACGT\n", "a.fastq:5: FASTQ record \"b\" has no line \"+\""),
        ("@a\nACGT\n+\nIIII\n@b\nACGT\n+c\nIIII\n", "a.fastq:7: the line \"+\" has another name"),
        ("@a\nACGT\n+\nIIIII\n", "has 4 bases and 5 qualities"),
        ("@a\nACGT\n+\nIIII\nACGT\n", "a.fastq:5: a FASTQ record starts with"),
    ] {
        let error = read_text(text).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn genbank_without_sequence_or_of_proteins_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gb");
    for (text, part) in [
        ("LOCUS       X 4 aa linear\nORIGIN\n 1 mkvl\n//\n", ":1: record \"X\" is a protein (aa), not DNA"),
        ("LOCUS       X 4 bp DNA\nCONTIG      join(Y:1..4)\n//\n", "has no sequence: it is assembled"),
        ("LOCUS       X 5 bp DNA\nORIGIN\n 1 acgt\n//\n", "has 4 bases, its first line says 5"),
        ("LOCUS       X 4 bp DNA\nORIGIN\n 1 acgt\n", "does not end with \"//\""),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = read(&path, None).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    std::fs::write(&path, "LOCUS       X 4 bp DNA\nACCESSION   Y Z\nORIGIN\n 1 ac gt\n//\n").unwrap();
    let found = read(&path, None).unwrap();
    assert_eq!((found.ids, found.sequences[0].as_str()), (vec!["Y".to_owned()], "ACGT"));
}

#[test]
fn hdf5_arrays_give_the_values_of_h5py() {
    let expected = expected();
    let wanted = texts(&expected["one_hot"]);
    for name in ["x", "group/fixed", "/group/text"] {
        assert_eq!(sequences(&read(&fixture("texts.h5"), Some(name)).unwrap()), wanted, "{name}");
    }
    let error = read(&fixture("arrays.h5"), None).unwrap_err().to_string();
    assert!(error.contains("several data sets may be sequences"), "{error}");
    let bytes = bytes_of("arrays.h5");
    let keys = "task = \"regression\"\nmetric = \"spearman\"\ntarget = [\"a\", \"b\"]";
    let entry = |split: &str| {
        format!(
            "{split} = {{ path = \"a\", sha256 = \"SHA(a)\", sequence = \"x_{split}\", target = [\"y_{split}:0\", \
            \"y_{split}:1\"] }}\n"
        )
    };
    let files: String = ["train", "valid", "test"].into_iter().map(entry).collect();
    let data = load_good(&card(keys, &files), &[("a", bytes.as_slice())]);
    let found: Vec<&str> = data.sequences.iter().map(|sequence| sequence.as_str()).collect();
    assert_eq!(found, wanted);
    assert_eq!(data.task.targets, ["a", "b"]);
    let Targets::Values { values } = &data.targets else { panic!("numbers") };
    for (row, pair) in values.rows().into_iter().zip(expected["pair"].as_array().unwrap()) {
        let pair: Vec<f64> = pair.as_array().unwrap().iter().filter_map(Value::as_f64).collect();
        assert_eq!(row.iter().map(|value| value.unwrap()).collect::<Vec<_>>(), pair);
    }
    assert_eq!((data.splits.train.len(), data.splits.valid.len(), data.splits.test.len()), (40, 10, 10));
}

#[test]
fn a_file_that_is_cut_anywhere_never_gives_fewer_rows() {
    let folder = tempfile::tempdir().unwrap();
    for (file, sequence) in [
        ("snappy.parquet", None),
        ("zstd.parquet", None),
        ("types.parquet", Some("view")),
        ("records.gb", None),
        ("records.embl", None),
        ("texts.h5", Some("x")),
        ("texts.h5", Some("group/text")),
        ("arrays.h5", Some("x_test")),
    ] {
        let bytes = bytes_of(file);
        let whole = read(&fixture(file), sequence).unwrap();
        let path = folder.path().join(file);
        // The last bytes of a text may be its line end.
        for end in (0..bytes.len() - 2).step_by(13) {
            std::fs::write(&path, &bytes[..end]).unwrap();
            if let Ok(found) = read(&path, sequence) {
                // Text formats may end between two records.
                let text = String::from_utf8_lossy(&bytes[..end]);
                let is_between = file.starts_with("records") && text.trim_end().ends_with("//");
                assert!(found == whole || is_between, "{file} cut at {end}");
            }
        }
    }
}

//! Embeddings that other libraries wrote: the same vectors from every format, joined by id, and files that
//! must be refused. The fixtures come from `fixtures/imported/generate.py`.

use seqprobe_core::FeatureSource;
use seqprobe_embed::{EmbedError, IMPORT_FORMATS, IdsFrom, ImportRequest, ImportedEmbeddings};
use std::path::{Path, PathBuf};

const IDS: [&str; 5] = ["train.csv:0", "train.csv:1", "β-globin", "with blank", "7"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/imported").join(name)
}

fn request(name: &str, values: Option<&str>, ids: Option<&str>) -> ImportRequest {
    ImportRequest {
        path: fixture(name),
        values: values.map(str::to_owned),
        ids: match ids {
            None => IdsFrom::Default,
            Some(file) if file.ends_with(".txt") => IdsFrom::File(fixture(file)),
            Some(name) => IdsFrom::Name(name.to_owned()),
        },
    }
}

fn read(name: &str, values: Option<&str>, ids: Option<&str>) -> Result<ImportedEmbeddings, EmbedError> {
    ImportedEmbeddings::read(&request(name, values, ids))
}

fn refusal(name: &str, values: Option<&str>, ids: Option<&str>) -> String {
    let text = read(name, values, ids).expect_err("the file should be refused").to_string();
    text.replace(&fixture("").display().to_string(), "")
}

fn texts(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}

/// The vectors of the ids, in their order.
fn vectors(embeddings: &ImportedEmbeddings, ids: &[&str]) -> Vec<f32> {
    let rows: Vec<usize> = (0..ids.len()).collect();
    let features = embeddings.join(&texts(ids), &rows).unwrap();
    let mut out = Vec::new();
    features.read_rows(&rows, &mut out).unwrap();
    out
}

fn expected() -> Vec<f32> {
    let mut values: Vec<f32> = (0..20).map(|number| (number as f32 - 7.0) / 8.0).collect();
    values[8..12].copy_from_slice(&[-0.5, 0.25, 1000.0, -0.125]);
    values
}

#[test]
fn every_format_gives_the_same_vectors() {
    let mut cases = vec![
        ("values.npy", None, None),
        ("columns.npy", None, None),
        ("values.npy", None, Some("columns.ids.txt")),
        ("values.npz", None, None),
        ("values.npz", Some("embeddings"), Some("three.ids.txt")),
        ("bytes.npz", Some("v"), Some("names")),
        ("values.safetensors", None, None),
        ("numbers.safetensors", Some("v"), Some("values.ids.txt")),
        ("values.parquet", None, None),
        ("half.parquet", Some("v"), None),
        ("zstd.parquet", None, None),
        ("columns.parquet", Some("emb_*"), Some("ids")),
    ];
    if cfg!(feature = "hdf5") {
        cases.extend([
            ("values.h5", None, None),
            ("values.h5", Some("deep/half"), Some("fixed")),
            ("values.h5", Some("/deep/double"), Some("ids")),
            ("values.h5ad", Some("X"), None),
            ("values.h5ad", Some("obsm/X_model"), Some("/obs/_index")),
        ]);
    }
    for (name, values, ids) in &cases {
        let embeddings = read(name, *values, *ids).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((embeddings.n_rows(), embeddings.dim()), (5, 4), "{name}");
        assert_eq!(vectors(&embeddings, &IDS), expected(), "{name} {values:?}");
        let turned = ["7", "β-globin"];
        assert_eq!(vectors(&embeddings, &turned)[..4], expected()[16..], "{name}");
        assert_eq!(vectors(&embeddings, &turned)[4..], expected()[8..12], "{name}");
    }
    for format in IMPORT_FORMATS {
        let is_tested = |ending: &&str| cases.iter().any(|(name, ..)| name.ends_with(&format!(".{ending}")));
        assert!(format.endings.iter().any(is_tested), "{}: {}", format.endings.join(", "), format.title);
    }
}

#[test]
fn whole_numbers_are_ids_too() {
    let numbers = read("numbers.npz", None, None).unwrap();
    assert_eq!(vectors(&numbers, &["-4", "3"])[..4], expected()[8..12]);
    let numbers = read("numbers.safetensors", Some("v"), Some("n")).unwrap();
    assert_eq!(vectors(&numbers, &["4", "3"])[..4], expected()[8..12]);
}

#[test]
fn the_digest_covers_bytes_name_and_ids() {
    let digest = |values, ids| read("values.npz", values, ids).unwrap().digest();
    assert_eq!(digest(None, None), digest(Some("embeddings"), Some("ids")));
    assert_eq!(digest(None, None), digest(None, Some("values.ids.txt")));
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.ids.txt");
    std::fs::write(&other, "a\nb\nc\nd\ne\n").unwrap();
    let renamed = ImportRequest { ids: IdsFrom::File(other), ..request("values.npz", None, None) };
    assert_ne!(ImportedEmbeddings::read(&renamed).unwrap().digest(), digest(None, None));
    let half = read("values.npy", None, None).unwrap().digest();
    assert_ne!(half, digest(None, None));
}

#[test]
fn missing_and_extra_ids_are_counted() {
    let embeddings = read("values.npz", None, None).unwrap();
    let ids = texts(&["7", "x", "y", "z", "w", "with blank"]);
    let error = embeddings.join(&ids, &[0, 1, 2, 3, 4, 5]).unwrap_err().to_string();
    assert!(error.contains("4 of 6 examples have no embedding, first \"x\", \"y\", \"z\"\n"), "{error}");
    // Rows of no split need no embedding, and cannot be read without one.
    let features = embeddings.join(&ids, &[0, 5]).unwrap();
    assert_eq!((features.n_rows(), features.n_extra), (6, 3));
    let mut out = Vec::new();
    features.read_rows(&[5, 0], &mut out).unwrap();
    assert_eq!(out, [&expected()[12..16], &expected()[16..]].concat());
    let error = features.read_rows(&[1], &mut out).unwrap_err().to_string();
    assert!(error.contains("row 1 of the dataset has no embedding"), "{error}");
    assert!(features.read_rows(&[6], &mut out).is_err());
}

#[test]
fn files_that_do_not_fit_say_what_is_wrong() {
    let cases = [
        ("three.npy", None, None, "\"npy\" has shape [5, 2, 2], expected [examples, values]"),
        (
            "objects.npy",
            None,
            None,
            "Python objects (ragged rows or text of dtype object), which are never unpickled",
        ),
        ("objects.npz", None, None, "\"ids\": the array holds Python objects"),
        ("twice.npz", None, None, "2 ids are repeated, first \"a\" in rows 0 and 2"),
        ("whole.npz", None, None, "type <i8, expected float16, float32 or float64"),
        ("values.npz", Some("embedings"), None, "did you mean \"embeddings\"?"),
        ("bytes.npz", None, None, "no values under [\"embeddings\", \"features\"]; the file holds v, names"),
        ("values.npz", None, Some("names"), "no ids under [\"names\"]"),
        ("values.npy", Some("x"), None, "an npy file holds one array without a name"),
        ("values.npy", None, Some("x"), "an npy file holds no ids"),
        ("values.npz", None, Some("absent.txt"), "absent.txt: the ids cannot be read"),
        ("values.safetensors", None, Some("embeddings"), "expected ids as I64"),
        ("ragged.parquet", None, None, "column \"embeddings\" is ragged: row 1 has 1 values"),
        ("brotli.parquet", None, None, "hint: write the file with compression = \"zstd\""),
        ("columns.parquet", Some("embed*"), None, "no column of floats begins with \"embed\""),
        ("columns.parquet", Some("ids"), None, "expected floats or lists of floats"),
        ("generate.py", None, None, "the ending \"py\" is not known"),
    ];
    for (name, values, ids, wanted) in cases {
        let message = refusal(name, values, ids);
        assert!(message.contains(wanted), "{name}: {message}\nexpected {wanted}");
    }
    if cfg!(feature = "hdf5") {
        let cases = [
            ("values.h5ad", None, None, "an h5ad file holds several matrices"),
            ("values.h5ad", Some("obsm"), None, "\"obsm\" is a group, expected a data set"),
            ("values.h5", Some("ids"), None, "expected 16-, 32- or 64-bit floats"),
            ("values.h5", Some("deep/none"), None, "the file holds embeddings, fixed, ids, deep/"),
            (
                "one_per_id_tokens.h5",
                None,
                None,
                "\"protein 00\" has shape [3, 4], expected a vector\n  hint: one vector",
            ),
            (
                "one_per_id_widths.h5",
                None,
                None,
                "\"p2\" has shape [5], expected a vector of 4 values, like the data sets before it",
            ),
            ("one_per_id_tokens.h5", Some("x"), None, "protein 00, protein 01, "),
            ("one_per_id_tokens.h5", Some("x"), None, "protein 19 and 10 more\n"),
        ];
        for (name, values, ids, wanted) in cases {
            let message = refusal(name, values, ids);
            assert!(message.contains(wanted), "{name}: {message}\nexpected {wanted}");
        }
    }
}

/// One data set for each example: by its path, or by the attribute that bio_embeddings writes.
#[test]
fn hdf5_files_with_one_data_set_per_id_are_joined_by_id() {
    if !cfg!(feature = "hdf5") {
        return;
    }
    let paths = ["train.csv:0", "a/b/c", "a/d", "with blank", "7"];
    let by_path = read("one_per_id.h5", None, None).unwrap();
    assert_eq!((by_path.n_rows(), by_path.dim()), (5, 4));
    assert_eq!(vectors(&by_path, &paths), expected());
    let by_attribute = read("bio_embeddings.h5", None, None).unwrap();
    assert_eq!((by_attribute.n_rows(), by_attribute.dim()), (5, 4));
    assert_eq!(vectors(&by_attribute, &IDS), expected());
    // A stated place of vectors or ids is looked for as in any file.
    assert!(refusal("one_per_id.h5", None, Some("ids")).contains("no values under"));
}

#[test]
fn a_vector_that_is_not_finite_matters_only_to_its_example() {
    for (name, value) in [("nan.npz", "NaN"), ("large.npz", "-inf")] {
        let embeddings = read(name, None, None).unwrap();
        let rows: Vec<usize> = (0..5).collect();
        let error = embeddings.join(&texts(&IDS), &rows).unwrap_err().to_string();
        let (row, id, column) = if value == "NaN" { (3, "with blank", 1) } else { (0, "train.csv:0", 0) };
        let wanted =
            format!("row {row} (id {id:?}), value {column} of \"embeddings\" is {value}, expected a finite");
        assert!(error.contains(&wanted), "{error}");
        assert!(error.contains("hint: compute these embeddings again, or take the examples out"), "{error}");
    }
    let embeddings = read("nan.npz", None, None).unwrap();
    let others = ["train.csv:0", "7"];
    assert_eq!(vectors(&embeddings, &others)[4..], expected()[16..]);
    // In the dataset, but in no split: it is not needed, and reading it is an error.
    let features = embeddings.join(&texts(&["7", "with blank"]), &[0]).unwrap();
    assert_eq!(features.n_extra, 3);
    let error = features.read_rows(&[1], &mut Vec::new()).unwrap_err().to_string();
    assert!(error.contains("the embedding of row 1 of the dataset is not finite"), "{error}");
}

#[test]
fn the_content_decides_and_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let read = |path: &Path| {
        let ids = IdsFrom::Default;
        ImportedEmbeddings::read(&ImportRequest { path: path.to_owned(), values: None, ids })
    };
    for (name, other) in [("values.npz", "a.bin"), ("values.safetensors", "a.npy"), ("values.parquet", "a")] {
        let path = folder.path().join(other);
        std::fs::copy(fixture(name), &path).unwrap();
        assert_eq!(vectors(&read(&path).unwrap(), &IDS), expected(), "{name}");
    }
    for (bytes, kind, hint) in [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "is a Git LFS pointer",
            "git lfs pull",
        ),
        ("<!doctype html><html>", "is a web page (HTML)", "raw file"),
        ("{\"a\": 1}\n", "is JSON, not embeddings", ".npy, .npz"),
    ] {
        let path = folder.path().join("b.npz");
        std::fs::write(&path, bytes).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(kind) && error.contains(hint), "{error}");
    }
}

#[test]
fn damaged_files_are_refused_without_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let mut names = vec!["values.npy", "values.npz", "values.safetensors", "values.parquet"];
    if cfg!(feature = "hdf5") {
        names.push("values.h5");
    }
    for name in names {
        let whole = std::fs::read(fixture(name)).unwrap();
        let path = folder.path().join(name);
        for keep in [0, 1, 7, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..keep]).unwrap();
            let ids = IdsFrom::File(fixture("values.ids.txt"));
            let request = ImportRequest { path: path.clone(), values: None, ids };
            let error = ImportedEmbeddings::read(&request).expect_err(&format!("{name} cut to {keep} bytes"));
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}

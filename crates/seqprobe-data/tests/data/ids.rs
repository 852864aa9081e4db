//! One rule for ids: a file of sequences has the same ids when it is embedded and when it is probed.

use proptest::prelude::*;
use seqprobe_core::Seed;
use seqprobe_data::{FileLayout, FileTask, card_for_file, load, read_sequences};
use std::path::Path;

/// The ids that `embed` and `predict` use, those of a probe's dataset, and what is noted about them.
type ThreeLists = (Vec<String>, Vec<String>, Vec<String>);

fn ids(path: &Path, layout: &FileLayout) -> Result<ThreeLists, String> {
    let plain = |error: seqprobe_data::DataError| error.to_string();
    let read = read_sequences(path, layout).map_err(plain)?;
    let task = FileTask {
        path: path.to_owned(),
        layout: layout.clone(),
        targets: vec!["y".to_owned()],
        task: None,
        positive: None,
        metric: None,
        split: None,
        group: None,
        chromosome: false,
        seed: Seed(0),
    };
    let card = card_for_file(&task).map_err(plain)?;
    let dataset = load(&card.card, &card.folders()).map_err(plain)?;
    Ok((read.ids, dataset.example_ids, read.remarks))
}

fn csv(folder: &Path, column: &str, id: impl Fn(usize) -> String) -> std::path::PathBuf {
    let mut text = format!("{column},sequence,y\n");
    for row in 0..40_usize {
        let letters: String = (0..12).map(|place| char::from(b"ACGT"[((row * 7) >> place) % 4])).collect();
        text.push_str(&format!("{},{letters},{}\n", id(row), row % 2));
    }
    let path = folder.join("x.csv");
    std::fs::write(&path, text).expect("the test folder can be written");
    path
}

#[test]
fn an_id_column_is_used_if_its_values_are_unique() {
    let folder = tempfile::tempdir().unwrap();
    let found = FileLayout::default();
    for column in ["id", "ID", "name", "example_id", "#id"] {
        let path = csv(folder.path(), column, |row| format!("r{row}"));
        let (embedded, probed, remarks) = ids(&path, &found).unwrap();
        assert_eq!((embedded[39].as_str(), remarks.len()), ("r39", 0), "{column}");
        assert_eq!(embedded, probed);
    }
    let path = csv(folder.path(), "name", |row| format!("GENE{}", row / 2));
    let (embedded, probed, remarks) = ids(&path, &found).unwrap();
    assert_eq!((embedded[39].as_str(), probed[39].as_str()), ("39", "all:39"));
    assert_eq!(
        remarks,
        [
            "the ids are row numbers from 0: column \"name\" has \"GENE0\" at lines 2 and 3; --id names another column"
        ]
    );
    let path = csv(folder.path(), "id", |row| if row == 4 { String::new() } else { row.to_string() });
    let (embedded, _, remarks) = ids(&path, &found).unwrap();
    assert_eq!(embedded[39], "39");
    assert!(remarks[0].contains("column \"id\" has no id at line 6"), "{remarks:?}");
}

#[test]
fn a_column_that_the_user_names_has_to_be_unique() {
    let folder = tempfile::tempdir().unwrap();
    let named = |column: &str| FileLayout { id: Some(column.to_owned()), ..FileLayout::default() };
    let path = csv(folder.path(), "gene", |row| format!("g{row}"));
    let (embedded, probed, _) = ids(&path, &named("gene")).unwrap();
    assert_eq!((embedded[3].as_str(), embedded == probed), ("g3", true));
    assert_eq!(ids(&path, &FileLayout::default()).unwrap().0[3], "3");
    let path = csv(folder.path(), "gene", |row| format!("g{}", row / 2));
    let error = ids(&path, &named("gene")).unwrap_err();
    assert!(error.ends_with("x.csv:3: duplicate id \"g0\", first seen at line 2"), "{error}");
    let path = csv(folder.path(), "gene", |row| if row == 4 { String::new() } else { row.to_string() });
    let error = ids(&path, &named("gene")).unwrap_err();
    assert!(error.ends_with("x.csv:6: the id is empty"), "{error}");
}

#[test]
fn record_names_are_ids_if_they_are_unique() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.fa");
    let write = |name: &dyn Fn(usize) -> String| {
        let text: String = (0..40).map(|row| format!(">{} y={}\nACGTACGT\n", name(row), row % 2)).collect();
        std::fs::write(&path, text).unwrap();
    };
    write(&|row| format!("s{row}"));
    let (embedded, probed, _) = ids(&path, &FileLayout::default()).unwrap();
    assert_eq!((embedded[7].as_str(), embedded == probed), ("s7", true));
    write(&|_| "hg38_dna".to_owned());
    let (embedded, probed, remarks) = ids(&path, &FileLayout::default()).unwrap();
    assert_eq!((embedded[7].as_str(), probed[7].as_str()), ("7", "all:7"));
    assert!(remarks[0].contains("the record names have \"hg38_dna\" at lines 1 and 3"), "{remarks:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Whatever a column holds, both commands use it or neither does, and no row is lost.
    #[test]
    fn both_commands_agree_on_any_column(
        names in prop::collection::vec("[a-c]{0,3}", 40), column in prop::sample::select(vec!["id", "name", "gene", "Name"]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = csv(folder.path(), column, |row| names[row].clone());
        let (embedded, probed, remarks) = ids(&path, &FileLayout::default()).map_err(TestCaseError::fail)?;
        prop_assert_eq!(embedded.len(), 40);
        let is_unique = names.iter().collect::<std::collections::BTreeSet<_>>().len() == 40;
        let is_used = column != "gene" && is_unique && !names.contains(&String::new());
        prop_assert_eq!(embedded == names, is_used);
        if is_used {
            prop_assert_eq!(embedded, probed);
        } else {
            prop_assert_eq!(remarks.len(), usize::from(column != "gene"));
            let numbered: Vec<String> = embedded.iter().map(|id| format!("all:{id}")).collect();
            prop_assert_eq!(numbered, probed);
        }
    }
}

//! The audit against counts made another way: naive comparison of small random sets, and the published GUE splits.

use crate::public_data::{data_folder, is_there, workspace};
use proptest::prelude::*;
use seqprobe_core::audit::{Audit, MIN_NEAR_KMERS, NEAR_K, NEAR_THRESHOLD, Shared};
use seqprobe_core::dataset::Origin;
use seqprobe_core::{BaseCounts, Dataset, DnaSequence, Split, Splits, Targets, Task, TaskKind};
use seqprobe_data::audit::{LeakKind, audit, without_leaks};
use seqprobe_data::{DataFolders, find_card, load};
use std::collections::HashSet;

/// A binary dataset from sequences with their split and label.
#[expect(clippy::unwrap_used, reason = "a test's own sequences are DNA")]
pub(crate) fn dataset(rows: &[(&str, Split, u32)]) -> Dataset {
    let of = |wanted| (0..rows.len()).filter(|&row| rows[row].1 == wanted).collect();
    Dataset {
        id: "made".to_owned(),
        title: String::new(),
        task: Task {
            kind: TaskKind::Binary,
            targets: vec!["label".to_owned()],
            classes: vec!["no".to_owned(), "yes".to_owned()],
        },
        metric: "auroc".to_owned(),
        example_ids: (0..rows.len()).map(|row| row.to_string()).collect(),
        sequences: rows.iter().map(|row| DnaSequence::parse(row.0).unwrap().0).collect(),
        targets: Targets::Classes { labels: rows.iter().map(|row| row.2).collect(), n_classes: 2 },
        splits: Splits { train: of(Split::Train), valid: of(Split::Valid), test: of(Split::Test) },
        clusters: None,
        letters: BaseCounts::default(),
        oracle: None,
        notes: Vec::new(),
        origin: Origin::default(),
    }
}

#[expect(clippy::unwrap_used, reason = "the audit has both splits")]
fn of_test(audit: &Audit) -> Shared {
    audit.against_train.iter().find(|shared| shared.split == Split::Test).unwrap().clone()
}

const ONE: &str = "ACGTTGCAAGGCTTAACCGGATATCGCGTTAGC";
const ONE_REVERSED: &str = "GCTAACGCGATATCCGGTTAAGCCTTGCAACGT";
const PALINDROME: &str = "ACGTTGCAACGT";

#[test]
fn copies_are_counted_on_both_strands_with_their_labels() {
    let data = dataset(&[
        (ONE, Split::Train, 0),
        (ONE, Split::Train, 1),
        (PALINDROME, Split::Train, 1),
        ("TTTTTTTTTTTTTTTTTTTTTTTTGG", Split::Train, 1),
        (ONE, Split::Test, 1),
        (ONE, Split::Test, 1),
        (ONE_REVERSED, Split::Test, 1),
        (PALINDROME, Split::Test, 1),
        ("GGGGGGGGGGGGGGGG", Split::Valid, 0),
    ]);
    let audit = audit(&data, NEAR_THRESHOLD);
    let test = of_test(&audit);
    assert_eq!((test.exact.sequences, test.exact.rows, test.exact.train_rows), (2, 3, 3));
    assert_eq!(test.exact.conflicting, 1, "ONE is labelled 0 in train and 1 in test");
    let reverse = test.reverse_complement;
    assert_eq!((reverse.sequences, reverse.rows, reverse.train_rows, reverse.conflicting), (1, 1, 2, 1));
    assert_eq!((audit.conflicts.sequences, audit.conflicts.rows), (1, 4));
    assert_eq!(test.near.rows, 0, "copies are not near-duplicates");
    let train = &audit.shifts[0];
    assert_eq!((train.n_rows, train.class.as_deref()), (4, None));
    assert!((train.mean_length - (33.0 + 33.0 + 12.0 + 26.0) / 4.0).abs() < 1e-12);
}

#[test]
fn dropping_leaks_takes_training_rows_only_and_says_so() {
    let near = format!("{}A", &ONE[..32]);
    let rows = [
        (ONE, Split::Train, 0),
        (ONE_REVERSED, Split::Train, 1),
        (near.as_str(), Split::Train, 0),
        (PALINDROME, Split::Train, 1),
        (PALINDROME, Split::Train, 0),
        ("TTTTTTTTTTTTTTTTTTTTTTTTGG", Split::Train, 1),
        ("TTTTTTTTCTTTTTTTTTTTTTTTGG", Split::Train, 0),
        (ONE, Split::Test, 1),
        (PALINDROME, Split::Valid, 1),
    ];
    let exact = without_leaks(dataset(&rows), LeakKind::Exact, NEAR_THRESHOLD).unwrap();
    assert_eq!(exact.splits.train, [2, 5, 6]);
    assert_eq!((exact.splits.test.len(), exact.splits.valid.len()), (1, 1));
    assert!(
        exact.notes.iter().any(|note| note.starts_with("4 of 7 train rows were left out")),
        "{:?}",
        exact.notes
    );
    let near = without_leaks(dataset(&rows), LeakKind::Near, NEAR_THRESHOLD).unwrap();
    assert_eq!(near.splits.train, [5, 6]);
    assert_ne!(exact.digest(), near.digest());
    let error =
        without_leaks(dataset(&[rows[0], rows[5], rows[7], rows[8]]), LeakKind::Exact, 0.5).unwrap_err();
    assert!(error.to_string().contains("class \"no\" has no rows in the train split"), "{error}");
}

/// Distinct canonical k-mers of a sequence, as text.
fn naive_kmers(text: &str) -> HashSet<String> {
    let reverse = |kmer: &str| -> String {
        let letter = |c| match c {
            'A' => 'T',
            'C' => 'G',
            'G' => 'C',
            _ => 'A',
        };
        kmer.chars().rev().map(letter).collect()
    };
    (0..(text.len() + 1).saturating_sub(NEAR_K))
        .map(|start| &text[start..start + NEAR_K])
        .filter(|kmer| !kmer.contains('N'))
        .map(|kmer| std::cmp::min(kmer.to_owned(), reverse(kmer)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Windows of one short source overlap by chance, on both strands and with N in them.
    #[test]
    fn near_duplicates_are_those_of_a_naive_count(
        source in "[ACGT]{90}",
        windows in prop::collection::vec((0_usize..50, 20_usize..40, any::<bool>(), 0_u32..2, prop::option::of(0_usize..20)), 8..24),
    ) {
        let texts: Vec<(String, Split, u32)> = windows.iter().enumerate().map(|(number, (start, length, flip, label, gap))| {
            let mut text = source[*start..start + length].to_owned();
            if let Some(gap) = gap { text.replace_range(*gap..gap + 1, "N"); }
            let (sequence, _) = DnaSequence::parse(&text).unwrap();
            let sequence = if *flip { sequence.reverse_complement() } else { sequence };
            let split = if number < 2 { Split::Train } else { [Split::Train, Split::Valid, Split::Test][number % 3] };
            (sequence.as_str().to_owned(), split, *label)
        }).collect();
        let rows: Vec<(&str, Split, u32)> = texts.iter().map(|(text, split, label)| (text.as_str(), *split, *label)).collect();
        let data = dataset(&rows);
        let found = of_test(&audit(&data, NEAR_THRESHOLD)).near;
        let kmers: Vec<HashSet<String>> = rows.iter().map(|row| naive_kmers(row.0)).collect();
        let is_near = |left: usize, right: usize| {
            let smaller = kmers[left].len().min(kmers[right].len());
            let shared = kmers[left].intersection(&kmers[right]).count();
            let (one, other) = (&data.sequences[left], &data.sequences[right]);
            let copy = one == other || one.reverse_complement() == *other;
            smaller >= MIN_NEAR_KMERS && shared as f64 / smaller as f64 >= NEAR_THRESHOLD && !copy
        };
        let (train, test) = (&data.splits.train, &data.splits.test);
        let n_rows = test.iter().filter(|&&row| train.iter().any(|&other| is_near(row, other))).count();
        let n_train = train.iter().filter(|&&row| test.iter().any(|&other| is_near(row, other))).count();
        prop_assert_eq!((found.rows, found.train_rows), (n_rows, n_train));
        prop_assert_eq!(found.agreeing + found.differing, n_rows);
        prop_assert_eq!(found.not_judged, test.iter().filter(|&&row| kmers[row].len() < MIN_NEAR_KMERS).count());
    }
}

/// Distinct sequences in both train and test, rows of test, rows of train, conflicting; counted with pandas from the
/// published files.
const GUE: &[(&str, [usize; 4])] = &[
    ("gue-prom-core-all", [42, 43, 42, 6]),
    ("gue-prom-core-tata", [16, 16, 16, 1]),
    ("gue-prom-300-tata", [6, 6, 6, 0]),
    ("gue-tf-0", [0, 0, 0, 0]),
];

#[test]
fn the_gue_splits_share_the_known_sequences() {
    if !is_there("gue") {
        return;
    }
    let folders = DataFolders::new(vec![data_folder()]);
    for (id, expected) in GUE {
        let card = find_card(id, &[workspace().join("datasets")]).unwrap();
        let audit = audit(&load(&card, &folders).unwrap(), NEAR_THRESHOLD);
        let exact = of_test(&audit).exact;
        assert_eq!([exact.sequences, exact.rows, exact.train_rows, exact.conflicting], *expected, "{id}");
    }
}

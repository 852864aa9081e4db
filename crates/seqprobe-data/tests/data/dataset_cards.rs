//! Every card of the `datasets` folder: it can be read, it is bundled, and its data has known counts.

use crate::public_data::{data_folder, is_there, workspace};
use seqprobe_core::{Split, Targets};
use seqprobe_data::{Card, DataFolders, bundled_cards, card_ids, find_card, load};

/// Rows of train, valid and test, clusters, and rows of class 1 or known values of the first target. The counts of first
/// targets, and of splits that are files, were made with pandas from the files.
struct Expected {
    id: &'static str,
    rows: [usize; 3],
    n_clusters: Option<usize>,
    first_target: usize,
}

const EXPECTED: &[Expected] = &[
    Expected { id: "gue-prom-core-tata", rows: [4904, 613, 613], n_clusters: None, first_target: 3065 },
    Expected { id: "gue-prom-core-all", rows: [47356, 5920, 5920], n_clusters: None, first_target: 29598 },
    Expected { id: "gue-prom-300-tata", rows: [4904, 613, 613], n_clusters: None, first_target: 3065 },
    Expected { id: "gue-tf-0", rows: [32378, 1000, 1000], n_clusters: None, first_target: 17189 },
    Expected { id: "gue-mouse-0", rows: [6478, 810, 810], n_clusters: None, first_target: 4049 },
    Expected { id: "gue-splice", rows: [3650, 912, 4562], n_clusters: None, first_target: 2012 },
    Expected { id: "gue-emp-h3", rows: [1198, 299, 1497], n_clusters: None, first_target: 1517 },
    Expected { id: "azimuth", rows: [3734, 548, 1028], n_clusters: Some(17), first_target: 5310 },
    Expected { id: "fastutr-mpra", rows: [21738, 3105, 6211], n_clusters: None, first_target: 30253 },
    Expected { id: "ienhancer", rows: [2077, 297, 594], n_clusters: None, first_target: 1484 },
    Expected { id: "ctcf-pu1", rows: [55120, 2874, 9867], n_clusters: Some(2825), first_target: 39184 },
];

#[test]
fn every_card_reads_and_is_complete() {
    let folder = workspace().join("datasets");
    let ids = card_ids(std::slice::from_ref(&folder));
    for expected in EXPECTED {
        assert!(ids.iter().any(|id| id == expected.id), "{}", expected.id);
    }
    for id in &ids {
        let card = Card::read(&folder.join(format!("{id}.toml"))).unwrap();
        assert_eq!(&card.id, id, "a card's file is named by its id");
        for (key, value) in
            [("licence", &card.licence), ("citation", &card.citation), ("source", &card.source)]
        {
            assert!(!value.is_empty(), "{id}: {key} is missing");
        }
        let again = Card::parse(&card.to_toml().unwrap(), &card.name, card.folder.clone()).unwrap();
        assert_eq!(again, card);
    }
}

#[test]
fn every_card_is_bundled_and_can_be_overridden() {
    let folder = workspace().join("datasets");
    let bundled: Vec<&str> = bundled_cards().iter().map(|card| card.id).collect();
    assert_eq!(bundled, card_ids(std::slice::from_ref(&folder)));
    for card in bundled_cards() {
        let path = folder.join(format!("{}.toml", card.id));
        assert_eq!(card.text, std::fs::read_to_string(&path).unwrap(), "{}", card.id);
        let from_file = Card::read(&path).unwrap();
        let found = find_card(card.id, &[]).unwrap();
        assert_eq!((&found.id, found.name), (&from_file.id, format!("bundled card {}", card.id)));
        assert_eq!(card.card().unwrap().to_toml().unwrap(), from_file.to_toml().unwrap());
    }
    let own = tempfile::tempdir().unwrap();
    let text = bundled_cards()[0].text.replace("title = \"", "title = \"Ours: ");
    std::fs::write(own.path().join(format!("{}.toml", bundled[0])), text).unwrap();
    let found = find_card(bundled[0], &[own.path().to_owned()]).unwrap();
    assert!(found.title.starts_with("Ours: "), "{}", found.title);
    let error = find_card("gue-mouse-7", &[]).unwrap_err().to_string();
    assert!(error.contains("did you mean \"gue-mouse-0\"?"), "{error}");
}

#[test]
fn every_card_loads_with_the_known_counts() {
    let folders = DataFolders::new(vec![data_folder()]);
    for expected in EXPECTED {
        let card = Card::read(&workspace().join(format!("datasets/{}.toml", expected.id))).unwrap();
        let first_file = card.files.values().next().unwrap().as_slice()[0].path.clone();
        if !is_there(&first_file) {
            continue;
        }
        let dataset = load(&card, &folders).unwrap_or_else(|error| panic!("{error}"));
        let rows = Split::ALL.map(|split| dataset.splits.rows(split).len());
        assert_eq!(rows, expected.rows, "{}", expected.id);
        assert_eq!(rows.iter().sum::<usize>(), dataset.n_examples(), "{}", expected.id);
        let n_clusters = dataset.clusters.as_ref().map(|clusters| clusters.n_clusters());
        assert_eq!(n_clusters, expected.n_clusters, "{}", expected.id);
        let first_target = match &dataset.targets {
            Targets::Classes { labels, .. } => labels.iter().filter(|&&label| label == 1).count(),
            Targets::Values { values } => values.column(0).iter().flatten().count(),
        };
        assert_eq!(first_target, expected.first_target, "{}", expected.id);
    }
}

/// Benchmarks whose data are public: every file has an address that can be used, and the number of datasets is the published
/// one. Files that are held for tests have digests.
#[test]
fn the_cards_of_benchmarks_are_complete() {
    let cards: Vec<Card> = bundled_cards().iter().map(|card| card.card().unwrap()).collect();
    let family = |start: &str| cards.iter().filter(|card| card.id.starts_with(start)).collect::<Vec<_>>();
    let without_address = ["gue-emp-h3", "gue-splice"];
    let gue = family("gue-");
    assert_eq!(gue.len(), 28 + without_address.len());
    assert_eq!((family("nt-").len(), family("genomic-benchmarks-").len()), (18, 9));
    assert!(!family("bend-").is_empty() && !family("dart-eval-").is_empty());
    for card in gue.into_iter().chain(family("nt-")).chain(family("genomic-benchmarks-")) {
        if without_address.contains(&card.id.as_str()) {
            continue;
        }
        for file in card.named_files() {
            let url = file.url.unwrap_or_else(|| panic!("{}: {} has no address", card.id, file.path));
            assert!(url.starts_with("https://") || url.starts_with("hf:datasets/"), "{url}");
            assert!(url.ends_with(file.path.rsplit('/').next().unwrap()) || url.ends_with(".csv"), "{url}");
        }
        let has_digest = |file: &seqprobe_data::NamedFile<'_>| file.sha256.is_some();
        if card.id.starts_with("genomic-benchmarks-") {
            let intervals = card.named_files().into_iter().filter(|file| file.path.ends_with(".csv.gz"));
            assert!(
                intervals.clone().count() >= 4 && intervals.clone().all(|file| has_digest(&file)),
                "{}",
                card.id
            );
        }
    }
}

//! Rules without a model: planted leaks are found, sets without one are silent, and the published GUE sets give the
//! counts that two other programs found.

use crate::audit::dataset;
use crate::public_data::{data_folder, is_there, workspace};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use seqprobe_core::{Dataset, Split, Targets};
use seqprobe_data::rules::{Rule, RuleFit, RulePredictions, fit_rules, partners};
use seqprobe_data::{DataFolders, find_card, load};

fn predictions(fits: &[RuleFit], rule: Rule) -> Option<&RulePredictions> {
    fits.iter().find(|fit| fit.rule == rule)?.predictions.as_ref().ok()
}

/// Matthews correlation of a binary rule on test, positive from 0.5; 0 if it always predicts the same class.
fn mcc(dataset: &Dataset, predictions: &RulePredictions) -> f64 {
    let Targets::Classes { labels, .. } = &dataset.targets else { panic!("not binary") };
    let mut table = [[0.0_f64; 2]; 2];
    for (&row, predicted) in dataset.splits.test.iter().zip(predictions.test.column(0)) {
        table[labels[row] as usize][usize::from(*predicted >= 0.5)] += 1.0;
    }
    let [[tn, fp], [fn_, tp]] = table;
    let product = (tp + fp) * (tp + fn_) * (tn + fp) * (tn + fn_);
    if product == 0.0 { 0.0 } else { (tp * tn - fp * fn_) / product.sqrt() }
}

fn random_bases(rng: &mut ChaCha8Rng, n: usize) -> Vec<u8> {
    (0..n).map(|_| b"ACGT"[rng.random_range(0..4)]).collect()
}

fn split_of(row: usize) -> Split {
    [
        Split::Train,
        Split::Train,
        Split::Train,
        Split::Train,
        Split::Train,
        Split::Train,
        Split::Valid,
        Split::Test,
    ][(row * 5 + row / 8) % 8]
}

/// 1,200 random sequences of 60 bases, changed by `plant` with their label; labels alternate in random order.
fn made(seed: u64, plant: impl Fn(&mut Vec<u8>, u32, &mut ChaCha8Rng)) -> Dataset {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let rows: Vec<(String, Split, u32)> = (0..1_200)
        .map(|row| {
            let label = rng.random_range(0..2);
            let mut bases = random_bases(&mut rng, 60);
            plant(&mut bases, label, &mut rng);
            (String::from_utf8_lossy(&bases).into_owned(), split_of(row), label)
        })
        .collect();
    dataset(&rows.iter().map(|(text, split, label)| (text.as_str(), *split, *label)).collect::<Vec<_>>())
}

/// Pairs of a sequence with label 1 and one made from it, with label 0.
fn made_pairs(seed: u64, change: impl Fn(&[u8], &mut ChaCha8Rng) -> Vec<u8>) -> Dataset {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut rows = Vec::new();
    for _ in 0..600 {
        let bases = random_bases(&mut rng, 60);
        let other = change(&bases, &mut rng);
        rows.push((String::from_utf8_lossy(&bases).into_owned(), 1));
        rows.push((String::from_utf8_lossy(&other).into_owned(), 0));
    }
    let rows: Vec<_> =
        rows.iter().enumerate().map(|(row, (text, label))| (text.as_str(), split_of(row), *label)).collect();
    dataset(&rows)
}

#[test]
fn a_set_without_a_leak_has_no_rule_that_scores() {
    for seed in 0..5 {
        let dataset = made(seed, |_, _, _| {});
        for fit in fit_rules(&dataset) {
            let Ok(predictions) = &fit.predictions else { continue };
            // 150 test rows: four standard errors of a correlation of 0.
            let score = mcc(&dataset, predictions);
            assert!(score.abs() < 0.33, "{} {score}", fit.rule.as_str());
            if let Some(pairs) = predictions.pairs {
                assert!(pairs.compared < 5, "{} {pairs:?}", fit.rule.as_str());
            }
        }
        let partners = partners(&dataset).unwrap();
        // Two of 360,000 random pairs can share 14 bases at one offset.
        assert!(partners.shuffles == 0 && partners.altered <= 2, "{partners:?}");
    }
}

#[test]
fn planted_shortcuts_are_found_by_their_rule_and_named() {
    let found = |dataset: &Dataset, rule| {
        let fits = fit_rules(dataset);
        let predictions = predictions(&fits, rule).unwrap();
        (mcc(dataset, predictions), predictions.found.clone())
    };
    let word = made(1, |bases, label, _| {
        let text = String::from_utf8_lossy(bases).replace("TATAAA", "TATCAA").into_bytes();
        *bases = text;
        if label == 1 {
            bases[30..36].copy_from_slice(b"TATAAA");
        }
    });
    let (score, text) = found(&word, Rule::Word);
    assert!(score > 0.95 && text.contains("TATAA"), "{score} {text}");
    let (score, _) = found(&word, Rule::PositionMotifs);
    assert!(score > 0.9, "{score}");
    let (score, _) = found(&made(2, |bases, label, _| bases.truncate(60 - label as usize)), Rule::Length);
    assert!(score > 0.99, "{score}");
    let unknown = made(3, |bases, label, rng| {
        if label == 1 && rng.random_range(0..4) > 0 {
            bases[10] = b'N';
        }
    });
    let (score, _) = found(&unknown, Rule::UnknownBases);
    assert!(score > 0.6, "{score}");
    let gc = made(4, |bases, label, rng| {
        for base in bases.iter_mut() {
            if label == 1 && rng.random_range(0..3) == 0 {
                *base = b'G';
            }
        }
    });
    let (score, _) = found(&gc, Rule::Gc);
    assert!(score > 0.6, "{score}");
    let (score, _) = found(&gc, Rule::Markov);
    assert!(score > 0.8, "{score}");
}

#[test]
fn twins_of_the_other_label_are_flipped_and_of_the_same_label_copied() {
    // Exchanging two segments between equal pairs of bases keeps all dinucleotide counts.
    let shuffled = made_pairs(5, |bases, rng| {
        let mut text = bases.to_vec();
        for _ in 0..2_000 {
            let mut places = [(); 3].map(|()| rng.random_range(1..text.len() - 1));
            places.sort_unstable();
            let [start, middle, end] = places;
            if text[start] == text[middle] && text[middle] == text[end] {
                text[start..end].rotate_left(middle - start);
            }
        }
        text
    });
    let altered = made_pairs(6, |bases, rng| {
        let mut text = bases.to_vec();
        text[..25].copy_from_slice(&random_bases(rng, 25));
        text
    });
    for (dataset, rule) in [(shuffled, Rule::CompositionTwins), (altered, Rule::PositionalTwins)] {
        let fits = fit_rules(&dataset);
        let twins = predictions(&fits, rule).unwrap();
        let pairs = twins.pairs.unwrap();
        assert!(pairs.compared > 60 && pairs.disagreeing == pairs.compared, "{} {pairs:?}", rule.as_str());
        assert!(twins.found.starts_with("flips"), "{}", twins.found);
        assert!(mcc(&dataset, twins) > 0.5);
        // The same pairs with equal labels are copied.
        let mut same = dataset.clone();
        if let Targets::Classes { labels, .. } = &mut same.targets {
            (0..labels.len()).for_each(|row| labels[row] = (row / 2 % 2) as u32);
        }
        let fits = fit_rules(&same);
        let twins = predictions(&fits, rule).unwrap();
        assert!(twins.found.starts_with("copies") && mcc(&same, twins) > 0.5, "{}", twins.found);
    }
}

#[expect(clippy::unwrap_used, reason = "the bundled cards are read")]
fn public(id: &str) -> Dataset {
    let folders = DataFolders::new(vec![data_folder()]);
    let card = find_card(id, &[workspace().join("datasets")]).unwrap();
    load(&card, &folders).unwrap()
}

#[test]
fn the_negatives_of_gue_mouse_0_are_shuffles_of_its_positives() {
    if !is_there("gue/mouse/0/test.csv") {
        return;
    }
    let dataset = public("gue-mouse-0");
    let fits = fit_rules(&dataset);
    let twins = predictions(&fits, Rule::CompositionTwins).unwrap();
    let pairs = twins.pairs.unwrap();
    assert_eq!((twins.test_covered, pairs.compared, pairs.disagreeing), (734, 734, 734));
    let score = mcc(&dataset, twins);
    assert!((0.92..0.97).contains(&score), "{score}");
    let partners = partners(&dataset).unwrap();
    assert_eq!((partners.negatives, partners.shuffles), (4_049, 4_049));
}

#[test]
fn most_test_rows_of_gue_prom_core_all_have_a_positional_twin_of_the_other_label() {
    if !is_there("gue/prom/prom_core_all/test.csv") {
        return;
    }
    let dataset = public("gue-prom-core-all");
    let fits = fit_rules(&dataset);
    let twins = predictions(&fits, Rule::PositionalTwins).unwrap();
    // Recounted by another program with the same definition: 3,988 rows, 93.4% of them of the other label.
    let coverage = twins.test_covered as f64 / dataset.splits.test.len() as f64;
    assert!((0.66..0.68).contains(&coverage), "{coverage}");
    let pairs = twins.pairs.unwrap();
    let disagreeing = pairs.disagreeing as f64 / pairs.compared as f64;
    assert!((0.92..0.95).contains(&disagreeing), "{disagreeing}");
}

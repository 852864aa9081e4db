//! The solvers against scikit-learn 1.9.1 on real data sets. Without the data the tests are skipped.

use crate::support::{data_folder, golden, has_data, numbers};
use ndarray::{Array2, s};
use seqprobe_core::sequence::base_code;
use seqprobe_linear::{ClassLabels, exact_logistic};
use std::path::Path;

pub(crate) fn read(path: &Path) -> (Vec<Vec<u8>>, Vec<usize>) {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let rows = reader.records().map(|record| {
        let record = record.unwrap();
        let codes = record[0].to_ascii_uppercase().bytes().map(base_code).collect();
        (codes, record[1].parse::<usize>().unwrap())
    });
    rows.unzip()
}

/// `[length · 4]`, order A C G T at each position, N is zeros.
fn one_hot(sequences: &[Vec<u8>]) -> Array2<f64> {
    let length = sequences.iter().map(Vec::len).max().unwrap();
    let mut values = Array2::zeros((sequences.len(), length * 4));
    for (row, sequence) in sequences.iter().enumerate() {
        for (position, &code) in sequence.iter().enumerate().filter(|(_, code)| **code < 4) {
            values[(row, position * 4 + usize::from(code))] = 1.0;
        }
    }
    values
}

/// Frequencies of the 256 4-mers without N, rounded to f32 as stored features are.
pub(crate) fn four_mers(sequences: &[Vec<u8>]) -> Array2<f64> {
    let mut values = Array2::zeros((sequences.len(), 256));
    for (row, sequence) in sequences.iter().enumerate() {
        let kmers = sequence.windows(4).filter(|kmer| kmer.iter().all(|&code| code < 4));
        for kmer in kmers {
            values[(row, kmer.iter().fold(0, |index, &code| index * 4 + usize::from(code)))] += 1.0;
        }
        let total = values.row(row).sum();
        if total > 0.0 {
            values.row_mut(row).mapv_inplace(|count| f64::from((count / total) as f32));
        }
    }
    values
}

/// Standardises both by the mean and deviation of the first.
fn standardise(train: &mut Array2<f64>, test: &mut Array2<f64>) {
    for (mut train, mut test) in train.columns_mut().into_iter().zip(test.columns_mut()) {
        let mean = train.mean().unwrap();
        let deviation = train.mapv(|value| (value - mean).powi(2)).mean().unwrap().sqrt();
        let scale = if deviation > 1e-12 { deviation } else { 1.0 };
        train.mapv_inplace(|value| (value - mean) / scale);
        test.mapv_inplace(|value| (value - mean) / scale);
    }
}

/// Area under the ROC curve by mid-ranks.
fn auroc(scores: &[f64], is_positive: &[bool]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let mut rank_sum = 0.0;
    for group in order.chunk_by(|&a, &b| scores[a].total_cmp(&scores[b]).is_eq()) {
        let first = order.iter().position(|row| row == &group[0]).unwrap();
        let rank = first as f64 + (group.len() as f64 + 1.0) / 2.0;
        rank_sum += rank * group.iter().filter(|&&row| is_positive[row]).count() as f64;
    }
    let positives = is_positive.iter().filter(|positive| **positive).count() as f64;
    let negatives = scores.len() as f64 - positives;
    (rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives)
}

fn check(folder: &str) {
    let cases = golden("real.json");
    let mut n_checked = 0;
    for case in cases.as_array().unwrap().iter().filter(|case| case["folder"] == folder) {
        n_checked += 1;
        let place = data_folder().join(folder);
        if !has_data(&place) {
            return;
        }
        let file = |split: &str| place.join(case[split].as_str().unwrap());
        let ((train, labels), (test, truth)) = (read(&file("train")), read(&file("test")));
        let encode = if case["features"] == "onehot" { one_hot } else { four_mers };
        let (mut train, mut test) = (encode(&train), encode(&test));
        standardise(&mut train, &mut test);
        let n_classes = labels.iter().max().unwrap() + 1;
        let labels = ClassLabels { labels, n_classes };
        let fitted = exact_logistic(train.view(), &labels, case["penalty"].as_f64().unwrap()).unwrap();
        let what = format!("{folder} {}", case["features"]);
        assert!(fitted.converged, "{what}: gradient {:e}", fitted.gradient_norm);

        let probabilities = fitted.probabilities(&test);
        let first: Vec<f64> = probabilities.slice(s![..50, ..]).iter().copied().collect();
        crate::support::assert_close(&first, &numbers(&case["probabilities"]), 1e-4, &what);
        let (area, hits) = if n_classes == 2 {
            let scores = probabilities.column(0).to_vec();
            let positive: Vec<bool> = truth.iter().map(|&label| label == 1).collect();
            let hits = scores
                .iter()
                .zip(&positive)
                .filter(|(score, positive)| (**score > 0.5) == **positive)
                .count();
            (auroc(&scores, &positive), hits)
        } else {
            let areas = (0..n_classes).map(|class| {
                let positive: Vec<bool> = truth.iter().map(|&label| label == class).collect();
                auroc(&probabilities.column(class).to_vec(), &positive)
            });
            let best = |row: usize| {
                (0..n_classes)
                    .max_by(|&a, &b| probabilities[(row, a)].total_cmp(&probabilities[(row, b)]))
                    .unwrap()
            };
            let hits = truth.iter().enumerate().filter(|(row, label)| best(*row) == **label).count();
            (areas.sum::<f64>() / n_classes as f64, hits)
        };
        let accuracy = hits as f64 / truth.len() as f64;
        println!("{what}: AUROC {area:.6}, accuracy {accuracy:.6}, {} steps", fitted.iterations);
        approx::assert_abs_diff_eq!(area, case["auroc"].as_f64().unwrap(), epsilon = 0.002);
        approx::assert_abs_diff_eq!(accuracy, case["accuracy"].as_f64().unwrap(), epsilon = 0.002);
    }
    assert_eq!(n_checked, 2, "golden cases of {folder}");
}

#[test]
fn core_promoters_with_a_tata_box() {
    check("gue/prom/prom_core_tata");
}

#[test]
fn transcription_factor_peaks() {
    check("gue/tf/0");
}

#[test]
fn splice_sites_of_three_classes() {
    check("gue/splice/reconstructed");
}

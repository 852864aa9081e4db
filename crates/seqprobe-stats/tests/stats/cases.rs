//! Cases on which a verdict could mislead: each says what must come out.

use approx::assert_relative_eq;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use seqprobe_stats::verdict::{Row, Verdict, judge};
use seqprobe_stats::{Difference, NoEstimate, Resampling, Truth, compare, estimate, metric, power};

/// Standard normal numbers (Box and Muller).
struct Noise(ChaCha8Rng);

impl Noise {
    fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn next(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

fn noise(seed: u64) -> Noise {
    Noise(ChaCha8Rng::seed_from_u64(seed))
}

fn resampling(seed: u64) -> Resampling<'static> {
    Resampling { replicates: 200, ..Resampling::new(seed) }
}

/// Outputs whose positives lie `quality` higher; 70% of the noise is shared.
fn outputs(noise: &mut Noise, labels: &[bool], shared: &[f64], quality: f64) -> Vec<f64> {
    let own = |(&label, &shared): (&bool, &f64)| {
        quality * f64::from(u8::from(label)) + 0.7_f64.sqrt() * shared + 0.3_f64.sqrt() * noise.next()
    };
    labels.iter().zip(shared).map(own).collect()
}

#[test]
fn among_thirty_equal_models_hardly_ever_one_beats() {
    let auroc = metric("auroc").unwrap();
    let labels: Vec<bool> = (0..300).map(|row| row % 2 == 0).collect();
    let (mut together, mut alone) = (0, 0);
    let tries = 100;
    for seed in 0..tries {
        let mut noise = noise(seed);
        let shared: Vec<f64> = labels.iter().map(|_| noise.next()).collect();
        let baseline = outputs(&mut noise, &labels, &shared, 0.8);
        let rows: Vec<[Result<Difference, NoEstimate>; 1]> = (0..30)
            .map(|_| {
                let model = outputs(&mut noise, &labels, &shared, 0.8);
                let resampling = Resampling { replicates: 100, ..resampling(seed) };
                [compare(auroc, &Truth::Binary(&labels), &[&model], &[&baseline], &resampling)]
            })
            .collect();
        let rows: Vec<Row<'_>> = rows.iter().map(|one| Row { comparisons: one, margin: 0.01 }).collect();
        let beats = |rows: &[Row<'_>]| judge(rows).iter().any(|one| one.verdict == Verdict::Beats);
        together += usize::from(beats(&rows));
        alone += usize::from(rows.iter().any(|row| beats(&[*row])));
    }
    assert!(together <= 5, "{together} of {tries}");
    assert!(alone > together && alone >= 5, "without correction {alone}, with it {together}");
}

#[test]
fn the_units_of_the_target_change_no_verdict() {
    let rmse = metric("rmse").unwrap();
    let mut noise = noise(7);
    let rows: Vec<[f64; 3]> = (0..400)
        .map(|_| {
            let value = noise.next();
            let mut near = |error: f64| 0.8 * value + error * noise.next();
            [value, near(0.5), near(0.3)]
        })
        .collect();
    let judged = |unit: f64| {
        let values: Vec<Option<f64>> = rows.iter().map(|row| Some(unit * row[0])).collect();
        let [model, baseline]: [Vec<f64>; 2] =
            [1, 2].map(|which| rows.iter().map(|row| unit * row[which]).collect());
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        let pair = compare(rmse, &truth, &[&model], &[&baseline], &resampling(1));
        let margin = 0.01 * rmse.margin_unit(&truth);
        let verdict = |margin| judge(&[Row { comparisons: std::slice::from_ref(&pair), margin }]).remove(0);
        (verdict(margin), verdict(0.01).verdict, pair.unwrap().estimate.point / unit)
    };
    let (one, _, point) = judged(1.0);
    assert_eq!(one.verdict, Verdict::Loses, "{point}");
    for unit in [1e-3, 1e3] {
        let (other, _, other_point) = judged(unit);
        assert_eq!(other.verdict, Verdict::Loses);
        assert_relative_eq!(other.p_adjusted, one.p_adjusted, max_relative = 1e-6);
        assert_relative_eq!(other_point, point, max_relative = 1e-9);
    }
    // With the same margin in all units, thousandths tie.
    assert_eq!(judged(1e-3).1, Verdict::Ties);
}

#[test]
fn ten_copies_of_each_row_are_no_new_examples() {
    let auroc = metric("auroc").unwrap();
    let mut noise = noise(3);
    let labels: Vec<bool> = (0..150).map(|row| row % 2 == 0).collect();
    let shared: Vec<f64> = labels.iter().map(|_| noise.next()).collect();
    let [model, baseline] = [0.9, 1.2].map(|quality| outputs(&mut noise, &labels, &shared, quality));
    let ten = |values: &[f64]| -> Vec<f64> { values.iter().flat_map(|value| [*value; 10]).collect() };
    let labels_ten: Vec<bool> = labels.iter().flat_map(|label| [*label; 10]).collect();
    let (model_ten, baseline_ten) = (ten(&model), ten(&baseline));
    let clusters: Vec<u32> = (0..1500).map(|row| row / 10).collect();
    let clustered = Resampling { clusters: Some(&clusters), ..Resampling::new(5) };
    let pair = |labels: &[bool], model: &[f64], baseline: &[f64], resampling: &Resampling<'_>| {
        compare(auroc, &Truth::Binary(labels), &[model], &[baseline], resampling).unwrap()
    };
    let once = pair(&labels, &model, &baseline, &Resampling::new(5));
    let copies = pair(&labels_ten, &model_ten, &baseline_ten, &clustered);
    let naive = pair(&labels_ten, &model_ten, &baseline_ten, &Resampling::new(5));
    assert_relative_eq!(copies.estimate.lower, once.estimate.lower, max_relative = 1e-9);
    assert_relative_eq!(copies.estimate.upper, once.estimate.upper, max_relative = 1e-9);
    assert_relative_eq!(copies.p_below(-0.01), once.p_below(-0.01), max_relative = 1e-9);
    assert!(naive.estimate.standard_error < 0.4 * once.estimate.standard_error);
    // The score alone: DeLong's variance of the rows, the bootstrap of their copies.
    let width = |labels: &[bool], outputs: &[f64], resampling: &Resampling<'_>| {
        let score = estimate(auroc, &Truth::Binary(labels), &[outputs], resampling).unwrap();
        score.upper - score.lower
    };
    let (one, other) =
        (width(&labels, &model, &Resampling::new(5)), width(&labels_ten, &model_ten, &clustered));
    assert_relative_eq!(one, other, max_relative = 0.05);
}

#[test]
fn a_few_errors_left_and_almost_none_are_no_tie() {
    // A baseline with an AUROC of about 0.994 and a model that is right almost always.
    let auroc = metric("auroc").unwrap();
    let mut noise = noise(11);
    let labels: Vec<bool> = (0..2000).map(|row| row % 2 == 0).collect();
    let shared = vec![0.0; labels.len()];
    let mut at = |quality: f64| outputs(&mut noise, &labels, &shared, quality);
    let (baseline, model) = (at(1.95), at(2.9));
    let pair = compare(auroc, &Truth::Binary(&labels), &[&model], &[&baseline], &Resampling::new(2)).unwrap();
    let [left, right] = pair.remaining.unwrap();
    assert!(left < 0.001 && (0.003..0.009).contains(&right), "{left} {right}");
    assert!(pair.estimate.lower > 0.0 && pair.estimate.upper < 0.01, "{:?}", pair.estimate);
    let judged = judge(&[Row { comparisons: &[Ok(pair)], margin: 0.01 }]);
    assert_eq!(judged[0].verdict, Verdict::Unclear);
    assert!(judged[0].reason.as_deref().is_some_and(|reason| reason.contains("near the best score")));
    // The same model against itself is.
    let same = compare(auroc, &Truth::Binary(&labels), &[&model], &[&model], &Resampling::new(2));
    assert_eq!(judge(&[Row { comparisons: &[same], margin: 0.01 }])[0].verdict, Verdict::Ties);
}

#[test]
fn intervals_of_unequal_clusters_contain_the_truth() {
    // One of 60 clusters has half of the examples; 40% of all noise belongs to the cluster.
    let pearson = metric("pearson").unwrap();
    let clusters: Vec<u32> = (0..118_u32).map(|row| row.saturating_sub(58)).collect();
    let tries = 300;
    let covered = (0..tries)
        .filter(|&seed| {
            let mut noise = noise(1000 + seed);
            let mut clustered = || -> Vec<f64> {
                let common: Vec<f64> = (0..60).map(|_| noise.next()).collect();
                let own = |&cluster: &u32| {
                    0.4_f64.sqrt() * common[cluster as usize] + 0.6_f64.sqrt() * noise.next()
                };
                clusters.iter().map(own).collect()
            };
            let (truth, error) = (clustered(), clustered());
            let predicted: Vec<f64> =
                truth.iter().zip(&error).map(|(value, error)| 0.6 * value + 0.8 * error).collect();
            let values: Vec<Option<f64>> = truth.iter().copied().map(Some).collect();
            let resampling = Resampling { clusters: Some(&clusters), ..resampling(seed) };
            let truth = Truth::Regression { values: &values, n_targets: 1 };
            let score = estimate(pearson, &truth, &[&predicted], &resampling).unwrap();
            assert_eq!(score.flags, ["few-clusters", "dominant-cluster"]);
            (score.lower..=score.upper).contains(&0.6)
        })
        .count();
    // With the number of clusters in place of the effective number it was 88%.
    assert!(covered as f64 >= 0.95 * tries as f64, "{covered} of {tries}");
}

#[test]
fn heavy_tails_are_flagged_and_ranks_are_not() {
    let mut noise = noise(4);
    let values: Vec<Option<f64>> =
        (0..400).map(|row| Some(if row < 4 { 40.0 } else { noise.next() })).collect();
    let predicted: Vec<f64> = values.iter().flatten().map(|value| value + noise.next()).collect();
    let truth = Truth::Regression { values: &values, n_targets: 1 };
    let flags =
        |id: &str| estimate(metric(id).unwrap(), &truth, &[&predicted], &resampling(1)).unwrap().flags;
    for id in ["pearson", "r2", "rmse", "mse"] {
        assert_eq!(flags(id), ["heavy-tails"], "{id}");
    }
    assert!(flags("spearman").is_empty());
}

#[test]
fn more_examples_settle_a_difference() {
    // With as many examples as `power` names, the difference is found in about 80% of the test sets.
    let brier = metric("brier").unwrap();
    let set = |n: usize, seed: u64| {
        let mut noise = noise(seed);
        let labels: Vec<bool> = (0..n).map(|row| row % 2 == 0).collect();
        let shared: Vec<f64> = labels.iter().map(|_| noise.next()).collect();
        let mut side = |quality: f64| -> Vec<f64> {
            let outputs = outputs(&mut noise, &labels, &shared, quality);
            outputs.into_iter().map(|output| 1.0 / (1.0 + (0.5 * quality - output).exp())).collect()
        };
        let (model, baseline) = (side(1.4), side(1.0));
        compare(brier, &Truth::Binary(&labels), &[&model], &[&baseline], &resampling(seed)).unwrap()
    };
    // A large set knows the difference and its spread.
    let large = set(40_000, 0);
    let needed = power(&large, 0.005).unwrap().examples_to_settle.unwrap().round() as usize;
    let tries = 200;
    let found = (1..=tries)
        .filter(|&seed| {
            let pair = set(needed, seed);
            judge(&[Row { comparisons: &[Ok(pair)], margin: 0.005 }])[0].verdict == Verdict::Beats
        })
        .count();
    let share = found as f64 / tries as f64;
    assert!((0.70..0.90).contains(&share), "{needed} examples: {share}");
}

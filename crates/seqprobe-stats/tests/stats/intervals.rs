//! Intervals and comparisons: do they cover, are they reproducible, do they refuse what they cannot know?

use approx::{assert_abs_diff_eq, assert_relative_eq};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use seqprobe_stats::verdict::{Row, Verdict, judge};
use seqprobe_stats::{InputError, NoEstimate, Resampling, Truth, compare, estimate, metric};
use statrs::distribution::{ContinuousCDF, Normal};

fn resampling(seed: u64) -> Resampling<'static> {
    Resampling { replicates: 200, ..Resampling::new(seed) }
}

/// Standard normal numbers.
struct Noise(ChaCha8Rng, Normal);

impl Noise {
    fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed), Normal::standard())
    }

    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn next(&mut self) -> f64 {
        let uniform = self.uniform().max(1e-15);
        self.1.inverse_cdf(uniform)
    }
}

const N_EXAMPLES: usize = 120;
/// Standard deviation of a training seed's quality.
const SEED_SPREAD: f64 = 0.2;

/// Outputs of training seeds whose positives lie `quality` (plus the seed's own) above the negatives; half of an
/// output's variance belongs to the example and is shared by all seeds and sides.
fn seeds(noise: &mut Noise, labels: &[bool], shared: &[f64], quality: f64, n_seeds: usize) -> Vec<Vec<f64>> {
    let mut seed = || {
        let quality = quality + SEED_SPREAD * noise.next();
        let half = 0.5_f64.sqrt();
        let output = |(&label, &shared): (&bool, &f64)| {
            quality * f64::from(u8::from(label)) + half * shared + half * noise.next()
        };
        labels.iter().zip(shared).map(output).collect()
    };
    (0..n_seeds).map(|_| seed()).collect()
}

/// The mean AUROC over seeds and examples: a difference of two outputs has variance 2, a seed adds its own.
fn true_auroc(quality: f64) -> f64 {
    Normal::standard().cdf(quality / (2.0 + SEED_SPREAD * SEED_SPREAD).sqrt())
}

fn slices(outputs: &[Vec<f64>]) -> Vec<&[f64]> {
    outputs.iter().map(Vec::as_slice).collect()
}

fn half_positive() -> Vec<bool> {
    (0..N_EXAMPLES).map(|row| row % 2 == 0).collect()
}

#[test]
fn intervals_cover_the_estimand() {
    let auroc = metric("auroc").unwrap();
    let labels = half_positive();
    let truth = Truth::Binary(&labels);
    let (mut noise, n_tries) = (Noise::new(11), 2000);
    let (mut n_covered, mut n_difference_covered) = (0, 0);
    for _ in 0..n_tries {
        let shared: Vec<f64> = (0..N_EXAMPLES).map(|_| noise.next()).collect();
        let model = seeds(&mut noise, &labels, &shared, 1.2, 5);
        let baseline = seeds(&mut noise, &labels, &shared, 0.8, 3);
        let alone = estimate(auroc, &truth, &slices(&model), &resampling(1)).unwrap();
        n_covered += usize::from((alone.lower..=alone.upper).contains(&true_auroc(1.2)));
        let paired = compare(auroc, &truth, &slices(&model), &slices(&baseline), &resampling(2)).unwrap();
        let true_difference = true_auroc(1.2) - true_auroc(0.8);
        let interval = paired.estimate.lower..=paired.estimate.upper;
        n_difference_covered += usize::from(interval.contains(&true_difference));
    }
    // What docs/src/calibration.md promises.
    for n in [n_covered, n_difference_covered] {
        let coverage = f64::from(n as u32) / f64::from(n_tries);
        assert_abs_diff_eq!(coverage, 0.95, epsilon = 0.02);
    }
}

#[test]
fn cluster_intervals_cover_where_plain_ones_do_not() {
    let mse = metric("mse").unwrap();
    let clusters: Vec<u32> = (0..200).map(|row| row / 5).collect();
    let values = vec![Some(0.0); 200];
    let truth = Truth::Regression { values: &values, n_targets: 1 };
    let (mut noise, n_tries) = (Noise::new(5), 400);
    let (mut n_covered, mut n_plain_covered) = (0, 0);
    for _ in 0..n_tries {
        let outputs: Vec<f64> = (0..40).flat_map(|_| [noise.uniform(); 5]).collect();
        let whole = Resampling { clusters: Some(&clusters), ..resampling(3) };
        let covers = |resampling: &Resampling<'_>| {
            let interval = estimate(mse, &truth, &[&outputs], resampling).unwrap();
            (interval.lower..=interval.upper).contains(&(1.0 / 3.0)) // E u²
        };
        n_covered += u32::from(covers(&whole));
        n_plain_covered += u32::from(covers(&resampling(3)));
    }
    assert_abs_diff_eq!(f64::from(n_covered) / f64::from(n_tries), 0.95, epsilon = 0.033);
    assert!(f64::from(n_plain_covered) / f64::from(n_tries) < 0.8, "{n_plain_covered} of {n_tries}");
}

#[test]
fn equal_models_rarely_beat() {
    let auroc = metric("auroc").unwrap();
    let labels = half_positive();
    let truth = Truth::Binary(&labels);
    let (mut noise, n_tries) = (Noise::new(23), 400);
    let (mut n_beats, mut n_loses) = (0, 0);
    for _ in 0..n_tries {
        let shared: Vec<f64> = (0..N_EXAMPLES).map(|_| noise.next()).collect();
        let model = seeds(&mut noise, &labels, &shared, 1.0, 3);
        let baseline = seeds(&mut noise, &labels, &shared, 1.0, 3);
        let comparison = compare(auroc, &truth, &slices(&model), &slices(&baseline), &resampling(4));
        match judge(&[Row { comparisons: &[comparison], margin: 0.0 }])[0].verdict {
            Verdict::Beats => n_beats += 1,
            Verdict::Loses => n_loses += 1,
            Verdict::Ties | Verdict::Unclear => (),
        }
    }
    // Each side may err in 2.5% of tries; three standard errors of 400 tries are 2.3%.
    for n in [n_beats, n_loses] {
        assert!(f64::from(n) / f64::from(n_tries) <= 0.048, "beats {n_beats}, loses {n_loses} of {n_tries}");
    }
}

fn example(n: usize, seed: u64) -> (Vec<bool>, Vec<f64>, Vec<f64>) {
    let mut noise = Noise::new(seed);
    let labels: Vec<bool> = (0..n).map(|row| row % 3 == 0).collect();
    let mut outputs = |quality: f64| -> Vec<f64> {
        let raw = labels.iter().map(|&label| quality * f64::from(u8::from(label)) - 0.5 + noise.next());
        raw.map(|value| 1.0 / (1.0 + (-value).exp())).collect()
    };
    let (model, baseline) = (outputs(2.0), outputs(1.0));
    (labels, model, baseline)
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let (labels, model, baseline) = example(300, 1);
    let truth = Truth::Binary(&labels);
    let run = |n_threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| {
            ["auroc", "mcc", "log-loss"].map(|id| {
                let metric = metric(id).unwrap();
                let compared = compare(metric, &truth, &[&model], &[&baseline], &resampling(9)).unwrap();
                (compared.estimate.lower.to_bits(), compared.estimate.upper.to_bits())
            })
        })
    };
    let alone = run(1);
    assert_eq!(alone, run(2));
    assert_eq!(alone, run(5));
}

#[test]
fn the_seed_decides_and_the_order_of_calls_does_not() {
    let (labels, model, _) = example(200, 2);
    let truth = Truth::Binary(&labels);
    let precision = metric("average-precision").unwrap();
    let of = |seed| estimate(precision, &truth, &[&model], &resampling(seed)).unwrap();
    assert_eq!(of(1), of(1));
    assert!((of(1).lower - of(2).lower).abs() > 0.0);
}

#[test]
fn differences_favour_the_model_when_positive() {
    let (labels, model, baseline) = example(400, 3);
    let truth = Truth::Binary(&labels);
    for id in ["auroc", "average-precision", "mcc", "macro-f1", "log-loss", "brier"] {
        let metric = metric(id).unwrap();
        let forth = compare(metric, &truth, &[&model], &[&baseline], &resampling(1)).unwrap();
        let back = compare(metric, &truth, &[&baseline], &[&model], &resampling(1)).unwrap();
        assert!(forth.estimate.point > 0.0, "{id}");
        assert_relative_eq!(forth.estimate.point, -back.estimate.point);
        assert_relative_eq!(forth.estimate.lower, -back.estimate.upper, epsilon = 1e-12);
        assert_relative_eq!(forth.p_above(0.01), back.p_below(-0.01), epsilon = 1e-12);
        assert_relative_eq!(forth.p_above(0.01) + forth.p_below(0.01), 1.0, epsilon = 1e-9);
        // The interval and the p values say the same.
        assert_relative_eq!(forth.p_above(forth.estimate.lower), 0.025, epsilon = 1e-6);
        assert_relative_eq!(forth.p_below(forth.estimate.upper), 0.025, epsilon = 1e-6);
    }
}

#[test]
fn seeds_widen_the_interval_by_their_spread() {
    let mse = metric("mse").unwrap();
    let values = vec![Some(0.0); 400];
    let truth = Truth::Regression { values: &values, n_targets: 1 };
    let mut noise = Noise::new(8);
    let base: Vec<f64> = (0..400).map(|_| noise.next()).collect();
    let seeds: Vec<Vec<f64>> =
        [0.8, 1.0, 1.2].iter().map(|scale| base.iter().map(|value| scale * value).collect()).collect();
    let got = estimate(mse, &truth, &slices(&seeds), &Resampling::new(1)).unwrap();
    let mean_square = base.iter().map(|value| value * value).sum::<f64>() / 400.0;
    let fourth = base.iter().map(|value| value.powi(4)).sum::<f64>() / 400.0;
    let scales = [0.64, 1.0, 1.44];
    let mean_scale: f64 = scales.iter().sum::<f64>() / 3.0;
    let spread = scales.iter().map(|scale| (scale - mean_scale).powi(2)).sum::<f64>() / 2.0;
    // Resampled examples move each seed by its own scale: that part of the spread is in the test variance already.
    let from_examples = spread * (fourth - mean_square.powi(2)) / 399.0;
    let seed_variance = (spread * mean_square.powi(2) - from_examples) / 3.0;
    let test_variance = mean_scale.powi(2) * (fourth - mean_square.powi(2)) / 399.0;
    assert_relative_eq!(got.point, mean_scale * mean_square, max_relative = 1e-12);
    let expected = (test_variance + seed_variance).sqrt();
    assert_relative_eq!(got.standard_error, expected, max_relative = 0.03);
    assert!((2.0..6.0).contains(&got.degrees_of_freedom), "{}", got.degrees_of_freedom);
    assert_eq!((got.n, got.n_seeds, got.method.as_str()), (400, 3, "log-t-bootstrap"));
}

#[test]
fn seeds_that_differ_by_their_examples_alone_add_nothing() {
    // Each seed errs on examples of its own and is as good as any other: only the examples make their scores differ.
    let labels: Vec<bool> = (0..400).map(|row| row % 2 == 0).collect();
    let truth = Truth::Binary(&labels);
    let mut noise = Noise::new(31);
    let seeds: Vec<Vec<f64>> = (0..5)
        .map(|_| labels.iter().map(|&label| f64::from(u8::from(label)) + noise.next()).collect())
        .collect();
    for id in ["auroc", "average-precision"] {
        let error = |seeds: &[Vec<f64>]| {
            estimate(metric(id).unwrap(), &truth, &slices(seeds), &resampling(1)).unwrap().standard_error
        };
        let alone = seeds.iter().map(|seed| error(std::slice::from_ref(seed))).sum::<f64>() / 5.0;
        // The mean of five independent scores has a fifth of the variance, not two fifths.
        let ratio = error(&seeds) / alone;
        assert!((0.40..0.56).contains(&ratio), "{id}: {ratio}");
    }
}

#[test]
fn identical_predictions_differ_by_exactly_nothing() {
    let (labels, model, _) = example(100, 4);
    let truth = Truth::Binary(&labels);
    let same = compare(metric("mcc").unwrap(), &truth, &[&model], &[&model], &resampling(1)).unwrap();
    let estimate = &same.estimate;
    assert_eq!((estimate.lower.to_bits(), estimate.upper.to_bits()), (0, 0));
    assert_eq!(estimate.method, "identical-predictions");
    assert_eq!((same.p_above(0.01).to_bits(), same.p_below(0.01).to_bits()), (1_f64.to_bits(), 0));
}

#[test]
fn a_perfect_score_is_not_certain() {
    let (labels, _, _) = example(300, 5); // 100 positives
    let perfect: Vec<f64> = labels.iter().map(|&label| f64::from(u8::from(label))).collect();
    let other: Vec<f64> = perfect.iter().map(|value| 0.2 + 0.6 * value).collect();
    let truth = Truth::Binary(&labels);
    let auroc = metric("auroc").unwrap();
    let got = estimate(auroc, &truth, &[&perfect], &resampling(1)).unwrap();
    assert_relative_eq!(got.upper, 1.0);
    assert_relative_eq!(got.lower, 1.0 - 0.036216693, epsilon = 1e-8);
    assert_eq!(
        (got.method.as_str(), got.flags.as_slice()),
        ("t-no-variance-bound", ["no-variance"].as_slice())
    );
    let both = compare(auroc, &truth, &[&perfect], &[&other], &resampling(1)).unwrap();
    assert_relative_eq!(both.estimate.lower, -0.036216693, epsilon = 1e-8);
    assert_relative_eq!(both.estimate.upper, 0.036216693, epsilon = 1e-8);
    // No such bound exists for losses.
    let brier = estimate(metric("brier").unwrap(), &truth, &[&perfect], &resampling(1));
    assert!(matches!(brier, Err(NoEstimate::NoInterval { point, .. }) if point.abs() < 1e-12), "{brier:?}");
}

#[test]
fn too_little_data_gives_a_point_without_an_interval() {
    let auroc = metric("auroc").unwrap();
    let reason = |labels: &[bool], outputs: &[f64], clusters: Option<&[u32]>| {
        let resampling = Resampling { clusters, ..resampling(1) };
        match estimate(auroc, &Truth::Binary(labels), &[outputs], &resampling) {
            Err(NoEstimate::NoInterval { point, reason }) => {
                assert!((0.0..=1.0).contains(&point));
                reason
            }
            other => panic!("{other:?}"),
        }
    };
    let (labels, outputs, _) = example(27, 6); // 9 positives
    let got = reason(&labels, &outputs, None);
    assert_eq!(got, "the positive class has only 9 examples, an interval needs at least 10");
    let (labels, outputs, _) = example(120, 6);
    let four: Vec<u32> = (0..120).map(|row| 10 * (row / 30)).collect();
    let got = reason(&labels, &outputs, Some(&four));
    assert_eq!(got, "only 4 clusters, an interval needs at least 5");
    // All positives in one of six clusters: it is left out of every third resample.
    let labels: Vec<bool> = (0..120).map(|row| row < 20).collect();
    let six: Vec<u32> = (0..120).map(|row| row / 20).collect();
    let got = reason(&labels, &outputs, Some(&six));
    assert_eq!(got, "the rarest class has only 1 clusters, an interval needs at least 10");
    // The same, but two negatives are in that cluster too.
    let labels: Vec<bool> = (0..120).map(|row| row < 18).collect();
    let got = reason(&labels, &outputs, Some(&six));
    assert!(
        got.ends_with("bootstrap replicates are undefined: the true labels contain only one class"),
        "{got}"
    );
}

#[test]
fn small_tests_are_flagged() {
    let auroc = metric("auroc").unwrap();
    let (labels, outputs, _) = example(90, 7); // 30 positives
    let clusters: Vec<u32> = (0..90).map(|row| row / 9).collect();
    let flags = |clusters| {
        let resampling = Resampling { clusters, ..resampling(1) };
        estimate(auroc, &Truth::Binary(&labels), &[&outputs], &resampling).unwrap().flags
    };
    assert_eq!(flags(None), ["few-examples"]);
    assert_eq!(flags(Some(&clusters)), ["few-examples", "few-clusters"]);
}

#[test]
fn rows_without_a_known_value_take_no_part() {
    let mut noise = Noise::new(9);
    let full: Vec<(f64, f64)> = (0..60).map(|_| (noise.next(), noise.next())).collect();
    let values: Vec<Option<f64>> = full.iter().map(|pair| Some(pair.0)).collect();
    let outputs: Vec<f64> = full.iter().map(|pair| pair.0 + pair.1).collect();
    let gaps: Vec<Option<f64>> = values.iter().flat_map(|value| [None, *value]).collect();
    let gap_outputs: Vec<f64> = outputs.iter().flat_map(|output| [100.0, *output]).collect();
    let of = |values: &[Option<f64>], outputs: &[f64]| {
        let truth = Truth::Regression { values, n_targets: 1 };
        estimate(metric("spearman").unwrap(), &truth, &[outputs], &resampling(1)).unwrap()
    };
    let got = of(&gaps, &gap_outputs);
    assert_eq!(got.n, 60);
    assert_eq!(got, of(&values, &outputs));
}

#[test]
fn inputs_that_do_not_fit_are_errors() {
    let (labels, outputs, _) = example(60, 8);
    let truth = Truth::Binary(&labels);
    let auroc = metric("auroc").unwrap();
    let error = |outputs: &[&[f64]], resampling: Resampling<'_>| match estimate(
        auroc,
        &truth,
        outputs,
        &resampling,
    ) {
        Err(NoEstimate::Input(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(error(&[], resampling(1)), InputError::NoSeeds);
    let short = error(&[&outputs, &outputs[1..]], resampling(1));
    assert_eq!(short.to_string(), "59 outputs, expected 60: 60 examples × 1 outputs");
    let mut broken = outputs.clone();
    broken[7] = f64::NAN;
    assert!(matches!(
        error(&[&broken], resampling(1)),
        InputError::OutputNotFinite { row: 7, output: 0, .. }
    ));
    let few = Resampling { replicates: 3, ..resampling(1) };
    assert_eq!(error(&[&outputs], few), InputError::Replicates { replicates: 3 });
    let level = Resampling { level: 95.0, ..resampling(1) };
    assert_eq!(error(&[&outputs], level), InputError::Level { level: 95.0 });
    let clusters = Resampling { clusters: Some(&[1, 2]), ..resampling(1) };
    assert_eq!(error(&[&outputs], clusters), InputError::Clusters { expected: 60, got: 2 });
}

#[test]
fn an_undefined_seed_is_named() {
    let (labels, outputs, _) = example(60, 8);
    let constant = vec![0.1; 60];
    let truth = Truth::Binary(&labels);
    let got = compare(metric("mcc").unwrap(), &truth, &[&outputs], &[&outputs, &constant], &resampling(1));
    let Err(error) = got else { panic!("{got:?}") };
    assert_eq!(
        error.to_string(),
        "undefined: baseline: seed 2 of 2: the predictions are all the same (a constant prediction has no correlation)"
    );
}

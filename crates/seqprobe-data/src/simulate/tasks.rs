//! The simulated tasks: how one example of each is drawn, and what the best prediction for it is.
//!
//! Class tasks draw the class first, with probability 1/2, then the sequence given the class. Their oracle
//! is the exact posterior of class 1 given the sequence. The oracle of the regression task is the
//! expectation of the value given the sequence.

use super::background::draw_background;
use super::motif::{AP1, CTCF, GATA, Motif, log_mean_exp, occupancy, place_site, site_log_ratios};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use seqprobe_core::TaskKind;

/// One simulated example.
pub(crate) struct Example {
    /// Base codes 0…3.
    pub(crate) codes: Vec<u8>,
    /// Class 0 or 1, or the value.
    pub(crate) target: f64,
    /// The best possible prediction from the sequence alone.
    pub(crate) oracle: f64,
}

/// GC content of class 1 in task `gc`; class 0 has one minus it.
const GC_OF_CLASS_1: f64 = 0.55;
/// Bases between the two motifs of task `motif-order` if they are near, as in class 1.
const NEAR: std::ops::RangeInclusive<usize> = 4..=10;
/// Bases between the two motifs of task `motif-order` if they are far apart.
const FAR: std::ops::RangeInclusive<usize> = 20..=30;
/// Standard deviation of the noise of task `additive`.
const NOISE: f64 = 0.25;

/// The name of the target column.
pub(crate) fn target_name(kind: TaskKind) -> &'static str {
    if kind == TaskKind::Regression { "value" } else { "label" }
}

/// Class 1: background with one CTCF site, every start equally likely. Class 0: background.
pub(crate) fn motif_anywhere(rng: &mut ChaCha8Rng, length: usize) -> Example {
    let is_positive = rng.random_bool(0.5);
    let mut codes = draw_background(rng, length);
    if is_positive {
        let start = rng.random_range(0..=length - CTCF.len());
        place_site(rng, &mut codes, CTCF, start);
    }
    let log_ratio = log_mean_exp(site_log_ratios(&codes, CTCF).into_iter());
    class_example(codes, is_positive, log_ratio)
}

/// Both classes contain one AP-1 site. Class 1: in the middle. Class 0: at any other start, equally likely.
pub(crate) fn motif_fixed(rng: &mut ChaCha8Rng, length: usize) -> Example {
    let is_positive = rng.random_bool(0.5);
    let mut codes = draw_background(rng, length);
    let n_starts = length - AP1.len() + 1;
    let middle = n_starts / 2;
    let other = rng.random_range(0..n_starts - 1);
    let start = if is_positive { middle } else { other + usize::from(other >= middle) };
    place_site(rng, &mut codes, AP1, start);
    let ratios = site_log_ratios(&codes, AP1);
    let others = (0..n_starts).filter(|&start| start != middle).map(|start| ratios[start]);
    let log_ratio = ratios[middle] - log_mean_exp(others);
    class_example(codes, is_positive, log_ratio)
}

/// Both classes contain an AP-1 and a GATA site. Class 1: AP-1 first, near. Class 0: half GATA first, near, and
/// half AP-1 first, far. Spacing, then start, are equally likely among those that fit.
pub(crate) fn motif_order(rng: &mut ChaCha8Rng, length: usize) -> Example {
    let is_positive = rng.random_bool(0.5);
    let is_swapped = !is_positive && rng.random_bool(0.5);
    let mut codes = draw_background(rng, length);
    let gap = if is_positive || is_swapped { rng.random_range(NEAR) } else { rng.random_range(FAR) };
    let (first, second) = if is_swapped { (GATA, AP1) } else { (AP1, GATA) };
    let start = rng.random_range(0..=length - first.len() - gap - second.len());
    place_site(rng, &mut codes, first, start);
    place_site(rng, &mut codes, second, start + first.len() + gap);

    let (ap1, gata) = (site_log_ratios(&codes, AP1), site_log_ratios(&codes, GATA));
    let near = log_ratio_of_pair(&ap1, AP1, &gata, NEAR);
    let swapped = log_ratio_of_pair(&gata, GATA, &ap1, NEAR);
    let far = log_ratio_of_pair(&ap1, AP1, &gata, FAR);
    let log_ratio = near - log_mean_exp([swapped, far].into_iter());
    class_example(codes, is_positive, log_ratio)
}

/// The log ratio of two sites, summed over spacings and, for each, over starts.
fn log_ratio_of_pair(
    first: &[f64],
    first_motif: &Motif,
    second: &[f64],
    gaps: std::ops::RangeInclusive<usize>,
) -> f64 {
    let by_gap: Vec<f64> = gaps
        .map(|gap| {
            let distance = first_motif.len() + gap;
            log_mean_exp(first.iter().zip(&second[distance..]).map(|(first, second)| first + second))
        })
        .collect();
    log_mean_exp(by_gap.into_iter())
}

/// Bases are independent; class 1 has 55% G and C, class 0 has 45%.
pub(crate) fn gc(rng: &mut ChaCha8Rng, length: usize) -> Example {
    let is_positive = rng.random_bool(0.5);
    let gc = if is_positive { GC_OF_CLASS_1 } else { 1.0 - GC_OF_CLASS_1 };
    let base = |rng: &mut ChaCha8Rng| match (rng.random_bool(gc), rng.random_bool(0.5)) {
        (true, true) => 1,
        (true, false) => 2,
        (false, true) => 0,
        (false, false) => 3,
    };
    let codes: Vec<u8> = (0..length).map(|_| base(rng)).collect();
    let n_gc = codes.iter().filter(|&&code| code == 1 || code == 2).count() as f64;
    let log_odds_of_gc = (GC_OF_CLASS_1 / (1.0 - GC_OF_CLASS_1)).ln();
    let log_ratio = (2.0 * n_gc - length as f64) * log_odds_of_gc;
    class_example(codes, is_positive, log_ratio)
}

/// Background; the class is random.
pub(crate) fn null(rng: &mut ChaCha8Rng, length: usize) -> Example {
    let is_positive = rng.random_bool(0.5);
    let codes = draw_background(rng, length);
    class_example(codes, is_positive, 0.0)
}

/// Background with, each with probability 1/2, an AP-1 site and a GATA site anywhere. With the occupancies a
/// and g of the two, value = a + 0.8 g - 0.6 a g + noise of standard deviation 0.25.
pub(crate) fn additive(rng: &mut ChaCha8Rng, length: usize) -> Example {
    let mut codes = draw_background(rng, length);
    for motif in [AP1, GATA] {
        if rng.random_bool(0.5) {
            let start = rng.random_range(0..=length - motif.len());
            place_site(rng, &mut codes, motif, start);
        }
    }
    let (ap1, gata) = (occupancy(&codes, AP1), occupancy(&codes, GATA));
    let oracle = ap1 + 0.8 * gata - 0.6 * ap1 * gata;
    Example { codes, target: oracle + NOISE * draw_normal(rng), oracle }
}

/// Both classes are equally likely, so the posterior is the logistic function of the log likelihood ratio.
fn class_example(codes: Vec<u8>, is_positive: bool, log_ratio: f64) -> Example {
    let oracle = 1.0 / (1.0 + (-log_ratio).exp());
    Example { codes, target: f64::from(u8::from(is_positive)), oracle }
}

/// A standard normal number, by Box and Muller.
fn draw_normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius: f64 = 1.0 - rng.random::<f64>();
    let angle: f64 = rng.random();
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

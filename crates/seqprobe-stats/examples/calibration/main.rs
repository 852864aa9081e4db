//! The calibration study: thousands of simulated pairs with known true scores, and how often intervals and verdicts are
//! correct.
//!
//! `make calibration` runs it and rewrites `docs/src/calibration.md`, or the file named on the command line. It fails
//! if an interval without a flag contains the true score too rarely or too often. It takes about half an hour on two
//! cores. With `unequal` as the second word it writes only the part about unequal clusters and heavy tails.

#![expect(clippy::unwrap_used, reason = "a study on inputs of its own making may stop where they are wrong")]

mod simulate;
mod table;

use rayon::prelude::*;
use seqprobe_stats::verdict::{Row, Verdict, judge};
use seqprobe_stats::{Estimate, METRICS, Metric, NoEstimate, Resampling, compare, estimate};
use simulate::{Setting, Sizes, Tails, TestSet, qualities, true_score};
use std::io::Write;
use table::{Cell, Line, equal_part, power_part, unequal_part};

/// Number of bootstrap replicates. The default of the program is 1000, whose coverage is slightly better.
const REPLICATES: usize = 200;

fn settings() -> Vec<Setting> {
    let plain = |n: usize, negatives| {
        let tries = (1_200_000 / n).clamp(800, 2000);
        let (sizes, tails) = (Sizes::Equal, Tails::Normal);
        Setting { n, negatives, clusters: None, sizes, tails, seeds: 1, spread: 0.0, tries }
    };
    let mut settings = Vec::new();
    for (negatives, sizes) in [
        (Some(1), vec![10, 20, 40, 100, 200, 1000, 10_000]),
        (Some(20), vec![210, 420, 1050, 2100, 10_500]),
        (None, vec![10, 20, 50, 100, 1000, 10_000]),
    ] {
        // Standard deviations of a seed's quality: a small one, and one larger than that of the test examples.
        let spreads = if negatives.is_some() { [0.05, 0.4] } else { [0.01, 0.06] };
        for n in sizes {
            settings.push(plain(n, negatives));
            if matches!(n, 100 | 1000 | 1050) {
                settings.extend(spreads.map(|spread| Setting { seeds: 5, spread, ..plain(n, negatives) }));
            }
        }
        let (counts, size) = match negatives {
            Some(20) => (vec![30, 100], 40),
            _ => (vec![5, 10, 20, 30, 50, 100], 10),
        };
        for n_clusters in counts {
            let clustered = Setting { clusters: Some(n_clusters), ..plain(n_clusters * size, negatives) };
            settings.push(clustered);
            if n_clusters == 30 {
                settings.push(Setting { seeds: 5, spread: spreads[1], ..clustered });
            }
        }
    }
    settings
}

/// Unequal clusters, of ten examples on average, and numbers with heavy tails.
fn unequal_settings() -> Vec<Setting> {
    let plain = Setting {
        n: 0,
        negatives: None,
        clusters: None,
        sizes: Sizes::Equal,
        tails: Tails::Normal,
        seeds: 1,
        spread: 0.0,
        tries: 1500,
    };
    let mut settings = Vec::new();
    let shapes = [
        (Sizes::Equal, [30, 60, 150].as_slice()),
        (Sizes::Lognormal, &[30, 60, 150]),
        (Sizes::Genes, &[20, 60]),
        (Sizes::OneHalf, &[60, 150]),
    ];
    for negatives in [Some(1), None] {
        for (sizes, counts) in shapes {
            // Classes have more metrics; one number of clusters shows that they behave like numbers.
            let counts = counts.iter().filter(|&&n| negatives.is_none() || n == 60);
            let size = if sizes == Sizes::Genes { 31 } else { 10 };
            let of = |&n: &usize| Setting { n: n * size, negatives, clusters: Some(n), sizes, ..plain };
            settings.extend(counts.map(of));
        }
    }
    for tails in [Tails::Values, Tails::Noise] {
        settings.extend([100, 1000].map(|n| Setting { n, tails, ..plain }));
    }
    settings
}

/// The outcome of one test set for one metric: whether the intervals of a score and of a difference contain the true
/// value (`None`: no interval), whether they have a flag, and the verdict: with margin 0 if both sides are equal, else
/// with the true difference as the margin.
struct Outcome {
    covers: [Option<bool>; 2],
    flagged: bool,
    verdict: Verdict,
    equals: bool,
}

fn try_once(metric: &Metric, setting: &Setting, truths: [f64; 2], seed: u64) -> Outcome {
    let mut set = TestSet::new(setting, seed);
    let [quality, worse] = qualities(setting);
    // The sides of every second pair are equal.
    let equals = seed % 2 == 1;
    let model = set.side(setting, quality);
    let other = set.side(setting, if equals { quality } else { worse });
    let [model, other] = [&model, &other].map(|outputs| slices(outputs));
    let truth = set.truth();
    let resampling =
        Resampling { replicates: REPLICATES, clusters: set.clusters.as_deref(), ..Resampling::new(seed) };
    let alone = estimate(metric, &truth, &model, &resampling);
    let pair = compare(metric, &truth, &model, &other, &resampling);
    let sign = if metric.higher_is_better { 1.0 } else { -1.0 };
    let true_difference = if equals { 0.0 } else { sign * (truths[0] - truths[1]) };
    let has_flag = |flags: &[&str]| {
        flags
            .iter()
            .any(|flag| flag.starts_with("few") || matches!(*flag, "dominant-cluster" | "heavy-tails"))
    };
    let flagged = alone.as_ref().is_ok_and(|estimate| has_flag(&estimate.flags));
    let difference = pair.as_ref().map(|pair| pair.estimate.clone()).map_err(Clone::clone);
    let covers = [covers(&alone, truths[0]), covers(&difference, true_difference)];
    let verdict = judge(&[Row { comparisons: &[pair], margin: true_difference.abs() }])[0].verdict;
    Outcome { covers, flagged, verdict, equals }
}

fn slices(outputs: &[Vec<f64>]) -> Vec<&[f64]> {
    outputs.iter().map(Vec::as_slice).collect()
}

fn covers(estimate: &Result<Estimate, NoEstimate>, truth: f64) -> Option<bool> {
    estimate.as_ref().ok().map(|estimate| (estimate.lower..=estimate.upper).contains(&truth))
}

fn study(setting: &Setting, place: u64) -> Line {
    let metrics = METRICS.iter().filter(|metric| {
        // The rank correlation of values with heavy tails is not known.
        let known = setting.tails == Tails::Normal || metric.id != "spearman";
        known && metric.applies_to(&TestSet::new(setting, 0).truth())
    });
    let cells = metrics.map(|metric| {
        let truths = qualities(setting).map(|quality| true_score(metric, setting, quality));
        let outcomes: Vec<Outcome> = (0..setting.tries as u64)
            .into_par_iter()
            .map(|number| try_once(metric, setting, truths, place << 32 | number))
            .collect();
        let share = |which: usize| {
            let defined: Vec<bool> = outcomes.iter().filter_map(|outcome| outcome.covers[which]).collect();
            (defined.len(), defined.iter().filter(|&&covers| covers).count())
        };
        let verdicts = |equals: bool, verdict: Verdict| {
            let of = || outcomes.iter().filter(|outcome| outcome.equals == equals);
            (of().count(), of().filter(|outcome| outcome.verdict == verdict).count())
        };
        let n_flagged = outcomes.iter().filter(|outcome| outcome.flagged).count();
        let cell = Cell {
            alone: share(0),
            difference: share(1),
            flagged: n_flagged > 0,
            flagged_share: n_flagged as f64 / outcomes.len() as f64,
            beats: verdicts(true, Verdict::Beats),
            ties: verdicts(false, Verdict::Ties),
            tries: setting.tries,
        };
        (metric.id, cell)
    });
    Line { setting: *setting, cells: cells.collect() }
}

/// Returns the share of `beats` with the default margin on AUROC, by number of examples and true difference.
fn power() -> Vec<(usize, Vec<(f64, f64)>)> {
    let auroc = seqprobe_stats::metric("auroc").unwrap();
    let tries = 200_u64;
    let of_size = |n: usize| {
        let (sizes, tails) = (Sizes::Equal, Tails::Normal);
        let negatives = Some(1);
        let setting =
            Setting { n, negatives, clusters: None, sizes, tails, seeds: 3, spread: 0.05, tries: 200 };
        let at = |worse: f64| {
            let wins = (0..tries).into_par_iter().filter(|&number| {
                let mut set = TestSet::new(&setting, 1 << 60 | number);
                let (model, baseline) = (set.side(&setting, 2.0), set.side(&setting, worse));
                let resampling = Resampling { replicates: REPLICATES, ..Resampling::new(number) };
                let pair = compare(auroc, &set.truth(), &slices(&model), &slices(&baseline), &resampling);
                judge(&[Row { comparisons: &[pair], margin: 0.01 }])[0].verdict == Verdict::Beats
            });
            let difference = true_score(auroc, &setting, 2.0) - true_score(auroc, &setting, worse);
            (difference, wins.count() as f64 / tries as f64)
        };
        (n, [2.0, 1.9, 1.8, 1.6, 1.4, 1.0].map(at).to_vec())
    };
    [100, 300, 1000, 3000].map(of_size).to_vec()
}

fn main() -> std::io::Result<()> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/calibration.md").to_owned();
    let path = std::env::args().nth(1).unwrap_or(default);
    let only_unequal = std::env::args().nth(2).is_some_and(|word| word == "unequal");
    let mut stderr = std::io::stderr();
    let mut lines = |settings: Vec<Setting>, first: u64| -> std::io::Result<Vec<Line>> {
        let mut lines = Vec::new();
        for (place, setting) in settings.into_iter().enumerate() {
            let started = std::time::Instant::now();
            lines.push(study(&setting, first + place as u64));
            writeln!(stderr, "{:5.1} s {setting:?}", started.elapsed().as_secs_f64())?;
        }
        Ok(lines)
    };
    let unequal = unequal_part(&lines(unequal_settings(), 1000)?);
    let parts = if only_unequal {
        vec![unequal]
    } else {
        vec![equal_part(&lines(settings(), 0)?, REPLICATES), unequal, (power_part(&power()), 0)]
    };
    let text: String = parts.iter().map(|(text, _)| text.as_str()).collect();
    let n_outside: usize = parts.iter().map(|(_, n_outside)| n_outside).sum();
    let draft = format!("{path}.partial");
    std::fs::write(&draft, text)?;
    std::fs::rename(&draft, &path)?;
    if n_outside > 0 {
        return Err(std::io::Error::other(format!(
            "{n_outside} shares lie outside what is promised; see {path}"
        )));
    }
    Ok(())
}

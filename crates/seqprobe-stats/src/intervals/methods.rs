//! How intervals are made: which methods there are, which is the default, and what each makes of variances and seeds.
//!
//! *Student's t* takes the bootstrap variance over test examples, adds one term per side for its seeds (what of their
//! spread the examples do not make), and makes the
//! interval on the metric's scale (differences: plain) with Satterthwaite's degrees of freedom. *Logit-DeLong* does the
//! same with DeLong's variance instead of the bootstrap's, *Fisher's z* with the variance of normal theory.
//! *Percentile* and *BCa* read the replicates themselves; seeds widen each half of the interval by their own t interval,
//! in squares (Zou and Donner 2008).

use crate::intervals::bca::{acceleration, bca_interval, percentile_interval};
use crate::intervals::bootstrap::{Drawn, Resampler};
use crate::intervals::delong::{check_delong, delong_terms};
use crate::intervals::sample_size::SampleSize;
use crate::intervals::seeded_scores::{Moves, Side, replicates_of};
use crate::intervals::student_t::{
    VarianceTerm, no_variance_half_width, sample_variance, satterthwaite, t_quantile,
};
use crate::intervals::types::{Estimate, IntervalMethod, NoEstimate, Resampling};
use crate::metrics::metric::Metric;
use crate::metrics::scale::Scale;
use crate::metrics::truth::{InputError, Truth, Undefined};
use crate::metrics::weighted::{LANES, Scores};
use rayon::prelude::*;

/// Share of undefined replicates above which there is no interval.
const MOST_UNDEFINED: f64 = 0.01;
/// Replicates that differ by less than this share of the score differ by rounding only.
const ROUNDING: f64 = 1e-12;

/// What an interval is asked for.
pub(crate) struct Question<'a> {
    pub(crate) metric: &'a Metric,
    pub(crate) truth: &'a Truth<'a>,
    pub(crate) sides: &'a [Side<'a>],
    pub(crate) range: (f64, f64),
    pub(crate) scale: Scale,
}

/// What the test examples say: their part of the interval, and for each side the variance over its seeds that they alone
/// make.
struct FromExamples {
    part: Part,
    over_seeds: Vec<f64>,
}

/// The part of an interval that comes from the test examples.
enum Part {
    /// Variance terms, and the method's name without its scale.
    Variance(Vec<VarianceTerm>, String),
    /// An interval as it is, its variance, and the method's whole name.
    Interval((f64, f64), VarianceTerm, String),
    /// No variance was seen; this variance is a bound. The method's whole name.
    Bound(VarianceTerm, String),
}

pub(crate) fn interval_of(
    question: &Question<'_>,
    resampling: &Resampling<'_>,
) -> Result<Estimate, NoEstimate> {
    let Question { metric, truth, sides, range, scale } = question;
    let point: f64 = sides.iter().map(Side::signed_mean).sum();
    let no_interval = |reason: String| NoEstimate::NoInterval { point, reason };
    let method = chosen(question, resampling)?;
    let resampler = Resampler::new(truth, resampling.clusters, resampling.seed);
    let targets = sides.first().map(Side::targets).unwrap_or_default();
    let size = SampleSize::of(truth, &targets, &resampler);
    if let Some(reason) = size.too_small() {
        return Err(no_interval(reason));
    }
    let mut flags = size.flags();
    let examples = match method {
        IntervalMethod::LogitDeLong => delong(question, resampling, &size, &mut flags),
        IntervalMethod::FisherZ => fisher(metric, point, &size).map_err(&no_interval)?,
        method => bootstrap(question, resampling, &resampler, &size, (method, point), &mut flags)
            .map_err(&no_interval)?,
    };
    let FromExamples { part, over_seeds } = examples;
    let seed_terms: Vec<VarianceTerm> = sides
        .iter()
        .zip(over_seeds)
        .filter_map(|(side, from_examples)| side.seed_term(from_examples, sides.len() == 1))
        .collect();
    let (mut terms, scale, method) = match &part {
        Part::Variance(terms, name) => (terms.clone(), *scale, format!("{}{name}", scale.prefix())),
        Part::Interval(_, term, name) | Part::Bound(term, name) => (vec![*term], Scale::Plain, name.clone()),
    };
    terms.extend(&seed_terms);
    let (standard_error, degrees_of_freedom) = satterthwaite(&terms);
    let (lower, upper) = match part {
        Part::Interval(interval, ..) => widened(point, interval, &seed_terms, resampling.level),
        _ => scale.interval(point, standard_error, t_quantile(resampling.level, degrees_of_freedom)),
    };
    if !(lower.is_finite() && upper.is_finite()) {
        return Err(no_interval("the variance is too large for a 64-bit number".to_owned()));
    }
    Ok(Estimate {
        point,
        lower: lower.max(range.0),
        upper: upper.min(range.1),
        level: resampling.level,
        method,
        n: size.n_examples,
        n_seeds: sides.iter().map(Side::n_seeds).min().unwrap_or(0),
        standard_error,
        degrees_of_freedom,
        flags,
    })
}

/// The default resolved, and a method that does not fit refused.
fn chosen(question: &Question<'_>, resampling: &Resampling<'_>) -> Result<IntervalMethod, InputError> {
    let Question { metric, truth, sides, .. } = question;
    let (clustered, alone) = (resampling.clusters.is_some(), sides.len() == 1);
    match resampling.method {
        IntervalMethod::Default if metric.id == "auroc" && !clustered && alone => {
            Ok(IntervalMethod::LogitDeLong)
        }
        IntervalMethod::Default => Ok(IntervalMethod::StudentBootstrap),
        IntervalMethod::LogitDeLong => check_delong(metric, clustered).map(|()| IntervalMethod::LogitDeLong),
        IntervalMethod::FisherZ => {
            let refuse = |reason| InputError::Method { method: "fisher-z", metric: metric.id, reason };
            match () {
                () if !matches!(metric.id, "pearson" | "spearman") => Err(refuse("it is for correlations")),
                () if clustered => Err(refuse("it takes examples as independent, and these have clusters")),
                () if !alone => Err(refuse("it is for a single score, not for a difference")),
                () if truth.n_outputs() != 1 => Err(refuse("it is for one target")),
                () => Ok(IntervalMethod::FisherZ),
            }
        }
        method => Ok(method),
    }
}

fn delong(
    question: &Question<'_>,
    resampling: &Resampling<'_>,
    size: &SampleSize,
    flags: &mut Vec<&'static str>,
) -> FromExamples {
    let (terms, over_seeds) = delong_terms(question.truth, question.sides);
    let variance: f64 = terms.iter().map(|term| term.variance).sum();
    let largest_score = question.sides.iter().map(Side::largest_score).fold(0.0, f64::max);
    let part = if variance.sqrt() > ROUNDING * largest_score {
        Part::Variance(terms, "delong".to_owned())
    } else {
        no_variance(question.metric, resampling, size, flags)
    };
    FromExamples { part, over_seeds }
}

fn fisher(metric: &Metric, correlation: f64, size: &SampleSize) -> Result<FromExamples, String> {
    let room = (1.0 - correlation) * (1.0 + correlation);
    if room <= 0.0 {
        return Err("a correlation of exactly 1 or −1 has no place on Fisher's scale".to_owned());
    }
    let excess = if metric.id == "spearman" { correlation.powi(2) / 2.0 } else { 0.0 };
    let variance = (1.0 + excess) / (size.n_examples as f64 - 3.0) * room.powi(2);
    let part = Part::Variance(vec![VarianceTerm::new(variance, f64::INFINITY)], "z".to_owned());
    // Normal theory does not say what the examples do to the spread of seeds: nothing is taken off, which is wide.
    Ok(FromExamples { part, over_seeds: vec![0.0] })
}

fn bootstrap(
    question: &Question<'_>,
    resampling: &Resampling<'_>,
    resampler: &Resampler,
    size: &SampleSize,
    (method, point): (IntervalMethod, f64),
    flags: &mut Vec<&'static str>,
) -> Result<FromExamples, String> {
    let Question { metric, truth, sides, .. } = question;
    let (replicates, mut over_seeds) = replicate_scores(sides, resampler, resampling.replicates);
    over_seeds.iter_mut().for_each(|variance| *variance *= size.variance_factor());
    let n_undefined = replicates.iter().filter(|score| score.is_err()).count();
    if n_undefined > 0 {
        flags.push("undefined-replicates");
    }
    if n_undefined as f64 > MOST_UNDEFINED * resampling.replicates as f64 {
        let first = replicates.iter().find_map(|score| score.as_ref().err());
        let first = first.map_or_else(String::new, ToString::to_string);
        let n = resampling.replicates;
        return Err(format!("{n_undefined} of {n} bootstrap replicates are undefined: {first}"));
    }
    let mut scores: Vec<f64> = replicates.into_iter().filter_map(Result::ok).collect();
    let largest_score = sides.iter().map(Side::largest_score).fold(0.0, f64::max);
    if spread(&scores) <= ROUNDING * largest_score {
        if metric.like_a_proportion {
            let part = no_variance(metric, resampling, size, flags);
            return Ok(FromExamples { part, over_seeds });
        }
        let reason = "all bootstrap replicates give the same score, so they do not say how sure it is";
        return Err(reason.to_owned());
    }
    let variance = sample_variance(&scores) * size.variance_factor();
    let term = VarianceTerm::new(variance, size.degrees_of_freedom());
    let drawn = size.drawn();
    if method == IntervalMethod::StudentBootstrap {
        let part = Part::Variance(vec![term], format!("t-{drawn}"));
        return Ok(FromExamples { part, over_seeds });
    }
    scores.sort_unstable_by(f64::total_cmp);
    if method == IntervalMethod::Percentile {
        let interval = percentile_interval(&scores, resampling.level);
        let part = Part::Interval(interval, term, format!("percentile-{drawn}"));
        return Ok(FromExamples { part, over_seeds });
    }
    let acceleration = acceleration(sides, resampler, truth.n_examples())
        .map_err(|cause| format!("a part of the examples cannot be left out: {cause}"))?;
    let interval = bca_interval(&scores, point, acceleration, resampling.level);
    Ok(FromExamples { part: Part::Interval(interval, term, format!("bca-{drawn}")), over_seeds })
}

/// The bound for metrics that move like a proportion.
fn no_variance(
    metric: &Metric,
    resampling: &Resampling<'_>,
    size: &SampleSize,
    flags: &mut Vec<&'static str>,
) -> Part {
    flags.push("no-variance");
    let degrees_of_freedom = size.degrees_of_freedom();
    let half_width = no_variance_half_width(resampling.level, size.smallest_group, metric.range);
    let variance = (half_width / t_quantile(resampling.level, degrees_of_freedom)).powi(2);
    Part::Bound(VarianceTerm::new(variance, degrees_of_freedom), "t-no-variance-bound".to_owned())
}

/// An interval over examples with the uncertainty of seeds added to each half, in squares.
fn widened(point: f64, (lower, upper): (f64, f64), seeds: &[VarianceTerm], level: f64) -> (f64, f64) {
    let variance: f64 = seeds.iter().map(|term| term.variance).sum();
    if variance <= 0.0 {
        return (lower, upper);
    }
    // On their own seeds count by what is left of their spread.
    let alone: Vec<VarianceTerm> =
        seeds.iter().map(|term| VarianceTerm::new(term.variance, term.degrees_of_freedom)).collect();
    let (standard_error, degrees_of_freedom) = satterthwaite(&alone);
    let half_width = t_quantile(level, degrees_of_freedom) * standard_error;
    let add = |half: f64| half.max(0.0).hypot(half_width);
    (point - add(point - lower), point + add(upper - point))
}

/// The scores of all replicates, and each side's mean variance over seeds.
fn replicate_scores(
    sides: &[Side<'_>],
    resampler: &Resampler,
    n_replicates: usize,
) -> (Vec<Result<f64, Undefined>>, Vec<f64>) {
    let group = |drawn: &mut Drawn, group: usize| {
        resampler.draw(group, drawn);
        replicates_of(sides, &drawn.weights)
    };
    let n_groups = n_replicates.div_ceil(LANES);
    let groups: Vec<(Scores, Vec<Moves>)> =
        (0..n_groups).into_par_iter().map_init(Drawn::default, group).collect();
    let (mut scores, mut sums, mut n_defined) = (Vec::new(), vec![0.0; sides.len()], 0.0_f64);
    for (group, moves) in groups {
        for (lane, score) in group.into_iter().enumerate().take(n_replicates - scores.len()) {
            if score.is_ok() {
                n_defined += 1.0;
                for (sum, moves) in sums.iter_mut().zip(&moves) {
                    *sum += moves[lane];
                }
            }
            scores.push(score);
        }
    }
    (scores, sums.into_iter().map(|sum| sum / n_defined.max(1.0)).collect())
}

fn spread(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
    largest - smallest
}

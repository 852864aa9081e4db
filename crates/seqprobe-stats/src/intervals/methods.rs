//! How intervals are computed: the choice of the method, and how each method combines variances and seeds.
//!
//! *Student's t* takes the bootstrap variance over test examples and adds one term per side for its seeds (the part
//! of their variance that test examples do not explain). The interval is computed on the metric's scale (for
//! differences: on the plain scale) with Satterthwaite's degrees of freedom. *Logit-DeLong* uses DeLong's variance
//! instead of the bootstrap's; *Fisher's z* uses the variance of normal theory. *Percentile* and *BCa* use quantiles
//! of the replicates. Their interval is widened on each side by the half-width of the seeds' own t interval, added in
//! squares (Zou and Donner 2008).

use crate::intervals::bca::{acceleration, bca_interval, percentile_interval};
use crate::intervals::bootstrap::{Drawn, Resampler};
use crate::intervals::delong::{check_delong, delong_terms};
use crate::intervals::sample_size::SampleSize;
use crate::intervals::seeded_scores::{SeedVariances, SeededScores, replicates_of};
use crate::intervals::student_t::{
    VarianceTerm, no_variance_half_width, sample_variance, satterthwaite, t_quantile,
};
use crate::intervals::types::{Estimate, IntervalMethod, IntervalProblem, NoEstimate, Resampling};
use crate::metrics::errors::{InputError, Undefined};
use crate::metrics::metric::Metric;
use crate::metrics::scale::Scale;
use crate::metrics::truth::Truth;
use crate::metrics::weighted::{LANES, Scores};
use rayon::prelude::*;

/// Largest share of undefined replicates for which there is an interval.
const MAX_UNDEFINED_SHARE: f64 = 0.01;
/// Replicates that differ by less than this share of the score differ only by rounding errors.
const ROUNDING: f64 = 1e-12;

/// The score or difference that needs an interval.
pub(crate) struct IntervalRequest<'a> {
    pub(crate) metric: &'a Metric,
    pub(crate) truth: &'a Truth<'a>,
    pub(crate) sides: &'a [SeededScores<'a>],
    pub(crate) range: (f64, f64),
    pub(crate) scale: Scale,
}

/// The contribution of the test examples: their part of the interval, and for each side the variance between its seeds
/// that they alone explain.
struct FromExamples {
    part: Part,
    over_seeds: Vec<f64>,
}

/// The part of an interval that comes from the test examples.
enum Part {
    /// Variance terms, and the name of the method without its scale.
    Variance(Vec<VarianceTerm>, String),
    /// A finished interval, its variance, and the whole name of the method.
    Interval((f64, f64), VarianceTerm, String),
    /// An upper bound of a variance that is zero in the sample, and the whole name of the method.
    Bound(VarianceTerm, String),
}

/// Computes the estimate of a score or difference.
pub(crate) fn interval_of(
    request: &IntervalRequest<'_>,
    resampling: &Resampling<'_>,
) -> Result<Estimate, NoEstimate> {
    let IntervalRequest { metric, truth, sides, range, scale } = request;
    let point: f64 = sides.iter().map(SeededScores::signed_mean).sum();
    let no_interval =
        |problem: IntervalProblem| NoEstimate::NoInterval { point, reason: problem.to_string() };
    let method = chosen(request, resampling)?;
    let resampler = Resampler::new(truth, resampling.clusters, resampling.seed);
    let targets = sides.first().map(SeededScores::targets).unwrap_or_default();
    let size = SampleSize::of(truth, &targets, &resampler);
    if let Some(problem) = size.too_small() {
        return Err(no_interval(problem));
    }
    let mut flags = size.flags();
    let examples = match method {
        IntervalMethod::LogitDeLong => delong(request, resampling, &size, &mut flags),
        IntervalMethod::FisherZ => fisher(metric, point, &size).map_err(&no_interval)?,
        method => bootstrap(request, resampling, &resampler, &size, (method, point), &mut flags)
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
        return Err(no_interval(IntervalProblem::NotFinite));
    }
    Ok(Estimate {
        point,
        lower: lower.max(range.0),
        upper: upper.min(range.1),
        level: resampling.level,
        method,
        n: size.n_examples,
        n_seeds: sides.iter().map(SeededScores::n_seeds).min().unwrap_or(0),
        standard_error,
        degrees_of_freedom,
        flags,
    })
}

/// Resolves the default method, and checks that a chosen method applies.
fn chosen(request: &IntervalRequest<'_>, resampling: &Resampling<'_>) -> Result<IntervalMethod, InputError> {
    let IntervalRequest { metric, truth, sides, .. } = request;
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
                () if !matches!(metric.id, "pearson" | "spearman") => {
                    Err(refuse("it applies to correlations only"))
                }
                () if clustered => Err(refuse("it assumes independent examples, and these have clusters")),
                () if !alone => Err(refuse("it applies to single scores, not to differences")),
                () if truth.n_outputs() != 1 => Err(refuse("it applies to one target only")),
                () => Ok(IntervalMethod::FisherZ),
            }
        }
        method => Ok(method),
    }
}

fn delong(
    request: &IntervalRequest<'_>,
    resampling: &Resampling<'_>,
    size: &SampleSize,
    flags: &mut Vec<&'static str>,
) -> FromExamples {
    let (terms, over_seeds) = delong_terms(request.truth, request.sides);
    let variance: f64 = terms.iter().map(|term| term.variance).sum();
    let largest_score = request.sides.iter().map(SeededScores::largest_score).fold(0.0, f64::max);
    let part = if variance.sqrt() > ROUNDING * largest_score {
        Part::Variance(terms, "delong".to_owned())
    } else {
        no_variance(request.metric, resampling, size, flags)
    };
    FromExamples { part, over_seeds }
}

fn fisher(metric: &Metric, correlation: f64, size: &SampleSize) -> Result<FromExamples, IntervalProblem> {
    let room = (1.0 - correlation) * (1.0 + correlation);
    if room <= 0.0 {
        return Err(IntervalProblem::PerfectCorrelation);
    }
    let excess = if metric.id == "spearman" { correlation.powi(2) / 2.0 } else { 0.0 };
    let variance = (1.0 + excess) / (size.n_examples as f64 - 3.0) * room.powi(2);
    let part = Part::Variance(vec![VarianceTerm::new(variance, f64::INFINITY)], "z".to_owned());
    // Normal theory does not give the share of the seed variance that examples explain. Nothing is subtracted, which
    // makes the interval wide rather than narrow.
    Ok(FromExamples { part, over_seeds: vec![0.0] })
}

fn bootstrap(
    request: &IntervalRequest<'_>,
    resampling: &Resampling<'_>,
    resampler: &Resampler,
    size: &SampleSize,
    (method, point): (IntervalMethod, f64),
    flags: &mut Vec<&'static str>,
) -> Result<FromExamples, IntervalProblem> {
    let IntervalRequest { metric, truth, sides, .. } = request;
    let (replicates, mut over_seeds) = replicate_scores(sides, resampler, resampling.replicates);
    over_seeds.iter_mut().for_each(|variance| *variance *= size.variance_factor());
    let n_undefined = replicates.iter().filter(|score| score.is_err()).count();
    if n_undefined > 0 {
        flags.push("undefined-replicates");
    }
    if n_undefined as f64 > MAX_UNDEFINED_SHARE * resampling.replicates as f64
        && let Some(first) = replicates.iter().find_map(|score| score.as_ref().err())
    {
        let (n, first) = (resampling.replicates, first.clone());
        return Err(IntervalProblem::UndefinedReplicates { n_undefined, n, first });
    }
    let mut scores: Vec<f64> = replicates.into_iter().filter_map(Result::ok).collect();
    let largest_score = sides.iter().map(SeededScores::largest_score).fold(0.0, f64::max);
    if spread(&scores) <= ROUNDING * largest_score {
        if metric.has_zero_variance_bound {
            let part = no_variance(metric, resampling, size, flags);
            return Ok(FromExamples { part, over_seeds });
        }
        return Err(IntervalProblem::NoVariance);
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
    let acceleration =
        acceleration(sides, resampler, truth.n_examples()).map_err(IntervalProblem::Jackknife)?;
    let interval = bca_interval(&scores, point, acceleration, resampling.level);
    Ok(FromExamples { part: Part::Interval(interval, term, format!("bca-{drawn}")), over_seeds })
}

/// Returns the upper bound of the variance where all replicates have the same score. For metrics where single examples
/// change the score about as much as they change a proportion.
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

/// Widens an interval over examples by the uncertainty of seeds: each half is added to theirs in squares.
fn widened(point: f64, (lower, upper): (f64, f64), seeds: &[VarianceTerm], level: f64) -> (f64, f64) {
    let variance: f64 = seeds.iter().map(|term| term.variance).sum();
    if variance <= 0.0 {
        return (lower, upper);
    }
    // The degrees of freedom of the seeds alone use their corrected variances.
    let alone: Vec<VarianceTerm> =
        seeds.iter().map(|term| VarianceTerm::new(term.variance, term.degrees_of_freedom)).collect();
    let (standard_error, degrees_of_freedom) = satterthwaite(&alone);
    let half_width = t_quantile(level, degrees_of_freedom) * standard_error;
    let add = |half: f64| half.max(0.0).hypot(half_width);
    (point - add(point - lower), point + add(upper - point))
}

/// Returns the scores of all replicates, and for each side the mean variance between its seeds.
fn replicate_scores(
    sides: &[SeededScores<'_>],
    resampler: &Resampler,
    n_replicates: usize,
) -> (Vec<Result<f64, Undefined>>, Vec<f64>) {
    let group = |drawn: &mut Drawn, group: usize| {
        resampler.draw(group, drawn);
        replicates_of(sides, &drawn.weights)
    };
    let n_groups = n_replicates.div_ceil(LANES);
    let groups: Vec<(Scores, Vec<SeedVariances>)> =
        (0..n_groups).into_par_iter().map_init(Drawn::default, group).collect();
    let (mut scores, mut sums, mut n_defined) = (Vec::new(), vec![0.0; sides.len()], 0.0_f64);
    for (group, seed_variances) in groups {
        for (lane, score) in group.into_iter().enumerate().take(n_replicates - scores.len()) {
            if score.is_ok() {
                n_defined += 1.0;
                for (sum, variances) in sums.iter_mut().zip(&seed_variances) {
                    *sum += variances[lane];
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

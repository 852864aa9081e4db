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
use crate::metrics::tails::has_heavy_tails;
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
    let size = SampleSize::of(truth, &targets, &resampler, resampling.names);
    if let Some(problem) = size.too_small() {
        return Err(no_interval(problem));
    }
    let mut flags = size.flags();
    if metric.squares && has_heavy_tails(truth) {
        flags.push("heavy-tails");
    }
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
        return Err(IntervalProblem::UndefinedReplicates {
            n_undefined,
            n,
            first: first.text(resampling.names),
        });
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
    let acceleration = acceleration(sides, resampler, truth.n_examples())
        .map_err(|cause| IntervalProblem::Jackknife(cause.text(resampling.names)))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intervals::estimate::{compare, estimate};
    use crate::metrics::registry::metric;
    use approx::assert_relative_eq;

    /// Predictions of 60 examples that agree with the true values more or less.
    fn numbers(noise: f64) -> (Vec<Option<f64>>, Vec<f64>) {
        let value = |row: usize| (row * 37 % 60) as f64 / 60.0;
        let values = (0..60).map(|row| Some(value(row))).collect();
        let outputs = (0..60).map(|row| value(row) + noise * (row * 7919 % 61) as f64 / 61.0).collect();
        (values, outputs)
    }

    #[test]
    fn the_default_depends_on_metric_clusters_and_sides() {
        let labels: Vec<bool> = (0..60).map(|row| row % 2 == 0).collect();
        let outputs = |shift: usize| -> Vec<f64> {
            (0..60)
                .map(|row| ((row * 37 + shift) % 60) as f64 / 90.0 + (row + 1) as f64 % 2.0 / 3.0)
                .collect()
        };
        let (first, second) = (outputs(0), outputs(31));
        let clusters: Vec<u32> = (0..60).map(|row| row / 2).collect();
        let truth = Truth::Binary(&labels);
        let method = |id: &str, clusters: Option<&[u32]>| {
            let resampling = Resampling { clusters, replicates: 100, ..Resampling::new(1) };
            let metric = metric(id).expect("a metric");
            let alone = estimate(metric, &truth, &[&first], &resampling).expect("an interval");
            let pair = compare(metric, &truth, &[&first], &[&second], &resampling).expect("an interval");
            (alone.method, pair.estimate.method)
        };
        let is = |id: &str, clusters: Option<&[u32]>, alone: &str, pair: &str| {
            assert_eq!(method(id, clusters), (alone.to_owned(), pair.to_owned()), "{id}");
        };
        is("auroc", None, "logit-delong", "t-stratified-bootstrap");
        is("auroc", Some(&clusters), "logit-t-cluster-bootstrap", "t-cluster-bootstrap");
        is("average-precision", None, "logit-t-stratified-bootstrap", "t-stratified-bootstrap");
        is("brier", None, "log-t-stratified-bootstrap", "t-stratified-bootstrap");
        // A difference has DeLong's interval only where it is chosen.
        let resampling = Resampling { method: IntervalMethod::LogitDeLong, ..Resampling::new(1) };
        let auroc = metric("auroc").expect("a metric");
        let pair = compare(auroc, &truth, &[&first], &[&second], &resampling).expect("an interval");
        assert_eq!(pair.estimate.method, "delong");
        let test = crate::delong_test(&labels, &first, &second).expect("both classes occur");
        assert_relative_eq!(pair.estimate.standard_error, test.standard_error, max_relative = 1e-12);
    }

    #[test]
    fn fisher_needs_a_single_correlation_of_independent_examples() {
        let (values, first) = numbers(0.5);
        let (_, second) = numbers(2.0);
        let pearson = metric("pearson").expect("a metric");
        let resampling = Resampling { method: IntervalMethod::FisherZ, ..Resampling::new(1) };
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        let refused = |result: Result<Estimate, NoEstimate>| match result {
            Err(NoEstimate::Input(InputError::Method { reason, .. })) => reason,
            other => panic!("{other:?}"),
        };
        let clusters: Vec<u32> = (0..60).collect();
        let clustered = Resampling { clusters: Some(&clusters), ..resampling };
        assert!(refused(estimate(pearson, &truth, &[&first], &clustered)).contains("clusters"));
        let pair = compare(pearson, &truth, &[&first], &[&second], &resampling);
        assert!(refused(pair.map(|difference| difference.estimate)).contains("single scores"));
        let two = Truth::Regression { values: &values, n_targets: 2 };
        assert!(refused(estimate(pearson, &two, &[&first], &resampling)).contains("one target"));
        let mse = metric("mse").expect("a metric");
        assert!(refused(estimate(mse, &truth, &[&first], &resampling)).contains("correlations"));

        for (id, excess) in [("pearson", 0.0), ("spearman", 0.5)] {
            let got =
                estimate(metric(id).expect("a metric"), &truth, &[&first], &resampling).expect("defined");
            let r = got.point;
            let expected = ((1.0 + excess * r * r) / 57.0).sqrt() * (1.0 - r * r);
            assert_relative_eq!(got.standard_error, expected, max_relative = 1e-9);
            assert_eq!((got.method.as_str(), got.degrees_of_freedom), ("fisher-z", f64::INFINITY));
        }
        let perfect: Vec<f64> = values.iter().flatten().copied().collect();
        let perfect = estimate(metric("spearman").expect("a metric"), &truth, &[&perfect], &resampling);
        assert_eq!(
            perfect.expect_err("infinite").to_string(),
            "1 without an interval: a correlation of exactly 1 or −1 is infinite on Fisher's z scale"
        );
    }

    #[test]
    fn seeds_widen_each_half_in_squares() {
        let seeds = [VarianceTerm { variance: 0.01, degrees_of_freedom: 4.0, variance_for_df: 0.5 }];
        let half = t_quantile(0.95, 4.0) * 0.1;
        let (lower, upper) = widened(0.5, (0.4, 0.7), &seeds, 0.95);
        assert_relative_eq!(lower, 0.5 - half.hypot(0.1), max_relative = 1e-12);
        assert_relative_eq!(upper, 0.5 + half.hypot(0.2), max_relative = 1e-12);
        // An interval beside its point has no half on one side.
        let (lower, upper) = widened(0.5, (0.55, 0.7), &seeds, 0.95);
        assert_relative_eq!(lower, 0.5 - half, max_relative = 1e-12);
        assert_relative_eq!(upper, 0.5 + half.hypot(0.2), max_relative = 1e-12);
        let two = [seeds[0], VarianceTerm::new(0.03, 9.0)];
        let degrees = 0.04 * 0.04 / (0.01 * 0.01 / 4.0 + 0.03 * 0.03 / 9.0);
        let (lower, _) = widened(0.5, (0.5, 0.5), &two, 0.9);
        assert_relative_eq!(lower, 0.5 - t_quantile(0.9, degrees) * 0.2, max_relative = 1e-9);
        assert_eq!(widened(0.5, (0.4, 0.7), &[], 0.95), (0.4, 0.7));
        assert_eq!(widened(0.5, (0.4, 0.7), &[VarianceTerm::new(0.0, 4.0)], 0.95), (0.4, 0.7));
    }

    #[test]
    fn the_variance_of_replicates_by_hand() {
        // Squared errors 0 and 1 half and half: the variance of their mean over examples is 1/4 / (n − 1).
        let values = vec![Some(0.0); 400];
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        let outputs: Vec<f64> = (0..400).map(|row| f64::from(row % 2)).collect();
        let shifted: Vec<f64> = outputs.iter().map(|output| 1.0 - output).collect();
        let mse = metric("mse").expect("a metric");
        let of = |replicates: usize, seeds: &[&[f64]]| {
            let resampling = Resampling { replicates, ..Resampling::new(3) };
            estimate(mse, &truth, seeds, &resampling).expect("an interval")
        };
        let one = of(4000, &[&outputs]);
        assert_relative_eq!(one.standard_error, (0.25 / 399.0_f64).sqrt(), max_relative = 0.04);
        assert_relative_eq!(one.degrees_of_freedom, 399.0, max_relative = 1e-9);
        assert_eq!((one.flags.len(), one.n_seeds, one.n), (0, 1, 400));
        // The number of replicates need not be a multiple of those that are drawn together.
        assert!((of(101, &[&outputs]).lower - of(112, &[&outputs]).lower).abs() > 0.0);
        // Errors of the second seed are those of the first, exchanged: the mean is always 1/2.
        let both = estimate(mse, &truth, &[&outputs, &shifted], &Resampling::new(3));
        assert_eq!(
            both.expect_err("no variance").to_string(),
            "0.5 without an interval: all bootstrap replicates have the same score, \
             so the uncertainty cannot be estimated"
        );
    }

    #[test]
    fn both_variances_are_corrected_for_the_number_of_units() {
        let values = vec![Some(0.0); 20];
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        let seed = |number: usize| -> Vec<f64> {
            (0..20).map(|row| number as f64 + (row * number * 7919 % 101) as f64 / 101.0).collect()
        };
        let seeds = [seed(1), seed(2), seed(3)];
        let slices: Vec<&[f64]> = seeds.iter().map(Vec::as_slice).collect();
        let mse = metric("mse").expect("a metric");
        let resampling = Resampling { replicates: 300, ..Resampling::new(9) };
        let got = estimate(mse, &truth, &slices, &resampling).expect("an interval");
        let side = SeededScores::prepare(mse, &truth, &slices, 1.0, &[]).expect("a score");
        let resampler = Resampler::new(&truth, None, 9);
        let (scores, from_examples) = replicate_scores(std::slice::from_ref(&side), &resampler, 300);
        assert_eq!((scores.len(), from_examples.len()), (300, 1));
        let scores: Vec<f64> = scores.into_iter().filter_map(Result::ok).collect();
        let points: Vec<f64> =
            slices.iter().map(|outputs| mse.score(&truth, outputs).expect("a score")).collect();
        let factor = 20.0 / 19.0;
        let left = sample_variance(&points) - factor * from_examples[0];
        assert!(from_examples[0] > 0.0 && left > 0.0);
        let expected = factor * sample_variance(&scores) + left / 3.0;
        assert_relative_eq!(got.standard_error.powi(2), expected, max_relative = 1e-9);
    }

    #[test]
    fn small_scores_have_intervals_of_their_own_size() {
        let values = vec![Some(0.0); 50];
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        let of = |scale: f64| {
            let outputs: Vec<f64> = (0..50).map(|row| scale * (1.0 + f64::from(row * 37 % 50))).collect();
            let mse = metric("mse").expect("a metric");
            estimate(mse, &truth, &[&outputs], &Resampling::new(2)).expect("an interval")
        };
        let (large, small) = (of(1.0), of(1e-8));
        assert_relative_eq!(small.lower, 1e-16 * large.lower, max_relative = 1e-9);
        assert_relative_eq!(small.upper, 1e-16 * large.upper, max_relative = 1e-9);
    }

    #[test]
    fn variances_beyond_64_bits_have_no_interval() {
        // Scores of about 1e160 are finite, their variance is not; the lower end of the interval would be 0.
        let values = vec![Some(0.0); 50];
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        let outputs: Vec<f64> = (0..50).map(|row| 1e80 * (1.0 + f64::from(row * 37 % 50))).collect();
        let mse = metric("mse").expect("a metric");
        let got = estimate(mse, &truth, &[&outputs], &Resampling::new(2)).expect_err("no interval");
        assert!(got.to_string().ends_with("the variance is too large for a 64-bit number"), "{got}");
    }

    #[test]
    fn degrees_of_freedom_of_seeds_by_hand() {
        // Outputs of all seeds are one vector times a number, so that the seed mean is the score of one vector.
        let values = vec![Some(0.0); 200];
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        let scaled = |scale: f64| -> Vec<f64> {
            (0..200).map(|row| scale * (0.2 + (row * 7919 % 101) as f64 / 101.0)).collect()
        };
        let squares: [f64; 3] = [0.7, 1.0, 1.6];
        let seeds = squares.map(|square| scaled(square.sqrt()));
        let slices: Vec<&[f64]> = seeds.iter().map(Vec::as_slice).collect();
        let (mean, zero) = (scaled(1.1_f64.sqrt()), vec![0.0; 200]);
        let mse = metric("mse").expect("a metric");
        let resampling = Resampling { method: IntervalMethod::StudentBootstrap, ..Resampling::new(5) };
        let base = mse.score(&truth, &scaled(1.0)).expect("a score");
        let between = sample_variance(&squares.map(|square| square * base));
        let of = |model: &[&[f64]], baseline: Option<&[f64]>| match baseline {
            None => estimate(mse, &truth, model, &resampling).expect("an interval"),
            Some(baseline) => {
                compare(mse, &truth, model, &[baseline], &resampling).expect("an interval").estimate
            }
        };
        for baseline in [None, Some(zero.as_slice())] {
            let examples = of(&[&mean], baseline).standard_error.powi(2);
            let got = of(&slices, baseline);
            let left = got.standard_error.powi(2) - examples;
            assert!(left > 0.0 && 3.0 * left < between, "{left} {between}");
            let uncertain = match baseline {
                None => between / 3.0,
                Some(_) => (3.0 * left * between).sqrt() / 3.0,
            };
            let total = examples + left;
            let expected = total * total / (examples * examples / 199.0 + uncertain * uncertain / 2.0);
            assert_relative_eq!(got.degrees_of_freedom, expected, max_relative = 1e-6);
            assert_eq!(got.n_seeds, if baseline.is_some() { 1 } else { 3 });
        }
    }

    #[test]
    fn undefined_replicates_are_flagged_and_at_most_one_in_a_hundred() {
        // Clusters with positives: the more there are, the rarer a resample without any.
        let try_with = |n_positive_clusters: u32, n_clusters: u32, (replicates, seed): (usize, u64)| {
            let clusters: Vec<u32> = (0..n_clusters * 10).map(|row| row / 10).collect();
            let labels: Vec<bool> = clusters
                .iter()
                .zip(0..)
                .map(|(&cluster, row)| cluster < n_positive_clusters && row % 2 == 0)
                .collect();
            let outputs: Vec<f64> = (0..clusters.len()).map(|row| (row * 37 % 101) as f64 / 101.0).collect();
            let resampling = Resampling { clusters: Some(&clusters), replicates, ..Resampling::new(seed) };
            estimate(metric("auroc").expect("a metric"), &Truth::Binary(&labels), &[&outputs], &resampling)
        };
        // (1 − 3/40)^40 = 4.4%, (1 − 6/40)^40 = 0.15%, (1 − 20/40)^40 = 1e-12.
        let reason = try_with(3, 40, (2000, 1)).expect_err("too many undefined").to_string();
        assert!(reason.contains(" of 2000 bootstrap replicates are undefined: "), "{reason}");
        let flags = try_with(6, 40, (2000, 1)).expect("few undefined").flags;
        assert_eq!(flags, ["few-examples", "undefined-replicates"]);
        assert_eq!(try_with(20, 40, (2000, 1)).expect("none undefined").flags, Vec::<&str>::new());
        // One of a hundred is allowed, two are not.
        let of_hundred: Vec<_> = (0..60).map(|seed| try_with(6, 40, (100, seed))).collect();
        let flagged = |result: &Result<Estimate, NoEstimate>| {
            result.as_ref().is_ok_and(|estimate| estimate.flags.contains(&"undefined-replicates"))
        };
        assert!(of_hundred.iter().any(flagged));
    }
}

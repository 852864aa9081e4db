//! Verdicts: whether a model is better than all baselines, from its paired differences, corrected over datasets.
//!
//! This file decides from [`Difference`]s. It resamples nothing.

use crate::intervals::types::{Difference, NoEstimate};
use crate::tests_and_verdicts::corrections::holm;

/// Raised when the same differences give another verdict.
///
/// - 2: `ties` means that the model matches the best baseline: it is not worse than any, and not better than at least
///   one. Near the best possible score, a clear difference that halves the remaining error is no tie.
pub const VERDICTS_VERSION: u32 = 2;

/// Family-wise error rate of `beats` and `loses`, and largest rate of false `ties`.
pub const ALPHA: f64 = 0.05;

/// The four verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The model is better than every baseline by more than the margin.
    Beats,
    /// The model is worse than at least one baseline by more than the margin.
    Loses,
    /// The model matches the best baseline: it is not worse than any baseline by more than the margin, and not better
    /// than the best one by more than the margin.
    Ties,
    /// The test examples do not support any of the other verdicts.
    Unclear,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 4] = [Self::Beats, Self::Loses, Self::Ties, Self::Unclear];

    /// Returns the word used in results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Beats => "beats",
            Self::Loses => "loses",
            Self::Ties => "ties",
            Self::Unclear => "unclear",
        }
    }
}

/// The number of datasets with each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Number of datasets where the model beats every baseline.
    pub beats: usize,
    /// Number of datasets where the model matches the best baseline.
    pub ties: usize,
    /// Number of datasets where the model loses to at least one baseline.
    pub loses: usize,
    /// Number of datasets without any of these verdicts.
    pub unclear: usize,
}

impl Tally {
    /// Counts verdicts.
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let mut tally = Self::default();
        for verdict in verdicts {
            let count = match verdict {
                Verdict::Beats => &mut tally.beats,
                Verdict::Ties => &mut tally.ties,
                Verdict::Loses => &mut tally.loses,
                Verdict::Unclear => &mut tally.unclear,
            };
            *count += 1;
        }
        tally
    }

    /// Returns the number of all datasets.
    pub fn total(&self) -> usize {
        self.beats + self.ties + self.loses + self.unclear
    }
}

/// The comparisons of one model and probe on one dataset, one per baseline.
///
/// The margin is in the units of the metric; [`Metric::margin_unit`](crate::Metric::margin_unit) says what these are.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The model against each baseline, as returned by [`compare`](crate::compare()).
    pub comparisons: &'a [Result<Difference, NoEstimate>],
    /// The largest difference that does not matter; not negative.
    pub margin: f64,
}

/// The verdict on a [`Row`], with its p values.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Two-sided p value of the row (`beats` or `loses`), corrected by Holm's method over the rows that are judged
    /// together.
    pub p_adjusted: f64,
    /// Two-sided p value of each comparison, corrected by Holm's method within the row; `None` where it is undefined.
    pub comparisons_p_adjusted: Vec<Option<f64>>,
    /// Why the row cannot be `beats` or `ties`, or is `unclear` for a reason other than its intervals.
    pub reason: Option<String>,
}

/// Judges several rows together: the datasets of one model and probe, or of several models.
///
/// `beats` is an intersection-union test. Its p value is the largest one-sided p value of "the difference is at most
/// margin" over all baselines. The p value of `loses` is the smallest one-sided p value of "the difference is at
/// least −margin", multiplied by the number of baselines (Holm's first step). The p value of a row is twice the
/// smaller of these two, and Holm's correction is applied over the rows. For a single row, `beats` means that every
/// 95% interval is above the margin. An undefined comparison counts as p = 1, so that a failure never makes another
/// test easier.
///
/// `ties` is a test of equivalence with the best baseline. Every interval must lie above −margin: the model is not
/// worse than any baseline. And the interval of at least one must lie below +margin: the model is not better than the
/// best one. With `k` baselines the one-sided p value of this second part must also be at most `0.05 / k`. So a model
/// whose true difference to the best baseline is ±margin ties in at most 5% of the cases; with one or two baselines
/// the intervals alone decide. There is no correction over rows.
///
/// Near the best possible score a margin can be larger than all that is left to gain. A difference whose interval
/// excludes 0 and that leaves at most half of the remaining error (0.994 and 0.999: 0.006 and 0.001) is no match.
///
/// # Shapes
/// One [`Row`] per dataset, one [`Judgement`] per row, in the same order.
///
/// # Examples
/// ```
/// use seqprobe_stats::verdict::{Row, Verdict, judge};
/// use seqprobe_stats::{KnownInterval, unpaired};
///
/// let model = KnownInterval { point: 0.93, half_width: 0.01 };
/// let one_hot = KnownInterval { point: 0.81, half_width: 0.02 };
/// let comparisons = [Ok(unpaired(model, one_hot, true, 0.95, 1000))];
/// let judgements = judge(&[Row { comparisons: &comparisons, margin: 0.01 }]);
/// assert_eq!(judgements[0].verdict, Verdict::Beats);
/// ```
#[must_use]
pub fn judge(rows: &[Row<'_>]) -> Vec<Judgement> {
    let tests: Vec<RowTest> = rows.iter().map(RowTest::of).collect();
    let adjusted = holm(&tests.iter().map(RowTest::p_value).collect::<Vec<_>>());
    let judged = rows.iter().zip(&tests).zip(adjusted);
    judged.map(|((row, test), p_adjusted)| judge_row(row, test, p_adjusted, rows.len())).collect()
}

/// The two tests of a row, before correction over rows.
struct RowTest {
    p_beats: f64,
    p_loses: f64,
}

impl RowTest {
    fn of(row: &Row<'_>) -> Self {
        let p_values = |p: fn(&Difference, f64) -> f64, threshold: f64| {
            row.comparisons
                .iter()
                .map(move |comparison| comparison.as_ref().map_or(1.0, |difference| p(difference, threshold)))
        };
        let n_baselines = row.comparisons.len() as f64;
        let p_loses = p_values(Difference::p_below, -row.margin).fold(1.0, f64::min) * n_baselines;
        if row.comparisons.is_empty() {
            return Self { p_beats: 1.0, p_loses: 1.0 };
        }
        Self {
            p_beats: p_values(Difference::p_above, row.margin).fold(0.0, f64::max),
            p_loses: p_loses.min(1.0),
        }
    }

    /// Returns the two-sided p value of either verdict.
    fn p_value(&self) -> f64 {
        (2.0 * self.p_beats.min(self.p_loses)).min(1.0)
    }
}

fn judge_row(row: &Row<'_>, test: &RowTest, p_adjusted: f64, n_rows: usize) -> Judgement {
    let mut reasons = Vec::new();
    if row.comparisons.is_empty() {
        reasons.push("there is no baseline to compare with".to_owned());
    }
    let n_baselines = row.comparisons.len();
    for (place, comparison) in row.comparisons.iter().enumerate() {
        if let Err(error) = comparison {
            reasons.push(format!("baseline {} of {n_baselines}: {error}", place + 1));
        }
    }
    let complete = reasons.is_empty();
    let verdict = if p_adjusted <= ALPHA {
        if test.p_beats < test.p_loses { Verdict::Beats } else { Verdict::Loses }
    } else if complete {
        match tie(row) {
            Tie::Yes => Verdict::Ties,
            Tie::No => Verdict::Unclear,
            Tie::NearTheBest([model, baseline]) => {
                reasons.push(format!(
                    "the difference is within the margin, but the distance to the best possible score is {model:.2e} \
                     for the model and {baseline:.2e} for the baseline: near the best score this is not the same"
                ));
                Verdict::Unclear
            }
        }
    } else {
        Verdict::Unclear
    };
    if verdict == Verdict::Unclear && test.p_value() <= ALPHA {
        let alone = if test.p_beats < test.p_loses { Verdict::Beats } else { Verdict::Loses };
        let alone = alone.as_str();
        reasons.push(format!(
            "`{alone}` alone, but not after Holm's correction over {n_rows} datasets and models"
        ));
    }
    Judgement {
        verdict,
        p_adjusted,
        comparisons_p_adjusted: adjusted_within(row),
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
    }
}

/// Whether a row is a tie.
enum Tie {
    Yes,
    No,
    /// It would be, but the remaining errors of model and baseline differ by a factor of two or more.
    NearTheBest([f64; 2]),
}

fn tie(row: &Row<'_>) -> Tie {
    let differences: Vec<&Difference> = row.comparisons.iter().flatten().collect();
    let threshold = ALPHA / differences.len() as f64;
    let not_worse = |difference: &Difference| difference.estimate.lower >= -row.margin;
    let not_better = |difference: &Difference| {
        let exact = difference.estimate.standard_error <= 0.0;
        difference.estimate.upper <= row.margin && (exact || difference.p_below(row.margin) <= threshold)
    };
    let matches: Vec<&&Difference> = differences.iter().filter(|one| not_better(one)).collect();
    if matches.is_empty() || !differences.iter().all(|one| not_worse(one)) {
        return Tie::No;
    }
    let worse = differences.iter().find(|one| one.estimate.upper < 0.0 && halves_the_rest(one));
    let better = || matches.iter().all(|one| one.estimate.lower > 0.0 && halves_the_rest(one));
    let unlike = worse.or_else(|| if better() { matches.first().copied() } else { None });
    unlike.and_then(|difference| difference.remaining).map_or(Tie::Yes, Tie::NearTheBest)
}

/// Returns whether one side is at most half as far from the best possible score as the other.
fn halves_the_rest(difference: &Difference) -> bool {
    difference.remaining.is_some_and(|[model, baseline]| model.min(baseline) <= 0.5 * model.max(baseline))
}

/// Returns the two-sided p values of the comparisons, corrected by Holm's method over the row. Undefined ones count
/// as 1 and stay `None`.
fn adjusted_within(row: &Row<'_>) -> Vec<Option<f64>> {
    let two_sided = |difference: &Difference| {
        (2.0 * difference.p_above(row.margin).min(difference.p_below(-row.margin))).min(1.0)
    };
    let p_values: Vec<f64> =
        row.comparisons.iter().map(|comparison| comparison.as_ref().map_or(1.0, two_sided)).collect();
    let defined = row.comparisons.iter().map(Result::is_ok);
    holm(&p_values).into_iter().zip(defined).map(|(p, defined)| defined.then_some(p)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intervals::types::Estimate;
    use approx::assert_relative_eq;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{RngCore, SeedableRng};
    use statrs::distribution::{ContinuousCDF, Normal};

    /// A difference with an interval of about ± 2 standard errors.
    fn difference(point: f64, standard_error: f64) -> Result<Difference, NoEstimate> {
        let half_width = 1.959_987_707_771_844_2 * standard_error;
        Ok(Difference {
            estimate: Estimate {
                point,
                lower: point - half_width,
                upper: point + half_width,
                level: 0.95,
                method: "by hand".to_owned(),
                n: 100_000,
                n_seeds: 1,
                standard_error,
                degrees_of_freedom: 99_999.0,
                flags: Vec::new(),
            },
            remaining: None,
        })
    }

    fn undefined() -> Result<Difference, NoEstimate> {
        Err(NoEstimate::Undefined { reason: "baseline: the predictions are all the same".to_owned() })
    }

    fn judge_one(comparisons: &[Result<Difference, NoEstimate>]) -> Judgement {
        let mut judged = judge(&[Row { comparisons, margin: 0.01 }]);
        assert_eq!(judged.len(), 1);
        judged.remove(0)
    }

    #[test]
    fn one_row_is_the_interval_rule() {
        // Standard error 0.01: the interval is the point ± 0.0196.
        for (points, expected) in [
            (vec![0.031, 0.05], Verdict::Beats),
            (vec![0.029, 0.05], Verdict::Unclear), // lower end 0.0094 is not above 0.01
            (vec![-0.031], Verdict::Loses),
            (vec![-0.029], Verdict::Unclear),
            (vec![-0.031, 0.05], Verdict::Unclear), // with two baselines Holm's threshold is lower
            (vec![-0.034, 0.05], Verdict::Loses),
        ] {
            let comparisons: Vec<_> = points.iter().map(|&point| difference(point, 0.01)).collect();
            assert_eq!(judge_one(&comparisons).verdict, expected, "{points:?}");
        }
    }

    #[test]
    fn p_values_are_beyond_the_margin_on_both_sides() {
        // Two standard errors beyond the margin of 0.01, above or below: two-sided 0.0455.
        for point in [0.03, -0.03] {
            let judged = judge_one(&[difference(point, 0.01)]);
            assert_relative_eq!(judged.p_adjusted, 0.0455, max_relative = 1e-3);
            assert_eq!(judged.comparisons_p_adjusted, [Some(judged.p_adjusted)]);
        }
    }

    #[test]
    fn verdicts_are_counted() {
        let ties = [Verdict::Ties; 3];
        let verdicts =
            [Verdict::Beats, Verdict::Unclear, Verdict::Beats, Verdict::Loses].into_iter().chain(ties);
        let tally = Tally::of(verdicts);
        assert_eq!(tally, Tally { beats: 2, ties: 3, loses: 1, unclear: 1 });
        assert_eq!(tally.total(), 7);
    }

    #[test]
    fn a_tie_matches_the_best_baseline() {
        let verdict = |points: &[(f64, f64)]| {
            let comparisons: Vec<_> = points.iter().map(|&(point, error)| difference(point, error)).collect();
            judge_one(&comparisons)
        };
        // Identical to one baseline and better than the other; a little worse or better than the best.
        assert_eq!(verdict(&[(0.0, 0.0), (0.2, 0.01)]).verdict, Verdict::Ties);
        assert_eq!(verdict(&[(0.002, 0.003), (-0.003, 0.003)]).verdict, Verdict::Ties);
        assert_eq!(verdict(&[(0.002, 0.003), (0.1, 0.003)]).verdict, Verdict::Ties);
        // Perhaps worse than one; perhaps better than the best; identical to one and clearly worse than the other.
        let crossing = verdict(&[(0.002, 0.003), (-0.006, 0.003)]);
        assert_eq!((crossing.verdict, crossing.reason), (Verdict::Unclear, None));
        assert_eq!(verdict(&[(0.006, 0.003), (0.1, 0.003)]).verdict, Verdict::Unclear);
        assert_eq!(verdict(&[(0.0, 0.0), (-0.1, 0.003)]).verdict, Verdict::Loses);
        let exactly = difference(0.0, 0.0);
        let judged = judge(&[Row { comparisons: &[exactly], margin: 0.0 }]);
        assert_eq!(judged[0].verdict, Verdict::Ties);
    }

    #[test]
    fn the_more_baselines_the_stronger_the_evidence_for_a_tie() {
        // The upper end of the interval is just below the margin: one-sided p 0.024, enough for two baselines.
        let near = difference(0.0041, 0.003);
        for (n_better, expected) in [(0, Verdict::Ties), (1, Verdict::Ties), (2, Verdict::Unclear)] {
            let mut comparisons = vec![near.clone()];
            comparisons.extend(vec![difference(0.2, 0.01); n_better]);
            assert_eq!(judge_one(&comparisons).verdict, expected, "{n_better}");
        }
    }

    #[test]
    fn false_ties_are_rare_at_a_true_difference_of_the_margin() {
        // `n_baselines` independent differences with standard error 0.003 and a true value of ± the margin.
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let normal = Normal::standard();
        for n_baselines in [1, 2, 5] {
            for truth in [0.01, -0.01] {
                let tries = 20_000;
                let ties = (0..tries).filter(|_| {
                    let mut point = || {
                        let uniform = (rng.next_u32() as f64 + 0.5) / 4_294_967_296.0;
                        truth + 0.003 * normal.inverse_cdf(uniform)
                    };
                    let comparisons: Vec<_> = (0..n_baselines).map(|_| difference(point(), 0.003)).collect();
                    judge_one(&comparisons).verdict == Verdict::Ties
                });
                let share = ties.count() as f64 / f64::from(tries);
                assert!(share <= 0.055, "{n_baselines} baselines at {truth}: {share}");
                assert!(
                    share > 0.01 || (truth < 0.0 && n_baselines > 1),
                    "{n_baselines} at {truth}: {share}"
                );
            }
        }
    }

    #[test]
    fn near_the_best_score_a_clear_difference_is_no_tie() {
        // The baseline has an AUROC of 0.9944, the model 0.9998.
        let near = |point: f64, standard_error: f64, remaining: [f64; 2]| {
            difference(point, standard_error).map(|one| Difference { remaining: Some(remaining), ..one })
        };
        let judged = judge_one(&[near(0.0054, 0.0014, [0.0002, 0.0056])]);
        assert_eq!(judged.verdict, Verdict::Unclear);
        assert!(judged.reason.is_some_and(|reason| reason.contains("2.00e-4 for the model and 5.60e-3 for")));
        let worse = judge_one(&[near(-0.0054, 0.0014, [0.0056, 0.0002])]);
        assert_eq!(worse.verdict, Verdict::Unclear);
        // Not clear, or less than half; or the same difference far from the best score.
        assert_eq!(judge_one(&[near(0.0024, 0.0014, [0.0002, 0.0026])]).verdict, Verdict::Ties);
        assert_eq!(judge_one(&[near(0.0054, 0.0014, [0.006, 0.0114])]).verdict, Verdict::Ties);
        assert_eq!(judge_one(&[near(0.0054, 0.0014, [0.2, 0.2054])]).verdict, Verdict::Ties);
        // Against another baseline it does match.
        let both = [near(0.0054, 0.0014, [0.0002, 0.0056]), near(0.0, 0.0, [0.0002, 0.0002])];
        assert_eq!(judge_one(&both).verdict, Verdict::Ties);
    }

    #[test]
    fn an_undefined_comparison_forbids_beats_and_ties_only() {
        let beaten = judge_one(&[difference(0.9, 0.01), undefined()]);
        assert_eq!(beaten.verdict, Verdict::Unclear);
        assert_eq!(
            beaten.reason.as_deref(),
            Some("baseline 2 of 2: undefined: baseline: the predictions are all the same")
        );
        assert_eq!(beaten.comparisons_p_adjusted[1], None);
        assert!(beaten.comparisons_p_adjusted[0].is_some_and(|p| p < 1e-9));
        assert_relative_eq!(beaten.p_adjusted, 1.0);
        assert_eq!(judge_one(&[undefined(), difference(0.0, 0.001)]).verdict, Verdict::Unclear);
        assert_eq!(judge_one(&[undefined(), difference(-0.9, 0.01)]).verdict, Verdict::Loses);
    }

    #[test]
    fn many_datasets_need_stronger_evidence() {
        // 2.3 standard errors above the margin: two-sided p 0.0214.
        let weak = [difference(0.033, 0.01)];
        let strong = [difference(0.1, 0.01)];
        let row = |comparisons| Row { comparisons, margin: 0.01 };
        assert_eq!(judge_one(&weak).verdict, Verdict::Beats);
        let judged = judge(&[row(&weak), row(&weak), row(&weak), row(&strong)]);
        assert_eq!(judged[3].verdict, Verdict::Beats);
        assert_eq!(judged[0].verdict, Verdict::Unclear);
        assert_eq!(
            judged[0].reason.as_deref(),
            Some("`beats` alone, but not after Holm's correction over 4 datasets and models")
        );
        assert_relative_eq!(judged[0].p_adjusted, 3.0 * 0.021_448, max_relative = 1e-3);
    }

    #[test]
    fn a_failed_row_does_not_help_the_others() {
        let weak = [difference(0.033, 0.01)];
        let failed = [undefined()];
        let row = |comparisons| Row { comparisons, margin: 0.01 };
        assert_relative_eq!(
            judge(&[row(&weak), row(&failed)])[0].p_adjusted,
            2.0 * judge_one(&weak).p_adjusted,
            max_relative = 1e-12
        );
    }

    #[test]
    fn without_baselines_the_verdict_is_unclear() {
        let judged = judge_one(&[]);
        assert_eq!(judged.verdict, Verdict::Unclear);
        assert_eq!(judged.reason.as_deref(), Some("there is no baseline to compare with"));
        assert!(judge(&[]).is_empty());
    }
}

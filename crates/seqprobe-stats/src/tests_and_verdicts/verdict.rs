//! Verdicts: whether a model is better than all baselines, from its paired differences, corrected over datasets.
//!
//! This file decides from [`Difference`]s. It resamples nothing.

use crate::intervals::types::{Difference, NoEstimate};
use crate::tests_and_verdicts::corrections::holm;

/// Family-wise error rate of `beats` and `loses`.
pub const ALPHA: f64 = 0.05;

/// The four verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The model is better than every baseline by more than the margin.
    Beats,
    /// The model is worse than at least one baseline by more than the margin.
    Loses,
    /// The difference to every baseline is within the margin.
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
    /// Number of datasets where the model ties with every baseline.
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

/// Judges the datasets of one model and probe together.
///
/// `beats` is an intersection-union test. Its p value is the largest one-sided p value of "the difference is at most
/// margin" over all baselines. The p value of `loses` is the smallest one-sided p value of "the difference is at
/// least −margin", multiplied by the number of baselines (Holm's first step). The p value of a row is twice the
/// smaller of these two, and Holm's correction is applied over the rows. For a single row, `beats` means that every
/// 95% interval is above the margin. An undefined comparison counts as p = 1, so that a failure never makes another
/// test easier.
///
/// `ties` needs every interval within ±margin, at its own level and without correction. This is a test of equivalence
/// at half of `1 − level`.
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
    } else if complete && row.comparisons.iter().flatten().all(|difference| is_within(difference, row.margin))
    {
        Verdict::Ties
    } else {
        Verdict::Unclear
    };
    if verdict == Verdict::Unclear && test.p_value() <= ALPHA {
        let alone = if test.p_beats < test.p_loses { Verdict::Beats } else { Verdict::Loses };
        let alone = alone.as_str();
        reasons.push(format!("`{alone}` alone, but not after Holm's correction over {n_rows} datasets"));
    }
    Judgement {
        verdict,
        p_adjusted,
        comparisons_p_adjusted: adjusted_within(row),
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
    }
}

fn is_within(difference: &Difference, margin: f64) -> bool {
    difference.estimate.lower >= -margin && difference.estimate.upper <= margin
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
    fn ties_need_every_interval_inside() {
        let inside = difference(0.002, 0.003); // −0.0039 … 0.0079
        assert_eq!(judge_one(&[inside.clone(), difference(-0.003, 0.003)]).verdict, Verdict::Ties);
        let crossing = judge_one(&[inside, difference(0.006, 0.003)]);
        assert_eq!((crossing.verdict, crossing.reason), (Verdict::Unclear, None));
        let exactly = difference(0.0, 0.0);
        let judged = judge(&[Row { comparisons: &[exactly], margin: 0.0 }]);
        assert_eq!(judged[0].verdict, Verdict::Ties);
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
            Some("`beats` alone, but not after Holm's correction over 4 datasets")
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

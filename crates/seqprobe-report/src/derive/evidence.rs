//! What a verdict rests on: the differences that decide it, or why it is unclear.

use crate::record::choice::value_reason;
use crate::record::{ComparisonRecord, EstimateRecord, PowerRecord, ScoreValue, Verdict, VerdictRecord};

/// What decides a verdict.
pub(crate) enum Evidence<'a> {
    /// Beats: the smallest difference.
    Smallest(Option<&'a ComparisonRecord>),
    /// Loses: the differences below the margin, or else the lowest one.
    Below(Vec<&'a ComparisonRecord>),
    /// Ties: the difference to the best baseline, the smallest one.
    ToTheBest(Option<&'a ComparisonRecord>),
    /// Unclear: a reason that is not about intervals.
    Reason(&'a str),
    /// Unclear: a difference without interval, and why it has none.
    NoInterval(&'a ComparisonRecord, &'a str),
    /// Unclear: the interval of a difference contains the margin.
    CrossesMargin(&'a ComparisonRecord),
    /// Unclear: no interval contains the margin; baselines disagree, or nothing is significant after correction.
    NotSignificant(Vec<&'a ComparisonRecord>),
    /// Unclear: there is no baseline.
    NoBaseline,
}

impl<'a> Evidence<'a> {
    /// The evidence of a verdict.
    pub(crate) fn of(verdict: &'a VerdictRecord) -> Self {
        let estimates = || estimates(verdict);
        let by_point = |order: fn(f64) -> f64| {
            estimates()
                .min_by(|(_, left), (_, right)| order(left.point).total_cmp(&order(right.point)))
                .map(|(comparison, _)| comparison)
        };
        match verdict.verdict {
            Verdict::Beats => Self::Smallest(by_point(|point| point)),
            Verdict::Ties => Self::ToTheBest(by_point(|point| point)),
            Verdict::Loses => {
                let below: Vec<&ComparisonRecord> = estimates()
                    .filter(|(_, estimate)| estimate.upper < -verdict.margin)
                    .map(|(comparison, _)| comparison)
                    .collect();
                Self::Below(if below.is_empty() {
                    by_point(|point| point).into_iter().collect()
                } else {
                    below
                })
            }
            Verdict::Unclear => Self::of_unclear(verdict),
        }
    }

    fn of_unclear(verdict: &'a VerdictRecord) -> Self {
        if let Some(reason) = &verdict.reason {
            return Self::Reason(reason);
        }
        let missing = verdict
            .comparisons
            .iter()
            .find_map(|comparison| Some((comparison, value_reason(&comparison.delta)?)));
        if let Some((comparison, reason)) = missing {
            return Self::NoInterval(comparison, reason);
        }
        // Of several, the one to the best baseline.
        let crossing = estimates(verdict).filter(|(_, estimate)| contains_margin(estimate, verdict.margin));
        if let Some((comparison, _)) =
            crossing.min_by(|(_, left), (_, right)| left.point.total_cmp(&right.point))
        {
            return Self::CrossesMargin(comparison);
        }
        if estimates(verdict).next().is_none() {
            return Self::NoBaseline;
        }
        Self::NotSignificant(verdict.comparisons.iter().collect())
    }
}

/// What would settle an unclear verdict: the power of the difference that its sentence shows, else of the difference to
/// the best baseline.
pub(crate) fn settling<'a>(verdict: &'a VerdictRecord, evidence: &Evidence<'a>) -> Option<&'a PowerRecord> {
    if verdict.verdict != Verdict::Unclear {
        return None;
    }
    let shown = match evidence {
        Evidence::CrossesMargin(comparison) => Some(*comparison),
        _ => estimates(verdict)
            .min_by(|(_, left), (_, right)| left.point.total_cmp(&right.point))
            .map(|(comparison, _)| comparison),
    };
    shown.and_then(|comparison| comparison.power.as_ref())
}

/// True when an interval contains +margin or −margin.
fn contains_margin(estimate: &EstimateRecord, margin: f64) -> bool {
    [margin, -margin].iter().any(|edge| estimate.lower <= *edge && *edge <= estimate.upper)
}

fn estimates(verdict: &VerdictRecord) -> impl Iterator<Item = (&ComparisonRecord, &EstimateRecord)> {
    verdict.comparisons.iter().filter_map(|comparison| match &comparison.delta {
        ScoreValue::Estimate(estimate) => Some((comparison, estimate)),
        _ => None,
    })
}

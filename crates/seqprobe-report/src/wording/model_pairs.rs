//! The models of a suite against each other, in sentences.

use super::names::{cell_name, metric_name, probe_name};
use super::quantities::{margin, number, signed};
use crate::record::choice::point;
use crate::record::{ModelComparison, ProbeScope, ScoreValue};
use seqprobe_stats::verdict::ALPHA;

/// Maximum number of differences that are written out for a probe.
const MAX_PAIRS: usize = 5;

/// One sentence per probe; none if there is only one model.
pub(crate) fn sentences(comparisons: &[&ModelComparison]) -> Vec<String> {
    let mut probes: Vec<&ProbeScope> = Vec::new();
    for comparison in comparisons {
        if !probes.contains(&&comparison.probe) {
            probes.push(&comparison.probe);
        }
    }
    let of = |probe: &ProbeScope| -> Vec<&ModelComparison> {
        comparisons.iter().copied().filter(|comparison| comparison.probe == *probe).collect()
    };
    probes.into_iter().filter_map(|probe| sentence(probe, &of(probe))).collect()
}

/// `models against each other with linear: b is better than a by more than 0.01 AUROC (+0.100 [0.080, 0.120]); no
/// difference of that size could be shown for 2 of 3 pairs`.
fn sentence(probe: &ProbeScope, pairs: &[&ModelComparison]) -> Option<String> {
    let first = pairs.first()?;
    let mut clear: Vec<&ModelComparison> = pairs.iter().copied().filter(|pair| is_clear(pair)).collect();
    clear.sort_by(|left, right| distance(right).total_cmp(&distance(left)));
    let mut parts: Vec<String> = clear.iter().take(MAX_PAIRS).map(|pair| clear_text(pair)).collect();
    if clear.len() > MAX_PAIRS {
        parts.push(format!("and {} more pairs differ by more", clear.len() - MAX_PAIRS));
    }
    let open = pairs.len() - clear.len();
    if open > 0 {
        let pairs = match pairs.len() {
            1 => "the two".to_owned(),
            n => format!("{open} of {n} pairs"),
        };
        parts.push(format!("no difference beyond the margin could be shown for {pairs}"));
    }
    let size = if first.margin < 1e-3 { number(first.margin) } else { margin(first.margin) };
    Some(format!(
        "models against each other with {}, margin {size} {}, corrected over all pairs: {}",
        probe_name(probe),
        metric_name(&first.metric),
        parts.join("; ")
    ))
}

fn is_clear(pair: &ModelComparison) -> bool {
    pair.p_adjusted.is_some_and(|p| p <= ALPHA)
}

fn distance(pair: &ModelComparison) -> f64 {
    point(&pair.delta).unwrap_or_default().abs()
}

fn clear_text(pair: &ModelComparison) -> String {
    let (better, worse, turned) = if point(&pair.delta).is_some_and(|delta| delta < 0.0) {
        (&pair.second, &pair.first, turned(&pair.delta))
    } else {
        (&pair.first, &pair.second, pair.delta.clone())
    };
    format!("{} is better than {} ({})", cell_name(better), cell_name(worse), signed(&turned))
}

/// The difference with the other sign.
fn turned(delta: &ScoreValue) -> ScoreValue {
    let mut delta = delta.clone();
    match &mut delta {
        ScoreValue::Estimate(estimate) => {
            estimate.point = -estimate.point;
            (estimate.lower, estimate.upper) = (-estimate.upper, -estimate.lower);
        }
        ScoreValue::PointOnly { point, .. } => *point = -*point,
        ScoreValue::Undefined { .. } => (),
    }
    delta
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{CellId, EstimateRecord, Fraction, ScoredTarget, Variant};

    fn pair(first: &str, second: &str, point: f64, p: Option<f64>) -> ModelComparison {
        let id = |name: &str| CellId {
            dataset: "d".to_owned(),
            representation: name.into(),
            variant: Variant::None,
            layer: None,
            pooling: None,
            probe: Some("linear".to_owned()),
            fraction: Fraction::WHOLE,
        };
        ModelComparison {
            dataset: "d".to_owned(),
            target: ScoredTarget::Column("y".to_owned()),
            probe: ProbeScope::from("linear".to_owned()),
            metric: "auroc".to_owned(),
            margin: 0.01,
            first: id(first),
            second: id(second),
            delta: ScoreValue::Estimate(EstimateRecord {
                point,
                lower: point - 0.02,
                upper: point + 0.03,
                level: 0.95,
                method: "by hand".to_owned(),
                flags: Vec::new(),
                standard_error: Some(0.0125),
                degrees_of_freedom: None,
            }),
            p_adjusted: p,
        }
    }

    #[test]
    fn the_better_model_comes_first() {
        let pairs =
            [pair("a", "b", -0.1, Some(0.001)), pair("a", "c", 0.02, Some(0.3)), pair("b", "c", 0.1, None)];
        assert_eq!(
            sentences(&pairs.iter().collect::<Vec<_>>()),
            [
                "models against each other with linear, margin 0.01 AUROC, corrected over all pairs: b is better than a \
                 (+0.100 [0.070, 0.120]); no difference beyond the margin could be shown for 2 of 3 pairs"
            ]
        );
        let one = [pair("a", "b", 0.0, Some(1.0))];
        assert!(sentences(&one.iter().collect::<Vec<_>>())[0].ends_with("could be shown for the two"));
        assert!(sentences(&[]).is_empty());
    }
}

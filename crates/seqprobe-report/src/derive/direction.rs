//! The direction of metrics.

/// True if a smaller value of the metric is better.
pub(crate) fn lower_is_better(metric: &str) -> bool {
    seqprobe_stats::metric(metric).is_some_and(|metric| !metric.higher_is_better)
}

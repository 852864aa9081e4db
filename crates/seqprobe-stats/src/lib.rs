//! Metrics, estimates, bootstrap, paired comparisons and verdicts, on slices.

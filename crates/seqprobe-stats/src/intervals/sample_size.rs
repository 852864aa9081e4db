//! The size of a test set: its independent units, its smallest class, and what follows for intervals.

use crate::intervals::bootstrap::{Resampler, Scheme};
use crate::intervals::types::IntervalProblem;
use crate::metrics::truth::Truth;

/// Minimum number of examples of the smallest class (or target) for an interval.
const MIN_EXAMPLES: usize = 10;
/// Minimum number of clusters for an interval.
const MIN_CLUSTERS: usize = 5;
/// With fewer examples of the smallest class an interval is flagged.
const FEW_EXAMPLES: usize = 50;
/// With fewer clusters an interval is flagged.
const FEW_CLUSTERS: usize = 30;

/// The sizes that an interval depends on.
pub(crate) struct SampleSize {
    /// Examples with a known true value.
    pub(crate) n_examples: usize,
    /// Number of clusters, where whole clusters are drawn.
    n_clusters: Option<usize>,
    /// Number of examples of the smallest class that occurs (or of the target with the fewest known values).
    smallest: usize,
    /// Name of that class or target.
    smallest_name: String,
    /// The smaller of `smallest` and the number of clusters: how many chances an event had that never occurred.
    pub(crate) smallest_group: usize,
    stratified: bool,
}

impl SampleSize {
    /// Counts units and classes. `targets`: the targets that are scored, for multilabel and regression tasks.
    pub(crate) fn of(truth: &Truth<'_>, targets: &[usize], resampler: &Resampler) -> Self {
        let (smallest, smallest_name) = smallest(truth, targets);
        let n_clusters = match resampler.scheme() {
            Scheme::Clusters { n_clusters, .. } => Some(*n_clusters),
            Scheme::Strata(_) => None,
        };
        Self {
            n_examples: truth.known_rows().len(),
            n_clusters,
            smallest,
            smallest_name,
            smallest_group: n_clusters.map_or(smallest, |n_clusters| n_clusters.min(smallest)),
            stratified: n_clusters.is_none() && matches!(truth, Truth::Binary(_) | Truth::Classes { .. }),
        }
    }

    /// Returns why the test set is too small for an interval, if it is.
    pub(crate) fn too_small(&self) -> Option<IntervalProblem> {
        match self.n_clusters {
            Some(n) if n < MIN_CLUSTERS => Some(IntervalProblem::FewClusters { n, min: MIN_CLUSTERS }),
            _ if self.smallest < MIN_EXAMPLES => Some(IntervalProblem::FewExamples {
                group: self.smallest_name.clone(),
                n: self.smallest,
                min: MIN_EXAMPLES,
            }),
            _ => None,
        }
    }

    /// Returns the flags `few-examples` and `few-clusters` that apply.
    pub(crate) fn flags(&self) -> Vec<&'static str> {
        let mut flags = Vec::new();
        if self.smallest < FEW_EXAMPLES {
            flags.push("few-examples");
        }
        if self.n_clusters.is_some_and(|n_clusters| n_clusters < FEW_CLUSTERS) {
            flags.push("few-clusters");
        }
        flags
    }

    /// Degrees of freedom of the bootstrap variance: number of independent units minus one.
    pub(crate) fn degrees_of_freedom(&self) -> f64 {
        (self.n_clusters.unwrap_or(self.n_examples) - 1) as f64
    }

    /// Factor that corrects the bootstrap variance. A bootstrap of `n` units underestimates the variance of a mean by
    /// the factor `(n − 1) / n`. With strata, `n` is the size of the smallest: exact where that stratum dominates,
    /// slightly too wide otherwise.
    pub(crate) fn variance_factor(&self) -> f64 {
        let units = match self.n_clusters {
            Some(n_clusters) => n_clusters,
            None if self.stratified => self.smallest,
            None => self.n_examples,
        } as f64;
        units / (units - 1.0)
    }

    /// The resampling scheme as part of a method's name.
    pub(crate) fn drawn(&self) -> &'static str {
        match self.n_clusters {
            Some(_) => "cluster-bootstrap",
            None if self.stratified => "stratified-bootstrap",
            None => "bootstrap",
        }
    }
}

/// Returns the size and the name of the smallest class that occurs, or of the target with the fewest known values (of
/// its rarer label).
fn smallest(truth: &Truth<'_>, targets: &[usize]) -> (usize, String) {
    let labels_of = |target: usize, values: &[Option<bool>], n_targets: usize| {
        let mut counts = [0_usize; 2];
        for label in values.iter().skip(target).step_by(n_targets).flatten() {
            counts[usize::from(*label)] += 1;
        }
        counts.into_iter().filter(|&count| count > 0).min().unwrap_or(0)
    };
    let groups: Vec<(usize, String)> = match truth {
        Truth::Binary(labels) => {
            let positives = labels.iter().filter(|&&label| label).count();
            vec![
                (positives, "the positive class".to_owned()),
                (labels.len() - positives, "the negative class".to_owned()),
            ]
        }
        Truth::Classes { labels, n_classes } => {
            let mut counts = vec![0; *n_classes];
            for &label in *labels {
                counts[label as usize] += 1;
            }
            counts.into_iter().enumerate().map(|(class, count)| (count, format!("class {class}"))).collect()
        }
        Truth::Multilabel { values, n_targets } => targets
            .iter()
            .map(|&target| {
                (labels_of(target, values, *n_targets), format!("the rarer label of target {target}"))
            })
            .collect(),
        Truth::Regression { values, n_targets } => targets
            .iter()
            .map(|&target| {
                let n_known = values.iter().skip(target).step_by(*n_targets).flatten().count();
                (n_known, format!("target {target}"))
            })
            .collect(),
    };
    // A class that does not occur is ignored.
    groups.into_iter().filter(|(count, _)| *count > 0).min().unwrap_or((0, "the test set".to_owned()))
}

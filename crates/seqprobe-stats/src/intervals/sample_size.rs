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
/// With fewer effective clusters an interval is flagged.
const FEW_CLUSTERS: f64 = 30.0;
/// There is no interval if one cluster has a larger share of the examples (of its class, where clusters are drawn
/// class by class): almost all of the variance would rest on one draw.
const MAX_SHARE: f64 = 2.0 / 3.0;
/// An interval is flagged if one cluster has a larger share.
const LARGE_SHARE: f64 = 0.25;

/// The sizes that an interval depends on.
pub(crate) struct SampleSize {
    /// Examples with a known true value.
    pub(crate) n_examples: usize,
    /// The clusters, where whole clusters are drawn.
    clusters: Option<ClusterSizes>,
    /// Number of examples of the smallest class that occurs (or of the target with the fewest known values). Where
    /// clusters are drawn class by class, it counts clusters.
    smallest: usize,
    /// Name of that class or target.
    smallest_name: String,
    /// The smaller of `smallest` and the effective number of clusters: how many chances an event had that never
    /// occurred.
    pub(crate) smallest_group: usize,
    stratified: bool,
}

/// Number and sizes of clusters.
struct ClusterSizes {
    n: usize,
    /// [`effective_number`] of all clusters.
    effective: f64,
    /// The smallest [`effective_number`] of a stratum.
    effective_of_stratum: f64,
    /// The largest share that a cluster has of its stratum.
    largest_share: f64,
}

impl ClusterSizes {
    fn of(sizes: &[usize], strata: &[Vec<u32>]) -> Self {
        let mut of_stratum = (f64::INFINITY, 0.0_f64);
        for clusters in strata {
            let own: Vec<usize> = clusters.iter().map(|&cluster| sizes[cluster as usize]).collect();
            let largest = own.iter().max().copied().unwrap_or(0) as f64;
            let share = largest / own.iter().sum::<usize>().max(1) as f64;
            of_stratum = (of_stratum.0.min(effective_number(&own)), of_stratum.1.max(share));
        }
        Self {
            n: sizes.len(),
            effective: effective_number(sizes),
            effective_of_stratum: of_stratum.0,
            largest_share: of_stratum.1,
        }
    }
}

/// Returns the effective number of clusters, `(Σ n)² / Σ n²` (Kish 1965; Carter, Schnepel and Steigerwald 2017): the
/// number of clusters if all have the same size, and less if a few are large. A variance between clusters is known as
/// well as from this many equal ones.
fn effective_number(sizes: &[usize]) -> f64 {
    let sum: f64 = sizes.iter().map(|&size| size as f64).sum();
    let squares: f64 = sizes.iter().map(|&size| (size as f64).powi(2)).sum();
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

impl SampleSize {
    /// Counts units and classes. `targets`: the targets that are scored, for multilabel and regression tasks; `names`:
    /// those of the classes or targets.
    pub(crate) fn of(truth: &Truth<'_>, targets: &[usize], resampler: &Resampler, names: &[String]) -> Self {
        let (mut smallest, mut smallest_name) = smallest(truth, targets, names);
        let mut stratified = matches!(truth, Truth::Binary(_) | Truth::Classes { .. });
        let clusters = match resampler.scheme() {
            Scheme::Clusters { sizes, strata, .. } => {
                stratified &= strata.len() > 1;
                if stratified {
                    smallest_name = "the rarest class".to_owned();
                    smallest = strata.iter().map(Vec::len).min().unwrap_or(0).min(smallest);
                }
                Some(ClusterSizes::of(sizes, strata))
            }
            Scheme::Strata(_) => None,
        };
        let effective = clusters.as_ref().map_or(f64::INFINITY, |clusters| clusters.effective);
        Self {
            n_examples: truth.known_rows().len(),
            smallest,
            smallest_name,
            smallest_group: (effective.floor().max(1.0) as usize).min(smallest),
            clusters,
            stratified,
        }
    }

    /// Returns why the test set is too small for an interval, if it is.
    pub(crate) fn too_small(&self) -> Option<IntervalProblem> {
        match &self.clusters {
            Some(clusters) if clusters.n < MIN_CLUSTERS => {
                Some(IntervalProblem::FewClusters { n: clusters.n, min: MIN_CLUSTERS })
            }
            _ if self.smallest < MIN_EXAMPLES => Some(IntervalProblem::FewExamples {
                group: self.smallest_name.clone(),
                n: self.smallest,
                units: if self.clusters.is_some() && self.stratified { "clusters" } else { "examples" },
                min: MIN_EXAMPLES,
            }),
            Some(clusters) if clusters.largest_share > MAX_SHARE => {
                Some(IntervalProblem::DominantCluster { share: clusters.largest_share, max: MAX_SHARE })
            }
            _ => None,
        }
    }

    /// Returns the flags `few-examples`, `few-clusters` and `dominant-cluster` that apply.
    pub(crate) fn flags(&self) -> Vec<&'static str> {
        let mut flags = Vec::new();
        if self.smallest < FEW_EXAMPLES {
            flags.push("few-examples");
        }
        if let Some(clusters) = &self.clusters {
            if clusters.effective < FEW_CLUSTERS {
                flags.push("few-clusters");
            }
            if clusters.largest_share > LARGE_SHARE {
                flags.push("dominant-cluster");
            }
        }
        flags
    }

    /// Degrees of freedom of the bootstrap variance: (effective) number of independent units minus one.
    pub(crate) fn degrees_of_freedom(&self) -> f64 {
        self.clusters.as_ref().map_or(self.n_examples as f64, |clusters| clusters.effective) - 1.0
    }

    /// Factor that corrects the bootstrap variance. A bootstrap of `n` units underestimates the variance of a mean by
    /// the factor `(n − 1) / n`. With strata, `n` is the size of the smallest: exact where that stratum dominates,
    /// slightly too wide otherwise. Of clusters, `n` is the effective number.
    pub(crate) fn variance_factor(&self) -> f64 {
        let units = match &self.clusters {
            Some(clusters) => clusters.effective_of_stratum,
            None if self.stratified => self.smallest as f64,
            None => self.n_examples as f64,
        };
        units / (units - 1.0)
    }

    /// The resampling scheme as part of a method's name.
    pub(crate) fn drawn(&self) -> &'static str {
        match (self.clusters.is_some(), self.stratified) {
            (true, true) => "stratified-cluster-bootstrap",
            (true, false) => "cluster-bootstrap",
            (false, true) => "stratified-bootstrap",
            (false, false) => "bootstrap",
        }
    }
}

/// Returns the size and the name of the smallest class that occurs, or of the target with the fewest known values (of
/// its rarer label).
fn smallest(truth: &Truth<'_>, targets: &[usize], names: &[String]) -> (usize, String) {
    let named = |what: &str, index: usize| match names.get(index) {
        Some(name) => format!("{what} {name:?}"),
        None => format!("{what} {index}"),
    };
    let labels_of = |target: usize, values: &[Option<bool>], n_targets: usize| {
        let mut counts = [0_usize; 2];
        for label in values.iter().skip(target).step_by(n_targets).flatten() {
            counts[usize::from(*label)] += 1;
        }
        counts.into_iter().filter(|&count| count > 0).min().unwrap_or(0)
    };
    let groups: Vec<(usize, String)> = match truth {
        Truth::Binary(labels) => {
            let class = |index: usize, usual: &str| match names.get(index) {
                Some(name) => format!("class {name:?}"),
                None => usual.to_owned(),
            };
            let positives = labels.iter().filter(|&&label| label).count();
            vec![
                (positives, class(1, "the positive class")),
                (labels.len() - positives, class(0, "the negative class")),
            ]
        }
        Truth::Classes { labels, n_classes } => {
            let mut counts = vec![0; *n_classes];
            for &label in *labels {
                counts[label as usize] += 1;
            }
            counts.into_iter().enumerate().map(|(class, count)| (count, named("class", class))).collect()
        }
        Truth::Multilabel { values, n_targets } => targets
            .iter()
            .map(|&target| {
                (labels_of(target, values, *n_targets), named("the rarer label of target", target))
            })
            .collect(),
        Truth::Regression { values, n_targets } => targets
            .iter()
            .map(|&target| {
                let n_known = values.iter().skip(target).step_by(*n_targets).flatten().count();
                (n_known, named("target", target))
            })
            .collect(),
    };
    // A class that does not occur is ignored.
    groups.into_iter().filter(|(count, _)| *count > 0).min().unwrap_or((0, "the test set".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn size(truth: &Truth<'_>, clusters: Option<&[u32]>) -> SampleSize {
        let targets: Vec<usize> = (0..truth.n_outputs()).collect();
        SampleSize::of(truth, &targets, &Resampler::new(truth, clusters, 1), &[])
    }

    /// `positives` of `n` labels are true, one after another in the order of rows.
    fn labels(positives: usize, n: usize) -> Vec<bool> {
        (0..n).map(|row| row < positives).collect()
    }

    #[test]
    fn limits_are_inclusive() {
        let of = |positives: usize| {
            let labels = labels(positives, 200);
            let size = size(&Truth::Binary(&labels), None);
            (size.too_small().is_some(), size.flags())
        };
        assert_eq!(of(9), (true, vec!["few-examples"]));
        assert_eq!(of(10), (false, vec!["few-examples"]));
        assert_eq!(of(49), (false, vec!["few-examples"]));
        assert_eq!(of(50), (false, vec![]));
        assert_eq!(of(150), (false, vec![]));
        assert_eq!(of(151), (false, vec!["few-examples"]));
        let clustered = |n_clusters: u32| {
            let labels = labels(600, 1200);
            let clusters: Vec<u32> = (0..1200).map(|row| row % n_clusters).collect();
            let size = size(&Truth::Binary(&labels), Some(&clusters));
            (size.too_small().is_some(), size.flags())
        };
        assert_eq!(clustered(4), (true, vec!["few-clusters"]));
        assert_eq!(clustered(5), (false, vec!["few-clusters"]));
        assert_eq!(clustered(29), (false, vec!["few-clusters"]));
        assert_eq!(clustered(30), (false, vec![]));
    }

    #[test]
    fn units_by_hand() {
        let labels = labels(20, 100);
        let truth = Truth::Binary(&labels);
        let plain = size(&truth, None);
        assert_eq!((plain.n_examples, plain.smallest_group), (100, 20));
        assert_eq!(plain.drawn(), "stratified-bootstrap");
        assert_relative_eq!(plain.degrees_of_freedom(), 99.0);
        assert_relative_eq!(plain.variance_factor(), 20.0 / 19.0);
        let clusters: Vec<u32> = (0..100).map(|row| row % 10).collect();
        let clustered = size(&truth, Some(&clusters));
        assert_eq!((clustered.n_examples, clustered.smallest_group), (100, 10));
        assert_eq!(clustered.drawn(), "cluster-bootstrap");
        assert_relative_eq!(clustered.degrees_of_freedom(), 9.0);
        assert_relative_eq!(clustered.variance_factor(), 10.0 / 9.0);
        let values: Vec<Option<f64>> = (0..40).map(|row| (row < 30).then_some(f64::from(row))).collect();
        let numbers = size(&Truth::Regression { values: &values, n_targets: 1 }, None);
        assert_eq!((numbers.n_examples, numbers.smallest_group, numbers.drawn()), (30, 30, "bootstrap"));
        assert_relative_eq!(numbers.variance_factor(), 30.0 / 29.0);
        // Without strata all rows with a known value are units, also those that one target does not have.
        let values: Vec<Option<f64>> =
            (0..40).flat_map(|row| [Some(f64::from(row)), (row < 20).then_some(1.0)]).collect();
        let numbers = size(&Truth::Regression { values: &values, n_targets: 2 }, None);
        assert_eq!((numbers.n_examples, numbers.smallest_group), (40, 20));
        assert_relative_eq!(numbers.variance_factor(), 40.0 / 39.0);
        // A label that does not occur is no smallest group.
        let values = [Some(true); 15];
        let ones = size(&Truth::Multilabel { values: &values, n_targets: 1 }, None);
        assert_eq!((ones.smallest_group, ones.too_small()), (15, None));
    }

    #[test]
    fn unequal_clusters_count_less() {
        let values: Vec<Option<f64>> = (0..120).map(|row| Some(f64::from(row))).collect();
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        // One cluster has `large` rows, the others one each.
        let of = |large: u32| {
            let clusters: Vec<u32> = (0..120).map(|row: u32| row.saturating_sub(large - 1)).collect();
            size(&truth, Some(&clusters))
        };
        let half = of(60);
        assert_relative_eq!(half.degrees_of_freedom(), 120.0 * 120.0 / (3600.0 + 60.0) - 1.0);
        let effective = half.degrees_of_freedom() + 1.0;
        assert_relative_eq!(half.variance_factor(), effective / (effective - 1.0));
        assert_eq!((half.too_small(), half.smallest_group), (None, 3));
        assert_eq!(half.flags(), ["few-clusters", "dominant-cluster"]);
        assert_eq!((of(80).too_small(), of(31).flags()), (None, vec!["few-clusters", "dominant-cluster"]));
        assert_eq!(of(30).flags(), ["few-clusters"]);
        assert_eq!(of(10).flags(), Vec::<&str>::new());
        let reason = of(81).too_small().map(|problem| problem.to_string());
        let expected = "one cluster has 67.5% of the examples, an interval needs one with at most 66.7%";
        assert_eq!(reason.as_deref(), Some(expected));
    }

    #[test]
    fn copies_count_once() {
        // Every row ten times: the same units as the rows alone.
        let labels = labels(30, 100);
        let rows = size(&Truth::Binary(&labels), None);
        let repeated: Vec<bool> = labels.iter().flat_map(|label| [*label; 10]).collect();
        let clusters: Vec<u32> = (0..1000).map(|row| row / 10).collect();
        let copies = size(&Truth::Binary(&repeated), Some(&clusters));
        assert_relative_eq!(copies.degrees_of_freedom(), rows.degrees_of_freedom());
        assert_relative_eq!(copies.variance_factor(), rows.variance_factor());
        assert_eq!((copies.flags(), copies.smallest_group), (rows.flags(), rows.smallest_group));
        assert_eq!(copies.drawn(), "stratified-cluster-bootstrap");
    }

    #[test]
    fn the_smallest_group_is_named() {
        let reason = |truth: &Truth<'_>| size(truth, None).too_small().map(|problem| problem.to_string());
        let rest = "an interval needs at least 10";
        let few = labels(3, 40);
        let expected = format!("the positive class has only 3 examples, {rest}");
        assert_eq!(reason(&Truth::Binary(&few)), Some(expected));
        let many = labels(33, 40);
        let expected = format!("the negative class has only 7 examples, {rest}");
        assert_eq!(reason(&Truth::Binary(&many)), Some(expected));
        // Class 0 does not occur and is ignored.
        let classes: Vec<u32> = (0..40).map(|row| if row < 4 { 2 } else { 1 + row % 2 * 2 }).collect();
        let expected = format!("class 2 has only 4 examples, {rest}");
        assert_eq!(reason(&Truth::Classes { labels: &classes, n_classes: 4 }), Some(expected));
        // Target 0 has labels of both kinds 20 times, target 1 is true 6 times among the 20 known rows.
        let values: Vec<Option<bool>> =
            (0..40).flat_map(|row| [Some(row % 2 == 0), (row < 20).then_some(row < 6)]).collect();
        let expected = format!("the rarer label of target 1 has only 6 examples, {rest}");
        assert_eq!(reason(&Truth::Multilabel { values: &values, n_targets: 2 }), Some(expected));
        let values: Vec<Option<f64>> =
            (0..40).flat_map(|row| [Some(f64::from(row)), (row < 8).then_some(1.0)]).collect();
        let expected = format!("target 1 has only 8 examples, {rest}");
        assert_eq!(reason(&Truth::Regression { values: &values, n_targets: 2 }), Some(expected));
    }
}

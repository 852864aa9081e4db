//! One side of a comparison, or the only one of an estimate: its seeds, prepared once.

use crate::estimate::NoEstimate;
use crate::interval::VarianceTerm;
use crate::metric::Metric;
use crate::truth::{InputError, Truth, Undefined};
use crate::weighted::{MacroMean, RowWeights, Scores, finite_scores};

/// The prepared seeds of a side with their points.
pub(crate) struct Side<'a> {
    seeds: Vec<(MacroMean, f64)>,
    pub(crate) outputs_by_seed: &'a [&'a [f64]],
    /// 1, or −1 where a larger score makes the result smaller.
    pub(crate) sign: f64,
}

impl<'a> Side<'a> {
    pub(crate) fn prepare(
        metric: &Metric,
        truth: &Truth<'_>,
        outputs_by_seed: &'a [&'a [f64]],
        sign: f64,
    ) -> Result<Self, NoEstimate> {
        let n_seeds = outputs_by_seed.len();
        let prepare = |(seed, outputs): (usize, &&[f64])| {
            metric.prepare(truth, outputs).map_err(|undefined| match undefined {
                Undefined::Input(error) => NoEstimate::Input(error),
                cause if n_seeds == 1 => NoEstimate::Undefined { reason: cause.to_string() },
                cause => NoEstimate::Undefined { reason: format!("seed {} of {n_seeds}: {cause}", seed + 1) },
            })
        };
        let seeds: Vec<_> = outputs_by_seed.iter().enumerate().map(prepare).collect::<Result<_, _>>()?;
        if seeds.is_empty() {
            return Err(InputError::NoSeeds.into());
        }
        Ok(Self { seeds, outputs_by_seed, sign })
    }

    pub(crate) fn n_seeds(&self) -> usize {
        self.seeds.len()
    }

    /// The targets that take part, which the truth alone decides.
    pub(crate) fn targets(&self) -> Vec<usize> {
        let of_first = self.seeds.iter().take(1).flat_map(|(prepared, _)| &prepared.columns);
        of_first.map(|(target, _)| *target).collect()
    }

    pub(crate) fn signed_mean(&self) -> f64 {
        self.sign * self.seeds.iter().map(|(_, point)| point).sum::<f64>() / self.seeds.len() as f64
    }

    /// Adds the signed seed mean of each replicate to `sums`.
    pub(crate) fn add_replicates(&self, weights: &[RowWeights], sums: &mut Scores) {
        let share = self.sign / self.seeds.len() as f64;
        for (prepared, _) in &self.seeds {
            for (sum, score) in sums.iter_mut().zip(finite_scores(prepared, weights)) {
                match (sum.as_mut(), score) {
                    (Ok(sum), Ok(score)) => *sum += share * score,
                    (Ok(_), Err(cause)) => *sum = Err(cause),
                    (Err(_), _) => (),
                }
            }
        }
    }

    /// Between-seed variance over the number of seeds; `None` for a single seed.
    pub(crate) fn seed_term(&self) -> Option<VarianceTerm> {
        let n_seeds = self.seeds.len() as f64;
        let points: Vec<f64> = self.seeds.iter().map(|(_, point)| *point).collect();
        (points.len() > 1).then(|| VarianceTerm {
            variance: sample_variance(&points) / n_seeds,
            degrees_of_freedom: n_seeds - 1.0,
        })
    }

    pub(crate) fn largest_score(&self) -> f64 {
        self.seeds.iter().map(|(_, point)| point.abs()).fold(0.0, f64::max)
    }
}

/// The sums of all sides for a group of replicates.
pub(crate) fn replicates_of(sides: &[Side<'_>], weights: &[RowWeights]) -> Scores {
    let mut sums: Scores = std::array::from_fn(|_| Ok(0.0));
    for side in sides {
        side.add_replicates(weights, &mut sums);
    }
    sums
}

/// Variance around the mean, over `n − 1`.
pub(crate) fn sample_variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)
}

//! One side of a comparison, or the only one of an estimate: its seeds, prepared once.

use crate::intervals::student_t::{VarianceTerm, sample_variance};
use crate::intervals::types::NoEstimate;
use crate::metrics::metric::Metric;
use crate::metrics::truth::{InputError, Truth, Undefined};
use crate::metrics::weighted::{LANES, MacroMean, RowWeights, Scores, finite_scores};

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

    /// The signed seed mean of each replicate, and the variance over seeds of how far each moved from its point.
    fn replicates(&self, weights: &[RowWeights]) -> (Scores, Moves) {
        let share = self.sign / self.seeds.len() as f64;
        let mut means: Scores = std::array::from_fn(|_| Ok(0.0));
        let (mut sums, mut squares) = ([0.0; LANES], [0.0; LANES]);
        for (prepared, point) in &self.seeds {
            for (lane, score) in finite_scores(prepared, weights).into_iter().enumerate() {
                match (means[lane].as_mut(), score) {
                    (Ok(mean), Ok(score)) => {
                        *mean += share * score;
                        sums[lane] += score - point;
                        squares[lane] += (score - point).powi(2);
                    }
                    (Ok(_), Err(cause)) => means[lane] = Err(cause),
                    (Err(_), _) => (),
                }
            }
        }
        let n = self.seeds.len() as f64;
        let variance =
            |lane: usize| (squares[lane] - sums[lane] * sums[lane] / n).max(0.0) / (n - 1.0).max(1.0);
        (means, std::array::from_fn(variance))
    }

    /// Variance of the seed mean that comes from training seeds; `None` for a single seed.
    ///
    /// Scores of seeds differ for two reasons: the seeds, and the examples, which do not treat all seeds alike. The
    /// second is in the variance over examples already, so `from_examples`, the variance over seeds that resampling
    /// the examples alone makes, is taken off.
    ///
    /// How uncertain is what is left? At least as a variance of its own size, at most as the whole spread. A score
    /// `alone` takes the whole spread. In a difference the examples' part that all seeds share is gone from the variance
    /// over examples, so that the seeds weigh more and the whole spread made intervals that held the truth in 98 to 99%
    /// of simulated pairs whose seeds agree; the geometric mean of both holds it in 94 to 97% whether seeds agree or not
    /// (normal scores, 5 or 10 seeds; `CALIBRATION.md` for the metrics).
    pub(crate) fn seed_term(&self, from_examples: f64, alone: bool) -> Option<VarianceTerm> {
        let n_seeds = self.seeds.len() as f64;
        let points: Vec<f64> = self.seeds.iter().map(|(_, point)| *point).collect();
        (points.len() > 1).then(|| {
            let between = sample_variance(&points);
            let left = (between - from_examples).max(0.0);
            VarianceTerm {
                variance: left / n_seeds,
                degrees_of_freedom: n_seeds - 1.0,
                uncertain: if alone { between } else { (left * between).sqrt() } / n_seeds,
            }
        })
    }

    pub(crate) fn largest_score(&self) -> f64 {
        self.seeds.iter().map(|(_, point)| point.abs()).fold(0.0, f64::max)
    }
}

/// One variance over seeds per replicate of a group.
pub(crate) type Moves = [f64; LANES];

/// The sums of all sides for a group of replicates, and each side's variances over seeds.
pub(crate) fn replicates_of(sides: &[Side<'_>], weights: &[RowWeights]) -> (Scores, Vec<Moves>) {
    let mut sums: Scores = std::array::from_fn(|_| Ok(0.0));
    let add = |side: &Side<'_>| {
        let (means, moves) = side.replicates(weights);
        for (sum, mean) in sums.iter_mut().zip(means) {
            match (sum.as_mut(), mean) {
                (Ok(sum), Ok(mean)) => *sum += mean,
                (Ok(_), Err(cause)) => *sum = Err(cause),
                (Err(_), _) => (),
            }
        }
        moves
    };
    let moves = sides.iter().map(add).collect();
    (sums, moves)
}

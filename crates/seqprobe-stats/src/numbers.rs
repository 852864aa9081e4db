//! Metrics of numbers: correlations, R², squared errors. One column per regression target.

use crate::metric::Columns;
use crate::probabilities::MeanLoss;
use crate::truth::{InputError, Truth, Undefined};
use crate::weighted::Weighted;

/// A spread below this share of the mean is rounding, not variation (SciPy's limit for its warning).
const CONSTANT: f64 = 1e-13;

/// The known values of one target with its predictions.
struct Pairs {
    rows: Vec<u32>,
    truth: Vec<f64>,
    predictions: Vec<f64>,
}

impl Pairs {
    /// Mean of the values of a resample, and how many there are.
    fn mean(&self, values: &[f64], weights: &[u32]) -> (f64, u64) {
        let (mut sum, mut total) = (0.0, 0_u64);
        for (&row, &value) in self.rows.iter().zip(values) {
            let weight = weights[row as usize];
            sum += f64::from(weight) * value;
            total += u64::from(weight);
        }
        (sum / total as f64, total)
    }

    fn count(&self, weights: &[u32]) -> Result<u64, Undefined> {
        match self.rows.iter().map(|&row| u64::from(weights[row as usize])).sum() {
            0 => Err(Undefined::NoValues),
            1 => Err(Undefined::TooFew),
            total => Ok(total),
        }
    }
}

/// A value moved and scaled so that sums of squares neither overflow nor cancel; the mean is kept for the test
/// of constancy.
struct Centred {
    values: Vec<f64>,
    centre: f64,
    scale: f64,
}

impl Centred {
    fn new(values: &[f64]) -> Self {
        let centre = values.iter().map(|value| value / values.len() as f64).sum::<f64>();
        let scale = values.iter().map(|value| (value - centre).abs()).fold(0.0, f64::max);
        let scale = if scale > 0.0 && scale.is_finite() { scale } else { 1.0 };
        Self { values: values.iter().map(|value| (value - centre) / scale).collect(), centre, scale }
    }

    /// Whether a mean sum of squares around a mean (both on the moved scale) is no variation.
    fn is_constant(&self, mean: f64, mean_square: f64) -> bool {
        let size = (self.centre / self.scale + mean).abs();
        mean_square.sqrt() <= CONSTANT * size.max(1.0)
    }
}

struct Pearson {
    rows: Vec<u32>,
    truth: Centred,
    predictions: Centred,
}

impl Weighted for Pearson {
    fn score(&self, weights: &[u32]) -> Result<f64, Undefined> {
        let (mut sums, mut total) = ((0.0, 0.0), 0_u64);
        let triples = || self.rows.iter().zip(&self.truth.values).zip(&self.predictions.values);
        for ((&row, &truth), &prediction) in triples() {
            let weight = weights[row as usize];
            sums.0 += f64::from(weight) * truth;
            sums.1 += f64::from(weight) * prediction;
            total += u64::from(weight);
        }
        match total {
            0 => return Err(Undefined::NoValues),
            1 => return Err(Undefined::TooFew),
            _ => (),
        }
        let total = total as f64;
        let means = (sums.0 / total, sums.1 / total);
        let (mut truth_square, mut prediction_square, mut product) = (0.0, 0.0, 0.0);
        for ((&row, &truth), &prediction) in triples() {
            let weight = f64::from(weights[row as usize]);
            let (truth, prediction) = (truth - means.0, prediction - means.1);
            truth_square += weight * truth * truth;
            prediction_square += weight * prediction * prediction;
            product += weight * truth * prediction;
        }
        if self.truth.is_constant(means.0, truth_square / total) {
            return Err(Undefined::ConstantTruth);
        }
        if self.predictions.is_constant(means.1, prediction_square / total) {
            return Err(Undefined::ConstantPrediction);
        }
        Ok((product / (truth_square * prediction_square).sqrt()).clamp(-1.0, 1.0))
    }
}

/// One variable sorted upwards: place among the known values · 2, plus 1 at the end of a run of equal values.
struct Order(Vec<u32>);

impl Order {
    fn new(values: &[f64]) -> Self {
        let mut places: Vec<u32> = (0..values.len() as u32).collect();
        places.sort_by(|&left, &right| values[left as usize].total_cmp(&values[right as usize]));
        let value = |index: usize| places.get(index).map(|&place| values[place as usize]);
        let entry = |(index, &place): (usize, &u32)| {
            let last = value(index + 1).is_none_or(|next| value(index).is_some_and(|own| next > own));
            place << 1 | u32::from(last)
        };
        Self(places.iter().enumerate().map(entry).collect())
    }

    /// Calls `run` with the places and the twofold centred mid-rank of each run of equal values that occurs in
    /// the resample: `2 · (mid-rank − mean rank)`, an exact integer.
    fn for_each_run(&self, weight: impl Fn(u32) -> u32, total: u64, mut run: impl FnMut(&[u32], i64)) {
        let (mut below, mut start) = (0_i64, 0);
        let mut tied = 0_i64;
        for (index, &entry) in self.0.iter().enumerate() {
            tied += i64::from(weight(entry >> 1));
            if entry & 1 == 1 {
                if tied > 0 {
                    run(&self.0[start..=index], 2 * below + tied - total as i64);
                }
                below += tied;
                (tied, start) = (0, index + 1);
            }
        }
    }
}

struct Spearman {
    rows: Vec<u32>,
    truth: Order,
    predictions: Order,
}

impl Weighted for Spearman {
    fn score(&self, weights: &[u32]) -> Result<f64, Undefined> {
        let total = match self.rows.iter().map(|&row| u64::from(weights[row as usize])).sum() {
            0 => return Err(Undefined::NoValues),
            1 => return Err(Undefined::TooFew),
            total => total,
        };
        let weight = |place: u32| weights[self.rows[place as usize] as usize];
        let mut truth_ranks = vec![0.0; self.rows.len()];
        let (mut truth_square, mut prediction_square, mut product) = (0.0, 0.0, 0.0);
        self.truth.for_each_run(weight, total, |run, rank| {
            let rank = rank as f64;
            for &entry in run {
                let place = entry >> 1;
                truth_ranks[place as usize] = rank;
                truth_square += f64::from(weight(place)) * rank * rank;
            }
        });
        self.predictions.for_each_run(weight, total, |run, rank| {
            let rank = rank as f64;
            for &entry in run {
                let place = entry >> 1;
                let weighted_rank = f64::from(weight(place)) * rank;
                prediction_square += weighted_rank * rank;
                product += weighted_rank * truth_ranks[place as usize];
            }
        });
        // A constant variable has the mean rank everywhere, and centred ranks are exact: its sum is exactly 0.
        if truth_square <= 0.0 {
            return Err(Undefined::ConstantTruth);
        }
        if prediction_square <= 0.0 {
            return Err(Undefined::ConstantPrediction);
        }
        Ok((product / (truth_square * prediction_square).sqrt()).clamp(-1.0, 1.0))
    }
}

struct RSquared(Pairs);

impl Weighted for RSquared {
    fn score(&self, weights: &[u32]) -> Result<f64, Undefined> {
        let pairs = &self.0;
        pairs.count(weights)?;
        let (mean, total) = pairs.mean(&pairs.truth, weights);
        let (mut residual, mut spread) = (0.0, 0.0);
        for ((&row, &truth), &prediction) in pairs.rows.iter().zip(&pairs.truth).zip(&pairs.predictions) {
            let weight = f64::from(weights[row as usize]);
            residual += weight * (truth - prediction).powi(2);
            spread += weight * (truth - mean).powi(2);
        }
        if (spread / total as f64).sqrt() <= CONSTANT * mean.abs() {
            return Err(Undefined::ConstantTruth);
        }
        Ok(1.0 - residual / spread)
    }
}

struct RootMean(MeanLoss);

impl Weighted for RootMean {
    fn score(&self, weights: &[u32]) -> Result<f64, Undefined> {
        self.0.score(weights).map(f64::sqrt)
    }
}

/// Prepares the linear correlation.
pub(crate) fn pearson(truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
    Ok(columns(truth, outputs, |pairs| {
        let (truth, predictions) = (Centred::new(&pairs.truth), Centred::new(&pairs.predictions));
        Box::new(Pearson { rows: pairs.rows, truth, predictions })
    }))
}

/// Prepares the rank correlation.
pub(crate) fn spearman(truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
    Ok(columns(truth, outputs, |pairs| {
        let (truth, predictions) = (Order::new(&pairs.truth), Order::new(&pairs.predictions));
        Box::new(Spearman { rows: pairs.rows, truth, predictions })
    }))
}

/// Prepares the coefficient of determination.
pub(crate) fn r_squared(truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
    Ok(columns(truth, outputs, |pairs| Box::new(RSquared(pairs))))
}

/// Prepares the root mean squared error.
pub(crate) fn root_mean_squared_error(truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
    Ok(columns(truth, outputs, |pairs| Box::new(RootMean(squared_errors(pairs)))))
}

/// Prepares the mean squared error.
pub(crate) fn mean_squared_error(truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
    Ok(columns(truth, outputs, |pairs| Box::new(squared_errors(pairs))))
}

fn squared_errors(pairs: Pairs) -> MeanLoss {
    let errors = pairs.truth.iter().zip(&pairs.predictions);
    let losses = errors.map(|(truth, prediction)| (truth - prediction).powi(2)).collect();
    MeanLoss { rows: pairs.rows, losses }
}

fn columns(truth: &Truth<'_>, outputs: &[f64], wrap: fn(Pairs) -> Box<dyn Weighted>) -> Columns {
    let Truth::Regression { values, n_targets } = truth else { return Vec::new() };
    let column = |target: usize| {
        let mut pairs = Pairs { rows: Vec::new(), truth: Vec::new(), predictions: Vec::new() };
        for (row, known) in values.chunks_exact(*n_targets).enumerate() {
            if let Some(value) = known[target] {
                pairs.rows.push(row as u32);
                pairs.truth.push(value);
                pairs.predictions.push(outputs[row * n_targets + target]);
            }
        }
        pairs
    };
    (0..*n_targets).map(|target| wrap(column(target))).collect()
}

//! Metrics of regression: correlations, R², squared errors. One column per target.

use crate::metrics::columns::Columns;
use crate::metrics::errors::{InputError, Undefined};
use crate::metrics::probabilities::MeanLoss;
use crate::metrics::truth::Truth;
use crate::metrics::weighted::{LANES, RowWeights, Scores, Weighted};

/// A standard deviation below this share of the mean is a rounding error (SciPy warns at the same limit).
const CONSTANT: f64 = 1e-13;

/// The known values of one target with its predictions.
struct Pairs {
    rows: Vec<u32>,
    truth: Vec<f64>,
    predictions: Vec<f64>,
}

/// One sum per replicate of a group.
type Sums = [f64; LANES];

/// Returns the number of examples in each replicate.
fn totals(rows: &[u32], weights: &[RowWeights]) -> [u32; LANES] {
    let mut totals = [0; LANES];
    for &row in rows {
        for (total, &weight) in totals.iter_mut().zip(&weights[row as usize]) {
            *total += u32::from(weight);
        }
    }
    totals
}

/// Returns the mean of the values in each replicate; NaN where a replicate is empty.
fn means(rows: &[u32], values: &[f64], weights: &[RowWeights], totals: &[u32; LANES]) -> Sums {
    let mut sums = [0.0; LANES];
    for (&row, &value) in rows.iter().zip(values) {
        for (sum, &weight) in sums.iter_mut().zip(&weights[row as usize]) {
            *sum += f64::from(weight) * value;
        }
    }
    std::array::from_fn(|lane| sums[lane] / f64::from(totals[lane]))
}

/// Returns the total as a number, or the reason why fewer than two examples have no score.
fn needs_two(total: u32) -> Result<f64, Undefined> {
    match total {
        0 => Err(Undefined::NoValues),
        1 => Err(Undefined::TooFew),
        total => Ok(f64::from(total)),
    }
}

/// Values, centred and scaled so that sums of squares neither overflow nor cancel. The mean is kept to recognise
/// constant values.
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

    /// Returns whether values with this mean and mean square around it (both on the new scale) are constant.
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
    fn scores(&self, weights: &[RowWeights]) -> Scores {
        let totals = totals(&self.rows, weights);
        let truth_means = means(&self.rows, &self.truth.values, weights, &totals);
        let prediction_means = means(&self.rows, &self.predictions.values, weights, &totals);
        let (mut truth_squares, mut prediction_squares, mut products) =
            ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        let examples = self.rows.iter().zip(&self.truth.values).zip(&self.predictions.values);
        for ((&row, &truth), &prediction) in examples {
            let weight = &weights[row as usize];
            for lane in 0..LANES {
                let weight = f64::from(weight[lane]);
                let (truth, prediction) = (truth - truth_means[lane], prediction - prediction_means[lane]);
                truth_squares[lane] += weight * truth * truth;
                prediction_squares[lane] += weight * prediction * prediction;
                products[lane] += weight * truth * prediction;
            }
        }
        std::array::from_fn(|lane| {
            let total = needs_two(totals[lane])?;
            let (truth_square, prediction_square) = (truth_squares[lane], prediction_squares[lane]);
            if self.truth.is_constant(truth_means[lane], truth_square / total) {
                return Err(Undefined::ConstantTruth);
            }
            if self.predictions.is_constant(prediction_means[lane], prediction_square / total) {
                return Err(Undefined::ConstantPrediction);
            }
            Ok((products[lane] / (truth_square * prediction_square).sqrt()).clamp(-1.0, 1.0))
        })
    }
}

/// The order of one variable, ascending. An entry is twice the index among the known values, plus 1 at the end of a
/// run of equal values.
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

    /// Calls `run` for each run of equal values, with its entries and twice its centred mid-rank in each replicate:
    /// `2 · (mid-rank − mean rank)`, an exact integer.
    fn for_each_run(
        &self,
        weight: impl Fn(u32) -> RowWeights,
        totals: &[u32; LANES],
        mut run: impl FnMut(&[u32], &Sums),
    ) {
        let mut below = [0.0; LANES];
        for places in self.0.split_inclusive(|entry| entry & 1 == 1) {
            let mut tied = [0.0; LANES];
            for &entry in places {
                for (sum, weight) in tied.iter_mut().zip(weight(entry >> 1)) {
                    *sum += f64::from(weight);
                }
            }
            let rank = std::array::from_fn(|lane| 2.0 * below[lane] + tied[lane] - f64::from(totals[lane]));
            run(places, &rank);
            for (sum, tied) in below.iter_mut().zip(tied) {
                *sum += tied;
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
    fn scores(&self, weights: &[RowWeights]) -> Scores {
        let totals = totals(&self.rows, weights);
        let weight = |place: u32| weights[self.rows[place as usize] as usize];
        let mut truth_ranks = vec![[0.0; LANES]; self.rows.len()];
        let (mut truth_squares, mut prediction_squares, mut products) =
            ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        self.truth.for_each_run(weight, &totals, |run, rank| {
            for &entry in run {
                let place = entry >> 1;
                let weight = weight(place);
                truth_ranks[place as usize] = *rank;
                for lane in 0..LANES {
                    truth_squares[lane] += f64::from(weight[lane]) * rank[lane] * rank[lane];
                }
            }
        });
        self.predictions.for_each_run(weight, &totals, |run, rank| {
            for &entry in run {
                let place = entry >> 1;
                let (weight, truth_rank) = (weight(place), &truth_ranks[place as usize]);
                for lane in 0..LANES {
                    let weighted_rank = f64::from(weight[lane]) * rank[lane];
                    prediction_squares[lane] += weighted_rank * rank[lane];
                    products[lane] += weighted_rank * truth_rank[lane];
                }
            }
        });
        std::array::from_fn(|lane| {
            needs_two(totals[lane])?;
            // All ranks of a constant variable are the mean rank. Centred ranks are exact, so the sum is exactly 0.
            if truth_squares[lane] <= 0.0 {
                return Err(Undefined::ConstantTruth);
            }
            if prediction_squares[lane] <= 0.0 {
                return Err(Undefined::ConstantPrediction);
            }
            Ok((products[lane] / (truth_squares[lane] * prediction_squares[lane]).sqrt()).clamp(-1.0, 1.0))
        })
    }
}

struct RSquared(Pairs);

impl Weighted for RSquared {
    fn scores(&self, weights: &[RowWeights]) -> Scores {
        let Pairs { rows, truth, predictions } = &self.0;
        let totals = totals(rows, weights);
        let means = means(rows, truth, weights, &totals);
        let (mut residuals, mut spreads) = ([0.0; LANES], [0.0; LANES]);
        for ((&row, &truth), &prediction) in rows.iter().zip(truth).zip(predictions) {
            let weight = &weights[row as usize];
            let residual = (truth - prediction).powi(2);
            for lane in 0..LANES {
                let weight = f64::from(weight[lane]);
                residuals[lane] += weight * residual;
                spreads[lane] += weight * (truth - means[lane]).powi(2);
            }
        }
        std::array::from_fn(|lane| {
            let total = needs_two(totals[lane])?;
            if (spreads[lane] / total).sqrt() <= CONSTANT * means[lane].abs() {
                return Err(Undefined::ConstantTruth);
            }
            Ok(1.0 - residuals[lane] / spreads[lane])
        })
    }
}

struct RootMean(MeanLoss);

impl Weighted for RootMean {
    fn scores(&self, weights: &[RowWeights]) -> Scores {
        self.0.scores(weights).map(|score| score.map(f64::sqrt))
    }
}

/// Prepares the linear correlation (Pearson).
pub(crate) fn pearson(truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
    Ok(columns(truth, outputs, |pairs| {
        let (truth, predictions) = (Centred::new(&pairs.truth), Centred::new(&pairs.predictions));
        Box::new(Pearson { rows: pairs.rows, truth, predictions })
    }))
}

/// Prepares the rank correlation (Spearman).
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

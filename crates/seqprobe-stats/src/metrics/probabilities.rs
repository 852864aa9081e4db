//! Metrics of probabilities: log loss and Brier score. Both are weighted means of one loss per example.

use crate::metrics::columns::Columns;
use crate::metrics::errors::{InputError, Undefined};
use crate::metrics::truth::Truth;
use crate::metrics::weighted::{LANES, RowWeights, Scores, Weighted};

/// Probabilities are clipped this far from 0 and 1 before the logarithm, as in scikit-learn for 64-bit numbers. The
/// largest loss of an example is therefore 36.04 nats.
const CLIP: f64 = f64::EPSILON;
/// Largest distance of a probability from the range 0 … 1 that is accepted as an error of 32-bit arithmetic. Such a
/// probability is clipped to 0 or 1.
const PROBABILITY_SLACK: f64 = 1e-6;
/// Largest accepted distance of the sum of class probabilities from 1.
const SUM_SLACK: f64 = 1e-4;

/// A weighted mean of losses. Squared errors use it too.
pub(crate) struct MeanLoss {
    pub(crate) rows: Vec<u32>,
    pub(crate) losses: Vec<f64>, // aligned with `rows`
}

impl Weighted for MeanLoss {
    fn scores(&self, weights: &[RowWeights]) -> Scores {
        let (mut sums, mut totals) = ([0.0; LANES], [0_u32; LANES]);
        for (&row, &loss) in self.rows.iter().zip(&self.losses) {
            let weight = &weights[row as usize];
            for lane in 0..LANES {
                sums[lane] += f64::from(weight[lane]) * loss;
                totals[lane] += u32::from(weight[lane]);
            }
        }
        std::array::from_fn(|lane| match totals[lane] {
            0 => Err(Undefined::NoValues),
            total => Ok(sums[lane] / f64::from(total)),
        })
    }
}

/// Prepares log loss in nats.
pub(crate) fn log_loss(truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
    columns(
        truth,
        outputs,
        |label, probability| {
            -(if label { probability } else { 1.0 - probability }).clamp(CLIP, 1.0 - CLIP).ln()
        },
        |label, probabilities| -probabilities[label].clamp(CLIP, 1.0 - CLIP).ln(),
    )
}

/// Prepares the Brier score: `(p − y)²`, summed over classes for several classes.
pub(crate) fn brier(truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
    let squared = |label: bool, probability: f64| (probability - f64::from(u8::from(label))).powi(2);
    columns(truth, outputs, squared, |label, probabilities| {
        probabilities.iter().enumerate().map(|(class, &p)| squared(class == label, p)).sum()
    })
}

fn columns(
    truth: &Truth<'_>,
    outputs: &[f64],
    binary_loss: impl Fn(bool, f64) -> f64,
    class_loss: impl Fn(usize, &[f64]) -> f64,
) -> Result<Columns, InputError> {
    let width = truth.n_outputs();
    let outputs = probabilities(outputs, width)?;
    let boxed = |known: Vec<(u32, f64)>| -> Box<dyn Weighted> {
        let (rows, losses) = known.into_iter().unzip();
        Box::new(MeanLoss { rows, losses })
    };
    Ok(match truth {
        Truth::Binary(labels) => {
            let losses = labels.iter().zip(&outputs).map(|(&label, &output)| binary_loss(label, output));
            vec![boxed((0..).zip(losses).collect())]
        }
        Truth::Classes { labels, .. } => {
            for (row, probabilities) in outputs.chunks_exact(width).enumerate() {
                let sum: f64 = probabilities.iter().sum();
                if (sum - 1.0).abs() > SUM_SLACK {
                    return Err(InputError::NotDistribution { row, sum });
                }
            }
            let rows = labels.iter().zip(outputs.chunks_exact(width));
            vec![boxed((0..).zip(rows.map(|(&label, row)| class_loss(label as usize, row))).collect())]
        }
        Truth::Multilabel { values, .. } => (0..width)
            .map(|target| {
                let known = values.chunks_exact(width).enumerate().filter_map(|(row, known)| {
                    let output = outputs[row * width + target];
                    known[target].map(|label| (row as u32, binary_loss(label, output)))
                });
                boxed(known.collect())
            })
            .collect(),
        Truth::Regression { .. } => Vec::new(),
    })
}

/// Returns the outputs as probabilities, without the rounding errors of 32-bit arithmetic.
fn probabilities(outputs: &[f64], width: usize) -> Result<Vec<f64>, InputError> {
    let allowed = -PROBABILITY_SLACK..=1.0 + PROBABILITY_SLACK;
    match outputs.iter().position(|output| !allowed.contains(output)) {
        Some(place) => Err(InputError::NotProbability {
            row: place / width,
            output: place % width,
            value: outputs[place],
        }),
        None => Ok(outputs.iter().map(|output| output.clamp(0.0, 1.0)).collect()),
    }
}

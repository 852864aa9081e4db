//! Metrics of a ranking: AUROC and average precision, one sorted pass over the examples.

use crate::metric::Columns;
use crate::truth::{InputError, Truth, Undefined};
use crate::weighted::Weighted;

/// The examples of one yes/no column in the order of their outputs.
///
/// An entry packs an example's row (upper 30 bits), whether it is the last of a run of equal outputs (bit 1)
/// and whether it is positive (bit 0).
struct Ranked {
    entries: Vec<u32>,
}

impl Ranked {
    /// Sorted upwards by output. `known`: row, whether positive, output.
    fn new(known: impl Iterator<Item = (usize, bool, f64)>) -> Self {
        let mut rows: Vec<(f64, u32)> =
            known.map(|(row, positive, output)| (output, (row as u32) << 2 | u32::from(positive))).collect();
        rows.sort_unstable_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
        let mut entries: Vec<u32> = rows.iter().map(|row| row.1).collect();
        for place in 0..rows.len() {
            // 0.0 and −0.0 are neighbours in the order and equal here.
            let last = rows.get(place + 1).is_none_or(|next| next.0 > rows[place].0);
            entries[place] |= u32::from(last) << 1;
        }
        Self { entries }
    }

    /// Positives and negatives of a weighted resample.
    fn totals(&self, weights: &[u32]) -> (u64, u64) {
        let (mut positives, mut all) = (0, 0);
        for &entry in &self.entries {
            let weight = u64::from(weights[(entry >> 2) as usize]);
            positives += weight * u64::from(entry & 1);
            all += weight;
        }
        (positives, all - positives)
    }
}

struct Auroc(Ranked);

impl Weighted for Auroc {
    /// Mann and Whitney's U over pairs, exact in integers: `Σ positives · (2 · negatives below + negatives tied)`.
    fn score(&self, weights: &[u32]) -> Result<f64, Undefined> {
        let (mut twice_wins, mut positives, mut negatives_below) = (0_u64, 0_u64, 0_u64);
        let (mut tied_positives, mut tied) = (0_u64, 0_u64);
        for &entry in &self.0.entries {
            let weight = u64::from(weights[(entry >> 2) as usize]);
            tied_positives += weight * u64::from(entry & 1);
            tied += weight;
            if entry & 2 != 0 {
                let tied_negatives = tied - tied_positives;
                twice_wins += tied_positives * (2 * negatives_below + tied_negatives);
                positives += tied_positives;
                negatives_below += tied_negatives;
                (tied_positives, tied) = (0, 0);
            }
        }
        if positives + negatives_below == 0 {
            return Err(Undefined::NoValues);
        }
        if positives == 0 || negatives_below == 0 {
            return Err(Undefined::OneClass);
        }
        Ok(twice_wins as f64 / (2.0 * positives as f64 * negatives_below as f64))
    }
}

struct AveragePrecision(Ranked);

impl Weighted for AveragePrecision {
    /// `Σ (recall step) · precision` over thresholds, from the largest output down.
    fn score(&self, weights: &[u32]) -> Result<f64, Undefined> {
        let (positives, negatives) = self.0.totals(weights);
        if positives + negatives == 0 {
            return Err(Undefined::NoValues);
        }
        if positives == 0 || negatives == 0 {
            return Err(Undefined::OneClass);
        }
        // Upwards, the counts at a threshold are the totals less what lies below it.
        let (mut positives_left, mut left) = (positives, positives + negatives);
        let (mut sum, mut tied_positives, mut tied) = (0.0, 0_u64, 0_u64);
        for &entry in &self.0.entries {
            let weight = u64::from(weights[(entry >> 2) as usize]);
            tied_positives += weight * u64::from(entry & 1);
            tied += weight;
            if entry & 2 != 0 {
                if tied_positives > 0 {
                    sum += tied_positives as f64 * positives_left as f64 / left as f64;
                }
                positives_left -= tied_positives;
                left -= tied;
                (tied_positives, tied) = (0, 0);
            }
        }
        Ok(sum / positives as f64)
    }
}

/// Prepares the area under the ROC curve.
pub(crate) fn auroc(truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
    Ok(columns(truth, outputs, |ranked| Box::new(Auroc(ranked))))
}

/// Prepares average precision.
pub(crate) fn average_precision(truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
    Ok(columns(truth, outputs, |ranked| Box::new(AveragePrecision(ranked))))
}

/// One ranking per yes/no column: the classes against the rest, or the targets where they are known.
fn columns(truth: &Truth<'_>, outputs: &[f64], wrap: fn(Ranked) -> Box<dyn Weighted>) -> Columns {
    let width = truth.n_outputs();
    let column = |target: usize| -> Ranked {
        let output = |row: usize| outputs[row * width + target];
        match truth {
            Truth::Binary(labels) => {
                Ranked::new(labels.iter().enumerate().map(|(row, &label)| (row, label, output(row))))
            }
            Truth::Classes { labels, .. } => Ranked::new(
                labels.iter().enumerate().map(|(row, &label)| (row, label as usize == target, output(row))),
            ),
            Truth::Multilabel { values, .. } => Ranked::new(
                values
                    .chunks_exact(width)
                    .enumerate()
                    .filter_map(|(row, known)| known[target].map(|label| (row, label, output(row)))),
            ),
            Truth::Regression { .. } => Ranked::new(std::iter::empty()),
        }
    };
    (0..width).map(|target| wrap(column(target))).collect()
}

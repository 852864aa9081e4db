//! Metrics of a ranking: AUROC and average precision. One pass over the sorted examples scores a group of replicates.

use crate::metrics::columns::Columns;
use crate::metrics::errors::{InputError, Undefined};
use crate::metrics::truth::Truth;
use crate::metrics::weighted::{LANES, RowWeights, Scores, Weighted};

/// Masks that keep only the weights of positives: for a negative and for a positive example.
static KEEP_POSITIVE: [[u16; LANES]; 2] = [[0; LANES], [u16::MAX; LANES]];
/// Number of examples whose pairs are counted in 16-bit numbers before the counts are added to 64-bit totals.
const BLOCK: usize = 128;
/// Largest total weight of a block whose pairs fit 16 bits: there are at most a quarter of its square.
const BLOCK_WEIGHT: u16 = 511;

/// The examples of one yes/no column in the order of their outputs, positives first among equals.
///
/// An entry packs the row of an example (upper 30 bits), whether it is the last of a run of equal outputs (bit 1), and
/// whether it is positive (bit 0).
struct Ranked {
    entries: Vec<u32>,
}

impl Ranked {
    /// Sorts examples by output, ascending. `known`: row, whether positive, output.
    fn new(known: impl Iterator<Item = (usize, bool, f64)>) -> Self {
        let mut rows: Vec<(f64, u32)> = known
            .map(|(row, positive, output)| {
                // 0.0 and −0.0 are equal here.
                let output = if output == 0.0 { 0.0 } else { output };
                (output, (row as u32) << 2 | u32::from(positive))
            })
            .collect();
        let negative_last = |entry: u32| (entry & 1 == 0, entry);
        rows.sort_unstable_by(|left, right| {
            left.0.total_cmp(&right.0).then(negative_last(left.1).cmp(&negative_last(right.1)))
        });
        let mut entries: Vec<u32> = rows.iter().map(|row| row.1).collect();
        for place in 0..rows.len() {
            let last = rows.get(place + 1).is_none_or(|next| next.0 > rows[place].0);
            entries[place] |= u32::from(last) << 1;
        }
        Self { entries }
    }

    /// Returns the runs of equal outputs.
    fn runs(&self) -> impl Iterator<Item = &[u32]> {
        self.entries.split_inclusive(|entry| entry & 2 != 0)
    }
}

fn row(entry: u32) -> usize {
    (entry >> 2) as usize
}

fn is_positive(entry: u32) -> bool {
    entry & 1 == 1
}

/// Checks that a replicate has examples of both classes.
fn needs_both_classes(positives: u64, negatives: u64) -> Result<(), Undefined> {
    match (positives, negatives) {
        (0, 0) => Err(Undefined::NoValues),
        (0, _) | (_, 0) => Err(Undefined::OneClass),
        _ => Ok(()),
    }
}

struct Auroc {
    ranked: Ranked,
    /// The runs of equal outputs that contain both classes, concatenated. The last entry of each run has bit 1 set.
    mixed_runs: Vec<u32>,
}

/// Counts of each replicate of a group.
#[derive(Clone)]
struct Pairs {
    /// Pairs of a positive and a negative that comes before it in the order.
    wins: [u64; LANES],
    /// Pairs with equal outputs.
    tied: [u64; LANES],
    positives: [u64; LANES],
    negatives: [u64; LANES],
}

impl Pairs {
    /// Adds a block of entries that follows all blocks added before, with 16-bit sums within the block.
    fn add_block(&mut self, block: &[u32], weights: &[RowWeights]) {
        let (mut wins, mut positives, mut negatives) = ([0_u16; LANES], [0_u16; LANES], [0_u16; LANES]);
        // Weights are fetched first, so that memory accesses overlap. Masks replace branches on the class, which the
        // processor could not predict.
        let mut fetched = [[0; LANES]; BLOCK];
        for (weight, &entry) in fetched.iter_mut().zip(block) {
            *weight = weights[row(entry)];
        }
        for (weight, &entry) in fetched.iter().zip(block) {
            let weight = weight.map(u16::from);
            let keep_positive = &KEEP_POSITIVE[usize::from(is_positive(entry))];
            for lane in 0..LANES {
                let positive = weight[lane] & keep_positive[lane];
                let negative = weight[lane] & !keep_positive[lane];
                wins[lane] = wins[lane].wrapping_add(positive.wrapping_mul(negatives[lane]));
                positives[lane] += positive;
                negatives[lane] += negative;
            }
        }
        if (0..LANES).any(|lane| positives[lane] + negatives[lane] > BLOCK_WEIGHT) {
            return self.add_heavy_block(block, weights);
        }
        for lane in 0..LANES {
            self.wins[lane] += u64::from(positives[lane]) * self.negatives[lane] + u64::from(wins[lane]);
            self.positives[lane] += u64::from(positives[lane]);
            self.negatives[lane] += u64::from(negatives[lane]);
        }
    }

    /// Adds a block whose pairs may not fit 16 bits.
    fn add_heavy_block(&mut self, block: &[u32], weights: &[RowWeights]) {
        for &entry in block {
            for (lane, &weight) in weights[row(entry)].iter().enumerate() {
                if is_positive(entry) {
                    self.wins[lane] += u64::from(weight) * self.negatives[lane];
                    self.positives[lane] += u64::from(weight);
                } else {
                    self.negatives[lane] += u64::from(weight);
                }
            }
        }
    }
}

impl Weighted for Auroc {
    /// Computes Mann and Whitney's U over the number of pairs, exact in integers:
    /// `(2 · wins + ties) / (2 · positives · negatives)`.
    fn scores(&self, weights: &[RowWeights]) -> Scores {
        let zero = [0; LANES];
        let mut pairs = Pairs { wins: zero, tied: zero, positives: zero, negatives: zero };
        for block in self.ranked.entries.chunks(BLOCK) {
            pairs.add_block(block, weights);
        }
        for run in self.mixed_runs.split_inclusive(|entry| entry & 2 != 0) {
            let mut tied = [[0_u64; LANES]; 2];
            for &entry in run {
                let side = &mut tied[usize::from(is_positive(entry))];
                for (sum, &weight) in side.iter_mut().zip(&weights[row(entry)]) {
                    *sum += u64::from(weight);
                }
            }
            for ((sum, negatives), positives) in pairs.tied.iter_mut().zip(&tied[0]).zip(&tied[1]) {
                *sum += negatives * positives;
            }
        }
        std::array::from_fn(|lane| {
            let (positives, negatives) = (pairs.positives[lane], pairs.negatives[lane]);
            needs_both_classes(positives, negatives)?;
            let twice_wins = 2 * pairs.wins[lane] + pairs.tied[lane];
            Ok(twice_wins as f64 / (2.0 * positives as f64 * negatives as f64))
        })
    }
}

struct AveragePrecision(Ranked);

impl Weighted for AveragePrecision {
    /// Computes `Σ (recall step) · precision` over thresholds, from the largest output down.
    fn scores(&self, weights: &[RowWeights]) -> Scores {
        let mut above = [[0_u32; LANES]; 2]; // negatives, positives at or above the threshold
        let mut sums = [0.0; LANES];
        let mut runs: Vec<&[u32]> = self.0.runs().collect();
        runs.reverse();
        for run in runs {
            let mut positives = [0_u32; LANES];
            for &entry in run {
                let weight = &weights[row(entry)];
                let keep_positive = 0_u32.wrapping_sub(u32::from(is_positive(entry)));
                for lane in 0..LANES {
                    let weight = u32::from(weight[lane]);
                    positives[lane] += weight & keep_positive;
                    above[0][lane] += weight & !keep_positive;
                }
            }
            if !run.first().is_some_and(|&entry| is_positive(entry)) {
                continue;
            }
            for lane in 0..LANES {
                above[1][lane] += positives[lane];
                let at_or_above = (above[0][lane] + above[1][lane]).max(1);
                let precision = f64::from(above[1][lane]) / f64::from(at_or_above);
                sums[lane] += f64::from(positives[lane]) * precision;
            }
        }
        std::array::from_fn(|lane| {
            needs_both_classes(u64::from(above[1][lane]), u64::from(above[0][lane]))?;
            Ok(sums[lane] / f64::from(above[1][lane]))
        })
    }
}

/// Prepares the area under the ROC curve.
pub(crate) fn auroc(truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
    Ok(columns(truth, outputs, |ranked| {
        let is_mixed = |run: &&[u32]| match (run.first(), run.last()) {
            (Some(&first), Some(&last)) => is_positive(first) && !is_positive(last),
            _ => false,
        };
        let mixed_runs = ranked.runs().filter(is_mixed).flatten().copied().collect();
        Box::new(Auroc { ranked, mixed_runs })
    }))
}

/// Prepares average precision.
pub(crate) fn average_precision(truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
    Ok(columns(truth, outputs, |ranked| Box::new(AveragePrecision(ranked))))
}

/// Returns one ranking per yes/no column: each class against the rest, or the known values of each target.
fn columns(truth: &Truth<'_>, outputs: &[f64], wrap: fn(Ranked) -> Box<dyn Weighted>) -> Columns {
    let width = truth.n_outputs();
    (0..width).map(|target| wrap(Ranked::new(yes_no_column(truth, outputs, target).into_iter()))).collect()
}

/// Returns the known rows of a yes/no column: row, whether positive, output. Empty for regression.
pub(crate) fn yes_no_column(truth: &Truth<'_>, outputs: &[f64], target: usize) -> Vec<(usize, bool, f64)> {
    let width = truth.n_outputs();
    let output = |row: usize| outputs[row * width + target];
    match truth {
        Truth::Binary(labels) => {
            labels.iter().enumerate().map(|(row, &label)| (row, label, output(row))).collect()
        }
        Truth::Classes { labels, .. } => {
            let labels = labels.iter().enumerate();
            labels.map(|(row, &label)| (row, label as usize == target, output(row))).collect()
        }
        Truth::Multilabel { values, .. } => values
            .chunks_exact(width)
            .enumerate()
            .filter_map(|(row, known)| known[target].map(|label| (row, label, output(row))))
            .collect(),
        Truth::Regression { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heavy_blocks_count_like_light_ones() {
        // A cluster drawn 200 times fills whole blocks, where 16-bit sums would overflow.
        let mixed: Vec<f64> = (0..300).map(|row| f64::from((row * 7919) % 101)).collect();
        let in_order: Vec<f64> = (0..300).map(f64::from).collect();
        for (outputs, one_in) in [(&mixed, 2), (&mixed, 3), (&in_order, 2)] {
            let labels: Vec<bool> = (0..300).map(|row| row % one_in != 0).collect();
            let auroc = &auroc(&Truth::Binary(&labels), outputs).expect("it applies")[0];
            let one = plain(auroc.as_ref(), 1);
            for weight in [3, 4, 200, 255] {
                assert!((plain(auroc.as_ref(), weight) - one).abs() < 1e-15, "{weight}");
            }
        }
    }

    fn plain(auroc: &dyn Weighted, weight: u8) -> f64 {
        let [score, ..] = auroc.scores(&vec![[weight; LANES]; 300]);
        score.expect("both classes occur")
    }
}

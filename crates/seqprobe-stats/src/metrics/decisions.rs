//! Metrics of decisions: MCC, accuracy and macro F1, all computed from a weighted confusion matrix.
//!
//! The decision is the class with the largest probability (the first of equals). A yes/no target is decided `true`
//! from a probability of 0.5. Thresholds are never tuned.

use crate::metrics::columns::Columns;
use crate::metrics::errors::{InputError, Undefined};
use crate::metrics::truth::Truth;
use crate::metrics::weighted::{LANES, RowWeights, Scores, Weighted};

/// The smallest probability at which a yes/no target is decided `true`.
const THRESHOLD: f64 = 0.5;

/// Counts of examples by true class and decided class.
struct Confusion {
    n_classes: usize,
    counts: Vec<u64>, // [true class, decided class]
}

impl Confusion {
    fn true_class(&self, class: usize) -> u64 {
        self.counts[class * self.n_classes..][..self.n_classes].iter().sum()
    }

    fn decided_class(&self, class: usize) -> u64 {
        self.counts.iter().skip(class).step_by(self.n_classes).sum()
    }

    fn right(&self, class: usize) -> u64 {
        self.counts[class * (self.n_classes + 1)]
    }

    fn classes(&self) -> std::ops::Range<usize> {
        0..self.n_classes
    }

    fn total(&self) -> Result<u64, Undefined> {
        match self.counts.iter().sum() {
            0 => Err(Undefined::NoValues),
            total => Ok(total),
        }
    }

    fn one_true_class_only(&self) -> bool {
        self.classes().filter(|&class| self.true_class(class) > 0).count() < 2
    }

    /// Returns F1 of a class; `None` where the class occurs in neither truth nor decisions.
    fn f1(&self, class: usize) -> Option<f64> {
        let occurrences = self.true_class(class) + self.decided_class(class);
        (occurrences > 0).then(|| 2.0 * self.right(class) as f64 / occurrences as f64)
    }
}

/// The decisions on one column, and the statistic of their confusion matrix.
struct Decisions {
    rows: Vec<u32>,
    cells: Vec<u32>, // true class · n_classes + decided class, aligned with `rows`
    n_classes: usize,
    statistic: Statistic,
}

type Statistic = fn(&Confusion) -> Result<f64, Undefined>;

impl Weighted for Decisions {
    fn scores(&self, weights: &[RowWeights]) -> Scores {
        let mut counts = vec![[0_u64; LANES]; self.n_classes * self.n_classes];
        for (&row, &cell) in self.rows.iter().zip(&self.cells) {
            for (count, &weight) in counts[cell as usize].iter_mut().zip(&weights[row as usize]) {
                *count += u64::from(weight);
            }
        }
        std::array::from_fn(|lane| {
            let counts = counts.iter().map(|count| count[lane]).collect();
            (self.statistic)(&Confusion { n_classes: self.n_classes, counts })
        })
    }
}

/// Computes Gorodkin's R_K (2004), which is Matthews's coefficient for two classes. Products of counts are exact
/// integers.
///
/// scikit-learn returns 0 where all decisions are the same. The formula gives 0/0 there, which is not a measured
/// absence of correlation. The score is therefore undefined here.
fn matthews_correlation(confusion: &Confusion) -> Result<f64, Undefined> {
    let total = i128::from(confusion.total()?);
    let (mut right, mut products, mut true_squares, mut decided_squares) = (0_i128, 0, 0, 0);
    for class in confusion.classes() {
        let in_truth = i128::from(confusion.true_class(class));
        let decided = i128::from(confusion.decided_class(class));
        right += i128::from(confusion.right(class));
        products += in_truth * decided;
        true_squares += in_truth * in_truth;
        decided_squares += decided * decided;
    }
    let true_variance = total * total - true_squares;
    let decided_variance = total * total - decided_squares;
    if true_variance == 0 {
        return Err(Undefined::OneClass);
    }
    if decided_variance == 0 {
        return Err(Undefined::ConstantPrediction);
    }
    let covariance = (right * total - products) as f64;
    let spreads = (true_variance as f64 * decided_variance as f64).sqrt();
    Ok((covariance / spreads).clamp(-1.0, 1.0))
}

fn share_right(confusion: &Confusion) -> Result<f64, Undefined> {
    let right: u64 = confusion.classes().map(|class| confusion.right(class)).sum();
    Ok(right as f64 / confusion.total()? as f64)
}

fn mean_f1(confusion: &Confusion) -> Result<f64, Undefined> {
    confusion.total()?;
    if confusion.one_true_class_only() {
        return Err(Undefined::OneClass);
    }
    let scores: Vec<f64> = confusion.classes().filter_map(|class| confusion.f1(class)).collect();
    Ok(scores.iter().sum::<f64>() / scores.len() as f64)
}

fn f1_of_true(confusion: &Confusion) -> Result<f64, Undefined> {
    confusion.total()?;
    if confusion.one_true_class_only() {
        return Err(Undefined::OneClass);
    }
    confusion.f1(1).ok_or(Undefined::OneClass)
}

/// Prepares Matthews's correlation.
pub(crate) fn matthews(truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
    Ok(columns(truth, outputs, matthews_correlation))
}

/// Prepares accuracy.
pub(crate) fn accuracy(truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
    Ok(columns(truth, outputs, share_right))
}

/// Prepares macro F1: over both or all classes, for multilabel tasks over the targets' `true`.
pub(crate) fn macro_f1(truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
    let statistic = if matches!(truth, Truth::Multilabel { .. }) { f1_of_true } else { mean_f1 };
    Ok(columns(truth, outputs, statistic))
}

fn columns(truth: &Truth<'_>, outputs: &[f64], statistic: Statistic) -> Columns {
    let decide = |output: f64| u32::from(output >= THRESHOLD);
    let boxed = |known: Vec<(u32, u32)>, n_classes: usize| -> Box<dyn Weighted> {
        let (rows, cells) = known.into_iter().unzip();
        Box::new(Decisions { rows, cells, n_classes, statistic })
    };
    match truth {
        Truth::Binary(labels) => {
            let cell = |row: usize| 2 * u32::from(labels[row]) + decide(outputs[row]);
            vec![boxed((0..labels.len()).map(|row| (row as u32, cell(row))).collect(), 2)]
        }
        Truth::Classes { labels, n_classes } => {
            let rows = labels.iter().zip(outputs.chunks_exact(*n_classes)).enumerate();
            let cell = |label: u32, row: &[f64]| label * *n_classes as u32 + largest(row);
            let known = rows.map(|(row, (&label, outputs))| (row as u32, cell(label, outputs)));
            vec![boxed(known.collect(), *n_classes)]
        }
        Truth::Multilabel { values, n_targets } => (0..*n_targets)
            .map(|target| {
                let known = values.chunks_exact(*n_targets).enumerate().filter_map(|(row, known)| {
                    let output = outputs[row * n_targets + target];
                    known[target].map(|label| (row as u32, 2 * u32::from(label) + decide(output)))
                });
                boxed(known.collect(), 2)
            })
            .collect(),
        Truth::Regression { .. } => Vec::new(),
    }
}

/// Returns the index of the largest output, the first of equals.
fn largest(outputs: &[f64]) -> u32 {
    let mut best = 0;
    for (place, output) in outputs.iter().enumerate() {
        if *output > outputs[best] {
            best = place;
        }
    }
    best as u32
}

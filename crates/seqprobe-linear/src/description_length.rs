//! Minimum description length of the training labels under a probe, by online coding: a fit on the rows sent so far
//! codes the next block. The caller reports and repeats over orders.
//!
//! After Voita and Titov (2020), "Information-theoretic probing with minimum description length".

use ndarray::{Array2, Axis};
use rand::seq::SliceRandom;
use seqprobe_core::{LabelledView, Probe, ProbeError, Seed, Targets, Task, TaskKind};

/// Ends of the blocks, in percent of the rows: each fit sees about twice as many rows as the one before.
const CUTS: [f64; 11] = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.25, 12.5, 25.0, 50.0, 100.0];

/// Bits needed to send the training labels to a receiver who has the features.
#[derive(Clone, Debug, PartialEq)]
pub struct DescriptionLength {
    /// In the order of coding.
    pub blocks: Vec<CodedBlock>,
    /// Sum of the blocks.
    pub total_bits: f64,
    /// Bits if every class is equally likely: log2(classes) per label.
    pub uniform_bits: f64,
}

/// One block of rows, coded after a fit on all rows before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CodedBlock {
    /// Rows sent before this block, on which its probe was fitted.
    pub n_seen: usize,
    /// Rows in this block.
    pub n_coded: usize,
    /// Bits of their known labels.
    pub bits: f64,
}

impl DescriptionLength {
    /// Returns how many times shorter the code is than the uniform code; `None` if there is nothing to code.
    pub fn compression(&self) -> Option<f64> {
        (self.total_bits > 0.0).then(|| self.uniform_bits / self.total_bits)
    }
}

/// Codes the labels of `train` block by block.
///
/// The order of the rows is drawn from `seed`. If there are groups, the groups are ordered and their rows stay
/// together; a block ends after the group that its end would split. Blocks end at 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.25,
/// 12.5, 25, 50 and 100% of the rows. The first block is coded uniformly, each further one by `probe` fitted on all
/// rows before it. Labels are coded uniformly as long as only one class has been seen. The penalty of each fit is
/// chosen on all of `valid`, as in any other fit: the receiver is assumed to have the validation labels.
///
/// A label costs −log2((n·p + 1) / (n + classes)) bits, where n is the number of rows seen (with a known value of this
/// label) and p the predicted probability: a class that was not seen yet has a finite cost. Labels of a multilabel task
/// are coded one by one; missing ones are not coded.
///
/// # Errors
/// [`ProbeError::NotApplicable`] for regression, and the errors of [`Probe::fit`] and of prediction.
pub fn description_length(
    probe: &dyn Probe,
    task: &Task,
    train: LabelledView<'_>,
    valid: LabelledView<'_>,
    seed: Seed,
) -> Result<DescriptionLength, ProbeError> {
    if task.kind == TaskKind::Regression {
        return Err(ProbeError::NotApplicable(
            "a description length needs classes, this task is a regression".to_owned(),
        ));
    }
    let n_rows = train.features.n_rows();
    if n_rows != train.targets.n_examples() {
        let (rows, targets) = (n_rows, train.targets.n_examples());
        return Err(ProbeError::Solver(format!("{rows} rows of features but {targets} rows of targets")));
    }
    let (order, ends) = order_and_ends(n_rows, train.groups, seed);
    let mut blocks = Vec::with_capacity(ends.len());
    let mut first = 0;
    for (number, &end) in ends.iter().enumerate() {
        let (seen, coded) = (&order[..first], &order[first..end]);
        let fit_seed = seed.derive(&format!("description length fit {number}"));
        let bits = match train.targets {
            Targets::Classes { .. } => code_classes(probe, task, &train, &valid, seen, coded, fit_seed)?,
            Targets::Values { values } => {
                code_labels(probe, task, values, &train, &valid, seen, coded, fit_seed)?
            }
        };
        blocks.push(CodedBlock { n_seen: first, n_coded: coded.len(), bits });
        first = end;
    }
    let uniform_bits = match train.targets {
        Targets::Classes { n_classes, .. } => n_rows as f64 * (*n_classes as f64).log2(),
        Targets::Values { values } => values.iter().flatten().count() as f64,
    };
    Ok(DescriptionLength { total_bits: blocks.iter().map(|block| block.bits).sum(), blocks, uniform_bits })
}

/// Returns the rows in the order of sending, and where each block ends.
fn order_and_ends(n_rows: usize, groups: Option<&[u32]>, seed: Seed) -> (Vec<usize>, Vec<usize>) {
    let mut rng = seed.derive("description length order").rng();
    let mut rows: Vec<usize> = (0..n_rows).collect();
    rows.shuffle(&mut rng);
    if let Some(groups) = groups {
        // A group takes the place of the first of its shuffled rows.
        let mut place = std::collections::HashMap::new();
        for &row in &rows {
            let next = place.len();
            place.entry(groups[row]).or_insert(next);
        }
        rows.sort_by_key(|&row| place[&groups[row]]);
    }
    let splits_a_group =
        |end: usize| groups.is_some_and(|groups| end < n_rows && groups[rows[end - 1]] == groups[rows[end]]);
    let mut ends: Vec<usize> = CUTS
        .iter()
        .map(|percent| {
            let mut end = ((n_rows as f64 * percent / 100.0).ceil() as usize).min(n_rows);
            while end > 0 && splits_a_group(end) {
                end += 1;
            }
            end
        })
        .filter(|&end| end > 0)
        .collect();
    ends.dedup();
    (rows, ends)
}

/// Returns the bits of a label with probability `p` after `n_seen` rows.
fn bits(p: f64, n_seen: usize, n_classes: usize) -> f64 {
    -((n_seen as f64 * p + 1.0) / (n_seen + n_classes) as f64).log2()
}

fn code_classes(
    probe: &dyn Probe,
    task: &Task,
    train: &LabelledView<'_>,
    valid: &LabelledView<'_>,
    seen: &[usize],
    coded: &[usize],
    seed: Seed,
) -> Result<f64, ProbeError> {
    let Targets::Classes { labels, n_classes } = train.targets else { return Ok(0.0) };
    let one_class = seen.iter().all(|&row| labels[row] == labels[seen[0]]);
    if one_class {
        return Ok(coded.len() as f64 * (*n_classes as f64).log2());
    }
    let targets = train.targets.select(seen);
    let predictions = fit_and_predict(probe, task, train, &targets, valid, seen, coded, seed)?;
    let cost = predictions.rows().into_iter().zip(coded).map(|(row, &at)| {
        let label = labels[at] as usize;
        let p = match row.len() {
            1 if label == 1 => row[0],
            1 => 1.0 - row[0],
            _ => row[label],
        };
        bits(p, seen.len(), *n_classes)
    });
    Ok(cost.sum())
}

#[expect(clippy::too_many_arguments, reason = "one block of one coding, called from one place")]
fn code_labels(
    probe: &dyn Probe,
    task: &Task,
    values: &Array2<Option<f64>>,
    train: &LabelledView<'_>,
    valid: &LabelledView<'_>,
    seen: &[usize],
    coded: &[usize],
    seed: Seed,
) -> Result<f64, ProbeError> {
    let Targets::Values { values: valid_values } = valid.targets else {
        return Err(ProbeError::NotApplicable("train and valid have targets of two kinds".to_owned()));
    };
    let is_known = |target: usize| move |row: &&usize| values[(**row, target)].is_some();
    let has_both = |&target: &usize| {
        let mut known = seen.iter().filter_map(|&row| values[(row, target)]).map(|value| value > 0.5);
        known.next().is_some_and(|first| known.any(|other| other != first))
    };
    let fitted: Vec<usize> = (0..values.ncols()).filter(has_both).collect();
    let uniform = (0..values.ncols()).filter(|target| !fitted.contains(target));
    let mut total: f64 = uniform.map(|target| coded.iter().filter(is_known(target)).count() as f64).sum();
    if fitted.is_empty() {
        return Ok(total);
    }
    let own_task = Task {
        targets: fitted.iter().filter_map(|&target| task.targets.get(target).cloned()).collect(),
        ..task.clone()
    };
    let own_values = values.select(Axis(1), &fitted);
    let own_valid = Targets::Values { values: valid_values.select(Axis(1), &fitted) };
    let valid = LabelledView { targets: &own_valid, ..*valid };
    let targets = Targets::Values { values: own_values.select(Axis(0), seen) };
    let predictions = fit_and_predict(probe, &own_task, train, &targets, &valid, seen, coded, seed)?;
    for (column, &target) in fitted.iter().enumerate() {
        let n_known = seen.iter().filter(is_known(target)).count();
        for (predicted, &row) in predictions.column(column).iter().zip(coded) {
            if let Some(value) = values[(row, target)] {
                let p = if value > 0.5 { *predicted } else { 1.0 - predicted };
                total += bits(p, n_known, 2);
            }
        }
    }
    Ok(total)
}

#[expect(clippy::too_many_arguments, reason = "one fit of one coding, called from two places")]
fn fit_and_predict(
    probe: &dyn Probe,
    task: &Task,
    train: &LabelledView<'_>,
    seen_targets: &Targets,
    valid: &LabelledView<'_>,
    seen: &[usize],
    coded: &[usize],
    seed: Seed,
) -> Result<Array2<f64>, ProbeError> {
    let (mut seen_rows, mut coded_rows) = (Vec::new(), Vec::new());
    let groups: Option<Vec<u32>> = train.groups.map(|groups| seen.iter().map(|&row| groups[row]).collect());
    let view = LabelledView {
        features: train.features.subset(seen, &mut seen_rows),
        targets: seen_targets,
        groups: groups.as_deref(),
    };
    let fit = probe.fit(task, view, *valid, seed)?;
    fit.fitted.predict(&train.features.subset(coded, &mut coded_rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_all_rows_once_and_split_no_group() {
        for n_rows in [0, 1, 2, 9, 1_000, 4_321] {
            let (mut order, ends) = order_and_ends(n_rows, None, Seed(1));
            assert_eq!(ends.last().copied().unwrap_or(0), n_rows);
            assert!(ends.windows(2).all(|pair| pair[0] < pair[1]), "{ends:?}");
            order.sort_unstable();
            assert_eq!(order, (0..n_rows).collect::<Vec<_>>());
        }
        assert_eq!(order_and_ends(1_000, None, Seed(1)).1, [1, 2, 4, 8, 16, 32, 63, 125, 250, 500, 1_000]);
        let groups: Vec<u32> = (0..1_000).map(|row| row % 37).collect();
        let (order, ends) = order_and_ends(1_000, Some(&groups), Seed(1));
        for &end in &ends[..ends.len() - 1] {
            let before: std::collections::HashSet<u32> =
                order[..end].iter().map(|&row| groups[row]).collect();
            assert!(order[end..].iter().all(|&row| !before.contains(&groups[row])), "cut at {end}");
        }
        assert!(ends.len() > 4);
    }

    #[test]
    fn the_code_of_each_row_sums_to_one() {
        let probabilities = [0.0, 0.25, 0.75];
        let sum: f64 = probabilities.iter().map(|&p| (-bits(p, 10, 3)).exp2()).sum();
        approx::assert_abs_diff_eq!(sum, 1.0, epsilon = 1e-12);
    }
}

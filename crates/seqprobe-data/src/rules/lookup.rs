//! Rules that find partners of a row among known rows, and copy their label or value or flip it.

use super::outcome::{Fallback, NotApplicable, Outputs, Pairs, RulePredictions};
use rayon::prelude::*;
use seqprobe_core::{Dataset, Split, Targets, TaskKind};

/// Maximum number of training rows whose partners are looked up to learn whether to copy or to flip.
const MAX_LEARNT: usize = 20_000;
/// Fewest pairs in train from which a rule may learn to flip.
const MIN_PAIRS: usize = 10;

/// Finds the partners of many rows among known rows; a row is never its own partner.
pub(super) trait FindPartners: Sync {
    /// Partners of each query row, as row numbers of the dataset.
    fn partners(&self, known: &[usize], queries: &[usize]) -> Vec<Vec<usize>>;
}

/// What to do with the label of partners.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Copy,
    Flip,
    /// Copy or flip: whichever is right more often in train.
    Learn,
}

/// Fits a rule that looks rows up.
pub(super) fn fit(
    dataset: &Dataset,
    finder: &impl FindPartners,
    how: Use,
    fallback: &Fallback,
) -> Result<RulePredictions, NotApplicable> {
    let outputs = Outputs::new(dataset);
    let is_binary = dataset.task.kind == TaskKind::Binary;
    let train = &dataset.splits.train;
    let step = train.len().div_ceil(MAX_LEARNT).max(1);
    let sample: Vec<usize> = train.iter().copied().step_by(step).collect();
    let partners = finder.partners(train, &sample);
    let n_paired = partners.iter().filter(|rows| !rows.is_empty()).count();
    let learnt = compare(dataset, &sample, &partners);
    let flips = match how {
        Use::Copy => false,
        Use::Flip => true,
        Use::Learn => is_binary && learnt.compared >= MIN_PAIRS && 2 * learnt.disagreeing > learnt.compared,
    };
    if flips && !is_binary {
        return Err("only a binary task has an opposite label".to_owned().into());
    }
    let predict = |split: Split, known: &[usize]| {
        let rows = dataset.splits.rows(split);
        let partners = finder.partners(known, rows);
        let mut predictions = fallback.of(split);
        for (mut place, partners) in predictions.rows_mut().into_iter().zip(&partners) {
            if partners.is_empty() {
                continue;
            }
            for (place, value) in place.iter_mut().zip(outputs.mean(partners, 0.0)) {
                *place = if flips { 1.0 - value } else { value };
            }
        }
        let covered = partners.iter().filter(|rows| !rows.is_empty()).count();
        (predictions, covered, compare(dataset, rows, &partners))
    };
    let (valid, valid_covered, _) = predict(Split::Valid, train);
    let known = [train.as_slice(), &dataset.splits.valid].concat();
    let (test, test_covered, pairs) = predict(Split::Test, &known);
    let does = if flips { "flips" } else { "copies" };
    let found = match &dataset.targets {
        Targets::Classes { .. } => format!(
            "{does}; in train {n_paired} of {} rows have a partner, {} of {} compared have another label",
            sample.len(),
            learnt.disagreeing,
            learnt.compared
        ),
        Targets::Values { .. } => {
            format!("{does}; in train {n_paired} of {} rows have a partner", sample.len())
        }
    };
    let has_pairs = matches!(dataset.targets, Targets::Classes { .. });
    Ok(RulePredictions { valid, test, valid_covered, test_covered, pairs: has_pairs.then_some(pairs), found })
}

/// Compares the label of rows with that of most of their partners.
fn compare(dataset: &Dataset, rows: &[usize], partners: &[Vec<usize>]) -> Pairs {
    let Targets::Classes { labels, n_classes } = &dataset.targets else { return Pairs::default() };
    let agrees = |(&row, partners): (&usize, &Vec<usize>)| {
        let mut counts = vec![0_usize; *n_classes];
        partners.iter().for_each(|&partner| counts[labels[partner] as usize] += 1);
        let most = counts.iter().copied().max().filter(|&most| most > 0)?;
        let mut winners = (0..*n_classes).filter(|&class| counts[class] == most);
        let winner = winners.next()?;
        winners.next().is_none().then_some(winner == labels[row] as usize)
    };
    let agreeing: Vec<bool> = rows.par_iter().zip(partners).filter_map(agrees).collect();
    Pairs { compared: agreeing.len(), disagreeing: agreeing.iter().filter(|&&agrees| !agrees).count() }
}

//! A Markov chain of order 3 for each class, and Bayes' rule.

use super::outcome::{NotApplicable, Outputs, RulePredictions, for_every_row};
use seqprobe_core::sequence::base_code;
use seqprobe_core::{Dataset, DnaSequence, Targets, TaskKind};

/// Bases before the one that is predicted.
const ORDER: usize = 3;
const CONTEXTS: usize = 1 << (2 * ORDER);

pub(super) fn fit(dataset: &Dataset) -> Result<RulePredictions, NotApplicable> {
    let Targets::Classes { labels, n_classes } = &dataset.targets else {
        return Err("a Markov chain per class needs classes".to_owned().into());
    };
    let outputs = Outputs::new(dataset);
    let is_binary = dataset.task.kind == TaskKind::Binary;
    let prior = match outputs.prior() {
        [positive] if is_binary => vec![1.0 - positive, *positive],
        shares => shares.to_vec(),
    };
    // One pseudo-count for each base after each context.
    let mut counts = vec![[[1.0_f64; 4]; CONTEXTS]; *n_classes];
    for &row in &dataset.splits.train {
        let counts = &mut counts[labels[row] as usize];
        visit(&dataset.sequences[row], |context, base| counts[context][base] += 1.0);
    }
    for context in counts.iter_mut().flatten() {
        let total: f64 = context.iter().sum();
        context.iter_mut().for_each(|count| *count = (*count / total).ln());
    }
    let predict = |row: usize| {
        let mut logs: Vec<f64> = prior.iter().map(|share| share.max(1e-12).ln()).collect();
        visit(&dataset.sequences[row], |context, base| {
            for (log, class) in logs.iter_mut().zip(&counts) {
                *log += class[context][base];
            }
        });
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shares: Vec<f64> = logs.iter().map(|log| (log - most).exp()).collect();
        let total: f64 = shares.iter().sum();
        let shares: Vec<f64> = shares.into_iter().map(|share| share / total).collect();
        if is_binary { vec![shares[1]] } else { shares }
    };
    Ok(for_every_row(dataset, format!("order {ORDER}, {n_classes} chains"), predict))
}

/// Calls `visit(context, base)` for each base that follows three known ones.
fn visit(sequence: &DnaSequence, mut visit: impl FnMut(usize, usize)) {
    let (mut context, mut defined) = (0_usize, 0);
    for &base in sequence.as_bytes() {
        let code = usize::from(base_code(base));
        if code > 3 {
            defined = 0;
            continue;
        }
        if defined >= ORDER {
            visit(context, code);
        }
        context = ((context << 2) | code) & (CONTEXTS - 1);
        defined += 1;
    }
}

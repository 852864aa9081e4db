//! The training loop: shuffled mini-batches, early stopping, and the network of the best epoch.

use crate::fitted::FittedNetwork;
use crate::network::Network;
use crate::objective::Objective;
use crate::optimiser::Optimiser;
use crate::parameters::Parameters;
use crate::rows::{Rows, Standardisation};
use crate::schedule::LearningRate;
use crate::settings::{ClassWeight, TrainingSettings};
use crate::torch;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use seqprobe_core::{FitReport, LabelledView, ProbeError, ProbeFit, Seed, Task};

/// Batches within which rows are sorted by length, so that little is padded.
const SORTED_BATCHES: usize = 16;

/// Fits a network; `build` makes it from the features' width and the number of outputs.
pub(crate) fn fit(
    build: impl FnOnce(usize, usize) -> Network,
    settings: &TrainingSettings,
    memory_budget_bytes: usize,
    task: &Task,
    (train, valid): (LabelledView<'_>, LabelledView<'_>),
    seed: Seed,
) -> Result<ProbeFit, ProbeError> {
    check_rows("train", &train)?;
    check_rows("valid", &valid)?;
    let mut report = FitReport::default();
    let objective = Objective::new(task, settings.loss, train.targets, valid.targets, &mut report.warnings)?;
    let mut train_targets = objective.prepare(train.targets)?;
    let mut valid_targets = objective.prepare(valid.targets)?;
    if let Some(ClassWeight::Balanced) = settings.class_weight {
        let weights = objective.balanced(&train_targets)?;
        train_targets.weigh(&weights);
        valid_targets.weigh(&weights);
    }
    let standardisation = Standardisation::fit(&train.features)?;
    let train_rows = Rows::new(&train.features, &standardisation, memory_budget_bytes)?;
    let left = memory_budget_bytes.saturating_sub(train_rows.held_bytes());
    let valid_rows = Rows::new(&valid.features, &standardisation, left)?;

    let network = build(standardisation.dim(), objective.outputs());
    let mut parameters = Parameters::draw(network.specifications(), seed.derive("weights")).map_err(torch)?;
    let mut optimiser = Optimiser::new(&parameters, settings);
    let mut order_rng = seed.derive("order").rng();
    let mut mask_rng = seed.derive("dropout").rng();
    let batch_count = n_batches(train_rows.n_rows(), settings.batch_size);
    let mut rate = LearningRate::new(settings, batch_count);
    let (mut best_loss, mut best_epoch, mut best) = (f64::INFINITY, 0, parameters.snapshot().map_err(torch)?);
    let (mut step, mut epochs) = (0_usize, 0);

    for epoch in 1..=settings.max_epochs.max(1) {
        epochs = epoch;
        let batches = shuffled_batches(train_rows.lengths(), settings.batch_size, &mut order_rng);
        for rows in &batches {
            step += 1;
            let batch = train_rows.batch(rows)?;
            let (loss, gradient) = network.gradient(&parameters, &batch, &mut mask_rng, |output| {
                objective.loss(output, &train_targets, rows)
            })?;
            finite(loss, "training", epoch)?;
            optimiser.step(&parameters, &gradient, rate.at(step)).map_err(torch)?;
        }
        let loss = objective.selection_loss(&network.outputs(&parameters, &valid_rows)?, &valid_targets);
        finite(loss, "validation", epoch)?;
        let is_better = loss < best_loss;
        let is_early = step < settings.least_steps.min(settings.max_steps);
        if is_better {
            (best_loss, best_epoch) = (loss, epoch);
            best = parameters.snapshot().map_err(torch)?;
        } else if !is_early && epoch - best_epoch >= settings.patience.max(1) {
            break;
        }
        rate.after_epoch(epoch, is_better || is_early);
        if step >= settings.max_steps {
            break;
        }
    }
    parameters.restore(&best).map_err(torch)?;

    let outputs = network.outputs(&parameters, &valid_rows)?;
    report.validation_loss = Some(objective.reported_loss(&outputs, &valid_targets));
    report.reduction_parameters = network.reduction_parameters();
    report.n_parameters = parameters.n_trained() - report.reduction_parameters;
    report.iterations = epochs as u64;
    report.chosen.insert("epoch".to_owned(), best_epoch.to_string());
    if best_epoch == epochs && (epochs == settings.max_epochs.max(1) || step >= settings.max_steps) {
        report.warnings.push(format!("the validation loss still fell in the last of {epochs} epochs"));
    }
    drop((train_rows, valid_rows));
    let fitted = FittedNetwork::new(network, parameters, standardisation, objective)?;
    Ok(ProbeFit { fitted: Box::new(fitted), report })
}

fn check_rows(split: &str, view: &LabelledView<'_>) -> Result<(), ProbeError> {
    let (rows, examples) = (view.features.n_rows(), view.targets.n_examples());
    if rows != examples {
        return Err(ProbeError::NotApplicable(format!(
            "the {split} split has {rows} rows of features and {examples} of targets"
        )));
    }
    Ok(())
}

fn finite(loss: f64, which: &str, epoch: usize) -> Result<(), ProbeError> {
    if loss.is_finite() {
        return Ok(());
    }
    Err(ProbeError::NotFinite(format!(
        "the {which} loss is {loss} in epoch {epoch}\n  hint: try a smaller learning_rate"
    )))
}

/// All rows in random order, in batches whose sizes differ by at most one. Rows of different length are
/// sorted within every [`SORTED_BATCHES`] batches, which are then shuffled among all.
fn shuffled_batches(lengths: &[usize], batch_size: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.shuffle(rng);
    let even = lengths.windows(2).all(|pair| pair[0] == pair[1]);
    if !even {
        for window in order.chunks_mut(SORTED_BATCHES * batch_size.max(1)) {
            window.sort_by_key(|&row| lengths[row]);
        }
    }
    let n_batches = n_batches(lengths.len(), batch_size);
    let edge = |batch: usize| batch * order.len() / n_batches;
    let mut batches: Vec<Vec<usize>> =
        (0..n_batches).map(|batch| order[edge(batch)..edge(batch + 1)].to_vec()).collect();
    if !even {
        batches.shuffle(rng);
    }
    batches
}

fn n_batches(rows: usize, batch_size: usize) -> usize {
    (rows as f64 / batch_size.max(1) as f64).round().max(1.0) as usize
}

//! The training loop: shuffled mini-batches, early stopping, and the parameters of the best epoch.

pub(crate) mod adam;
pub(crate) mod fitted_network;
mod optimiser;
mod order;
mod outputs;
mod prepared_targets;
mod read_finite;
mod rows;
pub(crate) mod schedule;
mod standardisation;
mod target_checks;
mod target_preparation;
mod task_loss;

use crate::error::torch;
use crate::networks::ProbeNetwork;
use crate::networks::parameters::NetworkParameters;
use crate::settings::TrainingSettings;
use crate::training::fitted_network::FittedNetwork;
use crate::training::optimiser::FlatOptimiser;
use crate::training::order::{STREAMING_BYTES, n_batches};
use crate::training::outputs::network_outputs;
use crate::training::rows::Rows;
use crate::training::schedule::LearningRate;
use crate::training::standardisation::Standardisation;
use crate::training::target_preparation::{balanced_weights, prepare};
use crate::training::task_loss::TaskLoss;
use seqprobe_core::{ClassWeight, FitReport, LabelledView, ProbeError, ProbeFit, Seed, Task};

/// Fits a network, which `build` returns for a width of features and a number of outputs.
pub(crate) fn fit(
    build: impl FnOnce(usize, usize) -> ProbeNetwork,
    settings: &TrainingSettings,
    memory_budget_bytes: usize,
    task: &Task,
    (train, valid): (LabelledView<'_>, LabelledView<'_>),
    seed: Seed,
) -> Result<ProbeFit, ProbeError> {
    check_rows("train", &train)?;
    check_rows("valid", &valid)?;
    let mut report = FitReport::default();
    let objective = TaskLoss::new(task, settings.loss, train.targets, valid.targets, &mut report.warnings)?;
    let mut train_targets = prepare(&objective, train.targets)?;
    let mut valid_targets = prepare(&objective, valid.targets)?;
    if let Some(ClassWeight::Balanced) = settings.class_weight {
        let weights = balanced_weights(&objective, &train_targets)?;
        train_targets.weigh(&weights);
        valid_targets.weigh(&weights);
    }
    let standardisation = Standardisation::fit(&train.features)?;
    let stream = memory_budget_bytes >= STREAMING_BYTES;
    let train_rows = Rows::new(&train.features, &standardisation, memory_budget_bytes, stream)?;
    let left = memory_budget_bytes.saturating_sub(train_rows.held_bytes());
    let valid_rows = Rows::new(&valid.features, &standardisation, left, stream)?;

    let network = build(standardisation.dim(), objective.outputs());
    let mut parameters =
        NetworkParameters::draw(network.specifications(), seed.derive("weights")).map_err(torch)?;
    let mut optimiser = FlatOptimiser::new(&parameters, settings);
    let mut order_rng = seed.derive("order").rng();
    let mut mask_rng = seed.derive("dropout").rng();
    let batch_count = n_batches(train_rows.n_rows(), settings.batch_size);
    let mut rate = LearningRate::new(settings, batch_count);
    let (mut best_loss, mut best_epoch, mut best) = (f64::INFINITY, 0, parameters.snapshot().map_err(torch)?);
    let (mut step, mut epochs) = (0_usize, 0);

    for epoch in 1..=settings.max_epochs.max(1) {
        epochs = epoch;
        let parts = train_rows.order().training(settings.batch_size, &mut order_rng);
        train_rows.visit(&parts, |rows, batch| {
            step += 1;
            let (loss, gradient) = network.gradient(&parameters, batch, &mut mask_rng, |output| {
                objective.loss(output, &train_targets, rows)
            })?;
            finite(loss, "training", epoch)?;
            optimiser.step(&parameters, &gradient, rate.at(step)).map_err(torch)
        })?;
        let loss =
            objective.selection_loss(&network_outputs(&network, &parameters, &valid_rows)?, &valid_targets);
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

    let outputs = network_outputs(&network, &parameters, &valid_rows)?;
    report.validation_loss = Some(objective.reported_loss(&outputs, &valid_targets));
    report.reduction_parameters = network.reduction_parameters();
    report.n_parameters = parameters.n_trained() - report.reduction_parameters;
    report.iterations = Some(epochs as u64);
    report.steps = Some(step as u64);
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

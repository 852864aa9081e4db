//! Fits class tasks: one binary or softmax model, or one binary model per label.

use crate::error::LinearError;
use crate::linear_probe::choice::{Losses, Path, PathModel, outputs_of};
use crate::linear_probe::options::{FitOptions, Solver};
use crate::prepare::row_space::RowSpace;
use crate::prepare::standardised::Standardised;
use crate::prepare::targets::{known_rows, targets_by_known_rows, too_few};
use crate::solvers::linfa_logistic::linfa_path;
use crate::solvers::logistic::{FittedLogistic, LogisticPath};
use ndarray::{Array2, ArrayView2};
use seqprobe_core::numeric::probabilities_and_log_loss;
use seqprobe_core::{ProbeError, Task};

/// Fits a task with one class per row. Returns the models of the classes that occur in train, and these classes.
pub(crate) fn fit_classes(
    options: &FitOptions<'_>,
    task: &Task,
    rows: &Standardised<'_>,
    train: &[u32],
    scored: &Standardised<'_>,
    truth: &[u32],
    n_classes: usize,
) -> Result<(Path, Vec<usize>), ProbeError> {
    let name = |class: usize| task.classes.get(class).cloned().unwrap_or_else(|| class.to_string());
    let mut present = vec![false; n_classes];
    for &label in train {
        present[label as usize] = true;
    }
    let classes: Vec<usize> = (0..n_classes).filter(|&class| present[class]).collect();
    if let [only] = classes[..] {
        return Err(ProbeError::OneClass { split: "train", class: name(only) });
    }
    let place = |label: u32| classes.binary_search(&(label as usize)).ok();
    let labels: Vec<usize> = train.iter().filter_map(|&label| place(label)).collect();
    let true_labels: Vec<Option<usize>> = truth.iter().map(|&label| place(label)).collect();
    let outputs = if n_classes == 2 { 1 } else { classes.len() };
    let models = Solving::new(options, rows)?.path(&labels, outputs)?;
    let weights = class_weights(options, &labels, outputs.max(2));
    let mut path = score(models, &weights, scored, &true_labels)?
        .ok_or_else(|| too_few(task.targets.first(), "valid", 0))?;
    for class in (0..n_classes).filter(|&class| !present[class]) {
        path.warnings.push(format!(
            "class {:?} has no example in train: its probability is 0, and the validation loss leaves its {} rows out",
            name(class),
            truth.iter().filter(|&&label| label as usize == class).count(),
        ));
    }
    Ok((path, classes))
}

/// Fits several yes/no targets, each on the rows where it is known. Targets that are known on the same rows share the
/// space of these rows and one Gram matrix.
pub(crate) fn fit_labels(
    options: &FitOptions<'_>,
    task: &Task,
    rows: &Standardised<'_>,
    train: &Array2<Option<f64>>,
    scored: &Standardised<'_>,
    truth: &Array2<Option<f64>>,
) -> Result<Vec<Path>, ProbeError> {
    let mut paths: Vec<Option<Path>> = train.columns().into_iter().map(|_| None).collect();
    for (known, targets) in targets_by_known_rows(train) {
        let mut buffer = Vec::new();
        let own = (known.len() < train.nrows()).then(|| rows.subset(&known, &mut buffer));
        let solving = Solving::new(options, own.as_ref().unwrap_or(rows))?;
        for target in targets {
            let name = task.targets.get(target);
            let labels: Vec<usize> = known
                .iter()
                .map(|&row| usize::from(train[(row, target)].is_some_and(|value| value > 0.5)))
                .collect();
            let positives: usize = labels.iter().sum();
            if labels.is_empty() {
                return Err(too_few(name, "train", 0));
            }
            if positives == 0 || positives == labels.len() {
                let class = format!("{}={}", name.map_or("", String::as_str), usize::from(positives > 0));
                return Err(ProbeError::OneClass { split: "train", class });
            }
            let true_labels: Vec<Option<usize>> = truth
                .column(target)
                .iter()
                .map(|value| value.map(|value| usize::from(value > 0.5)))
                .collect();
            if known_rows(truth, target).is_empty() {
                return Err(too_few(name, "valid", 0));
            }
            let models = solving.path(&labels, 1)?;
            paths[target] = score(models, &class_weights(options, &labels, 2), scored, &true_labels)?;
        }
    }
    Ok(paths.into_iter().flatten().collect())
}

/// Returns the weight of a row of each class: 1, or the weight with which all classes have the same sum over the rows.
fn class_weights(options: &FitOptions<'_>, labels: &[usize], n_classes: usize) -> Vec<f64> {
    if options.class_weight.is_none() {
        return vec![1.0; n_classes];
    }
    let mut counts = vec![0.0_f64; n_classes];
    for &label in labels {
        counts[label] += 1.0;
    }
    counts.iter().map(|count| labels.len() as f64 / (n_classes as f64 * count)).collect()
}

/// Rows prepared for one solver.
struct Solving<'a> {
    options: &'a FitOptions<'a>,
    form: Form<'a>,
}

enum Form<'a> {
    Exact(Box<RowSpace<'a>>),
    Linfa(Array2<f64>),
}

impl<'a> Solving<'a> {
    /// linfa gets the features as they are, without a rotation.
    fn new(options: &'a FitOptions<'a>, rows: &'a Standardised<'a>) -> Result<Self, LinearError> {
        let design = rows.design();
        let form = match options.solver {
            Solver::Exact => Form::Exact(Box::new(RowSpace::new(design)?)),
            Solver::Linfa => {
                let values = design.values()?.into_owned();
                let features = Array2::from_shape_vec((design.n_rows, design.n_columns), values);
                Form::Linfa(features.map_err(|error| LinearError::Numeric(error.to_string()))?)
            }
        };
        Ok(Self { options, form })
    }

    fn path(&self, labels: &[usize], outputs: usize) -> Result<Vec<PathModel>, LinearError> {
        let penalties = self.options.penalties;
        match &self.form {
            Form::Linfa(features) => {
                let path = linfa_path(features.view(), labels, outputs, penalties)?;
                Ok(path.into_iter().map(|model| PathModel { iterations: None, ..model_of(model) }).collect())
            }
            Form::Exact(space) => {
                let weights = class_weights(self.options, labels, outputs.max(2));
                let is_weighted = self.options.class_weight.is_some();
                let row_weights: Option<Vec<f64>> =
                    is_weighted.then(|| labels.iter().map(|&label| weights[label]).collect());
                let path = LogisticPath { penalties: penalties.to_vec(), gram: self.options.gram };
                let fitted = path.fit_in(space, labels, row_weights.as_deref(), outputs)?;
                Ok(fitted.into_iter().map(model_of).collect())
            }
        }
    }
}

fn model_of(model: FittedLogistic) -> PathModel {
    PathModel {
        weights: model.weights,
        intercepts: model.intercepts,
        converged: Some(model.converged),
        iterations: Some(model.iterations),
        gradient_norm: Some(model.gradient_norm),
    }
}

/// Adds the log losses over the rows whose label is known; `None` if there is no such row.
fn score(
    models: Vec<PathModel>,
    class_weights: &[f64],
    scored: &Standardised<'_>,
    labels: &[Option<usize>],
) -> Result<Option<Path>, LinearError> {
    if labels.iter().flatten().next().is_none() {
        return Ok(None);
    }
    let outputs = models.first().map_or(1, |model| model.intercepts.len());
    let logits = outputs_of(models.iter(), scored)?;
    let losses = log_losses(logits.view(), outputs, class_weights, labels);
    Ok(Some(Path { models, losses, warnings: Vec::new() }))
}

fn log_losses(
    logits: ArrayView2<'_, f64>,
    outputs: usize,
    class_weights: &[f64],
    labels: &[Option<usize>],
) -> Losses {
    let mut losses = Losses { sums: vec![0.0; logits.ncols() / outputs], weight: 0.0 };
    for (row, label) in logits.rows().into_iter().zip(labels) {
        let Some(label) = label else { continue };
        let weight = class_weights[*label];
        losses.weight += weight;
        let mut row = row.to_vec();
        for (sum, logits) in losses.sums.iter_mut().zip(row.chunks_mut(outputs)) {
            *sum += weight * probabilities_and_log_loss(logits, *label);
        }
    }
    losses
}

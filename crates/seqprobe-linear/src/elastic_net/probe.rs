//! The probes `lasso` and `elastic-net`: they standardise on train, follow a path of penalties and choose one on
//! validation. Each output is one fit with its own penalty: a target, a label, or a class against the rest.

use crate::elastic_net::choice::{SparseChoice, Validation, choose_classes, choose_values};
use crate::elastic_net::options::SparseSolver;
use crate::elastic_net::report::{path_settings, sparse_report};
use crate::linear_probe::fitted::{FittedLinear, Link};
use crate::prepare::checks::check_views;
use crate::prepare::growing_gram::{DenseRows, dense};
use crate::prepare::scaler::Scaler;
use crate::prepare::targets::{known_rows, targets_by_known_rows, too_few};
use crate::solvers::elastic_net_path::ElasticNetPath;
use crate::solvers::sparse_squares::shared_gram;
use ndarray::{Array1, Array2, ArrayView2, Axis, CowArray, Ix2};
use rayon::prelude::*;
use seqprobe_core::{LabelledView, Probe, ProbeError, ProbeFit, Seed, Targets, Task, TaskKind};

/// Lasso or elastic net on standardised features, which stay in memory. The penalty of each output is chosen on
/// validation.
///
/// An automatic path of penalties ends early, after 15 penalties without a lower validation loss.
#[derive(Clone, Debug)]
pub struct ElasticNetProbe {
    /// Who solves the optimisation.
    pub solver: SparseSolver,
    /// Penalties, their L1 share and the tolerance.
    pub path: ElasticNetPath,
    id: &'static str,
}

impl ElasticNetProbe {
    /// The probe `lasso`, with the whole penalty on absolute values.
    pub fn lasso() -> Self {
        Self { solver: SparseSolver::Exact, path: ElasticNetPath::new(1.0), id: "lasso" }
    }

    /// The probe `elastic-net`, with half of the penalty on absolute values and half on squares.
    pub fn elastic_net() -> Self {
        Self { solver: SparseSolver::Exact, path: ElasticNetPath::new(0.5), id: "elastic-net" }
    }
}

impl Probe for ElasticNetProbe {
    fn id(&self) -> &str {
        self.id
    }

    fn version(&self) -> u32 {
        1
    }

    fn is_deterministic(&self) -> bool {
        true
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!({ "solver": self.solver.as_str(), "path": path_settings(&self.path) })
    }

    fn fit(
        &self,
        task: &Task,
        train: LabelledView<'_>,
        valid: LabelledView<'_>,
        _seed: Seed,
    ) -> Result<ProbeFit, ProbeError> {
        self.path.check_settings()?;
        let dim = check_views(&train, &valid, task)?;
        if self.solver == SparseSolver::Linfa && task.kind != TaskKind::Regression {
            return Err(ProbeError::NotApplicable(
                "solver linfa has an elastic net for regression only\n  hint: use solver exact".to_owned(),
            ));
        }
        let (scaler, n_constant) = Scaler::fit(&train.features, "train")?;
        let matrix = |view: &LabelledView<'_>| {
            let values = scaler.read(&view.features)?;
            if let Some(index) = values.iter().position(|value| !value.is_finite()) {
                return Err(ProbeError::NotFinite(format!(
                    "feature {} of row {} of the valid rows is not a finite number",
                    index % dim,
                    index / dim
                )));
            }
            Array2::from_shape_vec((view.features.n_rows(), dim), values)
                .map_err(|error| ProbeError::Solver(error.to_string()))
        };
        let (own, others) = (matrix(&train)?, matrix(&valid)?);
        let outputs = Outputs { task, path: &self.path, solver: self.solver, train: &own, valid: &others };
        let (choices, link) = match (task.kind, train.targets, valid.targets) {
            (
                TaskKind::Binary | TaskKind::Multiclass,
                Targets::Classes { labels, n_classes },
                Targets::Classes { labels: valid, .. },
            ) => outputs.classes(labels, valid, *n_classes)?,
            (TaskKind::Multilabel, Targets::Values { values }, Targets::Values { values: valid }) => {
                (outputs.labels(values, valid)?, Link::Sigmoid)
            }
            (TaskKind::Regression, Targets::Values { values }, Targets::Values { values: valid }) => {
                (outputs.values(values, valid)?, Link::Identity)
            }
            (kind, ..) => {
                return Err(ProbeError::NotApplicable(format!(
                    "the targets are not those of a {} task",
                    kind.as_str()
                )));
            }
        };
        let mut report = sparse_report(&choices, &self.path, |index| output_name(task, &link, index));
        if n_constant > 0 {
            let warning = format!("{n_constant} of {dim} features are constant in train and get weight 0");
            report.warnings.insert(0, warning);
        }
        if let Link::OneVsRest { classes, .. } = &link {
            report.warnings.extend(absent_classes(task, classes));
        }
        let weights = Array2::from_shape_fn((choices.len(), dim), |(output, feature)| {
            choices[output].model.weights[feature]
        });
        let intercepts: Array1<f64> = choices.iter().map(|choice| choice.model.intercept).collect();
        Ok(ProbeFit { fitted: Box::new(FittedLinear { link, scaler, weights, intercepts }), report })
    }
}

fn output_name(task: &Task, link: &Link, index: usize) -> String {
    let names = match link {
        Link::OneVsRest { classes, .. } => {
            return classes
                .get(index)
                .and_then(|&class| task.classes.get(class))
                .cloned()
                .unwrap_or_default();
        }
        _ => &task.targets,
    };
    names.get(index).cloned().unwrap_or_default()
}

fn absent_classes<'a>(task: &'a Task, present: &'a [usize]) -> impl Iterator<Item = String> + 'a {
    let absent = task.classes.iter().enumerate().filter(|(class, _)| !present.contains(class));
    absent.map(|(_, name)| format!("class {name:?} has no example in train: its probability is 0"))
}

/// Standardised features of both splits and how to fit one output on them.
struct Outputs<'a> {
    task: &'a Task,
    path: &'a ElasticNetPath,
    solver: SparseSolver,
    train: &'a Array2<f64>,
    valid: &'a Array2<f64>,
}

impl Outputs<'_> {
    fn valid_design(&self) -> Result<DenseRows<'_>, ProbeError> {
        Ok(dense(self.valid.view())?)
    }

    /// Fits each class that occurs in train against the others; two classes need a single fit.
    fn classes(
        &self,
        train: &[u32],
        valid: &[u32],
        n_classes: usize,
    ) -> Result<(Vec<SparseChoice>, Link), ProbeError> {
        let mut present: Vec<usize> = train.iter().map(|&label| label as usize).collect();
        present.sort_unstable();
        present.dedup();
        if let [only] = present[..] {
            let class = self.task.classes.get(only).cloned().unwrap_or_else(|| only.to_string());
            return Err(ProbeError::OneClass { split: "train", class });
        }
        let link = if n_classes == 2 {
            Link::Sigmoid
        } else {
            Link::OneVsRest { classes: present.clone(), n_classes }
        };
        let positives = if n_classes == 2 { vec![1] } else { present };
        let fit = |&class: &usize| {
            let is_positive: Vec<bool> = train.iter().map(|&label| label as usize == class).collect();
            let truth = valid.iter().map(|&label| Some(label as usize == class)).collect();
            let valid = Validation { design: self.valid_design()?, truth };
            Ok(choose_classes(self.path, dense(self.train.view())?, &is_positive, &valid)?)
        };
        Ok((positives.par_iter().map(fit).collect::<Result<_, ProbeError>>()?, link))
    }

    /// Fits each label on the rows where it is known.
    fn labels(
        &self,
        train: &Array2<Option<f64>>,
        valid: &Array2<Option<f64>>,
    ) -> Result<Vec<SparseChoice>, ProbeError> {
        let fit = |target: usize| {
            let name = self.task.targets.get(target);
            let rows = known_rows(train, target);
            let is_yes = |value: f64| value > 0.5;
            let is_positive: Vec<bool> =
                rows.iter().map(|&row| train[(row, target)].is_some_and(is_yes)).collect();
            if is_positive.is_empty() {
                return Err(too_few(name, "train", 0));
            }
            let n_positive = is_positive.iter().filter(|positive| **positive).count();
            if n_positive == 0 || n_positive == is_positive.len() {
                let class = format!("{}={}", name.map_or("", String::as_str), usize::from(n_positive > 0));
                return Err(ProbeError::OneClass { split: "train", class });
            }
            let truth: Vec<Option<bool>> =
                valid.column(target).iter().map(|value| value.map(is_yes)).collect();
            if truth.iter().flatten().next().is_none() {
                return Err(too_few(name, "valid", 0));
            }
            let own = rows_of(self.train.view(), &rows);
            let valid = Validation { design: self.valid_design()?, truth };
            Ok(choose_classes(self.path, dense(own.view())?, &is_positive, &valid)?)
        };
        // The error of the first label that has one, whichever thread is first.
        let fitted: Vec<Result<SparseChoice, ProbeError>> =
            (0..train.ncols()).into_par_iter().map(fit).collect();
        fitted.into_iter().collect()
    }

    /// Fits each target on the rows where it is known. Targets that are known on the same rows share the products
    /// between features.
    fn values(
        &self,
        train: &Array2<Option<f64>>,
        valid: &Array2<Option<f64>>,
    ) -> Result<Vec<SparseChoice>, ProbeError> {
        let mut choices: Vec<Option<SparseChoice>> = train.columns().into_iter().map(|_| None).collect();
        for (rows, targets) in targets_by_known_rows(train) {
            let own = rows_of(self.train.view(), &rows);
            let design = dense(own.view())?;
            let name = |target: usize| self.task.targets.get(target);
            if rows.len() < 2 {
                let target = name(targets[0]).cloned().unwrap_or_default();
                return Err(ProbeError::TooFewTargets { target, split: "train", n: rows.len(), needed: 2 });
            }
            let mut gram = shared_gram(design);
            for target in targets {
                let values: Vec<f64> = rows.iter().filter_map(|&row| train[(row, target)]).collect();
                if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                    return Err(ProbeError::NotFinite(format!(
                        "a target in train is {value}, not a finite number"
                    )));
                }
                let truth = valid.column(target).to_vec();
                if truth.iter().flatten().next().is_none() {
                    return Err(too_few(name(target), "valid", 0));
                }
                let valid = Validation { design: self.valid_design()?, truth };
                let choice = choose_values(self.path, self.solver, design, &mut gram, &values, &valid)?;
                choices[target] = Some(choice);
            }
        }
        Ok(choices.into_iter().flatten().collect())
    }
}

/// Returns some rows of a matrix, without a copy if they are all rows.
fn rows_of<'a>(values: ArrayView2<'a, f64>, rows: &[usize]) -> CowArray<'a, f64, Ix2> {
    if rows.len() == values.nrows() { values.into() } else { values.select(Axis(0), rows).into() }
}

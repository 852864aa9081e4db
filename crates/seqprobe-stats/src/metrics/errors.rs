//! Why inputs are refused, and why a score is undefined.

use thiserror::Error;

/// Inputs that do not fit together: a mistake of the caller, not a property of the data.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum InputError {
    /// The metric does not apply to this kind of task.
    #[error("metric {metric:?} does not apply to {kind} tasks")]
    NotApplicable {
        /// Identifier of the metric.
        metric: &'static str,
        /// Kind of task.
        kind: &'static str,
    },
    /// The number of outputs is wrong.
    #[error("{got} outputs, expected {expected}: {n_examples} examples × {n_outputs} outputs")]
    Length {
        /// Rows of the truth.
        n_examples: usize,
        /// Outputs per row.
        n_outputs: usize,
        /// Their product.
        expected: usize,
        /// Length given.
        got: usize,
    },
    /// True values that do not form whole rows.
    #[error("{n_values} true values do not form whole rows of {n_targets} targets")]
    Shape {
        /// True values given.
        n_values: usize,
        /// Targets per row.
        n_targets: usize,
    },
    /// More examples than the counters can hold.
    #[error("{n_examples} examples, expected at most {max}")]
    TooMany {
        /// Rows given.
        n_examples: usize,
        /// Rows allowed.
        max: usize,
    },
    /// Fewer than two classes.
    #[error("{n_classes} classes, expected at least 2")]
    Classes {
        /// Classes given.
        n_classes: usize,
    },
    /// A label that is not a class.
    #[error("row {row}: label {label}, expected a number below {n_classes}, the number of classes")]
    Label {
        /// 0-based row.
        row: usize,
        /// The label.
        label: u32,
        /// Number of classes.
        n_classes: usize,
    },
    /// A true value that is infinite or not a number.
    #[error("row {row}, target {target}: the true value is not a finite number")]
    TruthNotFinite {
        /// 0-based row.
        row: usize,
        /// 0-based target.
        target: usize,
    },
    /// An output that is infinite or not a number.
    #[error("row {row}, output {output}: {value} is not a finite number")]
    OutputNotFinite {
        /// 0-based row.
        row: usize,
        /// 0-based output.
        output: usize,
        /// The output.
        value: f64,
    },
    /// An output that is not a probability, for a metric that needs probabilities.
    #[error("row {row}, output {output}: {value} is not a probability between 0 and 1")]
    NotProbability {
        /// 0-based row.
        row: usize,
        /// 0-based output.
        output: usize,
        /// The output.
        value: f64,
    },
    /// Class probabilities that do not sum to 1, for a metric that needs probabilities.
    #[error("row {row}: class probabilities sum to {sum}, expected 1")]
    NotDistribution {
        /// 0-based row.
        row: usize,
        /// Their sum.
        sum: f64,
    },
    /// The number of cluster numbers is wrong.
    #[error("{got} cluster numbers, expected one for each of {expected} examples")]
    Clusters {
        /// Rows of the truth.
        expected: usize,
        /// Length given.
        got: usize,
    },
    /// No outputs.
    #[error("no outputs were given, expected those of at least one training seed")]
    NoSeeds,
    /// Too few bootstrap replicates for a variance.
    #[error("{replicates} bootstrap replicates, expected at least 100")]
    Replicates {
        /// Replicates asked for.
        replicates: usize,
    },
    /// An interval method that does not apply to this metric or these examples.
    #[error("interval method {method:?} does not apply to metric {metric:?} here: {reason}")]
    Method {
        /// The method.
        method: &'static str,
        /// Identifier of the metric.
        metric: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// A confidence level that is not between 0 and 1.
    #[error("confidence level {level}, expected more than 0 and less than 1")]
    Level {
        /// Level asked for.
        level: f64,
    },
}

/// Why a score has no value.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Undefined {
    /// The inputs do not fit together.
    #[error(transparent)]
    Input(#[from] InputError),
    /// No true value is known.
    #[error("no true value is known")]
    NoValues,
    /// A single example has no variance.
    #[error("fewer than two examples")]
    TooFew,
    /// Only one class occurs, and two are needed.
    #[error("the true labels contain only one class")]
    OneClass,
    /// The true values do not vary.
    #[error("the true values are all the same")]
    ConstantTruth,
    /// The predictions do not vary, and their correlation is 0/0.
    #[error("the predictions are all the same (a constant prediction has no correlation)")]
    ConstantPrediction,
    /// The result exceeds the range of a 64-bit number.
    #[error("the score is too large for a 64-bit number")]
    NotFinite,
    /// One of several targets is undefined because of its predictions. Leaving it out would reward constant
    /// predictions.
    #[error("target {target}: {cause}")]
    Target {
        /// 0-based target, or class for one-versus-rest metrics.
        target: usize,
        /// Why it is undefined.
        cause: Box<Undefined>,
    },
    /// None of several targets has a score.
    #[error("none of {n_targets} targets has a score; the first: {first}")]
    NoDefinedTarget {
        /// Number of targets.
        n_targets: usize,
        /// Why the first is undefined.
        first: Box<Undefined>,
    },
}

impl Undefined {
    /// The reason as text, with the names of classes or targets; those without a name are numbered from 0.
    pub(crate) fn text(&self, names: &[String]) -> String {
        match self {
            Self::Target { target, cause } if *target < names.len() => {
                format!("{:?}: {}", names[*target], cause.text(names))
            }
            other => other.to_string(),
        }
    }

    /// Returns true if the true values alone make the score undefined. It is then undefined for all predictions.
    pub(crate) fn lies_in_truth(&self) -> bool {
        matches!(self, Self::NoValues | Self::TooFew | Self::OneClass | Self::ConstantTruth)
    }
}

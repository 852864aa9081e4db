//! True values as slices, and the check that outputs fit them.

use thiserror::Error;

/// Maximum number of examples: 255 times this number fits 32 bits.
const MAX_EXAMPLES: usize = 1 << 24;

/// True values of one split, row-major, aligned with the rows of the outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Truth<'a> {
    /// Two classes; one output per example, the probability of `true`.
    Binary(&'a [bool]),
    /// Three or more classes; one probability per class and example.
    Classes {
        /// Class of each example, below `n_classes`.
        labels: &'a [u32],
        /// Number of classes, at least 2; also the number of outputs per example.
        n_classes: usize,
    },
    /// Several yes/no targets; one probability per target and example. `None` is a missing value.
    Multilabel {
        /// # Shapes
        /// `[examples, targets]`, row-major.
        values: &'a [Option<bool>],
        /// Number of targets, at least 1.
        n_targets: usize,
    },
    /// One or more numbers; one output per target and example. `None` is a missing value.
    Regression {
        /// # Shapes
        /// `[examples, targets]`, row-major, finite.
        values: &'a [Option<f64>],
        /// Number of targets, at least 1.
        n_targets: usize,
    },
}

impl Truth<'_> {
    /// Returns the number of examples (rows), including rows without any known value.
    pub fn n_examples(&self) -> usize {
        match self {
            Self::Binary(labels) => labels.len(),
            Self::Classes { labels, .. } => labels.len(),
            Self::Multilabel { values, n_targets } => values.len() / (*n_targets).max(1),
            Self::Regression { values, n_targets } => values.len() / (*n_targets).max(1),
        }
    }

    /// Returns the number of outputs per example.
    pub fn n_outputs(&self) -> usize {
        match self {
            Self::Binary(_) => 1,
            Self::Classes { n_classes, .. } => *n_classes,
            Self::Multilabel { n_targets, .. } | Self::Regression { n_targets, .. } => *n_targets,
        }
    }

    /// Returns the word for the kind of task.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Binary(_) => "binary",
            Self::Classes { .. } => "multiclass",
            Self::Multilabel { .. } => "multilabel",
            Self::Regression { .. } => "regression",
        }
    }

    /// Returns the rows with at least one known value. All other rows are ignored everywhere.
    pub(crate) fn known_rows(&self) -> Vec<u32> {
        let rows = 0..self.n_examples() as u32;
        match self {
            Self::Binary(_) | Self::Classes { .. } => rows.collect(),
            Self::Multilabel { values, n_targets } => known(values, *n_targets),
            Self::Regression { values, n_targets } => known(values, *n_targets),
        }
    }

    /// Returns every example twice: all examples, then all examples again.
    pub(crate) fn twice(&self) -> Twice {
        match self {
            Self::Binary(labels) => Twice::Binary(labels.repeat(2)),
            Self::Classes { labels, n_classes } => Twice::Classes(labels.repeat(2), *n_classes),
            Self::Multilabel { values, n_targets } => Twice::Multilabel(values.repeat(2), *n_targets),
            Self::Regression { values, n_targets } => Twice::Regression(values.repeat(2), *n_targets),
        }
    }

    /// Checks the true values, and that `outputs` has their shape and is finite.
    pub(crate) fn check(&self, outputs: &[f64]) -> Result<(), InputError> {
        self.check_truth()?;
        let expected = self.n_examples() * self.n_outputs();
        if outputs.len() != expected {
            let (n_examples, n_outputs) = (self.n_examples(), self.n_outputs());
            return Err(InputError::Length { n_examples, n_outputs, expected, got: outputs.len() });
        }
        match outputs.iter().position(|value| !value.is_finite()) {
            Some(place) => Err(InputError::OutputNotFinite {
                row: place / self.n_outputs(),
                output: place % self.n_outputs(),
                value: outputs[place],
            }),
            None => Ok(()),
        }
    }

    fn check_truth(&self) -> Result<(), InputError> {
        let (n_values, n_targets) = match self {
            Self::Binary(labels) => (labels.len(), 1),
            Self::Classes { labels, .. } => (labels.len(), 1),
            Self::Multilabel { values, n_targets } => (values.len(), *n_targets),
            Self::Regression { values, n_targets } => (values.len(), *n_targets),
        };
        if n_targets == 0 || n_values % n_targets != 0 {
            return Err(InputError::Shape { n_values, n_targets });
        }
        if self.n_examples() > MAX_EXAMPLES {
            return Err(InputError::TooMany { n_examples: self.n_examples(), max: MAX_EXAMPLES });
        }
        match self {
            Self::Classes { n_classes, .. } if *n_classes < 2 => {
                Err(InputError::Classes { n_classes: *n_classes })
            }
            Self::Classes { labels, n_classes } => {
                match labels.iter().position(|&label| label as usize >= *n_classes) {
                    Some(row) => Err(InputError::Label { row, label: labels[row], n_classes: *n_classes }),
                    None => Ok(()),
                }
            }
            Self::Regression { values, n_targets } => {
                match values.iter().position(|value| value.is_some_and(|value| !value.is_finite())) {
                    Some(place) => {
                        Err(InputError::TruthNotFinite { row: place / n_targets, target: place % n_targets })
                    }
                    None => Ok(()),
                }
            }
            Self::Binary(_) | Self::Multilabel { .. } => Ok(()),
        }
    }
}

/// True values that contain every example twice.
pub(crate) enum Twice {
    Binary(Vec<bool>),
    Classes(Vec<u32>, usize),
    Multilabel(Vec<Option<bool>>, usize),
    Regression(Vec<Option<f64>>, usize),
}

impl Twice {
    pub(crate) fn view(&self) -> Truth<'_> {
        match self {
            Self::Binary(labels) => Truth::Binary(labels),
            Self::Classes(labels, n_classes) => Truth::Classes { labels, n_classes: *n_classes },
            Self::Multilabel(values, n_targets) => Truth::Multilabel { values, n_targets: *n_targets },
            Self::Regression(values, n_targets) => Truth::Regression { values, n_targets: *n_targets },
        }
    }
}

fn known<T>(values: &[Option<T>], n_targets: usize) -> Vec<u32> {
    let rows = values.chunks_exact(n_targets.max(1)).enumerate();
    rows.filter(|(_, row)| row.iter().any(Option::is_some)).map(|(row, _)| row as u32).collect()
}

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
    /// Returns true if the true values alone make the score undefined. It is then undefined for all predictions.
    pub(crate) fn lies_in_truth(&self) -> bool {
        matches!(self, Self::NoValues | Self::TooFew | Self::OneClass | Self::ConstantTruth)
    }
}

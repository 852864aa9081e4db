//! True values as slices, and the check that outputs fit them.

use crate::metrics::errors::InputError;

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

//! What is predicted: the kind of task, its target columns and its classes.

use serde::{Deserialize, Serialize};

/// The four kinds of task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskKind {
    /// One of two classes; one output, the probability of the positive class.
    Binary,
    /// One of three or more classes; one output per class, summing to 1.
    Multiclass,
    /// Several yes/no targets; one probability per target.
    Multilabel,
    /// One or more numbers; one output per target, on the untransformed scale.
    Regression,
}

impl TaskKind {
    /// The word used in cards and results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Multiclass => "multiclass",
            Self::Multilabel => "multilabel",
            Self::Regression => "regression",
        }
    }
}

/// A task: its kind, its target columns and, for class tasks, the classes in output order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The kind.
    pub kind: TaskKind,
    /// Target columns, at least one; exactly one for binary and multiclass.
    pub targets: Vec<String>,
    /// Class names in output order: two for binary (negative, positive), all for multiclass, none otherwise.
    pub classes: Vec<String>,
}

impl Task {
    /// Number of columns in a prediction: 1 for binary, one per class for multiclass, one per target otherwise.
    pub fn n_outputs(&self) -> usize {
        match self.kind {
            TaskKind::Binary => 1,
            TaskKind::Multiclass => self.classes.len(),
            TaskKind::Multilabel | TaskKind::Regression => self.targets.len(),
        }
    }
}

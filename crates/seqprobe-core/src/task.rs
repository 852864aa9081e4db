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

    /// Returns the text by which a task enters the digest of a dataset. It must never change: cells of earlier versions
    /// are found by it.
    pub(crate) fn digest_text(&self) -> String {
        let kind = match self.kind {
            TaskKind::Binary => "Binary",
            TaskKind::Multiclass => "Multiclass",
            TaskKind::Multilabel => "Multilabel",
            TaskKind::Regression => "Regression",
        };
        let (targets, classes) = (&self.targets, &self.classes);
        format!("Task {{ kind: {kind}, targets: {targets:?}, classes: {classes:?} }}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_text_is_the_one_of_earlier_versions() {
        use TaskKind::{Binary, Multiclass, Multilabel, Regression};
        for (kind, name) in [
            (Binary, "Binary"),
            (Multiclass, "Multiclass"),
            (Multilabel, "Multilabel"),
            (Regression, "Regression"),
        ] {
            let task = Task {
                kind,
                targets: vec!["a \"b\"".to_owned(), "é".to_owned()],
                classes: vec!["no".to_owned(), "yes".to_owned()],
            };
            let text =
                format!(r#"Task {{ kind: {name}, targets: ["a \"b\"", "é"], classes: ["no", "yes"] }}"#);
            assert_eq!(task.digest_text(), text);
        }
    }
}

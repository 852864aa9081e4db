//! A checked dataset: examples in columns, three disjoint splits, a content digest.

use crate::clusters::Clusters;
use crate::digest::{Digest, DigestBuilder};
use crate::sequence::{DnaSequence, LetterCounts};
use crate::targets::Targets;
use crate::task::Task;
use ndarray::Array2;

/// One of the three splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Fitted on.
    Train,
    /// Chosen on: penalties, stopping, layers.
    Valid,
    /// Scored on, once.
    Test,
}

impl Split {
    /// All splits in their usual order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Valid, Self::Test];

    /// The word used in cards and results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }
}

/// Row indices of each split: disjoint, and none is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splits {
    /// Rows fitted on.
    pub train: Vec<usize>,
    /// Rows chosen on.
    pub valid: Vec<usize>,
    /// Rows scored on.
    pub test: Vec<usize>,
}

impl Splits {
    /// The rows of one split.
    pub fn rows(&self, split: Split) -> &[usize] {
        match split {
            Split::Train => &self.train,
            Split::Valid => &self.valid,
            Split::Test => &self.test,
        }
    }
}

/// A dataset that has been read and checked. All columns have one entry per example.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Identifier from the card.
    pub id: String,
    /// One line that describes the dataset.
    pub title: String,
    /// What is predicted.
    pub task: Task,
    /// Primary metric from the card, an identifier of the metric registry.
    pub metric: String,
    /// Unique ids, one per example.
    pub example_ids: Vec<String>,
    /// Sequences, one per example.
    pub sequences: Vec<DnaSequence>,
    /// True values, one row per example.
    pub targets: Targets,
    /// Train, valid and test rows.
    pub splits: Splits,
    /// Clusters of dependent examples (groups, or 1 Mb blocks of a chromosome), used by the bootstrap.
    pub clusters: Option<Clusters>,
    /// Bases read, and how many of them the base policy changed.
    pub letters: LetterCounts,
    /// Predictions of the model that generated the data, for simulated tasks only.
    ///
    /// # Shapes
    /// `[examples, outputs]`
    pub oracle: Option<Array2<f64>>,
    /// Notes on what was left out and what else a reader should know, one sentence each.
    pub notes: Vec<String>,
    /// Licence, citation and source from the card, for the report.
    pub origin: Origin,
}

/// Where a dataset comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Origin {
    /// Licence identifier.
    pub licence: String,
    /// How to cite it.
    pub citation: String,
    /// Address of the source.
    pub source: String,
}

impl Dataset {
    /// Number of examples.
    pub fn n_examples(&self) -> usize {
        self.sequences.len()
    }

    /// Digest of everything that can change a score: ids, sequences, targets, splits, clusters, task.
    pub fn digest(&self) -> Digest {
        let mut builder = DigestBuilder::new("dataset v1");
        builder.part(format!("{:?}", self.task).as_bytes());
        for (id, sequence) in self.example_ids.iter().zip(&self.sequences) {
            builder.part(id.as_bytes()).part(sequence.as_bytes());
        }
        match &self.targets {
            Targets::Classes { labels, .. } => {
                builder.part(&labels.iter().flat_map(|label| label.to_le_bytes()).collect::<Vec<_>>());
            }
            Targets::Values { values } => {
                for value in values {
                    match value {
                        Some(value) => builder.part(&value.to_le_bytes()),
                        None => builder.part(b"missing"),
                    };
                }
            }
        }
        for split in Split::ALL {
            let rows = self.splits.rows(split);
            builder.part(&rows.iter().flat_map(|&row| (row as u64).to_le_bytes()).collect::<Vec<_>>());
        }
        if let Some(clusters) = &self.clusters {
            builder.part(&clusters.ids().iter().flat_map(|id| id.to_le_bytes()).collect::<Vec<_>>());
            if let Some(chromosomes) = clusters.chromosomes() {
                builder.part(&chromosomes.iter().flat_map(|id| id.to_le_bytes()).collect::<Vec<_>>());
            }
        }
        builder.finish()
    }
}

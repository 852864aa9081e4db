//! A checked dataset: examples in columns, three disjoint splits, a content digest.

use crate::clusters::Clusters;
use crate::digest::{Digest, DigestBuilder};
use crate::sequence::{BaseCounts, DnaSequence};
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

    /// The rows of all splits, one split after the other.
    pub fn all_rows(&self) -> Vec<usize> {
        [self.train.as_slice(), &self.valid, &self.test].concat()
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
    pub letters: BaseCounts,
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
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Origin {
    /// Licence identifier.
    pub licence: String,
    /// How to cite it.
    pub citation: String,
    /// Address of the source.
    pub source: String,
    /// Scores that papers report on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<PublishedScore>,
}

/// A score that a paper reports on a dataset. Its protocol is another one, and it is not paired with the scores here.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedScore {
    /// The model, as the paper names it.
    pub model: String,
    /// Identifier of the metric.
    pub metric: String,
    /// The score on test.
    pub value: f64,
    /// How it was trained and evaluated, in a few words.
    pub protocol: String,
    /// The paper.
    pub citation: String,
}

impl Dataset {
    /// Number of examples.
    pub fn n_examples(&self) -> usize {
        self.sequences.len()
    }

    /// Returns the digest of everything that can change a score: ids, sequences, targets, splits, clusters and task.
    pub fn digest(&self) -> Digest {
        let mut builder = DigestBuilder::new("dataset v1");
        builder.part(self.task.digest_text().as_bytes());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::TaskKind;

    /// A digest that changes would make every stored cell of a dataset useless.
    #[test]
    fn the_digest_is_the_one_of_earlier_versions() {
        let sequences = ["ACGTN", "GG", "TTA"].map(|text| DnaSequence::parse(text).unwrap().0).to_vec();
        let mut dataset = Dataset {
            id: "small".to_owned(),
            title: String::new(),
            task: Task {
                kind: TaskKind::Binary,
                targets: vec!["label".to_owned()],
                classes: vec!["no \"tata\"".to_owned(), "yes".to_owned()],
            },
            metric: "auroc".to_owned(),
            example_ids: ["a", "b", "c"].map(str::to_owned).to_vec(),
            sequences,
            targets: Targets::Classes { labels: vec![0, 1, 1], n_classes: 2 },
            splits: Splits { train: vec![2], valid: vec![0], test: vec![1] },
            clusters: None,
            letters: BaseCounts::default(),
            oracle: None,
            notes: Vec::new(),
            origin: Origin::default(),
        };
        assert_eq!(
            dataset.digest().to_string(),
            "a0cea10044770847d7d1d7f88c698959269099c81b9a635b0132704aae8de343"
        );
        dataset.task =
            Task { kind: TaskKind::Regression, targets: vec!["x".to_owned()], classes: Vec::new() };
        dataset.targets = Targets::Values { values: ndarray::array![[Some(0.5)], [None], [Some(-1.0)]] };
        let clusters = Clusters::from_names(&["g", "g", "h"], "gene");
        dataset.clusters = Some(clusters.with_chromosomes(&["chr1", "chr1", "chr2"]));
        assert_eq!(
            dataset.digest().to_string(),
            "13ad5e9b429acfc9e86375e26843c711036bb0fb6a45a5b07c4626cb7df47a32"
        );
    }
}

//! What a rule is called, what it predicts, and the predictions for rows that it says nothing about.

use ndarray::Array2;
use seqprobe_core::{Dataset, Split, Targets, TaskKind};

/// A rule without a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The label or value of the training row with most shared canonical 12-mers, at least 3.
    Nearest,
    /// The other label of that row; binary tasks only.
    NearestOpposite,
    /// Rows of the same length, dinucleotide counts, first and last base, and less than 60% identical.
    CompositionTwins,
    /// Rows with at least 3 shared 12-mers at the same offset, 40% to 100% identical.
    PositionalTwins,
    /// At most 4 indicators of a 1-, 2- or 3-mer at a position, and the share of positives in each combination.
    PositionMotifs,
    /// A Markov chain of order 3 per class, and Bayes' rule.
    Markov,
    /// Length in bases.
    Length,
    /// Share of G and C.
    Gc,
    /// Share of N.
    UnknownBases,
    /// Place of the row in its split.
    RowOrder,
    /// The last number in the id.
    IdNumber,
    /// A word of 4 to 8 bases that nearly all rows of one class have, and no other.
    Word,
    /// Lower and upper case.
    Case,
}

impl Rule {
    /// All rules, in the order of reports.
    pub const ALL: [Self; 13] = [
        Self::Nearest,
        Self::NearestOpposite,
        Self::CompositionTwins,
        Self::PositionalTwins,
        Self::PositionMotifs,
        Self::Markov,
        Self::Length,
        Self::Gc,
        Self::UnknownBases,
        Self::RowOrder,
        Self::IdNumber,
        Self::Word,
        Self::Case,
    ];

    /// False for rules on the order and the ids of rows, which a model does not see.
    pub fn reads_sequences(self) -> bool {
        !matches!(self, Self::RowOrder | Self::IdNumber)
    }

    /// The word used in results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::NearestOpposite => "nearest-opposite",
            Self::CompositionTwins => "composition-twins",
            Self::PositionalTwins => "positional-twins",
            Self::PositionMotifs => "position-motifs",
            Self::Markov => "markov",
            Self::Length => "length",
            Self::Gc => "gc",
            Self::UnknownBases => "unknown-bases",
            Self::RowOrder => "row-order",
            Self::IdNumber => "id-number",
            Self::Word => "word",
            Self::Case => "case",
        }
    }
}

/// A rule on one dataset.
#[derive(Clone, Debug)]
pub struct RuleFit {
    /// The rule.
    pub rule: Rule,
    /// What it predicts, or why it does not apply.
    pub predictions: Result<RulePredictions, NotApplicable>,
}

/// Why a rule does not apply to a dataset, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotApplicable(String);

impl From<String> for NotApplicable {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

/// The predictions of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RulePredictions {
    /// # Shapes
    /// `[validation rows, outputs]`
    pub valid: Array2<f64>,
    /// # Shapes
    /// `[test rows, outputs]`
    pub test: Array2<f64>,
    /// Validation rows that the rule says something about.
    pub valid_covered: usize,
    /// Test rows that the rule says something about.
    pub test_covered: usize,
    /// For rules that look rows up: test rows against the majority of their partners.
    pub pairs: Option<Pairs>,
    /// What was found in train, in words.
    pub found: String,
}

/// Rows with partners, compared with the label of most of their partners. Rows whose partners are divided are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Pairs {
    /// Rows compared.
    pub compared: usize,
    /// How many of them have another label than most of their partners.
    pub disagreeing: usize,
}

/// Mean outputs of rows: shares of classes, or means of known values.
pub(super) struct Outputs<'a> {
    dataset: &'a Dataset,
    prior: Vec<f64>,
}

impl<'a> Outputs<'a> {
    pub(super) fn new(dataset: &'a Dataset) -> Self {
        let n = dataset.task.n_outputs();
        let mut outputs = Self { dataset, prior: vec![0.0; n] };
        outputs.prior = outputs.mean(&dataset.splits.train, 0.0);
        outputs
    }

    /// Shares or means of the training split.
    pub(super) fn prior(&self) -> &[f64] {
        &self.prior
    }

    /// Mean of some rows and of `weight` more rows that are like the training split.
    pub(super) fn mean(&self, rows: &[usize], weight: f64) -> Vec<f64> {
        let n_rows = rows.len() as f64;
        match &self.dataset.targets {
            Targets::Classes { labels, .. } => {
                let is_binary = self.dataset.task.kind == TaskKind::Binary;
                let class_of = |output: usize| if is_binary { 1 } else { output as u32 };
                let count =
                    |output| rows.iter().filter(|&&row| labels[row] == class_of(output)).count() as f64;
                self.prior
                    .iter()
                    .enumerate()
                    .map(|(output, prior)| (count(output) + weight * prior) / (n_rows + weight).max(1e-9))
                    .collect()
            }
            Targets::Values { values } => self
                .prior
                .iter()
                .enumerate()
                .map(|(output, prior)| {
                    let known: Vec<f64> = rows.iter().filter_map(|&row| values[(row, output)]).collect();
                    match known.len() as f64 + weight {
                        0.0 => *prior,
                        n => (known.iter().sum::<f64>() + weight * prior) / n,
                    }
                })
                .collect(),
        }
    }
}

/// Predictions for rows that a rule says nothing about.
pub(super) struct Fallback {
    valid: Array2<f64>,
    test: Array2<f64>,
}

impl Fallback {
    /// The Markov chain where there is one, else the mean of train.
    pub(super) fn new(dataset: &Dataset, markov: Option<&RulePredictions>) -> Self {
        if let Some(markov) = markov {
            return Self { valid: markov.valid.clone(), test: markov.test.clone() };
        }
        let prior = Outputs::new(dataset).prior;
        let repeat = |split| {
            let n = dataset.splits.rows(split).len();
            Array2::from_shape_fn((n, prior.len()), |(_, output)| prior[output])
        };
        Self { valid: repeat(Split::Valid), test: repeat(Split::Test) }
    }

    /// A copy for one split.
    pub(super) fn of(&self, split: Split) -> Array2<f64> {
        match split {
            Split::Test => self.test.clone(),
            Split::Train | Split::Valid => self.valid.clone(),
        }
    }
}

/// Predictions of a rule that says something about every row.
pub(super) fn for_every_row(
    dataset: &Dataset,
    found: String,
    predict: impl Fn(usize) -> Vec<f64>,
) -> RulePredictions {
    let n_outputs = dataset.task.n_outputs();
    let of = |split| {
        let rows = dataset.splits.rows(split);
        let mut predictions = Array2::zeros((rows.len(), n_outputs));
        for (mut place, &row) in predictions.rows_mut().into_iter().zip(rows) {
            place.iter_mut().zip(predict(row)).for_each(|(place, value)| *place = value);
        }
        predictions
    };
    RulePredictions {
        valid: of(Split::Valid),
        test: of(Split::Test),
        valid_covered: dataset.splits.valid.len(),
        test_covered: dataset.splits.test.len(),
        pairs: None,
        found,
    }
}

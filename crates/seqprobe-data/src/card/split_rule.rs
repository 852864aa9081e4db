//! `[[split]]` of a card: how the rows of one file key are split.

use super::values::Text;
use seqprobe_core::Split;
use serde::{Deserialize, Serialize};

/// How the rows of one file key are split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitRule {
    /// The file key.
    pub of: String,
    /// How.
    pub method: SplitMethod,
    /// Share of each split; the shares add up to 1. For `random`, `group`, and `chromosome` without lists. For `column`:
    /// the shares of the rows that the column puts into train, if it has no valid rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<Shares>,
    /// Seed of the draw.
    #[serde(default)]
    pub seed: u64,
    /// Method `column`: the column whose values name the split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<Text>,
    /// Chromosomes, or values of `column`, that are training rows. Default for method `chromosome`: all that the
    /// other lists do not name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<Vec<Text>>,
    /// Chromosomes, or values of `column`, that are validation rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid: Option<Vec<Text>>,
    /// Chromosomes, or values of `column`, that are test rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<Vec<Text>>,
}

/// The share of rows that each split gets; the shares add up to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shares {
    /// Share of the training rows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub train: f64,
    /// Share of the validation rows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub valid: f64,
    /// Share of the test rows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub test: f64,
}

/// The ways to split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitMethod {
    /// Row by row; for class tasks each class is split in the same shares.
    Random,
    /// Whole groups.
    Group,
    /// Whole chromosomes: by lists, or at random so that the sizes come close to the shares in `into`.
    Chromosome,
    /// By the values of a column.
    Column,
}

impl Shares {
    /// The share of one split.
    pub fn of(&self, split: Split) -> f64 {
        match split {
            Split::Train => self.train,
            Split::Valid => self.valid,
            Split::Test => self.test,
        }
    }
}

impl SplitMethod {
    /// The method as cards write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Group => "group",
            Self::Chromosome => "chromosome",
            Self::Column => "column",
        }
    }
}

impl SplitRule {
    /// The lists of chromosomes or column values.
    pub(crate) fn lists(&self) -> [(Split, Option<&Vec<Text>>); 3] {
        [
            (Split::Train, self.train.as_ref()),
            (Split::Valid, self.valid.as_ref()),
            (Split::Test, self.test.as_ref()),
        ]
    }

    /// True when this rule can put rows into a split.
    pub(crate) fn may_fill(&self, split: Split) -> bool {
        match (&self.into, self.method) {
            (_, SplitMethod::Column) => true,
            (Some(shares), _) => shares.of(split) > 0.0,
            (None, SplitMethod::Chromosome) => {
                split == Split::Train
                    || self.lists().iter().any(|(one, list)| *one == split && list.is_some())
            }
            (None, _) => true,
        }
    }
}

fn is_zero(share: &f64) -> bool {
    *share <= 0.0
}

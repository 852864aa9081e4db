//! How the token vectors of one sequence become features.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// A pooling. Special tokens are those the tokenizer adds (CLS, SEP, …); padding never counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// Mean over tokens without special tokens.
    Mean,
    /// Mean over tokens with special tokens.
    MeanAll,
    /// The CLS token.
    Cls,
    /// Largest value over tokens without special tokens, per dimension.
    Max,
    /// The last token that is not special.
    Last,
    /// No pooling: `[length, dim]` without special tokens.
    Tokens,
    /// Tokens left-aligned and zero-padded to the longest training input; longer inputs are errors.
    Flatten,
}

impl Pooling {
    /// All poolings.
    pub const ALL: [Self; 7] =
        [Self::Mean, Self::MeanAll, Self::Cls, Self::Max, Self::Last, Self::Tokens, Self::Flatten];

    /// The word used in suites and results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::MeanAll => "mean-all",
            Self::Cls => "cls",
            Self::Max => "max",
            Self::Last => "last",
            Self::Tokens => "tokens",
            Self::Flatten => "flatten",
        }
    }
}

impl std::fmt::Display for Pooling {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Pooling {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|pooling| pooling.as_str() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|pooling| pooling.as_str()).collect();
            format!("pooling {text:?} does not exist\n  hint: use one of {}", names.join(", "))
        })
    }
}

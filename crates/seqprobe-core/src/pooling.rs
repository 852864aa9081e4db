//! How the token vectors of one sequence become features.

use serde::{Deserialize, Serialize};
use std::str::FromStr;
use thiserror::Error;

/// A pooling. Special tokens are those that the tokenizer adds (CLS, SEP, …). Padding never counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// Mean over all tokens but special ones.
    Mean,
    /// Mean over all tokens, special ones included.
    MeanAll,
    /// The CLS token.
    Cls,
    /// Largest value of each dimension over all tokens but special ones.
    Max,
    /// The last token that is not special.
    Last,
    /// No pooling: one vector per token, `[length, dim]`, without special tokens.
    Tokens,
    /// Token vectors one after the other, padded at the end with zeros to the longest input of the dataset. A longer input is
    /// an error.
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

/// A word that names no pooling.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("pooling {word:?} does not exist\n  hint: use one of {}", Pooling::ALL.map(Pooling::as_str).join(", "))]
pub struct UnknownPooling {
    /// The word.
    pub word: String,
}

impl FromStr for Pooling {
    type Err = UnknownPooling;

    fn from_str(text: &str) -> Result<Self, UnknownPooling> {
        let named = Self::ALL.into_iter().find(|pooling| pooling.as_str() == text);
        named.ok_or_else(|| UnknownPooling { word: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pooling_is_found_by_its_word() {
        for pooling in Pooling::ALL {
            assert_eq!(pooling.as_str().parse(), Ok(pooling));
        }
        let error = "median".parse::<Pooling>().unwrap_err().to_string();
        assert_eq!(
            error,
            "pooling \"median\" does not exist\n  hint: use one of mean, mean-all, cls, max, last, tokens, flatten"
        );
    }
}

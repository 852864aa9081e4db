//! Layer numbers: 0 is the embedding output, `k` the output of block `k`, and `final` the state after the model's
//! last normalisation. In a model without a last normalisation `final` is the last block.

use serde::{Deserialize, Serialize};
use std::str::FromStr;
use thiserror::Error;

/// Which hidden state of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LayerIndex {
    /// 0 for the embedding output, `k` for the output of block `k` (1-based).
    Block(u32),
    /// After the model's last normalisation.
    Final,
}

impl LayerIndex {
    /// Returns the one name of a state in a model of `n_blocks` blocks: `final` becomes the last block if the model has
    /// no last normalisation, so that both share one cache entry.
    #[must_use]
    pub fn canonical(self, n_blocks: u32, has_final_norm: bool) -> Self {
        match self {
            Self::Final if !has_final_norm => Self::Block(n_blocks),
            other => other,
        }
    }
}

impl std::fmt::Display for LayerIndex {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Block(number) => write!(formatter, "{number}"),
            Self::Final => formatter.write_str("final"),
        }
    }
}

/// A word that names no layer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "layer {word:?} is not a layer\n  hint: use final, 0 for the embedding output, or a block number from 1"
)]
pub struct UnknownLayer {
    /// The word.
    pub word: String,
}

impl FromStr for LayerIndex {
    type Err = UnknownLayer;

    fn from_str(text: &str) -> Result<Self, UnknownLayer> {
        if text == "final" {
            return Ok(Self::Final);
        }
        text.parse().map(Self::Block).map_err(|_| UnknownLayer { word: text.to_owned() })
    }
}

impl Serialize for LayerIndex {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LayerIndex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn final_is_an_alias_only_without_a_last_norm() {
        assert_eq!(LayerIndex::Final.canonical(12, false), LayerIndex::Block(12));
        assert_eq!(LayerIndex::Final.canonical(12, true), LayerIndex::Final);
        assert_eq!("3".parse(), Ok(LayerIndex::Block(3)));
        let error = "last".parse::<LayerIndex>().unwrap_err().to_string();
        assert!(error.starts_with("layer \"last\" is not a layer\n  hint: use final"), "{error}");
    }
}

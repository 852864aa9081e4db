//! The coordinates that a cell's id is made of: representation, variant, fraction. Each is one word in files.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// What a suite writes before a model's name to ask for random initialisations of its architecture.
pub const RANDOM_PREFIX: &str = "random:";
/// The word for a coordinate that a cell does not have.
pub(super) const NONE: &str = "-";
const SHUFFLED_LABELS: &str = "shuffled-labels";
const ORACLE: &str = "oracle";

/// The representation of a cell, by its name in the suite.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RepresentationName {
    /// One-hot, k-mers, composition, a model or imported embeddings.
    Named(String),
    /// Random initialisations of a model's architecture.
    RandomInit {
        /// The name in results: `random:` and the model's name.
        name: String,
    },
    /// Fits to permuted labels; the variant names the representation.
    ShuffledLabels,
    /// The class frequencies of the training split.
    Majority,
    /// The mean of the training split.
    Mean,
    /// The true generating model of a simulated task.
    Oracle,
}

/// What changes a cell's values in addition to its other coordinates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// Nothing.
    None,
    /// How a model reads sequences, one setting after the other.
    Reading(Vec<ReadingSetting>),
    /// The representation whose labels are shuffled.
    Of(String),
}

/// One setting of how a model reads sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadingSetting {
    /// Sequences that are too long for the model keep their left end.
    KeepLeft,
    /// They keep their right end.
    KeepRight,
    /// They keep their middle.
    KeepCenter,
    /// Windows of `size` bases, one every `stride` bases.
    Window {
        /// Bases per window.
        size: usize,
        /// Bases from one window's start to the next.
        stride: usize,
    },
    /// Mean over the sequence and its reverse complement.
    RcAverage,
    /// Matrix products in bfloat16.
    Bf16,
    /// Number of random initialisations.
    Draws(u32),
}

/// The part of the training split that a cell is fitted on: above 0, at most 1.
#[derive(Clone, Copy, Debug)]
pub struct Fraction(f64);

/// A word that is not a coordinate.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{found:?} is not a {what}, expected {expected}")]
pub struct CellIdError {
    /// Which coordinate.
    pub what: &'static str,
    /// The word found.
    pub found: String,
    /// What is allowed.
    pub expected: &'static str,
}

impl RepresentationName {
    /// The random initialisations of a model.
    pub fn random_init_of(model: &str) -> Self {
        Self::RandomInit { name: format!("{RANDOM_PREFIX}{model}") }
    }

    /// The name in results.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Named(name) | Self::RandomInit { name } => name,
            Self::ShuffledLabels => SHUFFLED_LABELS,
            Self::Majority => "majority",
            Self::Mean => "mean",
            Self::Oracle => ORACLE,
        }
    }
}

impl From<&str> for RepresentationName {
    fn from(name: &str) -> Self {
        match name {
            SHUFFLED_LABELS => Self::ShuffledLabels,
            "majority" => Self::Majority,
            "mean" => Self::Mean,
            ORACLE => Self::Oracle,
            name if name.starts_with(RANDOM_PREFIX) => Self::RandomInit { name: name.to_owned() },
            name => Self::Named(name.to_owned()),
        }
    }
}

impl fmt::Display for RepresentationName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Variant {
    /// How a model reads sequences; [`Variant::None`] if there are no settings.
    pub fn reading(settings: Vec<ReadingSetting>) -> Self {
        if settings.is_empty() { Self::None } else { Self::Reading(settings) }
    }
}

impl From<&str> for Variant {
    fn from(word: &str) -> Self {
        if matches!(word, NONE | "") {
            return Self::None;
        }
        let settings: Option<Vec<ReadingSetting>> = word.split(',').map(ReadingSetting::parse).collect();
        settings.map_or_else(|| Self::Of(word.to_owned()), Self::Reading)
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => formatter.write_str(NONE),
            Self::Of(name) => formatter.write_str(name),
            Self::Reading(settings) => {
                let words: Vec<String> = settings.iter().map(ToString::to_string).collect();
                formatter.write_str(&words.join(","))
            }
        }
    }
}

impl ReadingSetting {
    /// Reads a word; `truncate-left` is what files of versions before 0.1 have for `keep-left`.
    fn parse(word: &str) -> Option<Self> {
        match word.strip_prefix("keep-").or_else(|| word.strip_prefix("truncate-")) {
            Some("left") => return Some(Self::KeepLeft),
            Some("right") => return Some(Self::KeepRight),
            Some("center") => return Some(Self::KeepCenter),
            _ => {}
        }
        match word {
            "rc-average" => Some(Self::RcAverage),
            "bf16" => Some(Self::Bf16),
            _ => match word.strip_prefix("draws-") {
                Some(draws) => draws.parse().ok().map(Self::Draws),
                None => {
                    let (size, stride) = word.strip_prefix("window-")?.split_once('-')?;
                    Some(Self::Window { size: size.parse().ok()?, stride: stride.parse().ok()? })
                }
            },
        }
    }
}

impl fmt::Display for ReadingSetting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeepLeft => formatter.write_str("keep-left"),
            Self::KeepRight => formatter.write_str("keep-right"),
            Self::KeepCenter => formatter.write_str("keep-center"),
            Self::Window { size, stride } => write!(formatter, "window-{size}-{stride}"),
            Self::RcAverage => formatter.write_str("rc-average"),
            Self::Bf16 => formatter.write_str("bf16"),
            Self::Draws(draws) => write!(formatter, "draws-{draws}"),
        }
    }
}

impl Fraction {
    /// All of the training split.
    pub const WHOLE: Self = Self(1.0);

    /// A part; `None` if the number is not above 0 and at most 1.
    pub fn new(part: f64) -> Option<Self> {
        (part > 0.0 && part <= 1.0).then_some(Self(part))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }

    /// True for all of the training split.
    pub fn is_whole(self) -> bool {
        self == Self::WHOLE
    }
}

impl PartialEq for Fraction {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Fraction {}

impl std::hash::Hash for Fraction {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl FromStr for Fraction {
    type Err = CellIdError;

    fn from_str(word: &str) -> Result<Self, CellIdError> {
        if matches!(word, NONE | "") {
            return Ok(Self::WHOLE);
        }
        word.parse().ok().and_then(Self::new).ok_or_else(|| CellIdError {
            what: "fraction",
            found: word.to_owned(),
            expected: "a number above 0 and at most 1",
        })
    }
}

/// Serialises as one word and reads it back.
macro_rules! as_one_word {
    ($name:ident, $read:expr) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let read: fn(&str) -> Result<Self, CellIdError> = $read;
                read(&String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

as_one_word!(RepresentationName, |word| Ok(word.into()));
as_one_word!(Variant, |word| Ok(word.into()));
as_one_word!(Fraction, str::parse);

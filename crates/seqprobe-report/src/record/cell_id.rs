//! The coordinates of a cell: dataset, representation, variant, layer, pooling, probe and part of the training split.
//! In files each is one word; `-` says that a cell has no such coordinate.

use seqprobe_core::{LayerIndex, Pooling};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// What a suite writes before a model's name to ask for random initialisations of its architecture.
pub const RANDOM_PREFIX: &str = "random:";
/// The word for a coordinate that a cell does not have.
const NONE: &str = "-";
const SHUFFLED_LABELS: &str = "shuffled-labels";
const ORACLE: &str = "oracle";

/// The coordinates of a cell. Two cells of one run never share them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CellId {
    /// Dataset.
    pub dataset: String,
    /// What the probe reads, or what predicts without a probe.
    pub representation: RepresentationName,
    /// What else changes a value.
    pub variant: Variant,
    /// Layer of a model; `None` if there is no model.
    #[serde(with = "optional_word")]
    pub layer: Option<LayerIndex>,
    /// Pooling; `None` if there is none.
    #[serde(with = "optional_word")]
    pub pooling: Option<Pooling>,
    /// Probe; `None` for predictions without one.
    #[serde(with = "optional_word")]
    pub probe: Option<String>,
    /// Part of the training split.
    pub fraction: Fraction,
}

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

impl CellId {
    /// Variant, layer, pooling, probe and fraction as words, in this order.
    pub fn words(&self) -> [String; 5] {
        [
            self.variant.to_string(),
            word_or_dash(self.layer.as_ref()),
            word_or_dash(self.pooling.as_ref()),
            self.probe_word().to_owned(),
            self.fraction.to_string(),
        ]
    }

    /// The probe, or `-`.
    pub fn probe_word(&self) -> &str {
        self.probe.as_deref().unwrap_or(NONE)
    }

    /// Variant, layer and pooling as words, if the cell has them.
    pub fn settings(&self) -> Vec<String> {
        let [variant, layer, pooling, ..] = self.words();
        [variant, layer, pooling].into_iter().filter(|word| word != NONE).collect()
    }
}

impl fmt::Display for CellId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.dataset, self.representation, self.words().join("/"))
    }
}

impl Ord for CellId {
    /// By the words of the coordinates, one after the other.
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |id: &Self| (id.dataset.clone(), id.representation.as_str().to_owned(), id.words());
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for CellId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
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

/// The word of a coordinate, or `-`.
pub(crate) fn word_or_dash<T: fmt::Display>(value: Option<&T>) -> String {
    value.map_or_else(|| NONE.to_owned(), ToString::to_string)
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

/// A coordinate that a cell may lack: its word, or `-`.
pub(crate) mod optional_word {
    use super::{NONE, word_or_dash};
    use serde::{Deserialize, Deserializer, Serializer, de};
    use std::fmt::Display;
    use std::str::FromStr;

    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&word_or_dash(value.as_ref()))
    }

    pub(crate) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let word = String::deserialize(deserializer)?;
        if matches!(word.as_str(), NONE | "") {
            return Ok(None);
        }
        word.parse().map(Some).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: [&str; 7]) -> CellId {
        let [dataset, representation, variant, layer, pooling, probe, fraction] = words;
        let json = serde_json::json!({
            "dataset": dataset, "representation": representation, "variant": variant, "layer": layer,
            "pooling": pooling, "probe": probe, "fraction": fraction,
        });
        let id: CellId = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&id).unwrap(), json);
        assert_eq!(id.to_string(), words.join("/"));
        id
    }

    #[test]
    fn ids_are_read_and_written_word_for_word() {
        let id = read(["d", "m", "window-40-20,rc-average,bf16", "final", "mean", "linear", "0.5"]);
        assert_eq!(id.layer, Some(LayerIndex::Final));
        assert_eq!(id.fraction, "0.5".parse().unwrap());
        let window = ReadingSetting::Window { size: 40, stride: 20 };
        let settings = vec![window, ReadingSetting::RcAverage, ReadingSetting::Bf16];
        assert_eq!(id.variant, Variant::Reading(settings));
        let drawn = read(["d", "random:m", "keep-left,draws-3", "4", "tokens", "cnn", "1"]);
        assert_eq!(drawn.representation, RepresentationName::random_init_of("m"));
        assert!(drawn.fraction.is_whole());
        let noise = read(["d", "shuffled-labels", "models/m", "-", "-", "linear", "1"]);
        assert_eq!(noise.variant, Variant::Of("models/m".to_owned()));
        assert_eq!(noise.settings(), ["models/m"]);
        let constant = read(["d", "majority", "-", "-", "-", "-", "1"]);
        assert_eq!((constant.probe, constant.layer, constant.pooling), (None, None, None));
    }

    #[test]
    fn words_of_earlier_versions_are_read() {
        assert_eq!(Variant::from("truncate-right"), Variant::Reading(vec![ReadingSetting::KeepRight]));
        assert_eq!("1.0".parse::<Fraction>(), Ok(Fraction::WHOLE));
        assert_eq!("-".parse::<Fraction>(), Ok(Fraction::WHOLE));
    }

    #[test]
    fn other_words_are_errors() {
        for word in ["0", "1.5", "half", "NaN"] {
            assert!(word.parse::<Fraction>().unwrap_err().to_string().contains("above 0"), "{word}");
        }
        let json = r#"{"dataset":"d","representation":"m","variant":"-","layer":"last","pooling":"-","probe":"-","fraction":"1"}"#;
        assert!(serde_json::from_str::<CellId>(json).unwrap_err().to_string().contains("last"));
    }

    #[test]
    fn ids_sort_by_their_words() {
        let id = |layer| read(["d", "m", "-", layer, "mean", "linear", "1"]);
        assert!(id("10") < id("2") && id("2") < id("final") && id("-") < id("0"));
    }
}

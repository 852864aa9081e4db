//! The id of a cell: dataset, representation, variant, layer, pooling, probe and part of the training split.
//! In files each is one word; `-` says that a cell has no such coordinate.

use super::cell_coordinates::{Fraction, NONE, RepresentationName, Variant};
use seqprobe_core::{LayerIndex, Pooling};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

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

/// The word of a coordinate, or `-`.
pub(crate) fn word_or_dash<T: fmt::Display>(value: Option<&T>) -> String {
    value.map_or_else(|| NONE.to_owned(), ToString::to_string)
}

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
    use super::super::cell_coordinates::ReadingSetting;
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

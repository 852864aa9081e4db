//! Suite values that may be written in more than one way, and words of a fixed list. Each type says in its own words
//! what it expects: serde's own would name Rust types.

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

const LAYERS: &str = "\"all\" or a list of layers, each \"final\" or a number from 0";
const LAYER: &str = "\"final\" or a number from 0";
const CONTROLS: &str = "true, false or a list of controls";

/// `layers = "all"` or a list of names and numbers.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum LayersEntry {
    One(LayerEntry),
    Many(Vec<LayerEntry>),
}

impl LayersEntry {
    /// From words of the command line.
    pub(crate) fn from_words(words: &[String]) -> Self {
        if words == ["all"] {
            return Self::One(LayerEntry::Name("all".to_owned()));
        }
        let entry =
            |word: &String| word.parse().map_or_else(|_| LayerEntry::Name(word.clone()), LayerEntry::Number);
        Self::Many(words.iter().map(entry).collect())
    }
}

/// A layer's name or number.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum LayerEntry {
    Number(u32),
    Name(String),
}

/// `controls = false`, or the list of those wanted.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ControlsEntry {
    Switch(bool),
    Some(Vec<String>),
}

impl ControlsEntry {
    /// From words of the command line: `all`, `none`, or a list.
    pub(crate) fn from_words(words: &[String]) -> Self {
        match words {
            [word] if word == "all" => Self::Switch(true),
            [word] if word == "none" => Self::Switch(false),
            _ => Self::Some(words.to_vec()),
        }
    }
}

/// One `[[probe]]` as written: its id and the keys that this probe knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ProbeEntry {
    /// Which probe.
    pub(crate) id: String,
    /// The probe's own settings, which it reads and checks itself.
    #[serde(flatten)]
    pub(crate) settings: toml::Table,
}

struct LayerVisitor;

impl Visitor<'_> for LayerVisitor {
    type Value = LayerEntry;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(LAYER)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<LayerEntry, E> {
        Ok(LayerEntry::Name(name.to_owned()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<LayerEntry, E> {
        let refuse = |_| E::invalid_value(serde::de::Unexpected::Signed(number), &self);
        u32::try_from(number).map(LayerEntry::Number).map_err(refuse)
    }
}

impl<'de> Deserialize<'de> for LayerEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LayerVisitor)
    }
}

impl<'de> Deserialize<'de> for LayersEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LayersVisitor;
        impl<'de> Visitor<'de> for LayersVisitor {
            type Value = LayersEntry;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(LAYERS)
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<LayersEntry, E> {
                LayerVisitor.visit_str(name).map(LayersEntry::One)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<LayersEntry, E> {
                LayerVisitor.visit_i64(number).map(LayersEntry::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<LayersEntry, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(LayersEntry::Many)
            }
        }
        deserializer.deserialize_any(LayersVisitor)
    }
}

impl<'de> Deserialize<'de> for ControlsEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ControlsVisitor;
        impl<'de> Visitor<'de> for ControlsVisitor {
            type Value = ControlsEntry;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(CONTROLS)
            }

            fn visit_bool<E: Error>(self, is_on: bool) -> Result<ControlsEntry, E> {
                Ok(ControlsEntry::Switch(is_on))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<ControlsEntry, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(ControlsEntry::Some)
            }
        }
        deserializer.deserialize_any(ControlsVisitor)
    }
}

impl<'de> Deserialize<'de> for ProbeEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ProbeVisitor;
        impl<'de> Visitor<'de> for ProbeVisitor {
            type Value = ProbeEntry;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a table with the key id and the settings of that probe")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<ProbeEntry, A::Error> {
                let (mut id, mut settings) = (None, toml::Table::new());
                while let Some(key) = table.next_key::<String>()? {
                    if key == "id" {
                        id = Some(table.next_value()?);
                    } else {
                        settings.insert(key, table.next_value()?);
                    }
                }
                // An entry without an id is refused when the probes are checked, where its line is known.
                Ok(ProbeEntry { id: id.unwrap_or_default(), settings })
            }
        }
        deserializer.deserialize_any(ProbeVisitor)
    }
}

/// A word of a list that is checked later; another type is refused with that list.
struct WordVisitor(&'static str);

impl Visitor<'_> for WordVisitor {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<String, E> {
        Ok(word.to_owned())
    }
}

/// The key `keep`.
pub(super) fn keep<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let allowed = "\"left\", \"center\", \"right\" or \"error\"";
    deserializer.deserialize_any(WordVisitor(allowed)).map(Some)
}

/// The key `rc`.
pub(super) fn strands<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    deserializer.deserialize_any(WordVisitor("\"forward\" or \"average\"")).map(Some)
}

/// The key `precision`.
pub(super) fn precision<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    deserializer.deserialize_any(WordVisitor("\"f32\" or \"bf16\"")).map(Some)
}

/// The key `pooling`.
pub(super) fn pooling<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    struct PoolingVisitor;
    impl<'de> Visitor<'de> for PoolingVisitor {
        type Value = Vec<String>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list of poolings, for example [\"mean\", \"tokens\"]")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<String>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }
    }
    deserializer.deserialize_any(PoolingVisitor).map(Some)
}

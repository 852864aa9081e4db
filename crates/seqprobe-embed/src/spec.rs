//! How sequences become features: which end of a long sequence is kept, windows, strands and precision.

use crate::error::EmbedError;
use seqprobe_core::Pooling;
use seqprobe_models::{EncoderSpec, Precision};
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use thiserror::Error;

/// Which part is kept of a sequence that has more tokens than the model takes.
///
/// The variant names what is kept. Hugging Face's `truncation_side` names what is cut: its `left` is `Right` here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeepEnd {
    /// Nothing is cut: such a sequence is an error, which counts all of them.
    #[default]
    Error,
    /// The left part (the start of the sequence).
    Left,
    /// The right part (the end of the sequence).
    Right,
    /// The middle.
    Center,
}

impl FromStr for KeepEnd {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        match text {
            "error" => Ok(Self::Error),
            "left" => Ok(Self::Left),
            "right" => Ok(Self::Right),
            "center" => Ok(Self::Center),
            _ => Err(SettingError::KeepEnd(text.to_owned())),
        }
    }
}

/// Which strands enter the features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReverseComplement {
    /// The sequence as given.
    #[default]
    Forward,
    /// The mean of the pooled features of the sequence and of its reverse complement.
    Average,
}

impl FromStr for ReverseComplement {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        match text {
            "forward" => Ok(Self::Forward),
            "average" => Ok(Self::Average),
            _ => Err(SettingError::ReverseComplement(text.to_owned())),
        }
    }
}

/// Windows of `size` bases, one every `stride` bases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Bases of a window.
    pub size: usize,
    /// Bases from the start of one window to the start of the next; at most `size`.
    pub stride: usize,
}

impl Window {
    /// Checked windows.
    ///
    /// # Errors
    /// [`SettingError::WindowStride`] when the stride is 0 or leaves bases out between windows.
    pub fn new(size: usize, stride: usize) -> Result<Self, SettingError> {
        if stride == 0 || stride > size {
            return Err(SettingError::WindowStride { size, stride });
        }
        Ok(Self { size, stride })
    }
}

impl FromStr for Window {
    type Err = SettingError;

    /// `SIZE:STRIDE`, or `SIZE` for adjacent windows.
    fn from_str(text: &str) -> Result<Self, SettingError> {
        let (size, stride) = text.split_once(':').unwrap_or((text, text));
        match (size.parse(), stride.parse()) {
            (Ok(size), Ok(stride)) => Self::new(size, stride),
            _ => Err(SettingError::WindowText(text.to_owned())),
        }
    }
}

/// A setting that has no meaning.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SettingError {
    /// Not a part that can be kept.
    #[error(
        "part to keep {0:?} does not exist\n  hint: use left, right or center to keep that part of a sequence that is too long, or error"
    )]
    KeepEnd(String),
    /// Not a choice of strands.
    #[error("reverse complement {0:?} does not exist\n  hint: use forward or average")]
    ReverseComplement(String),
    /// Not the text form of windows.
    #[error("window {0:?}, expected bases as SIZE:STRIDE, for example 1000:500")]
    WindowText(String),
    /// Windows that do not cover the sequence.
    #[error(
        "window of {size} bases with stride {stride}, expected a stride of 1 to {size}\n  hint: a longer stride would leave bases out"
    )]
    WindowStride {
        /// Bases of a window.
        size: usize,
        /// Bases between the starts of two windows.
        stride: usize,
    },
    /// Not the id of a representation made from the bases.
    #[error(
        "representation {text:?} does not exist\n  hint: use one of {}, or model = \"…\" for a model",
        known.join(", ")
    )]
    Representation {
        /// What was given.
        text: String,
        /// The ids that exist.
        known: Vec<&'static str>,
    },
}

/// Settings that change extracted values, in addition to the model, layer, pooling and sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtractionSpec {
    /// The precision that the model must have been loaded with; another one is [`EmbedError::Precision`].
    pub precision: Precision,
    /// Strands.
    pub reverse_complement: ReverseComplement,
    /// The part that is kept of inputs that are too long.
    pub keep_end: KeepEnd,
    /// Windows that long inputs are read in; with them nothing is cut.
    pub window: Option<Window>,
}

/// Whether a pooling of hidden states exists for a model, and why not.
///
/// # Errors
/// [`EmbedError::NotApplicable`]: `cls` without a CLS token, `flatten` (made from stored tokens by
/// [`crate::Flattened`]), both strands or windows without pooling.
pub fn check_pooling(
    encoder: &EncoderSpec,
    spec: &ExtractionSpec,
    pooling: Pooling,
) -> Result<(), EmbedError> {
    let reason = match pooling {
        Pooling::Flatten => "flatten is made from stored tokens, not from hidden states".to_owned(),
        Pooling::Cls if !encoder.has_cls => {
            format!("this {} model has no CLS token that sees the sequence", encoder.family)
        }
        Pooling::Tokens if spec.reverse_complement == ReverseComplement::Average => {
            "token positions of the two strands do not correspond, so they cannot be averaged".to_owned()
        }
        Pooling::Tokens if spec.window.is_some() => {
            "overlapping windows hold the same bases, so their tokens cannot be joined".to_owned()
        }
        _ => return Ok(()),
    };
    Err(EmbedError::NotApplicable { what: format!("{pooling} pooling"), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_parse_or_say_what_is_expected() {
        assert_eq!("6:3".parse(), Window::new(6, 3));
        assert_eq!("6".parse(), Window::new(6, 6));
        assert_eq!(
            "6:7".parse::<Window>().unwrap_err().to_string(),
            "window of 6 bases with stride 7, expected a stride of 1 to 6\n  hint: a longer stride would leave bases out"
        );
        assert_eq!(
            "6,3".parse::<Window>().unwrap_err().to_string(),
            "window \"6,3\", expected bases as SIZE:STRIDE, for example 1000:500"
        );
    }

    #[test]
    fn texts_are_those_of_the_stored_form() {
        for keep in [KeepEnd::Error, KeepEnd::Left, KeepEnd::Right, KeepEnd::Center] {
            let text = serde_json::to_value(keep).unwrap();
            assert_eq!(text.as_str().unwrap().parse(), Ok(keep));
        }
        for strands in [ReverseComplement::Forward, ReverseComplement::Average] {
            let text = serde_json::to_value(strands).unwrap();
            assert_eq!(text.as_str().unwrap().parse(), Ok(strands));
        }
        let error = "start".parse::<KeepEnd>().unwrap_err().to_string();
        assert!(error.contains("\"start\" does not exist") && error.contains("hint: use left"), "{error}");
        let error = "both".parse::<ReverseComplement>().unwrap_err().to_string();
        assert!(error.contains("\"both\" does not exist"), "{error}");
    }
}

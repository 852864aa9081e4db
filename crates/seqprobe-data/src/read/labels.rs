//! The value of a target field: a class, a number, or missing.

use std::cmp::Ordering;
use std::fmt;
use thiserror::Error;

/// A target that cannot be read.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum TargetProblem {
    #[error("target {0:?} is not a finite number\n  hint: a missing target is an empty field or NA")]
    Infinite(String),
    #[error("target {0:?} is not a number")]
    Text(String),
    #[error("target {0:?} is neither 0 nor 1")]
    NeitherZeroNorOne(String),
}

/// A class label. `1`, `1.0` and `01` are the same number; everything else is a text.
#[derive(Clone, Debug)]
pub(crate) enum Label {
    /// A finite number, never -0.
    Number(f64),
    /// Any other text, without blanks around it.
    Text(String),
}

impl Label {
    /// Reads a label that is not missing.
    pub(crate) fn parse(text: &str) -> Result<Self, TargetProblem> {
        let text = text.trim();
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Self::Number(number + 0.0)),
            Ok(_) => Err(TargetProblem::Infinite(text.to_owned())),
            Err(_) => Ok(Self::Text(text.to_owned())),
        }
    }
}

impl Ord for Label {
    /// Numbers by value, then texts.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => left.total_cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Label {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Label {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Label {}

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

/// True for an empty text and `NA`.
pub(crate) fn is_missing(text: &str) -> bool {
    matches!(text.trim(), "" | "NA")
}

/// Reads a finite number that is not missing.
pub(crate) fn parse_number(text: &str) -> Result<f64, TargetProblem> {
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number + 0.0),
        Ok(_) => Err(TargetProblem::Infinite(text.trim().to_owned())),
        Err(_) => Err(TargetProblem::Text(text.trim().to_owned())),
    }
}

/// Reads a yes/no value that is not missing: 0 or 1, false or true.
pub(crate) fn parse_yes_no(text: &str) -> Result<f64, TargetProblem> {
    let text = text.trim();
    match text {
        "true" | "True" | "TRUE" => return Ok(1.0),
        "false" | "False" | "FALSE" => return Ok(0.0),
        _ => {}
    }
    match Label::parse(text)? {
        Label::Number(0.0) => Ok(0.0),
        Label::Number(1.0) => Ok(1.0),
        _ => Err(TargetProblem::NeitherZeroNorOne(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_numbers_and_come_before_texts() {
        assert_eq!(Label::parse("1.0"), Label::parse(" 1"));
        assert_eq!(Label::parse("-0"), Label::parse("0"));
        assert_ne!(Label::parse("a"), Label::parse("A"));
        let mut labels: Vec<_> =
            ["b", "10", "a", "9.0"].iter().map(|text| Label::parse(text).unwrap()).collect();
        labels.sort();
        assert_eq!(labels.iter().map(Label::to_string).collect::<Vec<_>>(), ["9", "10", "a", "b"]);
    }

    #[test]
    fn nan_and_infinity_are_not_labels() {
        for text in ["nan", "NaN", "inf", "-Infinity"] {
            assert!(Label::parse(text).is_err(), "{text}");
            assert!(parse_number(text).is_err(), "{text}");
        }
        assert!(is_missing(" NA ") && is_missing("") && !is_missing("0"));
    }

    #[test]
    fn yes_no_reads_numbers_and_words_only() {
        assert_eq!(parse_yes_no("1.0"), Ok(1.0));
        assert_eq!(parse_yes_no("False"), Ok(0.0));
        assert!(parse_yes_no("2").is_err() && parse_yes_no("yes").is_err());
    }
}

//! The value of a target field: a class, a number, or yes or no.

use std::cmp::Ordering;
use std::fmt;
use thiserror::Error;

/// A target that cannot be read.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum TargetProblem {
    #[error(
        "target {0:?} is not a finite number\n  hint: leave the field of a missing value empty; numbers are at most \
        1.8e308"
    )]
    Infinite(String),
    #[error(
        "target {0:?} has a decimal comma\n  hint: write a decimal point, as in 1.5, and no separator of thousands"
    )]
    DecimalComma(String),
    #[error("target {0:?} is not a number\n  hint: leave the field of a missing value empty, or write NA")]
    Text(String),
    #[error("target {0:?} is neither 0 nor 1")]
    NeitherZeroNorOne(String),
}

/// A class label. Two labels are the same class if their texts are the same, or if they are one whole number with and
/// without zeros after the point: `1.0` is `1`, and is called so. `01`, `+1` and `1e0` are other classes.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    /// As the file has it, without blanks around it.
    text: String,
    /// Length of the part of the text that counts: without the zeros after the point.
    plain: usize,
    /// The finite number that it is, never -0.
    number: Option<f64>,
}

impl Label {
    /// Reads a label that is not missing.
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim().to_owned();
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number + 0.0);
        let plain = plain_length(&text);
        Self { text, plain, number }
    }

    /// As the file has it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The name of the class: as the file has it, without zeros after the point of a whole number.
    pub(crate) fn name(&self) -> &str {
        &self.text[..self.plain]
    }

    /// The number that it is.
    pub(crate) fn number(&self) -> Option<f64> {
        self.number
    }

    /// True if both are the same class or, written in different ways, the same number.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self == other || (self.number.is_some() && self.number == other.number)
    }
}

/// The length of a whole number without zeros after its point, `1` of `1.00`; of any other text its whole length.
fn plain_length(text: &str) -> usize {
    let Some((whole, zeros)) = text.split_once('.') else { return text.len() };
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let has_no_zero_before = digits == "0" || !digits.starts_with('0');
    if is_whole && has_no_zero_before && !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') {
        whole.len()
    } else {
        text.len()
    }
}

impl Ord for Label {
    /// Numbers by value, then texts.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_text = || self.name().cmp(other.name());
        match (self.number, other.number) {
            (Some(left), Some(right)) => left.total_cmp(&right).then_with(by_text),
            (None, None) => by_text(),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
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
        formatter.write_str(self.name())
    }
}

/// Reads a finite number that is not missing.
pub(crate) fn parse_number(text: &str) -> Result<f64, TargetProblem> {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number + 0.0),
        Ok(_) => Err(TargetProblem::Infinite(text.to_owned())),
        Err(_) if has_decimal_comma(text) => Err(TargetProblem::DecimalComma(text.to_owned())),
        Err(_) => Err(TargetProblem::Text(text.to_owned())),
    }
}

/// True for a number with a comma in it, as in `1,5`.
pub(crate) fn has_decimal_comma(text: &str) -> bool {
    let text = text.trim();
    text.contains(',') && text.replace(',', "").parse::<f64>().is_ok_and(f64::is_finite)
}

/// Reads a yes/no value that is not missing: 0 or 1, false or true.
pub(crate) fn parse_yes_no(text: &str) -> Result<f64, TargetProblem> {
    let text = text.trim();
    match text {
        "true" | "True" | "TRUE" => return Ok(1.0),
        "false" | "False" | "FALSE" => return Ok(0.0),
        _ => {}
    }
    match parse_number(text) {
        Ok(number) if number.abs() < f64::MIN_POSITIVE => Ok(0.0),
        Ok(number) if (number - 1.0).abs() < f64::EPSILON => Ok(1.0),
        Err(problem @ (TargetProblem::Infinite(_) | TargetProblem::DecimalComma(_))) => Err(problem),
        _ => Err(TargetProblem::NeitherZeroNorOne(text.to_owned())),
    }
}

/// Words of the positive class, in lower case.
const POSITIVE: &[&str] = &[
    "1",
    "+",
    "true",
    "t",
    "yes",
    "y",
    "positive",
    "pos",
    "case",
    "cases",
    "active",
    "functional",
    "bound",
    "present",
    "pathogenic",
    "on",
    "high",
    "signal",
    "hit",
];
/// Words of the negative class, in lower case.
const NEGATIVE: &[&str] = &[
    "0",
    "-",
    "false",
    "f",
    "no",
    "n",
    "negative",
    "neg",
    "control",
    "controls",
    "ctrl",
    "inactive",
    "unbound",
    "absent",
    "benign",
    "neutral",
    "off",
    "low",
    "background",
    "random",
    "decoy",
    "shuffled",
    "none",
    ".",
    "--",
    "?",
    "wt",
    "wildtype",
    "other",
];
/// What is put in front of a class to name the other.
const NEGATIONS: &[&str] =
    &["non-", "non_", "non ", "non", "not-", "not_", "not ", "no-", "no_", "no ", "un", "in"];

/// Which of two labels, in their order, is the positive class if nobody says so: the greater of two numbers; the one
/// whose negation the other is (`enhancer` of `enhancer` and `non-enhancer`); the one that is a word for yes, or whose
/// other is a word for no; else the second.
pub(crate) fn usual_positive<'a>(first: &'a Label, second: &'a Label) -> &'a Label {
    if first.number.is_some() && second.number.is_some() {
        return second;
    }
    let words = [first, second].map(|label| label.text.to_lowercase());
    let negates = |one: &str, other: &str| {
        NEGATIONS.iter().any(|negation| one.strip_prefix(negation).is_some_and(|rest| rest == other))
    };
    let is_in = |list: &[&str]| words.each_ref().map(|word| list.contains(&word.as_str()));
    match (negates(&words[0], &words[1]), negates(&words[1], &words[0]), is_in(POSITIVE), is_in(NEGATIVE)) {
        (true, false, _, _) => second,
        (false, true, _, _) => first,
        (_, _, [true, false], _) => first,
        (_, _, [false, true], _) => second,
        (_, _, _, [false, true]) => first,
        _ => second,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_first_by_value_and_texts_are_as_written() {
        assert_eq!(Label::parse("1.0"), Label::parse(" 1"));
        assert_eq!(Label::parse("-2.00"), Label::parse("-2"));
        for (left, right) in [
            ("a", "A"),
            ("1e3", "1000"),
            ("01", "1"),
            ("+1", "1"),
            ("0.50", "0.5"),
            ("1.", "1"),
            ("01.0", "1"),
        ] {
            assert_ne!(Label::parse(left), Label::parse(right), "{left}");
        }
        assert!(
            Label::parse("1e3").is_like(&Label::parse("1000"))
                && !Label::parse("a").is_like(&Label::parse("A"))
        );
        let mut labels: Vec<_> =
            ["b", "10", "a", "9.0", "1e1", "inf"].iter().map(|text| Label::parse(text)).collect();
        labels.sort();
        assert_eq!(labels.iter().map(Label::text).collect::<Vec<_>>(), ["9.0", "10", "1e1", "a", "b", "inf"]);
    }

    #[test]
    fn numbers_are_finite_and_have_a_point() {
        for text in ["nan", "NaN", "inf", "-Infinity", "1e400"] {
            assert_eq!(parse_number(text), Err(TargetProblem::Infinite(text.to_owned())));
        }
        for text in ["1,5", "-0,33", "1,000,000", "1,5e3"] {
            assert_eq!(parse_number(text), Err(TargetProblem::DecimalComma(text.to_owned())));
        }
        for text in ["n.d.", "a,b", ","] {
            assert_eq!(parse_number(text), Err(TargetProblem::Text(text.to_owned())));
        }
        assert_eq!(parse_number(" -1.5e3 "), Ok(-1500.0));
    }

    #[test]
    fn yes_no_reads_numbers_and_words_only() {
        assert_eq!(parse_yes_no("1.0"), Ok(1.0));
        assert_eq!(parse_yes_no("0.00"), Ok(0.0));
        assert_eq!(parse_yes_no("False"), Ok(0.0));
        assert!(parse_yes_no("2").is_err() && parse_yes_no("yes").is_err() && parse_yes_no("0.5").is_err());
    }

    #[test]
    fn the_positive_class_is_the_one_that_the_words_say() {
        let positive = |one: &str, other: &str| {
            let mut labels = [Label::parse(one), Label::parse(other)];
            labels.sort();
            usual_positive(&labels[0], &labels[1]).text().to_owned()
        };
        for (yes, no) in [
            ("1", "0"),
            ("2", "1"),
            ("+", "-"),
            ("+1", "-1"),
            ("1.0", "0.0"),
            ("True", "False"),
            ("YES", "no"),
            ("enhancer", "non-enhancer"),
            ("promoter", "nonpromoter"),
            ("Promoter", "no promoter"),
            ("case", "control"),
            ("active", "inactive"),
            ("bound", "unbound"),
            ("pos", "neg"),
            ("enhancer", "none"),
            ("enhancer", "random"),
            ("positive", "zebra"),
            ("b", "a"),
            ("b", "B"),
        ] {
            assert_eq!(
                (positive(yes, no), positive(no, yes)),
                (yes.to_owned(), yes.to_owned()),
                "{yes} {no}"
            );
        }
    }
}

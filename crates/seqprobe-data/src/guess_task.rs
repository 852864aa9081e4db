//! What kind of task the values of the target columns make. A guess that could be wrong is an error that names the two
//! ways to go on.

use crate::error::DataError;
use crate::read::labels::{Label, has_decimal_comma, parse_yes_no, usual_positive};
use crate::read::missing::{MissingCounts, is_missing, missing_words_that_are_classes};
use seqprobe_core::TaskKind;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Maximum number of distinct values that can be classes without being asked for.
const MAX_CLASSES: usize = 20;
/// Distinct values shown in a message.
const SHOWN: usize = 6;

/// What a metric is of. It decides between classes and numbers where the values alone do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricOf {
    /// Classes.
    Classes,
    /// Numbers.
    Numbers,
}

/// The values of one target column.
pub(crate) struct TargetValues {
    name: String,
    /// Distinct texts and the line of the first; not more than [`MAX_CLASSES`] + 1 that are not missing words.
    texts: BTreeMap<String, u64>,
    /// More distinct texts than that.
    has_more: bool,
    missing: MissingCounts,
    n_numbers: usize,
    are_whole: bool,
    are_yes_or_no: bool,
    /// The first value that is not a number.
    first_text: Option<(String, u64)>,
    /// Whether all values that are not numbers are numbers with a comma.
    texts_have_commas: bool,
}

impl TargetValues {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            texts: BTreeMap::new(),
            has_more: false,
            missing: MissingCounts::default(),
            n_numbers: 0,
            are_whole: true,
            are_yes_or_no: true,
            first_text: None,
            texts_have_commas: true,
        }
    }

    /// Takes the value of a line.
    pub(crate) fn add(&mut self, text: &str, line: u64) {
        let text = text.trim();
        if is_missing(text) {
            self.missing.add(text);
            self.texts.entry(text.to_owned()).or_insert(line);
            return;
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => {
                self.n_numbers += 1;
                self.are_whole &= number.fract().abs() < f64::MIN_POSITIVE;
            }
            _ => {
                self.texts_have_commas &= has_decimal_comma(text);
                self.first_text.get_or_insert_with(|| (text.to_owned(), line));
            }
        }
        self.are_yes_or_no &= parse_yes_no(text).is_ok();
        if !self.has_more && !self.texts.contains_key(text) {
            self.texts.insert(text.to_owned(), line);
            self.has_more = self.labels().len() > MAX_CLASSES;
        }
    }

    /// The distinct labels, without missing words.
    fn labels(&self) -> BTreeSet<Label> {
        let mut labels = BTreeSet::new();
        for text in self.texts.keys().filter(|text| !is_missing(text)) {
            // The shorter of two spellings comes first and stays.
            labels.insert(Label::parse(text));
        }
        labels
    }

    /// The distinct labels, with the missing words that are names of classes.
    fn classes(&self, positive: Option<&str>) -> BTreeSet<Label> {
        let mut labels = self.labels();
        if !self.has_more {
            let texts: BTreeSet<String> = self.texts.keys().cloned().collect();
            let stated = positive.into_iter().map(|text| text.trim().to_owned()).collect();
            let words = missing_words_that_are_classes(&texts, &stated);
            labels.extend(words.iter().map(|word| Label::parse(word)));
        }
        labels
    }

    fn line_of(&self, label: &Label) -> u64 {
        self.texts.get(label.text()).copied().unwrap_or_default()
    }
}

/// The kind of task; `positive`: the class that the user calls positive.
///
/// # Errors
/// Where the values could be classes or numbers, or words for a missing value that is not known, and nothing decides.
pub(crate) fn guess_kind(
    path: &Path,
    targets: &[TargetValues],
    metric: Option<MetricOf>,
    positive: Option<&str>,
) -> Result<TaskKind, DataError> {
    match targets {
        [one] => guess_kind_of_one(path, one, metric, positive),
        several => guess_kind_of_several(path, several, metric),
    }
}

fn guess_kind_of_one(
    path: &Path,
    target: &TargetValues,
    metric: Option<MetricOf>,
    positive: Option<&str>,
) -> Result<TaskKind, DataError> {
    let name = &target.name;
    let refuse = |message: String| Err(DataError::file(path, format!("column {name:?} {message}")));
    let labels = target.classes(positive);
    if labels.len() < 2 {
        return refuse(too_few_values(target, &labels));
    }
    let number_of_classes = || if labels.len() == 2 { TaskKind::Binary } else { TaskKind::Multiclass };
    let (values, n) = (shown(&labels), labels.len());
    match &target.first_text {
        None if target.n_numbers == 0 => Ok(number_of_classes()),
        // Numbers only.
        None if target.has_more => Ok(TaskKind::Regression),
        None if has_two_spellings(&labels) => Ok(number_of_classes()),
        None if n == 2 && target.are_whole => Ok(TaskKind::Binary),
        None if n > 2 && !target.are_whole => Ok(TaskKind::Regression),
        None => match metric {
            Some(MetricOf::Classes) => Ok(number_of_classes()),
            Some(MetricOf::Numbers) => Ok(TaskKind::Regression),
            None => {
                let kind = number_of_classes().as_str();
                let whole = if target.are_whole { "whole " } else { "" };
                refuse(format!(
                    "has {n} distinct {whole}numbers: {values}; they can be classes or numbers\n  hint: --task {kind} \
                    if each is the name of a class, --task regression if they are numbers"
                ))
            }
        },
        Some((text, line)) if target.texts_have_commas => Err(DataError::line(
            path,
            *line,
            format!(
                "column {name:?}: {text:?} has a decimal comma\n  hint: write a decimal point, as in 1.5; --task \
                multiclass if each value is the name of a class"
            ),
        )),
        Some((text, line)) if target.n_numbers > 0 => {
            let number =
                labels.iter().find(|label| label.number().is_some()).map(Label::text).unwrap_or_default();
            let finite = if text.parse::<f64>().is_ok() { "finite " } else { "" };
            Err(DataError::line(
                path,
                *line,
                format!(
                    "column {name:?}: {text:?} is not a {finite}number, but other values are, as {number:?}\n  hint: --task {} \
                    if {text:?} is the name of a class; if the value is missing, leave the field empty or write NA",
                    if n == 2 { "binary" } else { "multiclass" }
                ),
            ))
        }
        Some(_) if target.has_more => refuse(format!(
            "has texts and more than {MAX_CLASSES} distinct values: {values}\n  hint: --task multiclass if each is the \
            name of a class, or name another column"
        )),
        Some(_) => match differ_in_case(&labels) {
            Some((one, other)) => Err(DataError::line(
                path,
                target.line_of(other).max(target.line_of(one)),
                format!(
                    "column {name:?} has both {:?} and {:?}\n  hint: write one class in one way; --task {} if they are \
                    different classes",
                    one.text(),
                    other.text(),
                    number_of_classes().as_str()
                ),
            )),
            None => Ok(number_of_classes()),
        },
    }
}

fn guess_kind_of_several(
    path: &Path,
    targets: &[TargetValues],
    metric: Option<MetricOf>,
) -> Result<TaskKind, DataError> {
    let are_numbers = targets.iter().all(|target| target.first_text.is_none());
    if targets.iter().all(|target| target.are_yes_or_no)
        && !(are_numbers && metric == Some(MetricOf::Numbers))
    {
        return Ok(TaskKind::Multilabel);
    }
    let first = targets.iter().find_map(|target| Some((target, target.first_text.as_ref()?)));
    match first {
        None => Ok(TaskKind::Regression),
        Some((target, (text, line))) => {
            let problem = if has_decimal_comma(text) { "has a decimal comma" } else { "is not a number" };
            Err(DataError::line(
                path,
                *line,
                format!(
                    "column {:?}: {text:?} {problem}\n  hint: several targets are numbers, or all of them 0 and 1; a \
                    missing value is an empty field or NA",
                    target.name
                ),
            ))
        }
    }
}

fn too_few_values(target: &TargetValues, labels: &BTreeSet<Label>) -> String {
    let values = match labels.first() {
        Some(only) => format!("has one value only, {:?}", only.text()),
        None => "has no value".to_owned(),
    };
    match target.missing.total() {
        0 => values,
        n => {
            let hint = if labels.is_empty() {
                ""
            } else {
                "\n  hint: --positive names the positive class; a word for missing is a class if it is named"
            };
            format!("{values}; {n} values are missing ({}){hint}", target.missing.text())
        }
    }
}

/// True where a number is written in two ways: then the values are names.
fn has_two_spellings(labels: &BTreeSet<Label>) -> bool {
    let labels: Vec<&Label> = labels.iter().collect();
    labels.windows(2).any(|pair| pair[0].is_like(pair[1]))
}

/// Two labels that differ in their case only.
fn differ_in_case(labels: &BTreeSet<Label>) -> Option<(&Label, &Label)> {
    let mut seen: BTreeMap<String, &Label> = BTreeMap::new();
    labels.iter().find_map(|label| Some((seen.insert(label.text().to_lowercase(), label)?, label)))
}

/// The positive class of a binary task.
pub(crate) fn guess_positive(target: Option<&TargetValues>) -> String {
    let labels: Vec<Label> = target.into_iter().flat_map(|target| target.classes(None)).collect();
    match labels.as_slice() {
        [first, second] => usual_positive(first, second).name().to_owned(),
        _ => labels.last().map(|label| label.name().to_owned()).unwrap_or_default(),
    }
}

fn shown(labels: &BTreeSet<Label>) -> String {
    let mut texts: Vec<&str> = labels.iter().take(SHOWN).map(Label::text).collect();
    if labels.len() > SHOWN {
        texts.push("…");
    }
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(values: &[&str], metric: Option<MetricOf>) -> Result<TaskKind, String> {
        let mut target = TargetValues::new("y");
        (2..).zip(values).for_each(|(line, value)| target.add(value, line));
        guess_kind(Path::new("x.csv"), &[target], metric, None).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_certain_is_guessed() {
        let many: Vec<String> = (0..30).map(|value| value.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for (values, kind) in [
            (&["0", "1", "NA"][..], TaskKind::Binary),
            (&["1.0", "1", "0", "0.0"], TaskKind::Binary),
            (&["True", "False"], TaskKind::Binary),
            (&["+", "-", "+"], TaskKind::Binary),
            (&["1e3", "1000", "2E1", "20"], TaskKind::Multiclass),
            (&["01", "1", "001"], TaskKind::Multiclass),
            (&["a", "b", "c", ""], TaskKind::Multiclass),
            (&["0.5", "1", "2"], TaskKind::Regression),
            (&many, TaskKind::Regression),
        ] {
            assert_eq!(guess(values, None), Ok(kind), "{values:?}");
        }
    }

    #[test]
    fn a_metric_decides_between_classes_and_numbers_and_nothing_else() {
        use MetricOf::{Classes, Numbers};
        assert_eq!(guess(&["0", "1", "2"], Some(Classes)), Ok(TaskKind::Multiclass));
        assert_eq!(guess(&["0", "1", "2"], Some(Numbers)), Ok(TaskKind::Regression));
        assert_eq!(guess(&["0.25", "0.75"], Some(Classes)), Ok(TaskKind::Binary));
        assert_eq!(guess(&["0.25", "0.75"], Some(Numbers)), Ok(TaskKind::Regression));
        assert_eq!(guess(&["0", "1"], Some(Numbers)), Ok(TaskKind::Binary));
        assert!(guess(&["0", "1", "unknown"], Some(Classes)).is_err());
        assert!(guess(&["0,5", "1,5"], Some(Numbers)).is_err());
    }

    #[test]
    fn what_is_not_certain_is_asked() {
        let error = |values: &[&str]| guess(values, None).unwrap_err();
        insta::assert_snapshot!(error(&["0", "8", "3", "0"]), @r#"
        x.csv: column "y" has 3 distinct whole numbers: 0, 3, 8; they can be classes or numbers
          hint: --task multiclass if each is the name of a class, --task regression if they are numbers
        "#);
        insta::assert_snapshot!(error(&["0.25", "0.75"]), @r#"
        x.csv: column "y" has 2 distinct numbers: 0.25, 0.75; they can be classes or numbers
          hint: --task binary if each is the name of a class, --task regression if they are numbers
        "#);
        insta::assert_snapshot!(error(&["0", "1", "unknown"]), @r#"
        x.csv:4: column "y": "unknown" is not a number, but other values are, as "0"
          hint: --task multiclass if "unknown" is the name of a class; if the value is missing, leave the field empty or write NA
        "#);
        insta::assert_snapshot!(error(&["1,5", "2", "NA"]), @r#"
        x.csv:2: column "y": "1,5" has a decimal comma
          hint: write a decimal point, as in 1.5; --task multiclass if each value is the name of a class
        "#);
        insta::assert_snapshot!(error(&["TRUE", "False", "True", "FALSE"]), @r#"
        x.csv:5: column "y" has both "FALSE" and "False"
          hint: write one class in one way; --task multiclass if they are different classes
        "#);
        assert!(
            error(&["TRUE", "True", "1"])
                .contains("\"TRUE\" is not a number, but other values are, as \"1\"")
        );
        insta::assert_snapshot!(error(&["1", "-", "", "-"]), @r#"
        x.csv: column "y" has one value only, "1"; 3 values are missing (2 "-", 1 empty)
          hint: --positive names the positive class; a word for missing is a class if it is named
        "#);
        insta::assert_snapshot!(error(&["", "NA"]), @r#"x.csv: column "y" has no value; 2 values are missing (1 empty, 1 "NA")"#);
    }

    #[test]
    fn several_targets_are_labels_or_numbers() {
        let kind = |columns: &[&[&str]], metric| {
            let targets: Vec<TargetValues> = columns
                .iter()
                .map(|values| {
                    let mut target = TargetValues::new("y");
                    (2..).zip(*values).for_each(|(line, value)| target.add(value, line));
                    target
                })
                .collect();
            guess_kind(Path::new("x.csv"), &targets, metric, None).map_err(|error| error.to_string())
        };
        assert_eq!(kind(&[&["0", "1"], &["True", "NA"]], None), Ok(TaskKind::Multilabel));
        assert_eq!(kind(&[&["0", "1"], &["1", "0"]], Some(MetricOf::Numbers)), Ok(TaskKind::Regression));
        assert_eq!(kind(&[&["0", "1"], &["2", "0"]], None), Ok(TaskKind::Regression));
        let error = kind(&[&["0", "1"], &["2", "low"]], None).unwrap_err();
        assert!(error.starts_with("x.csv:3: column \"y\": \"low\" is not a number\n"), "{error}");
    }
}

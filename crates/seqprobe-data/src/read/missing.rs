//! The words for a missing value, in one place, and how often each occurs.

use std::collections::{BTreeMap, BTreeSet};

/// Words that mean a missing value, in lower case; they are compared without case. They are the words of pandas, R,
/// spreadsheets and of tables of genomic tools. The empty text is one of them.
pub const MISSING_WORDS: &[&str] = &[
    "", "na", "n/a", "n.a.", "#n/a", "#n/a n/a", "#na", "<na>", "nan", "-nan", "null", "none", "nil", ".",
    "-", "--", "?", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "#div/0!", "#value!", "#ref!", "#num!",
    "#name?", "#null!",
];

/// Missing words that can be the name of a class where a column has two values only, as in `+` and `-`.
const CLASS_NAMES: &[&str] = &["none", ".", "-", "--", "?"];

/// True for one of [`MISSING_WORDS`], with or without blanks around it.
pub(crate) fn is_missing(text: &str) -> bool {
    let text = text.trim();
    text.len() <= 9 && MISSING_WORDS.contains(&text.to_lowercase().as_str())
}

/// The missing words of a column of classes that are class names. `values` are the distinct texts of the column, without
/// blanks around them; `stated` are classes that the user or the card names.
///
/// A word is a class if it is stated; `-` is one beside `+`; and `none`, `.`, `-`, `--` and `?` are ones where the column
/// has only one other value and that is a text.
pub(crate) fn missing_words_that_are_classes(
    values: &BTreeSet<String>,
    stated: &BTreeSet<String>,
) -> BTreeSet<String> {
    let can_be_missing = |text: &&String| is_missing(text);
    let mut classes: BTreeSet<String> =
        values.iter().filter(can_be_missing).filter(|text| stated.contains(*text)).cloned().collect();
    if values.contains("+") && values.contains("-") {
        classes.insert("-".to_owned());
    }
    let is_name = |text: &str| CLASS_NAMES.contains(&text.to_lowercase().as_str());
    let others: Vec<&String> = values.iter().filter(|text| !is_missing(text) || is_name(text)).collect();
    if let [first, second] = others[..] {
        let word = [first, second].into_iter().find(|text| is_missing(text));
        let other = [first, second].into_iter().find(|text| !is_missing(text));
        if let (Some(word), Some(other)) = (word, other)
            && other.parse::<f64>().is_err()
        {
            classes.insert(word.clone());
        }
    }
    classes
}

/// How often each missing word occurs, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MissingCounts(BTreeMap<String, usize>);

impl MissingCounts {
    /// Counts one.
    pub(crate) fn add(&mut self, word: &str) {
        *self.0.entry(word.trim().to_owned()).or_default() += 1;
    }

    /// All of them.
    pub(crate) fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// `12 "None", 3 empty`; the most frequent first.
    pub(crate) fn text(&self) -> String {
        let mut counts: Vec<(&String, usize)> = self.0.iter().map(|(word, &count)| (word, count)).collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let one = |(word, count): (&String, usize)| match word.as_str() {
            "" => format!("{count} empty"),
            word => format!("{count} {word:?}"),
        };
        counts.into_iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn classes(values: &[&str], stated: &[&str]) -> Vec<String> {
        let set = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        missing_words_that_are_classes(&set(values), &set(stated)).into_iter().collect()
    }

    #[test]
    fn a_word_is_a_class_beside_one_text_or_where_it_is_named() {
        assert_eq!(classes(&["+", "-"], &[]), ["-"]);
        assert_eq!(classes(&["+", "-", ".", ""], &[]), ["-"]);
        assert_eq!(classes(&["enhancer", "None", "NA"], &[]), ["None"]);
        assert_eq!(classes(&["enhancer", "none"], &[]), ["none"]);
        assert!(classes(&["enhancer", "NA"], &[]).is_empty());
        assert!(classes(&["enhancer", "silencer", "none"], &[]).is_empty());
        assert_eq!(classes(&["enhancer", "silencer", "none"], &["none"]), ["none"]);
        assert!(classes(&["1", "-"], &[]).is_empty());
        assert!(classes(&["0", "1", "None"], &[]).is_empty());
        assert!(classes(&["0", "1"], &["none"]).is_empty());
        assert_eq!(classes(&["0", "NA"], &["NA"]), ["NA"]);
    }

    #[test]
    fn counts_are_told_by_word() {
        let mut counts = MissingCounts::default();
        for word in ["", " None", "None", "?"] {
            counts.add(word);
        }
        assert_eq!((counts.total(), counts.text()), (4, "2 \"None\", 1 empty, 1 \"?\"".to_owned()));
    }

    proptest! {
        #[test]
        fn words_are_missing_in_any_case_and_with_blanks(
            word in prop::sample::select(MISSING_WORDS), upper in any::<u16>(), blanks in "[ \t]{0,3}",
        ) {
            let cased: String = word
                .chars()
                .enumerate()
                .map(|(place, letter)| {
                    if upper >> (place % 16) & 1 == 1 { letter.to_ascii_uppercase() } else { letter }
                })
                .collect();
            let text = format!("{blanks}{cased}{blanks}");
            prop_assert!(is_missing(&text));
        }

        #[test]
        fn numbers_and_names_are_not_missing(number in any::<f64>(), name in "[a-z]{5,12}") {
            prop_assume!(number.is_finite());
            prop_assert!(!is_missing(&number.to_string()) && !is_missing(&name));
        }
    }
}

//! The words that name a split in a column.

use seqprobe_core::Split;

/// Names, in lower case, that a column of splits may have.
pub(crate) const SPLIT_COLUMNS: &[&str] = &["split", "set", "partition", "fold", "subset"];

/// Words of each split, in lower case.
const WORDS: [(Split, &[&str]); 3] = [
    (Split::Train, &["train", "training", "tr"]),
    (Split::Valid, &["valid", "validation", "val", "dev", "development"]),
    (Split::Test, &["test", "testing", "holdout", "held-out", "heldout"]),
];

/// The split that a word names, in any case.
pub(crate) fn split_named(word: &str) -> Option<Split> {
    let word = word.trim().to_lowercase();
    WORDS.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(split, _)| *split)
}

/// All words, for a message.
pub(crate) fn words_shown() -> String {
    WORDS.iter().flat_map(|(_, words)| *words).copied().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_any_case_and_others_are_not() {
        for (word, split) in
            [("Train", Split::Train), (" VAL ", Split::Valid), ("dev", Split::Valid), ("TEST", Split::Test)]
        {
            assert_eq!(split_named(word), Some(split));
        }
        for word in ["", "0", "1", "2", "training set", "positive"] {
            assert_eq!(split_named(word), None, "{word}");
        }
    }
}

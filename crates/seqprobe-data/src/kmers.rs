//! Overlapping k-mers as text, back to the sequence they were cut from.

/// Joins k-mers separated by blanks, each one letter further than the one before.
pub(crate) fn join_kmers(text: &str, k: usize) -> Result<String, String> {
    let mut joined = String::new();
    for (index, word) in text.split_whitespace().enumerate() {
        if word.chars().count() != k {
            return Err(format!(
                "word {} ({word:?}) is not a {k}-mer\n  hint: the card says kmers = {k}",
                index + 1
            ));
        }
        if index == 0 {
            joined.push_str(word);
            continue;
        }
        // The letters before are ASCII or will be refused; comparing bytes is safe either way.
        let last = word.char_indices().last().map_or(0, |(place, _)| place);
        let (overlap, letter) = word.split_at(last);
        if !joined.ends_with(overlap) {
            return Err(format!("word {} ({word:?}) does not continue the k-mer before it", index + 1));
        }
        joined.push_str(letter);
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn gaps_and_wrong_lengths_are_errors() {
        assert!(join_kmers("ACG GGT", 3).is_err());
        assert!(join_kmers("ACG CGTA", 3).is_err());
        assert!(join_kmers("ACé Céé", 3).is_ok());
    }

    proptest! {
        #[test]
        fn cutting_and_joining_round_trips(sequence in "[ACGT]{6,80}", k in 1_usize..7) {
            let words: Vec<&str> = (0..=sequence.len() - k).map(|start| &sequence[start..start + k]).collect();
            prop_assert_eq!(join_kmers(&words.join(" "), k), Ok(sequence.clone()));
        }
    }
}

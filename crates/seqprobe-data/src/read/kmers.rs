//! Overlapping k-mers as text, back to the sequence they were cut from.

use seqprobe_core::SequenceError;
use thiserror::Error;

/// k-mers that do not overlap as they should. Places are 1-based.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum KmerProblem {
    #[error("k-mer {place} ({kmer:?}) does not have {k} bases\n  hint: the card says kmers = {k}")]
    Length { place: usize, kmer: String, k: usize },
    #[error("k-mer {place} ({kmer:?}) does not overlap the k-mer before it")]
    Overlap { place: usize, kmer: String },
}

/// Joins k-mers separated by blanks; each starts one base after the one before.
pub(crate) fn join_kmers(text: &str, k: usize) -> Result<String, KmerProblem> {
    let mut joined = String::new();
    for (index, kmer) in text.split_whitespace().enumerate() {
        let place = index + 1;
        if kmer.chars().count() != k {
            return Err(KmerProblem::Length { place, kmer: kmer.to_owned(), k });
        }
        if index == 0 {
            joined.push_str(kmer);
            continue;
        }
        // What is not ASCII is rejected later; comparing bytes is safe either way.
        let last = kmer.char_indices().last().map_or(0, |(place, _)| place);
        let (overlap, base) = kmer.split_at(last);
        if !joined.ends_with(overlap) {
            return Err(KmerProblem::Overlap { place, kmer: kmer.to_owned() });
        }
        joined.push_str(base);
    }
    Ok(joined)
}

/// Why a text is not a sequence, with a hint where it is k-mers separated by blanks, or where a comment is in a record.
pub(crate) fn sequence_problem(text: &str, problem: &SequenceError) -> String {
    let mut words = text.split_whitespace();
    let k = words.next().map_or(0, str::len);
    if k > 1 && words.next().is_some() && join_kmers(text, k).is_ok() {
        return format!(
            "sequence: {problem}\n  hint: these seem to be {k}-mers; a card with kmers = {k} joins them \
            (`seqprobe probe --save DIR` writes a card to start from)"
        );
    }
    if matches!(problem, SequenceError::Letter { letter: ';' | '#', .. }) {
        return format!(
            "sequence: {problem}\n  hint: comments can be before the first record only; remove this one"
        );
    }
    format!("sequence: {problem}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn gaps_and_wrong_lengths_are_errors() {
        assert!(matches!(join_kmers("ACG GGT", 3), Err(KmerProblem::Overlap { place: 2, .. })));
        assert!(matches!(join_kmers("ACG CGTA", 3), Err(KmerProblem::Length { place: 2, k: 3, .. })));
        assert!(join_kmers("ACé Céé", 3).is_ok());
    }

    #[test]
    fn texts_of_kmers_get_a_hint() {
        let problem = |text: &str| {
            let error = seqprobe_core::DnaSequence::parse(text).unwrap_err();
            sequence_problem(text, &error)
        };
        assert!(problem("ATG TGC GCA").contains("kmers = 3"));
        assert!(!problem("ATG TGCA").contains("kmers"));
        assert!(!problem("ATG CAT").contains("kmers"));
        assert!(!problem("ATG-").contains("kmers"));
        assert!(problem("ATG;note").contains("remove this one"));
    }

    proptest! {
        #[test]
        fn cutting_and_joining_round_trips(sequence in "[ACGT]{6,80}", k in 1_usize..7) {
            let kmers: Vec<&str> = (0..=sequence.len() - k).map(|start| &sequence[start..start + k]).collect();
            prop_assert_eq!(join_kmers(&kmers.join(" "), k), Ok(sequence.clone()));
        }
    }
}

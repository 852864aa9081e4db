//! What is said of letters that are not A, C, G or T: they are read as N, and a reader has to know how many they are.

use seqprobe_core::{BaseCounts, DnaSequence};

/// Share of ambiguity codes from which a text is likely to be a protein.
const PROTEIN_SHARE: f64 = 0.2;

/// Letters of some sequences, and how many of the sequences have no known base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LetterCounts {
    letters: BaseCounts,
    n_sequences: usize,
    n_unknown: usize,
}

impl LetterCounts {
    /// The letters of sequences that were read together.
    pub fn of(sequences: &[DnaSequence], letters: BaseCounts) -> Self {
        let n_unknown = sequences.iter().filter(|sequence| is_unknown(sequence)).count();
        Self { letters, n_sequences: sequences.len(), n_unknown }
    }

    /// Takes one sequence.
    pub(crate) fn add(&mut self, sequence: &DnaSequence, letters: BaseCounts) {
        self.letters += letters;
        self.n_sequences += 1;
        self.n_unknown += usize::from(is_unknown(sequence));
    }

    /// One sentence about letters that were changed to N, and one about sequences that are only N.
    pub fn remarks(&self) -> Vec<String> {
        let BaseCounts { total, n, iupac, .. } = self.letters;
        let percent = |count: u64| 100.0 * count as f64 / total.max(1) as f64;
        let mut remarks = Vec::new();
        if iupac > 0 {
            let protein =
                if iupac as f64 >= PROTEIN_SHARE * total as f64 { ": are these proteins?" } else { "" };
            remarks.push(format!(
                "{iupac} of {total} letters ({:.2}%) are ambiguity codes and became N{protein}",
                percent(iupac)
            ));
        }
        if n > 0 {
            remarks.push(format!("{n} of {total} letters ({:.2}%) are N", percent(n)));
        }
        if self.n_unknown > 0 {
            remarks.push(format!(
                "{} of {} sequences have no known base: they are N only",
                self.n_unknown, self.n_sequences
            ));
        }
        remarks
    }
}

fn is_unknown(sequence: &DnaSequence) -> bool {
    sequence.as_bytes().iter().all(|&base| base == b'N')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remarks(texts: &[&str]) -> Vec<String> {
        let mut counts = LetterCounts::default();
        for text in texts {
            let (sequence, letters) = DnaSequence::parse(text).unwrap();
            counts.add(&sequence, letters);
        }
        counts.remarks()
    }

    #[test]
    fn letters_that_are_lost_are_counted() {
        assert!(remarks(&["ACGT", "acgu"]).is_empty());
        assert_eq!(remarks(&["ACGTN", "ACGTA"]), ["1 of 10 letters (10.00%) are N"]);
        assert_eq!(
            remarks(&["ACGTR", "ACGTA"]),
            ["1 of 10 letters (10.00%) are ambiguity codes and became N"]
        );
        assert_eq!(
            remarks(&["MKHVRDGAST", "NNN"]),
            [
                "7 of 13 letters (53.85%) are ambiguity codes and became N: are these proteins?",
                "3 of 13 letters (23.08%) are N",
                "1 of 2 sequences have no known base: they are N only",
            ]
        );
    }
}

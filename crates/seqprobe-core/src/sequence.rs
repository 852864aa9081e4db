//! A DNA sequence after the base policy: lower case becomes upper case, U becomes T, and IUPAC ambiguity codes become N
//! and are counted. Any other character is an error that names its position.

use thiserror::Error;

/// A non-empty DNA sequence over the upper-case bases `A C G T N`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DnaSequence(Box<[u8]>);

/// Bases of a text, and how many of them were changed or are unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BaseCounts {
    /// All bases.
    #[serde(rename = "letters")]
    pub total: u64,
    /// Bases `N` in the input.
    pub n: u64,
    /// IUPAC ambiguity codes other than N, read as N.
    pub iupac: u64,
    /// Bases U, read as T.
    pub uracil: u64,
}

impl std::ops::AddAssign for BaseCounts {
    fn add_assign(&mut self, other: Self) {
        self.total += other.total;
        self.n += other.n;
        self.iupac += other.iupac;
        self.uracil += other.uracil;
    }
}

/// Why a text is not a DNA sequence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SequenceError {
    /// There is no base.
    #[error("empty sequence")]
    Empty,
    /// A character outside the alphabet.
    #[error(
        "letter {letter:?} at position {position} (1-based) is not DNA\n  \
         hint: allowed are A C G T U N and the IUPAC codes R Y S W K M B D H V, in either case"
    )]
    Letter {
        /// 1-based position of the character.
        position: usize,
        /// The character found.
        letter: char,
    },
}

impl DnaSequence {
    /// Reads a text by the base policy.
    ///
    /// ```
    /// use seqprobe_core::DnaSequence;
    ///
    /// let (sequence, counts) = DnaSequence::parse("acguRn")?;
    /// assert_eq!(sequence.as_str(), "ACGTNN");
    /// assert_eq!((counts.uracil, counts.iupac, counts.n), (1, 1, 1));
    /// assert_eq!(sequence.reverse_complement().as_str(), "NNACGT");
    ///
    /// let error = DnaSequence::parse("ACX").unwrap_err();
    /// assert!(error.to_string().starts_with("letter 'X' at position 3 (1-based) is not DNA"));
    /// # Ok::<(), seqprobe_core::SequenceError>(())
    /// ```
    ///
    /// # Errors
    /// [`SequenceError`] when the text is empty or has a character outside the alphabet.
    pub fn parse(text: &str) -> Result<(Self, BaseCounts), SequenceError> {
        // Nearly all sequences need no change: one pass that the processor does many letters at a time.
        let is_plain = |byte: &u8| matches!(byte, b'A' | b'C' | b'G' | b'T');
        if !text.is_empty() && text.as_bytes().iter().fold(true, |all, byte| all & is_plain(byte)) {
            let counts = BaseCounts { total: text.len() as u64, ..BaseCounts::default() };
            return Ok((Self(text.as_bytes().into()), counts));
        }
        let mut counts = BaseCounts::default();
        let mut bases = Vec::with_capacity(text.len());
        for (index, byte) in text.bytes().enumerate() {
            let base = match byte.to_ascii_uppercase() {
                known @ (b'A' | b'C' | b'G' | b'T') => known,
                b'U' => {
                    counts.uracil += 1;
                    b'T'
                }
                b'N' => {
                    counts.n += 1;
                    b'N'
                }
                b'R' | b'Y' | b'S' | b'W' | b'K' | b'M' | b'B' | b'D' | b'H' | b'V' => {
                    counts.iupac += 1;
                    b'N'
                }
                _ => {
                    let letter = text[index..].chars().next().unwrap_or(char::REPLACEMENT_CHARACTER);
                    let position = text[..index].chars().count() + 1;
                    return Err(SequenceError::Letter { position, letter });
                }
            };
            bases.push(base);
        }
        if bases.is_empty() {
            return Err(SequenceError::Empty);
        }
        counts.total = bases.len() as u64;
        Ok((Self(bases.into_boxed_slice()), counts))
    }

    /// Builds a sequence from the base codes 0 to 4 for `A C G T N`.
    ///
    /// # Errors
    /// [`SequenceError`] when there is no code or one above 4.
    pub fn from_codes(codes: &[u8]) -> Result<Self, SequenceError> {
        if codes.is_empty() {
            return Err(SequenceError::Empty);
        }
        let mut bases = Vec::with_capacity(codes.len());
        for (index, &code) in codes.iter().enumerate() {
            let Some(&base) = b"ACGTN".get(usize::from(code)) else {
                return Err(SequenceError::Letter { position: index + 1, letter: char::from(code) });
            };
            bases.push(base);
        }
        Ok(Self(bases.into_boxed_slice()))
    }

    /// The bases as upper-case characters, each one of `ACGTN`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bases as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Number of bases, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a sequence is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Base codes: A 0, C 1, G 2, T 3, N 4.
    pub fn codes(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.iter().map(|&base| base_code(base))
    }

    /// Returns the bases in a 0-based half-open range; `None` if it is empty or ends after the sequence.
    pub fn part(&self, range: std::ops::Range<usize>) -> Option<Self> {
        self.0.get(range).filter(|bases| !bases.is_empty()).map(|bases| Self(bases.into()))
    }

    /// Returns the reverse complement.
    pub fn reverse_complement(&self) -> Self {
        Self(
            self.0
                .iter()
                .rev()
                .map(|base| match base {
                    b'A' => b'T',
                    b'C' => b'G',
                    b'G' => b'C',
                    b'T' => b'A',
                    other => *other,
                })
                .collect(),
        )
    }
}

/// Returns the code of an upper-case base: A 0, C 1, G 2, T 3, anything else 4.
pub fn base_code(base: u8) -> u8 {
    match base {
        b'A' => 0,
        b'C' => 1,
        b'G' => 2,
        b'T' => 3,
        _ => 4,
    }
}

impl std::fmt::Debug for DnaSequence {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "DnaSequence({})", self.as_str())
    }
}

impl std::fmt::Display for DnaSequence {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_base_policy_converts_and_counts() {
        let (sequence, counts) = DnaSequence::parse("acguNRyT").unwrap();
        assert_eq!(sequence.as_str(), "ACGTNNNT");
        assert_eq!(counts, BaseCounts { total: 8, n: 1, iupac: 2, uracil: 1 });
    }

    #[test]
    fn other_characters_are_errors_with_their_position() {
        assert_eq!(DnaSequence::parse(""), Err(SequenceError::Empty));
        assert_eq!(DnaSequence::parse("ACX"), Err(SequenceError::Letter { position: 3, letter: 'X' }));
        assert_eq!(DnaSequence::parse("Aé"), Err(SequenceError::Letter { position: 2, letter: 'é' }));
        assert_eq!(DnaSequence::parse("A-C"), Err(SequenceError::Letter { position: 2, letter: '-' }));
    }

    proptest! {
        #[test]
        fn reverse_complement_is_an_involution(text in "[ACGTN]{1,60}") {
            let (sequence, _) = DnaSequence::parse(&text).unwrap();
            prop_assert_eq!(sequence.reverse_complement().reverse_complement(), sequence);
        }

        #[test]
        fn codes_round_trip(text in "[ACGTN]{1,60}") {
            let (sequence, _) = DnaSequence::parse(&text).unwrap();
            let codes: Vec<u8> = sequence.codes().collect();
            prop_assert_eq!(DnaSequence::from_codes(&codes).unwrap(), sequence);
        }
    }
}

//! The bases of sequences as codes, aligned at one end.
//!
//! Sequences shorter than the longest in train are filled up with N, so that a position means the same in all of them.
//! The codes come from the sequences if the features offer them, else from the one-hot rows, where zeros mean N.

use seqprobe_core::{FeatureError, FeatureKind, FeatureView, ProbeError};
use serde::Deserialize;

/// The code of N.
pub(crate) const UNKNOWN: u8 = 4;
/// Largest number of one-hot values in memory.
const MAX_BLOCK_VALUES: usize = 1 << 22;

/// At which end sequences of unequal length are aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// At their first bases.
    Left,
    /// At their last bases.
    Right,
}

impl Align {
    /// The word used in suites and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }

    /// Returns the alignment that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Left, Self::Right].into_iter().find(|align| align.as_str() == word)
    }
}

/// Rows of bases of one length.
pub(crate) struct AlignedBases {
    /// `[rows, length]`: 0 to 3 for A C G T, 4 for N.
    pub(crate) codes: Vec<u8>,
    pub(crate) length: usize,
}

impl AlignedBases {
    /// Reads the bases of a view, filled up to `length`.
    ///
    /// # Errors
    /// [`ProbeError`] when a row is longer than `length` or the features are not one-hot.
    pub(crate) fn read(view: &FeatureView<'_>, length: usize, align: Align) -> Result<Self, ProbeError> {
        if view.kind() != FeatureKind::Tokens || view.dim() != 4 {
            return Err(not_one_hot());
        }
        let mut codes = vec![UNKNOWN; view.n_rows() * length];
        let place = |row: usize| {
            let own = view.length(row);
            if own > length {
                return Err(FeatureError::TooLong { row, length: own, limit: length });
            }
            let start = row * length + if align == Align::Right { length - own } else { 0 };
            Ok(start..start + own)
        };
        let block = (MAX_BLOCK_VALUES / (4 * length.max(1))).max(1);
        let mut values = Vec::new();
        for first in (0..view.n_rows()).step_by(block) {
            let rows: Vec<usize> = (first..view.n_rows().min(first + block)).collect();
            if rows.iter().all(|&row| view.sequence(row).is_some()) {
                for row in rows {
                    let sequence = view.sequence(row).into_iter().flat_map(|sequence| sequence.codes());
                    codes[place(row)?].iter_mut().zip(sequence).for_each(|(code, base)| *code = base);
                }
                continue;
            }
            values.clear();
            view.read(&rows, &mut values)?;
            let mut vectors = values.as_chunks::<4>().0.iter();
            for row in rows {
                for code in &mut codes[place(row)?] {
                    let vector = vectors.next().ok_or_else(not_one_hot)?;
                    *code = base_of(vector).ok_or_else(not_one_hot)?;
                }
            }
        }
        Ok(Self { codes, length })
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.codes.len() / self.length.max(1)
    }

    /// Returns some of the rows.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let row = |&row: &usize| self.codes[row * self.length..(row + 1) * self.length].iter().copied();
        Self { codes: rows.iter().flat_map(row).collect(), length: self.length }
    }
}

fn not_one_hot() -> ProbeError {
    ProbeError::NotApplicable(
        "dexter reads the bases of the sequences: it needs one-hot features, one vector per base\n  \
         hint: use the representation onehot with pooling tokens"
            .to_owned(),
    )
}

/// Returns the code of a one-hot vector, `None` if it is not one-hot.
fn base_of(vector: &[f32; 4]) -> Option<u8> {
    let mut found = UNKNOWN;
    for (code, value) in (0..4).zip(vector) {
        if value.total_cmp(&1.0).is_eq() && found == UNKNOWN {
            found = code;
        } else if *value != 0.0 {
            return None;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use seqprobe_core::{DnaSequence, FeatureSource};

    #[test]
    fn a_vector_is_one_base_or_none() {
        assert_eq!(base_of(&[0.0, 0.0, 1.0, 0.0]), Some(2));
        assert_eq!(base_of(&[0.0; 4]), Some(UNKNOWN));
        assert_eq!(base_of(&[0.5, 0.0, 0.5, 0.0]), None);
        assert_eq!(base_of(&[1.0, 1.0, 0.0, 0.0]), None);
    }

    /// One-hot rows, with or without their sequences.
    struct OneHot {
        sequences: Vec<DnaSequence>,
        offers: bool,
    }

    impl FeatureSource for OneHot {
        fn n_rows(&self) -> usize {
            self.sequences.len()
        }

        fn dim(&self) -> usize {
            4
        }

        fn kind(&self) -> FeatureKind {
            FeatureKind::Tokens
        }

        fn length(&self, row: usize) -> usize {
            self.sequences[row].len()
        }

        fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
            assert!(!self.offers, "the sequences are read instead");
            for &row in rows {
                for base in self.sequences[row].codes() {
                    out.extend((0..4).map(|code| f32::from(u8::from(code == base))));
                }
            }
            Ok(())
        }

        fn sequences(&self) -> Option<&[DnaSequence]> {
            self.offers.then_some(&self.sequences)
        }
    }

    #[test]
    fn sequences_and_their_one_hot_rows_give_the_same_codes() {
        let sequences: Vec<DnaSequence> =
            ["ACGTN", "GT", "NNA"].iter().map(|text| DnaSequence::parse(text).unwrap().0).collect();
        let read = |offers: bool, align: Align, length: usize| {
            let source = OneHot { sequences: sequences.clone(), offers };
            let view = FeatureView::new(&source, &[2, 0, 1]).unwrap();
            AlignedBases::read(&view, length, align).map(|bases| bases.codes)
        };
        for offers in [false, true] {
            let left = read(offers, Align::Left, 5).unwrap();
            assert_eq!(left, [4, 4, 0, 4, 4, 0, 1, 2, 3, 4, 2, 3, 4, 4, 4], "{offers}");
            let right = read(offers, Align::Right, 5).unwrap();
            assert_eq!(right, [4, 4, 4, 4, 0, 0, 1, 2, 3, 4, 4, 4, 4, 2, 3], "{offers}");
            let error = read(offers, Align::Left, 4).unwrap_err().to_string();
            assert!(error.starts_with("row 1 has 5 tokens"), "{error}");
        }
    }
}

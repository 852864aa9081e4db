//! One-hot vectors: four values per base, made from the sequences when they are read. Nothing is stored.

use seqprobe_core::{DnaSequence, FeatureError, FeatureKind, FeatureSource};

/// One vector per base in the order A C G T; N is all zeros.
#[derive(Clone, Copy, Debug)]
pub struct OneHot<'a> {
    sequences: &'a [DnaSequence],
}

impl<'a> OneHot<'a> {
    /// The one-hot rows of some sequences, one row each.
    pub fn new(sequences: &'a [DnaSequence]) -> Self {
        Self { sequences }
    }
}

impl FeatureSource for OneHot<'_> {
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

    fn sequences(&self) -> Option<&[DnaSequence]> {
        Some(self.sequences)
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        for &row in rows {
            let sequence = row_of(self.sequences, row)?;
            out.reserve(4 * sequence.len());
            for code in sequence.codes() {
                let mut vector = [0.0_f32; 4];
                if let Some(value) = vector.get_mut(usize::from(code)) {
                    *value = 1.0;
                }
                out.extend_from_slice(&vector);
            }
        }
        Ok(())
    }
}

/// Returns the sequence of a row, or an error that names the row.
pub(crate) fn row_of(sequences: &[DnaSequence], row: usize) -> Result<&DnaSequence, FeatureError> {
    sequences.get(row).ok_or(FeatureError::Row { row, n_rows: sequences.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(text: &str) -> DnaSequence {
        DnaSequence::parse(text).unwrap().0
    }

    #[test]
    fn bases_have_their_place_and_n_is_zeros() {
        let sequences = [sequence("ACGTN"), sequence("T")];
        let source = OneHot::new(&sequences);
        assert_eq!(source.sequences(), Some(sequences.as_slice()));
        let mut out = Vec::new();
        source.read_rows(&[1, 0], &mut out).unwrap();
        #[rustfmt::skip]
        let expected = [
            0.0, 0.0, 0.0, 1.0,
            1.0, 0.0, 0.0, 0.0,
            0.0, 1.0, 0.0, 0.0,
            0.0, 0.0, 1.0, 0.0,
            0.0, 0.0, 0.0, 1.0,
            0.0, 0.0, 0.0, 0.0_f32,
        ];
        assert_eq!(out, expected);
        assert_eq!((source.n_rows(), source.dim(), source.kind()), (2, 4, FeatureKind::Tokens));
        assert_eq!((source.length(0), source.length(1)), (5, 1));
    }

    #[test]
    fn a_row_that_does_not_exist_is_an_error() {
        let sequences = [sequence("A")];
        let error = OneHot::new(&sequences).read_rows(&[1], &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "row 1 does not exist: there are 1");
    }
}

//! Adapters that turn rows of tokens into rows of one vector: flattened, or pooled on reading.

use crate::error::EmbedError;
use crate::extract::pool::{push_max, push_mean};
use seqprobe_core::{FeatureError, FeatureKind, FeatureSource, Pooling};

/// A source that can be moved to another thread.
pub type BoxedSource<'a> = Box<dyn FeatureSource + Send + 'a>;

/// Tokens left-aligned and zero-padded to a fixed length, as one vector.
///
/// # Shapes
/// Each row `[max_length * dim]`
pub struct Flattened<'a> {
    source: BoxedSource<'a>,
    max_length: usize,
}

impl<'a> Flattened<'a> {
    /// Flattens a source of tokens to the length of the longest of some rows. Reading a longer row is
    /// [`FeatureError::TooLong`].
    ///
    /// # Errors
    /// [`EmbedError::NotApplicable`] when the source is pooled or there is no such row,
    /// [`FeatureError::Row`] when such a row does not exist.
    pub fn new(source: BoxedSource<'a>, rows: &[usize]) -> Result<Self, EmbedError> {
        require_tokens(&source, Pooling::Flatten)?;
        let n_rows = source.n_rows();
        if let Some(&row) = rows.iter().find(|&&row| row >= n_rows) {
            return Err(FeatureError::Row { row, n_rows }.into());
        }
        match rows.iter().map(|&row| source.length(row)).max() {
            Some(max_length) => Ok(Self { source, max_length }),
            None => Err(EmbedError::NotApplicable {
                what: "flatten".into(),
                reason: "there is no row to take the length from".into(),
            }),
        }
    }

    /// Flattens a source of tokens to a given length, for a stored probe that predicts new rows.
    ///
    /// # Errors
    /// [`EmbedError::NotApplicable`] when the source is pooled.
    pub fn to_length(source: BoxedSource<'a>, max_length: usize) -> Result<Self, EmbedError> {
        require_tokens(&source, Pooling::Flatten)?;
        Ok(Self { source, max_length })
    }

    /// Tokens of a padded row.
    pub fn max_length(&self) -> usize {
        self.max_length
    }
}

impl FeatureSource for Flattened<'_> {
    fn n_rows(&self) -> usize {
        self.source.n_rows()
    }

    fn dim(&self) -> usize {
        self.max_length * self.source.dim()
    }

    fn kind(&self) -> FeatureKind {
        FeatureKind::Pooled
    }

    fn length(&self, _row: usize) -> usize {
        1
    }

    fn storage_position(&self, row: usize) -> usize {
        self.source.storage_position(row)
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        let n_rows = self.n_rows();
        out.reserve(rows.len() * self.dim());
        for &row in rows {
            if row >= n_rows {
                return Err(FeatureError::Row { row, n_rows });
            }
            let length = self.source.length(row);
            if length > self.max_length {
                return Err(FeatureError::TooLong { row, length, limit: self.max_length });
            }
            let end = out.len() + self.dim();
            self.source.read_rows(&[row], out)?;
            out.resize(end, 0.0);
        }
        Ok(())
    }
}

/// Tokens that are pooled when they are read: mean, max or last. For one-hot vectors, the mean is the frequency of
/// each base, where N counts in the length.
pub struct PooledTokens<'a> {
    source: BoxedSource<'a>,
    pooling: Pooling,
}

impl<'a> PooledTokens<'a> {
    /// Pools a source of tokens.
    ///
    /// # Errors
    /// [`EmbedError::NotApplicable`] when the source is pooled already, or the pooling is not mean, max or last:
    /// stored tokens do not include special tokens.
    pub fn new(source: BoxedSource<'a>, pooling: Pooling) -> Result<Self, EmbedError> {
        require_tokens(&source, pooling)?;
        match pooling {
            Pooling::Mean | Pooling::Max | Pooling::Last => Ok(Self { source, pooling }),
            Pooling::MeanAll | Pooling::Cls | Pooling::Tokens | Pooling::Flatten => {
                Err(EmbedError::NotApplicable {
                    what: format!("{pooling} pooling of stored tokens"),
                    reason: "only mean, max and last can be computed without special tokens".into(),
                })
            }
        }
    }
}

impl FeatureSource for PooledTokens<'_> {
    fn n_rows(&self) -> usize {
        self.source.n_rows()
    }

    fn dim(&self) -> usize {
        self.source.dim()
    }

    fn kind(&self) -> FeatureKind {
        FeatureKind::Pooled
    }

    fn length(&self, _row: usize) -> usize {
        1
    }

    fn storage_position(&self, row: usize) -> usize {
        self.source.storage_position(row)
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        let mut tokens = Vec::new();
        for &row in rows {
            tokens.clear();
            self.source.read_rows(&[row], &mut tokens)?;
            let vectors = tokens.chunks_exact(self.dim());
            match self.pooling {
                Pooling::Max => push_max(vectors, self.dim(), out),
                Pooling::Last => out.extend_from_slice(&tokens[tokens.len() - self.dim()..]),
                _ => push_mean(vectors, self.dim(), out),
            }
        }
        Ok(())
    }
}

fn require_tokens(source: &BoxedSource<'_>, pooling: Pooling) -> Result<(), EmbedError> {
    match source.kind() {
        FeatureKind::Tokens => Ok(()),
        FeatureKind::Pooled => Err(EmbedError::NotApplicable {
            what: format!("{pooling} pooling"),
            reason: "the representation has one vector per sequence, not one per token".into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_bases::kmer::KmerFrequencies;
    use crate::from_bases::onehot::OneHot;
    use seqprobe_core::DnaSequence;

    fn sequences(texts: &[&str]) -> Vec<DnaSequence> {
        texts.iter().map(|text| DnaSequence::parse(text).unwrap().0).collect()
    }

    #[test]
    fn flatten_pads_to_the_longest_training_row() {
        let sequences = sequences(&["C", "AG", "ACG"]);
        let source = Flattened::new(Box::new(OneHot::new(&sequences)), &[0, 1]).unwrap();
        assert_eq!((source.dim(), source.max_length(), source.kind()), (8, 2, FeatureKind::Pooled));
        let mut out = Vec::new();
        source.read_rows(&[0, 1], &mut out).unwrap();
        #[rustfmt::skip]
        let expected = [
            0.0, 1.0, 0.0, 0.0,  0.0, 0.0, 0.0, 0.0,
            1.0, 0.0, 0.0, 0.0,  0.0, 0.0, 1.0, 0.0_f32,
        ];
        assert_eq!(out, expected);
        let error = source.read_rows(&[2], &mut out).unwrap_err();
        assert!(matches!(error, FeatureError::TooLong { row: 2, length: 3, limit: 2 }), "{error}");
        assert!(matches!(source.read_rows(&[3], &mut out), Err(FeatureError::Row { row: 3, n_rows: 3 })));
    }

    #[test]
    fn pooled_tokens_by_hand() {
        let sequences = sequences(&["AACN"]);
        let pooled = |pooling| {
            let source = PooledTokens::new(Box::new(OneHot::new(&sequences)), pooling).unwrap();
            let mut out = Vec::new();
            source.read_rows(&[0], &mut out).unwrap();
            out
        };
        assert_eq!(pooled(Pooling::Mean), [0.5, 0.25, 0.0, 0.0]);
        assert_eq!(pooled(Pooling::Max), [1.0, 1.0, 0.0, 0.0]);
        assert_eq!(pooled(Pooling::Last), [0.0; 4]);
    }

    #[test]
    fn combinations_that_cannot_exist_say_why() {
        let sequences = sequences(&["ACGT"]);
        let kmers = || Box::new(KmerFrequencies::new(&sequences, 2).unwrap());
        let onehot = || Box::new(OneHot::new(&sequences));
        for error in [
            Flattened::new(kmers(), &[0]).err(),
            Flattened::new(onehot(), &[]).err(),
            PooledTokens::new(kmers(), Pooling::Mean).err(),
            PooledTokens::new(onehot(), Pooling::Cls).err(),
        ] {
            assert!(matches!(error, Some(EmbedError::NotApplicable { .. })));
        }
        assert!(matches!(
            Flattened::new(onehot(), &[4]).err(),
            Some(EmbedError::Features(FeatureError::Row { row: 4, .. }))
        ));
    }
}

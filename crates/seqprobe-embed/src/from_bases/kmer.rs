//! k-mer frequencies and composition, made from the sequences when they are read. The frequency of a k-mer is its
//! count divided by the number of all k-mers without N.
//!
//! If every k-mer of a sequence contains N, or if the sequence is shorter than k, its frequencies are undefined.
//! Zeros would be an invented value, so such sequences are an error that gives their number and the first row.

use crate::error::EmbedError;
use crate::from_bases::onehot::row_of;
use seqprobe_core::{DnaSequence, FeatureError, FeatureKind, FeatureSource};

/// Largest k: 4096 values per sequence.
pub const MAX_K: usize = 6;

/// Frequencies of the `4^k` k-mers in lexicographic order of `ACGT`. Overlapping k-mers are counted, on the given
/// strand only.
#[derive(Clone, Copy, Debug)]
pub struct KmerFrequencies<'a> {
    sequences: &'a [DnaSequence],
    k: usize,
}

impl<'a> KmerFrequencies<'a> {
    /// The k-mer frequencies of some sequences, one row each.
    ///
    /// # Errors
    /// [`EmbedError::NotApplicable`] for a k outside 1…6, [`EmbedError::NoKmer`] when a sequence has no k-mer without
    /// N.
    pub fn new(sequences: &'a [DnaSequence], k: usize) -> Result<Self, EmbedError> {
        if !(1..=MAX_K).contains(&k) {
            return Err(EmbedError::NotApplicable {
                what: format!("kmer-{k}"),
                reason: format!("k must be a number from 1 to {MAX_K}"),
            });
        }
        require_kmers(sequences, k)?;
        Ok(Self { sequences, k })
    }
}

impl FeatureSource for KmerFrequencies<'_> {
    fn n_rows(&self) -> usize {
        self.sequences.len()
    }

    fn dim(&self) -> usize {
        1 << (2 * self.k)
    }

    fn kind(&self) -> FeatureKind {
        FeatureKind::Pooled
    }

    fn length(&self, _row: usize) -> usize {
        1
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        for &row in rows {
            push_frequencies(row_of(self.sequences, row)?, self.k, out);
        }
        Ok(())
    }
}

/// Frequencies of the 4 bases, then of the 16 dinucleotides, both in the order of `ACGT`; then the natural logarithm
/// of the length in bases.
#[derive(Clone, Copy, Debug)]
pub struct Composition<'a> {
    sequences: &'a [DnaSequence],
}

impl<'a> Composition<'a> {
    /// The composition of some sequences, one row each.
    ///
    /// # Errors
    /// [`EmbedError::NoKmer`] when a sequence has no dinucleotide without N.
    pub fn new(sequences: &'a [DnaSequence]) -> Result<Self, EmbedError> {
        require_kmers(sequences, 2)?;
        Ok(Self { sequences })
    }
}

impl FeatureSource for Composition<'_> {
    fn n_rows(&self) -> usize {
        self.sequences.len()
    }

    fn dim(&self) -> usize {
        21
    }

    fn kind(&self) -> FeatureKind {
        FeatureKind::Pooled
    }

    fn length(&self, _row: usize) -> usize {
        1
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        for &row in rows {
            let sequence = row_of(self.sequences, row)?;
            push_frequencies(sequence, 1, out);
            push_frequencies(sequence, 2, out);
            out.push((sequence.len() as f32).ln());
        }
        Ok(())
    }
}

/// Checks that each sequence has at least one k-mer without N.
fn require_kmers(sequences: &[DnaSequence], k: usize) -> Result<(), EmbedError> {
    let mut without = (0..sequences.len()).filter(|&row| kmers(&sequences[row], k).next().is_none());
    match without.next() {
        None => Ok(()),
        Some(row) => Err(EmbedError::NoKmer { count: 1 + without.count(), total: sequences.len(), row, k }),
    }
}

/// Lexicographic indices of the k-mers without N, from left to right.
fn kmers(sequence: &DnaSequence, k: usize) -> impl Iterator<Item = usize> + '_ {
    let mask = (1_usize << (2 * k)) - 1;
    let mut index = 0;
    let mut known = 0;
    sequence.codes().filter_map(move |code| {
        if code > 3 {
            known = 0;
            return None;
        }
        index = ((index << 2) | usize::from(code)) & mask;
        known += 1;
        (known >= k).then_some(index)
    })
}

/// Appends the `4^k` frequencies of a sequence that has at least one k-mer without N.
fn push_frequencies(sequence: &DnaSequence, k: usize, out: &mut Vec<f32>) {
    let mut counts = vec![0_u32; 1 << (2 * k)];
    let mut total = 0_u32;
    for index in kmers(sequence, k) {
        counts[index] += 1;
        total += 1;
    }
    let total = f64::from(total);
    out.extend(counts.iter().map(|&count| (f64::from(count) / total) as f32));
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use proptest::prelude::*;

    fn sequences(texts: &[&str]) -> Vec<DnaSequence> {
        texts.iter().map(|text| DnaSequence::parse(text).unwrap().0).collect()
    }

    fn read(source: &dyn FeatureSource, row: usize) -> Vec<f32> {
        let mut out = Vec::new();
        source.read_rows(&[row], &mut out).unwrap();
        out
    }

    #[test]
    fn dimers_by_hand() {
        // ACANACG: AC, CA | AC, CG: 4 dimers without N.
        let sequences = sequences(&["ACANACG"]);
        let source = KmerFrequencies::new(&sequences, 2).unwrap();
        let mut expected = vec![0.0_f32; 16];
        expected[1] = 0.5; // AC
        expected[4] = 0.25; // CA
        expected[6] = 0.25; // CG
        assert_eq!(read(&source, 0), expected);
    }

    #[test]
    fn trimers_are_in_lexicographic_order() {
        let sequences = sequences(&["TTT", "AAC", "CAT"]);
        let source = KmerFrequencies::new(&sequences, 3).unwrap();
        let position = |row| read(&source, row).iter().position(|&value| value > 0.0);
        assert_eq!((position(0), position(1), position(2)), (Some(63), Some(1), Some(19)));
    }

    #[test]
    fn composition_by_hand() {
        let sequences = sequences(&["AANT"]);
        let values = read(&Composition::new(&sequences).unwrap(), 0);
        assert_eq!(values.len(), 21);
        assert_abs_diff_eq!(values[0], 2.0 / 3.0, epsilon = 1e-7);
        assert_abs_diff_eq!(values[3], 1.0 / 3.0, epsilon = 1e-7);
        assert_abs_diff_eq!(values[4], 1.0, epsilon = 1e-7);
        assert_abs_diff_eq!(values[..20].iter().sum::<f32>(), 2.0, epsilon = 1e-6);
        assert_abs_diff_eq!(values[20], 4.0_f32.ln(), epsilon = 1e-7);
    }

    #[test]
    fn no_kmer_is_an_error_with_its_count() {
        let sequences = sequences(&["ACGT", "AC", "NNNNNN", "ACNGT"]);
        let error = KmerFrequencies::new(&sequences, 3).unwrap_err();
        assert!(matches!(error, EmbedError::NoKmer { count: 3, total: 4, row: 1, k: 3 }), "{error}");
        assert!(KmerFrequencies::new(&sequences[..1], 0).is_err());
        assert!(KmerFrequencies::new(&sequences[..1], 7).is_err());
    }

    proptest! {
        #[test]
        fn frequencies_agree_with_counting_text(text in "[ACGTN]{8,50}", k in 1_usize..=4) {
            let sequences = sequences(&[&text]);
            let windows: Vec<&str> = (0..=text.len() - k)
                .map(|start| &text[start..start + k])
                .filter(|kmer| !kmer.contains('N'))
                .collect();
            match KmerFrequencies::new(&sequences, k) {
                Err(_) => prop_assert!(windows.is_empty()),
                Ok(source) => {
                    let values = read(&source, 0);
                    for (index, &value) in values.iter().enumerate() {
                        let kmer: String = (0..k).rev().map(|place| char::from(b"ACGT"[index >> (2 * place) & 3])).collect();
                        let count = windows.iter().filter(|&&window| window == kmer).count();
                        prop_assert!((f64::from(value) - count as f64 / windows.len() as f64).abs() < 1e-7);
                    }
                }
            }
        }
    }
}

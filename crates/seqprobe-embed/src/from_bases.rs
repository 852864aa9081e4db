//! Representations that need no model. They are made from the bases whenever they are read.

pub mod kmer;
pub mod onehot;

use crate::error::EmbedError;
use crate::from_bases::kmer::{Composition, KmerFrequencies};
use crate::from_bases::onehot::OneHot;
use crate::sources::adapters::{BoxedSource, Flattened, PooledTokens};
use crate::spec::SettingError;
use seqprobe_core::{DnaSequence, Pooling};
use std::str::FromStr;

/// A representation that is made from the bases alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlainRepresentation {
    /// One-hot bases.
    OneHot,
    /// k-mer frequencies.
    Kmer(usize),
    /// Bases, dinucleotides and length.
    Composition,
}

/// One line of the registry.
#[derive(Clone, Copy, Debug)]
pub struct PlainEntry {
    /// The id in suites and results.
    pub id: &'static str,
    /// A description of one line.
    pub description: &'static str,
    /// The representation.
    pub representation: PlainRepresentation,
}

const fn entry(
    id: &'static str,
    description: &'static str,
    representation: PlainRepresentation,
) -> PlainEntry {
    PlainEntry { id, description, representation }
}

/// All representations that need no model.
pub static PLAIN_REPRESENTATIONS: &[PlainEntry] = &[
    entry("onehot", "one vector per base, A C G T, zeros for N", PlainRepresentation::OneHot),
    entry(
        "composition",
        "frequencies of bases and dinucleotides, and the length: 21 values",
        PlainRepresentation::Composition,
    ),
    entry("kmer-1", "frequencies of bases, 4 values", PlainRepresentation::Kmer(1)),
    entry("kmer-2", "frequencies of 2-mers, 16 values", PlainRepresentation::Kmer(2)),
    entry("kmer-3", "frequencies of 3-mers, 64 values", PlainRepresentation::Kmer(3)),
    entry("kmer-4", "frequencies of 4-mers, 256 values", PlainRepresentation::Kmer(4)),
    entry("kmer-5", "frequencies of 5-mers, 1024 values", PlainRepresentation::Kmer(5)),
    entry("kmer-6", "frequencies of 6-mers, 4096 values", PlainRepresentation::Kmer(6)),
];

impl PlainRepresentation {
    /// Version; raised whenever the same bases would give other values. It is part of every cell key.
    pub fn version(self) -> u32 {
        if self == Self::Composition { 2 } else { 1 }
    }

    /// The id in suites and results.
    pub fn id(self) -> &'static str {
        PLAIN_REPRESENTATIONS
            .iter()
            .find(|entry| entry.representation == self)
            .map_or("kmer-out-of-range", |entry| entry.id)
    }

    /// Checks that the pooling exists for this representation. k-mer frequencies and composition are means over
    /// k-mers, so their only pooling is `mean`.
    ///
    /// # Errors
    /// [`EmbedError::NotApplicable`] with the reason.
    pub fn check_pooling(self, pooling: Pooling) -> Result<(), EmbedError> {
        let offered: &[Pooling] = match self {
            Self::OneHot => &[Pooling::Tokens, Pooling::Flatten, Pooling::Mean, Pooling::Max, Pooling::Last],
            Self::Kmer(_) | Self::Composition => &[Pooling::Mean],
        };
        if offered.contains(&pooling) {
            return Ok(());
        }
        let names: Vec<&str> = offered.iter().map(|pooling| pooling.as_str()).collect();
        Err(EmbedError::NotApplicable {
            what: format!("{pooling} pooling of {}", self.id()),
            reason: format!("it has no special tokens and offers only {}", names.join(", ")),
        })
    }

    /// Returns the features of some sequences; row i belongs to sequence i. `rows` determine the length of
    /// `flatten` and have no other effect.
    ///
    /// # Errors
    /// [`EmbedError::NotApplicable`] as in [`Self::check_pooling`], [`EmbedError::NoKmer`] when a sequence has no
    /// k-mer without N.
    pub fn features<'a>(
        self,
        sequences: &'a [DnaSequence],
        pooling: Pooling,
        rows: &[usize],
    ) -> Result<BoxedSource<'a>, EmbedError> {
        self.check_pooling(pooling)?;
        let source: BoxedSource<'a> = match self {
            Self::OneHot => Box::new(OneHot::new(sequences)),
            Self::Kmer(k) => return Ok(Box::new(KmerFrequencies::new(sequences, k)?)),
            Self::Composition => return Ok(Box::new(Composition::new(sequences)?)),
        };
        Ok(match pooling {
            Pooling::Tokens => source,
            Pooling::Flatten => Box::new(Flattened::new(source, rows)?),
            _ => Box::new(PooledTokens::new(source, pooling)?),
        })
    }
}

impl std::fmt::Display for PlainRepresentation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.id())
    }
}

impl FromStr for PlainRepresentation {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        let found = PLAIN_REPRESENTATIONS.iter().find(|entry| entry.id == text);
        found.map(|entry| entry.representation).ok_or_else(|| SettingError::Representation {
            text: text.to_owned(),
            known: PLAIN_REPRESENTATIONS.iter().map(|entry| entry.id).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_reads_with_each_pooling_it_offers() {
        let sequences =
            [DnaSequence::parse("ACGTACGTN").unwrap().0, DnaSequence::parse("GGGGGGG").unwrap().0];
        for entry in PLAIN_REPRESENTATIONS {
            assert_eq!(entry.id.parse(), Ok(entry.representation));
            let mut offered = 0;
            for pooling in Pooling::ALL {
                let features = entry.representation.features(&sequences, pooling, &[0, 1]);
                assert_eq!(features.is_ok(), entry.representation.check_pooling(pooling).is_ok());
                let Ok(source) = features else { continue };
                offered += 1;
                let mut out = Vec::new();
                source.read_rows(&[1, 0], &mut out).unwrap();
                assert_eq!(out.len(), source.dim() * (source.length(0) + source.length(1)));
                assert!(out.iter().all(|value| value.is_finite()));
            }
            assert!(offered > 0, "{}", entry.id);
        }
        assert!("kmer-7".parse::<PlainRepresentation>().unwrap_err().to_string().contains("kmer-6"));
    }
}

//! The distinct sequences of a call in a fixed order, and which of them share a shard.

use crate::cache::key::sequences_digest;
use crate::spec::ReverseComplement;
use rayon::prelude::*;
use seqprobe_core::{Digest, DnaSequence};
use std::borrow::Cow;
use std::ops::Range;

/// Most rows of a shard.
const MAX_SHARD_ROWS: usize = 4096;

/// A shard ends before its bases times the values per vector would exceed this: 128 MiB of values if each token is
/// one base.
const MAX_SHARD_VALUES: usize = 1 << 25;

/// Bases of a sequence that an error shows.
const MAX_SHOWN_BASES: usize = 24;

/// The sequences as they go through the model. If both strands are averaged, a sequence and its reverse complement
/// have the same features, so each is replaced by the one of the two that comes first in the alphabet.
pub(crate) fn canonical_strands(
    strands: ReverseComplement,
    sequences: &[DnaSequence],
) -> Cow<'_, [DnaSequence]> {
    if strands == ReverseComplement::Forward {
        return Cow::Borrowed(sequences);
    }
    let first = |sequence: &DnaSequence| sequence.reverse_complement().min(sequence.clone());
    Cow::Owned(sequences.par_iter().map(first).collect())
}

/// A sequence as errors describe it.
pub(crate) struct RowDescription {
    /// The first row of the call that holds it, 0-based.
    pub(crate) row: usize,
    /// Its first bases.
    pub(crate) sequence: String,
}

/// Distinct sequences, sorted by length, then by bases.
pub(crate) struct Distinct<'a> {
    pub(crate) sequences: Vec<&'a DnaSequence>,
    /// The first row of the call that holds each distinct sequence.
    pub(crate) first_rows: Vec<usize>,
    /// The distinct sequence of each row of the call.
    pub(crate) of_row: Vec<u32>,
    pub(crate) digest: Digest,
}

impl<'a> Distinct<'a> {
    pub(crate) fn new(all: &'a [DnaSequence]) -> Self {
        // Sorted row numbers take a fraction of the memory of a map.
        let mut rows: Vec<usize> = (0..all.len()).collect();
        rows.par_sort_unstable_by_key(|&row| (all[row].len(), &all[row], row));
        let (mut sequences, mut first_rows): (Vec<&DnaSequence>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut of_row = vec![0; all.len()];
        for row in rows {
            if sequences.last().is_none_or(|last| **last != all[row]) {
                sequences.push(&all[row]);
                first_rows.push(row);
            }
            of_row[row] = (sequences.len() - 1) as u32;
        }
        let digest = sequences_digest(&sequences);
        Self { sequences, first_rows, of_row, digest }
    }

    /// Some of the sequences, in the same order.
    pub(crate) fn part(&self, indices: &[usize]) -> Self {
        let sequences: Vec<_> = indices.iter().map(|&index| self.sequences[index]).collect();
        let digest = sequences_digest(&sequences);
        let first_rows = indices.iter().map(|&index| self.first_rows[index]).collect();
        Self { sequences, first_rows, of_row: Vec::new(), digest }
    }

    /// The rows of each shard. They follow from the sequences and the width alone and are part of the format version.
    pub(crate) fn shards(&self, dim: usize) -> Vec<Range<usize>> {
        let max_bases = MAX_SHARD_VALUES / dim.max(1);
        let mut shards = Vec::new();
        let mut start = 0;
        let mut bases = 0;
        for (index, sequence) in self.sequences.iter().enumerate() {
            if index > start && (index - start == MAX_SHARD_ROWS || bases + sequence.len() > max_bases) {
                shards.push(start..index);
                start = index;
                bases = 0;
            }
            bases += sequence.len();
        }
        if start < self.sequences.len() {
            shards.push(start..self.sequences.len());
        }
        shards
    }

    /// Describes a sequence for errors.
    pub(crate) fn describe_row(&self, index: usize) -> RowDescription {
        let bases = self.sequences[index].as_str();
        let sequence = match bases.get(..MAX_SHOWN_BASES) {
            Some(start) if bases.len() > MAX_SHOWN_BASES => format!("{start}…, {} bases", bases.len()),
            _ => bases.to_owned(),
        };
        RowDescription { row: self.first_rows[index], sequence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(texts: &[String]) -> Vec<DnaSequence> {
        texts.iter().map(|text| DnaSequence::parse(text).unwrap().0).collect()
    }

    proptest! {
        #[test]
        fn order_and_duplicates_do_not_change_the_set(texts in prop::collection::vec("[ACGT]{1,4}", 1..30)) {
            let forward = parse(&texts);
            let mut other: Vec<DnaSequence> = forward.iter().rev().cloned().collect();
            other.extend_from_slice(&forward);
            let (one, two) = (Distinct::new(&forward), Distinct::new(&other));
            prop_assert_eq!(one.digest, two.digest);
            prop_assert_eq!(&one.sequences, &two.sequences);
            for (row, &index) in two.of_row.iter().enumerate() {
                prop_assert_eq!(two.sequences[index as usize], &other[row]);
            }
            for (index, &row) in one.first_rows.iter().enumerate() {
                let first = forward.iter().position(|sequence| sequence == one.sequences[index]);
                prop_assert_eq!(first, Some(row));
            }
        }

        #[test]
        fn shards_cover_all_rows_within_their_budget(
            lengths in prop::collection::vec(1_usize..50, 1..60),
            dim in prop::sample::select(vec![1 << 18, 1 << 20, 1 << 21, 1 << 24]),
        ) {
            let texts: Vec<String> = lengths.iter().enumerate()
                .map(|(index, &length)| format!("{}{}", "A".repeat(length), format!("{index:06b}").replace('0', "C").replace('1', "G")))
                .collect();
            let sequences = parse(&texts);
            let distinct = Distinct::new(&sequences);
            let shards = distinct.shards(dim);
            let mut next = 0;
            for shard in &shards {
                prop_assert_eq!(shard.start, next);
                prop_assert!(!shard.is_empty());
                let bases: usize = distinct.sequences[shard.clone()].iter().map(|sequence| sequence.len()).sum();
                prop_assert!(shard.len() == 1 || bases * dim <= MAX_SHARD_VALUES);
                next = shard.end;
            }
            prop_assert_eq!(next, sequences.len());
        }
    }
}

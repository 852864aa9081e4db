//! How often k-mers occur in regions of aligned sequences.
//!
//! The frequency of a k-mer in a region is its count over the number of places where it could be: completely within the
//! region and without N.

use crate::dexter::aligned_bases::{AlignedBases, UNKNOWN};
use ndarray::Array2;
use rayon::prelude::*;
use serde_json::json;

/// Largest k: the code of a k-mer fits 30 bits.
pub(crate) const MAX_K: usize = 15;
/// The code of a k-mer with N.
const NO_KMER: u32 = u32::MAX;

/// A k-mer in a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RegionalKmer {
    /// Its bases, 0 to 3.
    pub(crate) kmer: Vec<u8>,
    /// First base of the region, 0-based.
    pub(crate) start: usize,
    /// End of the region, 0-based, half-open.
    pub(crate) end: usize,
}

/// Returns the frequencies of k-mers in their regions; `None` if the region of a row has no place for the k-mer.
///
/// # Shapes
/// `[rows, k-mers]`
pub(crate) fn frequencies(bases: &AlignedBases, kmers: &[RegionalKmer]) -> Array2<Option<f32>> {
    let mut lengths: Vec<usize> = kmers.iter().map(|one| one.kmer.len()).collect();
    lengths.sort_unstable();
    lengths.dedup();
    let wanted: Vec<u32> = kmers.iter().map(|one| code_of(&one.kmer)).collect();
    let mut frequencies = Array2::from_elem((bases.n_rows(), kmers.len()), None);
    let Some(values) = frequencies.as_slice_mut().filter(|values| !values.is_empty()) else {
        return frequencies;
    };
    values.par_chunks_mut(kmers.len()).zip(bases.codes.par_chunks(bases.length)).for_each(
        |(values, bases)| {
            for &k in &lengths {
                let found = kmer_codes(bases, k);
                let places = places_before(&found);
                let own = kmers.iter().zip(&wanted).zip(&mut *values);
                for ((one, &wanted), value) in own.filter(|((one, _), _)| one.kmer.len() == k) {
                    let last = (one.end + 1).saturating_sub(k).max(one.start);
                    let (start, last) = (one.start.min(found.len()), last.min(found.len()));
                    let places = places[last] - places[start];
                    let count = found[start..last].iter().filter(|&&kmer| kmer == wanted).count();
                    *value = (places > 0).then(|| (count as f64 / f64::from(places)) as f32);
                }
            }
        },
    );
    frequencies
}

/// Returns the code of a k-mer without N.
fn code_of(kmer: &[u8]) -> u32 {
    kmer.iter().fold(0, |code, &base| code * 4 + u32::from(base))
}

/// Returns the code of the k-mer that starts at each place, [`NO_KMER`] if it contains N.
fn kmer_codes(bases: &[u8], k: usize) -> Vec<u32> {
    let mask = (1_u32 << (2 * k)) - 1;
    let (mut code, mut n_known) = (0_u32, 0);
    let mut kmers = Vec::with_capacity(bases.len());
    for (place, &base) in bases.iter().enumerate() {
        if base == UNKNOWN {
            n_known = 0;
        } else {
            code = ((code << 2) | u32::from(base)) & mask;
            n_known += 1;
        }
        if place + 1 >= k {
            kmers.push(if n_known >= k { code } else { NO_KMER });
        }
    }
    kmers
}

/// Returns, for each place, how many places before it have a k-mer without N.
fn places_before(kmers: &[u32]) -> Vec<u32> {
    let mut places = Vec::with_capacity(kmers.len() + 1);
    let mut n = 0;
    places.push(0);
    for &kmer in kmers {
        n += u32::from(kmer != NO_KMER);
        places.push(n);
    }
    places
}

/// Returns a k-mer as text.
pub(crate) fn kmer_text(kmer: &[u8]) -> String {
    kmer.iter().map(|&base| ['A', 'C', 'G', 'T', 'N'][usize::from(base.min(UNKNOWN))]).collect()
}

/// Returns the k-mer of a text of A C G T.
fn parse_kmer(text: &str) -> Option<Vec<u8>> {
    let kmer: Option<Vec<u8>> =
        text.bytes().map(|base| b"ACGT".iter().position(|&one| one == base).map(|code| code as u8)).collect();
    kmer.filter(|kmer| (1..=MAX_K).contains(&kmer.len()))
}

/// Possible places of k-mers of one length in each region of each row.
pub(crate) struct Places {
    /// The index into `counts` of each row; `u32::MAX` for a row without N.
    index: Vec<u32>,
    /// `[rows with N, regions]`
    counts: Vec<u32>,
    /// Places in each region of a row without N.
    clean: Vec<u32>,
}

impl Places {
    /// Counts places. `regions`: start and end of each.
    pub(crate) fn new(bases: &AlignedBases, regions: &[(usize, usize)], k: usize) -> Self {
        let mut index = vec![u32::MAX; bases.n_rows()];
        let mut with_n = Vec::new();
        for (row, codes) in bases.codes.chunks(bases.length.max(1)).enumerate() {
            if codes.contains(&UNKNOWN) {
                index[row] = with_n.len() as u32;
                with_n.push(codes);
            }
        }
        let of_row = |codes: &&[u8]| {
            let places = places_before(&kmer_codes(codes, k));
            let count = |&(start, end): &(usize, usize)| match end + 1 > start + k {
                true => places[end + 1 - k] - places[start],
                false => 0,
            };
            regions.iter().map(count).collect::<Vec<u32>>()
        };
        let counts = with_n.par_iter().map(of_row).collect::<Vec<_>>().concat();
        let clean = regions.iter().map(|&(start, end)| (end + 1).saturating_sub(start + k) as u32).collect();
        Self { index, counts, clean }
    }

    /// Returns the number of places in each region of a row.
    pub(crate) fn of_row(&self, row: usize) -> &[u32] {
        let n_regions = self.clean.len();
        match self.index[row] {
            u32::MAX => &self.clean,
            index => &self.counts[index as usize * n_regions..(index as usize + 1) * n_regions],
        }
    }

    /// Returns the rows with N.
    pub(crate) fn rows_with_n(&self) -> impl Iterator<Item = usize> + '_ {
        self.index.iter().enumerate().filter(|(_, index)| **index != u32::MAX).map(|(row, _)| row)
    }
}

/// Returns regional k-mers as JSON: k-mer, start, end.
pub(crate) fn kmers_to_json(kmers: &[RegionalKmer]) -> serde_json::Value {
    kmers.iter().map(|one| json!([kmer_text(&one.kmer), one.start, one.end])).collect()
}

/// Reads regional k-mers from JSON; `None` if one is damaged or does not lie within `length` bases.
pub(crate) fn kmers_from_json(value: &serde_json::Value, length: usize) -> Option<Vec<RegionalKmer>> {
    let regional_kmer = |value: &serde_json::Value| {
        let kmer = parse_kmer(value[0].as_str()?)?;
        let number = |value: &serde_json::Value| usize::try_from(value.as_u64()?).ok();
        let (start, end) = (number(&value[1])?, number(&value[2])?);
        (start < end && end <= length && kmer.len() <= end - start).then_some(RegionalKmer {
            kmer,
            start,
            end,
        })
    };
    value.as_array()?.iter().map(regional_kmer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(bases: &[u8], one: &RegionalKmer) -> Option<f32> {
        let window = &bases[one.start..one.end];
        let kmers: Vec<&[u8]> =
            window.windows(one.kmer.len()).filter(|kmer| !kmer.contains(&UNKNOWN)).collect();
        let count = kmers.iter().filter(|kmer| **kmer == one.kmer).count();
        (!kmers.is_empty()).then(|| (count as f64 / kmers.len() as f64) as f32)
    }

    proptest! {
        #[test]
        fn frequencies_are_those_of_a_naive_count(
            rows in prop::collection::vec(prop::collection::vec(0_u8..5, 30), 1..5),
            kmers in prop::collection::vec((prop::collection::vec(0_u8..3, 1..5), 0_usize..30, 1_usize..31), 1..8),
        ) {
            let kmers: Vec<RegionalKmer> = kmers
                .into_iter()
                .map(|(kmer, start, size)| RegionalKmer { kmer, start, end: (start + size).min(30) })
                .collect();
            let bases = AlignedBases { codes: rows.concat(), length: 30 };
            let found = frequencies(&bases, &kmers);
            for (row, codes) in rows.iter().enumerate() {
                for (column, one) in kmers.iter().enumerate() {
                    prop_assert_eq!(found[(row, column)], naive(codes, one), "{:?}", one);
                }
            }
            let regions: Vec<(usize, usize)> = kmers.iter().map(|one| (one.start, one.end)).collect();
            let places = Places::new(&bases, &regions, 2);
            for (row, codes) in rows.iter().enumerate() {
                for (region, &(start, end)) in regions.iter().enumerate() {
                    let n = codes[start..end].windows(2).filter(|kmer| !kmer.contains(&UNKNOWN)).count();
                    prop_assert_eq!(places.of_row(row)[region] as usize, n);
                }
            }
        }
    }

    #[test]
    fn regional_kmers_are_read_back_from_json() {
        let kmers = vec![RegionalKmer { kmer: vec![0, 3, 2], start: 4, end: 9 }];
        let json = kmers_to_json(&kmers);
        assert_eq!(json, json!([["ATG", 4, 9]]));
        assert_eq!(kmers_from_json(&json, 9), Some(kmers));
        assert_eq!(kmers_from_json(&json, 8), None);
        assert_eq!(kmers_from_json(&json!([["ATN", 4, 9]]), 9), None);
    }
}

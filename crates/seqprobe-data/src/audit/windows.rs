//! Windows of genomic sequence that contain a dataset's validation or test sequences, or share k-mers with other
//! windows: pretraining must not see them.

use super::near::{KmerIndex, MAX_PIECE_KMERS, sketch};
use rayon::prelude::*;
use seqprobe_core::DnaSequence;
use seqprobe_core::audit::{MIN_NEAR_KMERS, NEAR_K};
use std::collections::HashSet;

/// Length in bases of the k-mers that distinguish held-out sequence from training sequence.
pub const LONG_K: usize = 31;

/// True for each window that shares at least `threshold` of the smaller one's distinct canonical k-mers (of [`NEAR_K`]
/// bases) with one of the sequences. A sequence with fewer than [`MIN_NEAR_KMERS`] of them must be in the window exactly,
/// on either strand.
pub fn windows_near(windows: &[DnaSequence], sequences: &[DnaSequence], threshold: f64) -> Vec<bool> {
    let sketches: Vec<Vec<u32>> = sequences.par_iter().map(|sequence| sketch(sequence, 1.0)).collect();
    let short: Vec<&DnaSequence> = sequences
        .iter()
        .zip(&sketches)
        .filter(|(_, sketch)| sketch.len() < MIN_NEAR_KMERS)
        .map(|(sequence, _)| sequence)
        .collect();
    let mut found = windows_containing(windows, &short);
    let longest = windows.iter().map(DnaSequence::len).max().unwrap_or(1);
    let piece = (MAX_PIECE_KMERS / 4 / longest.max(NEAR_K)).max(1);
    for (windows, found) in windows.chunks(piece).zip(found.chunks_mut(piece)) {
        let of_windows: Vec<Vec<u32>> = windows.par_iter().map(|window| sketch(window, 1.0)).collect();
        let index = KmerIndex::new(&of_windows);
        let hits: Vec<Vec<usize>> = sketches
            .par_iter()
            .map_init(
                || vec![0_u32; windows.len()],
                |counts, query| {
                    let mut hits = Vec::new();
                    index.search(query, counts, threshold, |place, _| hits.push(place));
                    hits
                },
            )
            .collect();
        hits.into_iter().flatten().for_each(|place| found[place] = true);
    }
    found
}

/// True for each window that contains one of the sequences, on either strand.
fn windows_containing(windows: &[DnaSequence], sequences: &[&DnaSequence]) -> Vec<bool> {
    let both: Vec<DnaSequence> = sequences
        .iter()
        .flat_map(|sequence| [(*sequence).clone(), sequence.reverse_complement()])
        .filter(|sequence| !sequence.as_bytes().contains(&b'N'))
        .collect();
    let known: HashSet<&[u8]> = both.iter().map(DnaSequence::as_bytes).collect();
    let lengths: HashSet<usize> = known.iter().map(|sequence| sequence.len()).collect();
    windows
        .par_iter()
        .map(|window| {
            lengths.iter().any(|&length| window.as_bytes().windows(length).any(|part| known.contains(part)))
        })
        .collect()
}

/// The distinct canonical k-mers of [`LONG_K`] bases of some sequences, without those with N.
#[derive(Debug, Default)]
pub struct LongKmers(HashSet<u64>);

impl LongKmers {
    /// The k-mers of some sequences.
    pub fn of<'a>(sequences: impl IntoIterator<Item = &'a DnaSequence>) -> Self {
        Self(sequences.into_iter().flat_map(|sequence| long_kmers(sequence).map(|(_, code)| code)).collect())
    }

    /// The number of k-mers.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The 0-based starts of the k-mers of a sequence that are in this set, ascending.
    pub fn shared_starts(&self, sequence: &DnaSequence) -> Vec<usize> {
        long_kmers(sequence).filter(|(_, code)| self.0.contains(code)).map(|(start, _)| start).collect()
    }

    /// Adds to `seen` the k-mers of this set that a sequence has at the given starts.
    pub fn note(&self, sequence: &DnaSequence, starts: impl Fn(usize) -> bool, seen: &mut HashSet<u64>) {
        let among = long_kmers(sequence).filter(|(start, code)| starts(*start) && self.0.contains(code));
        seen.extend(among.map(|(_, code)| code));
    }
}

/// Start and code of each k-mer without N, the smaller code of both strands.
fn long_kmers(sequence: &DnaSequence) -> impl Iterator<Item = (usize, u64)> + '_ {
    const MASK: u64 = (1 << (2 * LONG_K)) - 1;
    let (mut forward, mut reverse, mut defined) = (0_u64, 0_u64, 0_usize);
    sequence.codes().enumerate().filter_map(move |(place, code)| {
        if code > 3 {
            defined = 0;
            return None;
        }
        forward = ((forward << 2) | u64::from(code)) & MASK;
        reverse = (reverse >> 2) | (u64::from(3 - code) << (2 * (LONG_K - 1)));
        defined += 1;
        (defined >= LONG_K).then(|| (place + 1 - LONG_K, forward.min(reverse)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dna(text: &str) -> DnaSequence {
        DnaSequence::parse(text).unwrap().0
    }

    fn drawn(seed: u64, length: usize) -> DnaSequence {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let codes: Vec<u8> = (0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 61) as u8 & 3
            })
            .collect();
        DnaSequence::from_codes(&codes).unwrap()
    }

    #[test]
    fn windows_that_contain_a_test_sequence_are_found() {
        let windows: Vec<DnaSequence> = (0..40).map(|seed| drawn(seed, 300)).collect();
        let inside = windows[3].part(100..180).unwrap();
        let other_strand = windows[7].part(0..100).unwrap().reverse_complement();
        // Two bases of eighty differ: the 16-mers across them are lost, more than half remain.
        let mut codes: Vec<u8> = windows[11].part(50..130).unwrap().codes().collect();
        codes[3] ^= 1;
        codes[70] ^= 2;
        let nearly = DnaSequence::from_codes(&codes).unwrap();
        let short = windows[20].part(8..24).unwrap().reverse_complement();
        let sequences = [inside, other_strand, nearly, short, drawn(1000, 80)];
        let found = windows_near(&windows, &sequences, 0.5);
        let places: Vec<usize> = (0..windows.len()).filter(|&place| found[place]).collect();
        assert_eq!(places, [3, 7, 11, 20]);
    }

    #[test]
    fn long_kmers_of_both_strands_are_one() {
        let one = drawn(1, 200);
        let known = LongKmers::of([&one]);
        assert_eq!(known.len(), 170);
        assert_eq!(known.shared_starts(&one.reverse_complement()).len(), 170);
        assert!(known.shared_starts(&drawn(2, 200)).is_empty());
        let with_n = dna(&format!("{}N{}", &one.as_str()[..40], &one.as_str()[40..]));
        assert_eq!(known.shared_starts(&with_n).len(), 10 + 130);
        assert_eq!(known.shared_starts(&with_n)[10], 41);
        let mut seen = HashSet::new();
        known.note(&one, |start| start < 5, &mut seen);
        assert_eq!(seen.len(), 5);
    }

    proptest! {
        #[test]
        fn every_long_kmer_is_found_where_it_is(seed in 0_u64..1000, start in 0_usize..100) {
            let whole = drawn(seed, 140);
            let part = whole.part(start..start + LONG_K).unwrap();
            let known = LongKmers::of([&part]);
            prop_assert!(known.shared_starts(&whole).contains(&start));
        }
    }
}

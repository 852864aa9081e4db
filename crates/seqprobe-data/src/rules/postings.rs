//! An index from hashed words to the rows that have them. Above [`MAX_ENTRIES`] words a fixed share is kept: the words
//! with small hashes, the same in all sequences.

use rayon::prelude::*;

/// Maximum number of entries of an index: 128 MiB.
const MAX_ENTRIES: f64 = (1 << 24) as f64;
/// Words that more rows have are parts of a shared construct or repeats, and say nothing about a pair.
const MAX_ROWS: usize = 500;

/// Rows by hashed word.
pub(super) struct Postings {
    /// Hash in the upper half, place of the row in the lower; sorted.
    entries: Vec<u64>,
    /// First entry of each value of the upper 16 bits.
    starts: Vec<usize>,
    n_rows: usize,
    limit: u32,
}

/// The largest power of 1/2 at which `n_words` stay within [`MAX_ENTRIES`].
pub(super) fn sampling_rate(n_words: usize) -> f64 {
    let mut rate = 1.0;
    while n_words as f64 * rate > MAX_ENTRIES {
        rate *= 0.5;
    }
    rate
}

/// Hash of a word: the low half places it in the index, the high half decides whether it is kept.
fn hash(word: u64) -> (u32, u32) {
    let mut bits = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    (bits as u32, (bits >> 32) as u32)
}

impl Postings {
    /// Indexes the words of `n_rows` rows, each row's words at most once.
    pub(super) fn new(n_rows: usize, rate: f64, words: impl Fn(usize) -> Vec<u64> + Sync) -> Self {
        let limit = (rate * f64::from(u32::MAX)) as u32;
        let mut entries: Vec<u64> = (0..n_rows)
            .into_par_iter()
            .flat_map_iter(|place| {
                kept(words(place), limit).into_iter().map(move |word| u64::from(word) << 32 | place as u64)
            })
            .collect();
        entries.par_sort_unstable();
        let starts =
            (0..=1_u64 << 16).map(|upper| entries.partition_point(|entry| entry >> 48 < upper)).collect();
        Self { entries, starts, n_rows, limit }
    }

    /// One 0 per row, for [`Self::shared`].
    pub(super) fn counts(&self) -> Vec<u32> {
        vec![0; self.n_rows]
    }

    /// Places of rows that share at least `minimum` kept words with the query, and how many. `counts` is 0 before and
    /// after.
    pub(super) fn shared(&self, query: Vec<u64>, minimum: u32, counts: &mut [u32]) -> Vec<(usize, u32)> {
        let mut touched = Vec::new();
        for word in kept(query, self.limit) {
            let upper = (word >> 16) as usize;
            let range = &self.entries[self.starts[upper]..self.starts[upper + 1]];
            let first = range.partition_point(|entry| (entry >> 32) < u64::from(word));
            let after = range[first..].iter().take(MAX_ROWS + 1);
            let n = after.take_while(|&&entry| entry >> 32 == u64::from(word)).count();
            if n > MAX_ROWS {
                continue;
            }
            for entry in &range[first..first + n] {
                let place = *entry as u32;
                if counts[place as usize] == 0 {
                    touched.push(place as usize);
                }
                counts[place as usize] += 1;
            }
        }
        touched.sort_unstable();
        let shared = touched.into_iter().map(|place| (place, std::mem::take(&mut counts[place])));
        shared.filter(|&(_, n)| n >= minimum).collect()
    }
}

/// Hashes of the distinct words in the sampled share.
fn kept(words: Vec<u64>, limit: u32) -> Vec<u32> {
    let sampled = words.into_iter().map(hash).filter(|&(_, high)| high <= limit);
    let mut kept: Vec<u32> = sampled.map(|(low, _)| low).collect();
    kept.sort_unstable();
    kept.dedup();
    kept
}

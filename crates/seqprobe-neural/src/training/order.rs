//! The order in which the rows of a split are visited.
//!
//! Rows are visited in parts of a fixed size; each part is read as a whole and split into batches. In training, a
//! part consists of many small random chunks, each of rows that are adjacent in the store, and its rows are shuffled:
//! every epoch has a new random order, and reads stay long. If all rows fit into one part, they are all shuffled
//! together. The order depends on the rows and the seed only, not on the available memory.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// Values of a chunk: 2 MiB.
const CHUNK_VALUES: usize = 1 << 19;

/// Values of a part: 128 MiB.
const PART_VALUES: usize = 1 << 25;

/// Bytes of the two parts that are in memory during streaming: the current and the next one.
pub(crate) const STREAMING_BYTES: usize = 2 * PART_VALUES * size_of::<f32>();

/// Number of batches within which rows are sorted by length, to reduce padding.
const SORTED_BATCHES: usize = 16;

/// Rows that are read together, and their batches.
#[derive(Debug, PartialEq)]
pub(crate) struct Part {
    /// Rows in storage order.
    pub(crate) rows: Vec<usize>,
    /// The same rows, in the order of visits.
    pub(crate) batches: Vec<Vec<usize>>,
}

/// Lengths and storage order of rows, from which orders of visits follow.
pub(crate) struct Order {
    lengths: Vec<usize>,
    by_storage: Vec<usize>,
    /// Positions in `by_storage`.
    chunks: Vec<Range<usize>>,
    dim: usize,
    part_values: usize,
}

impl Order {
    /// For rows with these lengths and positions in the store.
    pub(crate) fn new(lengths: Vec<usize>, positions: &[usize], dim: usize) -> Self {
        Self::with_sizes(lengths, positions, dim, (CHUNK_VALUES, PART_VALUES))
    }

    pub(crate) fn with_sizes(
        lengths: Vec<usize>,
        positions: &[usize],
        dim: usize,
        (chunk_values, part_values): (usize, usize),
    ) -> Self {
        let mut by_storage: Vec<usize> = (0..lengths.len()).collect();
        by_storage.sort_by_key(|&row| positions[row]);
        let chunks = chunks(&by_storage, &lengths, dim, chunk_values);
        Self { lengths, by_storage, chunks, dim, part_values }
    }

    /// Tokens of each row.
    pub(crate) fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Values of all rows.
    pub(crate) fn n_values(&self) -> usize {
        self.values_of(0..self.lengths.len())
    }

    /// All rows in random order, in batches whose sizes differ by at most one within a part. Rows of different
    /// lengths are sorted within every [`SORTED_BATCHES`] batches, and the batches are then shuffled.
    pub(crate) fn training(&self, batch_size: usize, rng: &mut ChaCha8Rng) -> Vec<Part> {
        if self.n_values() <= self.part_values {
            let batches = self.shuffled_batches((0..self.lengths.len()).collect(), batch_size, rng);
            return vec![Part { rows: self.by_storage.clone(), batches }];
        }
        let mut chunks = self.chunks.clone();
        chunks.shuffle(rng);
        let into_part = |mut chunks: Vec<Range<usize>>| {
            chunks.sort_by_key(|chunk| chunk.start);
            let rows: Vec<usize> =
                chunks.into_iter().flat_map(|chunk| &self.by_storage[chunk]).copied().collect();
            Part { batches: self.shuffled_batches(rows.clone(), batch_size, rng), rows }
        };
        self.grouped(chunks).into_iter().map(into_part).collect()
    }

    /// All rows in storage order, sorted by length within a part, in batches of at most `tokens` tokens
    /// (and at least one row).
    pub(crate) fn prediction(&self, tokens: usize) -> Vec<Part> {
        let into_part = |chunks: Vec<Range<usize>>| {
            let rows: Vec<usize> =
                chunks.into_iter().flat_map(|chunk| &self.by_storage[chunk]).copied().collect();
            let mut sorted = rows.clone();
            sorted.sort_by_key(|&row| (self.lengths[row], row));
            let mut batches: Vec<Vec<usize>> = Vec::new();
            for row in sorted {
                match batches.last_mut() {
                    Some(batch) if (batch.len() + 1) * self.lengths[row] <= tokens => batch.push(row),
                    _ => batches.push(vec![row]),
                }
            }
            Part { rows, batches }
        };
        self.grouped(self.chunks.clone()).into_iter().map(into_part).collect()
    }

    /// Groups chunks, in the given order, until each part is full.
    fn grouped(&self, chunks: Vec<Range<usize>>) -> Vec<Vec<Range<usize>>> {
        let mut parts: Vec<Vec<Range<usize>>> = Vec::new();
        let mut values = 0_usize;
        for chunk in chunks {
            let own = self.values_of(self.by_storage[chunk.clone()].iter().copied());
            values = values.saturating_add(own);
            match parts.last_mut() {
                Some(part) if values <= self.part_values => part.push(chunk),
                _ => {
                    parts.push(vec![chunk]);
                    values = own;
                }
            }
        }
        parts
    }

    fn values_of(&self, rows: impl Iterator<Item = usize>) -> usize {
        rows.map(|row| self.lengths[row]).sum::<usize>().saturating_mul(self.dim)
    }

    fn shuffled_batches(
        &self,
        mut order: Vec<usize>,
        batch_size: usize,
        rng: &mut ChaCha8Rng,
    ) -> Vec<Vec<usize>> {
        order.shuffle(rng);
        let even = order.windows(2).all(|pair| self.lengths[pair[0]] == self.lengths[pair[1]]);
        if !even {
            for window in order.chunks_mut(SORTED_BATCHES * batch_size.max(1)) {
                window.sort_by_key(|&row| self.lengths[row]);
            }
        }
        let n_batches = n_batches(order.len(), batch_size);
        let edge = |batch: usize| batch * order.len() / n_batches;
        let mut batches: Vec<Vec<usize>> =
            (0..n_batches).map(|batch| order[edge(batch)..edge(batch + 1)].to_vec()).collect();
        if !even {
            batches.shuffle(rng);
        }
        batches
    }
}

/// Batches of about this size that rows are cut into.
pub(crate) fn n_batches(rows: usize, batch_size: usize) -> usize {
    (rows as f64 / batch_size.max(1) as f64).round().max(1.0) as usize
}

/// Places of `rows` that follow each other and hold at most so many values (at least one row each).
pub(crate) fn chunks(rows: &[usize], lengths: &[usize], dim: usize, most: usize) -> Vec<Range<usize>> {
    let mut chunks: Vec<Range<usize>> = Vec::new();
    let mut values = 0_usize;
    for (place, &row) in rows.iter().enumerate() {
        let own = lengths[row].saturating_mul(dim);
        values = values.saturating_add(own);
        match chunks.last_mut() {
            Some(chunk) if values <= most => chunk.end = place + 1,
            _ => {
                chunks.push(place..place + 1);
                values = own;
            }
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;
    use seqprobe_core::Seed;

    /// 300 rows of 1 to 9 tokens of 2 channels, stored backwards.
    fn order(part_values: usize) -> Order {
        let lengths: Vec<usize> = (0..300).map(|row| 1 + row * 7 % 9).collect();
        let positions: Vec<usize> = (0..300).rev().collect();
        Order::with_sizes(lengths, &positions, 2, (40, part_values))
    }

    fn all_rows(parts: &[Part]) -> Vec<usize> {
        let mut rows: Vec<usize> =
            parts.iter().flat_map(|part| part.batches.iter().flatten()).copied().collect();
        rows.sort_unstable();
        rows
    }

    #[test]
    fn every_row_is_visited_once_and_parts_keep_their_size() {
        for part_values in [1, 40, 200, 1000, usize::MAX] {
            let order = order(part_values);
            for parts in [order.training(8, &mut Seed(1).rng()), order.prediction(30)] {
                assert_eq!(all_rows(&parts), (0..300).collect::<Vec<usize>>());
                for part in &parts {
                    let mut visited: Vec<usize> = part.batches.iter().flatten().copied().collect();
                    visited.sort_unstable_by(|one, other| other.cmp(one));
                    assert_eq!(visited, part.rows, "read in the order of the store, which is backwards");
                    let values = order.values_of(part.rows.iter().copied());
                    assert!(values <= part_values.max(40), "{values} values in a part of {part_values}");
                    assert!(part.batches.iter().all(|batch| !batch.is_empty() && batch.len() <= 30));
                }
            }
        }
        assert_eq!(order(usize::MAX).training(8, &mut Seed(1).rng()).len(), 1);
        assert!(order(200).training(8, &mut Seed(1).rng()).len() > 10);
    }

    #[test]
    fn parts_mix_rows_from_all_over_and_change_with_the_epoch() {
        let order = order(800);
        let mut rng = Seed(2).rng();
        let (first, second) = (order.training(8, &mut rng), order.training(8, &mut rng));
        assert_ne!(first, second);
        for part in &first[..first.len() - 1] {
            let spread = part.rows.first().unwrap() - part.rows.last().unwrap();
            assert!(spread > 100, "rows {:?} lie close together", part.rows);
            assert!(part.rows.len() > 40);
        }
    }
}

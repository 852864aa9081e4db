//! The independent units of a split: its clusters, and rows with the same sequence.
//!
//! A sequence that occurs twice in test is one observation, whatever its strand: a probe predicts it twice in the same
//! way. If copies counted as independent examples, intervals would be too narrow.

use seqprobe_core::{Dataset, DnaSequence, Split};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Returns the unit of each row of a split; `None` if every row is one. Clusters that share a sequence (on either
/// strand) are one unit.
pub(crate) fn units_of(dataset: &Dataset, split: Split) -> Option<Vec<u32>> {
    let rows = dataset.splits.rows(split);
    let mut units = Units { parents: (0..rows.len() as u32).collect() };
    let mut is_plain = dataset.clusters.is_none();
    if let Some(clusters) = &dataset.clusters {
        let mut first_of_cluster: HashMap<u32, u32> = HashMap::new();
        for (place, &row) in (0..).zip(rows) {
            let first = *first_of_cluster.entry(clusters.ids()[row]).or_insert(place);
            units.join(first, place);
        }
    }
    let mut first_of_sequence: HashMap<DnaSequence, u32> = HashMap::with_capacity(rows.len());
    for (place, &row) in (0..).zip(rows) {
        let sequence = &dataset.sequences[row];
        let other_strand = sequence.reverse_complement();
        match first_of_sequence.entry(other_strand.min(sequence.clone())) {
            Entry::Occupied(first) => {
                units.join(*first.get(), place);
                is_plain = false;
            }
            Entry::Vacant(place_of) => {
                place_of.insert(place);
            }
        }
    }
    (!is_plain).then(|| (0..rows.len() as u32).map(|place| units.root(place)).collect())
}

/// Sets of rows that belong together; each has its first row as its name.
struct Units {
    parents: Vec<u32>,
}

impl Units {
    fn root(&mut self, mut place: u32) -> u32 {
        while self.parents[place as usize] != place {
            let above = self.parents[self.parents[place as usize] as usize];
            self.parents[place as usize] = above;
            place = above;
        }
        place
    }

    fn join(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        self.parents[one.max(other) as usize] = one.min(other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_fixtures::dataset;

    #[test]
    fn copies_on_either_strand_are_one_unit() {
        let mut made = dataset(8, false);
        assert_eq!(units_of(&made, Split::Test), None);
        made.sequences[87] = made.sequences[85].clone();
        made.sequences[90] = made.sequences[85].reverse_complement();
        made.sequences[92] = made.sequences[88].clone();
        assert_eq!(units_of(&made, Split::Test), Some(vec![0, 1, 0, 3, 4, 0, 6, 3]));
        // A copy in train is no copy within test.
        let mut made = dataset(8, false);
        made.sequences[0] = made.sequences[85].clone();
        assert_eq!(units_of(&made, Split::Test), None);
    }

    #[test]
    fn clusters_that_share_a_sequence_are_one() {
        // Genes of four neighbours: the rows 85 to 87, 88 to 91, 92.
        let mut made = dataset(8, true);
        assert_eq!(units_of(&made, Split::Test), Some(vec![0, 0, 0, 3, 3, 3, 3, 7]));
        made.sequences[92] = made.sequences[86].reverse_complement();
        assert_eq!(units_of(&made, Split::Test), Some(vec![0, 0, 0, 3, 3, 3, 3, 0]));
    }
}

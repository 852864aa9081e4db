//! The search for k-mers in regions whose frequency correlates with a target. It starts with short k-mers and extends
//! them as long as the correlation grows.

use crate::dexter::aligned_bases::AlignedBases;
use crate::dexter::regional_kmers::{Places, RegionalKmer};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// The settings of the search.
#[derive(Clone, Debug, PartialEq)]
pub struct DexterSearch {
    /// Equal pieces that the sequences are cut into. A region is one piece or several neighbouring ones.
    pub bins: usize,
    /// Bases of the first k-mers, all of which are tried.
    pub first_length: usize,
    /// Bases of the longest k-mers, at most 15.
    pub longest: usize,
    /// What a longer k-mer must add to the absolute correlation of the shorter one.
    pub gain: f64,
    /// How many k-mers of each length are kept and extended.
    pub beam: usize,
    /// Smallest number of training rows in which a longer k-mer must occur.
    pub least_rows: usize,
}

/// A k-mer with its best region.
#[derive(Clone)]
pub(crate) struct GreedyHit {
    pub(crate) regional_kmer: RegionalKmer,
    /// Correlation of frequency and target over all rows.
    pub(crate) correlation: f64,
}

/// A k-mer and where it occurs.
struct LocatedKmer {
    kmer: Vec<u8>,
    /// `row · length + position`, ascending.
    at: Vec<u32>,
    hit: GreedyHit,
}

/// Finds k-mers in regions. `targets`: one number per row of `bases`. The result does not depend on the number of
/// threads.
pub(crate) fn search(bases: &AlignedBases, targets: &[f64], settings: &DexterSearch) -> Vec<GreedyHit> {
    let mean = targets.iter().sum::<f64>() / targets.len().max(1) as f64;
    let centred: Vec<f64> = targets.iter().map(|target| target - mean).collect();
    let square: f64 = centred.iter().map(|target| target * target).sum();
    let regions = Regions::new(bases.length, settings.bins);
    let mut all = Vec::new();
    let first = settings.first_length.clamp(1, settings.longest);
    let scorer = KmerScorer::new(bases, &centred, square, &regions, first);
    let mut kmers: Vec<LocatedKmer> = first_kmers(bases, first)
        .into_par_iter()
        .filter_map(|(kmer, at)| scorer.best_region(kmer, at))
        .collect();
    let mut k = first;
    loop {
        all.extend(kmers.iter().map(|kmer| kmer.hit.clone()));
        k += 1;
        if kmers.is_empty() || k > settings.longest.min(bases.length) {
            return all;
        }
        // Each longer k-mer once, with the smallest correlation among the k-mers that it extends.
        let mut longer: BTreeMap<Vec<u8>, (usize, f64)> = BTreeMap::new();
        for (parent, shorter) in kmers.iter().enumerate() {
            let strength = shorter.hit.correlation.abs();
            for base in 0..4 {
                for child in [[&[base], &shorter.kmer[..]].concat(), [&shorter.kmer[..], &[base]].concat()] {
                    let entry = longer.entry(child).or_insert((parent, strength));
                    if strength < entry.1 {
                        *entry = (parent, strength);
                    }
                }
            }
        }
        let scorer = KmerScorer::new(bases, &centred, square, &regions, k);
        let longer: Vec<(Vec<u8>, (usize, f64))> = longer.into_iter().collect();
        let mut grown: Vec<LocatedKmer> = longer
            .into_par_iter()
            .filter_map(|(child, (parent, strength))| {
                let at = occurrences_of(bases, &kmers[parent], &child);
                if scorer.n_rows_with(&at) < settings.least_rows {
                    return None;
                }
                scorer
                    .best_region(child, at)
                    .filter(|kmer| kmer.hit.correlation.abs() >= strength + settings.gain)
            })
            .collect();
        grown.sort_by(|left, right| {
            let strength = |kmer: &LocatedKmer| kmer.hit.correlation.abs();
            strength(right).total_cmp(&strength(left)).then_with(|| left.kmer.cmp(&right.kmer))
        });
        grown.truncate(settings.beam);
        kmers = grown;
    }
}

/// All runs of neighbouring pieces.
struct Regions {
    /// The starts of the pieces, and the end of the last piece.
    cuts: Vec<usize>,
    /// First and last cut of each region.
    runs: Vec<(usize, usize)>,
    /// Start and end of each region.
    spans: Vec<(usize, usize)>,
}

impl Regions {
    fn new(length: usize, bins: usize) -> Self {
        let bins = bins.clamp(1, length.max(1));
        let cuts: Vec<usize> = (0..=bins).map(|index| index * length / bins).collect();
        let runs: Vec<(usize, usize)> =
            (0..bins).flat_map(|first| (first + 1..=bins).map(move |last| (first, last))).collect();
        let spans = runs.iter().map(|&(first, last)| (cuts[first], cuts[last])).collect();
        Self { cuts, runs, spans }
    }
}

/// Returns all k-mers that occur, and where they occur.
fn first_kmers(bases: &AlignedBases, k: usize) -> BTreeMap<Vec<u8>, Vec<u32>> {
    let mut kmers: BTreeMap<Vec<u8>, Vec<u32>> = BTreeMap::new();
    for (row, codes) in bases.codes.chunks(bases.length.max(1)).enumerate() {
        for (position, kmer) in codes.windows(k).enumerate() {
            if kmer.iter().all(|&base| base < 4) {
                let at = (row * bases.length + position) as u32;
                match kmers.get_mut(kmer) {
                    Some(list) => list.push(at),
                    None => {
                        kmers.insert(kmer.to_vec(), vec![at]);
                    }
                }
            }
        }
    }
    kmers
}

/// Returns where a k-mer occurs that extends another one by a base before or after it.
fn occurrences_of(bases: &AlignedBases, parent: &LocatedKmer, child: &[u8]) -> Vec<u32> {
    let length = bases.length;
    let old = parent.kmer.len();
    let is_after = child[..old] == parent.kmer[..];
    let base = if is_after { child[old] } else { child[0] };
    let grown = |&at: &u32| {
        let (at, position) = (at as usize, at as usize % length);
        if is_after {
            (position + old < length && bases.codes[at + old] == base).then_some(at as u32)
        } else {
            (position > 0 && bases.codes[at - 1] == base).then(|| at as u32 - 1)
        }
    };
    parent.at.iter().filter_map(grown).collect()
}

/// The targets, regions and places by which k-mers of one length are scored.
struct KmerScorer<'a> {
    /// Bases of each row.
    length: usize,
    targets: &'a [f64],
    square: f64,
    regions: &'a Regions,
    places: Places,
    /// Rows with a place in each region, and the sum of their targets.
    defined: Vec<(f64, f64)>,
    k: usize,
}

impl<'a> KmerScorer<'a> {
    fn new(bases: &AlignedBases, targets: &'a [f64], square: f64, regions: &'a Regions, k: usize) -> Self {
        let places = Places::new(bases, &regions.spans, k);
        let total: f64 = targets.iter().sum();
        let mut defined = vec![(targets.len() as f64, total); regions.spans.len()];
        for row in places.rows_with_n() {
            for ((n, sum), &places) in defined.iter_mut().zip(places.of_row(row)) {
                if places == 0 {
                    *n -= 1.0;
                    *sum -= targets[row];
                }
            }
        }
        Self { length: bases.length, targets, square, regions, places, defined, k }
    }

    fn n_rows_with(&self, at: &[u32]) -> usize {
        at.chunk_by(|left, right| *left as usize / self.length == *right as usize / self.length).count()
    }

    /// Finds the region where the frequency of a k-mer has the largest absolute correlation with the target; among
    /// equals the first. A row without a place for the k-mer counts as the mean. `None` if the frequency never changes.
    fn best_region(&self, kmer: Vec<u8>, at: Vec<u32>) -> Option<LocatedKmer> {
        let mut sums = vec![[0.0_f64; 3]; self.regions.spans.len()];
        // How many occurrences in a row start before each cut, and how many end at or before it.
        let n_cuts = self.regions.cuts.len();
        let (mut started, mut ended) = (vec![0_usize; n_cuts], vec![0_usize; n_cuts]);
        for own in at.chunk_by(|left, right| *left as usize / self.length == *right as usize / self.length) {
            let row = own[0] as usize / self.length;
            let before =
                |position: usize| own.partition_point(|&one| (one as usize) < row * self.length + position);
            for ((started, ended), &cut) in started.iter_mut().zip(&mut ended).zip(&self.regions.cuts) {
                *started = before(cut);
                *ended = before((cut + 1).saturating_sub(self.k));
            }
            let target = self.targets[row];
            let places = self.places.of_row(row);
            for ((sums, &(first, last)), &places) in sums.iter_mut().zip(&self.regions.runs).zip(places) {
                if places == 0 {
                    continue;
                }
                let count = ended[last].saturating_sub(started[first]);
                if count > 0 {
                    let frequency = count as f64 / f64::from(places);
                    sums[0] += frequency;
                    sums[1] += frequency * frequency;
                    sums[2] += frequency * target;
                }
            }
        }
        let mut best: Option<(usize, f64)> = None;
        for (region, ([sum, square, product], (n, targets))) in sums.iter().zip(&self.defined).enumerate() {
            if *n < 2.0 || self.square <= 0.0 {
                continue;
            }
            let spread = square - sum * sum / n;
            if spread <= 1e-12 * square {
                continue;
            }
            let correlation = (product - sum / n * targets) / (spread * self.square).sqrt();
            if best.is_none_or(|(_, known)| correlation.abs() > known.abs()) {
                best = Some((region, correlation));
            }
        }
        let (region, correlation) = best?;
        let (start, end) = self.regions.spans[region];
        let regional_kmer = RegionalKmer { kmer: kmer.clone(), start, end };
        Some(LocatedKmer { kmer, at, hit: GreedyHit { regional_kmer, correlation } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dexter::regional_kmers::frequencies;

    #[test]
    fn regions_are_all_runs_of_pieces() {
        assert_eq!(Regions::new(10, 2).spans, [(0, 5), (0, 10), (5, 10)]);
        assert_eq!(Regions::new(30, 13).spans.len(), 13 * 14 / 2);
        assert_eq!(Regions::new(2, 13).spans, [(0, 1), (0, 2), (1, 2)]);
    }

    #[test]
    fn the_correlation_is_that_of_the_frequencies() {
        let mut state = 5_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize
        };
        let (rows, length) = (60, 24);
        let codes = (0..rows * length).map(|_| [0, 1, 2, 3, 0, 1, 4][next() % 7]).collect();
        let bases = AlignedBases { codes, length };
        let targets: Vec<f64> = (0..rows).map(|_| (next() % 100) as f64).collect();
        let settings =
            DexterSearch { bins: 4, first_length: 2, longest: 3, gain: 0.0, beam: 10, least_rows: 1 };
        let found = search(&bases, &targets, &settings);
        assert!(found.iter().any(|one| one.regional_kmer.kmer.len() == 3));
        let kmers: Vec<RegionalKmer> = found.iter().map(|one| one.regional_kmer.clone()).collect();
        let values = frequencies(&bases, &kmers);
        for (column, one) in found.iter().enumerate() {
            let known: Vec<f64> =
                values.column(column).iter().flatten().map(|value| f64::from(*value)).collect();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let target_mean = targets.iter().sum::<f64>() / rows as f64;
            let (mut product, mut square, mut target_square) = (0.0, 0.0, 0.0);
            for (value, target) in values.column(column).iter().zip(&targets) {
                let (x, y) = (value.map_or(0.0, |value| f64::from(value) - mean), target - target_mean);
                product += x * y;
                square += x * x;
                target_square += y * y;
            }
            let expected = product / (square * target_square).sqrt();
            assert!((one.correlation - expected).abs() < 1e-5, "{:?}: {expected}", one.regional_kmer);
        }
    }
}

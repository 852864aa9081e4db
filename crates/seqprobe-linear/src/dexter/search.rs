//! The search for words in regions whose frequency goes with a target: short words first, longer ones while they
//! go with it better.

use crate::dexter::regional_kmers::{Element, Letters, Places};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// How far the search goes.
#[derive(Clone, Debug, PartialEq)]
pub struct DexterSearch {
    /// Equal pieces the sequences are cut into; a region is one piece or several neighbours.
    pub bins: usize,
    /// Letters of the first words, all of which are tried.
    pub first_length: usize,
    /// Letters of the longest words, at most 15.
    pub longest: usize,
    /// What a longer word must add to the absolute correlation of the shorter one.
    pub gain: f64,
    /// Most words of one length that are kept and made longer.
    pub beam: usize,
    /// Fewest training rows that a longer word must stand in.
    pub least_rows: usize,
}

/// A word with its best region.
pub(crate) struct Found {
    pub(crate) element: Element,
    /// Of frequency and target, over all rows.
    pub(crate) correlation: f64,
}

/// A word and where it stands.
struct Word {
    letters: Vec<u8>,
    /// `row · length + place`, ascending.
    at: Vec<u32>,
    found: Found,
}

/// Finds words in regions; `targets` is one number per row of `letters`. The words that were found do not depend
/// on the number of threads.
pub(crate) fn search(letters: &Letters, targets: &[f64], settings: &DexterSearch) -> Vec<Found> {
    let mean = targets.iter().sum::<f64>() / targets.len().max(1) as f64;
    let centred: Vec<f64> = targets.iter().map(|target| target - mean).collect();
    let square: f64 = centred.iter().map(|target| target * target).sum();
    let regions = Regions::new(letters.length, settings.bins);
    let mut all = Vec::new();
    let first = settings.first_length.clamp(1, settings.longest);
    let scene = Scene::new(letters, &centred, square, &regions, first);
    let mut words: Vec<Word> =
        first_words(letters, first).into_par_iter().filter_map(|(word, at)| scene.judge(word, at)).collect();
    let mut length = first;
    loop {
        all.extend(
            words.iter().map(|word| Found {
                element: word.found.element.clone(),
                correlation: word.found.correlation,
            }),
        );
        length += 1;
        if words.is_empty() || length > settings.longest.min(letters.length) {
            return all;
        }
        // Each longer word once, with the least correlation among the words that it grows from.
        let mut longer: BTreeMap<Vec<u8>, (usize, f64)> = BTreeMap::new();
        for (parent, word) in words.iter().enumerate() {
            let strength = word.found.correlation.abs();
            for letter in 0..4 {
                for child in
                    [[&[letter], &word.letters[..]].concat(), [&word.letters[..], &[letter]].concat()]
                {
                    let entry = longer.entry(child).or_insert((parent, strength));
                    if strength < entry.1 {
                        *entry = (parent, strength);
                    }
                }
            }
        }
        let scene = Scene::new(letters, &centred, square, &regions, length);
        let longer: Vec<(Vec<u8>, (usize, f64))> = longer.into_iter().collect();
        let mut grown: Vec<Word> = longer
            .into_par_iter()
            .filter_map(|(child, (parent, strength))| {
                let at = grow(letters, &words[parent], &child);
                if scene.rows_of(&at) < settings.least_rows {
                    return None;
                }
                scene.judge(child, at).filter(|word| word.found.correlation.abs() >= strength + settings.gain)
            })
            .collect();
        grown.sort_by(|left, right| {
            let strength = |word: &Word| word.found.correlation.abs();
            strength(right).total_cmp(&strength(left)).then_with(|| left.letters.cmp(&right.letters))
        });
        grown.truncate(settings.beam);
        words = grown;
    }
}

/// All runs of neighbouring pieces.
struct Regions {
    /// Where pieces start, and the end of the last.
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

/// All words of a length that stand somewhere, and where.
fn first_words(letters: &Letters, length: usize) -> BTreeMap<Vec<u8>, Vec<u32>> {
    let mut words: BTreeMap<Vec<u8>, Vec<u32>> = BTreeMap::new();
    for (row, codes) in letters.codes.chunks(letters.length.max(1)).enumerate() {
        for (place, word) in codes.windows(length).enumerate() {
            if word.iter().all(|&letter| letter < 4) {
                let at = (row * letters.length + place) as u32;
                match words.get_mut(word) {
                    Some(list) => list.push(at),
                    None => {
                        words.insert(word.to_vec(), vec![at]);
                    }
                }
            }
        }
    }
    words
}

/// Where a word stands that is another one with a letter before or after it.
fn grow(letters: &Letters, parent: &Word, child: &[u8]) -> Vec<u32> {
    let length = letters.length;
    let old = parent.letters.len();
    let is_after = child[..old] == parent.letters[..];
    let letter = if is_after { child[old] } else { child[0] };
    let grown = |&at: &u32| {
        let (at, place) = (at as usize, at as usize % length);
        if is_after {
            (place + old < length && letters.codes[at + old] == letter).then_some(at as u32)
        } else {
            (place > 0 && letters.codes[at - 1] == letter).then(|| at as u32 - 1)
        }
    };
    parent.at.iter().filter_map(grown).collect()
}

/// What words of one length are judged by.
struct Scene<'a> {
    length: usize,
    targets: &'a [f64],
    square: f64,
    regions: &'a Regions,
    places: Places,
    /// Rows with a place in each region, and the sum of their targets.
    defined: Vec<(f64, f64)>,
    word_length: usize,
}

impl<'a> Scene<'a> {
    fn new(
        letters: &Letters,
        targets: &'a [f64],
        square: f64,
        regions: &'a Regions,
        word_length: usize,
    ) -> Self {
        let places = Places::new(letters, &regions.spans, word_length);
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
        Self { length: letters.length, targets, square, regions, places, defined, word_length }
    }

    fn rows_of(&self, at: &[u32]) -> usize {
        at.chunk_by(|left, right| *left as usize / self.length == *right as usize / self.length).count()
    }

    /// The region where the word's frequency goes best with the target; among equals the first. A row without a
    /// place for the word counts as the mean. `None` where the frequency never changes.
    fn judge(&self, word: Vec<u8>, at: Vec<u32>) -> Option<Word> {
        let mut sums = vec![[0.0_f64; 3]; self.regions.spans.len()];
        // How many of a row's words start before each cut, and how many end by it.
        let n_cuts = self.regions.cuts.len();
        let (mut started, mut ended) = (vec![0_usize; n_cuts], vec![0_usize; n_cuts]);
        for own in at.chunk_by(|left, right| *left as usize / self.length == *right as usize / self.length) {
            let row = own[0] as usize / self.length;
            let before =
                |place: usize| own.partition_point(|&one| (one as usize) < row * self.length + place);
            for ((started, ended), &cut) in started.iter_mut().zip(&mut ended).zip(&self.regions.cuts) {
                *started = before(cut);
                *ended = before((cut + 1).saturating_sub(self.word_length));
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
        let element = Element { word: word.clone(), start, end };
        Some(Word { letters: word, at, found: Found { element, correlation } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let letters = Letters { codes, length };
        let targets: Vec<f64> = (0..rows).map(|_| (next() % 100) as f64).collect();
        let settings =
            DexterSearch { bins: 4, first_length: 2, longest: 3, gain: 0.0, beam: 10, least_rows: 1 };
        let found = search(&letters, &targets, &settings);
        assert!(found.iter().any(|one| one.element.word.len() == 3));
        let elements: Vec<Element> = found.iter().map(|one| one.element.clone()).collect();
        let values = letters.frequencies(&elements);
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
            assert!((one.correlation - expected).abs() < 1e-5, "{:?}: {expected}", one.element);
        }
    }
}

//! The letters behind one-hot rows, and how often words stand in regions of them.
//!
//! A one-hot row is its sequence, letter by letter; a row of zeros is N. Sequences shorter than the longest in train
//! are filled up with N, so that a place means the same in all of them. The frequency of a word in a region is its
//! count over the places where it could stand: whole within the region and without N.

use ndarray::Array2;
use rayon::prelude::*;
use seqprobe_core::{FeatureError, FeatureKind, FeatureView, ProbeError};
use serde::Deserialize;
use serde_json::json;

/// N.
const UNKNOWN: u8 = 4;
/// Longest word: its code fits 30 bits.
pub(crate) const MAX_K: usize = 15;
/// The code of a word with N.
const NO_WORD: u32 = u32::MAX;
/// Values read at once.
const BLOCK_VALUES: usize = 1 << 22;

/// At which end sequences of unequal length are aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// The first letters stand below each other.
    Left,
    /// The last letters do.
    Right,
}

impl Align {
    /// The word used in suites and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }

    /// The alignment of a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Left, Self::Right].into_iter().find(|align| align.as_str() == word)
    }
}

/// Rows of letters of one length.
pub(crate) struct Letters {
    /// `[rows, length]`: 0 to 3 for A C G T, 4 for N.
    pub(crate) codes: Vec<u8>,
    pub(crate) length: usize,
}

/// A word in a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    /// Its letters, 0 to 3.
    pub(crate) word: Vec<u8>,
    /// First letter of the region, 0-based.
    pub(crate) start: usize,
    /// End of the region, half-open.
    pub(crate) end: usize,
}

impl Letters {
    /// Reads the letters of a view, filled up to `length`.
    ///
    /// # Errors
    /// [`ProbeError`] when a row is longer than `length` or the features are no one-hot letters.
    pub(crate) fn read(view: &FeatureView<'_>, length: usize, align: Align) -> Result<Self, ProbeError> {
        let no_letters = || {
            ProbeError::NotApplicable(
                "dexter reads the letters of the sequences: features that are one-hot, one vector per base\n  hint: use the representation onehot with pooling tokens".to_owned(),
            )
        };
        if view.kind() != FeatureKind::Tokens || view.dim() != 4 {
            return Err(no_letters());
        }
        let mut codes = vec![UNKNOWN; view.n_rows() * length];
        let block = (BLOCK_VALUES / (4 * length.max(1))).max(1);
        let mut values = Vec::new();
        for first in (0..view.n_rows()).step_by(block) {
            let rows: Vec<usize> = (first..view.n_rows().min(first + block)).collect();
            values.clear();
            view.read(&rows, &mut values)?;
            let mut vectors = values.as_chunks::<4>().0.iter();
            for &row in &rows {
                let own = view.length(row);
                if own > length {
                    return Err(FeatureError::TooLong { row, length: own, limit: length }.into());
                }
                let start = row * length + if align == Align::Right { length - own } else { 0 };
                for code in &mut codes[start..start + own] {
                    let vector = vectors.next().ok_or_else(no_letters)?;
                    *code = letter(vector).ok_or_else(no_letters)?;
                }
            }
        }
        Ok(Self { codes, length })
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.codes.len() / self.length.max(1)
    }

    /// Some rows.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let row = |&row: &usize| self.codes[row * self.length..(row + 1) * self.length].iter().copied();
        Self { codes: rows.iter().flat_map(row).collect(), length: self.length }
    }

    /// Frequencies of elements; `None` where a word has no place in a row's region.
    ///
    /// # Shapes
    /// `[rows, elements]`
    pub(crate) fn frequencies(&self, elements: &[Element]) -> Array2<Option<f32>> {
        let mut lengths: Vec<usize> = elements.iter().map(|element| element.word.len()).collect();
        lengths.sort_unstable();
        lengths.dedup();
        let wanted: Vec<u32> = elements.iter().map(|element| code_of(&element.word)).collect();
        let mut frequencies = Array2::from_elem((self.n_rows(), elements.len()), None);
        let Some(values) = frequencies.as_slice_mut().filter(|values| !values.is_empty()) else {
            return frequencies;
        };
        values.par_chunks_mut(elements.len()).zip(self.codes.par_chunks(self.length)).for_each(
            |(values, letters)| {
                for &length in &lengths {
                    let words = word_codes(letters, length);
                    let places = places_before(&words);
                    let own = elements.iter().zip(&wanted).zip(&mut *values);
                    for ((element, &wanted), value) in own.filter(|((one, _), _)| one.word.len() == length) {
                        let last = (element.end + 1).saturating_sub(length).max(element.start);
                        let places = places[last.min(words.len())] - places[element.start.min(words.len())];
                        let stretch = &words[element.start.min(words.len())..last.min(words.len())];
                        let count = stretch.iter().filter(|&&word| word == wanted).count();
                        *value = (places > 0).then(|| (count as f64 / f64::from(places)) as f32);
                    }
                }
            },
        );
        frequencies
    }
}

/// The letter of a one-hot vector.
fn letter(vector: &[f32; 4]) -> Option<u8> {
    let mut found = UNKNOWN;
    for (code, value) in (0..4).zip(vector) {
        if value.total_cmp(&1.0).is_eq() && found == UNKNOWN {
            found = code;
        } else if *value != 0.0 {
            return None;
        }
    }
    Some(found)
}

/// The number of a word.
fn code_of(word: &[u8]) -> u32 {
    word.iter().fold(0, |code, &letter| code * 4 + u32::from(letter))
}

/// The word that starts at each place, [`NO_WORD`] where it would hold N.
fn word_codes(letters: &[u8], length: usize) -> Vec<u32> {
    let mask = (1_u32 << (2 * length)) - 1;
    let (mut code, mut n_known) = (0_u32, 0);
    let mut words = Vec::with_capacity(letters.len());
    for (place, &letter) in letters.iter().enumerate() {
        if letter == UNKNOWN {
            n_known = 0;
        } else {
            code = ((code << 2) | u32::from(letter)) & mask;
            n_known += 1;
        }
        if place + 1 >= length {
            words.push(if n_known >= length { code } else { NO_WORD });
        }
    }
    words
}

/// How many places before each one have a word.
fn places_before(words: &[u32]) -> Vec<u32> {
    let mut places = Vec::with_capacity(words.len() + 1);
    let mut n = 0;
    places.push(0);
    for &word in words {
        n += u32::from(word != NO_WORD);
        places.push(n);
    }
    places
}

/// The letters of a word as text.
pub(crate) fn word_text(word: &[u8]) -> String {
    word.iter().map(|&letter| ['A', 'C', 'G', 'T', 'N'][usize::from(letter.min(UNKNOWN))]).collect()
}

/// The word of a text of A C G T.
pub(crate) fn parse_word(text: &str) -> Option<Vec<u8>> {
    let word: Option<Vec<u8>> = text
        .bytes()
        .map(|letter| b"ACGT".iter().position(|&one| one == letter).map(|code| code as u8))
        .collect();
    word.filter(|word| (1..=MAX_K).contains(&word.len()))
}

/// Possible places of words of one length in each region of each row.
pub(crate) struct Places {
    /// Rows with N, and at which of `counts` each stands; `u32::MAX` for a row without N.
    index: Vec<u32>,
    /// `[rows with N, regions]`
    counts: Vec<u32>,
    /// In a row without N.
    clean: Vec<u32>,
}

impl Places {
    /// `regions`: start and end of each.
    pub(crate) fn new(letters: &Letters, regions: &[(usize, usize)], length: usize) -> Self {
        let mut index = vec![u32::MAX; letters.n_rows()];
        let mut with_n = Vec::new();
        for (row, codes) in letters.codes.chunks(letters.length.max(1)).enumerate() {
            if codes.contains(&UNKNOWN) {
                index[row] = with_n.len() as u32;
                with_n.push(codes);
            }
        }
        let of_row = |codes: &&[u8]| {
            let places = places_before(&word_codes(codes, length));
            let count = |&(start, end): &(usize, usize)| match end + 1 > start + length {
                true => places[end + 1 - length] - places[start],
                false => 0,
            };
            regions.iter().map(count).collect::<Vec<u32>>()
        };
        let counts = with_n.par_iter().map(of_row).collect::<Vec<_>>().concat();
        let clean =
            regions.iter().map(|&(start, end)| (end + 1).saturating_sub(start + length) as u32).collect();
        Self { index, counts, clean }
    }

    /// Places in each region of a row.
    pub(crate) fn of_row(&self, row: usize) -> &[u32] {
        let n_regions = self.clean.len();
        match self.index[row] {
            u32::MAX => &self.clean,
            index => &self.counts[index as usize * n_regions..(index as usize + 1) * n_regions],
        }
    }

    /// Rows with N.
    pub(crate) fn rows_with_n(&self) -> impl Iterator<Item = usize> + '_ {
        self.index.iter().enumerate().filter(|(_, index)| **index != u32::MAX).map(|(row, _)| row)
    }
}

/// Elements as JSON: word, start, end.
pub(crate) fn elements_to_json(elements: &[Element]) -> serde_json::Value {
    elements.iter().map(|one| json!([word_text(&one.word), one.start, one.end])).collect()
}

/// Elements from JSON, each within `length` letters; `None` where one is no element.
pub(crate) fn elements_from_json(value: &serde_json::Value, length: usize) -> Option<Vec<Element>> {
    let element = |value: &serde_json::Value| {
        let word = parse_word(value[0].as_str()?)?;
        let number = |value: &serde_json::Value| usize::try_from(value.as_u64()?).ok();
        let (start, end) = (number(&value[1])?, number(&value[2])?);
        (start < end && end <= length && word.len() <= end - start).then_some(Element { word, start, end })
    };
    value.as_array()?.iter().map(element).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(letters: &[u8], element: &Element) -> Option<f32> {
        let window = &letters[element.start..element.end];
        let words: Vec<&[u8]> =
            window.windows(element.word.len()).filter(|word| !word.contains(&UNKNOWN)).collect();
        let count = words.iter().filter(|word| **word == element.word).count();
        (!words.is_empty()).then(|| (count as f64 / words.len() as f64) as f32)
    }

    proptest! {
        #[test]
        fn frequencies_are_those_of_a_naive_count(
            rows in prop::collection::vec(prop::collection::vec(0_u8..5, 30), 1..5),
            elements in prop::collection::vec((prop::collection::vec(0_u8..3, 1..5), 0_usize..30, 1_usize..31), 1..8),
        ) {
            let elements: Vec<Element> = elements
                .into_iter()
                .map(|(word, start, size)| Element { word, start, end: (start + size).min(30) })
                .collect();
            let letters = Letters { codes: rows.concat(), length: 30 };
            let found = letters.frequencies(&elements);
            for (row, codes) in rows.iter().enumerate() {
                for (column, element) in elements.iter().enumerate() {
                    prop_assert_eq!(found[(row, column)], naive(codes, element), "{:?}", element);
                }
            }
            let regions: Vec<(usize, usize)> = elements.iter().map(|one| (one.start, one.end)).collect();
            let places = Places::new(&letters, &regions, 2);
            for (row, codes) in rows.iter().enumerate() {
                for (region, &(start, end)) in regions.iter().enumerate() {
                    let n = codes[start..end].windows(2).filter(|word| !word.contains(&UNKNOWN)).count();
                    prop_assert_eq!(places.of_row(row)[region] as usize, n);
                }
            }
        }
    }

    #[test]
    fn a_vector_is_one_letter_or_none() {
        assert_eq!(letter(&[0.0, 0.0, 1.0, 0.0]), Some(2));
        assert_eq!(letter(&[0.0; 4]), Some(UNKNOWN));
        assert_eq!(letter(&[0.5, 0.0, 0.5, 0.0]), None);
        assert_eq!(letter(&[1.0, 1.0, 0.0, 0.0]), None);
    }

    #[test]
    fn elements_come_back_from_json() {
        let elements = vec![Element { word: vec![0, 3, 2], start: 4, end: 9 }];
        let json = elements_to_json(&elements);
        assert_eq!(json, json!([["ATG", 4, 9]]));
        assert_eq!(elements_from_json(&json, 9), Some(elements));
        assert_eq!(elements_from_json(&json, 8), None);
        assert_eq!(elements_from_json(&json!([["ATN", 4, 9]]), 9), None);
    }
}

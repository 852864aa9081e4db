//! A word that nearly all training rows of one class have and hardly any other row.

use super::outcome::{NotApplicable, Outputs, RulePredictions, for_every_row};
use rayon::prelude::*;
use seqprobe_core::sequence::base_code;
use seqprobe_core::{Dataset, DnaSequence, Targets};

const LENGTHS: std::ops::RangeInclusive<usize> = 4..=8;
/// Smallest share of rows of the class that have the word.
const MIN_WITHIN: f64 = 0.95;
/// Largest share of other rows that have it.
const MAX_OUTSIDE: f64 = 0.01;

pub(super) fn fit(dataset: &Dataset) -> Result<RulePredictions, NotApplicable> {
    let Targets::Classes { labels, n_classes } = &dataset.targets else {
        return Err("a word in one class only needs classes".to_owned().into());
    };
    let n_classes = *n_classes;
    let train = &dataset.splits.train;
    let mut sizes = vec![0_u32; n_classes];
    train.iter().for_each(|&row| sizes[labels[row] as usize] += 1);
    let mut best: Option<(f64, usize, usize, usize)> = None;
    for length in LENGTHS {
        let n_words = 1 << (2 * length);
        let counts = train
            .par_chunks(train.len().div_ceil(rayon::current_num_threads()).max(1))
            .map(|rows| {
                let mut counts = vec![0_u32; n_words * n_classes];
                let mut seen = vec![u32::MAX; n_words];
                for &row in rows {
                    let class = labels[row] as usize;
                    visit(&dataset.sequences[row], length, |word| {
                        if seen[word] != row as u32 {
                            seen[word] = row as u32;
                            counts[word * n_classes + class] += 1;
                        }
                    });
                }
                counts
            })
            .reduce(
                || vec![0; n_words * n_classes],
                |mut left, right| {
                    left.iter_mut().zip(right).for_each(|(left, right)| *left += right);
                    left
                },
            );
        for (word, counts) in counts.chunks(n_classes).enumerate() {
            let all: u32 = counts.iter().sum();
            for (class, &count) in counts.iter().enumerate() {
                let others = train.len() as u32 - sizes[class];
                let within = f64::from(count) / f64::from(sizes[class].max(1));
                let outside = f64::from(all - count) / f64::from(others.max(1));
                let is_best = best.is_none_or(|(gap, ..)| within - outside > gap);
                if within >= MIN_WITHIN && outside <= MAX_OUTSIDE && is_best {
                    best = Some((within - outside, length, word, class));
                }
            }
        }
    }
    let Some((_, length, word, class)) = best else {
        return Err("no word of 4 to 8 bases is in 95% of a class and in at most 1% of the other rows"
            .to_owned()
            .into());
    };
    let has = |row: usize| {
        let mut has = false;
        visit(&dataset.sequences[row], length, |other| has |= other == word);
        has
    };
    let outputs = Outputs::new(dataset);
    let (with, without): (Vec<usize>, Vec<usize>) = train.iter().partition(|&&row| has(row));
    let (with, without) = (outputs.mean(&with, 1.0), outputs.mean(&without, 1.0));
    let found = format!("{} in class {}", text(word, length), dataset.task.classes[class]);
    Ok(for_every_row(dataset, found, |row| if has(row) { with.clone() } else { without.clone() }))
}

/// The bases of a word.
pub(super) fn text(word: usize, length: usize) -> String {
    (0..length).rev().map(|place| char::from(b"ACGT"[(word >> (2 * place)) & 3])).collect()
}

/// Calls `visit` for each word without N.
fn visit(sequence: &DnaSequence, length: usize, mut visit: impl FnMut(usize)) {
    let mask = (1 << (2 * length)) - 1;
    let (mut word, mut defined) = (0_usize, 0);
    for &base in sequence.as_bytes() {
        let code = usize::from(base_code(base));
        if code > 3 {
            defined = 0;
            continue;
        }
        word = ((word << 2) | code) & mask;
        defined += 1;
        if defined >= length {
            visit(word);
        }
    }
}

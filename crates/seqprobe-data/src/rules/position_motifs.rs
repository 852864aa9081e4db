//! At most four questions "is this 1-, 2- or 3-mer at this position?", chosen one after the other in train, and the
//! share of positives for each combination of answers. Positions count from the start of the sequence.

use super::outcome::{NotApplicable, Outputs, RulePredictions, for_every_row};
use super::word::text;
use rayon::prelude::*;
use seqprobe_core::sequence::base_code;
use seqprobe_core::{Dataset, DnaSequence, Targets, TaskKind};

const MAX_QUESTIONS: usize = 4;
/// Positions from the start that are looked at.
const MAX_POSITIONS: usize = 1_000;
/// Words of 1, 2 and 3 bases, one after the other.
const WORDS: usize = 4 + 16 + 64;
const FIRST_OF: [usize; 3] = [0, 4, 20];

/// A word at a position, 0-based.
#[derive(Clone, Copy)]
struct Question {
    position: usize,
    length: usize,
    word: usize,
}

impl Question {
    fn is_true_of(self, sequence: &DnaSequence) -> bool {
        word_at(sequence.as_bytes(), self.position, self.length) == Some(self.word)
    }
}

pub(super) fn fit(dataset: &Dataset) -> Result<RulePredictions, NotApplicable> {
    let Targets::Classes { labels, .. } = &dataset.targets else {
        return Err("questions about positions need two classes".to_owned().into());
    };
    if dataset.task.kind != TaskKind::Binary {
        return Err("questions about positions need two classes".to_owned().into());
    }
    let train = &dataset.splits.train;
    let longest = train.iter().map(|&row| dataset.sequences[row].len()).max().unwrap_or(0);
    let n_positions = longest.min(MAX_POSITIONS);
    let mut cells = vec![0_usize; train.len()];
    let mut questions: Vec<Question> = Vec::new();
    // What the best of so many questions gains by chance, and a margin: twice the logarithm of their number and 10.
    let by_chance = 2.0 * ((n_positions * WORDS).max(1) as f64).ln() + 10.0;
    while questions.len() < MAX_QUESTIONS {
        let n_cells = 1 << questions.len();
        let (counts, totals) = count(dataset, labels, &cells, n_cells, n_positions);
        let gain = |candidate: usize| -> f64 {
            (0..n_cells)
                .map(|cell| {
                    let yes = counts[cell * n_positions * WORDS + candidate].map(f64::from);
                    let all = totals[cell].map(f64::from);
                    let no = [all[0] - yes[0], all[1] - yes[1]];
                    2.0 * (log_likelihood(yes) + log_likelihood(no) - log_likelihood(all))
                })
                .sum()
        };
        let best = (0..n_positions * WORDS)
            .into_par_iter()
            .map(|candidate| (gain(candidate), candidate))
            .max_by(|left, right| left.0.total_cmp(&right.0).then(right.1.cmp(&left.1)));
        let Some((_, candidate)) = best.filter(|(gain, _)| *gain > by_chance) else { break };
        let (position, place) = (candidate / WORDS, candidate % WORDS);
        let length = FIRST_OF.iter().filter(|&&first| first <= place).count();
        let question = Question { position, length, word: place - FIRST_OF[length - 1] };
        for (cell, &row) in cells.iter_mut().zip(train) {
            *cell += usize::from(question.is_true_of(&dataset.sequences[row])) * n_cells;
        }
        questions.push(question);
    }
    if questions.is_empty() {
        return Err("no base, pair or triplet at a position tells the classes of train apart"
            .to_owned()
            .into());
    }
    let mut rows = vec![Vec::new(); 1 << questions.len()];
    train.iter().zip(&cells).for_each(|(&row, &cell)| rows[cell].push(row));
    let outputs = Outputs::new(dataset);
    let means: Vec<Vec<f64>> = rows.iter().map(|rows| outputs.mean(rows, 1.0)).collect();
    let cell_of = |row: usize| -> usize {
        let answers = questions.iter().enumerate();
        answers.map(|(bit, one)| usize::from(one.is_true_of(&dataset.sequences[row])) << bit).sum()
    };
    let names: Vec<String> = questions
        .iter()
        .map(|one| format!("{} at {}", text(one.word, one.length), one.position + 1))
        .collect();
    Ok(for_every_row(dataset, names.join(", "), |row| means[cell_of(row)].clone()))
}

/// Training rows of both classes: with each word at each position in each cell, and in each cell.
fn count(
    dataset: &Dataset,
    labels: &[u32],
    cells: &[usize],
    n_cells: usize,
    n_positions: usize,
) -> (Vec<[u32; 2]>, Vec<[u32; 2]>) {
    let train = &dataset.splits.train;
    let mut totals = vec![[0_u32; 2]; n_cells];
    train.iter().zip(cells).for_each(|(&row, &cell)| totals[cell][labels[row] as usize] += 1);
    let size = n_cells * n_positions * WORDS;
    let part = train.len().div_ceil(rayon::current_num_threads()).max(1);
    let counts = train
        .par_chunks(part)
        .zip(cells.par_chunks(part))
        .map(|(rows, cells)| {
            let mut counts = vec![[0_u32; 2]; size];
            for (&row, &cell) in rows.iter().zip(cells) {
                let bases = dataset.sequences[row].as_bytes();
                let class = labels[row] as usize;
                for position in 0..bases.len().min(n_positions) {
                    for length in 1..=3 {
                        if let Some(word) = word_at(bases, position, length) {
                            let candidate = position * WORDS + FIRST_OF[length - 1] + word;
                            counts[cell * n_positions * WORDS + candidate][class] += 1;
                        }
                    }
                }
            }
            counts
        })
        .reduce(
            || vec![[0; 2]; size],
            |mut left, right| {
                left.iter_mut().zip(right).for_each(|(left, right)| {
                    left[0] += right[0];
                    left[1] += right[1];
                });
                left
            },
        );
    (counts, totals)
}

/// The number of a word without N at a position; `None` if it does not fit.
fn word_at(bases: &[u8], position: usize, length: usize) -> Option<usize> {
    let mut word = 0;
    for &base in bases.get(position..position + length)? {
        let code = usize::from(base_code(base));
        if code > 3 {
            return None;
        }
        word = (word << 2) | code;
    }
    Some(word)
}

/// Largest log-likelihood of labels with these counts.
fn log_likelihood(counts: [f64; 2]) -> f64 {
    let total = counts[0] + counts[1];
    counts.iter().filter(|&&count| count > 0.0).map(|count| count * (count / total).ln()).sum()
}

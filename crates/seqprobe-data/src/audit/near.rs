//! Near-duplicates: pairs of a training row and another row that share most of the smaller one's k-mers.
//!
//! Every k-mer is compared if all sequences are below [`SHORT`] bases or the dataset has at most [`MAX_KMERS`] of them.
//! Otherwise a fixed share is compared: the k-mers with small hashes, the same in all sequences (a scaled MinHash
//! sketch; Irber et al. 2022, FracMinHash). k-mers are canonical: a k-mer and its reverse complement are the same.
//! k-mers with N are left out.

use super::labels::labels_agree;
use rayon::prelude::*;
use seqprobe_core::audit::{MIN_NEAR_KMERS, NEAR_K, Near};
use seqprobe_core::sequence::base_code;
use seqprobe_core::{Dataset, DnaSequence, Split, Targets, TaskKind};

/// Sequences below this many bases are never sketched.
const SHORT: usize = 500;
/// Maximum number of k-mers of a dataset that are all compared: 1 GiB of index.
const MAX_KMERS: usize = 1 << 27;
/// Maximum number of training k-mers that are indexed at once.
pub(super) const MAX_PIECE_KMERS: usize = 1 << 26;

/// Near-duplicates of train in some splits.
pub(crate) struct NearDuplicates {
    /// Share of k-mers that was compared.
    pub(crate) sampled: f64,
    /// One per split asked for.
    pub(crate) splits: Vec<NearSplit>,
}

/// Near-duplicates of train in one split.
pub(crate) struct NearSplit {
    pub(crate) summary: Near,
    /// Training rows with a near-duplicate in the split, ascending.
    pub(crate) train_rows: Vec<usize>,
}

/// A row of the other split and its near-duplicates.
#[derive(Clone, Default)]
struct NearHits {
    train_rows: Vec<usize>,
    /// Largest containment so far, and its training row.
    nearest: Option<(f64, usize)>,
}

/// Finds the near-duplicates of train. Copies, on either strand, are not near-duplicates.
pub(crate) fn near_duplicates(dataset: &Dataset, splits: &[Split], threshold: f64) -> NearDuplicates {
    let rate = sampling_rate(dataset);
    let tolerances = half_deviations(dataset);
    let sketches = |rows: &[usize]| -> Vec<Vec<u32>> {
        rows.par_iter().map(|&row| sketch(&dataset.sequences[row], rate)).collect()
    };
    let queries: Vec<Vec<Vec<u32>>> =
        splits.iter().map(|&split| sketches(dataset.splits.rows(split))).collect();
    let mut found: Vec<Vec<NearHits>> =
        queries.iter().map(|rows| vec![NearHits::default(); rows.len()]).collect();
    for piece in pieces(dataset, rate) {
        let index = KmerIndex::new(&sketches(piece));
        for ((&split, queries), found) in splits.iter().zip(&queries).zip(&mut found) {
            let rows = dataset.splits.rows(split);
            found.par_iter_mut().zip(queries).zip(rows).for_each_init(
                || vec![0_u32; piece.len()],
                |counts, ((found, query), &row)| {
                    index.search(query, counts, threshold, |place, containment| {
                        let train_row = piece[place];
                        if is_copy(&dataset.sequences[row], &dataset.sequences[train_row]) {
                            return;
                        }
                        found.train_rows.push(train_row);
                        if found.nearest.is_none_or(|(most, _)| containment > most) {
                            found.nearest = Some((containment, train_row));
                        }
                    });
                },
            );
        }
    }
    let splits = splits
        .iter()
        .zip(queries)
        .zip(found)
        .map(|((&split, queries), found)| {
            let mut summary = Near::default();
            for (&row, found) in dataset.splits.rows(split).iter().zip(&found) {
                if let Some((_, nearest)) = found.nearest {
                    summary.rows += 1;
                    if labels_agree(&dataset.targets, row, nearest, &tolerances) {
                        summary.agreeing += 1;
                    } else {
                        summary.differing += 1;
                    }
                }
            }
            summary.not_judged = queries.iter().filter(|query| query.len() < MIN_NEAR_KMERS).count();
            let mut train_rows: Vec<usize> = found.into_iter().flat_map(|found| found.train_rows).collect();
            train_rows.sort_unstable();
            train_rows.dedup();
            summary.train_rows = train_rows.len();
            NearSplit { summary, train_rows }
        })
        .collect();
    NearDuplicates { sampled: rate, splits }
}

/// 1, or the power of 1/2 that keeps the compared k-mers within [`MAX_KMERS`].
fn sampling_rate(dataset: &Dataset) -> f64 {
    if dataset.sequences.iter().all(|sequence| sequence.len() < SHORT) {
        return 1.0;
    }
    let n_bases: usize = dataset.sequences.iter().map(DnaSequence::len).sum();
    let mut rate = 1.0;
    while n_bases as f64 * rate > MAX_KMERS as f64 {
        rate *= 0.5;
    }
    rate
}

/// Training rows in pieces of at most [`MAX_PIECE_KMERS`] compared k-mers, at least one row each.
fn pieces(dataset: &Dataset, rate: f64) -> Vec<&[usize]> {
    let mut pieces = Vec::new();
    let mut rest = dataset.splits.train.as_slice();
    while !rest.is_empty() {
        let mut n_bases = 0.0;
        let n_fitting = rest
            .iter()
            .take_while(|&&row| {
                n_bases += dataset.sequences[row].len() as f64 * rate;
                n_bases <= MAX_PIECE_KMERS as f64
            })
            .count();
        let (piece, after) = rest.split_at(n_fitting.max(1));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// The distinct k-mers of a sequence whose hash is in the sampled share, sorted.
pub(super) fn sketch(sequence: &DnaSequence, rate: f64) -> Vec<u32> {
    let limit = (rate * f64::from(u32::MAX)) as u32;
    let mut codes = Vec::with_capacity((sequence.len() as f64 * rate) as usize + 1);
    let (mut forward, mut reverse, mut defined) = (0_u32, 0_u32, 0);
    for &base in sequence.as_bytes() {
        let code = base_code(base);
        if code > 3 {
            defined = 0;
            continue;
        }
        // 16 bases of 2 bits fill the 32 bits: the oldest base is shifted out.
        forward = (forward << 2) | u32::from(code);
        reverse = (reverse >> 2) | (u32::from(3 - code) << (2 * (NEAR_K as u32 - 1)));
        defined += 1;
        if defined >= NEAR_K {
            let code = forward.min(reverse);
            if rate >= 1.0 || hash(code) <= limit {
                codes.push(code);
            }
        }
    }
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// Mixes the bits of a k-mer (the finaliser of MurmurHash3).
fn hash(code: u32) -> u32 {
    let mut bits = code;
    bits = (bits ^ (bits >> 16)).wrapping_mul(0x85eb_ca6b);
    bits = (bits ^ (bits >> 13)).wrapping_mul(0xc2b2_ae35);
    bits ^ (bits >> 16)
}

fn is_copy(left: &DnaSequence, right: &DnaSequence) -> bool {
    left.len() == right.len() && (left == right || left.reverse_complement() == *right)
}

/// The sketches that contain each k-mer.
pub(super) struct KmerIndex {
    /// k-mer in the upper half, place of its sketch in the lower; sorted.
    entries: Vec<u64>,
    /// Size of each sketch.
    sizes: Vec<u32>,
    /// The first entry of each value of a k-mer's upper 16 bits.
    starts: Vec<usize>,
}

impl KmerIndex {
    pub(super) fn new(sketches: &[Vec<u32>]) -> Self {
        let mut entries: Vec<u64> = sketches
            .iter()
            .enumerate()
            .flat_map(|(place, sketch)| sketch.iter().map(move |&code| u64::from(code) << 32 | place as u64))
            .collect();
        entries.par_sort_unstable();
        let starts =
            (0..=1_u64 << 16).map(|upper| entries.partition_point(|entry| entry >> 48 < upper)).collect();
        Self { entries, sizes: sketches.iter().map(|sketch| sketch.len() as u32).collect(), starts }
    }

    /// Calls `visit(place, containment)` for each sketch that shares at least `threshold` of the smaller sketch.
    /// `counts` has one 0 per sketch, before and after.
    pub(super) fn search(
        &self,
        query: &[u32],
        counts: &mut [u32],
        threshold: f64,
        mut visit: impl FnMut(usize, f64),
    ) {
        if query.len() < MIN_NEAR_KMERS {
            return;
        }
        let mut touched: Vec<u32> = Vec::new();
        for &code in query {
            let upper = (code >> 16) as usize;
            let range = &self.entries[self.starts[upper]..self.starts[upper + 1]];
            let first = range.partition_point(|entry| (entry >> 32) < u64::from(code));
            for entry in range[first..].iter().take_while(|&&entry| entry >> 32 == u64::from(code)) {
                let place = *entry as u32;
                let count = &mut counts[place as usize];
                if *count == 0 {
                    touched.push(place);
                }
                *count += 1;
            }
        }
        touched.sort_unstable();
        for place in touched {
            let shared = std::mem::take(&mut counts[place as usize]);
            let smaller = (self.sizes[place as usize] as usize).min(query.len());
            let containment = f64::from(shared) / smaller as f64;
            if smaller >= MIN_NEAR_KMERS && containment >= threshold {
                visit(place as usize, containment);
            }
        }
    }
}

/// Half the standard deviation of each numeric target in train; 0 for 0/1 targets and if fewer than two are known.
fn half_deviations(dataset: &Dataset) -> Vec<f64> {
    let Targets::Values { values } = &dataset.targets else { return Vec::new() };
    let is_regression = dataset.task.kind == TaskKind::Regression;
    values
        .columns()
        .into_iter()
        .map(|column| {
            let known: Vec<f64> = dataset.splits.train.iter().filter_map(|&row| column[row]).collect();
            if !is_regression || known.len() < 2 {
                return 0.0;
            }
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let squares: f64 = known.iter().map(|value| (value - mean).powi(2)).sum();
            0.5 * (squares / (known.len() - 1) as f64).sqrt()
        })
        .collect()
}

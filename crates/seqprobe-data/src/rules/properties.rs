//! Rules of one number per row: ten ranges of equal size in train, and the mean target in each.

use super::outcome::{NotApplicable, Outputs, RulePredictions, for_every_row};
use seqprobe_core::{Dataset, Split};
use std::collections::HashMap;

const RANGES: usize = 10;
/// Training rows that each range counts more, which are like the whole of train.
const PRIOR_ROWS: f64 = 5.0;

pub(super) fn length(dataset: &Dataset) -> Result<RulePredictions, NotApplicable> {
    by_number(dataset, "lengths", |row| Some(dataset.sequences[row].len() as f64))
}

pub(super) fn gc(dataset: &Dataset) -> Result<RulePredictions, NotApplicable> {
    by_number(dataset, "shares of G and C", |row| {
        let bases = dataset.sequences[row].as_bytes();
        let count = |wanted: &[u8]| bases.iter().filter(|&base| wanted.contains(base)).count() as f64;
        let known = count(b"ACGT");
        (known > 0.0).then(|| count(b"CG") / known)
    })
}

pub(super) fn unknown_bases(dataset: &Dataset) -> Result<RulePredictions, NotApplicable> {
    by_number(dataset, "shares of N", |row| {
        let bases = dataset.sequences[row].as_bytes();
        Some(bases.iter().filter(|&&base| base == b'N').count() as f64 / bases.len() as f64)
    })
}

/// The place in the split, 0 to 1: a file sorted by label gives the label away.
pub(super) fn row_order(dataset: &Dataset) -> Result<RulePredictions, NotApplicable> {
    let mut places = HashMap::new();
    for split in Split::ALL {
        let mut rows = dataset.splits.rows(split).to_vec();
        rows.sort_unstable();
        let n = rows.len() as f64;
        places.extend(rows.into_iter().enumerate().map(|(place, row)| (row, place as f64 / n)));
    }
    by_number(dataset, "places", |row| places.get(&row).copied())
}

pub(super) fn id_number(dataset: &Dataset) -> Result<RulePredictions, NotApplicable> {
    by_number(dataset, "numbers in ids", |row| last_number(&dataset.example_ids[row]))
}

/// The last run of digits of a text.
fn last_number(id: &str) -> Option<f64> {
    let mut runs = id.split(|letter: char| !letter.is_ascii_digit()).filter(|run| !run.is_empty());
    runs.next_back()?.parse().ok()
}

fn by_number(
    dataset: &Dataset,
    what: &str,
    number: impl Fn(usize) -> Option<f64>,
) -> Result<RulePredictions, NotApplicable> {
    let train = &dataset.splits.train;
    let mut known: Vec<f64> = train.iter().filter_map(|&row| number(row)).collect();
    known.sort_unstable_by(f64::total_cmp);
    let (Some(smallest), Some(largest)) = (known.first(), known.last()) else {
        return Err(format!("no training row has {what}").into());
    };
    if smallest >= largest {
        return Err(format!("all {what} of training rows are equal").into());
    }
    // A range begins at each cut; rows without a number have a range of their own.
    let mut cuts: Vec<f64> = (1..RANGES).map(|range| known[range * known.len() / RANGES]).collect();
    // Few rows that differ from the rest are a range too.
    cuts.push(*largest);
    cuts.extend(known.iter().copied().find(|value| value > smallest));
    cuts.sort_unstable_by(f64::total_cmp);
    cuts.dedup();
    let range = |row| number(row).map_or(0, |value| 1 + cuts.partition_point(|&cut| cut <= value));
    let mut rows = vec![Vec::new(); cuts.len() + 2];
    train.iter().for_each(|&row| rows[range(row)].push(row));
    let outputs = Outputs::new(dataset);
    let means: Vec<Vec<f64>> = rows.iter().map(|rows| outputs.mean(rows, PRIOR_ROWS)).collect();
    let found = format!("{} ranges of {what}", cuts.len() + 1);
    Ok(for_every_row(dataset, found, |row| means[range(row)].clone()))
}

//! Class balance, length and GC content of each split and class.

use seqprobe_core::audit::Shift;
use seqprobe_core::{Dataset, DnaSequence, Split, Targets};

/// One line for each split, and for class tasks one for each class of a split.
pub(crate) fn shifts(dataset: &Dataset) -> Vec<Shift> {
    let mut shifts = Vec::new();
    for split in Split::ALL {
        let rows = dataset.splits.rows(split);
        shifts.push(shift(dataset, split, None, rows));
        if let Targets::Classes { labels, .. } = &dataset.targets {
            for (class, name) in (0_u32..).zip(&dataset.task.classes) {
                let own: Vec<usize> = rows.iter().copied().filter(|&row| labels[row] == class).collect();
                shifts.push(shift(dataset, split, Some(name.clone()), &own));
            }
        }
    }
    shifts
}

fn shift(dataset: &Dataset, split: Split, class: Option<String>, rows: &[usize]) -> Shift {
    let lengths: usize = rows.iter().map(|&row| dataset.sequences[row].len()).sum();
    let shares: Vec<f64> = rows.iter().filter_map(|&row| gc_share(&dataset.sequences[row])).collect();
    Shift {
        split,
        class,
        n_rows: rows.len(),
        mean_length: lengths as f64 / rows.len().max(1) as f64,
        mean_gc: (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64),
    }
}

/// (G + C) / (A + C + G + T); `None` if all bases are N.
fn gc_share(sequence: &DnaSequence) -> Option<f64> {
    let count = |wanted: &[u8]| sequence.as_bytes().iter().filter(|letter| wanted.contains(letter)).count();
    let defined = count(b"ACGT");
    (defined > 0).then(|| count(b"CG") as f64 / defined as f64)
}

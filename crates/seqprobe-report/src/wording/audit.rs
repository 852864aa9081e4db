//! The leakage audit of a dataset as lines of text, for the terminal and the reports.

use crate::wording::quantities::{count, number};
use seqprobe_core::audit::{Audit, Copies, MIN_NEAR_KMERS, NEAR_K, Near, Shared, Shift};

/// One finding per line, most serious first; a line also says what was not found.
pub fn audit_lines(audit: &Audit) -> Vec<String> {
    let mut lines: Vec<String> =
        audit.against_train.iter().flat_map(|shared| shared_lines(audit, shared)).collect();
    lines.push(match audit.conflicts.sequences {
        0 => "no sequence occurs twice with different labels".to_owned(),
        n => format!(
            "{} with different labels, in {}",
            plural(n, "sequence"),
            plural(audit.conflicts.rows, "row")
        ),
    });
    lines
}

/// True when validation or test has a sequence of train, on either strand.
pub(crate) fn has_copies(audit: &Audit) -> bool {
    audit.against_train.iter().any(|shared| shared.copied_rows() > 0)
}

/// Rows, mean length in bases and mean GC share of each split and class.
pub fn shift_lines(audit: &Audit) -> Vec<String> {
    let line = |shift: &Shift| {
        let name = match &shift.class {
            Some(class) => format!("{}, {class}", shift.split.as_str()),
            None => shift.split.as_str().to_owned(),
        };
        let gc = shift.mean_gc.map_or("not defined".to_owned(), |share| format!("{:.1}%", 100.0 * share));
        format!("{name}: {}, mean length {:.1}, GC {gc}", plural(shift.n_rows, "row"), shift.mean_length)
    };
    audit.shifts.iter().map(line).collect()
}

fn shared_lines(audit: &Audit, shared: &Shared) -> Vec<String> {
    let split = shared.split.as_str();
    let copies = |what: &str, copies: &Copies| match copies.sequences {
        0 => format!("{split}: no {what} in train"),
        n => format!(
            "{split}: {} in train: {}, {}; {} with a different label",
            plural(n, what),
            plural(copies.rows, &format!("{split} row")),
            plural(copies.train_rows, "train row"),
            count(copies.conflicting as u64),
        ),
    };
    vec![
        copies("sequence", &shared.exact),
        copies("reverse complement", &shared.reverse_complement),
        near_line(audit, split, &shared.near),
    ]
}

fn near_line(audit: &Audit, split: &str, near: &Near) -> String {
    let looked_at = if audit.near_sampled < 1.0 {
        format!(" (from a sample of {} of all {NEAR_K}-mers)", number(audit.near_sampled))
    } else {
        String::new()
    };
    let percent = format!("{:.0}", 100.0 * audit.near_threshold);
    let mut line = match near.rows {
        0 => format!("{split}: no near-duplicate in train, {percent}% of {NEAR_K}-mers shared{looked_at}"),
        n => format!(
            "{split}: {} with a near-duplicate in train, {percent}% of {NEAR_K}-mers shared{looked_at}: {} have \
             the same label as the nearest, {} another label; {}",
            plural(n, "row"),
            count(near.agreeing as u64),
            count(near.differing as u64),
            plural(near.train_rows, "train row"),
        ),
    };
    if near.not_judged > 0 {
        line += &format!(
            "; {} with fewer than {MIN_NEAR_KMERS} {NEAR_K}-mers not compared",
            plural(near.not_judged, "row")
        );
    }
    line
}

fn plural(n: usize, what: &str) -> String {
    let ending = if n == 1 { "" } else { "s" };
    format!("{} {what}{ending}", count(n as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use seqprobe_core::Split;
    use seqprobe_core::audit::Conflicts;

    #[test]
    fn findings_have_their_counts() {
        let audit = Audit {
            dataset: "d".into(),
            near_threshold: 0.5,
            near_sampled: 1.0,
            against_train: vec![Shared {
                split: Split::Test,
                n_rows: 613,
                exact: Copies { sequences: 16, rows: 16, train_rows: 17, conflicting: 1 },
                reverse_complement: Copies::default(),
                rows_in_train: Some(16),
                near: Near { rows: 1, train_rows: 2, agreeing: 0, differing: 1, not_judged: 3 },
            }],
            conflicts: Conflicts { sequences: 1, rows: 2 },
            shifts: vec![Shift {
                split: Split::Test,
                class: None,
                n_rows: 613,
                mean_length: 70.0,
                mean_gc: Some(0.5),
            }],
        };
        assert_eq!(
            audit_lines(&audit),
            [
                "test: 16 sequences in train: 16 test rows, 17 train rows; 1 with a different label",
                "test: no reverse complement in train",
                "test: 1 row with a near-duplicate in train, 50% of 16-mers shared: 0 have the same label \
                as the nearest, 1 another label; 2 train rows; 3 rows with fewer than 10 16-mers not compared",
                "1 sequence with different labels, in 2 rows",
            ]
        );
        assert_eq!(shift_lines(&audit), ["test: 613 rows, mean length 70.0, GC 50.0%"]);
        assert!(has_copies(&audit));
    }
}

//! The tables of the study as Markdown, and the number of cells outside the promised coverage.

use crate::simulate::{Setting, Sizes, Tails};
use std::fmt::Write;

/// One metric in one setting: the number of intervals, and how many contain the true value.
pub(crate) struct Cell {
    pub(crate) alone: (usize, usize),
    pub(crate) difference: (usize, usize),
    /// Whether intervals have a flag that says that they are less reliable.
    pub(crate) flagged: bool,
    /// Share of the intervals with such a flag.
    pub(crate) flagged_share: f64,
    /// Number of pairs of equal sides, and for how many of them the verdict is `beats`.
    pub(crate) beats: (usize, usize),
    /// Number of pairs whose true difference is the margin, and for how many of them the verdict is `ties`.
    pub(crate) ties: (usize, usize),
    pub(crate) tries: usize,
}

/// A number of tries of a cell, and how many of them are counted.
type Count = fn(&Cell) -> (usize, usize);

/// All metrics in one setting.
pub(crate) struct Line {
    pub(crate) setting: Setting,
    pub(crate) cells: Vec<(&'static str, Cell)>,
}

/// With intervals for fewer than this share of the test sets, coverage depends mostly on which test sets have one.
const MOSTLY: f64 = 0.9;
/// Allowed deviation from the promise, in standard errors of the study.
const SLACK: f64 = 3.0;

/// Returns the top of the page with the tables of equal clusters, and the number of cells without a flag that are
/// outside the promise by more than the error of the study.
pub(crate) fn equal_part(lines: &[Line], replicates: usize) -> (String, usize) {
    let mut text = format!(
        "# Calibration of intervals and verdicts\n\n\
         `make calibration` writes this page. It simulates test sets with known true scores and computes intervals with\n\
         {replicates} bootstrap replicates each; the source of the example `calibration` shows how.\n\
         \n\
         A cell of a table is the percentage of 95% intervals that contain the true score. The promise is 93 to 97.\n\
         \n\
         - `–`: there is no interval, by rule or because more than 1% of the replicates have no score.\n\
         - `(…)`: the promise does not apply. The intervals are flagged `few-examples` or `few-clusters`, or fewer than 90% of\n\
         \x20\x20the test sets have an interval.\n\
         - `!`: the value is outside the promise by more than three standard errors of the study.\n\
         \n\
         A deterministic probe has one seed. With five seeds, their spread is either small or larger than that of the examples.\n\n"
    );
    let mut n_outside = 0;
    let kinds = [("Classes", true), ("Numbers", false)];
    for (which, title) in [(0, "Intervals of a score"), (1, "Intervals of a paired difference")] {
        for (kind, classes) in kinds {
            let _ = write!(text, "\n## {title}: {}\n\n", kind.to_lowercase());
            n_outside += table(&mut text, lines, classes, &|cell| {
                let (n, covered) = if which == 0 { cell.alone } else { cell.difference };
                let weak = cell.flagged || (n as f64) < MOSTLY * cell.tries as f64;
                (n >= cell.tries / 20).then(|| share(covered, n, (0.93, 0.97), weak))
            });
        }
    }
    for (kind, classes) in kinds {
        let _ = write!(
            text,
            "\n## False `beats` between equals: {}\n\nIn percent of the pairs, with a margin of 0. The promise \
             is at most 5; an interval alone would give 2.5.\n\n",
            kind.to_lowercase()
        );
        n_outside += table(&mut text, lines, classes, &|cell| {
            let (n, beats) = cell.beats;
            Some(share(beats, n, (0.0, 0.05), cell.flagged))
        });
    }
    for (kind, classes) in kinds {
        let _ = write!(
            text,
            "\n## False `ties` at a difference of the margin: {}\n\nIn percent of the pairs whose true difference is \
             the margin. The promise is at most 5; an interval alone\nwould give 2.5.\n\n",
            kind.to_lowercase()
        );
        n_outside += table(&mut text, lines, classes, &|cell| {
            let (n, ties) = cell.ties;
            Some(share(ties, n, (0.0, 0.05), cell.flagged))
        });
    }
    (text, n_outside)
}

/// Returns the tables of unequal clusters and of heavy tails, and the number of cells that break their promise.
pub(crate) fn unequal_part(lines: &[Line]) -> (String, usize) {
    let mut text = String::from(
        "\n## Unequal clusters\n\n\
         Clusters count as their effective number, `(Σ n)² / Σ n²` for sizes `n`. Sizes are equal; lognormal with a standard\n\
         deviation of 1.5; drawn from the guides per gene of a published screen, divided by ten; or one\n\
         cluster has half of the examples and the others one each. Most of these intervals are flagged `few-clusters` or\n\
         `dominant-cluster`. The promise is at least 91.5 for lognormal sizes and genes, and at least 95 for one half: there\n\
         the intervals are wider than needed, and false `beats` are rare.\n",
    );
    let mut n_outside = 0;
    let views: [(&str, Count); 4] = [
        ("Coverage of a score", |cell| cell.alone),
        ("Coverage of a paired difference", |cell| cell.difference),
        ("False `beats` between equals", |cell| cell.beats),
        ("False `ties` at a true difference of the margin", |cell| cell.ties),
    ];
    let clustered: Vec<&Line> = lines.iter().filter(|line| line.setting.clusters.is_some()).collect();
    for (kind, classes) in [("classes", true), ("numbers", false)] {
        let of_kind: Vec<&Line> =
            clustered.iter().copied().filter(|line| line.setting.negatives.is_some() == classes).collect();
        for (place, (title, of)) in views.into_iter().enumerate() {
            let _ = write!(text, "\n{title}, {kind}:\n\n| clusters | sizes |");
            header(&mut text, &of_kind, 2);
            for line in &of_kind {
                let (sizes, low) = match line.setting.sizes {
                    Sizes::Equal => ("equal", 0.93),
                    Sizes::Lognormal => ("lognormal", 0.915),
                    Sizes::Genes => ("genes", 0.915),
                    Sizes::OneHalf => ("one half", 0.95),
                };
                let promise = if place < 2 { (low, 1.0) } else { (0.0, 0.05) };
                let _ = write!(text, "| {} | {sizes} |", line.setting.clusters.unwrap_or_default());
                for (_, cell) in &line.cells {
                    let (n, hits) = of(cell);
                    let (shown, outside) = share(hits, n, promise, false);
                    n_outside += usize::from(outside);
                    let _ = write!(text, " {shown} |");
                }
                text.push('\n');
            }
        }
    }
    text.push_str(
        "\n## Heavy tails\n\n\
         Student's t distribution with three degrees of freedom, for the true values or for half of their variance. Few\n\
         examples then decide a correlation or a squared error. Intervals of scores contain the true score too rarely; the\n\
         column `flagged` says how many of them are flagged `heavy-tails`. Paired differences keep their promise, because both\n\
         sides share the large values.\n\n| n | tails | flagged | what |",
    );
    let heavy: Vec<&Line> = lines.iter().filter(|line| line.setting.tails != Tails::Normal).collect();
    header(&mut text, &heavy, 4);
    for line in heavy {
        let tails = if line.setting.tails == Tails::Values { "values" } else { "noise" };
        let flagged = line.cells.first().map_or(0.0, |(_, cell)| 100.0 * cell.flagged_share);
        for (title, of) in &views[..2] {
            let _ = write!(text, "| {} | {tails} | {flagged:.0} | {title} |", line.setting.n);
            for (_, cell) in &line.cells {
                let (n, hits) = of(cell);
                let _ = write!(text, " {:.1} |", 100.0 * hits as f64 / n as f64);
            }
            text.push('\n');
        }
    }
    (text, n_outside)
}

/// Writes the names of the metrics and the line under a header.
fn header(text: &mut String, lines: &[&Line], n_before: usize) {
    let metrics: Vec<&str> = lines.iter().take(1).flat_map(|line| &line.cells).map(|(id, _)| *id).collect();
    for id in &metrics {
        let _ = write!(text, " {id} |");
    }
    let _ = write!(text, "\n|{}\n", "---:|".repeat(metrics.len() + n_before));
}

/// Returns the table of power.
pub(crate) fn power_part(power: &[(usize, Vec<(f64, f64)>)]) -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        "\n## Power\n\nShare of `beats` in percent: AUROC, as many negatives as positives, three seeds with a small spread,\n\
         the default margin of 0.01, one baseline, one dataset.\n\n| examples |"
    );
    for (difference, _) in power.iter().take(1).flat_map(|(_, row)| row) {
        let _ = write!(text, " {difference:+.3} |");
    }
    let n_columns = power.first().map_or(0, |(_, row)| row.len());
    let _ = write!(text, "\n|---:|{}\n", "---:|".repeat(n_columns));
    for (n, row) in power {
        let _ = write!(text, "| {n} |");
        for (_, share) in row {
            let _ = write!(text, " {:.0} |", 100.0 * share);
        }
        text.push('\n');
    }
    text
}

/// Returns a share in percent, and whether it breaks the promise.
fn share(hits: usize, n: usize, (low, high): (f64, f64), weak: bool) -> (String, bool) {
    let share = hits as f64 / n as f64;
    let error = (0.95 * 0.05 / n as f64).sqrt();
    let outside = !weak && !(low - SLACK * error..=high + SLACK * error).contains(&share);
    let text = format!("{:.1}", 100.0 * share);
    let text = if weak { format!("({text})") } else { text };
    (if outside { format!("{text} !") } else { text }, outside)
}

fn table(
    text: &mut String,
    lines: &[Line],
    classes: bool,
    of: &dyn Fn(&Cell) -> Option<(String, bool)>,
) -> usize {
    let mut n_outside = 0;
    let lines: Vec<&Line> = lines.iter().filter(|line| line.setting.negatives.is_some() == classes).collect();
    text.push_str(if classes { "| n | balance | clusters | seeds |" } else { "| n | clusters | seeds |" });
    header(text, &lines, if classes { 4 } else { 3 });
    for line in lines {
        let setting = &line.setting;
        let _ = write!(text, "| {} |", setting.n);
        if let Some(negatives) = setting.negatives {
            let _ = write!(text, " 1:{negatives} |");
        }
        let clusters = setting.clusters.map_or("–".to_owned(), |n| n.to_string());
        let spread = match setting.spread {
            spread if spread <= 0.0 => "",
            spread if spread < 0.055 => " small",
            _ => " large",
        };
        let _ = write!(text, " {clusters} | {}{spread} |", setting.seeds);
        for (_, cell) in &line.cells {
            let (cell, outside) = of(cell).unwrap_or(("–".to_owned(), false));
            n_outside += usize::from(outside);
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
    n_outside
}

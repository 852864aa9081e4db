//! What qualifies a verdict, and what would settle one that is unclear, in words.

use super::quantities::{count, number, signed};
use super::warnings::control_text;
use crate::record::{ComparisonRecord, PowerRecord, Qualification, VerdictRecord};

/// The qualifications of a verdict as the end of its sentence: `, but …`; empty if there is none.
pub(crate) fn but(verdict: &VerdictRecord) -> String {
    let texts: Vec<String> = verdict.qualifications.iter().map(|one| text(verdict, one)).collect();
    if texts.is_empty() { String::new() } else { format!(", but {}", texts.join("; ")) }
}

fn text(verdict: &VerdictRecord, qualification: &Qualification) -> String {
    match qualification {
        Qualification::Interval { flag } => flag_text(verdict, flag),
        Qualification::CopiesInTrain { copies, rows } => {
            format!("{} of {} test rows are also in train", count(*copies as u64), count(*rows as u64))
        }
        Qualification::NearDuplicatesInTrain { near, rows } => format!(
            "{} of {} test rows have a near-duplicate in train",
            count(*near as u64),
            count(*rows as u64)
        ),
        Qualification::Control { comparison } => control_text(comparison, verdict.probe.as_str()),
        Qualification::ShuffledLabels => {
            "a probe that was fitted to shuffled labels scores better than chance".to_owned()
        }
    }
}

fn flag_text(verdict: &VerdictRecord, flag: &str) -> String {
    match flag {
        "few-examples" => "a class or target has fewer than 50 test examples".to_owned(),
        "few-clusters" => "the test split has fewer than 30 effective clusters".to_owned(),
        "dominant-cluster" => "one cluster has more than a quarter of the test examples".to_owned(),
        "no-variance" => "the interval is only a bound, because all resamples have the same score".to_owned(),
        "undefined-replicates" => "some resamples have no score".to_owned(),
        "heavy-tails" => {
            let shown: Vec<String> = verdict.comparisons.iter().filter_map(companion).collect();
            let shown = if shown.is_empty() { String::new() } else { format!(" ({})", shown.join("; ")) };
            format!("1% of the test examples decide most of the score{shown}")
        }
        other => other.to_owned(),
    }
}

/// `Spearman +0.240 [0.170, 0.310] against kmer-4`.
fn companion(comparison: &ComparisonRecord) -> Option<String> {
    let companion = comparison.companion.as_ref()?;
    let name = super::names::metric_name(&companion.metric);
    Some(format!("{name} {} against {}", signed(&companion.delta), comparison.baseline.representation))
}

/// What would settle an unclear difference: `with this test set the smallest difference that can be shown is 0.042; about
/// 5977 test examples would settle a difference of this size, 9694 a tie`.
pub(crate) fn to_settle(power: &PowerRecord) -> String {
    let examples = |n: f64| count(n.round().max(1.0) as u64);
    let mut text = format!(
        "the smallest difference that this test set can show is {}",
        number(power.smallest_detectable)
    );
    let more = [
        power
            .examples_to_settle
            .map(|n| format!("a difference of this size needs about {} test examples", examples(n))),
        power.examples_for_a_tie.map(|n| format!("a tie needs about {}", examples(n))),
    ];
    for part in more.into_iter().flatten() {
        text.push_str(", ");
        text.push_str(&part);
    }
    if power.examples_to_settle.is_none() {
        text.push_str(" test examples");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_in_words() {
        let mut power = PowerRecord {
            smallest_detectable: 0.0421,
            examples_to_settle: Some(5976.8),
            examples_for_a_tie: Some(9694.2),
        };
        assert_eq!(
            to_settle(&power),
            "the smallest difference that this test set can show is 0.042, a difference of this size needs about 5977 test \
             examples, a tie needs about 9694"
        );
        power.examples_to_settle = None;
        assert!(to_settle(&power).ends_with("is 0.042, a tie needs about 9694 test examples"));
    }
}

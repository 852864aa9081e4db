//! How a run came about, and its datasets as they were used.

use crate::judge::independent_units::units_of;
use crate::models::device::device_name;
use crate::options::StudyOptions;
use crate::prepare::PreparedRepresentation;
use crate::suite::Suite;
use crate::suite::published::PreparedReference;
use seqprobe_core::audit::Audit;
use seqprobe_core::{Dataset, Split};
use seqprobe_report::record::{DatasetRecord, Gain, Provenance};
use seqprobe_stats::verdict::VERDICTS_VERSION;
use std::collections::HashSet;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The libtorch this program is built against.
pub const LIBTORCH_VERSION: &str = "2.11.0";

/// The start of a run.
pub(crate) struct Started {
    instant: Instant,
    utc: String,
}

impl Started {
    pub(crate) fn now() -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { instant: Instant::now(), utc: utc_text(seconds) }
    }

    pub(crate) fn provenance(
        &self,
        suite: &Suite,
        (prepared, references): (&[PreparedRepresentation], &[PreparedReference]),
        options: &StudyOptions,
    ) -> Provenance {
        let program = options.program.clone();
        let named = |one: &PreparedRepresentation| Some((one.name(), one.digests()?));
        let of_reference = |one: &PreparedReference| (one.asked.name.clone(), one.digests());
        let origin = |one: &PreparedRepresentation| Some((one.name(), one.origin()?.clone()));
        Provenance {
            program: program.version,
            commit: program.commit,
            libtorch: LIBTORCH_VERSION.to_owned(),
            device: match options.device {
                tch::Device::Cpu => format!("cpu, {}", processor()),
                gpu => format!("{} for models, cpu for probes, {}", device_name(gpu), processor()),
            },
            threads: options.threads as u32,
            command: program.command,
            started: self.utc.clone(),
            seconds: self.instant.elapsed().as_secs_f64(),
            suite_toml: suite.toml.clone(),
            models: prepared.iter().filter_map(named).chain(references.iter().map(of_reference)).collect(),
            origins: prepared.iter().filter_map(origin).collect(),
            verdict_rules: VERDICTS_VERSION,
        }
    }
}

/// The processor's name, where the system has it.
pub fn processor() -> String {
    std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            text.lines().find_map(|line| {
                line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_owned())
            })
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// Seconds since 1970 as `2026-01-31T12:00:00Z` (proleptic Gregorian calendar, after H. Hinnant's
/// "chrono-Compatible Low-Level Date Algorithms").
fn utc_text(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// A dataset as it was used, with the models that training improved and its audit where there is one.
pub fn dataset_record(dataset: &Dataset, gains: Vec<Gain>, audit: Option<Audit>) -> DatasetRecord {
    let lengths = dataset.sequences.iter().map(|sequence| sequence.len());
    let clusters = units_of(dataset, Split::Test).map(|units| {
        let kind = dataset.clusters.as_ref().map_or("sequence", |clusters| clusters.kind());
        (kind.to_owned(), units.into_iter().collect::<HashSet<u32>>().len())
    });
    DatasetRecord {
        id: dataset.id.clone(),
        title: dataset.title.clone(),
        task: dataset.task.kind,
        targets: dataset.task.targets.clone(),
        classes: dataset.task.classes.clone(),
        metric: dataset.metric.clone(),
        digest: dataset.digest().to_string(),
        n_train: dataset.splits.rows(Split::Train).len(),
        n_valid: dataset.splits.rows(Split::Valid).len(),
        n_test: dataset.splits.rows(Split::Test).len(),
        clusters,
        lengths: (lengths.clone().min().unwrap_or(0), lengths.max().unwrap_or(0)),
        undefined_letters: dataset.letters.n + dataset.letters.iupac,
        licence: dataset.origin.licence.clone(),
        citation: dataset.origin.citation.clone(),
        source: dataset.origin.source.clone(),
        published: dataset.origin.published.clone(),
        notes: dataset.notes.clone(),
        gains,
        audit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_by_hand() {
        assert_eq!(utc_text(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc_text(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(utc_text(1_767_225_599), "2025-12-31T23:59:59Z");
    }
}

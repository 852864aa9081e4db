//! A suite, checked: what to compare. It knows no data and no models.

use crate::suite::controls::{Controls, MissingControl};
use crate::suite::error::{SuiteError, SuiteProblem};
use crate::suite::file::{SimulateEntry, SuiteFile};
use crate::suite::probes::SuiteProbe;
use crate::suite::published::{Reference, check_reference};
use crate::suite::representation::{Representation, check_representation};
use seqprobe_core::parse_toml;
use seqprobe_data::audit::LeakKind;
use seqprobe_report::record::Fraction;
use std::path::{Path, PathBuf};

/// Seeds of neural probes when a suite names none.
pub(crate) const DEFAULT_SEEDS: [u64; 5] = [0, 1, 2, 3, 4];
/// Differences smaller than this do not matter, when a suite does not say.
pub(crate) const DEFAULT_MARGIN: f64 = 0.01;
/// Bootstrap replicates when a suite does not say.
pub(crate) const DEFAULT_REPLICATES: usize = 1000;
/// Draws of a part of the training split when a suite does not say.
const DEFAULT_DRAWS: usize = 3;

/// A checked suite.
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) seeds: Vec<u64>,
    pub(crate) margin: f64,
    pub(crate) replicates: usize,
    pub(crate) controls: Controls,
    /// Parts of the training split that are fitted in addition to all of it, rising.
    pub(crate) fractions: Vec<Fraction>,
    /// Draws of each part.
    pub(crate) draws: usize,
    /// Whether the linear probe's description length of the training labels is computed.
    pub(crate) description_length: bool,
    pub(crate) datasets: Vec<String>,
    /// Training rows to leave out of every dataset.
    pub(crate) drop_leaks: Option<LeakKind>,
    pub(crate) simulate: SimulateEntry,
    /// Those that the suite names, then the baselines and controls that are added.
    pub(crate) representations: Vec<Representation>,
    pub(crate) missing_controls: Vec<MissingControl>,
    /// Files of ready predictions.
    pub(crate) references: Vec<Reference>,
    pub(crate) probes: Vec<SuiteProbe>,
    /// Folder that relative paths start from.
    pub(crate) folder: PathBuf,
    /// The suite as TOML, for the record.
    pub(crate) toml: String,
    /// Old keys that it uses, each with its new name.
    pub(crate) old_keys: Vec<(&'static str, &'static str)>,
}

impl Suite {
    /// Reads and checks a suite file.
    pub(crate) fn read(path: &Path) -> Result<Self, SuiteError> {
        let text = seqprobe_data::read_settings(path)
            .map_err(|error| SuiteError::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
        let file: SuiteFile = parse_toml(&text, &path.display().to_string())?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let name = path.display().to_string();
        Self::check(&file, folder, &name, text.clone()).map_err(|error| error.at_line_of(&text))
    }

    /// Checks a suite; `source_name` names it in errors.
    pub(crate) fn check(
        file: &SuiteFile,
        folder: PathBuf,
        source_name: &str,
        toml: String,
    ) -> Result<Self, SuiteError> {
        let wrong = |problem: SuiteProblem| wrong(source_name, None, problem);
        if file.schema != 1 {
            return Err(wrong(SuiteProblem::Schema(file.schema)));
        }
        if !is_name(&file.name) {
            return Err(wrong(SuiteProblem::Name(file.name.clone())));
        }
        let seeds = file.seeds.clone().unwrap_or_else(|| DEFAULT_SEEDS.to_vec());
        let distinct: std::collections::BTreeSet<_> = seeds.iter().collect();
        if seeds.is_empty() || distinct.len() != seeds.len() {
            return Err(wrong(SuiteProblem::Seeds));
        }
        let margin = file.margin.unwrap_or(DEFAULT_MARGIN);
        let replicates = file.replicates.unwrap_or(DEFAULT_REPLICATES);
        let draws = file.draws.unwrap_or(DEFAULT_DRAWS);
        let ranges = [
            ("margin", margin.is_finite() && margin >= 0.0, margin.to_string(), "a number from 0"),
            (
                "replicates",
                (100..=1_000_000).contains(&replicates),
                replicates.to_string(),
                "a number from 100 to 1000000",
            ),
            ("draws", (1..=1000).contains(&draws), draws.to_string(), "a number from 1 to 1000"),
        ];
        for (key, is_right, found, expected) in ranges {
            if !is_right {
                return Err(wrong(SuiteProblem::Range { key, found, expected }));
            }
        }
        for (list, is_empty) in [
            ("datasets", file.datasets.is_empty()),
            ("[[representation]]", file.representation.is_empty()),
            ("[[probe]]", file.probe.is_empty()),
        ] {
            if is_empty {
                return Err(SuiteError::Empty { source_name: source_name.to_owned(), line: None, list });
            }
        }
        let (mut representations, references) = check_representations(file, &folder, source_name)?;
        let controls = Controls::check(file.controls.as_ref()).map_err(wrong)?;
        let missing_controls = controls.add(&mut representations);
        let uses_truncate = file.representation.iter().any(|entry| entry.truncate.is_some());
        Ok(Self {
            name: file.name.clone(),
            seeds,
            margin,
            replicates,
            controls,
            fractions: check_fractions(file.fractions.as_deref()).map_err(wrong)?,
            draws,
            description_length: file.description_length.unwrap_or(false),
            datasets: file.datasets.clone(),
            drop_leaks: file.drop_leaks,
            simulate: file.simulate.unwrap_or_default(),
            representations,
            missing_controls,
            references,
            probes: check_probes(file, source_name)?,
            folder,
            toml,
            old_keys: uses_truncate.then_some(("truncate", "keep")).into_iter().collect(),
        })
    }
}

/// A problem of the suite's own keys, or of an entry: its list, and its position from 0.
fn wrong(source_name: &str, entry: Option<(&str, usize)>, problem: SuiteProblem) -> SuiteError {
    let place = entry.map_or(String::new(), |(list, at)| format!("{list} {}: ", at + 1));
    let entry = entry.map_or(Vec::new(), |(list, at)| vec![list.to_owned(), at.to_string()]);
    SuiteError::Problem { source_name: source_name.to_owned(), line: None, entry, place, problem }
}

fn is_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && name.chars().all(is_allowed) && !name.starts_with('.')
}

fn check_representations(
    file: &SuiteFile,
    folder: &Path,
    source_name: &str,
) -> Result<(Vec<Representation>, Vec<Reference>), SuiteError> {
    let mut representations: Vec<Representation> = Vec::new();
    let mut references: Vec<Reference> = Vec::new();
    for (at, entry) in file.representation.iter().enumerate() {
        let wrong = |problem| wrong(source_name, Some(("representation", at)), problem);
        let is_taken = |name: &str| {
            representations.iter().any(|other| other.name() == name)
                || references.iter().any(|other| other.name == name)
        };
        match &entry.predictions {
            Some(path) if entry.has_no_other_source() => {
                let reference = check_reference(entry, path).map_err(wrong)?;
                if is_taken(&reference.name) {
                    return Err(wrong(SuiteProblem::Twice(reference.name)));
                }
                references.push(reference);
            }
            _ => {
                let representation = check_representation(entry, folder).map_err(wrong)?;
                let name = representation.name();
                if is_taken(&name) {
                    return Err(wrong(SuiteProblem::Twice(name)));
                }
                representations.push(representation);
            }
        }
    }
    Ok((representations, references))
}

fn check_probes(file: &SuiteFile, source_name: &str) -> Result<Vec<SuiteProbe>, SuiteError> {
    let mut probes: Vec<SuiteProbe> = Vec::new();
    for (at, entry) in file.probe.iter().enumerate() {
        let wrong = |problem| wrong(source_name, Some(("probe", at)), problem);
        let probe = SuiteProbe::check(entry).map_err(wrong)?;
        if probes.iter().any(|other| other.family.id == entry.id) {
            return Err(wrong(SuiteProblem::Twice(entry.id.clone())));
        }
        probes.push(probe);
    }
    Ok(probes)
}

/// Checks `fractions`; the whole training split is always fitted, whether 1 is among them or not.
fn check_fractions(entry: Option<&[f64]>) -> Result<Vec<Fraction>, SuiteProblem> {
    let mut fractions = entry.unwrap_or_default().to_vec();
    fractions.sort_by(f64::total_cmp);
    fractions.dedup();
    let mut parts = Vec::new();
    for fraction in fractions {
        let part = Fraction::new(fraction).ok_or_else(|| SuiteProblem::Range {
            key: "fractions",
            found: fraction.to_string(),
            expected: "a number above 0 and at most 1",
        })?;
        if !part.is_whole() {
            parts.push(part);
        }
    }
    Ok(parts)
}

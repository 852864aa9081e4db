//! The suite file: parsed, then checked once. It says what to compare; it does not look at data or models.

use crate::controls::{Controls, ControlsEntry, MissingControl};
use crate::exit::{ExitCode, Failure, OrExit};
use crate::imports::{ImportedRepresentation, check_import};
use crate::probe_entry::{ProbeEntry, check_probe};
use seqprobe_core::config::nearest;
use seqprobe_core::{LayerIndex, Pooling, parse_toml};
use seqprobe_data::audit::LeakKind;
use seqprobe_embed::{ExtractionSpec, PLAIN_REPRESENTATIONS, PlainRepresentation, Window};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Seeds of neural probes when a suite names none.
pub(crate) const DEFAULT_SEEDS: [u64; 5] = [0, 1, 2, 3, 4];
/// Differences smaller than this do not matter, when a suite does not say.
pub(crate) const DEFAULT_MARGIN: f64 = 0.01;
/// Bootstrap replicates when a suite does not say.
pub(crate) const DEFAULT_REPLICATES: usize = 1000;
/// Draws of a random initialisation.
pub(crate) const RANDOM_DRAWS: u32 = 3;
/// Draws of a part of the training split when a suite does not say.
const DEFAULT_DRAWS: usize = 3;

/// A suite as written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuiteFile {
    pub(crate) schema: u32,
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seeds: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) margin: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replicates: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) controls: Option<ControlsEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fractions: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) draws: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description_length: Option<bool>,
    pub(crate) datasets: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) drop_leaks: Option<LeakKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) simulate: Option<SimulateEntry>,
    pub(crate) representation: Vec<RepresentationEntry>,
    pub(crate) probe: Vec<ProbeEntry>,
}

/// Sizes of the simulated datasets of a suite.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SimulateEntry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) train: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) valid: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) test: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) length: Option<usize>,
}

/// One `[[representation]]` as written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RepresentationEntry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) layers: Option<LayersEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pooling: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) truncate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<Window>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rc: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) precision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) embeddings: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) values: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ids: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
}

/// `layers = "all"` or a list of names and numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum LayersEntry {
    One(LayerEntry),
    Many(Vec<LayerEntry>),
}

impl LayersEntry {
    /// From words of the command line.
    pub(crate) fn from_words(words: &[String]) -> Self {
        if words == ["all"] {
            return Self::One(LayerEntry::Name("all".to_owned()));
        }
        let entry =
            |word: &String| word.parse().map_or_else(|_| LayerEntry::Name(word.clone()), LayerEntry::Number);
        Self::Many(words.iter().map(entry).collect())
    }
}

/// A layer's name or number.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum LayerEntry {
    Number(u32),
    Name(String),
}

/// A checked suite.
#[derive(Clone, Debug)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) seeds: Vec<u64>,
    pub(crate) margin: f64,
    pub(crate) replicates: usize,
    pub(crate) controls: Controls,
    /// Parts of the training split that are fitted beside all of it, each above 0 and below 1, rising.
    pub(crate) fractions: Vec<f64>,
    /// Draws of each part.
    pub(crate) draws: usize,
    /// Whether the linear probe's description length of the training labels is told.
    pub(crate) description_length: bool,
    pub(crate) datasets: Vec<String>,
    /// Training rows to leave out of every dataset.
    pub(crate) drop_leaks: Option<LeakKind>,
    pub(crate) simulate: SimulateEntry,
    /// Those that the suite names, then the baselines and controls that are added.
    pub(crate) representations: Vec<Representation>,
    pub(crate) missing_controls: Vec<MissingControl>,
    pub(crate) probes: Vec<ProbeEntry>,
    /// Folder that relative paths start from.
    pub(crate) folder: PathBuf,
    /// The suite as TOML, for the record.
    pub(crate) toml: String,
}

/// A checked representation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Representation {
    Plain { representation: PlainRepresentation, poolings: Option<Vec<Pooling>> },
    Model(ModelRepresentation),
    Imported(ImportedRepresentation),
}

/// A model at some layers and poolings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelRepresentation {
    /// Name in results: as written in the suite.
    pub(crate) name: String,
    /// The model as written, without `random:`; `ModelFinder` looks for it.
    pub(crate) reference: String,
    /// Folder that a relative path starts from.
    pub(crate) base: PathBuf,
    /// Draws of random weights; `None` for pretrained ones.
    pub(crate) random_draws: Option<u32>,
    pub(crate) layers: Layers,
    pub(crate) poolings: Vec<Pooling>,
    pub(crate) extraction: ExtractionSpec,
    /// Whether token vectors are kept in the cache; else they are computed whenever they are read.
    pub(crate) store: bool,
}

/// Which layers of a model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Layers {
    All,
    Some(Vec<LayerIndex>),
}

impl Representation {
    /// Name in results.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Plain { representation, .. } => representation.id().to_owned(),
            Self::Model(model) => model.name.clone(),
            Self::Imported(imported) => imported.name.clone(),
        }
    }
}

impl Suite {
    /// Reads and checks a suite file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = seqprobe_data::read_settings(path).map_err(|error| {
            Failure::usage(format!("{}: {error}\n  hint: give the path of a suite file", path.display()))
        })?;
        let file: SuiteFile = parse_toml(&text, &path.display().to_string()).or_exit(ExitCode::Usage)?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Self::check(&file, folder, &path.display().to_string(), text)
    }

    /// Checks a suite; `source` names it in errors.
    pub(crate) fn check(
        file: &SuiteFile,
        folder: PathBuf,
        source: &str,
        toml: String,
    ) -> Result<Self, Failure> {
        let wrong = |message: String| Failure::usage(format!("{source}: {message}"));
        if file.schema != 1 {
            return Err(wrong(format!("schema {} is not known, expected 1", file.schema)));
        }
        if file.name.is_empty()
            || !file.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            || file.name.starts_with('.')
        {
            return Err(wrong(format!("name {:?} must be made of letters, digits, - _ and .", file.name)));
        }
        let seeds = file.seeds.clone().unwrap_or_else(|| DEFAULT_SEEDS.to_vec());
        let distinct: std::collections::BTreeSet<_> = seeds.iter().collect();
        if seeds.is_empty() || distinct.len() != seeds.len() {
            return Err(wrong("seeds must be a non-empty list of distinct numbers".into()));
        }
        let margin = file.margin.unwrap_or(DEFAULT_MARGIN);
        if !(margin.is_finite() && margin >= 0.0) {
            return Err(wrong(format!("margin {margin} must be a number from 0")));
        }
        let replicates = file.replicates.unwrap_or(DEFAULT_REPLICATES);
        if !(100..=1_000_000).contains(&replicates) {
            return Err(wrong(format!("replicates {replicates} must lie between 100 and 1000000")));
        }
        for (list, empty) in [
            ("datasets", file.datasets.is_empty()),
            ("[[representation]]", file.representation.is_empty()),
            ("[[probe]]", file.probe.is_empty()),
        ] {
            if empty {
                return Err(Failure::new(
                    ExitCode::EmptyPlan,
                    format!("{source}: no {list}: nothing to run"),
                ));
            }
        }
        let mut representations = Vec::new();
        for (number, entry) in file.representation.iter().enumerate() {
            let representation = check_representation(entry, &folder)
                .map_err(|message| wrong(format!("representation {}: {message}", number + 1)))?;
            if representations.iter().any(|other: &Representation| other.name() == representation.name()) {
                return Err(wrong(format!(
                    "representation {} names {:?} a second time",
                    number + 1,
                    representation.name()
                )));
            }
            representations.push(representation);
        }
        let controls = Controls::check(file.controls.as_ref()).map_err(wrong)?;
        let missing_controls = controls.add(&mut representations);
        let fractions = check_fractions(file.fractions.as_deref()).map_err(wrong)?;
        let draws = file.draws.unwrap_or(DEFAULT_DRAWS);
        if !(1..=1000).contains(&draws) {
            return Err(wrong(format!("draws {draws} must lie between 1 and 1000")));
        }
        for (number, entry) in file.probe.iter().enumerate() {
            check_probe(entry).map_err(|message| wrong(format!("probe {}: {message}", number + 1)))?;
            if file.probe[..number].iter().any(|other| other.id == entry.id) {
                return Err(wrong(format!("probe {} names {:?} a second time", number + 1, entry.id)));
            }
        }
        Ok(Self {
            name: file.name.clone(),
            seeds,
            margin,
            replicates,
            controls,
            fractions,
            draws,
            description_length: file.description_length.unwrap_or(false),
            datasets: file.datasets.clone(),
            drop_leaks: file.drop_leaks,
            simulate: file.simulate.unwrap_or_default(),
            representations,
            missing_controls,
            probes: file.probe.clone(),
            folder,
            toml,
        })
    }
}

/// Checks `fractions`; the whole training split is always fitted, whether 1 is among them or not.
fn check_fractions(entry: Option<&[f64]>) -> Result<Vec<f64>, String> {
    let mut fractions = entry.unwrap_or_default().to_vec();
    if let Some(wrong) = fractions.iter().find(|fraction| !(**fraction > 0.0 && **fraction <= 1.0)) {
        return Err(format!("fraction {wrong} must lie above 0 and not above 1"));
    }
    fractions.sort_by(f64::total_cmp);
    fractions.dedup();
    fractions.retain(|fraction| *fraction < 1.0);
    Ok(fractions)
}

/// An unknown word with the nearest known one, or all of them.
pub(crate) fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("unknown {what} {word:?}\n  hint: did you mean {near:?}?"),
        None => format!("unknown {what} {word:?}\n  hint: use one of {}", known.join(", ")),
    }
}

fn check_representation(entry: &RepresentationEntry, folder: &Path) -> Result<Representation, String> {
    let poolings = match &entry.pooling {
        Some(names) if names.is_empty() => return Err("pooling is empty".into()),
        Some(names) => Some(names.iter().map(|name| name.parse()).collect::<Result<Vec<Pooling>, _>>()?),
        None => None,
    };
    let import_keys =
        [("name", &entry.name), ("values", &entry.values), ("ids", &entry.ids), ("source", &entry.source)];
    if let (None, Some((key, _))) = (&entry.embeddings, import_keys.iter().find(|(_, value)| value.is_some()))
    {
        return Err(format!(
            "{key} belongs to imported embeddings\n  hint: name their file with the key embeddings"
        ));
    }
    match (&entry.id, &entry.model, &entry.embeddings) {
        (None, None, Some(path)) => check_import(entry, path, folder).map(Representation::Imported),
        (Some(id), None, None) => {
            if entry.layers.is_some()
                || entry.truncate.is_some()
                || entry.window.is_some()
                || entry.rc.is_some()
                || entry.precision.is_some()
                || entry.store.is_some()
            {
                return Err(format!(
                    "{id:?} has no layers and is never truncated, read in windows, averaged over strands, computed in another precision or stored"
                ));
            }
            let known: Vec<&str> = PLAIN_REPRESENTATIONS.iter().map(|plain| plain.id).collect();
            let representation: PlainRepresentation =
                id.parse().map_err(|_| unknown("representation", id, &known))?;
            Ok(Representation::Plain { representation, poolings })
        }
        (None, Some(name), None) => {
            let (path, random) = match name.strip_prefix("random:") {
                Some(path) => (path, true),
                None => (name.as_str(), false),
            };
            Ok(Representation::Model(ModelRepresentation {
                name: name.clone(),
                reference: path.to_owned(),
                base: folder.to_owned(),
                random_draws: random.then_some(RANDOM_DRAWS),
                layers: check_layers(entry.layers.as_ref())?,
                poolings: poolings.unwrap_or_else(|| vec![Pooling::Mean, Pooling::Tokens]),
                extraction: check_extraction(
                    entry.truncate.as_deref(),
                    entry.window,
                    entry.rc.as_deref(),
                    entry.precision.as_deref(),
                )?,
                store: entry.store.unwrap_or(true),
            }))
        }
        _ => Err("needs one of id, model and embeddings".into()),
    }
}

/// Checks `truncate`, `window`, `rc` and `precision`.
pub(crate) fn check_extraction(
    truncate: Option<&str>,
    window: Option<Window>,
    strands: Option<&str>,
    precision: Option<&str>,
) -> Result<ExtractionSpec, String> {
    if truncate.is_some() && window.is_some() {
        return Err("truncate and window are both given\n  hint: windows read the whole sequence, nothing is cut: leave out one of them".into());
    }
    let window = window.map(|window| Window::new(window.size, window.stride)).transpose()?;
    let precision = precision.map(str::parse::<seqprobe_models::Precision>).transpose();
    let precision = precision.map_err(|error| error.to_string())?;
    Ok(ExtractionSpec {
        precision: precision.unwrap_or_default(),
        reverse_complement: strands.map(str::parse).transpose()?.unwrap_or_default(),
        truncate: truncate.map(str::parse).transpose()?.unwrap_or_default(),
        window,
    })
}

/// Checks the words of `layers`; `final` where none are given.
pub(crate) fn check_layers(entry: Option<&LayersEntry>) -> Result<Layers, String> {
    let entries = match entry {
        None => return Ok(Layers::Some(vec![LayerIndex::Final])),
        Some(LayersEntry::One(LayerEntry::Name(name))) if name == "all" => return Ok(Layers::All),
        Some(LayersEntry::One(one)) => std::slice::from_ref(one),
        Some(LayersEntry::Many(many)) => many.as_slice(),
    };
    if entries.is_empty() {
        return Err("layers is empty".into());
    }
    let layers: Result<Vec<LayerIndex>, String> = entries
        .iter()
        .map(|layer| match layer {
            LayerEntry::Number(number) => Ok(LayerIndex::Block(*number)),
            LayerEntry::Name(name) => name.parse(),
        })
        .collect();
    layers.map(Layers::Some)
}

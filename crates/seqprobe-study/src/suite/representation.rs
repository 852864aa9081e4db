//! Representations of a suite, checked: made from the bases, of a model, or imported.

use crate::suite::error::SuiteProblem;
use crate::suite::file::{LayerEntry, LayersEntry, RepresentationEntry};
use crate::suite::imported::{ImportedRepresentation, check_import};
use seqprobe_core::{LayerIndex, Pooling};
use seqprobe_embed::{ExtractionSpec, PLAIN_REPRESENTATIONS, PlainRepresentation, Window};
use seqprobe_report::record::RANDOM_PREFIX;
use std::path::{Path, PathBuf};

/// Random initialisations of an architecture.
pub(crate) const RANDOM_DRAWS: u32 = 3;

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

impl ModelRepresentation {
    /// A model as it is named in a suite or on the command line: `random:` asks for `draws` random initialisations.
    pub(crate) fn new(
        name: &str,
        base: &Path,
        draws: u32,
        layers: Layers,
        poolings: Vec<Pooling>,
        extraction: ExtractionSpec,
    ) -> Self {
        let (reference, is_random) = match name.strip_prefix(RANDOM_PREFIX) {
            Some(reference) => (reference, true),
            None => (name, false),
        };
        Self {
            name: name.to_owned(),
            reference: reference.to_owned(),
            base: base.to_owned(),
            random_draws: is_random.then_some(draws),
            layers,
            poolings,
            extraction,
            store: true,
        }
    }
}

/// Checks one `[[representation]]`; relative paths start from `folder`.
pub(crate) fn check_representation(
    entry: &RepresentationEntry,
    folder: &Path,
) -> Result<Representation, SuiteProblem> {
    let reference_keys = [
        ("columns", entry.columns.is_some()),
        ("sequences", entry.sequences.is_some()),
        ("dataset", entry.dataset.is_some()),
    ];
    if let Some((key, _)) = reference_keys.into_iter().find(|(_, is_given)| *is_given) {
        return Err(SuiteProblem::Foreign {
            key,
            of: "this representation, only to ready predictions".to_owned(),
            hint: "name the file of predictions with the key predictions",
        });
    }
    let import_keys =
        [("name", &entry.name), ("values", &entry.values), ("ids", &entry.ids), ("source", &entry.source)];
    if let (None, Some((key, _))) = (&entry.embeddings, import_keys.iter().find(|(_, value)| value.is_some()))
    {
        return Err(SuiteProblem::Foreign {
            key,
            of: "this representation, only to imported embeddings".to_owned(),
            hint: "name the file of the embeddings with the key embeddings",
        });
    }
    if entry.predictions.is_some() {
        return Err(SuiteProblem::OneSource);
    }
    match (&entry.id, &entry.model, &entry.embeddings) {
        (None, None, Some(path)) => check_import(entry, path, folder).map(Representation::Imported),
        (Some(id), None, None) => check_plain(entry, id),
        (None, Some(name), None) => check_model(entry, name, folder).map(Representation::Model),
        _ => Err(SuiteProblem::OneSource),
    }
}

fn check_poolings(entry: &RepresentationEntry) -> Result<Option<Vec<Pooling>>, SuiteProblem> {
    match &entry.pooling {
        None => Ok(None),
        Some(names) if names.is_empty() => Err(SuiteProblem::EmptyList("pooling")),
        Some(names) => {
            let poolings: Result<Vec<Pooling>, _> = names.iter().map(|name| name.parse()).collect();
            poolings.map(Some).map_err(SuiteProblem::word("pooling"))
        }
    }
}

fn check_plain(entry: &RepresentationEntry, id: &str) -> Result<Representation, SuiteProblem> {
    let poolings = check_poolings(entry)?;
    if let Some(key) = entry.model_keys().into_iter().find_map(|(key, is_given)| is_given.then_some(key)) {
        return Err(SuiteProblem::Foreign {
            key,
            of: format!("{id:?}, which is made from the bases"),
            hint: "only models have layers and ways to read long sequences: leave it out",
        });
    }
    let known: Vec<&str> = PLAIN_REPRESENTATIONS.iter().map(|plain| plain.id).collect();
    let representation: PlainRepresentation =
        id.parse().map_err(|_| SuiteProblem::unknown("id", "representation", id, &known))?;
    Ok(Representation::Plain { representation, poolings })
}

fn check_model(
    entry: &RepresentationEntry,
    name: &str,
    folder: &Path,
) -> Result<ModelRepresentation, SuiteProblem> {
    let poolings = check_poolings(entry)?.unwrap_or_else(|| vec![Pooling::Mean, Pooling::Tokens]);
    let keep = match (&entry.keep, &entry.truncate) {
        (Some(_), Some(_)) => return Err(SuiteProblem::KeepTwice),
        (keep, old) => keep.as_deref().or(old.as_deref()),
    };
    let extraction = check_extraction(keep, entry.window, entry.rc.as_deref(), entry.precision.as_deref())?;
    let layers = check_layers(entry.layers.as_ref())?;
    let model = ModelRepresentation::new(name, folder, RANDOM_DRAWS, layers, poolings, extraction);
    Ok(ModelRepresentation { store: entry.store.unwrap_or(true), ..model })
}

/// Checks `keep`, `window`, `rc` and `precision`.
pub(crate) fn check_extraction(
    keep: Option<&str>,
    window: Option<Window>,
    strands: Option<&str>,
    precision: Option<&str>,
) -> Result<ExtractionSpec, SuiteProblem> {
    if keep.is_some() && window.is_some() {
        return Err(SuiteProblem::KeepAndWindow);
    }
    let window = window.map(|window| Window::new(window.size, window.stride)).transpose();
    Ok(ExtractionSpec {
        precision: precision
            .map(str::parse)
            .transpose()
            .map_err(SuiteProblem::word("precision"))?
            .unwrap_or_default(),
        reverse_complement: strands
            .map(str::parse)
            .transpose()
            .map_err(SuiteProblem::word("rc"))?
            .unwrap_or_default(),
        keep_end: keep.map(str::parse).transpose().map_err(SuiteProblem::word("keep"))?.unwrap_or_default(),
        window: window.map_err(SuiteProblem::word("window"))?,
    })
}

/// Checks the words of `layers`; `final` where none are given.
pub(crate) fn check_layers(entry: Option<&LayersEntry>) -> Result<Layers, SuiteProblem> {
    let entries = match entry {
        None => return Ok(Layers::Some(vec![LayerIndex::Final])),
        Some(LayersEntry::One(LayerEntry::Name(name))) if name == "all" => return Ok(Layers::All),
        Some(LayersEntry::One(one)) => std::slice::from_ref(one),
        Some(LayersEntry::Many(many)) => many.as_slice(),
    };
    if entries.is_empty() {
        return Err(SuiteProblem::EmptyList("layers"));
    }
    let layers: Result<Vec<LayerIndex>, SuiteProblem> = entries
        .iter()
        .map(|layer| match layer {
            LayerEntry::Number(number) => Ok(LayerIndex::Block(*number)),
            LayerEntry::Name(name) => name.parse().map_err(SuiteProblem::word("layers")),
        })
        .collect();
    layers.map(Layers::Some)
}

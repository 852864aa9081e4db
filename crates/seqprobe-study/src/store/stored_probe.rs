//! A cell's fitted probes in the run folder: what is needed to apply them to new sequences.

use crate::error::{ModelProblem, StudyError};
use crate::events::{StudyEvents, report_damage};
use crate::judge::filled_cell::FilledCell;
use crate::models::finder::ModelFinder;
use crate::models::loaded::LoadedModel;
use crate::plan::stored_pooling;
use crate::run::feature_store::FeatureStore;
use crate::store::arrays::read_arrays;
use crate::store::cell_store::CellResult;
use crate::suite::Suite;
use crate::suite::probes::probe_family;
use crate::suite::representation::{Layers, ModelRepresentation, Representation};
use ndarray::Array2;
use seqprobe_core::{
    Dataset, DnaSequence, FeatureView, FittedProbe, LayerIndex, Pooling, ProbeError, StoredProbe, TaskKind,
};
use seqprobe_embed::{
    BoxedSource, ExtractionOptions, ExtractionSpec, Flattened, KeepEnd, OneHot, PlainRepresentation,
    ReverseComplement, Window, extract,
};
use seqprobe_models::Precision;
use seqprobe_report::OutputName;
use seqprobe_report::record::{CellId, ModelOrigin};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Everything but the fitted numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredCell {
    pub(crate) schema_version: u32,
    pub(crate) id: CellId,
    pub(crate) key: String,
    pub(crate) task: TaskKind,
    pub(crate) outputs: Vec<OutputName>,
    representation: StoredRepresentation,
    pooling: Pooling,
    /// Values per feature vector.
    width: usize,
    /// Kind and settings of each fit's probe.
    probes: Vec<(String, serde_json::Value)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StoredRepresentation {
    Plain(String),
    Imported {
        file: PathBuf,
    },
    Model {
        name: String,
        /// A path, or `hf:owner/name@commit`.
        folder: PathBuf,
        random_draws: Option<u32>,
        layer: LayerIndex,
        #[serde(rename = "truncate")]
        keep_end: KeepEnd,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window: Option<Window>,
        reverse_complement: ReverseComplement,
        /// Cells stored before there was a choice have none.
        #[serde(default)]
        precision: Precision,
        weights: Vec<String>,
    },
}

impl StoredCell {
    /// Describes a filled cell with its result.
    ///
    /// # Errors
    /// [`StudyError::ForeignCell`] for a cell that the suite does not have.
    pub(crate) fn new(
        suite: &Suite,
        dataset: &Dataset,
        cell: &FilledCell,
        result: &CellResult,
        origins: &BTreeMap<String, ModelOrigin>,
    ) -> Result<Self, StudyError> {
        let id = &cell.record.id;
        let foreign = || StudyError::ForeignCell(id.to_string());
        let name = id.representation.as_str();
        let mut representations = suite.representations.iter();
        let representation = match representations.find(|one| one.name() == name).ok_or_else(foreign)? {
            Representation::Plain { representation, .. } => {
                StoredRepresentation::Plain(representation.id().to_owned())
            }
            Representation::Imported(imported) => {
                StoredRepresentation::Imported { file: imported.request.path.clone() }
            }
            Representation::Model(model) => StoredRepresentation::Model {
                name: model.name.clone(),
                folder: match origins.get(&model.name) {
                    Some(origin) => format!("hf:{}@{}", origin.repository, origin.commit).into(),
                    None => {
                        let path = model.base.join(&model.reference);
                        std::fs::canonicalize(&path).unwrap_or(path)
                    }
                },
                random_draws: model.random_draws,
                layer: id.layer.ok_or_else(foreign)?,
                keep_end: model.extraction.keep_end,
                window: model.extraction.window,
                reverse_complement: model.extraction.reverse_complement,
                precision: model.extraction.precision,
                weights: cell.weights.clone(),
            },
        };
        Ok(Self {
            schema_version: 1,
            id: id.clone(),
            key: cell.record.key.clone(),
            task: dataset.task.kind,
            outputs: output_names(dataset),
            representation,
            // Imported vectors are not pooled here.
            pooling: id.pooling.unwrap_or(Pooling::Mean),
            width: result.width.ok_or_else(foreign)?,
            probes: result.probes.iter().map(|probe| (probe.kind.clone(), probe.config.clone())).collect(),
        })
    }

    /// All stored cells of a run folder with their folders, sorted by name.
    pub(crate) fn list(run: &Path) -> Result<Vec<(Self, PathBuf)>, StudyError> {
        let folder = run.join("probes");
        let entries = std::fs::read_dir(&folder)
            .map_err(|source| StudyError::NoProbes { path: folder.clone(), source })?;
        let mut cells = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| StudyError::io(&folder, error))?.path();
            let file = path.join("cell.json");
            let wrong = |reason: String| StudyError::StoredProbe { path: file.clone(), reason };
            let text = std::fs::read(&file).map_err(|error| wrong(error.to_string()))?;
            let cell: Self = serde_json::from_slice(&text)
                .map_err(|error| wrong(format!("not a stored cell: {error}")))?;
            cells.push((cell, path));
        }
        cells.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
        Ok(cells)
    }

    /// Applies every fit to new sequences.
    ///
    /// # Shapes
    /// One `[sequences, outputs]` per fit.
    pub(crate) fn predict(
        &self,
        folder: &Path,
        sequences: &[DnaSequence],
        store: &FeatureStore,
        finder: &ModelFinder,
        events: &mut dyn StudyEvents,
    ) -> Result<Vec<Array2<f64>>, StudyError> {
        let sources = self.features(sequences, store, finder, events)?;
        let rows: Vec<usize> = (0..sequences.len()).collect();
        let mut predictions = Vec::new();
        for (number, (kind, config)) in self.probes.iter().enumerate() {
            let path = folder.join(format!("probe-{number:04}.safetensors"));
            let wrong = |reason: String| StudyError::StoredProbe { path: path.clone(), reason };
            let bytes = std::fs::read(&path).map_err(|error| wrong(error.to_string()))?;
            let arrays = read_arrays(&bytes).map_err(|error| wrong(error.to_string()))?;
            let probe = restore(&StoredProbe { kind: kind.clone(), config: config.clone(), arrays })
                .map_err(|error| wrong(error.to_string()))?;
            let view = FeatureView::new(sources[number % sources.len()].as_ref(), &rows)?;
            predictions.push(probe.predict(&view)?);
        }
        Ok(predictions)
    }

    fn features<'a>(
        &self,
        sequences: &'a [DnaSequence],
        store: &FeatureStore,
        finder: &ModelFinder,
        events: &mut dyn StudyEvents,
    ) -> Result<Vec<BoxedSource<'a>>, StudyError> {
        let (layer, extraction, weights, model) = match &self.representation {
            StoredRepresentation::Plain(id) => return Ok(vec![self.plain(id, sequences)?]),
            StoredRepresentation::Imported { file } => {
                return Err(StudyError::ImportedOnly { file: file.clone() });
            }
            StoredRepresentation::Model {
                name,
                folder,
                random_draws,
                layer,
                keep_end,
                window,
                reverse_complement,
                precision,
                weights,
            } => {
                let extraction = ExtractionSpec {
                    precision: *precision,
                    reverse_complement: *reverse_complement,
                    keep_end: *keep_end,
                    window: *window,
                };
                let model = ModelRepresentation {
                    name: name.clone(),
                    reference: folder.to_string_lossy().into_owned(),
                    base: PathBuf::new(),
                    random_draws: *random_draws,
                    layers: Layers::Some(vec![*layer]),
                    poolings: vec![self.pooling],
                    extraction,
                    store: true,
                };
                (*layer, extraction, weights, model)
            }
        };
        let loaded = LoadedModel::load(&model, finder, events)?;
        if loaded.digests != *weights {
            let problem = ModelProblem::OtherWeights {
                expected: weights.join(" "),
                found: loaded.digests.join(" "),
                folder: model.reference.into(),
            };
            return Err(StudyError::model(&model.name, problem));
        }
        let mut sources = Vec::new();
        for draw in &loaded.draws {
            let options = ExtractionOptions { repair: store.repair, ..ExtractionOptions::default() };
            let wanted = [(layer, stored_pooling(self.pooling))];
            let extraction =
                extract(&draw.lock(), &extraction, sequences, &wanted, &store.embeddings, options)
                    .map_err(StudyError::Extraction)?;
            report_damage(&extraction.damage, events);
            for features in extraction.features {
                sources.push(self.flattened(Box::new(features))?);
            }
        }
        Ok(sources)
    }

    fn plain<'a>(&self, id: &str, sequences: &'a [DnaSequence]) -> Result<BoxedSource<'a>, StudyError> {
        if self.pooling == Pooling::Flatten {
            return self.flattened(Box::new(OneHot::new(sequences)));
        }
        let plain: PlainRepresentation = id.parse().map_err(|error| StudyError::StoredProbe {
            path: self.id.to_string().into(),
            reason: format!("{error}"),
        })?;
        plain.features(sequences, self.pooling, &[]).map_err(StudyError::Extraction)
    }

    /// Lays tokens out to the length that the probe was fitted on, where it reads flattened tokens.
    fn flattened<'a>(&self, source: BoxedSource<'a>) -> Result<BoxedSource<'a>, StudyError> {
        if self.pooling != Pooling::Flatten {
            return Ok(source);
        }
        let length = self.width / source.dim().max(1);
        Ok(Box::new(Flattened::to_length(source, length).map_err(StudyError::Extraction)?))
    }
}

fn restore(stored: &StoredProbe) -> Result<Box<dyn FittedProbe>, ProbeError> {
    let family = probe_family(&stored.kind)
        .ok_or_else(|| ProbeError::Stored(format!("unknown kind {:?}", stored.kind)))?;
    family.restore(stored)
}

/// Names of the output columns of a task.
pub(crate) fn output_names(dataset: &Dataset) -> Vec<OutputName> {
    let task = &dataset.task;
    let name =
        |target: &str, output: &str| OutputName { target: target.to_owned(), output: output.to_owned() };
    match task.kind {
        TaskKind::Binary => vec![name(&task.targets[0], task.classes.last().map_or("1", String::as_str))],
        TaskKind::Multiclass => task.classes.iter().map(|class| name(&task.targets[0], class)).collect(),
        TaskKind::Multilabel | TaskKind::Regression => {
            task.targets.iter().map(|target| name(target, target)).collect()
        }
    }
}

//! A cell's fitted probes in the run folder: what `seqprobe predict` needs to apply them to new sequences.

use crate::cells::read_arrays;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::features::tell_damage;
use crate::model_finder::ModelFinder;
use crate::models::LoadedModel;
use crate::probes::probe_family;
use crate::run_command::output_names;
use crate::suite::{Layers, ModelRepresentation, Representation, Suite};
use crate::verdicts::FilledCell;
use ndarray::Array2;
use seqprobe_core::{
    Dataset, DnaSequence, FeatureView, FittedProbe, LayerIndex, Pooling, ProbeError, StoredProbe, TaskKind,
};
use seqprobe_embed::ExtractionSpec;
use seqprobe_embed::{
    BoxedSource, EmbeddingCache, ExtractionOptions, Flattened, OneHot, PlainRepresentation,
    ReverseComplement, Truncate, Window, extract,
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
        truncate: Truncate,
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
    /// Describes a filled cell.
    pub(crate) fn new(
        suite: &Suite,
        dataset: &Dataset,
        cell: &FilledCell,
        origins: &BTreeMap<String, ModelOrigin>,
    ) -> Result<Self, Failure> {
        let missing = || {
            Failure::new(
                ExitCode::Unexpected,
                format!("{}: the cell does not belong to its suite", cell.record.id),
            )
        };
        let result = cell.result.as_ref().ok_or_else(missing)?;
        let id = &cell.record.id;
        let representation = suite
            .representations
            .iter()
            .find(|representation| representation.name() == id.representation)
            .ok_or_else(missing)?;
        let representation = match representation {
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
                layer: id.layer.parse().map_err(|error: seqprobe_core::UnknownLayer| {
                    Failure::new(ExitCode::Unexpected, error)
                })?,
                truncate: model.extraction.truncate,
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
            pooling: match id.pooling.as_str() {
                // Imported vectors are not pooled here.
                "-" => Pooling::Mean,
                pooling => pooling.parse().map_err(|error: seqprobe_core::UnknownPooling| {
                    Failure::new(ExitCode::Unexpected, error)
                })?,
            },
            width: result.width,
            probes: result.probes.iter().map(|probe| (probe.kind.clone(), probe.config.clone())).collect(),
        })
    }

    /// All stored cells of a run folder, sorted by name.
    pub(crate) fn list(run: &Path) -> Result<Vec<(Self, PathBuf)>, Failure> {
        let folder = run.join("probes");
        let entries = std::fs::read_dir(&folder).map_err(|error| {
            Failure::usage(format!(
                "{}: {error}\n  hint: give the folder of a finished run with fitted probes",
                folder.display()
            ))
        })?;
        let mut cells = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let file = path.join("cell.json");
            let text = std::fs::read(&file)
                .map_err(|error| Failure::new(ExitCode::Data, format!("{}: {error}", file.display())))?;
            let cell: Self = serde_json::from_slice(&text).map_err(|error| {
                Failure::new(ExitCode::Data, format!("{}: not a stored cell: {error}", file.display()))
            })?;
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
        cache: &EmbeddingCache,
        repair: bool,
        finder: &ModelFinder,
    ) -> Result<Vec<Array2<f64>>, Failure> {
        let sources = self.features(sequences, cache, repair, finder)?;
        let rows: Vec<usize> = (0..sequences.len()).collect();
        let mut predictions = Vec::new();
        for (number, (kind, config)) in self.probes.iter().enumerate() {
            let path = folder.join(format!("probe-{number:04}.safetensors"));
            let bytes = std::fs::read(&path)
                .map_err(|error| Failure::new(ExitCode::Data, format!("{}: {error}", path.display())))?;
            let arrays = read_arrays(&bytes)
                .map_err(|error| Failure::new(ExitCode::Data, format!("{}: {error}", path.display())))?;
            let probe = restore(&StoredProbe { kind: kind.clone(), config: config.clone(), arrays })
                .map_err(|error| Failure::new(ExitCode::Data, format!("{}: {error}", path.display())))?;
            let source = sources[number % sources.len()].as_ref();
            let view = FeatureView::new(source, &rows).or_exit(ExitCode::Unexpected)?;
            predictions.push(probe.predict(&view).or_exit(ExitCode::Data)?);
        }
        Ok(predictions)
    }

    fn features<'a>(
        &self,
        sequences: &'a [DnaSequence],
        cache: &EmbeddingCache,
        repair: bool,
        finder: &ModelFinder,
    ) -> Result<Vec<BoxedSource<'a>>, Failure> {
        match &self.representation {
            StoredRepresentation::Plain(id) => {
                let plain: PlainRepresentation =
                    id.parse().map_err(|message: String| Failure::new(ExitCode::Data, message))?;
                if self.pooling == Pooling::Flatten {
                    let source: BoxedSource<'a> = Box::new(OneHot::new(sequences));
                    return Ok(vec![self.flattened(source)?]);
                }
                Ok(vec![plain.features(sequences, self.pooling, &[]).or_exit(ExitCode::Data)?])
            }
            StoredRepresentation::Imported { file } => Err(Failure::new(
                ExitCode::Data,
                format!(
                    "the cell reads imported embeddings ({}), and new sequences have none\n  hint: put the new sequences into a dataset with embeddings and run the suite on it",
                    file.display()
                ),
            )),
            StoredRepresentation::Model {
                name,
                folder,
                random_draws,
                layer,
                truncate,
                window,
                reverse_complement,
                precision,
                weights,
            } => {
                let extraction = ExtractionSpec {
                    precision: *precision,
                    reverse_complement: *reverse_complement,
                    truncate: *truncate,
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
                let loaded = LoadedModel::load(&model, finder)?;
                let found = loaded.digests();
                if found != *weights {
                    return Err(Failure::new(
                        ExitCode::Model,
                        format!(
                            "model {name:?}: the weights are not those of the run\n  expected {}\n  got      {}\n  hint: put the model of the run back into {}",
                            weights.join(" "),
                            found.join(" "),
                            folder.display()
                        ),
                    ));
                }
                let stored = if self.pooling == Pooling::Flatten { Pooling::Tokens } else { self.pooling };
                let mut sources = Vec::new();
                for draw in &loaded.draws {
                    let options = ExtractionOptions { repair, ..ExtractionOptions::default() };
                    let extraction =
                        extract(draw, &extraction, sequences, &[(*layer, stored)], cache, options)
                            .or_exit(ExitCode::Model)?;
                    tell_damage(&extraction.damage);
                    for features in extraction.features {
                        let source: BoxedSource<'a> = Box::new(features);
                        sources.push(if self.pooling == Pooling::Flatten {
                            self.flattened(source)?
                        } else {
                            source
                        });
                    }
                }
                Ok(sources)
            }
        }
    }

    fn flattened<'a>(&self, source: BoxedSource<'a>) -> Result<BoxedSource<'a>, Failure> {
        let length = self.width / source.dim().max(1);
        Ok(Box::new(Flattened::to_length(source, length).or_exit(ExitCode::Data)?))
    }
}

fn restore(stored: &StoredProbe) -> Result<Box<dyn FittedProbe>, ProbeError> {
    let family = probe_family(&stored.kind)
        .ok_or_else(|| ProbeError::Stored(format!("unknown kind {:?}", stored.kind)))?;
    (family.restore)(stored)
}

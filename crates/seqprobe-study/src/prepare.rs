//! Representations that are ready to be read: a model is loaded once, a file of embeddings is read once.

use crate::error::{ModelProblem, StudyError};
use crate::events::StudyEvents;
use crate::models::finder::ModelFinder;
use crate::models::loaded::LoadedModel;
use crate::suite::Suite;
use crate::suite::imported::ImportedRepresentation;
use crate::suite::representation::{Layers, ModelRepresentation, Representation};
use seqprobe_core::{Dataset, LayerIndex, Pooling};
use seqprobe_embed::{ImportedEmbeddings, KeepEnd, PlainRepresentation, ReverseComplement};
use seqprobe_models::{EncoderSpec, Precision};
use seqprobe_report::record::{ModelOrigin, ReadingSetting, RepresentationName, Role, Variant};
use std::sync::Arc;

/// A representation of a suite, ready to be read.
pub(crate) enum PreparedRepresentation {
    /// Made from the bases when it is read.
    Plain { representation: PlainRepresentation, poolings: Option<Vec<Pooling>> },
    /// A model at some layers and poolings.
    Model(Box<PreparedModel>),
    /// Vectors of a file.
    Imported { asked: ImportedRepresentation, embeddings: ImportedEmbeddings },
}

/// A loaded model and what is asked of it.
pub(crate) struct PreparedModel {
    pub(crate) asked: ModelRepresentation,
    pub(crate) loaded: LoadedModel,
    /// The layers asked for, each by its one name, without repetition.
    pub(crate) layers: Vec<LayerIndex>,
}

/// Prepares every representation of a suite, in suite order.
pub(crate) fn prepare_all(
    suite: &Suite,
    datasets: &[Arc<Dataset>],
    finder: &ModelFinder,
    events: &mut dyn StudyEvents,
) -> Result<Vec<PreparedRepresentation>, StudyError> {
    // Models last: what is wrong with a file of embeddings is known in a moment, a model may take minutes to load.
    let mut next = Vec::new();
    for representation in &suite.representations {
        next.push(match representation {
            Representation::Plain { representation, poolings } => {
                Next::Ready(PreparedRepresentation::Plain {
                    representation: *representation,
                    poolings: poolings.clone(),
                })
            }
            Representation::Imported(asked) => Next::Ready(read_import(asked, datasets)?),
            Representation::Model(asked) => Next::Load(asked),
        });
    }
    let load = |next| match next {
        Next::Ready(prepared) => Ok(prepared),
        Next::Load(asked) => PreparedModel::load(asked.clone(), finder, events)
            .map(|model| PreparedRepresentation::Model(Box::new(model))),
    };
    next.into_iter().map(load).collect()
}

/// A representation that is ready, or a model that is still to be loaded.
enum Next<'a> {
    Ready(PreparedRepresentation),
    Load(&'a ModelRepresentation),
}

/// Reads a file of embeddings and checks that it has a vector for every example.
fn read_import(
    asked: &ImportedRepresentation,
    datasets: &[Arc<Dataset>],
) -> Result<PreparedRepresentation, StudyError> {
    let name = || asked.name.clone();
    let embeddings = ImportedEmbeddings::read(&asked.request)
        .map_err(|source| StudyError::Embeddings { name: name(), source })?;
    for dataset in datasets {
        let joined = embeddings.join(&dataset.example_ids, &dataset.splits.all_rows());
        joined.map_err(|source| StudyError::EmbeddingsOfDataset {
            dataset: dataset.id.clone(),
            name: name(),
            source,
        })?;
    }
    Ok(PreparedRepresentation::Imported { asked: asked.clone(), embeddings })
}

impl PreparedRepresentation {
    /// Name in results.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Plain { representation, .. } => representation.id().to_owned(),
            Self::Model(model) => model.asked.name.clone(),
            Self::Imported { asked, .. } => asked.name.clone(),
        }
    }

    /// Name in cell ids.
    pub(crate) fn id(&self) -> RepresentationName {
        match self {
            Self::Model(model) if model.asked.random_draws.is_some() => {
                RepresentationName::random_init_of(&model.asked.reference)
            }
            other => RepresentationName::Named(other.name()),
        }
    }

    /// What it is for in a comparison. Random initialisations are a control.
    pub(crate) fn role(&self) -> Role {
        match self {
            Self::Plain { representation: PlainRepresentation::Composition, .. } => Role::Control,
            Self::Plain { .. } => Role::Baseline,
            Self::Model(model) if model.asked.random_draws.is_some() => Role::Control,
            Self::Model(_) | Self::Imported { .. } => Role::Model,
        }
    }

    /// What changes its values in addition to layer and pooling.
    pub(crate) fn variant(&self) -> Variant {
        match self {
            Self::Model(model) => variant_of(&model.asked),
            Self::Plain { .. } | Self::Imported { .. } => Variant::None,
        }
    }

    /// Digests of a model's weights, one per draw; none without a model.
    pub(crate) fn weights(&self) -> Vec<String> {
        match self {
            Self::Model(model) => model.loaded.digests.clone(),
            Self::Plain { .. } | Self::Imported { .. } => Vec::new(),
        }
    }

    /// What the run record says of where the values come from; `None` for what is made from the bases.
    pub(crate) fn digests(&self) -> Option<String> {
        match self {
            Self::Plain { .. } => None,
            Self::Model(model) => Some(model.loaded.digests.join(" ")),
            Self::Imported { asked, embeddings } => {
                let file = asked.request.path.display();
                let source = asked.source.as_deref().unwrap_or("not stated");
                Some(format!("{}, imported from {file}, source: {source}", embeddings.digest()))
            }
        }
    }

    /// The hub's facts, for a model that came from there.
    pub(crate) fn origin(&self) -> Option<&ModelOrigin> {
        match self {
            Self::Model(model) => model.loaded.origin.as_ref(),
            Self::Plain { .. } | Self::Imported { .. } => None,
        }
    }
}

impl PreparedModel {
    /// Loads a model and finds the layers asked for.
    pub(crate) fn load(
        asked: ModelRepresentation,
        finder: &ModelFinder,
        events: &mut dyn StudyEvents,
    ) -> Result<Self, StudyError> {
        let loaded = LoadedModel::load(&asked, finder, events)?;
        let layers =
            layers_of(&asked, &loaded.spec).map_err(|problem| StudyError::model(&asked.name, problem))?;
        Ok(Self { asked, loaded, layers })
    }
}

/// The layers asked for, each by its one name, without repetition.
fn layers_of(model: &ModelRepresentation, spec: &EncoderSpec) -> Result<Vec<LayerIndex>, ModelProblem> {
    let asked = match &model.layers {
        Layers::All => {
            let mut all: Vec<_> = (0..=spec.n_blocks).map(LayerIndex::Block).collect();
            all.push(LayerIndex::Final);
            all
        }
        Layers::Some(list) => list.clone(),
    };
    let mut layers = Vec::new();
    for layer in asked {
        if matches!(layer, LayerIndex::Block(number) if number > spec.n_blocks) {
            return Err(ModelProblem::Layer { layer, n_blocks: spec.n_blocks });
        }
        let layer = layer.canonical(spec.n_blocks, spec.has_final_norm);
        if !layers.contains(&layer) {
            layers.push(layer);
        }
    }
    Ok(layers)
}

/// How a model reads sequences, in the order that cell ids have.
fn variant_of(model: &ModelRepresentation) -> Variant {
    let extraction = &model.extraction;
    let keep = match extraction.keep_end {
        KeepEnd::Error => None,
        KeepEnd::Left => Some(ReadingSetting::KeepLeft),
        KeepEnd::Right => Some(ReadingSetting::KeepRight),
        KeepEnd::Center => Some(ReadingSetting::KeepCenter),
    };
    let window =
        extraction.window.map(|window| ReadingSetting::Window { size: window.size, stride: window.stride });
    let is_averaged = extraction.reverse_complement == ReverseComplement::Average;
    let settings = [
        keep,
        window,
        is_averaged.then_some(ReadingSetting::RcAverage),
        (extraction.precision == Precision::Bf16).then_some(ReadingSetting::Bf16),
        model.random_draws.map(ReadingSetting::Draws),
    ];
    Variant::reading(settings.into_iter().flatten().collect())
}

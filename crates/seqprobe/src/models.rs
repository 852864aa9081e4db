//! Models as a run needs them: loaded once, pretrained or as several random draws.

use crate::exit::{ExitCode, Failure, OrExit};
use crate::suite::ModelRepresentation;
use seqprobe_core::Seed;
use seqprobe_models::{EncoderSpec, FrozenModel, LoadOptions, Precision, Weights};

/// The pretrained model, or the draws of its architecture.
pub(crate) struct LoadedModel {
    /// One pretrained model, or one per draw.
    pub(crate) draws: Vec<FrozenModel>,
}

impl LoadedModel {
    /// Loads what a suite names; models that run code of their own only where that is allowed.
    pub(crate) fn load(model: &ModelRepresentation, allow_code: bool) -> Result<Self, Failure> {
        let weights = match model.random_draws {
            None => vec![Weights::Pretrained],
            Some(draws) => (0..draws)
                .map(|draw| Weights::Random(Seed(u64::from(draw)).derive("random weights")))
                .collect(),
        };
        let draws: Result<Vec<_>, _> = weights
            .into_iter()
            .map(|weights| {
                let options =
                    LoadOptions { weights, precision: Precision::F32, device: tch::Device::Cpu, allow_code };
                FrozenModel::load(&model.folder, options)
            })
            .collect();
        let draws = draws
            .map_err(|error| Failure::new(ExitCode::Model, format!("model {:?}: {error}", model.name)))?;
        Ok(Self { draws })
    }

    /// Dimensions of the architecture.
    pub(crate) fn spec(&self) -> Result<&EncoderSpec, Failure> {
        self.draws
            .first()
            .map(|model| model.encoder.spec())
            .ok_or("no draw")
            .map_err(anyhow::Error::msg)
            .or_exit(ExitCode::Unexpected)
    }

    /// Digests of the weights, one per draw.
    pub(crate) fn digests(&self) -> Vec<String> {
        self.draws.iter().map(|draw| draw.weights_digest.to_string()).collect()
    }
}

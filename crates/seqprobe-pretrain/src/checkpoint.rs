//! The state of a run between two steps, as one safetensors file: parameters, moments, and a record in the
//! metadata. Random numbers have no state: they follow from the seed and the step.

use crate::error::PretrainError;
use crate::optimiser::TensorOptimiser;
use crate::outcome::LossRow;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use seqprobe_core::Digest;
use seqprobe_files::write_whole;
use seqprobe_models::TrainedTensor;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;
use tch::{Device, Kind, Tensor};

/// Name of the file in the folder of a run.
pub(crate) const CHECKPOINT: &str = "checkpoint.safetensors";

/// The part of the state that is not a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Version of this format.
    pub(crate) schema: u32,
    /// Digest of the config.
    pub(crate) config: Digest,
    /// Digest of the corpus report: the digests of the files and what was left out.
    pub(crate) corpus: Digest,
    /// Steps done.
    pub(crate) step: u64,
    /// Seconds of training so far, over all processes.
    pub(crate) seconds: f64,
    /// Number of processes so far.
    pub(crate) n_processes: u32,
    /// Sums of loss and weight since the last row.
    pub(crate) sums: (f64, f64),
    /// Rows of the loss table so far.
    pub(crate) rows: Vec<LossRow>,
}

/// Writes a checkpoint.
pub(crate) fn write(
    folder: &Path,
    state: &State,
    parameters: &[TrainedTensor],
    optimiser: &TensorOptimiser,
) -> Result<(), PretrainError> {
    let path = folder.join(CHECKPOINT);
    let mut stored: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::with_capacity(3 * parameters.len());
    for (one, (first, second)) in parameters.iter().zip(&optimiser.moments) {
        for (part, tensor) in [("value", &one.tensor), ("first", first), ("second", second)] {
            let values = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_contiguous()?;
            let mut bytes = vec![0_u8; 4 * values.numel()];
            values.f_copy_data_u8(&mut bytes, values.numel())?;
            let shape = values.size().iter().map(|&size| size as usize).collect();
            stored.push((format!("{part}/{}", one.name), shape, bytes));
        }
    }
    let damaged = |message: String| PretrainError::folder(folder, format!("{CHECKPOINT}: {message}"));
    let record = serde_json::to_string(state).map_err(|error| damaged(error.to_string()))?;
    let views = stored
        .iter()
        .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
    let metadata = HashMap::from([("state".to_owned(), record)]);
    let bytes = views
        .and_then(|views| safetensors::serialize(views, Some(metadata)))
        .map_err(|error| damaged(error.to_string()))?;
    Ok(write_whole(&path, &bytes)?)
}

/// Reads a checkpoint into parameters and moments; `None` if there is none. `check` refuses the state of another run
/// before anything changes.
pub(crate) fn read(
    folder: &Path,
    parameters: &[TrainedTensor],
    optimiser: &mut TensorOptimiser,
    check: impl FnOnce(&State) -> Result<(), PretrainError>,
) -> Result<Option<State>, PretrainError> {
    let path = folder.join(CHECKPOINT);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PretrainError::io(&path)(error)),
    };
    let damaged = |message: String| {
        let hint = "remove the file to start again";
        PretrainError::folder(folder, format!("{CHECKPOINT} is damaged: {message}\n  hint: {hint}"))
    };
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(error.to_string()))?;
    let record = metadata.metadata().as_ref().and_then(|known| known.get("state"));
    let record = record.ok_or_else(|| damaged("it has no state".to_owned()))?;
    let state: State = serde_json::from_str(record).map_err(|error| damaged(error.to_string()))?;
    check(&state)?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
    let restore = |name: String, target: &Tensor| -> Result<(), PretrainError> {
        let view = file.tensor(&name).map_err(|error| damaged(error.to_string()))?;
        let shape: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
        if view.dtype() != Dtype::F32 || shape != target.size() {
            return Err(damaged(format!("tensor {name:?} has another shape or type")));
        }
        let values = Tensor::f_from_data_size(view.data(), &shape, Kind::Float)?;
        tch::no_grad(|| target.f_detach()?.f_copy_(&values))?;
        Ok(())
    };
    for (one, (first, second)) in parameters.iter().zip(&optimiser.moments) {
        restore(format!("value/{}", one.name), &one.tensor)?;
        restore(format!("first/{}", one.name), first)?;
        restore(format!("second/{}", one.name), second)?;
    }
    optimiser.adam.steps = state.step;
    Ok(Some(state))
}

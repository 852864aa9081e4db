//! Parameters of a checkpoint: each name gets the prefix of the outer class, and used tensors are recorded, so that
//! unused tensors are reported.

use crate::checkpoint::Checkpoint;
use crate::error::ModelError;
use crate::parameters::tensor_names::TensorNames;
use seqprobe_core::Digest;
use std::collections::BTreeSet;
use tch::{Device, Kind, Tensor};

/// A checkpoint, its prefix, and the tensors that have been taken from it.
pub(super) struct StoredParameters {
    checkpoint: Checkpoint,
    prefix: &'static str,
    taken: BTreeSet<String>,
}

impl StoredParameters {
    pub(super) fn new(checkpoint: Checkpoint, names: &TensorNames) -> Self {
        let prefix = names.prefix_in(checkpoint.names());
        Self { checkpoint, prefix, taken: BTreeSet::new() }
    }

    fn full_name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Whether the checkpoint has a tensor of this name.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.checkpoint.contains(&self.full_name(name))
    }

    /// Whether the checkpoint has a tensor of this name without prefix.
    pub(super) fn contains_unprefixed(&self, name: &str) -> bool {
        self.checkpoint.contains(name)
    }

    /// Returns the digest of all tensors.
    pub(super) fn digest(&self) -> Digest {
        self.checkpoint.digest()
    }

    pub(super) fn take(
        &mut self,
        name: &str,
        shape: &[usize],
        kind: Kind,
        device: Device,
    ) -> Result<Tensor, ModelError> {
        let full = self.full_name(name);
        self.take_unprefixed(&full, shape, kind, device)
    }

    pub(super) fn take_unprefixed(
        &mut self,
        name: &str,
        shape: &[usize],
        kind: Kind,
        device: Device,
    ) -> Result<Tensor, ModelError> {
        let tensor = self.checkpoint.tensor(name, shape, kind, device)?;
        self.taken.insert(name.to_owned());
        Ok(tensor)
    }

    /// Reads one tensor into rows of a larger one.
    pub(super) fn take_into(
        &mut self,
        name: &str,
        shape: &[usize],
        rows: &mut Tensor,
    ) -> Result<(), ModelError> {
        let full = self.full_name(name);
        self.checkpoint.tensor_into(&full, shape, rows)?;
        self.taken.insert(full);
        Ok(())
    }

    /// Takes whole numbers from 0 to below `limit`; `None` if there is no such tensor.
    pub(super) fn take_ids(
        &mut self,
        name: &str,
        length: usize,
        limit: i64,
    ) -> Result<Option<Vec<i64>>, ModelError> {
        let full = self.full_name(name);
        if !self.checkpoint.contains(&full) {
            return Ok(None);
        }
        let ids = self.checkpoint.whole_numbers(&full, length)?;
        if let Some(id) = ids.iter().find(|id| !(0..limit).contains(*id)) {
            let problem = format!("contains {id}, expected ids from 0 to below {limit}");
            return Err(self.wrong_values(full, problem));
        }
        self.taken.insert(full);
        Ok(Some(ids))
    }

    /// Compares a vector with expected values, within a relative tolerance. An absent vector passes.
    pub(super) fn check_constant(
        &mut self,
        name: &str,
        expected: &[f64],
        tolerance: f64,
    ) -> Result<(), ModelError> {
        let full = self.full_name(name);
        if !self.checkpoint.contains(&full) {
            return Ok(());
        }
        let stored = self.checkpoint.tensor(&full, &[expected.len()], Kind::Double, Device::Cpu)?;
        let stored: Vec<f64> = stored.try_into()?;
        for (index, (stored, expected)) in stored.iter().zip(expected).enumerate() {
            if (stored - expected).abs() > tolerance * expected.abs() {
                let problem = format!(
                    "is {stored} at {index}, expected {expected}\n  hint: config.json and the weights belong to different models"
                );
                return Err(self.wrong_values(full, problem));
            }
        }
        self.taken.insert(full);
        Ok(())
    }

    /// The error of a tensor with unusable values, by its full name.
    pub(super) fn wrong_values(&self, name: String, problem: String) -> ModelError {
        ModelError::TensorValues { path: self.checkpoint.path().to_owned(), name, problem }
    }

    /// Checks that only ignored tensors are left over.
    pub(super) fn finish(&self, names: &TensorNames, family: &'static str) -> Result<(), ModelError> {
        let extra: Vec<&str> = self
            .checkpoint
            .names()
            .iter()
            .map(String::as_str)
            .filter(|name| !self.taken.contains(*name) && !names.ignores(name, self.prefix))
            .collect();
        if extra.is_empty() {
            return Ok(());
        }
        let mut shown: Vec<String> = extra.iter().take(3).map(|name| format!("{name:?}")).collect();
        if extra.len() > shown.len() {
            shown.push("…".to_owned());
        }
        Err(ModelError::ExtraTensors {
            path: self.checkpoint.path().to_owned(),
            family,
            n_extra: extra.len(),
            names: shown.join(", "),
            allowed: names.ignored.join(", "),
        })
    }
}

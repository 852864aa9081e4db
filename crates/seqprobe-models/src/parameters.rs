//! The named parameters of one model: taken one by one from a checkpoint, or drawn as the authors' code initialises
//! them. Used tensors are recorded, so that unused tensors are reported.

pub mod initialise;
mod stored_parameters;
pub mod tensor_names;

use crate::checkpoint::Checkpoint;
use crate::error::ModelError;
use crate::folder::npy_table::NpyTable;
use initialise::{Initialisation, draw};
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{Digest, Seed};
use std::collections::BTreeMap;
use stored_parameters::StoredParameters;
use tch::{Device, Kind, Tensor};
use tensor_names::TensorNames;

/// Where parameters come from.
enum Source {
    Stored(StoredParameters),
    /// A single table.
    Table {
        name: &'static str,
        table: NpyTable,
    },
    Random(Seed),
    /// Tensors that are being trained, by their names without prefix.
    Trained(BTreeMap<String, Tensor>),
}

/// Numbers that may be drawn for one tensor, or for a model that is written or trained: 16 GiB of them.
const MAX_DRAWN: usize = 1 << 32;

/// A tensor as it was drawn, to be written to a file.
pub(crate) struct DrawnTensor {
    pub(crate) name: String,
    /// Whether it belongs to the outer class, so that its name gets no prefix.
    pub(crate) is_unprefixed: bool,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

/// Parameters by the checkpoint's own names, without the prefix of the model's outer class.
pub struct Parameters {
    source: Source,
    kind: Kind,
    /// Requested type of the factors of matrix products.
    matmul_kind: Option<Kind>,
    uses_reduced_matmul: bool,
    device: Device,
    n_values: u64,
    pub(crate) drawn: Option<Vec<DrawnTensor>>,
}

impl Parameters {
    /// Parameters of a checkpoint. Every name gets the first prefix under which the probe tensor exists.
    pub fn from_checkpoint(checkpoint: Checkpoint, names: &TensorNames, kind: Kind, device: Device) -> Self {
        Self::new(Source::Stored(StoredParameters::new(checkpoint, names)), kind, device)
    }

    /// A single parameter, read from a `.npy` file.
    pub(crate) fn from_table(name: &'static str, table: NpyTable, kind: Kind, device: Device) -> Self {
        Self::new(Source::Table { name, table }, kind, device)
    }

    /// Parameters drawn from a seed.
    pub fn random(seed: Seed, kind: Kind, device: Device) -> Self {
        Self::new(Source::Random(seed), kind, device)
    }

    /// Parameters that are being trained. Taken tensors are part of the graph that leads back to them, in type `kind`.
    pub(crate) fn trained(tensors: BTreeMap<String, Tensor>, kind: Kind, device: Device) -> Self {
        Self::new(Source::Trained(tensors), kind, device)
    }

    fn new(source: Source, kind: Kind, device: Device) -> Self {
        Self { source, kind, matmul_kind: None, uses_reduced_matmul: false, device, n_values: 0, drawn: None }
    }

    /// Requests another type for linear layers. Only families that call [`Self::allow_reduced_matmul`] follow it.
    pub(crate) fn request_matmul_dtype(&mut self, kind: Option<Kind>) {
        self.matmul_kind = kind;
    }

    /// Lets linear layers that are taken from now on have the requested type.
    pub(crate) fn allow_reduced_matmul(&mut self) {
        self.uses_reduced_matmul = true;
    }

    /// Whether the family follows the requested type.
    pub(crate) fn uses_reduced_matmul(&self) -> bool {
        self.uses_reduced_matmul
    }

    /// Returns the type of the weights of linear layers.
    pub(crate) fn matmul_kind(&self) -> Kind {
        self.matmul_kind.filter(|_| self.uses_reduced_matmul).unwrap_or(self.kind)
    }

    /// Takes one tensor.
    ///
    /// # Shapes
    /// `shape`
    ///
    /// # Errors
    /// As [`Checkpoint::tensor`].
    pub fn take(
        &mut self,
        name: &str,
        shape: &[usize],
        initialisation: Initialisation,
    ) -> Result<Tensor, ModelError> {
        self.n_values += shape.iter().map(|&size| size as u64).product::<u64>();
        self.take_buffer(name, shape, initialisation)
    }

    /// Takes one tensor into rows of a larger, new one.
    ///
    /// # Shapes
    /// `shape`, which is that of `rows`
    ///
    /// # Errors
    /// As [`Checkpoint::tensor`].
    pub(crate) fn take_into(
        &mut self,
        name: &str,
        shape: &[usize],
        initialisation: Initialisation,
        rows: &mut Tensor,
    ) -> Result<(), ModelError> {
        let Source::Stored(stored) = &mut self.source else {
            return Ok(rows.f_copy_(&self.take(name, shape, initialisation)?)?);
        };
        stored.take_into(name, shape, rows)?;
        self.n_values += shape.iter().map(|&size| size as u64).product::<u64>();
        Ok(())
    }

    /// Takes one tensor that is not a parameter, such as a statistic of the training data. It is not counted.
    ///
    /// # Shapes
    /// `shape`
    ///
    /// # Errors
    /// As [`Checkpoint::tensor`].
    pub fn take_buffer(
        &mut self,
        name: &str,
        shape: &[usize],
        initialisation: Initialisation,
    ) -> Result<Tensor, ModelError> {
        match &mut self.source {
            Source::Stored(stored) => stored.take(name, shape, self.kind, self.device),
            Source::Table { name: known, table } => {
                if *known != name || shape != [table.rows, table.columns] {
                    return Err(ModelError::TensorShape {
                        path: table.path.clone(),
                        name: name.to_owned(),
                        expected: shape.to_vec(),
                        got: vec![table.rows, table.columns],
                    });
                }
                let sizes: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
                let values = Tensor::f_from_slice(&table.values)?.f_reshape(&sizes)?;
                Ok(values.f_to_device_(self.device, self.kind, false, true)?)
            }
            Source::Random(seed) => {
                let seed = *seed;
                self.check_size(name, shape)?;
                let values = draw(seed, name, shape, initialisation);
                let sizes: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
                let tensor = Tensor::f_from_slice(&values)?.f_reshape(&sizes)?.f_to_device_(
                    self.device,
                    self.kind,
                    false,
                    true,
                )?;
                if let Some(drawn) = &mut self.drawn
                    && drawn.iter().all(|known| known.name != name)
                {
                    drawn.push(DrawnTensor {
                        name: name.to_owned(),
                        is_unprefixed: false,
                        shape: shape.to_vec(),
                        values,
                    });
                }
                Ok(tensor)
            }
            Source::Trained(tensors) => match tensors.get(name) {
                Some(tensor) => Ok(tensor.f_to_kind(self.kind)?),
                None => Err(ModelError::Untrained { name: name.to_owned() }),
            },
        }
    }

    /// Refuses to draw more than fits into memory: a config may contain any size.
    fn check_size(&self, name: &str, shape: &[usize]) -> Result<(), ModelError> {
        let size = shape.iter().try_fold(1_usize, |size, &one| size.checked_mul(one));
        let before = self.drawn.iter().flatten().map(|known| known.values.len()).sum::<usize>();
        match size.and_then(|size| size.checked_add(before)) {
            Some(sum) if sum <= MAX_DRAWN => Ok(()),
            _ => Err(ModelError::TooLarge { name: name.to_owned(), shape: shape.to_vec(), most: MAX_DRAWN }),
        }
    }

    /// Takes one tensor of the model's outer class, such as a head. Its name gets no prefix.
    ///
    /// # Shapes
    /// `shape`
    ///
    /// # Errors
    /// As [`Checkpoint::tensor`].
    pub fn take_unprefixed(
        &mut self,
        name: &str,
        shape: &[usize],
        initialisation: Initialisation,
    ) -> Result<Tensor, ModelError> {
        if let Source::Stored(stored) = &mut self.source {
            return stored.take_unprefixed(name, shape, self.kind, self.device);
        }
        let tensor = self.take_buffer(name, shape, initialisation)?;
        if let Some(drawn) = &mut self.drawn {
            drawn.iter_mut().filter(|known| known.name == name).for_each(|known| known.is_unprefixed = true);
        }
        Ok(tensor)
    }

    /// Whether a checkpoint has a tensor of the model's outer class.
    pub fn has_stored_unprefixed(&self, name: &str) -> bool {
        matches!(&self.source, Source::Stored(stored) if stored.contains_unprefixed(name))
    }

    /// Takes a tensor that not every checkpoint has: a constant, or a second copy of a parameter. It does not count
    /// as a parameter. Returns `None` if it is absent or parameters are drawn.
    ///
    /// # Shapes
    /// `shape`
    ///
    /// # Errors
    /// As [`Checkpoint::tensor`] if it exists.
    pub fn take_optional(&mut self, name: &str, shape: &[usize]) -> Result<Option<Tensor>, ModelError> {
        match &mut self.source {
            Source::Stored(stored) if !stored.contains(name) => Ok(None),
            Source::Stored(stored) => stored.take(name, shape, self.kind, self.device).map(Some),
            Source::Table { .. } | Source::Random(_) | Source::Trained(_) => Ok(None),
        }
    }

    /// Takes a table of ids that not every checkpoint has: whole numbers from 0 to below `limit`.
    ///
    /// # Errors
    /// [`ModelError`] if it exists with another shape, type or range.
    pub fn take_ids(
        &mut self,
        name: &str,
        length: usize,
        limit: i64,
    ) -> Result<Option<Vec<i64>>, ModelError> {
        match &mut self.source {
            Source::Stored(stored) => stored.take_ids(name, length, limit),
            Source::Table { .. } | Source::Random(_) | Source::Trained(_) => Ok(None),
        }
    }

    /// Checks a vector that some files contain although the code can compute it. If it exists, it must have the
    /// expected values, within a relative tolerance. It counts as used, but not as a parameter.
    ///
    /// # Errors
    /// As [`Checkpoint::tensor`]; [`ModelError::TensorValues`] for another value.
    pub fn check_constant(&mut self, name: &str, expected: &[f64], tolerance: f64) -> Result<(), ModelError> {
        match &mut self.source {
            Source::Stored(stored) => stored.check_constant(name, expected, tolerance),
            Source::Table { .. } | Source::Random(_) | Source::Trained(_) => Ok(()),
        }
    }

    /// Returns the first of several names that the checkpoint has, else the first of all. Files from before 2019, for
    /// example, call the parameters of a norm `gamma` and `beta`.
    pub fn present<'a>(&self, names: &[&'a str], stem: &str) -> &'a str {
        let first = names.first().copied().unwrap_or_default();
        match &self.source {
            Source::Stored(stored) => {
                names.iter().copied().find(|name| stored.contains(&format!("{stem}{name}"))).unwrap_or(first)
            }
            Source::Table { .. } | Source::Random(_) | Source::Trained(_) => first,
        }
    }

    /// Returns a digest of the source of the values: all tensors of the checkpoint, or the seed. It is fastest
    /// after the tensors have been taken.
    pub fn digest(&self) -> Digest {
        let mut digest = DigestBuilder::new("parameters v1");
        match &self.source {
            Source::Stored(stored) => digest.part(b"pretrained").part(stored.digest().as_bytes()),
            Source::Table { table, .. } => digest.part(b"table").part(table.digest.as_bytes()),
            Source::Random(seed) => digest.part(b"random").part(&seed.0.to_le_bytes()),
            // The values change with every step, so nothing is cached by this digest.
            Source::Trained(_) => digest.part(b"trained"),
        };
        digest.finish()
    }

    /// Whether the checkpoint has a tensor of this name; false if parameters are drawn.
    pub fn has(&self, name: &str) -> bool {
        matches!(&self.source, Source::Stored(stored) if stored.contains(name))
    }

    /// Takes a tensor that a checkpoint may contain under either of two names, or under both with equal values.
    ///
    /// # Shapes
    /// `shape`
    ///
    /// # Errors
    /// As [`Parameters::take`]; [`ModelError::TensorValues`] if the two differ.
    pub fn take_shared(
        &mut self,
        names: [&str; 2],
        shape: &[usize],
        initialisation: Initialisation,
    ) -> Result<Tensor, ModelError> {
        let [first, second] = names;
        if !self.has(first) && self.has(second) {
            return self.take(second, shape, initialisation);
        }
        let tensor = self.take(first, shape, initialisation)?;
        match (self.take_optional(second, shape)?, &self.source) {
            (Some(copy), Source::Stored(stored)) if !copy.f_equal(&tensor)? => {
                let problem = format!("differs from {first:?}, expected the same values");
                Err(stored.wrong_values(second.to_owned(), problem))
            }
            _ => Ok(tensor),
        }
    }

    /// Whether the numbers are drawn.
    pub fn is_random(&self) -> bool {
        matches!(self.source, Source::Random(_))
    }

    /// The number of values in all parameters taken so far.
    pub fn n_values(&self) -> u64 {
        self.n_values
    }

    /// The type parameters are converted to.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The device parameters are put on.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Checks that only ignored tensors of the checkpoint are left over.
    ///
    /// # Errors
    /// [`ModelError::ExtraTensors`] naming the first tensors that are left over.
    pub fn finish(&self, names: &TensorNames, family: &'static str) -> Result<(), ModelError> {
        match &self.source {
            Source::Stored(stored) => stored.finish(names, family),
            Source::Table { .. } | Source::Random(_) | Source::Trained(_) => Ok(()),
        }
    }
}

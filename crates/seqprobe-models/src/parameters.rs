//! The named parameters of one model: taken one by one from a checkpoint, or drawn as the authors'
//! code initialises them. What was taken is remembered, so that nothing in a checkpoint goes unused unseen.

use crate::checkpoint::Checkpoint;
use crate::error::ModelError;
use crate::families::Family;
use crate::initialise::{Initialisation, draw};
use crate::npy_table::NpyTable;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{Digest, Seed};
use std::collections::{BTreeMap, BTreeSet};
use tch::{Device, Kind, Tensor};

/// Where parameters come from.
enum Source {
    Checkpoint {
        checkpoint: Checkpoint,
        prefix: &'static str,
    },
    /// One table that is all there is.
    Table {
        name: &'static str,
        table: NpyTable,
    },
    Random(Seed),
    /// Tensors that are being trained, by their names without prefix, and what they are converted to.
    Trained(BTreeMap<String, Tensor>),
}

/// Most numbers that are drawn for one tensor, or for a model that is written or trained: 16 GiB of them.
const MOST_DRAWN: usize = 1 << 32;

/// A tensor as it was drawn, for writing it to a file.
pub(crate) struct DrawnTensor {
    pub(crate) name: String,
    /// Whether it belongs to the outer class, so that no prefix is put before its name.
    pub(crate) is_outer: bool,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

/// Parameters by the checkpoint's own names, without the prefix of the model's outer class.
pub struct Parameters {
    source: Source,
    kind: Kind,
    /// Type of the factors of matrix products, where it was asked for and the family allows it.
    product_kind: Option<Kind>,
    reduces_products: bool,
    device: Device,
    taken: BTreeSet<String>,
    n_values: u64,
    pub(crate) drawn: Option<Vec<DrawnTensor>>,
}

impl Parameters {
    /// Parameters of a checkpoint. The family's first prefix under which its probe tensor exists is put
    /// before every name.
    pub fn from_checkpoint(checkpoint: Checkpoint, family: &Family, kind: Kind, device: Device) -> Self {
        let has = |prefix: &&'static str| {
            let start = format!("{prefix}{}", family.probe_tensor);
            checkpoint.names().iter().any(|name| name.starts_with(&start))
        };
        let prefixes = family.prefixes.iter().copied();
        let prefix = prefixes.clone().find(has).or(prefixes.clone().next()).unwrap_or_default();
        Self::new(Source::Checkpoint { checkpoint, prefix }, kind, device)
    }

    /// A single parameter, read from a `.npy` file.
    pub(crate) fn from_table(name: &'static str, table: NpyTable, kind: Kind, device: Device) -> Self {
        Self::new(Source::Table { name, table }, kind, device)
    }

    /// Parameters drawn from a seed.
    pub fn random(seed: Seed, kind: Kind, device: Device) -> Self {
        Self::new(Source::Random(seed), kind, device)
    }

    /// Parameters that are being trained: what is taken is part of the graph that leads back to them, in the
    /// type asked for.
    pub(crate) fn trained(tensors: BTreeMap<String, Tensor>, kind: Kind, device: Device) -> Self {
        Self::new(Source::Trained(tensors), kind, device)
    }

    fn new(source: Source, kind: Kind, device: Device) -> Self {
        let taken = BTreeSet::new();
        Self {
            source,
            kind,
            product_kind: None,
            reduces_products: false,
            device,
            taken,
            n_values: 0,
            drawn: None,
        }
    }

    /// Asks for linear layers in another type, which only families that call [`Self::allow_reduced_products`] give.
    pub(crate) fn ask_for_products_in(&mut self, kind: Option<Kind>) {
        self.product_kind = kind;
    }

    /// Linear layers taken from now on are of the type asked for.
    pub(crate) fn allow_reduced_products(&mut self) {
        self.reduces_products = true;
    }

    pub(crate) fn reduces_products(&self) -> bool {
        self.reduces_products
    }

    /// Type of the weights of linear layers.
    pub(crate) fn product_kind(&self) -> Kind {
        self.product_kind.filter(|_| self.reduces_products).unwrap_or(self.kind)
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
        let Source::Checkpoint { checkpoint, prefix } = &self.source else {
            return Ok(rows.f_copy_(&self.take(name, shape, initialisation)?)?);
        };
        let full = format!("{prefix}{name}");
        checkpoint.tensor_into(&full, shape, rows)?;
        self.taken.insert(full);
        self.n_values += shape.iter().map(|&size| size as u64).product::<u64>();
        Ok(())
    }

    /// Takes one tensor that is no parameter: a statistic that training left. It is not counted.
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
        match &self.source {
            Source::Checkpoint { checkpoint, prefix } => {
                let full = format!("{prefix}{name}");
                let tensor = checkpoint.tensor(&full, shape, self.kind, self.device)?;
                self.taken.insert(full);
                Ok(tensor)
            }
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
                self.check_size(name, shape)?;
                let values = draw(*seed, name, shape, initialisation);
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
                        is_outer: false,
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

    /// Refuses to draw what no memory holds: a config may ask for any size.
    fn check_size(&self, name: &str, shape: &[usize]) -> Result<(), ModelError> {
        let size = shape.iter().try_fold(1_usize, |size, &one| size.checked_mul(one));
        let before = self.drawn.iter().flatten().map(|known| known.values.len()).sum::<usize>();
        match size.and_then(|size| size.checked_add(before)) {
            Some(sum) if sum <= MOST_DRAWN => Ok(()),
            _ => Err(ModelError::TooLarge { name: name.to_owned(), shape: shape.to_vec(), most: MOST_DRAWN }),
        }
    }

    /// Takes one tensor of the model's outer class, such as a head: no prefix is put before its name.
    ///
    /// # Shapes
    /// `shape`
    ///
    /// # Errors
    /// As [`Checkpoint::tensor`].
    pub fn take_outer(
        &mut self,
        name: &str,
        shape: &[usize],
        initialisation: Initialisation,
    ) -> Result<Tensor, ModelError> {
        if let Source::Checkpoint { checkpoint, .. } = &self.source {
            let tensor = checkpoint.tensor(name, shape, self.kind, self.device)?;
            self.taken.insert(name.to_owned());
            return Ok(tensor);
        }
        let tensor = self.take_buffer(name, shape, initialisation)?;
        if let Some(drawn) = &mut self.drawn {
            drawn.iter_mut().filter(|known| known.name == name).for_each(|known| known.is_outer = true);
        }
        Ok(tensor)
    }

    /// Whether a checkpoint has a tensor of the model's outer class.
    pub fn has_stored_outer(&self, name: &str) -> bool {
        matches!(&self.source, Source::Checkpoint { checkpoint, .. } if checkpoint.contains(name))
    }

    /// A tensor that not every checkpoint has: a constant, or a second copy of a parameter. It does not
    /// count as a parameter; `None` where it is absent or parameters are drawn.
    ///
    /// # Shapes
    /// `shape`
    ///
    /// # Errors
    /// As [`Checkpoint::tensor`] where it is there.
    pub fn take_optional(&mut self, name: &str, shape: &[usize]) -> Result<Option<Tensor>, ModelError> {
        match &self.source {
            Source::Checkpoint { checkpoint, prefix } => {
                let full = format!("{prefix}{name}");
                if !checkpoint.contains(&full) {
                    return Ok(None);
                }
                let tensor = checkpoint.tensor(&full, shape, self.kind, self.device)?;
                self.taken.insert(full);
                Ok(Some(tensor))
            }
            Source::Table { .. } | Source::Random(_) | Source::Trained(_) => Ok(None),
        }
    }

    /// A table of ids that not every checkpoint has: whole numbers from 0 to below `limit`.
    ///
    /// # Errors
    /// [`ModelError`] where it is there but of another shape, type or range.
    pub fn take_ids(
        &mut self,
        name: &str,
        length: usize,
        limit: i64,
    ) -> Result<Option<Vec<i64>>, ModelError> {
        match &self.source {
            Source::Checkpoint { checkpoint, prefix } => {
                let full = format!("{prefix}{name}");
                if !checkpoint.contains(&full) {
                    return Ok(None);
                }
                let ids = checkpoint.whole_numbers(&full, length)?;
                if let Some(id) = ids.iter().find(|id| !(0..limit).contains(*id)) {
                    return Err(ModelError::TensorValues {
                        path: checkpoint.path().to_owned(),
                        name: full,
                        problem: format!("holds {id}, expected ids from 0 to below {limit}"),
                    });
                }
                self.taken.insert(full);
                Ok(Some(ids))
            }
            Source::Table { .. } | Source::Random(_) | Source::Trained(_) => Ok(None),
        }
    }

    /// Checks a vector that some files hold though the code could make it: where it is there its values must
    /// be those expected, within a relative tolerance. It counts as used, but not as a parameter.
    ///
    /// # Errors
    /// As [`Checkpoint::tensor`]; [`ModelError::TensorValues`] for another value.
    pub fn check_constant(&mut self, name: &str, expected: &[f64], tolerance: f64) -> Result<(), ModelError> {
        let Source::Checkpoint { checkpoint, prefix } = &self.source else {
            return Ok(());
        };
        let name = format!("{prefix}{name}");
        if !checkpoint.contains(&name) {
            return Ok(());
        }
        let stored = checkpoint.tensor(&name, &[expected.len()], Kind::Double, Device::Cpu)?;
        let stored: Vec<f64> = stored.try_into()?;
        for (index, (stored, expected)) in stored.iter().zip(expected).enumerate() {
            if (stored - expected).abs() > tolerance * expected.abs() {
                return Err(ModelError::TensorValues {
                    path: checkpoint.path().to_owned(),
                    name,
                    problem: format!(
                        "holds {stored} at {index}, expected {expected}\n  hint: config.json and the weights are of different models"
                    ),
                });
            }
        }
        self.taken.insert(name);
        Ok(())
    }

    /// The first of several names that the checkpoint has, else the first: files from before 2019 call a
    /// norm's parameters `gamma` and `beta`.
    pub fn present<'a>(&self, names: &[&'a str], stem: &str) -> &'a str {
        let first = names.first().copied().unwrap_or_default();
        match &self.source {
            Source::Checkpoint { checkpoint, prefix } => names
                .iter()
                .copied()
                .find(|name| checkpoint.contains(&format!("{prefix}{stem}{name}")))
                .unwrap_or(first),
            Source::Table { .. } | Source::Random(_) | Source::Trained(_) => first,
        }
    }

    /// Digest of where the values come from: all tensors of the checkpoint, or the seed. Cheapest when the
    /// tensors have been taken.
    pub fn digest(&self) -> Digest {
        let mut digest = DigestBuilder::new("parameters v1");
        match &self.source {
            Source::Checkpoint { checkpoint, .. } => {
                digest.part(b"pretrained").part(checkpoint.digest().as_bytes())
            }
            Source::Table { table, .. } => digest.part(b"table").part(table.digest.as_bytes()),
            Source::Random(seed) => digest.part(b"random").part(&seed.0.to_le_bytes()),
            // Changes with every step: nothing is cached by it.
            Source::Trained(_) => digest.part(b"trained"),
        };
        digest.finish()
    }

    /// Whether the checkpoint has a tensor of this name; drawn parameters have those that are taken.
    pub fn has(&self, name: &str) -> bool {
        match &self.source {
            Source::Checkpoint { checkpoint, prefix } => checkpoint.contains(&format!("{prefix}{name}")),
            Source::Table { .. } | Source::Random(_) | Source::Trained(_) => false,
        }
    }

    /// Takes a tensor that a checkpoint may hold under either of two names, or under both with equal values.
    ///
    /// # Shapes
    /// `shape`
    ///
    /// # Errors
    /// As [`Parameters::take`]; [`ModelError::TensorValues`] where the two differ.
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
            (Some(copy), Source::Checkpoint { checkpoint, .. }) if !copy.f_equal(&tensor)? => {
                Err(ModelError::TensorValues {
                    path: checkpoint.path().to_owned(),
                    name: second.to_owned(),
                    problem: format!("differs from {first:?}, expected the same values"),
                })
            }
            _ => Ok(tensor),
        }
    }

    /// Whether the numbers are drawn.
    pub fn is_random(&self) -> bool {
        matches!(self.source, Source::Random(_))
    }

    /// Numbers in all parameters taken so far.
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

    /// Checks that nothing but the family's ignored tensors is left in the checkpoint; names are compared
    /// with and without the prefix.
    ///
    /// # Errors
    /// [`ModelError::ExtraTensors`] naming the first tensors left over.
    pub fn finish(&self, family: &Family) -> Result<(), ModelError> {
        let Source::Checkpoint { checkpoint, prefix } = &self.source else {
            return Ok(());
        };
        let is_allowed = |name: &str| {
            let bare = name.strip_prefix(prefix).unwrap_or(name);
            family.ignored_tensors.iter().any(|pattern| {
                match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
                    (Some(start), _) => name.starts_with(start) || bare.starts_with(start),
                    (None, Some(end)) => name.ends_with(end),
                    (None, None) => name == *pattern || bare == *pattern,
                }
            })
        };
        let extra: Vec<&str> = checkpoint
            .names()
            .iter()
            .map(String::as_str)
            .filter(|name| !self.taken.contains(*name) && !is_allowed(name))
            .collect();
        if extra.is_empty() {
            return Ok(());
        }
        let mut names: Vec<String> = extra.iter().take(3).map(|name| format!("{name:?}")).collect();
        if extra.len() > names.len() {
            names.push("…".to_owned());
        }
        Err(ModelError::ExtraTensors {
            path: checkpoint.path().to_owned(),
            family: family.id,
            n_extra: extra.len(),
            names: names.join(", "),
            allowed: family.ignored_tensors.join(", "),
        })
    }
}

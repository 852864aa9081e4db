//! The parameters of a network: one flat tensor, of which every named parameter is a view, so that the
//! optimiser, the copy of the best epoch and the stored form each need a single array.

use rand::Rng;
use seqprobe_core::Seed;
use std::borrow::Cow;
use tch::{TchError, Tensor};

/// How a parameter is treated by training. NetworkParameters are laid out in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ParameterRole {
    /// Trained, with weight decay.
    Weight,
    /// Trained, without decay: biases, norms, position codes.
    Offset,
    /// Not trained: a fixed projection.
    Fixed,
    /// Not trained, but updated in training: running means of a batch norm.
    State,
}

impl ParameterRole {
    /// Whether gradients are computed for it.
    pub(crate) fn is_trained(self) -> bool {
        matches!(self, Self::Weight | Self::Offset)
    }
}

/// Initial values of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    /// Independent uniform values in ±bound.
    Uniform(f64),
    /// Independent normal values with mean 0 and this standard deviation.
    Normal(f64),
    /// One value.
    Constant(f64),
}

/// The name, shape, role and start of a parameter.
#[derive(Clone, Debug)]
pub(crate) struct Specification {
    pub(crate) name: Cow<'static, str>,
    pub(crate) shape: Vec<i64>,
    pub(crate) role: ParameterRole,
    pub(crate) start: Start,
}

impl Specification {
    /// Number of values.
    pub(crate) fn size(&self) -> i64 {
        self.shape.iter().product()
    }
}

/// All parameters of a network.
pub(crate) struct NetworkParameters {
    specifications: Vec<Specification>,
    flat: Tensor,
    windows: Vec<Tensor>,
    n_decayed: i64,
    n_trained: i64,
}

impl NetworkParameters {
    /// Draws initial values from a seed; each name has its own random stream.
    pub(crate) fn draw(specifications: Vec<Specification>, seed: Seed) -> Result<Self, TchError> {
        Self::build(specifications, |specification| {
            let size = specification.size() as usize;
            match specification.start {
                Start::Constant(value) => vec![value as f32; size],
                Start::Uniform(bound) => {
                    let mut rng = seed.derive(&specification.name).rng();
                    (0..size).map(|_| ((rng.random::<f64>() * 2.0 - 1.0) * bound) as f32).collect()
                }
                Start::Normal(deviation) => {
                    let mut rng = seed.derive(&specification.name).rng();
                    // Box and Muller, one of the two values; the argument of the logarithm is never 0.
                    let mut value = || {
                        let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
                        (radius * (std::f64::consts::TAU * rng.random::<f64>()).cos() * deviation) as f32
                    };
                    (0..size).map(|_| value()).collect()
                }
            }
        })
    }

    /// Takes the values from a function, which must return as many as the specification has.
    pub(crate) fn build(
        mut specifications: Vec<Specification>,
        mut values: impl FnMut(&Specification) -> Vec<f32>,
    ) -> Result<Self, TchError> {
        specifications.sort_by_key(|specification| specification.role);
        let size_of = |role: ParameterRole| -> i64 {
            specifications.iter().filter(|s| s.role == role).map(Specification::size).sum()
        };
        let n_decayed = size_of(ParameterRole::Weight);
        let n_trained = n_decayed + size_of(ParameterRole::Offset);
        let all: Vec<f32> = specifications.iter().flat_map(&mut values).collect();
        let flat = Tensor::f_from_slice(&all)?;
        let (mut windows, mut start) = (Vec::new(), 0);
        for specification in &specifications {
            let window =
                flat.f_narrow(0, start, specification.size())?.f_view(specification.shape.as_slice())?;
            windows.push(window.f_detach()?.f_set_requires_grad(specification.role.is_trained())?);
            start += specification.size();
        }
        Ok(Self { specifications, flat, windows, n_decayed, n_trained })
    }

    /// The parameter with this name.
    pub(crate) fn get(&self, name: &str) -> Result<&Tensor, TchError> {
        self.specifications
            .iter()
            .position(|specification| specification.name == name)
            .and_then(|index| self.windows.get(index))
            .ok_or_else(|| TchError::Torch(format!("there is no parameter {name:?}")))
    }

    /// Number of trained values.
    pub(crate) fn n_trained(&self) -> u64 {
        self.n_trained.unsigned_abs()
    }

    /// The trained parameters, in the order of the flat tensor.
    fn trained(&self) -> &[Tensor] {
        let n = self.specifications.iter().filter(|s| s.role.is_trained()).count();
        &self.windows[..n]
    }

    /// The gradient of a scalar with respect to the trained parameters.
    ///
    /// # Shapes
    /// `[trained]`, in the order of [`Self::trained_flat`]
    pub(crate) fn gradient_of(&self, scalar: &Tensor) -> Result<Tensor, TchError> {
        let gradients = Tensor::f_run_backward(&[scalar], self.trained(), false, false)?;
        tch::no_grad(|| {
            let flat: Result<Vec<Tensor>, TchError> = gradients.iter().map(|g| g.f_reshape(-1)).collect();
            Tensor::f_cat(&flat?, 0)
        })
    }

    /// The trained part of the flat tensor, and how many of its first values decay.
    pub(crate) fn trained_flat(&self) -> Result<(Tensor, i64), TchError> {
        Ok((self.flat.f_narrow(0, 0, self.n_trained)?, self.n_decayed))
    }

    /// A copy of all values.
    pub(crate) fn snapshot(&self) -> Result<Tensor, TchError> {
        tch::no_grad(|| self.flat.f_mul_scalar(1.0))
    }

    /// Restores all values from a copy.
    pub(crate) fn restore(&mut self, snapshot: &Tensor) -> Result<(), TchError> {
        tch::no_grad(|| self.flat.f_copy_(snapshot))
    }

    /// All values, in the order of [`Self::specifications`].
    pub(crate) fn values(&self) -> Result<Vec<f32>, TchError> {
        Vec::<f32>::try_from(&self.flat)
    }

    /// The specifications, in the order of the flat tensor.
    pub(crate) fn specifications(&self) -> &[Specification] {
        &self.specifications
    }
}

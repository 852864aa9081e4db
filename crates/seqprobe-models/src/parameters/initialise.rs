//! The values of a randomly initialised model. They are drawn from this program's own generator, so that they do not
//! change with the libtorch version. Each tensor has its own stream, derived from the seed and its name.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use seqprobe_core::Seed;

/// The authors' initialisation of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initialisation {
    /// All zero.
    Zeros,
    /// All one.
    Ones,
    /// Normal with mean 0.
    Normal {
        /// Standard deviation.
        deviation: f64,
    },
    /// Normal with mean 0, except one row (of the padding token), which is zero.
    NormalButRow {
        /// Standard deviation.
        deviation: f64,
        /// The zero row.
        row: usize,
    },
    /// Normal with mean 0. Values beyond a number of standard deviations are drawn again.
    TruncatedNormal {
        /// Standard deviation before values are left out.
        deviation: f64,
        /// The most standard deviations between a value and 0.
        cutoff: f64,
    },
    /// A kernel that multiplies each channel: `factor` where output and input channel are the same, zero elsewhere.
    Identity {
        /// The factor.
        factor: f64,
    },
    /// Uniform between −bound and bound.
    Uniform {
        /// The bound.
        bound: f64,
    },
    /// One value everywhere.
    Constant {
        /// The value.
        value: f64,
    },
    /// The logarithms of 1, 2, 3, … in every row: the initial decay rates of a state space model.
    LogOfColumn,
    /// Numbers whose softplus is log-uniform between two bounds: the initial time steps of a state space model.
    TimeStep {
        /// Smallest softplus.
        least: f64,
        /// Largest softplus.
        most: f64,
        /// A softplus below it is raised to it.
        floor: f64,
    },
}

/// Draws the values of one tensor, row-major. The same seed and name always give the same numbers.
///
/// # Shapes
/// `shape` is the tensor's; the result has its product of values.
pub fn draw(seed: Seed, name: &str, shape: &[usize], initialisation: Initialisation) -> Vec<f32> {
    let n_values = shape.iter().product();
    let mut rng = seed.derive("initial weights").derive(name).rng();
    match initialisation {
        Initialisation::Zeros => vec![0.0; n_values],
        Initialisation::Ones => vec![1.0; n_values],
        Initialisation::Identity { factor } => {
            let channels: usize = shape.iter().skip(1).product();
            let is_same = |place: usize| place / channels.max(1) == place % channels.max(1);
            (0..n_values).map(|place| if is_same(place) { factor as f32 } else { 0.0 }).collect()
        }
        Initialisation::Uniform { bound } => {
            (0..n_values).map(|_| (bound * (2.0 * uniform(&mut rng) - 1.0)) as f32).collect()
        }
        Initialisation::Constant { value } => vec![value as f32; n_values],
        Initialisation::LogOfColumn => {
            let width = shape.last().copied().unwrap_or(1).max(1);
            (0..n_values).map(|place| ((place % width + 1) as f64).ln() as f32).collect()
        }
        Initialisation::TimeStep { least, most, floor } => (0..n_values)
            .map(|_| {
                let step = (uniform(&mut rng) * (most.ln() - least.ln()) + least.ln()).exp().max(floor);
                (step + (-(-step).exp_m1()).ln()) as f32
            })
            .collect(),
        Initialisation::Normal { deviation } => normal(&mut rng, n_values, deviation),
        Initialisation::TruncatedNormal { deviation, cutoff } => {
            let bound = (deviation * cutoff) as f32;
            let mut values = Vec::with_capacity(n_values);
            while values.len() < n_values {
                let drawn = normal(&mut rng, n_values - values.len(), deviation);
                values.extend(drawn.into_iter().filter(|value| value.abs() <= bound));
            }
            values
        }
        Initialisation::NormalButRow { deviation, row } => {
            let mut values = normal(&mut rng, n_values, deviation);
            let width: usize = shape.iter().skip(1).product();
            values.iter_mut().skip(row * width).take(width).for_each(|value| *value = 0.0);
            values
        }
    }
}

/// Returns a number in [0, 1) with 53 random bits.
fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Box and Muller's transform of two uniform numbers into two normal ones.
fn normal(rng: &mut ChaCha8Rng, n_values: usize, deviation: f64) -> Vec<f32> {
    let mut values = Vec::with_capacity(n_values + 1);
    while values.len() < n_values {
        let radius = (-2.0 * (1.0 - uniform(rng)).ln()).sqrt() * deviation;
        let (sine, cosine) = (std::f64::consts::TAU * uniform(rng)).sin_cos();
        values.push((radius * cosine) as f32);
        values.push((radius * sine) as f32);
    }
    values.truncate(n_values);
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn moments(values: &[f32]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / n;
        let variance = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / n;
        (mean, variance.sqrt())
    }

    #[test]
    fn normal_draws_have_the_moments_of_a_normal() {
        let values = draw(Seed(3), "weight", &[200, 1000], Initialisation::Normal { deviation: 0.02 });
        let (mean, deviation) = moments(&values);
        // 200,000 draws: standard error of the mean 4.5e-5, of the deviation 0.16%.
        assert!(mean.abs() < 2e-4, "{mean}");
        assert_relative_eq!(deviation, 0.02, max_relative = 0.01);
        let beyond = values.iter().filter(|value| value.abs() > 0.04).count() as f64 / 200_000.0;
        assert_relative_eq!(beyond, 0.0455, max_relative = 0.05);
    }

    #[test]
    fn truncated_draws_stay_within_their_bound() {
        let start = Initialisation::TruncatedNormal { deviation: 0.02, cutoff: 2.0 };
        let values = draw(Seed(3), "weight", &[200, 1000], start);
        assert_eq!(values.len(), 200_000);
        let (mean, deviation) = moments(&values);
        assert!(mean.abs() < 2e-4, "{mean}");
        // A standard normal cut at ±2 has the variance 1 − 4 φ(2) / (2 Φ(2) − 1) = 0.773741.
        assert_relative_eq!(deviation, 0.02 * 0.773_741_f64.sqrt(), max_relative = 0.01);
        assert!(values.iter().all(|value| value.abs() <= 0.04));
        assert!(values.iter().any(|&value| value > 0.0399) && values.iter().any(|&value| value < -0.0399));
    }

    #[test]
    fn uniform_draws_fill_their_range() {
        let values = draw(Seed(3), "weight", &[100_000], Initialisation::Uniform { bound: 0.5 });
        let (mean, deviation) = moments(&values);
        assert!(mean.abs() < 5e-3, "{mean}");
        assert_relative_eq!(deviation, 0.5 / 3.0_f64.sqrt(), max_relative = 0.01);
        assert!(values.iter().all(|value| value.abs() <= 0.5));
        assert!(values.iter().any(|&value| value > 0.499) && values.iter().any(|&value| value < -0.499));
    }

    #[test]
    fn the_padding_row_is_zero_and_only_it() {
        let values = draw(Seed(1), "w", &[4, 3], Initialisation::NormalButRow { deviation: 1.0, row: 2 });
        assert!(values[6..9].iter().all(|value| value.to_bits() == 0), "{values:?}");
        assert!(values[..6].iter().chain(&values[9..]).all(|value| value.abs() > 0.0), "{values:?}");
    }

    #[test]
    fn time_steps_are_log_uniform_after_softplus() {
        let start = Initialisation::TimeStep { least: 1e-3, most: 0.1, floor: 1e-4 };
        let logs: Vec<f32> = draw(Seed(1), "w", &[20_000], start)
            .into_iter()
            .map(|value| f64::from(value).exp().ln_1p().ln() as f32)
            .collect();
        let (least, most) = (1e-3_f64.ln(), 0.1_f64.ln());
        let (mean, deviation) = moments(&logs);
        assert_relative_eq!(mean, 0.5 * (least + most), max_relative = 0.01);
        assert_relative_eq!(deviation, (most - least) / 12.0_f64.sqrt(), max_relative = 0.02);
        let floor = draw(Seed(1), "w", &[3], Initialisation::TimeStep { least: 1e-3, most: 0.1, floor: 0.2 });
        assert!(floor.iter().all(|value| (f64::from(*value).exp().ln_1p() - 0.2).abs() < 1e-6), "{floor:?}");
        assert_eq!(
            draw(Seed(1), "w", &[2, 2], Initialisation::LogOfColumn),
            [0.0, 2.0_f32.ln(), 0.0, 2.0_f32.ln()]
        );
        assert_eq!(draw(Seed(1), "w", &[2], Initialisation::Constant { value: 10.0 }), [10.0, 10.0]);
    }

    #[test]
    fn an_identity_multiplies_each_channel() {
        let values = draw(Seed(1), "w", &[2, 2, 1, 1], Initialisation::Identity { factor: 2.0 });
        assert_eq!(values, [2.0, 0.0, 0.0, 2.0]);
    }

    #[test]
    fn streams_depend_on_seed_and_name_only() {
        let one = Initialisation::Normal { deviation: 1.0 };
        assert_eq!(draw(Seed(1), "a", &[5], one), draw(Seed(1), "a", &[5], one));
        assert_ne!(draw(Seed(1), "a", &[5], one), draw(Seed(1), "b", &[5], one));
        assert_ne!(draw(Seed(1), "a", &[5], one), draw(Seed(2), "a", &[5], one));
    }
}

//! Enformer's features of the distance between two bins: exponential decays, nested windows around zero and
//! gamma densities, each also with the sign of the distance. Single and double precision are mixed as in
//! the authors' package, so that its numbers are reproduced in both.

use crate::error::ModelError;
use tch::{Device, Kind, Tensor};

/// Kinds of features: three, with and without sign. The number of features is a multiple of it.
pub(super) const KINDS: usize = 6;

/// Half-life in bins of the fastest decay, as a power of 2.
const FASTEST: f64 = 3.0;

/// Added to every density.
const EPSILON: f64 = 1e-8;

/// The divisor of the gamma densities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GammaScale {
    /// The largest of the features at each distance: enformer-pytorch's formula.
    PerDistance,
    /// The largest over all distances of each feature: what the TensorFlow model computes, with which the
    /// authors' weights were trained. The package ships these numbers as a table for sequences of 1536 bins
    /// (`use_tf_gamma`); this formula is within 0.002 of it (mean difference 3e-6, rounding of single
    /// precision), and it works for any length.
    PerFeature,
}

/// Returns the features of all distances from `1 − n_bins` to `n_bins − 1`.
///
/// # Shapes
/// `[2 · bins − 1, features]`
pub(super) fn positional_features(
    n_bins: i64,
    features: usize,
    scale: GammaScale,
    kind: Kind,
    device: Device,
) -> Result<Tensor, ModelError> {
    let each = (features / KINDS) as i64;
    let distances = Tensor::f_arange_start(1 - n_bins, n_bins, (Kind::Int64, Device::Cpu))?;
    let lengths = distances.f_abs()?.f_unsqueeze(-1)?; // [distances, 1]
    let symmetric = Tensor::f_cat(
        &[
            exponential(&lengths, each, n_bins)?.f_to_kind(kind)?,
            central_mask(&lengths, each)?.f_to_kind(kind)?,
            gamma(&lengths, each, n_bins, scale, kind)?.f_to_kind(kind)?,
        ],
        -1,
    )?;
    let signed = distances.f_sign()?.f_unsqueeze(-1)?.f_mul(&symmetric)?;
    Ok(Tensor::f_cat(&[symmetric, signed], -1)?.f_to_device(device)?)
}

/// `2^(−length / half-life)`, half-lives from 8 bins to all on a logarithmic scale.
fn exponential(lengths: &Tensor, features: i64, n_bins: i64) -> Result<Tensor, ModelError> {
    let slowest = (n_bins as f64).ln() / 2.0_f64.ln();
    let powers = linspace(FASTEST, slowest, features)?;
    let half_lives = rounded(&powers, |powers| Tensor::f_pow_scalar(2.0, powers))?;
    let rates = half_lives.f_reciprocal()?.f_mul_scalar(-(2.0_f64.ln()))?;
    rounded(&rates.f_mul(lengths)?, Tensor::f_exp)
}

/// 1 where the length is below `2^feature − 1`.
fn central_mask(lengths: &Tensor, features: i64) -> Result<Tensor, ModelError> {
    let widths: Vec<i64> = (1..=features).map(|feature| (1_i64 << feature.min(62)) - 1).collect();
    Ok(Tensor::f_from_slice(&widths)?.f_gt_tensor(lengths)?)
}

/// Gamma densities of the length with means from `bins / features` to `bins` and one standard deviation.
fn gamma(
    lengths: &Tensor,
    features: i64,
    n_bins: i64,
    scale: GammaScale,
    kind: Kind,
) -> Result<Tensor, ModelError> {
    let (bins, count) = (n_bins as f64, features as f64);
    let deviation = bins / (2.0 * count);
    let mean = linspace(bins / count, bins, features)?;
    let concentration = mean.f_div_scalar(deviation)?.f_square()?;
    let rate = mean.f_div_scalar(deviation * deviation)?;
    let lengths = lengths.f_to_kind(kind)?;
    let unnormalised = concentration.f_sub_scalar(1.0)?.f_xlogy(&lengths)?.f_sub(&rate.f_mul(&lengths)?)?;
    let logarithm = rounded(&rate, Tensor::f_log)?;
    let normalisation =
        rounded(&concentration, Tensor::f_lgamma)?.f_sub(&concentration.f_mul(&logarithm)?)?;
    let densities = unnormalised.f_sub(&normalisation)?.f_exp()?.f_add_scalar(EPSILON)?;
    let dimension = match scale {
        GammaScale::PerDistance => -1,
        GammaScale::PerFeature => 0,
    };
    Ok(densities.f_div(&densities.f_amax(dimension, true)?)?)
}

/// A function of single-precision values, rounded once to single precision. libtorch's own single-precision functions
/// differ in the last bit between processors.
fn rounded(
    values: &Tensor,
    function: impl Fn(&Tensor) -> Result<Tensor, tch::TchError>,
) -> Result<Tensor, ModelError> {
    Ok(function(&values.f_to_kind(Kind::Double)?)?.f_to_kind(Kind::Float)?)
}

/// In single precision, also if the model computes in another type.
fn linspace(start: f64, end: f64, steps: i64) -> Result<Tensor, ModelError> {
    Ok(Tensor::f_linspace(start, end, steps, (Kind::Float, Device::Cpu))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of the package's table, written by `generate_enformer.py`.
    #[derive(serde::Deserialize)]
    struct Table {
        bins: i64,
        rows: Vec<i64>,
        values: Vec<Vec<f64>>,
    }

    #[test]
    fn gamma_features_are_those_of_the_tensorflow_model() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/models/enformer_tf_gammas.json");
        let table: Table = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let each = table.values[0].len();
        let difference = |scale| {
            let features =
                positional_features(table.bins, KINDS * each, scale, Kind::Float, Device::Cpu).unwrap();
            assert_eq!(features.size(), [2 * table.bins - 1, (KINDS * each) as i64]);
            let gammas = features.narrow(1, 2 * each as i64, each as i64);
            let expected = Tensor::from_slice2(&table.values);
            let error = gammas.index_select(0, &Tensor::from_slice(&table.rows)) - expected;
            (error.abs().max().double_value(&[]), error.abs().mean(Kind::Double).double_value(&[]))
        };
        let (largest, mean) = difference(GammaScale::PerFeature);
        assert!(largest < 2.1e-3 && mean < 5e-6, "{largest} {mean}");
        let (largest, mean) = difference(GammaScale::PerDistance);
        assert!(largest > 0.5 && mean > 1e-3, "the package's formula is another one: {largest} {mean}");
    }

    #[test]
    fn features_of_small_distances_by_hand() {
        let features =
            positional_features(3, 2 * KINDS, GammaScale::PerDistance, Kind::Double, Device::Cpu).unwrap();
        let row = |index: i64| Vec::<f64>::try_from(features.get(index)).unwrap();
        // Distance 0: no decay, inside both windows; its sign is 0.
        assert_eq!(row(2)[..4], [1.0; 4]);
        assert!(row(2)[6..].iter().all(|value| value.to_bits() == 0));
        // Distance −2: half-lives 2³ and 3; outside |d| < 1, inside |d| < 3.
        let far = row(0);
        assert!(
            (far[0] - 0.5_f64.powf(2.0 / 8.0)).abs() < 1e-6
                && (far[1] - 0.5_f64.powf(2.0 / 3.0)).abs() < 1e-6
        );
        assert_eq!(far[2..4], [0.0, 1.0]);
        for feature in 0..6 {
            assert_eq!(far[6 + feature].to_bits(), (-far[feature]).to_bits());
            assert_eq!(row(4)[6 + feature].to_bits(), far[feature].to_bits());
        }
    }
}

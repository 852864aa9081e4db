//! Self-attention over packed sequences: each group of equal lengths in one call, so that no mask and no padding is
//! needed. Projections and norms are left to the families.

use crate::error::ModelError;
use crate::layers::packing::Packing;
use tch::{Device, Kind, Tensor};

/// Rotary positions (Su et al. 2021, arXiv:2104.09864) in the half-split form: value `i` of a head is rotated
/// together with value `i + head width / 2`.
pub(crate) struct Rotary {
    /// `[positions, head width]`
    cosines: Tensor,
    /// `[positions, head width]`
    sines: Tensor,
    half: i64,
}

impl Rotary {
    /// Computes the angles `position · base^(−2i / head width)` of positions 0 to below `positions`, computed in double
    /// precision.
    pub(crate) fn new(
        positions: i64,
        head_width: i64,
        base: f64,
        kind: Kind,
        device: Device,
    ) -> Result<Self, ModelError> {
        let half = head_width / 2;
        let mut angles = Vec::with_capacity((positions * head_width) as usize);
        for position in 0..positions {
            for value in 0..head_width {
                let exponent = -2.0 * (value % half) as f64 / head_width as f64;
                angles.push(position as f64 * base.powf(exponent));
            }
        }
        let angles = Tensor::f_from_slice(&angles)?.f_reshape([positions, head_width])?;
        Ok(Self {
            cosines: angles.f_cos()?.f_to_device_(device, kind, false, false)?,
            sines: angles.f_sin()?.f_to_device_(device, kind, false, false)?,
            half,
        })
    }

    /// # Shapes
    /// `[…, length, head width]` to the same
    fn turn(&self, input: &Tensor, length: i64) -> Result<Tensor, ModelError> {
        let first = input.f_narrow(-1, 0, self.half)?;
        let second = input.f_narrow(-1, self.half, self.half)?;
        let turned = Tensor::f_cat(&[&second.f_neg()?, &first], -1)?;
        let cosines = self.cosines.f_narrow(0, 0, length)?;
        let sines = self.sines.f_narrow(0, 0, length)?;
        Ok(input.f_mul(&cosines)?.f_add(&turned.f_mul(&sines)?)?)
    }
}

/// How an attention score depends on positions.
pub(crate) enum Positions<'a> {
    /// Not at all: positions were added to the embeddings.
    Absent,
    /// Queries and keys are rotated.
    Rotary(&'a Rotary),
    /// A number is added to each score. The function takes a length and returns a tensor that broadcasts to
    /// `[sequences, heads, length, length]`; minus infinity leaves a pair out.
    Added(&'a dyn Fn(i64) -> Result<Tensor, ModelError>),
    /// Both.
    RotaryAndAdded(&'a Rotary, &'a dyn Fn(i64) -> Result<Tensor, ModelError>),
}

/// Attention of each token to the tokens of its own sequence, scores over the square root of the head width.
///
/// # Shapes
/// `query_key_value`: `[packed tokens, 3 · heads · head width]`, the three parts one after another, each by
/// head. The result is `[packed tokens, heads · head width]`.
pub(crate) fn attend(
    query_key_value: &Tensor,
    packing: &Packing,
    n_heads: i64,
    positions: &Positions<'_>,
) -> Result<Tensor, ModelError> {
    let width = query_key_value.size().last().copied().unwrap_or(0) / 3;
    let head_width = width / n_heads;
    let (rotary, added) = match positions {
        Positions::Absent => (None, None),
        Positions::Rotary(rotary) => (Some(rotary), None),
        Positions::Added(added) => (None, Some(added)),
        Positions::RotaryAndAdded(rotary, added) => (Some(rotary), Some(added)),
    };
    let mut attended = Vec::with_capacity(packing.groups.len());
    for group in &packing.groups {
        let tokens = group.n_sequences * group.length;
        let parts = query_key_value
            .f_narrow(0, group.start, tokens)?
            .f_reshape([group.n_sequences, group.length, 3, n_heads, head_width])?
            .f_permute([2, 0, 3, 1, 4])?; // [3, sequences, heads, length, head width]
        let (mut query, mut key, value) =
            (parts.f_select(0, 0)?, parts.f_select(0, 1)?, parts.f_select(0, 2)?);
        if let Some(rotary) = rotary {
            // The rotation is computed in the type of the angles, which may be finer than that of products.
            query = rotary.turn(&query, group.length)?.f_to_kind(value.kind())?;
            key = rotary.turn(&key, group.length)?.f_to_kind(value.kind())?;
        }
        let added = added.map(|added| Ok::<_, ModelError>(added(group.length)?.f_to_kind(value.kind())?));
        let added = added.transpose()?;
        let mixed =
            // [sequences, heads, length, head width]
            Tensor::f_scaled_dot_product_attention(&query, &key, &value, added, 0.0, false, None, false)?;
        attended.push(mixed.f_transpose(1, 2)?.f_reshape([tokens, width])?);
    }
    match attended.len() {
        1 => Ok(attended.swap_remove(0)),
        _ => Ok(Tensor::f_cat(&attended, 0)?),
    }
}

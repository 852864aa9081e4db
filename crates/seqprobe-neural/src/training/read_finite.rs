//! Reading feature rows. Values that are not finite, and rows without a token, are errors that name the position.

use seqprobe_core::{FeatureView, ProbeError};

/// Reads rows. Refuses values that are not finite, and rows without a token.
pub(crate) fn read_finite(
    view: &FeatureView<'_>,
    rows: &[usize],
    out: &mut Vec<f32>,
) -> Result<(), ProbeError> {
    let before = out.len();
    view.read(rows, out)?;
    let expected: usize = rows.iter().map(|&row| view.length(row) * view.dim()).sum();
    if out.len() - before != expected {
        let got = out.len() - before;
        return Err(ProbeError::Width { expected, got });
    }
    let mut start = before;
    for &row in rows {
        let size = view.length(row) * view.dim();
        if size == 0 {
            return Err(ProbeError::NotApplicable(format!("row {row} has no token or no channel")));
        }
        if let Some(place) = out[start..start + size].iter().position(|value| !value.is_finite()) {
            return Err(ProbeError::NotFinite(format!(
                "row {row} of the view holds {} at token {}, channel {} (all 0-based)",
                out[start + place],
                place / view.dim(),
                place % view.dim()
            )));
        }
        start += size;
    }
    Ok(())
}

//! The values of a tensor as a slice, without a copy.

use tch::{Device, Kind, TchError, Tensor};

/// Returns the values of a contiguous `f32` tensor, in memory order.
pub(crate) fn values(tensor: &Tensor) -> Result<&[f32], TchError> {
    check(tensor)?;
    #[expect(unsafe_code, reason = "reading a tensor's own memory, which lives as long as the tensor")]
    // SAFETY: contiguous f32 values in memory, as checked; the tensor is borrowed for as long as the slice.
    Ok(unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast(), tensor.numel()) })
}

/// As [`values`], for writing. No other handle of the tensor may be used at the same time.
pub(crate) fn values_mut(tensor: &mut Tensor) -> Result<&mut [f32], TchError> {
    check(tensor)?;
    #[expect(unsafe_code, reason = "writing a tensor's own memory, which lives as long as the tensor")]
    // SAFETY: contiguous f32 values in memory, as checked; the tensor is borrowed for as long as the slice.
    Ok(unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), tensor.numel()) })
}

fn check(tensor: &Tensor) -> Result<(), TchError> {
    let is_plain =
        tensor.device() == Device::Cpu && tensor.f_kind()? == Kind::Float && tensor.is_contiguous();
    // An empty tensor may have no memory at all.
    if is_plain && tensor.numel() > 0 {
        return Ok(());
    }
    Err(TchError::Torch("a tensor is not on the CPU, not f32, not contiguous, or empty".to_owned()))
}

//! Converts raw bytes to 32-bit floats.

use half::{bf16, f16};

/// Floating-point types of imported files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Float {
    F16,
    Bf16,
    F32,
    F64,
}

impl Float {
    /// Bytes of one value.
    pub(super) fn width(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// Converts little- or big-endian bytes to values, rounded to 32 bits. A value that does not fit becomes infinite,
/// which the caller refuses. The number of bytes must be a multiple of the width.
pub(super) fn floats(bytes: &[u8], kind: Float, big_endian: bool) -> Vec<f32> {
    let ordered = |chunk: &[u8]| {
        let mut eight = [0_u8; 8];
        let places = eight.iter_mut().zip(chunk);
        if big_endian {
            eight.iter_mut().zip(chunk.iter().rev()).for_each(|(place, &byte)| *place = byte);
        } else {
            places.for_each(|(place, &byte)| *place = byte);
        }
        u64::from_le_bytes(eight)
    };
    bytes
        .chunks_exact(kind.width())
        .map(|chunk| {
            let bits = ordered(chunk);
            match kind {
                Float::F16 => f16::from_bits(bits as u16).to_f32(),
                Float::Bf16 => bf16::from_bits(bits as u16).to_f32(),
                Float::F32 => f32::from_bits(bits as u32),
                Float::F64 => f64::from_bits(bits) as f32,
            }
        })
        .collect()
}

/// Converts a column-major matrix to row-major order.
pub(super) fn to_row_major(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(values.len());
    for row in 0..rows {
        out.extend(values.iter().skip(row).step_by(rows.max(1)).take(columns));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_in_both_orders() {
        let both = |little: &[u8], kind| {
            let big: Vec<u8> =
                little.chunks(kind_width(kind)).flat_map(|c| c.iter().rev().copied()).collect();
            assert_eq!(floats(little, kind, false), floats(&big, kind, true));
            floats(little, kind, false)
        };
        assert_eq!(both(&[0x00, 0x3c, 0x00, 0xc1], Float::F16), [1.0, -2.5]);
        assert_eq!(both(&[0x80, 0x3f, 0x20, 0xc0], Float::Bf16), [1.0, -2.5]);
        let single: Vec<u8> = [1.5_f32, -2.5].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(both(&single, Float::F32), [1.5, -2.5]);
        let double: Vec<u8> = [0.1_f64, 1e300].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(both(&double, Float::F64), [0.1, f32::INFINITY]);
    }

    fn kind_width(kind: Float) -> usize {
        kind.width()
    }

    #[test]
    fn columns_become_rows() {
        assert_eq!(to_row_major(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0], 2, 3), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }
}

//! The place of one tensor in a file: element type, shape, strides and the place of its first element. Nothing here
//! depends on the file format or on libtorch.

use safetensors::Dtype;
use std::ops::Range;

/// One tensor of a file. The code that makes a layout has checked that every element lies within the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorLayout {
    /// Its name in the file.
    pub name: String,
    /// Element type, little-endian.
    pub dtype: Dtype,
    /// Sizes of the dimensions; empty for a single number.
    pub shape: Vec<usize>,
    /// Elements from one index to the next, for each dimension; `None` when the elements lie one after
    /// another in row-major order.
    pub strides: Option<Vec<usize>>,
    /// Place of the first element in the file, 0-based, in bytes.
    pub start: usize,
}

impl TensorLayout {
    /// The number of elements.
    pub fn n_elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The bytes of the tensor if its elements are contiguous.
    pub fn n_bytes(&self) -> usize {
        // Types smaller than a byte fill whole bytes, or the reader would have refused the tensor.
        (self.n_elements() as u128 * self.dtype.bitsize() as u128 / 8) as usize
    }

    /// Returns the part of the file that contains all elements.
    pub fn span(&self) -> Range<usize> {
        let Some(strides) = &self.strides else {
            return self.start..self.start + self.n_bytes();
        };
        if self.n_elements() == 0 {
            return self.start..self.start;
        }
        let last: usize = self.shape.iter().zip(strides).map(|(size, stride)| (size - 1) * stride).sum();
        self.start..self.start + (last + 1) * self.dtype.bitsize() / 8
    }

    /// Returns a part of the tensor's bytes in row-major order: a slice of the file if they are contiguous, else a
    /// copy in `buffer`.
    ///
    /// # Shapes
    /// `range`: bytes, within `0..n_bytes`, beginning and ending between elements.
    pub fn bytes<'a>(&self, file: &'a [u8], range: Range<usize>, buffer: &'a mut Vec<u8>) -> &'a [u8] {
        let Some(strides) = &self.strides else {
            return file.get(self.start + range.start..self.start + range.end).unwrap_or_default();
        };
        let width = self.dtype.bitsize() / 8;
        buffer.clear();
        // The index of the first element, last dimension fastest.
        let mut rest = range.start / width;
        let mut index = vec![0; self.shape.len()];
        for (place, size) in index.iter_mut().zip(&self.shape).rev() {
            *place = rest % size;
            rest /= size;
        }
        for _ in 0..range.len() / width {
            let offset: usize = index.iter().zip(strides).map(|(place, stride)| place * stride).sum();
            let place = self.start + offset * width;
            buffer.extend_from_slice(file.get(place..place + width).unwrap_or_default());
            for (place, size) in index.iter_mut().zip(&self.shape).rev() {
                *place += 1;
                if *place < *size {
                    break;
                }
                *place = 0;
            }
        }
        buffer
    }
}

/// Returns the strides of a contiguous tensor, in elements.
pub fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    let mut step: usize = 1;
    for (stride, size) in strides.iter_mut().zip(shape).rev() {
        *stride = step;
        step = step.saturating_mul(*size);
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(layout: &TensorLayout, file: &[u8], window: usize) -> Vec<u8> {
        let mut all = Vec::new();
        for start in (0..layout.n_bytes()).step_by(window) {
            let end = (start + window).min(layout.n_bytes());
            all.extend_from_slice(layout.bytes(file, start..end, &mut Vec::new()));
        }
        all
    }

    #[test]
    fn any_strides_are_gathered_in_any_windows() {
        let file: Vec<u8> = (0..40).collect();
        let mut layout = TensorLayout {
            name: "t".to_owned(),
            dtype: Dtype::F16,
            shape: vec![3, 4],
            strides: None,
            start: 2,
        };
        assert_eq!(gathered(&layout, &file, 6), &file[2..26]);
        assert_eq!(layout.span(), 2..26);
        layout.strides = Some(row_major(&layout.shape));
        assert_eq!(gathered(&layout, &file, 6), &file[2..26]);
        assert_eq!(layout.span(), 2..26);
        // Transposed: the first dimension is the fast one.
        layout.strides = Some(vec![1, 3]);
        let expected: Vec<u8> = (0..3_u8)
            .flat_map(|row| {
                (0..4_u8).flat_map(move |column| [2 + 2 * (row + 3 * column), 3 + 2 * (row + 3 * column)])
            })
            .collect();
        for window in [2, 4, 10, 24] {
            assert_eq!(gathered(&layout, &file, window), expected);
        }
        // Expanded: one row, three times.
        layout.strides = Some(vec![0, 2]);
        assert_eq!(gathered(&layout, &file, 8), [2, 3, 6, 7, 10, 11, 14, 15].repeat(3));
        assert_eq!(layout.span(), 2..16);
    }

    #[test]
    fn single_numbers_and_empty_tensors() {
        let file: Vec<u8> = (0..8).collect();
        let mut layout = TensorLayout {
            name: "t".to_owned(),
            dtype: Dtype::F32,
            shape: vec![],
            strides: Some(vec![]),
            start: 4,
        };
        assert_eq!(gathered(&layout, &file, 4), [4, 5, 6, 7]);
        layout.shape = vec![3, 0];
        layout.strides = Some(vec![1, 1]);
        assert_eq!((layout.n_bytes(), layout.span()), (0, 4..4));
    }
}

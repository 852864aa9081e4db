//! One tensor of a checkpoint file: its digest, and the copy into a libtorch tensor. Both read the bytes once, piece by
//! piece and on all threads of rayon. Used pages of the file are released, so that a checkpoint is in memory once.

use super::layout::TensorLayout;
use super::mapped_file::MappedFile;
use rayon::prelude::*;
use safetensors::Dtype;
use seqprobe_core::Digest;
use seqprobe_core::digest::DigestBuilder;
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use tch::{Device, Kind, TchError, Tensor};

/// Bytes that are copied, checked and hashed at a time: small enough for a core's cache, a multiple of
/// every element size. The digest depends on it.
const PIECE: usize = 1 << 18;

/// A tensor of a file, and its digest after its bytes have been read.
pub(super) struct StoredTensor {
    pub(super) layout: TensorLayout,
    /// Index of its file among those of the checkpoint.
    pub(super) file: usize,
    digest: OnceLock<Digest>,
}

/// The values of a tensor, and whether all are finite.
pub(super) struct Loaded {
    pub(super) tensor: Tensor,
    pub(super) is_finite: bool,
}

impl StoredTensor {
    pub(super) fn new(layout: TensorLayout, file: usize) -> Self {
        Self { layout, file, digest: OnceLock::new() }
    }

    /// Returns the digest of name, element type, shape and values. It does not depend on the file format, on the
    /// place of the tensor in the file, or on strides.
    pub(super) fn digest(&self, file: &MappedFile) -> Digest {
        *self.digest.get_or_init(|| {
            let starts: Vec<usize> = (0..self.layout.n_bytes()).step_by(PIECE).collect();
            let pieces = starts
                .into_par_iter()
                .map_init(Vec::new, |buffer, start| self.piece(file, start, buffer, Digest::of_bytes));
            let pieces = pieces.collect();
            self.release_strided(file);
            self.digest_of(pieces)
        })
    }

    /// Returns the tensor in the file's own element type, which must be `kind`.
    ///
    /// # Shapes
    /// The layout's shape.
    pub(super) fn load(&self, file: &MappedFile, kind: Kind) -> Result<Loaded, TchError> {
        let sizes: Vec<i64> = self.layout.shape.iter().map(|&size| size as i64).collect();
        let mut tensor = Tensor::f_empty(sizes, (kind, Device::Cpu))?;
        let is_finite = self.fill(file, &mut tensor);
        Ok(Loaded { tensor, is_finite })
    }

    /// Fills a contiguous CPU tensor of the layout's shape and element type. Returns whether all values are finite.
    pub(super) fn fill(&self, file: &MappedFile, tensor: &mut Tensor) -> bool {
        let to = memory(tensor, self.layout.n_bytes());
        let pieces = to.par_chunks_mut(PIECE).enumerate().map_init(Vec::new, |buffer, (number, to)| {
            self.piece(file, number * PIECE, buffer, |from| {
                to.iter_mut().zip(from).for_each(|(to, from)| {
                    to.write(*from);
                });
                (Digest::of_bytes(from), all_finite(self.layout.dtype, from))
            })
        });
        let (pieces, finite): (Vec<Digest>, Vec<bool>) = pieces.unzip();
        self.release_strided(file);
        self.digest.get_or_init(|| self.digest_of(pieces));
        finite.into_iter().all(|piece| piece)
    }

    /// Passes the bytes of one piece to `work`, then releases their pages.
    fn piece<T>(
        &self,
        file: &MappedFile,
        start: usize,
        buffer: &mut Vec<u8>,
        work: impl FnOnce(&[u8]) -> T,
    ) -> T {
        let end = (start + PIECE).min(self.layout.n_bytes());
        let result = work(self.layout.bytes(file.bytes(), start..end, buffer));
        if self.layout.strides.is_none() {
            file.release(self.layout.start + start..self.layout.start + end);
        }
        result
    }

    fn release_strided(&self, file: &MappedFile) {
        if self.layout.strides.is_some() {
            file.release(self.layout.span());
        }
    }

    fn digest_of(&self, pieces: Vec<Digest>) -> Digest {
        let mut digest = DigestBuilder::new("tensor v1");
        digest.part(self.layout.name.as_bytes()).part(self.layout.dtype.to_string().as_bytes());
        digest.part(&(self.layout.shape.len() as u64).to_le_bytes());
        for size in &self.layout.shape {
            digest.part(&(*size as u64).to_le_bytes());
        }
        for piece in pieces {
            digest.part(piece.as_bytes());
        }
        digest.finish()
    }
}

/// Returns the libtorch type of a floating-point type that weights may have.
pub(super) fn float_kind(dtype: Dtype) -> Option<Kind> {
    match dtype {
        Dtype::F16 => Some(Kind::Half),
        Dtype::BF16 => Some(Kind::BFloat16),
        Dtype::F32 => Some(Kind::Float),
        Dtype::F64 => Some(Kind::Double),
        _ => None,
    }
}

/// Whether little-endian numbers are all finite: none has an exponent of ones.
fn all_finite(dtype: Dtype, bytes: &[u8]) -> bool {
    fn none<const N: usize>(bytes: &[u8], is_infinite: impl Fn([u8; N]) -> bool) -> bool {
        let numbers = bytes.chunks_exact(N).filter_map(|number| number.try_into().ok());
        // The loop has no early exit, so that it is vectorised.
        !numbers.fold(false, |found, number| found | is_infinite(number))
    }
    fn ones(bits: u16, exponent: u16) -> bool {
        bits & exponent == exponent
    }
    match dtype {
        Dtype::F16 => none(bytes, |number| ones(u16::from_le_bytes(number), 0x7c00)),
        Dtype::BF16 => none(bytes, |number| ones(u16::from_le_bytes(number), 0x7f80)),
        Dtype::F32 => none(bytes, |number| u32::from_le_bytes(number) & 0x7f80_0000 == 0x7f80_0000),
        Dtype::F64 => {
            none(bytes, |number| u64::from_le_bytes(number) & 0x7ff0_0000_0000_0000 == 0x7ff0_0000_0000_0000)
        }
        _ => true,
    }
}

/// Returns the memory of a new tensor, to be filled.
///
/// # Shapes
/// `[n_bytes]`, which must be the tensor's elements times their size.
#[expect(unsafe_code, reason = "a tensor's own memory is filled from the map, which saves a copy")]
fn memory(tensor: &mut Tensor, n_bytes: usize) -> &mut [MaybeUninit<u8>] {
    if n_bytes == 0 {
        return &mut [];
    }
    // SAFETY: the tensor is on the CPU, contiguous, and has at least `n_bytes` bytes. This crate has just made it,
    // whole or as rows of a larger one, and nothing else reads it. The slice borrows it, so it lives long enough.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), n_bytes) }
}

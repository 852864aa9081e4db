//! Options of an extraction that do not change its values, and its progress.

use seqprobe_models::FrozenModel;

/// Returned by a progress callback to stop the extraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

/// Progress of an extraction. It counts what is computed, not what is read from the cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExtractionProgress {
    /// Distinct sequences done.
    pub sequences: usize,
    /// Distinct sequences to do.
    pub total: usize,
    /// Tokens done, special ones included.
    pub tokens: u64,
    /// Seconds since the start.
    pub seconds: f64,
}

/// Options that change no value beyond rounding.
pub struct ExtractionOptions<'a> {
    /// Tokens per batch, padding included; a single longer sequence is a batch of its own. `None` for the number that
    /// suits the model, see [`batch_tokens`].
    pub batch_tokens: Option<usize>,
    /// Compute damaged parts of the cache again instead of failing.
    pub repair: bool,
    /// 0-based row of the first sequence, if the sequences are a part of a larger file. Errors name rows of the file.
    pub first_row: usize,
    /// What the features are for; [`crate::cache_list`] reports it.
    pub user: Option<&'a str>,
    /// Called after every batch; an error stops the extraction.
    pub progress: Option<&'a mut dyn FnMut(ExtractionProgress) -> Result<(), Interrupted>>,
}

impl Default for ExtractionOptions<'_> {
    /// Batches that suit the model, no repair, no progress.
    fn default() -> Self {
        Self { batch_tokens: None, repair: false, first_row: 0, user: None, progress: None }
    }
}

/// Tokens per batch that suit a model. On a CPU these are 3,072 for states of 512 values, inversely proportional to
/// the width of the states, and between 512 and 8,192. On a GPU it is 32 times this number, and less after the memory
/// of the GPU has run out.
///
/// The number was measured on CPUs only (`docs/src/performance.md`): larger batches are slower, and so are batches that are
/// too small for full matrix products.
pub fn batch_tokens(model: &FrozenModel) -> usize {
    let on_cpu = ((3 << 19) / model.encoder.spec().hidden.max(1)).clamp(512, 8192);
    if model.device.is_cuda() { 32 * on_cpu } else { on_cpu }
}

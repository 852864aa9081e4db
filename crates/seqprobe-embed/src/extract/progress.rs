//! What the caller of an extraction may choose, and how far the extraction is.

use seqprobe_models::FrozenModel;

/// The caller wants the extraction to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

/// How far an extraction is. Only what is computed counts, not what is read from the cache.
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

/// What does not change a value beyond rounding.
pub struct ExtractionOptions<'a> {
    /// Tokens per batch, padding included; a single longer sequence makes a batch of its own. `None` for what suits the
    /// model: see [`batch_tokens`].
    pub batch_tokens: Option<usize>,
    /// Compute damaged parts of the cache again instead of failing.
    pub repair: bool,
    /// The row of the first sequence, 0-based, where the sequences are a part of more: errors name rows.
    pub first_row: usize,
    /// For whom the features are, to be told by [`crate::cache_list`].
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

/// Tokens of a batch that suit a model: on a processor 3,072 for states of 512 values, and inversely, within 512 and 8,192;
/// on a card 32 times as many, and fewer once its memory does not suffice.
///
/// Measured in `PERFORMANCE.md`, on processors only: products of larger batches are slower, and so are those too small for
/// full matrix products.
pub fn batch_tokens(model: &FrozenModel) -> usize {
    let on_processor = ((3 << 19) / model.encoder.spec().hidden.max(1)).clamp(512, 8192);
    if model.device.is_cuda() { 32 * on_processor } else { on_processor }
}

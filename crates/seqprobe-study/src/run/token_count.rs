//! How many tokens a model reads of a dataset's sequences.

use seqprobe_core::Dataset;
use seqprobe_models::FrozenModel;

/// Sequences that are tokenized to know how many tokens one has.
const SAMPLE: usize = 64;

/// The mean over evenly spaced sequences, cut to what the model takes or not; `None` where one of them has no tokens.
pub(crate) fn tokens_per_sequence(dataset: &Dataset, model: &FrozenModel, is_cut: bool) -> Option<f64> {
    let most = model.encoder.spec().max_tokens.filter(|_| is_cut).unwrap_or(usize::MAX);
    let step = dataset.sequences.len().div_ceil(SAMPLE).max(1);
    let counts: Option<Vec<usize>> = dataset
        .sequences
        .iter()
        .step_by(step)
        .map(|sequence| model.tokenize(sequence).ok().map(|tokens| tokens.ids.len().min(most)))
        .collect();
    let counts = counts.filter(|counts| !counts.is_empty())?;
    Some(counts.iter().sum::<usize>() as f64 / counts.len() as f64)
}

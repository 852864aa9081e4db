//! What an extraction did: counts, seconds and tokens per second.

use std::ops::AddAssign;

/// What an extraction did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExtractionReport {
    /// Sequences of the call.
    pub n_rows: usize,
    /// Distinct sequences.
    pub n_distinct: usize,
    /// Distinct sequences that the model computed.
    pub n_computed: usize,
    /// Distinct sequences whose features were all in the cache.
    pub n_read: usize,
    /// Distinct sequences that were truncated to the model's limit.
    pub n_truncated: usize,
    /// Distinct sequences that were read in more than one window.
    pub n_windowed: usize,
    /// Tokens that the model computed, special ones included.
    pub n_tokens: u64,
    /// Seconds in all.
    pub seconds: f64,
    /// Tokens per second while computing; `None` when nothing was computed.
    pub tokens_per_second: Option<f64>,
}

impl AddAssign for ExtractionReport {
    /// Adds the report of another extraction. A sequence that occurs in both is counted twice.
    fn add_assign(&mut self, other: Self) {
        let computing =
            |report: &Self| report.tokens_per_second.map_or(0.0, |rate| report.n_tokens as f64 / rate);
        let seconds = computing(self) + computing(&other);
        self.n_rows += other.n_rows;
        self.n_distinct += other.n_distinct;
        self.n_computed += other.n_computed;
        self.n_read += other.n_read;
        self.n_truncated += other.n_truncated;
        self.n_windowed += other.n_windowed;
        self.n_tokens += other.n_tokens;
        self.seconds += other.seconds;
        self.tokens_per_second = (self.n_tokens > 0).then(|| self.n_tokens as f64 / seconds);
    }
}

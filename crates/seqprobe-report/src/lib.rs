//! Run record, renderers and stored predictions: everything that is serialised is defined here.
//!
//! Rendering never recomputes: each renderer is a function of a [`RunRecord`] and stored predictions.

pub mod record;

pub use record::RunRecord;

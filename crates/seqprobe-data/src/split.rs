//! Which split each row of a dataset is in.
//!
//! `draw` splits at random, on values only; `assign` applies the rules of a card.

pub(crate) mod assign;
pub(crate) mod column;
mod draw;
pub(crate) mod words;

pub use draw::{split_at_random, split_by_group};

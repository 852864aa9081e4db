//! Masked and causal pretraining of models on genomic sequence.
//!
//! The way through this room: a [`PretrainConfig`] → a [`Corpus`] of windows, those left out counted → training
//! steps on the same network that frozen models run ([`seqprobe_models::training`]) → a folder in Hugging Face
//! layout. The only room that asks for trainable parameters. Every random choice is derived from the seed and the
//! number of the window it is for, so that a run that was killed goes on with the same bits. Thread counts are the
//! caller's.

mod batches;
mod checkpoint;
pub mod config;
pub mod corpus;
mod counts;
pub mod error;
mod evaluate;
#[cfg(test)]
mod golden_tests;
mod model_card;
mod optimiser;
pub mod outcome;
mod output;
#[cfg(test)]
mod planted_tests;
mod schedule;
mod trainer;

pub use config::PretrainConfig;
pub use corpus::{Corpus, CorpusReport, Exclusion};
pub use error::PretrainError;
pub use evaluate::Loss;
pub use outcome::{Event, LossRow, Options, PretrainOutcome};
pub use trainer::pretrain;

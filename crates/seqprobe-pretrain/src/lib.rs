//! Masked and causal pretraining of models on genomic sequence.
//!
//! The data flow: a [`PretrainConfig`] → a [`Corpus`] of windows, with counts of those left out → training steps on the
//! network that frozen models also run ([`seqprobe_models::training`]) → a folder in Hugging Face layout. This is the
//! only crate that trains the parameters of a model. Every random choice is derived from the seed and the number of its
//! window, so that an interrupted run resumes with the same bits. The caller sets the number of threads.
//!
//! ```
//! use seqprobe_pretrain::corpus::Places;
//! use seqprobe_pretrain::{Options, PretrainConfig, pretrain};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let fasta = format!(">one\n{}\n>two\n{}\n", "ACGTTGCAGGATCCTA".repeat(40), "GATTACAT".repeat(20));
//! std::fs::write(folder.path().join("genome.fa"), fasta)?;
//! let config = r#"
//!     schema = 1
//!     name = "tiny"
//!     model = { model_type = "ConvNet", vocab_size = 7, hidden_size = 8, n_layers = 1, kernel_size = 3 }
//!     data = { files = [{ path = "genome.fa" }], valid = ["two"], window = 32, stride = 16 }
//!     training = { steps = 2, batch = 4, learning_rate = 1e-3, valid_every = 1 }
//! "#;
//! std::fs::write(folder.path().join("tiny.toml"), config)?;
//!
//! let config = PretrainConfig::read(&folder.path().join("tiny.toml"))?;
//! let out = folder.path().join("tiny");
//! let options = Options {
//!     out: &out,
//!     places: Places::default(),
//!     device: tch::Device::Cpu,
//!     command: "a doctest".to_owned(),
//!     threads: 1,
//! };
//! let outcome = pretrain(&config, &options, &mut |event| println!("{event:?}"))?;
//! assert_eq!(outcome.rows.len(), 2);
//! assert!(out.join("model.safetensors").exists());
//! # Ok(())
//! # }
//! ```

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

//! Tests of models, checkpoints and tokenizers. One test program, because each one links libtorch.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod bert_like_errors;
mod byte_pairs;
mod checkpoint_errors;
mod common;
mod config_errors;
mod digests;
mod esm;
mod gpn_prenorm;
mod hostile_torch_files;
mod kmer_table;
mod long_models;
mod masked_scores;
mod misplaced;
mod mutated_tokenizers;
mod parity;
mod random_weights;
mod supervised_encoders;
mod tokenizers;
mod torch_files;
mod torchscript;

//! Tests that run the built program, one module per subject. They are one binary, so that there is one thing to link.

mod bad_input;
mod cache_commands;
mod controls;
mod documented_defaults;
mod every_model;
mod extraction;
mod faults;
mod gate;
mod hints;
mod hostile_input;
mod hub;
mod imported_embeddings;
mod leakage;
mod peer_defects;
mod pipes;
mod pretrain;
mod report_page;
mod reuse;
mod same_bits;
mod suite_run;
mod sweeps;
mod user_data;
mod worker;
mod worker_sdk;

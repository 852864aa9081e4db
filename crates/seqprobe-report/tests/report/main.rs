//! What a run folder holds and what each renderer shows, on one constructed run.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop where a test would")]

mod folder;
mod gate;
mod page;
mod renderers;
mod sample;
mod sweeps;

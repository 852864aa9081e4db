//! What a run folder holds and what each renderer shows, on one constructed run.

mod folder;
mod page;
mod renderers;
mod sample;

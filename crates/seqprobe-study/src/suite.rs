//! What a study is asked to do: the suite file, checked once.

mod checked_suite;
pub(crate) mod controls;
#[cfg(test)]
mod documented;
pub(crate) mod error;
pub(crate) mod file;
pub(crate) mod imported;
#[cfg(test)]
mod mutated;
pub(crate) mod one_file;
pub(crate) mod probes;
pub(crate) mod published;
pub(crate) mod representation;
mod values;
#[cfg(test)]
mod wrong_values;

pub(crate) use checked_suite::{DEFAULT_REPLICATES, Suite};

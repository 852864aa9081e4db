//! Names, numbers and sentences of reports: every report and the program say the same in the same words.

pub(crate) mod audit;
pub(crate) mod grids;
pub(crate) mod names;
pub mod quantities;
pub(crate) mod sentences;
pub(crate) mod warnings;

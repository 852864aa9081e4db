//! Names, numbers and sentences of reports: every report and the program say the same in the same words.

pub(crate) mod audit;
pub(crate) mod grids;
pub(crate) mod model_pairs;
pub(crate) mod names;
pub(crate) mod qualifications;
pub mod quantities;
pub(crate) mod sentences;
pub(crate) mod warnings;

//! The probe `linear`: ridge or logistic regression with a penalty chosen on rows that were not fitted on.

pub(crate) mod choice;
mod classify;
pub(crate) mod fitted;
mod options;
mod probe;
mod regress;
mod settings;

pub use fitted::restore;
pub use options::{FoldGrouping, Selection, Solver};
pub use probe::LinearProbe;
pub use settings::{LinearSettings, SelectionMethod};

//! The probe `dexter`: k-mers in regions of aligned sequences, found greedily and chosen by a lasso.

mod aligned_bases;
mod fitted;
mod probe;
mod regional_kmers;
mod search;
mod settings;

pub use aligned_bases::Align;
pub use fitted::restore_dexter;
pub use probe::DexterProbe;
pub use search::DexterSearch;
pub use settings::DexterSettings;

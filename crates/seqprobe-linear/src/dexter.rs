//! The probe `dexter`: k-mers in regions of aligned sequences, found greedily and chosen by a lasso.

mod fitted;
mod probe;
mod regional_kmers;
mod search;
mod settings;

pub use fitted::restore_dexter;
pub use probe::DexterProbe;
pub use regional_kmers::Align;
pub use search::DexterSearch;
pub use settings::DexterSettings;

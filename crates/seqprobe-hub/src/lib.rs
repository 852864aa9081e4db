//! Models of the Hugging Face hub, and data files. Models are found in the cache that Python's `huggingface_hub` keeps, or fetched into it.
//!
//! [`Hub::fetch_file`] downloads one data file, from a dataset repository of the hub or from any HTTPS address, with the
//! same rules for tokens, redirects and retries.
//!
//! Of models, only settings, tokenizer files and weights are fetched, never code. Every file is checked against the digest that
//! the hub announces. Nothing is downloaded except by [`Hub::fetch`] and [`Hub::fetch_file`]; the caller decides who may call it.
//!
//! ```
//! use seqprobe_hub::{Hub, HubReference, HubSettings, Needed};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let cache = tempfile::tempdir()?;
//! let settings = HubSettings::from_variables(|name| match name {
//!     "HF_HUB_CACHE" => Some(cache.path().into()),
//!     _ => None,
//! })?;
//! let reference = HubReference::parse("zhihan1996/DNA_bert_6@main")?;
//! // `find` only reads the cache, which is empty here; `fetch` would download the model.
//! assert_eq!(Hub::new(settings).find(&reference, Needed::Weights), None);
//! # Ok(())
//! # }
//! ```

mod address;
mod cache;
mod download;
mod error;
mod fetch_file;
mod file_address;
mod hub;
mod listing;
mod reference;
mod request;
mod retry;
mod settings;
mod weight_files;

pub use error::HubError;
pub use fetch_file::FetchedFile;
pub use file_address::{DATASET_PREFIX, FileAddress, FileAddressError};
pub use hub::{FileDigest, Hub, Needed, Progress, Snapshot};
pub use reference::{DEFAULT_REVISION, HubReference, HubReferenceError, RepositoryNameRule, RevisionRule};
pub use retry::RetryPolicy;
pub use settings::{DEFAULT_ENDPOINT, HubSettings, Token};
pub use weight_files::{OTHER_WEIGHT_EXTENSIONS, USUAL_WEIGHT_FILES};

//! The study: from a suite to a run record. This crate holds every rule of the comparison; the program around it
//! parses a command line, calls this crate and prints.
//!
//! A [`Study`] is a suite that was read and checked. [`Study::run`] walks one road: plan → lookup → fit → score →
//! judge → record. What was finished is kept in the cache folder, so a run that was stopped continues.
//!
//! ```no_run
//! use seqprobe_study::{Study, StudyEvent, StudyOptions};
//!
//! # fn main() -> Result<(), seqprobe_study::StudyError> {
//! let study = Study::open("suite.toml".as_ref())?;
//! let record = study.run(&StudyOptions::default(), &mut |_: StudyEvent<'_>| {})?;
//! for verdict in &record.verdicts {
//!     println!("{}: {} with {} {}", verdict.dataset, verdict.model, verdict.probe, verdict.verdict.as_str());
//! }
//! # Ok(())
//! # }
//! ```

mod audit;
mod datasets;
mod embed;
mod error;
mod events;
mod fetch_data;
mod forecast;
mod home;
mod judge;
mod masked_scores;
mod models;
mod options;
mod plan;
mod predict;
mod prepare;
mod rule_audit;
mod run;
mod store;
mod study;
mod suite;
#[cfg(test)]
mod test_fixtures;

pub use audit::{DatasetAudit, NoComposition, audit_dataset};
pub use datasets::{card_folders, load_dataset, remarks_of_dataset, simulate_dataset};
pub use embed::{EmbedRequest, EmbeddedFile, FileEmbeddings, embed_file, forecast_file};
pub use error::{ErrorKind, ModelProblem, StudyError};
pub use events::{StudyEvent, StudyEvents};
pub use fetch_data::{DataFile, DataFileState, check_files, fetch_files};
pub use forecast::StudyForecast;
pub use masked_scores::{MaskedScores, masked_scores};
pub use models::device::{DeviceError, NoGpu, cuda_devices, device_name, parse_device};
pub use models::finder::ModelFinder;
pub use options::{CacheChoice, ProgramInfo, StudyOptions, set_threads};
pub use predict::{StoredProbes, list_stored_probes};
pub use rule_audit::{RuleAudit, RuleFinding, RuleWord, SharedFinding};
pub use run::provenance::{LIBTORCH_VERSION, dataset_record, processor};
pub use store::cell_store::cached_items;
pub use store::error::{ArrayError, Damage, DamageProblem, StoreError};
pub use study::{OneFileStudy, Study};
pub use suite::error::{SuiteError, SuiteProblem};
pub use suite::file::SimulateEntry;
pub use suite::one_file::OneFile;
pub use suite::probes::{PROBES, ProbeFamily};

//! The registry of model families: one line and one file each.

mod bert;
mod caduceus;
mod dnabert2;
mod enformer;
mod esm;
pub(crate) mod family;
mod gena;
mod gpn;
mod gpn_prenorm;
mod hyenadna;
mod kmer_table;
mod modernbert;
pub(crate) mod published;
mod rnabert;
mod spliceai;

#[cfg(test)]
mod long_model_starts;
#[cfg(test)]
mod random_starts;

use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;

pub use family::{Claim, Family, LoadedEncoder};
pub use published::PublishedModel;

pub(crate) use bert::config_json as bert_config_json;
pub(crate) use gpn::config_json as gpn_config_json;
pub(crate) use kmer_table::read_table as read_kmer_table;

/// All families.
pub static FAMILIES: &[Family] = &[
    bert::FAMILY,
    caduceus::FAMILY,
    dnabert2::FAMILY,
    enformer::FAMILY,
    esm::FAMILY,
    gena::FAMILY,
    gpn::FAMILY,
    gpn_prenorm::FAMILY,
    hyenadna::FAMILY,
    kmer_table::FAMILY,
    modernbert::FAMILY,
    rnabert::FAMILY,
    spliceai::FAMILY,
];

/// Families whose first files have neither `model_type` nor `architectures`, and the keys that identify them.
static NAMELESS: &[(&str, &[&str])] = &[(hyenadna::FAMILY.id, hyenadna::FIRST_KEYS)];

/// Returns the family of a config file: by `model_type`, else by `architectures`, else by keys of its own.
///
/// # Errors
/// [`ModelError::Config`] listing all families.
pub fn recognise(config: &ConfigFile) -> Result<&'static Family, ModelError> {
    let architectures = config.architectures();
    let (key, found): (&str, Vec<&str>) = match config.text("model_type") {
        Some(model_type) => ("model_type", vec![model_type]),
        None if !architectures.is_empty() => ("architectures", architectures),
        None => {
            let is_known = |keys: &[&str]| keys.iter().all(|key| config.value(key).is_some());
            let nameless = NAMELESS.iter().find(|(_, keys)| is_known(keys));
            let by_keys = |family: &&Family| nameless.is_some_and(|(id, _)| *id == family.id);
            if let Some(family) = FAMILIES.iter().find(by_keys) {
                return Ok(family);
            }
            return Err(config.error(format!(
                "keys \"model_type\" and \"architectures\" are missing, expected one of them\n  hint: {}",
                known_families()
            )));
        }
    };
    let known = |family: &&'static Family| match key {
        "model_type" => family.model_types,
        _ => family.architectures,
    };
    let is_named = |family: &&'static Family| known(family).iter().any(|name| found.contains(name));
    let accepting = || FAMILIES.iter().filter(is_named).filter(|family| family.claim.accepts(config));
    let is_specific = |family: &&Family| matches!(family.claim, Claim::If(_));
    if let Some(family) = accepting().find(is_specific).or_else(|| accepting().next()) {
        return Ok(family);
    }
    let candidates: Vec<&str> = FAMILIES.iter().flat_map(|family| known(&family)).copied().collect();
    let nearest =
        found.iter().find_map(|name| seqprobe_core::config::nearest(name, candidates.iter().copied()));
    let hint = match nearest {
        Some(nearest) => format!("did you mean {nearest:?}? {}", known_families()),
        None => known_families(),
    };
    Err(config.error(format!("{key} {:?} is not a supported model\n  hint: {hint}", found.join(", "))))
}

fn known_families() -> String {
    let names: Vec<String> = FAMILIES
        .iter()
        .map(|family| {
            format!("{} (model_type {:?}: {})", family.id, family.model_types.join(", "), family.title)
        })
        .collect();
    format!("supported are {}", names.join("; "))
}

//! The registry of model families: one line each, one file each.

mod bert;
mod caduceus;
mod dnabert2;
mod enformer;
mod esm;
mod gena;
mod gpn;
mod gpn_prenorm;
mod hyenadna;
mod kmer_table;
mod modernbert;
mod rnabert;
mod spliceai;

#[cfg(test)]
mod long_model_starts;
#[cfg(test)]
mod random_starts;

use crate::config_file::ConfigFile;
use crate::encoder::Encoder;
use crate::error::ModelError;
use crate::language_model::HeadEntry;
use crate::parameters::Parameters;
use crate::published::PublishedModel;
use crate::tokenizer::ReadTokenizer;
use seqprobe_core::Digest;

pub(crate) use bert::config_json as bert_config_json;
pub(crate) use gpn::config_json as gpn_config_json;
pub(crate) use kmer_table::read_table as read_kmer_table;

/// A family of models that share code.
pub struct Family {
    /// Identifier.
    pub id: &'static str,
    /// One line saying which models it is.
    pub title: &'static str,
    /// Values of `model_type` in `config.json`.
    pub model_types: &'static [&'static str],
    /// Values of `architectures`, for config files without `model_type`.
    pub architectures: &'static [&'static str],
    /// Whether a config with such a name is really of this family: several architectures call themselves
    /// `bert` or `esm`. The first family of the registry that says yes is taken.
    pub claims: fn(&ConfigFile) -> bool,
    /// Names the outer class may put before every tensor, the usual first.
    pub prefixes: &'static [&'static str],
    /// A tensor that every checkpoint of the family has, or how its name begins, without prefix.
    pub probe_tensor: &'static str,
    /// Tensors that are left out on purpose: heads and constants. `*` at the end or at the
    /// beginning stands for anything.
    pub ignored_tensors: &'static [&'static str],
    /// Reads the family's tokenizer from a model folder.
    pub tokenizer: ReadTokenizer,
    /// Checkpoints of the family that were published.
    pub published: &'static [PublishedModel],
    /// The language-model head, where this program knows it.
    pub head: Option<HeadEntry>,
    /// Reads the config and takes the parameters.
    pub load: fn(&ConfigFile, &mut Parameters) -> Result<LoadedEncoder, ModelError>,
}

/// What a family makes of a config and parameters.
pub struct LoadedEncoder {
    /// The encoder.
    pub encoder: Box<dyn Encoder>,
    /// Digest of the settings that change values, whatever the file's layout.
    pub config_digest: Digest,
    /// Ids run from 0 to below this number.
    pub vocab_size: usize,
}

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

/// Families whose first files name neither `model_type` nor `architectures`, and the keys they are known by.
static NAMELESS: &[(&str, &[&str])] = &[(hyenadna::FAMILY.id, hyenadna::FIRST_KEYS)];

/// The family of a config file: by `model_type`, else by `architectures`, else by keys of its own.
///
/// # Errors
/// [`ModelError::Config`] listing the families there are.
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
    if let Some(family) = FAMILIES.iter().filter(is_named).find(|family| (family.claims)(config)) {
        return Ok(family);
    }
    let candidates: Vec<&str> = FAMILIES.iter().flat_map(|family| known(&family)).copied().collect();
    let nearest =
        found.iter().find_map(|word| seqprobe_core::config::nearest(word, candidates.iter().copied()));
    let hint = match nearest {
        Some(nearest) => format!("did you mean {nearest:?}? {}", known_families()),
        None => known_families(),
    };
    Err(config.error(format!("{key} {:?} is no supported model\n  hint: {hint}", found.join(", "))))
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

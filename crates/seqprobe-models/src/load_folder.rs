//! Loads a model from a folder in Hugging Face layout: `config.json`, weights and tokenizer files.

use crate::checkpoint::Checkpoint;
use crate::error::ModelError;
use crate::families::{FAMILIES, Family, read_kmer_table, recognise};
use crate::folder::config_file::ConfigFile;
use crate::layers::language_model_head::{Head, HeadEntry, Objective};
use crate::model::{FrozenModel, LoadOptions, Weights};
use crate::parameters::Parameters;
use crate::tokenizer::NucleotideIds;
use seqprobe_core::digest::DigestBuilder;
use std::path::Path;

/// Loads the encoder and the tokenizer.
///
/// # Errors
/// [`ModelError`] naming the file or tensor.
pub(crate) fn load_folder(folder: &Path, options: LoadOptions) -> Result<FrozenModel, ModelError> {
    Ok(load(folder, options, None)?.0)
}

/// Loads a masked language model with its head, and returns the ids of the nucleotides too.
///
/// # Errors
/// [`ModelError::LanguageModel`] for a family without a known head or a vocabulary of longer tokens, else as
/// [`load_folder`].
pub(crate) fn load_masked_model(
    folder: &Path,
    options: LoadOptions,
) -> Result<(FrozenModel, Head, NucleotideIds), ModelError> {
    let refuse = |message: &str| ModelError::LanguageModel {
        model: folder.display().to_string(),
        message: message.to_owned(),
    };
    let config = ConfigFile::read(folder)?;
    let family = recognise(&config)?;
    let masked_head =
        |family: &'static Family| family.head.as_ref().filter(|head| head.objective == Objective::Masked);
    let Some(entry) = masked_head(family) else {
        let known: Vec<&str> =
            FAMILIES.iter().filter(|family| masked_head(family).is_some()).map(|family| family.id).collect();
        return Err(refuse(&format!(
            "models of the family {} have no masked-language-model head that this program knows\n  hint: those of {} have one",
            family.id,
            known.join(", ")
        )));
    };
    let nucleotide_ids = (family.tokenizer)(folder, &config)?
        .nucleotide_ids()
        .ok_or_else(|| refuse("its tokens are not single bases, expected one token per base"))?;
    let (model, head) = load(folder, options, Some(entry))?;
    let head = head.ok_or_else(|| refuse("it has no head"))?;
    Ok((model, head, nucleotide_ids))
}

fn load(
    folder: &Path,
    options: LoadOptions,
    head: Option<&HeadEntry>,
) -> Result<(FrozenModel, Option<Head>), ModelError> {
    let config = ConfigFile::read(folder)?;
    let family = recognise(&config)?;
    let tokenizer = (family.tokenizer)(folder, &config)?;
    let mut parameters = open_parameters(folder, &config, family, options)?;
    let mut loaded = tch::no_grad(|| (family.load)(&config, &mut parameters))?;
    let head = head.map(|head| tch::no_grad(|| (head.take)(&config, &mut parameters))).transpose()?;
    if options.precision.matmul_kind().is_some() && !parameters.uses_reduced_matmul() {
        return Err(ModelError::Precision { family: family.id.to_owned() });
    }
    parameters.finish(&family.tensors, family.id)?;
    if tokenizer.largest_id() >= loaded.vocab_size as i64 {
        return Err(config.error(format!(
            "key \"vocab_size\" is {}, expected more than the tokenizer's largest id {}\n  hint: config.json and the tokenizer files belong to different models",
            loaded.vocab_size,
            tokenizer.largest_id()
        )));
    }
    let mut digest = DigestBuilder::new("weights v2");
    digest
        .part(parameters.digest().as_bytes())
        .part(family.id.as_bytes())
        .part(loaded.config_digest.as_bytes())
        .part(options.precision.digest_text().as_bytes())
        .part(&loaded.spec.version.to_le_bytes());
    if tokenizer.adds_no_cls() {
        loaded.spec.has_cls = false;
    }
    let model = FrozenModel {
        weights_digest: digest.finish(),
        tokenizer_digest: tokenizer.digest(),
        encoder: loaded.into_encoder(),
        pad_id: tokenizer.pad_id(),
        device: options.device,
        precision: options.precision,
        tokenize: Box::new(move |sequence| tokenizer.tokenize(sequence)),
    };
    Ok((model, head))
}

/// Opens the weights of the folder, or prepares random ones.
fn open_parameters(
    folder: &Path,
    config: &ConfigFile,
    family: &'static Family,
    options: LoadOptions,
) -> Result<Parameters, ModelError> {
    let (kind, device) = (options.precision.kind(), options.device);
    let mut parameters = match options.weights {
        Weights::Pretrained => match read_kmer_table(folder, config)? {
            Some(table) => Parameters::from_table(family.tensors.probe, table, kind, device),
            None => Parameters::from_checkpoint(Checkpoint::open(folder)?, &family.tensors, kind, device),
        },
        Weights::Random(seed) => Parameters::random(seed, kind, device),
    };
    parameters.request_matmul_dtype(options.precision.matmul_kind());
    Ok(parameters)
}

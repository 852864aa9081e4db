//! A frozen model as the other rooms see it: encoder, tokenizer and the digests that name its values.

use crate::batch::Tokens;
use crate::checkpoint::Checkpoint;
use crate::config_file::ConfigFile;
use crate::description;
use crate::encoder::{Encoder, without_cls};
use crate::error::ModelError;
use crate::families::{FAMILIES, Family, read_kmer_table, recognise};
use crate::language_model::{Head, HeadEntry, LetterIds, Objective};
use crate::parameters::Parameters;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{Digest, DnaSequence, Seed};
use std::path::Path;
use std::str::FromStr;

/// Floating-point type the encoder computes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// 64-bit floats, for checks.
    F64,
    /// Matrix products of linear layers and attention in bfloat16, all else in 32 bits: sums, norms, embeddings, the states
    /// themselves. Only faster where the processor multiplies bfloat16 in hardware (AMX, most GPUs).
    Bf16,
}

impl FromStr for Precision {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            _ => Err(format!("precision {text:?} does not exist\n  hint: use f32 or bf16")),
        }
    }
}

impl Precision {
    /// libtorch's name of the type of states.
    pub fn kind(self) -> tch::Kind {
        match self {
            Self::F32 | Self::Bf16 => tch::Kind::Float,
            Self::F64 => tch::Kind::Double,
        }
    }

    /// The type of the factors of matrix products where it is another than that of states.
    fn product_kind(self) -> Option<tch::Kind> {
        (self == Self::Bf16).then_some(tch::Kind::BFloat16)
    }
}

/// Where the numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// The checkpoint's.
    Pretrained,
    /// The architecture's own initialisation, drawn from a seed: a control.
    Random(Seed),
}

/// How to load a model.
#[derive(Clone, Copy, Debug)]
pub struct LoadOptions {
    /// Pretrained or random.
    pub weights: Weights,
    /// Type to compute in; the file's own type does not matter.
    pub precision: Precision,
    /// Device to compute on.
    pub device: tch::Device,
    /// Whether a model may run code of its own: a TorchScript file or a worker process.
    pub allow_code: bool,
}

/// A loaded model.
pub struct FrozenModel {
    /// Digest of everything but the tokenizer that changes a value: config, weights (or seed), precision.
    pub weights_digest: Digest,
    /// Digest of the tokenizer's files and settings.
    pub tokenizer_digest: Digest,
    /// The encoder.
    pub encoder: Box<dyn Encoder>,
    /// Padding id of the tokenizer.
    pub pad_id: i64,
    /// Device the encoder computes on.
    pub device: tch::Device,
    /// Precision the model was loaded with.
    pub precision: Precision,
    pub(crate) tokenize: Tokenize,
}

/// Turns a sequence into token ids, added tokens included.
pub type Tokenize = Box<dyn Fn(&DnaSequence) -> Result<Tokens, ModelError> + Send + Sync>;

impl FrozenModel {
    /// Loads a model from a folder in Hugging Face layout: `config.json`, weights (see
    /// [`Checkpoint::open`]; not needed for random ones), tokenizer files; or a model that brings its own code
    /// from its description, a `.toml` file, where `allow_code` says that it may run.
    ///
    /// # Errors
    /// [`ModelError`] naming the file or tensor.
    pub fn load(folder: &Path, options: LoadOptions) -> Result<Self, ModelError> {
        if description::is_description(folder) {
            return description::load(folder, options);
        }
        Ok(Self::load_folder(folder, options, None)?.0)
    }

    /// As [`FrozenModel::load`], with the language-model head and the ids of the letters.
    pub(crate) fn load_with_head(
        folder: &Path,
        options: LoadOptions,
    ) -> Result<(Self, Head, LetterIds), ModelError> {
        let refuse =
            |message: String| ModelError::LanguageModel { model: folder.display().to_string(), message };
        if description::is_description(folder) {
            return Err(refuse(
                "models that bring their own code have no head that this program knows".to_owned(),
            ));
        }
        let config = ConfigFile::read(folder)?;
        let family = recognise(&config)?;
        let masked =
            |family: &&Family| family.head.as_ref().is_some_and(|head| head.objective == Objective::Masked);
        let Some(entry) = family.head.as_ref().filter(|head| head.objective == Objective::Masked) else {
            let known: Vec<&str> = FAMILIES.iter().filter(masked).map(|family| family.id).collect();
            return Err(refuse(format!(
                "models of the family {} have no masked-language-model head that this program knows\n  hint: those of {} have",
                family.id,
                known.join(", ")
            )));
        };
        let letters = (family.tokenizer)(folder, &config)?.letters().ok_or_else(|| {
            refuse("its tokens are not single letters, expected one token per letter".to_owned())
        })?;
        let (model, head) = Self::load_folder(folder, options, Some(entry))?;
        let head = head.ok_or_else(|| refuse("has no head".to_owned()))?;
        Ok((model, head, letters))
    }

    fn load_folder(
        folder: &Path,
        options: LoadOptions,
        head: Option<&HeadEntry>,
    ) -> Result<(Self, Option<Head>), ModelError> {
        let config = ConfigFile::read(folder)?;
        let family = recognise(&config)?;
        let tokenizer = (family.tokenizer)(folder, &config)?;
        let kind = options.precision.kind();
        let mut parameters = match options.weights {
            Weights::Pretrained => match read_kmer_table(folder, &config)? {
                Some(table) => Parameters::from_table(family.probe_tensor, table, kind, options.device),
                None => Parameters::from_checkpoint(Checkpoint::open(folder)?, family, kind, options.device),
            },
            Weights::Random(seed) => Parameters::random(seed, kind, options.device),
        };
        parameters.ask_for_products_in(options.precision.product_kind());
        let loaded = tch::no_grad(|| (family.load)(&config, &mut parameters))?;
        let head = head.map(|head| tch::no_grad(|| (head.take)(&config, &mut parameters))).transpose()?;
        if options.precision.product_kind().is_some() && !parameters.reduces_products() {
            return Err(ModelError::Precision { family: family.id.to_owned() });
        }
        parameters.finish(family)?;
        if tokenizer.largest_id() >= loaded.vocab_size as i64 {
            return Err(config.error(format!(
                "key \"vocab_size\" is {}, expected more than the tokenizer's largest id {}\n  hint: config.json and the tokenizer files are of different models",
                loaded.vocab_size,
                tokenizer.largest_id()
            )));
        }
        let version = loaded.encoder.spec().version;
        let mut digest = DigestBuilder::new("weights v2");
        digest
            .part(parameters.digest().as_bytes())
            .part(family.id.as_bytes())
            .part(loaded.config_digest.as_bytes())
            .part(format!("{:?}", options.precision).as_bytes())
            .part(&version.to_le_bytes());
        let model = Self {
            weights_digest: digest.finish(),
            tokenizer_digest: tokenizer.digest(),
            encoder: match tokenizer.adds_no_cls() {
                true => without_cls(loaded.encoder),
                false => loaded.encoder,
            },
            pad_id: tokenizer.pad_id(),
            device: options.device,
            precision: options.precision,
            tokenize: Box::new(move |sequence| tokenizer.tokenize(sequence)),
        };
        Ok((model, head))
    }

    /// A model from an encoder and a tokenizer that exist already, for encoders that come from no folder.
    /// The digests must change whenever a value changes: they name the model in every cache. Its precision is
    /// [`Precision::F32`] unless the caller sets it.
    pub fn from_parts(
        encoder: Box<dyn Encoder>,
        tokenize: Tokenize,
        pad_id: i64,
        device: tch::Device,
        weights_digest: Digest,
        tokenizer_digest: Digest,
    ) -> Self {
        let precision = Precision::F32;
        Self { weights_digest, tokenizer_digest, encoder, pad_id, device, precision, tokenize }
    }

    /// Token ids of a sequence, special tokens added.
    ///
    /// # Errors
    /// [`ModelError`] when the sequence has no token (shorter than k).
    pub fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError> {
        (self.tokenize)(sequence)
    }

    /// What [`Self::tokenize`] calls: unlike the encoder, threads may share it.
    pub fn tokenizer(&self) -> &Tokenize {
        &self.tokenize
    }
}

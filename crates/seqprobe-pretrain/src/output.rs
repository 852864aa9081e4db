//! The folder that a pretraining writes: locked while it runs, in Hugging Face layout when it is done.

use crate::atomic::write_atomically;
use crate::config::{PretrainConfig, StoredPrecision};
use crate::corpus::CorpusReport;
use crate::error::PretrainError;
use crate::model_card::model_card;
use crate::trainer::{Options, Outcome};
use seqprobe_models::training::TrainableModel;
use serde_json::json;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use tch::Kind;

/// The weights: a folder that has them holds a finished model.
const MODEL: &str = "model.safetensors";
const LOCK: &str = ".pretrain.lock";

/// A folder of a run, locked.
pub(crate) struct OutputFolder {
    folder: PathBuf,
    /// Held until the run is over.
    _lock: File,
}

impl OutputFolder {
    /// Makes the folder where it is absent, and refuses one that holds a model or is being written to.
    pub(crate) fn open(folder: &Path) -> Result<Self, PretrainError> {
        if [MODEL, "pytorch_model.bin", "model.safetensors.index.json"]
            .iter()
            .any(|name| folder.join(name).exists())
        {
            let message =
                "already holds a model\n  hint: give another folder with --out; nothing was changed";
            return Err(PretrainError::folder(folder, message));
        }
        std::fs::create_dir_all(folder).map_err(PretrainError::io(folder))?;
        let path = folder.join(LOCK);
        let lock = File::create(&path).map_err(PretrainError::io(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(PretrainError::folder(folder, "another process is training in this folder"))
            }
            Err(TryLockError::Error(error)) => Err(PretrainError::io(&path)(error)),
        }
    }

    /// Writes the tokenizer's files: the words, where the family's code has no vocabulary of its own.
    pub(crate) fn write_tokenizer(&self, words: Option<&[&str]>) -> Result<(), PretrainError> {
        let settings = match words {
            Some(words) => {
                let text = format!("{}\n", words.join("\n"));
                write_atomically(&self.folder.join("vocab.txt"), text.as_bytes())?;
                json!({"do_lower_case": true, "mask_token": "[MASK]", "pad_token": "[PAD]", "unk_token": "[UNK]"})
            }
            None => {
                json!({"characters": ["A", "C", "G", "T", "N"], "pad_token": "[PAD]", "unk_token": "[UNK]"})
            }
        };
        let path = self.folder.join("tokenizer_config.json");
        write_atomically(&path, format!("{settings:#}\n").as_bytes())
    }

    /// Writes what is left: the weights last, so that a folder with weights has everything. The checkpoint goes.
    pub(crate) fn finish(
        &self,
        config: &PretrainConfig,
        model: &TrainableModel,
        corpus: &CorpusReport,
        outcome: &Outcome,
        options: &Options<'_>,
    ) -> Result<(), PretrainError> {
        let path = |name: &str| self.folder.join(name);
        let kind = match config.training.stored {
            StoredPrecision::F32 => Kind::Float,
            StoredPrecision::F16 => Kind::Half,
        };
        let weights = model.serialized(&path(MODEL), kind)?;
        let json = |value: &serde_json::Value| format!("{value:#}\n");
        let record =
            json!({"config": config, "corpus": corpus, "outcome": outcome, "threads": options.threads});
        write_atomically(
            &path("config.json"),
            json(&serde_json::Value::Object(config.model.clone())).as_bytes(),
        )?;
        write_atomically(&path("pretraining.json"), json(&record).as_bytes())?;
        write_atomically(&path("loss.csv"), loss_table(outcome).as_bytes())?;
        write_atomically(&path("README.md"), model_card(config, corpus, outcome, options).as_bytes())?;
        write_atomically(&path(MODEL), &weights)?;
        for name in [crate::checkpoint::CHECKPOINT, LOCK] {
            std::fs::remove_file(path(name)).map_err(PretrainError::io(&path(name)))?;
        }
        Ok(())
    }
}

/// The loss table as CSV; what is not known is empty.
fn loss_table(outcome: &Outcome) -> String {
    let mut text =
        "step,tokens,train_bits,valid_bits,valid_standard_error,valid_bases,learning_rate,tokens_per_second\n"
            .to_owned();
    let shown = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for row in &outcome.rows {
        let cells = [
            row.step.to_string(),
            row.tokens.to_string(),
            shown(row.train_bits),
            row.valid.bits.to_string(),
            shown(row.valid.standard_error),
            row.valid.n_bases.to_string(),
            row.learning_rate.to_string(),
            shown(row.tokens_per_second.map(f64::round)),
        ];
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

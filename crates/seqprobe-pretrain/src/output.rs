//! The folder that a pretraining run writes: locked during the run, in Hugging Face layout afterwards.

use crate::config::{PretrainConfig, StoredPrecision};
use crate::corpus::CorpusReport;
use crate::error::PretrainError;
use crate::model_card::model_card;
use crate::outcome::{Options, PretrainOutcome};
use seqprobe_files::write_whole;
use seqprobe_models::training::TrainableModel;
use serde_json::json;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use tch::Kind;

/// The weights: a folder that contains them holds a finished model.
const MODEL: &str = "model.safetensors";
const LOCK: &str = ".pretrain.lock";

/// The locked folder of a run.
pub(crate) struct OutputFolder {
    folder: PathBuf,
    /// Keeps the folder locked until the run ends.
    _lock: File,
}

impl OutputFolder {
    /// Creates the folder if needed, and refuses one that holds a model or that another process writes to.
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

    /// Writes the tokenizer's files: with a vocabulary, unless the family's own code has one.
    pub(crate) fn write_tokenizer(&self, vocabulary: Option<&[&str]>) -> Result<(), PretrainError> {
        let settings = match vocabulary {
            Some(tokens) => {
                let text = format!("{}\n", tokens.join("\n"));
                write_whole(&self.folder.join("vocab.txt"), text.as_bytes())?;
                json!({"do_lower_case": true, "mask_token": "[MASK]", "pad_token": "[PAD]", "unk_token": "[UNK]"})
            }
            None => {
                json!({"characters": ["A", "C", "G", "T", "N"], "pad_token": "[PAD]", "unk_token": "[UNK]"})
            }
        };
        let path = self.folder.join("tokenizer_config.json");
        Ok(write_whole(&path, format!("{settings:#}\n").as_bytes())?)
    }

    /// Writes the other files, the weights last, so that a folder with weights is complete. Removes the checkpoint.
    pub(crate) fn finish(
        &self,
        config: &PretrainConfig,
        model: &TrainableModel,
        corpus: &CorpusReport,
        outcome: &PretrainOutcome,
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
        write_whole(&path("config.json"), json(&serde_json::Value::Object(config.model.clone())).as_bytes())?;
        write_whole(&path("pretraining.json"), json(&record).as_bytes())?;
        write_whole(&path("loss.csv"), loss_table(outcome).as_bytes())?;
        write_whole(&path("README.md"), model_card(config, corpus, outcome, options).as_bytes())?;
        write_whole(&path(MODEL), &weights)?;
        for name in [crate::checkpoint::CHECKPOINT, LOCK] {
            std::fs::remove_file(path(name)).map_err(PretrainError::io(&path(name)))?;
        }
        Ok(())
    }
}

/// The loss table as CSV; an unknown value is an empty cell.
fn loss_table(outcome: &PretrainOutcome) -> String {
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

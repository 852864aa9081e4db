//! Writes one shard: first its safetensors file, then its record.

use crate::cache::key::{EntryKey, FORMAT_VERSION};
use crate::cache::tensor_file::{TensorHead, file_head};
use crate::error::EmbedError;
use seqprobe_core::{Digest, DnaSequence, Pooling};
use seqprobe_files::{AtomicFile, write_whole};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Tensor of pooled values `[n, dim]`.
pub(crate) const FEATURES: &str = "features";
/// Tensor of token values `[Σ length, dim]`.
pub(crate) const TOKENS: &str = "tokens";
/// Tensor of token borders `[n + 1]`.
pub(crate) const OFFSETS: &str = "offsets";
/// Tensor of BLAKE3 digests of the rows' sequences `[n, 32]`.
pub(crate) const SEQUENCES: &str = "sequences";

/// Facts about a finished shard. The record is written after the shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShardRecord {
    pub(crate) shard: usize,
    pub(crate) rows: usize,
    pub(crate) vectors: usize,
    /// Rows whose input was cut to the model's limit.
    pub(crate) truncated: usize,
    pub(crate) bytes: u64,
    /// BLAKE3 of the whole file, as `b3sum` prints it.
    pub(crate) blake3: String,
}

pub(crate) fn shard_path(folder: &Path, shard: usize) -> PathBuf {
    folder.join(format!("shard-{shard:05}.safetensors"))
}

pub(crate) fn record_path(folder: &Path, shard: usize) -> PathBuf {
    folder.join(format!("shard-{shard:05}.json"))
}

/// Metadata of a shard. They show when a file is in the wrong place.
pub(crate) fn shard_metadata(key: &EntryKey, shard: usize) -> [(&'static str, String); 5] {
    [
        ("format", format!("seqprobe-embeddings-{FORMAT_VERSION}")),
        ("key", key.digest().to_string()),
        ("shard", shard.to_string()),
        ("layer", key.layer.to_string()),
        ("pooling", key.pooling.to_string()),
    ]
}

/// A shard that is written row after row. If it is dropped unfinished, nothing is left.
pub(crate) struct ShardWriter {
    file: AtomicFile,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
    folder: PathBuf,
    record: ShardRecord,
    values_left: usize,
}

impl ShardWriter {
    /// Starts a shard. `lengths` has the number of vectors of each sequence (1 when pooled).
    pub(crate) fn create(
        folder: &Path,
        key: &EntryKey,
        shard: usize,
        sequences: &[&DnaSequence],
        lengths: &[usize],
    ) -> Result<Self, EmbedError> {
        let rows = sequences.len();
        let vectors: usize = lengths.iter().sum();
        let (dim, n) = (key.dim as u64, rows as u64);
        let mut tensors = Vec::new();
        if key.pooling == Pooling::Tokens {
            tensors.push(TensorHead { name: OFFSETS, dtype: "I64", shape: vec![n + 1], width: 8 });
            tensors.push(TensorHead {
                name: TOKENS,
                dtype: "F32",
                shape: vec![vectors as u64, dim],
                width: 4,
            });
        } else {
            tensors.push(TensorHead { name: FEATURES, dtype: "F32", shape: vec![n, dim], width: 4 });
        }
        tensors.push(TensorHead { name: SEQUENCES, dtype: "U8", shape: vec![n, 32], width: 1 });

        let file = AtomicFile::create(&shard_path(folder, shard))?;
        let record = ShardRecord { shard, rows, vectors, truncated: 0, bytes: 0, blake3: String::new() };
        let mut writer = Self {
            file,
            hasher: blake3::Hasher::new(),
            buffer: Vec::new(),
            folder: folder.to_owned(),
            record,
            values_left: vectors * key.dim,
        };
        writer.append(&file_head(&shard_metadata(key, shard), &tensors))?;
        if key.pooling == Pooling::Tokens {
            let mut offset = 0_i64;
            let mut offsets = offset.to_le_bytes().to_vec();
            for &length in lengths {
                offset += length as i64;
                offsets.extend_from_slice(&offset.to_le_bytes());
            }
            writer.append(&offsets)?;
        }
        Ok(writer)
    }

    /// Appends values of the next rows.
    pub(crate) fn push(&mut self, values: &[f32]) -> Result<(), EmbedError> {
        self.values_left = self.values_left.checked_sub(values.len()).ok_or_else(|| {
            EmbedError::Encoder(format!("{} values more than the shard can hold", values.len()))
        })?;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let written = self.append(&buffer);
        self.buffer = buffer;
        written
    }

    /// Closes the shard and writes its record.
    pub(crate) fn finish(mut self, sequences: &[&DnaSequence], truncated: usize) -> Result<(), EmbedError> {
        if self.values_left > 0 {
            return Err(EmbedError::Encoder(format!("{} values of the shard are missing", self.values_left)));
        }
        let digests: Vec<u8> =
            sequences.iter().flat_map(|sequence| *Digest::of_bytes(sequence.as_bytes()).as_bytes()).collect();
        self.append(&digests)?;
        self.record.truncated = truncated;
        self.record.blake3 = self.hasher.finalize().to_hex().to_string();
        self.file.finish()?;
        let path = record_path(&self.folder, self.record.shard);
        write_json(&path, &self.record)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), EmbedError> {
        self.hasher.update(bytes);
        self.record.bytes += bytes.len() as u64;
        Ok(self.file.append(bytes)?)
    }
}

/// Writes a value as JSON on several lines.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), EmbedError> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| EmbedError::io("write", path, std::io::Error::other(error)))?;
    text.push(b'\n');
    Ok(write_whole(path, &text)?)
}

//! Zarr version 3: a folder with a `zarr.json` for the group and for each array, and chunks of little-endian values
//! that end in their CRC-32C. It follows the specification (zarr-specs.readthedocs.io, core protocol 3.0, codecs
//! `bytes`, `vlen-utf8`, `crc32c`).

use super::crc32c::crc32c;
use super::{ExportFormat, for_each_block, refuse};
use crate::cache::shard_write::{FEATURES, OFFSETS, TOKENS};
use crate::error::EmbedError;
use seqprobe_core::{FeatureKind, FeatureSource, RowIds};
use seqprobe_files::{temporary_beside, write_synced};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(super) const FORMAT: ExportFormat = ExportFormat {
    ending: "zarr",
    title: "a folder, Zarr version 3: named arrays and ids, with checksums",
    write,
};

/// Most bytes of a chunk, unless one row is larger.
const MAX_CHUNK_BYTES: usize = 4 << 20;

/// Most ids of a chunk.
const MAX_CHUNK_IDS: usize = 1 << 16;

fn write(source: &dyn FeatureSource, ids: &RowIds, path: &Path) -> Result<(), EmbedError> {
    if path.exists() {
        return refuse(path, "it exists already\n  hint: remove it first, or choose another name".to_owned());
    }
    let folder = TemporaryFolder::create(path)?;
    let group = json!({
        "zarr_format": 3, "node_type": "group", "attributes": { "format": "seqprobe-features-1" },
    });
    write_json(&folder.path, &group)?;
    write_ids(&folder.path.join("ids"), ids)?;
    let lengths = (0..source.n_rows()).map(|row| source.length(row) as i64);
    let name = if source.kind() == FeatureKind::Tokens {
        let mut ends = vec![0_i64];
        ends.extend(lengths.clone().scan(0, |end, length| {
            *end += length;
            Some(*end)
        }));
        let mut array = Array::create(&folder.path.join(OFFSETS), "int64", &json!(0), &[ends.len()], 8)?;
        array.push(ends.iter().flat_map(|end| end.to_le_bytes()))?;
        array.finish()?;
        TOKENS
    } else {
        FEATURES
    };
    let vectors = lengths.sum::<i64>() as usize;
    let mut array =
        Array::create(&folder.path.join(name), "float32", &json!(0.0), &[vectors, source.dim()], 4)?;
    for_each_block(source, &mut |values| array.push(values.iter().flat_map(|value| value.to_le_bytes())))?;
    array.finish()?;
    folder.finish(path)
}

/// A folder that gets its name when it is complete. If it is dropped before, it is removed.
struct TemporaryFolder {
    path: PathBuf,
}

impl TemporaryFolder {
    fn create(target: &Path) -> Result<Self, EmbedError> {
        let path = temporary_beside(target);
        std::fs::create_dir(&path).map_err(|source| EmbedError::io("create", target, source))?;
        Ok(Self { path })
    }

    fn finish(self, target: &Path) -> Result<(), EmbedError> {
        std::fs::rename(&self.path, target).map_err(|source| EmbedError::io("write", target, source))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // After the rename there is nothing to remove. A destructor cannot report an error.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// An array of numbers that is written chunk after chunk along its first axis.
struct Array {
    folder: PathBuf,
    n_axes: usize,
    chunk_bytes: usize,
    buffer: Vec<u8>,
    n_chunks: usize,
}

impl Array {
    fn create(
        folder: &Path,
        dtype: &str,
        fill: &Value,
        shape: &[usize],
        width: usize,
    ) -> Result<Self, EmbedError> {
        let row_bytes = shape[1..].iter().product::<usize>().max(1) * width;
        let rows = (MAX_CHUNK_BYTES / row_bytes).clamp(1, shape[0].max(1));
        let mut chunk = shape.to_vec();
        chunk[0] = rows;
        let codecs =
            json!([{ "name": "bytes", "configuration": { "endian": "little" } }, { "name": "crc32c" }]);
        write_array_json(folder, dtype, fill, shape, &chunk, &codecs)?;
        let (folder, n_axes) = (folder.to_owned(), shape.len());
        Ok(Self { folder, n_axes, chunk_bytes: rows * row_bytes, buffer: Vec::new(), n_chunks: 0 })
    }

    fn push(&mut self, bytes: impl Iterator<Item = u8>) -> Result<(), EmbedError> {
        self.buffer.extend(bytes);
        while self.buffer.len() >= self.chunk_bytes {
            let rest = self.buffer.split_off(self.chunk_bytes);
            let whole = std::mem::replace(&mut self.buffer, rest);
            self.write_chunk(whole)?;
        }
        Ok(())
    }

    /// Writes the last chunk, padded with zeros: all chunks of an array have the same shape.
    fn finish(mut self) -> Result<(), EmbedError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut last = std::mem::take(&mut self.buffer);
        last.resize(self.chunk_bytes, 0);
        self.write_chunk(last)
    }

    fn write_chunk(&mut self, bytes: Vec<u8>) -> Result<(), EmbedError> {
        write_chunk(&self.folder, self.n_chunks, self.n_axes, bytes)?;
        self.n_chunks += 1;
        Ok(())
    }
}

/// Writes texts of any length: their number, then the length and the UTF-8 bytes of each. Numbers are 32-bit
/// little-endian.
fn write_ids(folder: &Path, ids: &RowIds) -> Result<(), EmbedError> {
    let chunk = ids.len().clamp(1, MAX_CHUNK_IDS);
    let codecs = json!([{ "name": "vlen-utf8" }, { "name": "crc32c" }]);
    write_array_json(folder, "string", &json!(""), &[ids.len()], &[chunk], &codecs)?;
    for (number, first) in (0..ids.len()).step_by(chunk).enumerate() {
        let mut bytes = (chunk as u32).to_le_bytes().to_vec();
        // The last chunk is padded with empty ids.
        for id in (first..first + chunk).map(|row| ids.get(row).unwrap_or_default()) {
            bytes.extend_from_slice(&(id.len() as u32).to_le_bytes());
            bytes.extend_from_slice(id.as_bytes());
        }
        write_chunk(folder, number, 1, bytes)?;
    }
    Ok(())
}

fn write_array_json(
    folder: &Path,
    dtype: &str,
    fill: &Value,
    shape: &[usize],
    chunk: &[usize],
    codecs: &Value,
) -> Result<(), EmbedError> {
    std::fs::create_dir_all(folder).map_err(|source| EmbedError::io("create", folder, source))?;
    let array = json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": dtype,
        "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": chunk } },
        "chunk_key_encoding": { "name": "default", "configuration": { "separator": "/" } },
        "fill_value": fill,
        "codecs": codecs,
        "attributes": {},
    });
    write_json(folder, &array)
}

fn write_json(folder: &Path, value: &Value) -> Result<(), EmbedError> {
    let text = format!("{value:#}\n");
    Ok(write_synced(&folder.join("zarr.json"), text.as_bytes())?)
}

/// Writes a chunk along the first axis: `c/NUMBER` and `/0` for every further axis.
fn write_chunk(folder: &Path, number: usize, n_axes: usize, mut bytes: Vec<u8>) -> Result<(), EmbedError> {
    let checksum = crc32c(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    let mut path = folder.join("c").join(number.to_string());
    for _ in 1..n_axes {
        path.push("0");
    }
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|source| EmbedError::io("create", parent, source))?;
    }
    Ok(write_synced(&path, &bytes)?)
}

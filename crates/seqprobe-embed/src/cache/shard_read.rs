//! Reads one shard. Its size, digest, header and rows are checked before any value is used.

use crate::cache::damage::{Damage, DamagedFile};
use crate::cache::key::EntryKey;
use crate::cache::shard_write::{
    FEATURES, OFFSETS, SEQUENCES, ShardRecord, TOKENS, record_path, shard_metadata, shard_path,
};
use crate::error::EmbedError;
use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors};
use seqprobe_core::{Digest, DnaSequence, Pooling};
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

/// Largest key, record or manifest that is read: a manifest of about 300,000 shards.
const MAX_JSON_BYTES: u64 = 64 << 20;

/// A verified shard, mapped into memory.
#[derive(Debug)]
pub(crate) struct Shard {
    map: Mmap,
    /// Bytes of the values in the map.
    values: Range<usize>,
    /// Bytes of the digests of the rows' sequences in the map.
    digests: Range<usize>,
    /// First vector of each row and the end of the last; empty when pooled.
    offsets: Vec<usize>,
    dim: usize,
    pub(crate) record: ShardRecord,
}

/// State of a shard.
pub(crate) enum ShardState {
    /// Verified.
    Good(Shard),
    /// It does not exist, or is not finished.
    Missing,
    /// It exists, but is not what it should be.
    Damaged(DamagedFile),
}

impl Shard {
    /// Opens and verifies a shard. Without `sequences` the rows are not compared with them.
    pub(crate) fn open(
        folder: &Path,
        key: &EntryKey,
        shard: usize,
        sequences: Option<&[&DnaSequence]>,
    ) -> Result<ShardState, EmbedError> {
        let path = record_path(folder, shard);
        let record: ShardRecord = match read_json(&path)? {
            None => return Ok(ShardState::Missing),
            Some(Ok(record)) => record,
            Some(Err(reason)) => return Ok(ShardState::Damaged(DamagedFile::new(path, reason))),
        };
        let path = shard_path(folder, shard);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(ShardState::Missing),
            Err(source) => return Err(EmbedError::io("read", &path, source)),
        };
        let map = map_file(&file).map_err(|source| EmbedError::io("read", &path, source))?;
        Ok(match check(map, record, key, shard, sequences) {
            Ok(shard) => {
                shard.release();
                ShardState::Good(shard)
            }
            Err(reason) => ShardState::Damaged(DamagedFile::new(path, reason)),
        })
    }

    /// Returns the pages of the map to the system, which reads them again when needed.
    #[expect(
        unsafe_code,
        reason = "the map is of a file that is never changed, so its pages can be read again"
    )]
    pub(crate) fn release(&self) {
        // SAFETY: the map is shared, read-only and of a file that no one changes in place: a page that is given
        // back is read again with the same bytes, in this and in any other thread.
        let _ = unsafe { self.map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
    }

    /// Digests of the rows' sequences.
    pub(crate) fn sequence_digests(&self) -> &[[u8; 32]] {
        self.map[self.digests.clone()].as_chunks::<32>().0
    }

    /// Vectors of a row.
    pub(crate) fn length(&self, row: usize) -> usize {
        if self.offsets.is_empty() { 1 } else { self.offsets[row + 1] - self.offsets[row] }
    }

    /// Appends the values of a row.
    pub(crate) fn push_row(&self, row: usize, out: &mut Vec<f32>) {
        let vectors =
            if self.offsets.is_empty() { row..row + 1 } else { self.offsets[row]..self.offsets[row + 1] };
        let width = 4 * self.dim;
        let start = self.values.start;
        let bytes = &self.map[start + vectors.start * width..start + vectors.end * width];
        let (values, _) = bytes.as_chunks::<4>();
        out.extend(values.iter().map(|&value| f32::from_le_bytes(value)));
    }
}

/// Digests of the sequences that a shard claims to hold. Nothing is verified: this only shows whether the shard is
/// worth opening. `None` when they cannot be read.
pub(crate) fn claimed_sequences(folder: &Path, shard: usize) -> Option<Vec<[u8; 32]>> {
    let file = File::open(shard_path(folder, shard)).ok()?;
    let map = map_file(&file).ok()?;
    let tensors = SafeTensors::deserialize(&map).ok()?;
    Some(tensors.tensor(SEQUENCES).ok()?.data().as_chunks::<32>().0.to_vec())
}

/// The error of a damaged file.
pub(crate) fn damaged(entry: &Path, path: &Path, reason: Damage) -> EmbedError {
    EmbedError::damaged(entry, DamagedFile::new(path.to_owned(), reason))
}

/// Reads a JSON file: `None` when there is none, the damage when it cannot be parsed.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<Result<T, Damage>>, EmbedError> {
    let parse = |bytes: Vec<u8>| serde_json::from_slice(&bytes).map_err(Damage::Json);
    Ok(read_small(path)?.map(|bytes| bytes.and_then(parse)))
}

/// Reads the bytes of a JSON file: `None` when there is none, the damage when it is larger than any that is written.
pub(crate) fn read_small(path: &Path) -> Result<Option<Result<Vec<u8>, Damage>>, EmbedError> {
    let failed = |source| EmbedError::io("read", path, source);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(source)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_JSON_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_JSON_BYTES {
        return Ok(Some(Err(Damage::TooLarge { limit_mib: MAX_JSON_BYTES >> 20 })));
    }
    Ok(Some(Ok(bytes)))
}

#[expect(unsafe_code, reason = "a shard is never changed in place: it is replaced by renaming a new file")]
fn map_file(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: every writer of the cache writes another file and renames it, so the mapped one stays as it is.
    unsafe { Mmap::map(file) }
}

fn check(
    map: Mmap,
    record: ShardRecord,
    key: &EntryKey,
    shard: usize,
    sequences: Option<&[&DnaSequence]>,
) -> Result<Shard, Damage> {
    if map.len() as u64 != record.bytes {
        return Err(Damage::Size { found: map.len() as u64, recorded: record.bytes });
    }
    let digest = blake3::hash(&map).to_hex();
    if digest.as_str() != record.blake3 {
        return Err(Damage::Digest { found: digest.to_string(), recorded: record.blake3 });
    }
    let (_, header) = SafeTensors::read_metadata(&map).map_err(Damage::Header)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    for (name, expected) in shard_metadata(key, shard) {
        let found = metadata.get(name).map_or("nothing", String::as_str);
        if found != expected {
            return Err(Damage::Metadata { name, found: found.to_owned(), expected });
        }
    }
    let tensors = SafeTensors::deserialize(&map).map_err(Damage::Header)?;
    let tensor = |name: &'static str, expected: Dtype, expected_shape: &[usize]| {
        let view = tensors.tensor(name).map_err(|_| Damage::NoTensor(name))?;
        if view.dtype() != expected || view.shape() != expected_shape {
            return Err(Damage::Tensor {
                name,
                found: view.dtype(),
                found_shape: view.shape().to_vec(),
                expected,
                expected_shape: expected_shape.to_vec(),
            });
        }
        Ok(view.data())
    };
    if record.shard != shard {
        return Err(Damage::Record { found: record.shard, expected: shard });
    }
    let (values, offsets) = if key.pooling == Pooling::Tokens {
        let offsets = tensor(OFFSETS, Dtype::I64, &[record.rows + 1])?;
        let offsets = read_offsets(offsets, record.vectors)?;
        (tensor(TOKENS, Dtype::F32, &[record.vectors, key.dim])?, offsets)
    } else {
        (tensor(FEATURES, Dtype::F32, &[record.rows, key.dim])?, Vec::new())
    };
    let digests = tensor(SEQUENCES, Dtype::U8, &[record.rows, 32])?;
    if let Some(sequences) = sequences {
        let (found, _) = digests.as_chunks::<32>();
        if found.len() != sequences.len() {
            return Err(Damage::Rows { found: found.len(), expected: sequences.len() });
        }
        let differs = |(row, sequence): &(usize, &&DnaSequence)| {
            found[*row] != *Digest::of_bytes(sequence.as_bytes()).as_bytes()
        };
        if let Some((row, _)) = sequences.iter().enumerate().find(differs) {
            return Err(Damage::Sequence { row });
        }
    }
    let place = |part: &[u8]| {
        let start = part.as_ptr() as usize - map.as_ptr() as usize;
        start..start + part.len()
    };
    let (values, digests) = (place(values), place(digests));
    Ok(Shard { values, digests, offsets, dim: key.dim, record, map })
}

fn read_offsets(bytes: &[u8], vectors: usize) -> Result<Vec<usize>, Damage> {
    let (values, _) = bytes.as_chunks::<8>();
    let offsets: Vec<usize> = values
        .iter()
        .map(|&value| usize::try_from(i64::from_le_bytes(value)))
        .collect::<Result<_, _>>()
        .map_err(|_| Damage::NegativeOffset)?;
    let rising = offsets.windows(2).all(|pair| pair[0] < pair[1]);
    if rising && offsets.first() == Some(&0) && offsets.last() == Some(&vectors) {
        Ok(offsets)
    } else {
        Err(Damage::Offsets { vectors })
    }
}

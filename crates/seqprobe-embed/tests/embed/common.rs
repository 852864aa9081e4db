//! A small deterministic encoder, and helpers around it.

use seqprobe_core::{Digest, DnaSequence, FeatureSource, LayerIndex, Pooling};
use seqprobe_embed::{
    EmbedError, EmbeddingCache, Extraction, ExtractionOptions, ExtractionSpec, KeepEnd, ReverseComplement,
    StoredFeatures, extract,
};
use seqprobe_models::{
    Encoder, EncoderSpec, FrozenModel, HiddenStates, ModelError, Precision, TokenBatch, Tokens,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tch::{Device, Kind, Tensor};

/// Values per token.
pub(crate) const HIDDEN: usize = 6;

/// Settings of the encoder.
#[derive(Clone)]
pub(crate) struct Behaviour {
    pub(crate) max_tokens: Option<usize>,
    pub(crate) has_cls: bool,
    /// Tokens of one state: a state is the mean of its tokens.
    pub(crate) state_stride: usize,
    /// The base's token id (1…5) whose state is a NaN.
    pub(crate) nan_at: Option<i64>,
    /// Largest padded batch in tokens; larger ones run out of memory.
    pub(crate) memory: Option<usize>,
    /// Batches that ran out of memory.
    pub(crate) failed: Arc<AtomicUsize>,
    /// Sequences that it computed.
    pub(crate) seen: Arc<AtomicUsize>,
    pub(crate) weights: &'static [u8],
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            max_tokens: None,
            has_cls: true,
            state_stride: 1,
            nan_at: None,
            memory: None,
            failed: Arc::default(),
            seen: Arc::default(),
            weights: b"weights",
        }
    }
}

/// Mixes each token with its right neighbours by a softmax over the real tokens, so that a wrong padding
/// mask or a wrong row would show.
struct Mixer {
    spec: EncoderSpec,
    behaviour: Behaviour,
    table: Tensor,
}

impl Encoder for Mixer {
    fn spec(&self) -> &EncoderSpec {
        &self.spec
    }

    fn hidden_states(&self, batch: &TokenBatch, layers: &[LayerIndex]) -> Result<HiddenStates, ModelError> {
        if self.behaviour.memory.is_some_and(|limit| batch.ids.len() > limit) {
            self.behaviour.failed.fetch_add(1, Ordering::Relaxed);
            // The message of libtorch.
            let message = "CUDA out of memory. Tried to allocate 2.00 GiB.".to_owned();
            return Err(tch::TchError::Torch(message).into());
        }
        self.behaviour.seen.fetch_add(batch.lengths.len(), Ordering::Relaxed);
        let (rows, columns) = batch.ids.dim();
        let ids: Vec<i64> = batch.ids.iter().copied().collect();
        let ids = Tensor::f_from_slice(&ids)?.f_view([rows as i64, columns as i64])?;
        let real: Vec<f32> = (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (row, column)))
            .map(|(row, column)| if column < batch.lengths[row] { 0.0 } else { f32::NEG_INFINITY })
            .collect();
        let mask = Tensor::f_from_slice(&real)?.f_view([rows as i64, 1, columns as i64])?;
        let embedded = Tensor::f_embedding(&self.table, &ids, -1, false, false)?;
        let scores = embedded.f_bmm(&embedded.f_transpose(1, 2)?)?.f_add(&mask)?;
        let mixed = scores.f_softmax(-1, Kind::Float)?.f_bmm(&embedded)?;
        // Padding is undefined by contract: make it a NaN, so that it must never be looked at.
        let padding = mask.f_eq(f64::NEG_INFINITY)?.f_transpose(1, 2)?;
        let mut states = Vec::new();
        for &layer in layers {
            let scale = match layer {
                LayerIndex::Block(number) => f64::from(number),
                LayerIndex::Final => 10.0,
            };
            let mut layer_states = mixed.f_mul_scalar(scale)?.f_add(&embedded)?;
            if let Some(code) = self.behaviour.nan_at {
                layer_states = layer_states.f_masked_fill(&ids.f_eq(code)?.f_unsqueeze(-1)?, f64::NAN)?;
            }
            let layer_states = layer_states.f_masked_fill(&padding, f64::NAN)?;
            states.push((layer, bins(&layer_states, self.spec.state_stride as i64)?));
        }
        Ok(HiddenStates { layers: states })
    }
}

/// The mean of every `stride` tokens, of those that are there in the last bin. Padding in a bin is left out;
/// a bin of padding alone stays a NaN.
///
/// # Shapes
/// `[batch, tokens, hidden]` to `[batch, states, hidden]`
fn bins(tokens: &Tensor, stride: i64) -> Result<Tensor, ModelError> {
    if stride < 2 {
        return Ok(tokens.shallow_clone());
    }
    let (n_rows, n_tokens) = (tokens.size()[0], tokens.size()[1]);
    let missing = (stride - n_tokens % stride) % stride;
    let filler = Tensor::f_full([n_rows, missing, HIDDEN as i64], f64::NAN, (Kind::Float, Device::Cpu))?;
    let padded = Tensor::f_cat(&[tokens, &filler], 1)?;
    Ok(padded.f_reshape([n_rows, -1, stride, HIDDEN as i64])?.f_nanmean(2, false, Kind::Float)?)
}

/// A model of two blocks over single bases: ids A 1 … T 4, N 5, CLS 6, SEP 7, padding 0.
pub(crate) fn model(behaviour: &Behaviour) -> FrozenModel {
    let spec = EncoderSpec {
        family: "mixer",
        n_blocks: 2,
        hidden: HIDDEN,
        max_tokens: behaviour.max_tokens,
        has_final_norm: false,
        has_cls: behaviour.has_cls,
        state_stride: behaviour.state_stride,
        n_parameters: 48,
        version: 1,
    };
    let values: Vec<f32> = (0..8 * HIDDEN).map(|index| (index as f32 * 0.7).sin()).collect();
    let table = Tensor::from_slice(&values).view([8, HIDDEN as i64]).to_device(Device::Cpu);
    let has_cls = behaviour.has_cls;
    let tokenize = move |sequence: &DnaSequence| {
        let mut ids: Vec<i64> = sequence.codes().map(|code| i64::from(code) + 1).collect();
        let mut special = vec![false; ids.len()];
        if has_cls {
            ids.insert(0, 6);
            special.insert(0, true);
            ids.push(7);
            special.push(true);
        }
        Ok(Tokens { ids, special })
    };
    let weights = Digest::of_bytes(behaviour.weights);
    FrozenModel::from_parts(
        Box::new(Mixer { spec, behaviour: behaviour.clone(), table }),
        Box::new(tokenize),
        0,
        tch::Device::Cpu,
        weights,
        Digest::of_bytes(&[u8::from(has_cls)]),
    )
}

pub(crate) const SPEC: ExtractionSpec = ExtractionSpec {
    precision: Precision::F32,
    reverse_complement: ReverseComplement::Forward,
    keep_end: KeepEnd::Error,
    window: None,
};

/// Both shapes of entry.
pub(crate) const WANTED: [(LayerIndex, Pooling); 2] =
    [(LayerIndex::Final, Pooling::Mean), (LayerIndex::Block(1), Pooling::Tokens)];

pub(crate) fn sequences(texts: &[&str]) -> Vec<DnaSequence> {
    texts.iter().map(|text| DnaSequence::parse(text).unwrap().0).collect()
}

/// `count` different sequences of different lengths; more than 4096 of them make several shards.
pub(crate) fn many(count: usize) -> Vec<DnaSequence> {
    (0..count)
        .map(|number| {
            let mut codes = vec![0_u8; 1 + number % 5];
            codes.extend((0..8).map(|place| (number >> (2 * place) & 3) as u8));
            DnaSequence::from_codes(&codes).unwrap()
        })
        .collect()
}

pub(crate) fn run(
    behaviour: &Behaviour,
    sequences: &[DnaSequence],
    cache: &Path,
    options: ExtractionOptions<'_>,
) -> Result<Extraction, EmbedError> {
    extract(&model(behaviour), &SPEC, sequences, &WANTED, &EmbeddingCache::open(cache)?, options)
}

pub(crate) fn repair() -> ExtractionOptions<'static> {
    ExtractionOptions { repair: true, ..ExtractionOptions::default() }
}

pub(crate) fn values(source: &dyn FeatureSource, row: usize) -> Vec<f32> {
    let mut out = Vec::new();
    source.read_rows(&[row], &mut out).unwrap();
    out
}

pub(crate) fn all_values(source: &dyn FeatureSource) -> Vec<f32> {
    let rows: Vec<usize> = (0..source.n_rows()).collect();
    let mut out = Vec::new();
    source.read_rows(&rows, &mut out).unwrap();
    out
}

/// Every file below a folder with its bytes.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for item in std::fs::read_dir(next).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Says that this machine lacks what a test needs. No test of this crate needs data that a clone lacks.
pub(crate) fn skipped(reason: &str) {
    println!("skipped: {reason}");
}

/// The features of one layer and pooling.
pub(crate) fn one(
    behaviour: &Behaviour,
    spec: &ExtractionSpec,
    texts: &[&str],
    wanted: (LayerIndex, Pooling),
    cache: &Path,
) -> Result<StoredFeatures, EmbedError> {
    let cache = EmbeddingCache::open(cache)?;
    let options = ExtractionOptions::default();
    let mut extraction = extract(&model(behaviour), spec, &sequences(texts), &[wanted], &cache, options)?;
    Ok(extraction.features.remove(0))
}

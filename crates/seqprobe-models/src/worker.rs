//! A model in another process: any language, any framework, over frames on standard input and output. A worker
//! that dies, falls silent or sends nonsense is ended, started again, and asked again.
//!
//! The protocol is specified in `worker/PROTOCOL.md` of this crate; the Python side is
//! `worker/seqprobe_worker.py`.

mod frames;
mod process;

use crate::batch::{TokenBatch, Tokens};
use crate::encoder::{Encoder, EncoderSpec, HiddenStates};
use crate::error::ModelError;
use crate::model::{FrozenModel, LoadOptions};
use crate::packing::check_batch;
use frames::{Hello, LARGEST_PAYLOAD, PROTOCOL, Reply, Request};
use process::Process;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{DnaSequence, LayerIndex};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tch::{Kind, Tensor};

/// Raised whenever a worker's answers would be read differently; part of every cache key.
const VERSION: u32 = 1;

/// Bytes of states asked for at a time, where a single sequence does not need more.
const REPLY_BYTES: usize = 1 << 28;

/// How to run a worker.
pub(crate) struct WorkerSettings {
    /// The description file, named in errors.
    pub(crate) description: PathBuf,
    /// Where the command runs.
    pub(crate) folder: PathBuf,
    /// Program and arguments.
    pub(crate) command: Vec<String>,
    /// The longest silence.
    pub(crate) timeout: Duration,
    /// How often a request is tried again.
    pub(crate) restarts: u32,
}

/// Starts a worker and asks what it is.
///
/// # Errors
/// [`ModelError::Code`] when it cannot be started or does not speak the protocol.
pub(crate) fn load(settings: WorkerSettings, options: LoadOptions) -> Result<FrozenModel, ModelError> {
    let started = start(&settings);
    let (process, hello) = started.map_err(|message| ModelError::Code {
        path: settings.description.clone(),
        message: format!("the worker {:?}: {message}", settings.command.join(" ")),
    })?;
    let spec = EncoderSpec {
        family: "worker",
        n_blocks: hello.n_blocks,
        hidden: hello.hidden,
        max_tokens: hello.max_tokens,
        has_final_norm: hello.has_final_norm,
        has_cls: hello.has_cls,
        state_stride: 1,
        n_parameters: hello.n_parameters,
        version: VERSION,
    };
    let mut digest = DigestBuilder::new("worker v1");
    digest.part(hello.name.as_bytes()).part(hello.digest.as_bytes());
    digest.part(format!("{:?}", options.precision).as_bytes());
    let weights = digest.finish();
    let tokenizer = digest.part(b"tokenizer").finish();
    let pad_id = hello.pad_id;
    let state = State { process: Some(process), next_id: 0 };
    let worker = Arc::new(Worker { settings, hello, state: Mutex::new(state) });
    let encoder = WorkerEncoder {
        worker: worker.clone(),
        spec,
        kind: options.precision.kind(),
        device: options.device,
    };
    let tokenize = Box::new(move |sequence: &DnaSequence| worker.tokenize(sequence));
    Ok(FrozenModel::from_parts(Box::new(encoder), tokenize, pad_id, options.device, weights, tokenizer))
}

fn start(settings: &WorkerSettings) -> Result<(Process, Hello), String> {
    let mut process = Process::start(settings)?;
    let answer = process.ask(&Request::Hello { protocol: PROTOCOL }, &[]);
    let hello = match answer {
        Ok((Reply::Hello(hello), _)) => match hello.problem() {
            None => Ok(hello),
            Some(problem) => Err(problem),
        },
        Ok((Reply::Error { message, .. }, _)) => Err(message),
        Ok((other, _)) => Err(format!("it answered hello with {other:?}")),
        Err(message) => Err(message),
    };
    match hello {
        Ok(hello) => Ok((process, hello)),
        Err(message) => {
            process.end();
            Err(message)
        }
    }
}

/// A worker that is started again when it fails.
struct Worker {
    settings: WorkerSettings,
    hello: Hello,
    state: Mutex<State>,
}

struct State {
    process: Option<Process>,
    next_id: u64,
}

/// Why a request gave nothing.
enum Trouble {
    /// The worker said so, or its answer is a proper one that cannot be used: asking again would not help.
    Final(String),
    /// The worker failed; another may do better.
    Broken(String),
}

impl Worker {
    fn error(&self, message: &str) -> ModelError {
        ModelError::Code {
            path: self.settings.description.clone(),
            message: format!("the worker {:?}: {message}", self.hello.name),
        }
    }

    /// Asks, and asks a new worker where the old one failed.
    fn request<T>(
        &self,
        request: impl Fn(u64) -> Request,
        payload: &[u8],
        read: impl Fn(u64, Reply, Vec<u8>) -> Result<T, Trouble>,
    ) -> Result<T, ModelError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut attempt = 0;
        loop {
            let id = state.next_id;
            state.next_id += 1;
            let answer = self.running(&mut state).and_then(|process| {
                let (reply, bytes) = process.ask(&request(id), payload).map_err(Trouble::Broken)?;
                match reply {
                    Reply::Error { message, .. } => Err(Trouble::Final(message)),
                    reply => read(id, reply, bytes),
                }
            });
            let message = match answer {
                Ok(value) => return Ok(value),
                Err(Trouble::Final(message)) => return Err(self.error(&message)),
                Err(Trouble::Broken(message)) => message,
            };
            if let Some(mut process) = state.process.take() {
                process.end();
            }
            if attempt == self.settings.restarts {
                let times = attempt + 1;
                return Err(self.error(&format!(
                    "{message}; it failed {times} times on the same request\n  hint: finished parts are kept: run again once the worker is mended, and it goes on from there"
                )));
            }
            attempt += 1;
        }
    }

    /// The process, started anew where there is none; it must be the same model as before.
    fn running<'a>(&self, state: &'a mut State) -> Result<&'a mut Process, Trouble> {
        if state.process.is_none() {
            let (process, hello) = start(&self.settings).map_err(Trouble::Broken)?;
            if hello != self.hello {
                return Err(Trouble::Final(format!(
                    "after a restart it says it is another model: expected {:?}, got {hello:?}",
                    self.hello
                )));
            }
            state.process = Some(process);
        }
        state.process.as_mut().ok_or_else(|| Trouble::Final("there is no process".to_owned()))
    }

    fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError> {
        let request = |id| Request::Tokenize { id, lengths: vec![sequence.len()] };
        self.request(request, sequence.as_bytes(), |id, reply, bytes| {
            let length = match reply {
                Reply::Tokens { id: found, lengths } if found == id && lengths.len() == 1 => {
                    lengths.first().copied()
                }
                _ => None,
            };
            let Some(length) = length.filter(|length| length.checked_mul(9) == Some(bytes.len())) else {
                return Err(Trouble::Broken(format!(
                    "its answer of {} bytes does not fit one sequence's tokens",
                    bytes.len()
                )));
            };
            let (ids, special) = bytes.split_at_checked(length * 8).unwrap_or_default();
            let ids: Vec<i64> =
                ids.as_chunks::<8>().0.iter().map(|&eight| i64::from_le_bytes(eight)).collect();
            if let Some(id) = ids.iter().find(|id| **id < 0 || **id >= self.hello.vocab_size as i64) {
                return Err(Trouble::Final(format!(
                    "it tokenized a sequence to id {id}, its vocabulary has ids 0 to {}",
                    self.hello.vocab_size - 1
                )));
            }
            if ids.is_empty() {
                return Err(Trouble::Final(format!(
                    "it made no token of a sequence of {} letters",
                    sequence.len()
                )));
            }
            Ok(Tokens { ids, special: special.iter().map(|&flag| flag != 0).collect() })
        })
    }

    /// States of equally long sequences.
    ///
    /// # Shapes
    /// ids `[rows, tokens]` to `[layers, rows, tokens, hidden]`
    fn forward(&self, ids: &[i64], tokens: usize, layers: &[LayerIndex]) -> Result<Vec<f32>, ModelError> {
        let rows = ids.len() / tokens.max(1);
        let names: Vec<String> = layers.iter().map(ToString::to_string).collect();
        let shape = [layers.len(), rows, tokens, self.hello.hidden];
        let count: usize = shape.iter().product();
        let payload: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        let request = |id| Request::Forward { id, batch: rows, tokens, layers: names.clone() };
        self.request(request, &payload, |id, reply, bytes| {
            match reply {
                Reply::States { id: found, shape: got } if found == id => {
                    if got != shape || bytes.len() != count * 4 {
                        return Err(Trouble::Broken(format!(
                            "it sent states of shape {got:?} in {} bytes, expected {shape:?} in {}",
                            bytes.len(),
                            count * 4
                        )));
                    }
                }
                other => return Err(Trouble::Broken(format!("it answered forward {id} with {other:?}"))),
            }
            let values: Vec<f32> =
                bytes.as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
            match values.iter().position(|value| !value.is_finite()) {
                None => Ok(values),
                Some(at) => {
                    let layer = at / (count / layers.len().max(1)).max(1);
                    let name = names.get(layer).map_or("", String::as_str);
                    Err(Trouble::Final(format!("a state of layer {name} is not a finite number")))
                }
            }
        })
    }
}

/// The worker's model as an encoder.
struct WorkerEncoder {
    worker: Arc<Worker>,
    spec: EncoderSpec,
    kind: Kind,
    device: tch::Device,
}

impl Encoder for WorkerEncoder {
    fn spec(&self) -> &EncoderSpec {
        &self.spec
    }

    /// Equally long sequences go together, so that no padding reaches the worker.
    fn hidden_states(&self, batch: &TokenBatch, layers: &[LayerIndex]) -> Result<HiddenStates, ModelError> {
        check_batch(batch, self.worker.hello.vocab_size, self.spec.max_tokens)?;
        for layer in layers {
            if let LayerIndex::Block(number) = layer
                && *number > self.spec.n_blocks
            {
                let model = self.worker.hello.name.clone();
                return Err(ModelError::Layer {
                    asked: layer.to_string(),
                    model,
                    n_blocks: self.spec.n_blocks,
                });
            }
        }
        let asked: Vec<LayerIndex> = layers
            .iter()
            .map(|layer| layer.canonical(self.spec.n_blocks, self.spec.has_final_norm))
            .collect();
        let (n_rows, n_tokens) = batch.ids.dim();
        let hidden = self.spec.hidden;
        let mut states = vec![vec![0.0_f32; n_rows * n_tokens * hidden]; layers.len()];
        let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (row, &length) in batch.lengths.iter().enumerate() {
            by_length.entry(length).or_default().push(row);
        }
        for (length, rows) in by_length {
            let row_bytes = layers.len().saturating_mul(length).saturating_mul(hidden).saturating_mul(4);
            if row_bytes as u64 > LARGEST_PAYLOAD {
                return Err(self.worker.error(&format!(
                    "the states of one sequence of {length} tokens take {row_bytes} bytes, at most {LARGEST_PAYLOAD} fit a frame\n  hint: ask for fewer layers or use shorter windows"
                )));
            }
            for rows in rows.chunks((REPLY_BYTES / row_bytes.max(1)).max(1)) {
                let ids: Vec<i64> = rows
                    .iter()
                    .flat_map(|&row| batch.ids.row(row).iter().take(length).copied().collect::<Vec<_>>())
                    .collect();
                let values = self.worker.forward(&ids, length, &asked)?;
                // [layers, rows, tokens, hidden] into [rows of the batch, tokens of the longest, hidden] each.
                let width = length * hidden;
                for (states, values) in
                    states.iter_mut().zip(values.chunks_exact((rows.len() * width).max(1)))
                {
                    for (&row, values) in rows.iter().zip(values.chunks_exact(width.max(1))) {
                        let start = row * n_tokens * hidden;
                        if let Some(place) = states.get_mut(start..start + width) {
                            place.copy_from_slice(values);
                        }
                    }
                }
            }
        }
        let sizes = [n_rows as i64, n_tokens as i64, hidden as i64];
        let mut found = Vec::with_capacity(layers.len());
        for (&layer, values) in layers.iter().zip(&states) {
            let tensor = Tensor::f_from_slice(values)?.f_reshape(sizes)?;
            found.push((layer, tensor.f_to_device_(self.device, self.kind, false, false)?));
        }
        Ok(HiddenStates { layers: found })
    }
}

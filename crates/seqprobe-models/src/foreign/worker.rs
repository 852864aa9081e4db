//! A model in another process, in any language and framework, over frames on standard input and output. A worker that
//! dies, stops answering or sends invalid data is ended, started again, and asked again.
//!
//! `worker/PROTOCOL.md` of this crate specifies the protocol; `worker/seqprobe_worker.py` is the Python side.

mod error;
mod frames;
mod limits;
mod process;
mod settings;

pub(crate) use settings::WorkerSettings;

use crate::batch::{TokenBatch, Tokens};
use crate::encoder::{Encoder, EncoderSpec, HiddenStates};
use crate::error::ModelError;
use crate::layers::packing::check_batch;
use crate::model::{FrozenModel, LoadOptions};
use error::WorkerError;
use frames::{Hello, Reply, Request};
use limits::{MAX_PAYLOAD, PROTOCOL};
use process::Process;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{DnaSequence, LayerIndex};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tch::{Kind, Tensor};

/// Raised whenever a worker's answers would be read differently. It is part of every cache key.
const VERSION: u32 = 1;

/// Bytes of states that are requested at a time, unless a single sequence needs more.
const REPLY_BYTES: usize = 1 << 28;

/// Starts a worker and requests the description of its model.
///
/// # Errors
/// [`ModelError::Code`] if it cannot be started or does not follow the protocol.
pub(crate) fn load(settings: WorkerSettings, options: LoadOptions) -> Result<FrozenModel, ModelError> {
    let started = start(&settings);
    let (process, hello) = started.map_err(|error| ModelError::Code {
        path: settings.manifest.clone(),
        message: format!("the worker {:?}: {error}", settings.command.join(" ")),
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
    digest.part(options.precision.digest_text().as_bytes());
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

fn start(settings: &WorkerSettings) -> Result<(Process, Hello), WorkerError> {
    let mut process = Process::start(settings)?;
    let answer = process.ask(&Request::Hello { protocol: PROTOCOL }, &[]);
    let hello = match answer {
        Ok((Reply::Hello(hello), _)) => hello.check().map(|()| hello).map_err(WorkerError::from),
        Ok((Reply::Error { message, .. }, _)) => Err(WorkerError::Reported(message)),
        Ok((other, _)) => {
            Err(WorkerError::WrongReply { request: "hello".to_owned(), reply: format!("{other:?}") })
        }
        Err(error) => Err(error),
    };
    match hello {
        Ok(hello) => Ok((process, hello)),
        Err(error) => {
            process.end();
            Err(error)
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

/// Why a request has no result.
enum Failed {
    /// The worker reported an error, or its valid answer cannot be used: another attempt would fail too.
    Final(WorkerError),
    /// The worker failed; a new process may succeed.
    Passing(WorkerError),
}

impl Worker {
    fn error(&self, error: &WorkerError) -> ModelError {
        ModelError::Code {
            path: self.settings.manifest.clone(),
            message: format!("the worker {:?}: {error}", self.hello.name),
        }
    }

    /// Sends a request, and sends it to a new process if the old one failed.
    fn request<T>(
        &self,
        request: impl Fn(u64) -> Request,
        payload: &[u8],
        read: impl Fn(u64, Reply, Vec<u8>) -> Result<T, Failed>,
    ) -> Result<T, ModelError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut attempt = 0;
        loop {
            let id = state.next_id;
            state.next_id += 1;
            let answer = self.running(&mut state).and_then(|process| {
                let (reply, bytes) = process.ask(&request(id), payload).map_err(Failed::Passing)?;
                match reply {
                    Reply::Error { message, .. } => Err(Failed::Final(WorkerError::Reported(message))),
                    reply => read(id, reply, bytes),
                }
            });
            let last = match answer {
                Ok(value) => return Ok(value),
                Err(Failed::Final(error)) => return Err(self.error(&error)),
                Err(Failed::Passing(error)) => error,
            };
            if let Some(mut process) = state.process.take() {
                process.end();
            }
            if attempt == self.settings.restarts {
                return Err(self.error(&WorkerError::GivenUp { last: Box::new(last), times: attempt + 1 }));
            }
            attempt += 1;
        }
    }

    /// Returns the process, started again if there is none. It must have the same model as before.
    fn running<'a>(&self, state: &'a mut State) -> Result<&'a mut Process, Failed> {
        if state.process.is_none() {
            let (process, hello) = start(&self.settings).map_err(Failed::Passing)?;
            if hello != self.hello {
                let (expected, got) = (format!("{:?}", self.hello), format!("{hello:?}"));
                return Err(Failed::Final(WorkerError::OtherModel { expected, got }));
            }
            state.process = Some(process);
        }
        state.process.as_mut().ok_or(Failed::Passing(WorkerError::Ended(None)))
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
                return Err(Failed::Passing(WorkerError::TokenBytes(bytes.len())));
            };
            let (ids, special) = bytes.split_at_checked(length * 8).unwrap_or_default();
            let ids: Vec<i64> =
                ids.as_chunks::<8>().0.iter().map(|&eight| i64::from_le_bytes(eight)).collect();
            if let Some(id) = ids.iter().find(|id| **id < 0 || **id >= self.hello.vocab_size as i64) {
                let largest = self.hello.vocab_size - 1;
                return Err(Failed::Final(WorkerError::TokenId { id: *id, largest }));
            }
            if ids.is_empty() {
                return Err(Failed::Final(WorkerError::NoToken(sequence.len())));
            }
            Ok(Tokens { ids, special: special.iter().map(|&flag| flag != 0).collect() })
        })
    }

    /// Returns the states of equally long sequences.
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
                        return Err(Failed::Passing(WorkerError::StateShape {
                            got,
                            n_bytes: bytes.len(),
                            expected: shape,
                            n_expected: count * 4,
                        }));
                    }
                }
                other => {
                    let (request, reply) = (format!("forward {id}"), format!("{other:?}"));
                    return Err(Failed::Passing(WorkerError::WrongReply { request, reply }));
                }
            }
            let values: Vec<f32> =
                bytes.as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
            match values.iter().position(|value| !value.is_finite()) {
                None => Ok(values),
                Some(at) => {
                    let layer = at / (count / layers.len().max(1)).max(1);
                    let layer = names.get(layer).cloned().unwrap_or_default();
                    Err(Failed::Final(WorkerError::NotFinite { layer }))
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

    /// Equally long sequences are sent together, so that the worker gets no padding.
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
            if row_bytes as u64 > MAX_PAYLOAD {
                let error = WorkerError::TooManyStates { tokens: length, n_bytes: row_bytes };
                return Err(self.worker.error(&error));
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

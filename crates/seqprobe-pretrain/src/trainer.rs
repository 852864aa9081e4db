//! The training loop: steps, rows of the loss table, checkpoints, and the finished folder.

use crate::batches::{Batch, Batches, Masking};
use crate::checkpoint::{self, State};
use crate::config::{PretrainConfig, StoredPrecision, TrainingPrecision};
use crate::corpus::{Corpus, CorpusReport, Places};
use crate::counts::{CountModel, Flanks};
use crate::error::PretrainError;
use crate::evaluate::{Loss, count_loss, loss_of, spread, weighted_loss};
use crate::optimiser::Optimiser;
use crate::output::OutputFolder;
use crate::schedule::rate;
use seqprobe_core::{Digest, Seed};
use seqprobe_models::config_file::ConfigFile;
use seqprobe_models::training::{TrainableModel, new_vocabulary};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Instant;
use tch::{Device, Kind, Tensor};

/// How to run.
pub struct Options<'a> {
    /// Folder for the model; made where it is absent.
    pub out: &'a Path,
    /// Where data files and cards are looked for.
    pub places: Places,
    /// Device to compute on.
    pub device: Device,
    /// The command, for the model card.
    pub command: String,
    /// Threads of libtorch, for the model card: the caller has set them.
    pub threads: usize,
}

/// A row of the loss table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Steps done.
    pub step: u64,
    /// Tokens read.
    pub tokens: u64,
    /// Mean training loss since the row before, weighted as in training, bits per target.
    pub train_bits: Option<f64>,
    /// Validation loss.
    pub valid: Loss,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Tokens per second since this process began.
    pub tokens_per_second: Option<f64>,
}

/// What is told while it runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// Something is done that takes a while.
    Doing(&'a str),
    /// The corpus is read.
    Corpus(&'a CorpusReport),
    /// The run goes on from a checkpoint, after this many steps.
    Resumed(u64),
    /// A row of the loss table.
    Row {
        /// The row.
        row: &'a Row,
        /// Steps in all.
        steps: u64,
        /// Seconds left at the present speed.
        seconds_left: Option<f64>,
    },
    /// A checkpoint was written.
    Checkpoint {
        /// Steps done.
        step: u64,
        /// Seconds it took.
        seconds: f64,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Family of the model.
    pub family: String,
    /// Numbers in all parameters, the head's included.
    pub n_parameters: u64,
    /// Loss on all validation windows, every target hidden, unweighted, without N.
    pub valid: Loss,
    /// Losses of counting on the same bases: name and loss.
    pub counts: Vec<(String, Loss)>,
    /// Loss on the same bases with the parameters that training began with.
    pub untrained: Loss,
    /// The loss table.
    pub rows: Vec<Row>,
    /// Seconds of training, over all processes.
    pub seconds: f64,
    /// Processes that took part: one more than how often it was resumed.
    pub n_processes: u32,
    /// Tokens read in training.
    pub tokens: u64,
}

/// Trains a model and writes it to a folder; goes on where an earlier run of the same config stopped.
///
/// # Errors
/// [`PretrainError`] for a config, data or a folder that does not fit, and for a loss that is no number any more.
pub fn pretrain(
    config: &PretrainConfig,
    options: &Options<'_>,
    hear: &mut dyn FnMut(Event<'_>),
) -> Result<Outcome, PretrainError> {
    let folder = OutputFolder::open(options.out)?;
    let model_config =
        ConfigFile::from_value(config.file.clone().into(), serde_json::Value::Object(config.model.clone()))?;
    folder.write_tokenizer(new_vocabulary(&model_config)?)?;
    let seed = Seed(config.seed);
    let make = || TrainableModel::new(&model_config, seed.derive("weights"), options.device);
    let model = make()?;
    let letters = model.nucleotide_ids(options.out)?;
    let corpus = Corpus::read(config, &options.places, &mut |what| hear(Event::Doing(what)))?;
    hear(Event::Corpus(&corpus.report));
    let batches = Batches::new(&corpus, config, letters, model.objective());
    let optimiser = Optimiser::new(model.tensors(), config.training.weight_decay, config.training.clip_norm)?;
    let mut run = Run {
        config,
        options,
        corpus: &corpus,
        model,
        batches,
        optimiser,
        state: State {
            schema: 1,
            config: config.digest()?,
            corpus: Digest::of_value(&corpus.report).map_err(|error| config.error(error.to_string()))?,
            step: 0,
            seconds: 0.0,
            n_processes: 1,
            sums: (0.0, 0.0),
            rows: Vec::new(),
        },
    };
    run.resume(hear)?;
    run.train(hear)?;
    let outcome = run.outcome(&make()?, hear)?;
    folder.finish(config, &run.model, &corpus.report, &outcome, options)?;
    Ok(outcome)
}

struct Run<'a> {
    config: &'a PretrainConfig,
    options: &'a Options<'a>,
    corpus: &'a Corpus,
    model: TrainableModel,
    batches: Batches<'a>,
    optimiser: Optimiser,
    state: State,
}

impl Run<'_> {
    fn kind(&self) -> Kind {
        match self.config.training.precision {
            TrainingPrecision::F32 => Kind::Float,
            TrainingPrecision::Bf16 => Kind::BFloat16,
        }
    }

    fn resume(&mut self, hear: &mut dyn FnMut(Event<'_>)) -> Result<(), PretrainError> {
        let fresh = self.state.clone();
        let out = self.options.out;
        let refuse = |what: &str| {
            let message = format!(
                "holds a checkpoint of another run: {what}\n  hint: give another folder with --out, or remove {} to start anew",
                checkpoint::CHECKPOINT
            );
            Err(PretrainError::folder(out, message))
        };
        let found = checkpoint::read(out, self.model.tensors(), &mut self.optimiser, |state| {
            if state.schema != fresh.schema {
                return refuse(&format!("its format is {}, expected {}", state.schema, fresh.schema));
            }
            if state.config != fresh.config {
                return refuse("the config has changed");
            }
            if state.corpus != fresh.corpus {
                return refuse("the training data or what is left out of them has changed");
            }
            Ok(())
        })?;
        if let Some(state) = found {
            hear(Event::Resumed(state.step));
            self.state = State { n_processes: state.n_processes + 1, ..state };
        }
        Ok(())
    }

    fn train(&mut self, hear: &mut dyn FnMut(Event<'_>)) -> Result<(), PretrainError> {
        let training = &self.config.training;
        let masking = Masking::training(self.config);
        let some = spread(&self.corpus.valid, training.valid_windows);
        let (began, first, seconds_before) = (Instant::now(), self.state.step, self.state.seconds);
        let mut in_steps = 0.0;
        let mut written = Instant::now();
        while self.state.step < training.steps {
            let step_began = Instant::now();
            let step = self.state.step;
            let batch = self.batches.training(step, training.batch, masking);
            self.step(&batch, rate(training, step))?;
            self.state.step += 1;
            in_steps += step_began.elapsed().as_secs_f64();
            let (done, is_last) = (self.state.step, self.state.step == training.steps);
            if done.is_multiple_of(training.valid_every) || is_last {
                let network = tch::no_grad(|| self.model.network(self.kind()))?;
                let sum = loss_of(
                    &network,
                    &self.batches,
                    &some,
                    training.batch,
                    Masking::evaluation(self.config),
                    self.options.device,
                )?;
                let valid = sum.finish().ok_or_else(|| {
                    PretrainError::Corpus("the validation windows hold no base that is a target\n  hint: a larger training.valid_windows or training.mask".to_owned())
                })?;
                let (loss, weight) = std::mem::take(&mut self.state.sums);
                let speed = ((done - first) * self.tokens_of_step()) as f64 / in_steps;
                let row = Row {
                    step: done,
                    tokens: done * self.tokens_of_step(),
                    train_bits: (weight > 0.0).then(|| loss / weight),
                    valid,
                    learning_rate: rate(training, step),
                    tokens_per_second: speed.is_finite().then_some(speed),
                };
                let per_step = began.elapsed().as_secs_f64() / (done - first) as f64;
                let seconds_left = Some(per_step * (training.steps - done) as f64);
                hear(Event::Row { row: &row, steps: training.steps, seconds_left });
                self.state.rows.push(row);
            }
            if is_last || written.elapsed().as_secs_f64() >= training.checkpoint_seconds {
                self.state.seconds = seconds_before + began.elapsed().as_secs_f64();
                let writing = Instant::now();
                checkpoint::write(self.options.out, &self.state, self.model.tensors(), &self.optimiser)?;
                let seconds = writing.elapsed().as_secs_f64();
                hear(Event::Checkpoint { step: done, seconds });
                written = Instant::now();
            }
        }
        Ok(())
    }

    /// One step; nothing is changed where loss or gradient is no number.
    fn step(&mut self, batch: &Batch, rate: f64) -> Result<(), PretrainError> {
        let weight: f64 = batch.weights.iter().map(|&weight| f64::from(weight)).sum();
        if weight <= 0.0 {
            // A batch of repeats of weight 0, or of N: it has no gradient.
            self.optimiser.steps += 1;
            return Ok(());
        }
        let loss = tch::with_grad(|| -> Result<Tensor, PretrainError> {
            weighted_loss(&self.model.network(self.kind())?, batch, self.options.device)
        })?;
        // Nats are what learning rates are published for.
        let nats = loss.f_mul_scalar(std::f64::consts::LN_2)?;
        let bits = f64::try_from(&loss)?;
        if !bits.is_finite() {
            return Err(self.not_finite("the loss", bits));
        }
        let norm = self.optimiser.step(self.model.tensors(), &nats, rate)?;
        if !norm.is_finite() {
            return Err(self.not_finite("the gradient's norm", norm));
        }
        self.state.sums.0 += bits * weight;
        self.state.sums.1 += weight;
        Ok(())
    }

    fn not_finite(&self, what: &'static str, value: f64) -> PretrainError {
        let before = match self.options.out.join(checkpoint::CHECKPOINT).exists() {
            true => String::new(),
            false => " (there is none yet)".to_owned(),
        };
        PretrainError::NotFinite { what, step: self.state.step + 1, value, before }
    }

    fn tokens_of_step(&self) -> u64 {
        (self.config.training.batch * self.corpus.length) as u64
    }

    /// Losses on all validation windows: of the model as it is stored, of its beginning, of counting.
    fn outcome(
        &self,
        untrained: &TrainableModel,
        hear: &mut dyn FnMut(Event<'_>),
    ) -> Result<Outcome, PretrainError> {
        hear(Event::Doing("computing the loss on all validation windows"));
        if self.config.training.stored == StoredPrecision::F16 {
            self.model.round(Kind::Half)?;
        }
        let masking = Masking::evaluation(self.config);
        let loss = |model: &TrainableModel| -> Result<Loss, PretrainError> {
            let network = tch::no_grad(|| model.network(Kind::Float))?;
            let size = self.config.training.batch;
            let windows = &self.corpus.valid;
            let sum = loss_of(&network, &self.batches, windows, size, masking, self.options.device)?;
            sum.finish().ok_or_else(|| PretrainError::Corpus("no validation base is a target".to_owned()))
        };
        let valid = loss(&self.model)?;
        let untrained = loss(untrained)?;
        let mut counts = Vec::new();
        for (name, before, behind) in [
            ("2 + 3 flanking bases", 2, 3),
            ("5 + 5 flanking bases", 5, 5),
            ("Markov chain of order 5", 5, 0),
        ] {
            let counted = CountModel::new(self.corpus, Flanks { before, behind });
            let loss = count_loss(&counted, self.corpus, &self.batches, &self.corpus.valid, masking);
            counts.extend(loss.map(|loss| (name.to_owned(), loss)));
        }
        Ok(Outcome {
            family: self.model.family().to_owned(),
            n_parameters: self.model.n_parameters(),
            valid,
            counts,
            untrained,
            rows: self.state.rows.clone(),
            seconds: self.state.seconds,
            n_processes: self.state.n_processes,
            tokens: self.state.step * self.tokens_of_step(),
        })
    }
}

//! The training loop: steps, rows of the loss table, checkpoints, and the finished folder.

use crate::batches::{Batch, Batches, Masking};
use crate::checkpoint::{self, State};
use crate::config::{PretrainConfig, StoredPrecision, TrainingPrecision};
use crate::corpus::Corpus;
use crate::counts::{CountModel, Flanks};
use crate::error::PretrainError;
use crate::evaluate::{Loss, count_loss, loss_of, spread, weighted_loss};
use crate::optimiser::TensorOptimiser;
use crate::outcome::{Event, LossRow, Options, PretrainOutcome};
use crate::output::OutputFolder;
use crate::schedule::rate;
use seqprobe_core::{Digest, Seed};
use seqprobe_models::config_file::ConfigFile;
use seqprobe_models::training::{TrainableModel, new_vocabulary};
use std::time::Instant;
use tch::{Kind, Tensor};

/// Trains a model and writes it to a folder. An interrupted run of the same config is resumed.
///
/// # Errors
/// [`PretrainError`] for a config, data or a folder that cannot be used, and for a loss that is not finite.
pub fn pretrain(
    config: &PretrainConfig,
    options: &Options<'_>,
    report_event: &mut dyn FnMut(Event<'_>),
) -> Result<PretrainOutcome, PretrainError> {
    let folder = OutputFolder::open(options.out)?;
    let model_config =
        ConfigFile::from_value(config.file.clone().into(), serde_json::Value::Object(config.model.clone()))?;
    folder.write_tokenizer(new_vocabulary(&model_config)?)?;
    let seed = Seed(config.seed);
    let make = || TrainableModel::new(&model_config, seed.derive("weights"), options.device);
    let model = make()?;
    let letters = model.nucleotide_ids(options.out)?;
    let corpus = Corpus::read(config, &options.places, &mut |what| report_event(Event::Doing(what)))?;
    report_event(Event::Corpus(&corpus.report));
    let batches = Batches::new(&corpus, config, letters, model.objective());
    let optimiser =
        TensorOptimiser::new(model.tensors(), config.training.weight_decay, config.training.clip_norm)?;
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
    run.resume(report_event)?;
    run.train(report_event)?;
    let outcome = run.outcome(&make()?, report_event)?;
    folder.finish(config, &run.model, &corpus.report, &outcome, options)?;
    Ok(outcome)
}

struct Run<'a> {
    config: &'a PretrainConfig,
    options: &'a Options<'a>,
    corpus: &'a Corpus,
    model: TrainableModel,
    batches: Batches<'a>,
    optimiser: TensorOptimiser,
    state: State,
}

impl Run<'_> {
    fn kind(&self) -> Kind {
        match self.config.training.precision {
            TrainingPrecision::F32 => Kind::Float,
            TrainingPrecision::Bf16 => Kind::BFloat16,
        }
    }

    fn resume(&mut self, report_event: &mut dyn FnMut(Event<'_>)) -> Result<(), PretrainError> {
        let fresh = self.state.clone();
        let out = self.options.out;
        let refuse = |what: &str| {
            let message = format!(
                "holds a checkpoint of another run: {what}\n  hint: give another folder with --out, or remove \
                 {} to start again",
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
                return refuse("the training data, or the windows left out of them, have changed");
            }
            Ok(())
        })?;
        if let Some(state) = found {
            report_event(Event::Resumed(state.step));
            self.state = State { n_processes: state.n_processes + 1, ..state };
        }
        Ok(())
    }

    fn train(&mut self, report_event: &mut dyn FnMut(Event<'_>)) -> Result<(), PretrainError> {
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
                    PretrainError::Corpus(
                        "the validation windows have no masked base\n  hint: increase \
                     training.valid_windows or training.mask"
                            .to_owned(),
                    )
                })?;
                let (loss, weight) = std::mem::take(&mut self.state.sums);
                let speed = ((done - first) * self.tokens_of_step()) as f64 / in_steps;
                let row = LossRow {
                    step: done,
                    tokens: done * self.tokens_of_step(),
                    train_bits: (weight > 0.0).then(|| loss / weight),
                    valid,
                    learning_rate: rate(training, step),
                    tokens_per_second: speed.is_finite().then_some(speed),
                };
                let per_step = began.elapsed().as_secs_f64() / (done - first) as f64;
                let seconds_left = Some(per_step * (training.steps - done) as f64);
                report_event(Event::Row { row: &row, steps: training.steps, seconds_left });
                self.state.rows.push(row);
            }
            if is_last || written.elapsed().as_secs_f64() >= training.checkpoint_seconds {
                self.state.seconds = seconds_before + began.elapsed().as_secs_f64();
                let writing = Instant::now();
                checkpoint::write(self.options.out, &self.state, self.model.tensors(), &self.optimiser)?;
                let seconds = writing.elapsed().as_secs_f64();
                report_event(Event::Checkpoint { step: done, seconds });
                written = Instant::now();
            }
        }
        Ok(())
    }

    /// Takes one step. Nothing changes if the loss or the gradient is not finite.
    fn step(&mut self, batch: &Batch, rate: f64) -> Result<(), PretrainError> {
        let weight: f64 = batch.weights.iter().map(|&weight| f64::from(weight)).sum();
        if weight <= 0.0 {
            // All bases are N, or repeats of weight 0: there is no gradient.
            self.optimiser.adam.steps += 1;
            return Ok(());
        }
        let loss = tch::with_grad(|| -> Result<Tensor, PretrainError> {
            weighted_loss(&self.model.network(self.kind())?, batch, self.options.device)
        })?;
        // Published learning rates are for losses in nats.
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

    /// Losses on all validation windows: of the model as stored, of its initial parameters, and of counting.
    fn outcome(
        &self,
        untrained: &TrainableModel,
        report_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<PretrainOutcome, PretrainError> {
        report_event(Event::Doing("computing the loss on all validation windows"));
        if self.config.training.stored == StoredPrecision::F16 {
            self.model.round(Kind::Half)?;
        }
        let masking = Masking::evaluation(self.config);
        let loss = |model: &TrainableModel| -> Result<Loss, PretrainError> {
            let network = tch::no_grad(|| model.network(Kind::Float))?;
            let size = self.config.training.batch;
            let windows = &self.corpus.valid;
            let sum = loss_of(&network, &self.batches, windows, size, masking, self.options.device)?;
            sum.finish().ok_or_else(|| {
                PretrainError::Corpus("no base of the validation windows is masked".to_owned())
            })
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
        Ok(PretrainOutcome {
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

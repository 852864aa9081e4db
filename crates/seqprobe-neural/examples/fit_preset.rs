//! Fits a preset to features from a file of raw numbers, and prints the time and the validation loss: one side of the
//! comparison in `benchmarks/peers/cnn_pytorch.py`, which writes the file. To use seqprobe, run the program instead.
//!
//! `fit_preset FILE PRESET TRAIN VALID TOKENS DIM EPOCHS THREADS SEEDS`; the file contains, in little-endian `f32`,
//! `[TRAIN + VALID, TOKENS, DIM]` features and then as many targets. With one seed, libtorch gets all threads; with
//! more, seeds run in parallel with one thread each.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark's driver")]

use ndarray::Array2;
use seqprobe_core::{
    FeatureError, FeatureKind, FeatureSource, FeatureView, LabelledView, Probe, Seed, Targets, Task, TaskKind,
};
use seqprobe_neural::{CnnProbe, PresetProbe, preset};
use std::sync::Mutex;
use std::time::Instant;

struct Rows {
    values: Vec<f32>,
    rows: usize,
    tokens: usize,
    dim: usize,
}

impl FeatureSource for Rows {
    fn n_rows(&self) -> usize {
        self.rows
    }

    fn dim(&self) -> usize {
        self.dim
    }

    fn kind(&self) -> FeatureKind {
        FeatureKind::Tokens
    }

    fn length(&self, _: usize) -> usize {
        self.tokens
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        let size = self.tokens * self.dim;
        rows.iter().for_each(|&row| out.extend_from_slice(&self.values[row * size..(row + 1) * size]));
        Ok(())
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| arguments[index].parse::<usize>().unwrap();
    let (train, valid, tokens, dim) = (number(2), number(3), number(4), number(5));
    let (epochs, threads, seeds) = (number(6), number(7), number(8));
    let bytes = std::fs::read(&arguments[0]).unwrap();
    let mut values: Vec<f32> =
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    drop(bytes);
    let rows = train + valid;
    let targets = values.split_off(rows * tokens * dim);
    let source = Rows { values, rows, tokens, dim };
    let targets = |range: std::ops::Range<usize>| Targets::Values {
        values: Array2::from_shape_fn((range.len(), 1), |(row, _)| {
            Some(f64::from(targets[range.start + row]))
        }),
    };
    let targets = [targets(0..train), targets(train..rows)];
    let task = Task { kind: TaskKind::Regression, targets: vec!["y".to_owned()], classes: Vec::new() };
    let probe: Box<dyn Probe> = match preset::find(&arguments[1]) {
        Some(preset) => {
            let mut probe = PresetProbe::new(preset);
            (probe.training.max_epochs, probe.training.patience) = (epochs, epochs);
            probe.memory_budget_bytes = usize::MAX;
            Box::new(probe)
        }
        None => {
            let mut probe = CnnProbe::default();
            (probe.settings.training.max_epochs, probe.settings.training.patience) = (epochs, epochs);
            probe.memory_budget_bytes = usize::MAX;
            Box::new(probe)
        }
    };
    let indices: [Vec<usize>; 2] = [(0..train).collect(), (train..rows).collect()];
    let fit = |seed: u64| {
        let view = |part: usize| LabelledView {
            features: FeatureView::new(&source, &indices[part]).unwrap(),
            targets: &targets[part],
            groups: None,
        };
        let fit = probe.fit(&task, view(0), view(1), Seed(seed)).unwrap();
        fit.report.validation_loss.unwrap()
    };
    let started = Instant::now();
    let losses = if seeds == 1 {
        tch::set_num_threads(threads as i32);
        vec![fit(0)]
    } else {
        tch::set_num_threads(1);
        let (next, losses) = (Mutex::new(0..seeds as u64), Mutex::new(vec![0.0; seeds]));
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let Some(seed) = next.lock().unwrap().next() else { break };
                        let loss = fit(seed);
                        losses.lock().unwrap()[seed as usize] = loss;
                    }
                });
            }
        });
        losses.into_inner().unwrap()
    };
    let seconds = started.elapsed().as_secs_f64();
    println!("{}", serde_json::json!({ "seconds": seconds, "validation_loss": losses }));
}

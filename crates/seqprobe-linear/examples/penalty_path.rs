//! One fit of the linear probe on numbers from files, timed: the side of seqprobe in
//! `benchmarks/peers/linear_scikit.py`, which writes the files and says what they hold.
//!
//! ```text
//! penalty_path FOLDER logistic|ridge ROWS COLUMNS PENALTY,PENALTY,…
//! ```
//!
//! The first ROWS rows are train, the rest validation. Prints JSON: the seconds of `LinearProbe::fit` with
//! standardisation and choice, those of the processor, the penalty chosen, and for logistic the model at each penalty.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for one script, which reads its output"
)]

use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2, Axis, s};
use seqprobe_core::{
    FeatureError, FeatureKind, FeatureSource, FeatureView, LabelledView, Probe, Seed, Targets, Task, TaskKind,
};
use seqprobe_linear::{ClassLabels, LinearProbe, LogisticPath};
use std::path::Path;
use std::time::Instant;

struct Memory(Array2<f32>);

impl FeatureSource for Memory {
    fn n_rows(&self) -> usize {
        self.0.nrows()
    }

    fn dim(&self) -> usize {
        self.0.ncols()
    }

    fn kind(&self) -> FeatureKind {
        FeatureKind::Pooled
    }

    fn length(&self, _row: usize) -> usize {
        1
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        for &row in rows {
            out.extend_from_slice(self.0.row(row).as_slice().unwrap());
        }
        Ok(())
    }
}

fn bytes(folder: &str, name: &str) -> Vec<u8> {
    std::fs::read(Path::new(folder).join(name)).unwrap()
}

fn doubles(folder: &str, name: &str) -> Vec<f64> {
    bytes(folder, name).as_chunks::<8>().0.iter().map(|value| f64::from_le_bytes(*value)).collect()
}

/// Processor time of all threads so far, to 0.01 s; only on Linux.
fn processor_seconds() -> Option<f64> {
    let line = std::fs::read_to_string("/proc/self/stat").ok()?;
    let after_name = line.rsplit(')').next()?;
    let fields: Vec<f64> =
        after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse().ok()).collect();
    Some(fields.iter().sum::<f64>() / 100.0)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, what, rows, columns, penalties] = &arguments[..] else {
        panic!("usage: penalty_path FOLDER logistic|ridge ROWS COLUMNS PENALTIES");
    };
    let (rows, columns): (usize, usize) = (rows.parse().unwrap(), columns.parse().unwrap());
    let penalties: Vec<f64> = penalties.split(',').map(|text| text.parse().unwrap()).collect();
    let features: Vec<f32> = bytes(folder, "features.f32")
        .as_chunks::<4>()
        .0
        .iter()
        .map(|value| f32::from_le_bytes(*value))
        .collect();
    let n_all = features.len() / columns;
    let source = Memory(Array2::from_shape_vec((n_all, columns), features).unwrap());
    let is_ridge = what == "ridge";
    let (kind, targets) = if is_ridge {
        let values: Vec<Option<f64>> = doubles(folder, "values.f64").into_iter().map(Some).collect();
        (
            TaskKind::Regression,
            Targets::Values { values: Array2::from_shape_vec((n_all, 1), values).unwrap() },
        )
    } else {
        let labels = doubles(folder, "labels.f64").into_iter().map(|label| label as u32).collect();
        (TaskKind::Binary, Targets::Classes { labels, n_classes: 2 })
    };
    let task = Task { kind, targets: vec!["t".into()], classes: vec!["0".into(), "1".into()] };
    let (train, valid): (Vec<usize>, Vec<usize>) = ((0..rows).collect(), (rows..n_all).collect());
    let (train_targets, valid_targets) = (targets.select(&train), targets.select(&valid));
    let probe = LinearProbe { penalties: penalties.clone(), ..LinearProbe::default() };
    let (started, processor) = (Instant::now(), processor_seconds());
    let fit = probe.fit(
        &task,
        LabelledView {
            features: FeatureView::new(&source, &train).unwrap(),
            targets: &train_targets,
            groups: None,
        },
        LabelledView {
            features: FeatureView::new(&source, &valid).unwrap(),
            targets: &valid_targets,
            groups: None,
        },
        Seed(0),
    );
    let seconds = started.elapsed().as_secs_f64();
    let processor = processor_seconds().zip(processor).map(|(after, before)| after - before);
    let report = fit.unwrap().report;
    let mut models = Vec::new();
    if let Targets::Classes { labels, .. } = &train_targets {
        let x = source.0.slice(s![..rows, ..]).mapv(f64::from);
        let means = x.mean_axis(Axis(0)).unwrap();
        let x = (&x - &means) / x.std_axis(Axis(0), 0.0);
        let labels =
            ClassLabels { labels: labels.iter().map(|&label| label as usize).collect(), n_classes: 2 };
        for model in LogisticPath::new(penalties).fit(&DatasetBase::new(x, labels)).unwrap() {
            let weights: Array1<f64> = model.weights.row(0).to_owned();
            models.push(serde_json::json!({
                "weights": weights.to_vec(), "intercept": model.intercepts[0], "converged": model.converged,
                "iterations": model.iterations, "gradient_norm": model.gradient_norm,
            }));
        }
    }
    let chosen: f64 = report.chosen["penalty"].parse().unwrap();
    println!(
        "{}",
        serde_json::json!({ "seconds": seconds, "processor": processor, "chosen": chosen, "models": models })
    );
}

//! One path of the lasso or of L1 logistic regression on numbers from files, timed: the side of seqprobe in
//! `benchmarks/peers/lasso_scikit.py`, which writes the files and says what they hold.
//!
//! ```text
//! sparse_path FOLDER lasso|logistic ROWS COLUMNS TOLERANCE PENALTY,PENALTY,…
//! ```
//!
//! Prints JSON: the seconds of the path, and the model at each penalty.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for one script, which reads its output"
)]

use ndarray::Array2;
use seqprobe_linear::{ElasticNetPath, PenaltyPath};
use std::path::Path;
use std::time::Instant;

fn doubles(folder: &str, name: &str) -> Vec<f64> {
    let bytes = std::fs::read(Path::new(folder).join(name)).unwrap();
    bytes.as_chunks::<8>().0.iter().map(|value| f64::from_le_bytes(*value)).collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, what, rows, columns, tolerance, penalties] = &arguments[..] else {
        panic!("usage: sparse_path FOLDER lasso|logistic ROWS COLUMNS TOLERANCE PENALTIES");
    };
    let shape: (usize, usize) = (rows.parse().unwrap(), columns.parse().unwrap());
    let features = Array2::from_shape_vec(shape, doubles(folder, "features.f64")).unwrap();
    let values = doubles(folder, "values.f64");
    let labels: Vec<bool> = doubles(folder, "labels.f64").into_iter().map(|label| label > 0.5).collect();
    let path = ElasticNetPath {
        l1_ratio: 1.0,
        penalties: PenaltyPath::Given(penalties.split(',').map(|text| text.parse().unwrap()).collect()),
        tolerance: tolerance.parse().unwrap(),
    };
    let started = Instant::now();
    let fitted = match what.as_str() {
        "logistic" => path.fit_classes(&features, &labels),
        _ => path.fit_values(&features, &values),
    };
    let seconds = started.elapsed().as_secs_f64();
    let models: Vec<serde_json::Value> = fitted
        .unwrap()
        .iter()
        .map(|model| {
            serde_json::json!({
                "weights": model.weights.to_vec(), "intercept": model.intercept, "converged": model.converged,
                "iterations": model.iterations, "duality_gap": model.duality_gap,
            })
        })
        .collect();
    println!("{}", serde_json::json!({ "seconds": seconds, "models": models }));
}

//! The regression gate and the comparison of runs, on small run folders with known predictions.

mod accept;
mod check;
mod compare;
mod refused;

use crate::sample;
use seqprobe_core::{Seed, TaskKind};
use seqprobe_report::record::{
    CellId, CellRecord, EstimateRecord, Role, RunRecord, ScoreValue, ScoredTarget, Status,
};
use seqprobe_report::{
    CellPredictions, GateOptions, GateReport, Outcome, OutputName, ReportError, RunComparison,
    SeedPredictions, SplitPredictions, accept, check, compare_runs, read_baseline, write_run,
};
use seqprobe_stats::{Resampling, Truth, compare, metric};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const N: usize = 60;
const DATASET: &str = "gue-tf-0";

/// True values of the examples: every second one is positive.
fn label(row: usize) -> bool {
    row.is_multiple_of(2)
}

/// Probabilities that separate the classes by `skill`, with noise that differs between cells.
fn probabilities(skill: f64, noise: usize) -> Vec<f64> {
    let spread = |row: usize| ((row * 7919 + noise * 104_729) % 1009) as f64 / 1009.0 - 0.5;
    (0..N).map(|row| 0.5 + skill * (f64::from(u8::from(label(row))) - 0.5) + 0.4 * spread(row)).collect()
}

fn output(name: &str) -> OutputName {
    OutputName { target: "label".to_owned(), output: name.to_owned() }
}

fn of_cell(cell: &CellId, seeds: &[Vec<f64>]) -> CellPredictions {
    let seeds = seeds.iter().zip(0..).map(|(values, seed)| SeedPredictions { seed, values: values.clone() });
    let split = SplitPredictions {
        split: "test".to_owned(),
        example_ids: (0..N).map(|row| format!("test:{row}")).collect(),
        truth: (0..N).map(|row| Some(f64::from(u8::from(label(row))))).collect(),
        seeds: seeds.collect(),
        clusters: None,
    };
    CellPredictions { cell: cell.clone(), outputs: vec![output("1")], splits: vec![split] }
}

/// A run with its predictions, one per cell with a score.
#[derive(Clone)]
struct Run {
    record: RunRecord,
    predictions: Vec<CellPredictions>,
}

fn cell(representation: &str, value: ScoreValue) -> CellRecord {
    let id = sample::id(DATASET, representation, ("-", "-"), "linear");
    sample::cell(id, Role::Baseline, ("auroc", value.clone()), ("mcc", value))
}

impl Run {
    /// Three cells with the same skill.
    fn new() -> Self {
        Self::with_skills([0.1, 0.1, 0.1])
    }

    fn with_skills(skills: [f64; 3]) -> Self {
        let names = ["kmer-4", "onehot", "kmer-2"];
        let mut record = sample::run();
        record.suite = "gate".to_owned();
        record.datasets = vec![sample::dataset(DATASET, TaskKind::Binary, "auroc")];
        (record.verdicts, record.diagnostics, record.ranks) = (Vec::new(), Vec::new(), None);
        record.warnings = Vec::new();
        record.cells = Vec::new();
        let mut predictions = Vec::new();
        for (place, (name, skill)) in names.into_iter().zip(skills).enumerate() {
            let values = probabilities(skill, place);
            let labels: Vec<bool> = (0..N).map(label).collect();
            let auroc = metric("auroc").unwrap().score(&Truth::Binary(&labels), &values).unwrap();
            record.cells.push(cell(name, sample::estimate(auroc, auroc - 0.05, auroc + 0.05)));
            predictions.push(of_cell(&record.cells[place].id, &[values]));
        }
        Self { record, predictions }
    }

    fn write(&self, folder: &Path) {
        write_run(folder, &self.record, &self.predictions).unwrap();
    }

    fn value(&mut self, place: usize) -> &mut ScoreValue {
        let scores = &mut self.record.cells[place].scores;
        &mut scores.iter_mut().find(|score| score.primary && score.split.as_str() == "test").unwrap().value
    }
}

/// A folder with the accepted run in `a` and its baseline, and what accepting it returned.
struct Gate {
    folder: tempfile::TempDir,
    changes: Vec<String>,
    n_cells: usize,
    predictions_bytes: Option<u64>,
}

impl Gate {
    fn new(run: &Run) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        run.write(&path("a"));
        let accepted = accept(&path("a"), &path("gate.toml"), 0.01, "the \"first\"").unwrap();
        let predictions_bytes = accepted.predictions_bytes;
        Self { folder, changes: accepted.changes, n_cells: accepted.n_cells, predictions_bytes }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn predictions(&self) -> Result<Option<BTreeMap<CellId, CellPredictions>>, ReportError> {
        read_baseline(&self.path("gate.toml")).map(|open| open.predictions)
    }

    /// The reason why the baseline is refused.
    fn refused(&self) -> String {
        read_baseline(&self.path("gate.toml")).unwrap_err().to_string()
    }

    fn check(&self, run: &Run, options: GateOptions) -> Result<GateReport, ReportError> {
        run.write(&self.path("b"));
        let baseline = read_baseline(&self.path("gate.toml")).unwrap();
        check(&self.path("b"), &self.path("gate.toml"), &baseline, options)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path("gate.toml")).unwrap()
    }

    fn without_predictions(&self) {
        fs::remove_file(self.path("gate.predictions.parquet")).unwrap();
    }
}

fn options() -> GateOptions {
    GateOptions::default()
}

fn outcomes(report: &GateReport) -> Vec<Outcome> {
    report.cells.iter().map(|cell| cell.outcome).collect()
}

fn delta(value: Option<&ScoreValue>) -> &EstimateRecord {
    match value {
        Some(ScoreValue::Estimate(estimate)) => estimate,
        other => panic!("no estimate: {other:?}"),
    }
}

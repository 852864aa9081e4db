//! The regression gate and the comparison of runs, on small run folders with known predictions.

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

#[test]
fn accepting_writes_one_line_per_cell_in_a_fixed_order() {
    let mut run = Run::new();
    *run.value(0) = sample::estimate(0.75, 0.5, 0.875);
    *run.value(1) = ScoreValue::PointOnly { point: 0.625, reason: "few examples".to_owned() };
    *run.value(2) = ScoreValue::Undefined { reason: "one class".to_owned() };
    run.predictions.truncate(2);
    let gate = Gate::new(&run);
    assert_eq!(gate.n_cells, 2);
    assert_eq!(
        gate.changes,
        [
            "new: gue-tf-0/kmer-4/-/-/-/linear/1: auroc 0.7500",
            "new: gue-tf-0/onehot/-/-/-/linear/1: auroc 0.6250"
        ]
    );
    let bytes = fs::read(gate.path("gate.predictions.parquet")).unwrap();
    assert_eq!(gate.predictions_bytes, Some(bytes.len() as u64));
    let text = gate.text();
    let digest = seqprobe_core::Digest::of_bytes(&bytes).to_string();
    insta::assert_snapshot!(text.replace(&digest, "[digest]"), @r#"
# Written by `seqprobe accept`; intervals are at level 0.95.
schema = 1
suite = "gate"
reason = "the \"first\""
program = "0.1.0"
commit = "8d6a472c"
margin = 0.01
predictions = { file = "gate.predictions.parquet", digest = "[digest]" }
cells = [
  { dataset = "gue-tf-0", representation = "kmer-4", variant = "-", layer = "-", pooling = "-", probe = "linear", fraction = "1", target = "label", metric = "auroc", point = 0.75, lower = 0.5, upper = 0.875, n = 1000, seeds = 1 },
  { dataset = "gue-tf-0", representation = "onehot", variant = "-", layer = "-", pooling = "-", probe = "linear", fraction = "1", target = "label", metric = "auroc", point = 0.625, n = 1000, seeds = 1 },
]
"#);
    let open = read_baseline(&gate.path("gate.toml")).unwrap();
    let ids: Vec<CellId> = open.baseline.cells.iter().map(|cell| cell.id()).collect();
    assert_eq!(ids, [run.record.cells[0].id.clone(), run.record.cells[1].id.clone()]);
    assert_eq!((open.baseline.cells[0].lower, open.baseline.cells[1].lower), (Some(0.5), None));
}

#[test]
fn predictions_come_back_as_32_bit_numbers_with_their_examples() {
    let mut run = Run::new();
    let seeds = [probabilities(0.3, 5), probabilities(0.2, 6)];
    run.predictions[1] = of_cell(&run.record.cells[1].id, &seeds);
    // The third cell has other outputs, missing true values and clusters, and so a table of examples of its own.
    let third = &mut run.predictions[2];
    third.outputs = vec![output("a"), output("b")];
    let split = &mut third.splits[0];
    split.truth = (0..2 * N).map(|at| (at % 5 != 0).then_some((at % 3) as f64)).collect();
    split.clusters = Some((0..N as u32).map(|row| row / 3).collect());
    split.seeds[0].values = [probabilities(0.3, 7), probabilities(0.3, 8)].concat();
    let gate = Gate::new(&run);
    let read = gate.predictions().unwrap().unwrap();
    assert_eq!(read.len(), 3);
    for given in &run.predictions {
        let mut expected = given.clone();
        for seed in &mut expected.splits[0].seeds {
            seed.values.iter_mut().for_each(|value| *value = f64::from(*value as f32));
        }
        assert_eq!(read[&given.cell], expected);
    }
}

#[test]
fn examples_of_several_cells_are_stored_once() {
    let size = |run: &Run| Gate::new(run).predictions_bytes.unwrap();
    let shared = Run::new();
    let change = |with: fn(&mut SplitPredictions)| {
        let mut run = shared.clone();
        with(&mut run.predictions[2].splits[0]);
        size(&run)
    };
    let alone = size(&shared);
    let renamed = change(|split| split.example_ids = (0..N).map(|row| format!("test:{}", row + 1)).collect());
    let relabelled =
        change(|split| split.truth = (0..N).map(|row| Some(f64::from(u8::from(!label(row))))).collect());
    let clustered = change(|split| split.clusters = Some((0..N as u32).collect()));
    for other in [renamed, relabelled, clustered] {
        assert!(other > alone + 200, "{other} against {alone}");
    }
    let mut named = shared.clone();
    named.predictions[2].outputs = vec![output("yes")];
    assert!(size(&named) > alone + 200);
}

#[test]
fn predictions_of_more_than_two_megabytes_are_left_out() {
    // Random numbers of 24 bits take a little more than three bytes each.
    let mut word = 1_u64;
    let mut random = || {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (word >> 40) as f64 / (1_u64 << 24) as f64
    };
    let mut with_seeds = |n_seeds: usize| {
        let mut run = Run::new();
        let seeds: Vec<Vec<f64>> = (0..n_seeds).map(|_| (0..N).map(|_| random()).collect()).collect();
        run.predictions[0] = of_cell(&run.record.cells[0].id, &seeds);
        (Gate::new(&run), run)
    };
    let (gate, _) = with_seeds(7_000);
    assert!(gate.predictions_bytes.is_some_and(|bytes| bytes > 1_100_000), "{:?}", gate.predictions_bytes);
    let (gate, run) = with_seeds(12_000);
    assert_eq!(gate.predictions_bytes, None);
    assert!(!gate.path("gate.predictions.parquet").exists() && !gate.text().contains("predictions ="));
    assert!(!gate.check(&run, options()).unwrap().paired);
}

#[test]
fn an_unchanged_run_leaves_the_gate_open() {
    let run = Run::new();
    let gate = Gate::new(&run);
    let report = gate.check(&run, options()).unwrap();
    assert_eq!(outcomes(&report), [Outcome::Unchanged; 3]);
    assert!(report.is_open() && report.paired && !report.exact && !report.lenient);
    assert_eq!((report.suite.as_str(), report.margin), ("gate", 0.01));
    for cell in &report.cells {
        assert_eq!((cell.accepted, cell.p_adjusted), (cell.current, Some(1.0)));
        assert_eq!(delta(cell.delta.as_ref()).method, "identical-predictions");
        assert_eq!((cell.metric.as_str(), cell.reason.as_deref()), ("auroc", None));
    }
    assert_eq!(
        report.to_text(),
        "gate open: 0 regressed, 0 improved, 3 unchanged, 0 missing, 0 not comparable, 0 new \
         (margin 0.01; paired by example)"
    );
    assert!(report.to_github_annotations().is_empty());
}

#[test]
fn worse_and_better_cells_are_found_and_shown() {
    let gate = Gate::new(&Run::with_skills([0.4, 0.1, 0.1]));
    let now = Run::with_skills([0.1, 0.4, 0.1]);
    let report = gate.check(&now, options()).unwrap();
    let by_name = |name: &str| report.cells.iter().find(|cell| cell.cell.contains(name)).unwrap();
    let (worse, better) = (by_name("kmer-4"), by_name("onehot"));
    assert_eq!((worse.outcome, better.outcome), (Outcome::Regressed, Outcome::Improved));
    assert_eq!(by_name("kmer-2").outcome, Outcome::Unchanged);
    assert!(delta(worse.delta.as_ref()).upper < 0.0 && delta(better.delta.as_ref()).lower > 0.0);
    assert!(!report.is_open());
    assert_eq!((report.count(Outcome::Regressed), report.n_unanswered()), (1, 0));
    let summary = report.summary();
    assert!(summary.starts_with("gate closed: 1 regressed, 1 improved, 1 unchanged, 0 missing"), "{summary}");
    let text = report.to_text();
    assert!(text.contains("regressed") && text.contains("improved") && !text.contains("kmer-2"), "{text}");
    assert_eq!(text.lines().last(), Some(summary.as_str()));
    assert!(text.starts_with('─') && !text.contains(['|', '│']), "columns without vertical lines: {text}");
    // The baseline's p values are two-sided, Holm over the three cells.
    let difference = |place: usize| {
        let labels: Vec<bool> = (0..N).map(label).collect();
        let single =
            |values: &[f64]| -> Vec<f64> { values.iter().map(|&value| f64::from(value as f32)).collect() };
        let accepted =
            single(&Run::with_skills([0.4, 0.1, 0.1]).predictions[place].splits[0].seeds[0].values);
        let current = single(&now.predictions[place].splits[0].seeds[0].values);
        let seed = Seed(0).derive(&format!("bootstrap/{DATASET}/test")).0;
        let resampling = Resampling { replicates: 2000, ..Resampling::new(seed) };
        compare(metric("auroc").unwrap(), &Truth::Binary(&labels), &[&current], &[&accepted], &resampling)
            .unwrap()
    };
    let p = |place: usize| {
        let difference = difference(place);
        2.0 * difference.p_above(0.0).min(difference.p_below(0.0))
    };
    let expected = seqprobe_stats::holm(&[p(0), p(1), 1.0]);
    assert_eq!(worse.p_adjusted, Some(expected[0]));
    assert_eq!(better.p_adjusted, Some(expected[1]));
    assert_eq!(delta(worse.delta.as_ref()).point.to_bits(), difference(0).estimate.point.to_bits());

    let annotations = report.to_github_annotations();
    assert_eq!(annotations.len(), 2);
    let error = annotations.iter().find(|line| line.starts_with("::error")).unwrap();
    assert!(error.starts_with("::error title=seqprobe%3A regressed::gue-tf-0/kmer-4"), "{error}");
    assert!(annotations.iter().any(|line| line.starts_with("::notice title=seqprobe%3A improved::")));
    let junit = report.to_junit().unwrap();
    assert!(junit.contains("tests=\"3\"") && junit.contains("failures=\"1\""), "{junit}");
    assert!(junit.contains("<failure message=\"gue-tf-0/kmer-4/-/-/-/linear/1 auroc: "), "{junit}");

    // A difference within the margin does not matter.
    let wide = GateOptions { margin: Some(0.9), ..options() };
    let report = gate.check(&now, wide).unwrap();
    assert_eq!((outcomes(&report), report.margin), (vec![Outcome::Unchanged; 3], 0.9));
}

#[test]
fn a_difference_that_is_not_significant_leaves_the_gate_open() {
    let gate = Gate::new(&Run::new());
    let mut now = Run::new();
    // Another noise, no other skill.
    let values = probabilities(0.1, 77);
    now.predictions[0] = of_cell(&now.record.cells[0].id, &[values]);
    let report = gate.check(&now, GateOptions { margin: Some(0.0), ..options() }).unwrap();
    let cell = &report.cells.iter().find(|cell| cell.cell.contains("kmer-4")).unwrap();
    let estimate = delta(cell.delta.as_ref());
    assert!(estimate.point != 0.0 && estimate.lower < 0.0 && estimate.upper > 0.0, "{estimate:?}");
    assert_eq!(cell.outcome, Outcome::Unchanged);
    assert!(cell.p_adjusted.is_some_and(|p| p > 0.05));
}

#[test]
fn exact_asks_for_the_same_bits() {
    let gate = Gate::new(&Run::new());
    let exact = GateOptions { exact: true, ..options() };
    let report = gate.check(&Run::new(), exact).unwrap();
    assert!(report.is_open() && report.exact);
    assert!(report.summary().ends_with("(margin 0.01; exact: every score must be identical)"));
    let mut now = Run::new();
    let ScoreValue::Estimate(value) = now.value(1) else { panic!("no estimate") };
    value.point = value.point.next_up();
    now.record.cells.remove(2);
    now.predictions.remove(2);
    let report = gate.check(&now, exact).unwrap();
    let cell = report.cells.iter().find(|cell| cell.cell.contains("onehot")).unwrap();
    assert_eq!(cell.outcome, Outcome::Regressed);
    assert_eq!(cell.reason.as_deref(), Some("differs from the accepted score"));
    assert_eq!(report.count(Outcome::Missing), 1);
    assert_eq!(report.count(Outcome::Unchanged), 1);
}

#[test]
fn missing_and_new_cells_are_counted_with_their_reasons() {
    let gate = Gate::new(&Run::new());
    let reason = |with: &dyn Fn(&mut Run)| {
        let mut now = Run::new();
        with(&mut now);
        let report = gate.check(&now, options()).unwrap();
        let missing = report.cells.iter().find(|cell| cell.outcome == Outcome::Missing).unwrap();
        assert_eq!((missing.current, missing.p_adjusted), (None, None));
        assert!(!report.is_open());
        assert_eq!((report.n_unanswered(), report.count(Outcome::Unchanged)), (1, 2));
        missing.reason.clone().unwrap()
    };
    let absent = reason(&|now: &mut Run| {
        now.record.cells.remove(0);
        now.predictions.remove(0);
    });
    assert_eq!(absent, "the run has no such cell");
    let undefined = |now: &mut Run| {
        *now.value(0) = ScoreValue::Undefined { reason: "one class".to_owned() };
        now.predictions.remove(0);
    };
    assert_eq!(reason(&undefined), "its score is undefined");
    let failed = |reason: Option<&'static str>| {
        move |now: &mut Run| {
            let cell = &mut now.record.cells[0];
            (cell.status, cell.reason) = (Status::Failed, reason.map(str::to_owned));
            cell.scores.clear();
            now.predictions.remove(0);
        }
    };
    assert_eq!(reason(&failed(Some("out of memory"))), "out of memory");
    assert_eq!(reason(&failed(None)), "it has no score");

    let mut now = Run::new();
    now.record.cells[0].id = sample::id(DATASET, "kmer-3", ("-", "-"), "linear");
    now.predictions[0].cell = now.record.cells[0].id.clone();
    let lenient = gate.check(&now, GateOptions { lenient: true, ..options() }).unwrap();
    assert!(lenient.is_open() && lenient.lenient);
    assert_eq!((lenient.count(Outcome::Missing), lenient.count(Outcome::New)), (1, 1));
    let new = lenient.cells.last().unwrap();
    assert_eq!((new.outcome, new.accepted, new.delta.as_ref()), (Outcome::New, None, None));
    assert!(new.current.is_some() && new.cell.contains("kmer-3") && new.metric == "auroc");
    let strict = gate.check(&now, options()).unwrap();
    assert_eq!(strict.to_github_annotations().len(), 1);
    assert_eq!(lenient.to_github_annotations(), Vec::<String>::new());
    let (strict, lenient) = (strict.to_junit().unwrap(), lenient.to_junit().unwrap());
    assert!(strict.contains("failures=\"1\"") && !strict.contains("<skipped"), "{strict}");
    assert!(lenient.contains("failures=\"0\"") && lenient.contains("<skipped message="), "{lenient}");
}

#[test]
fn cells_that_cannot_be_compared_close_the_gate() {
    let gate = Gate::new(&Run::new());
    let reason = |with: &dyn Fn(&mut Run)| {
        let mut now = Run::new();
        with(&mut now);
        let report = gate.check(&now, options()).unwrap();
        let cell = report.cells.iter().find(|cell| cell.outcome == Outcome::NotComparable).unwrap();
        assert!(!report.is_open() && report.n_unanswered() == 1);
        assert_eq!(report.to_github_annotations().len(), 1);
        assert!(report.to_junit().unwrap().contains("failures=\"1\""));
        assert_eq!(cell.p_adjusted, None);
        cell.reason.clone().unwrap()
    };
    let score = |now: &mut Run, with: &dyn Fn(&mut seqprobe_report::record::ScoreRecord)| {
        now.record.cells[0].scores.iter_mut().for_each(with);
    };
    let other_metric = reason(&|now| score(now, &|score| score.metric = "brier".to_owned()));
    assert_eq!(other_metric, "undefined: the score is brier of label, the accepted one is auroc of label");
    let other_target =
        |now: &mut Run| score(now, &|score| score.target = ScoredTarget::Column("y".to_owned()));
    assert_eq!(
        reason(&other_target),
        "undefined: the score is auroc of y, the accepted one is auroc of label"
    );
    let other_names = |now: &mut Run| now.predictions[0].outputs = vec![output("yes")];
    assert_eq!(reason(&other_names), "undefined: the names of the outputs differ");
    let other_examples = |now: &mut Run| {
        now.predictions[0].splits[0].example_ids = (1..=N).map(|row| format!("test:{row}")).collect();
    };
    assert_eq!(
        reason(&other_examples),
        "undefined: the test examples differ: 59 of 60 are among the 60 of the other run"
    );
    let fewer_examples = |now: &mut Run| {
        let split = &mut now.predictions[0].splits[0];
        split.example_ids = (1..N).map(|row| format!("test:{row}")).collect();
        split.truth = (1..N).map(|row| Some(f64::from(u8::from(label(row))))).collect();
        split.seeds[0].values.remove(0);
    };
    assert_eq!(
        reason(&fewer_examples),
        "undefined: the test examples differ: 59 of 59 are among the 60 of the other run"
    );
    let other_truth = |now: &mut Run| {
        let split = &mut now.predictions[0].splits[0];
        split.truth = (0..N).map(|row| Some(f64::from(u8::from(label(row) != (row < 3))))).collect();
    };
    assert_eq!(
        reason(&other_truth),
        "undefined: 3 of 60 test examples have another true value in the other run"
    );
    let no_test = |now: &mut Run| now.predictions[0].splits[0].split = "valid".to_owned();
    assert!(reason(&no_test).starts_with("undefined: no predictions on test for gue-tf-0/kmer-4"));
    let gone = reason(&|now: &mut Run| {
        now.predictions.remove(0);
    });
    assert!(gone.contains("kmer-4") || gone.contains(".parquet"), "{gone}");
    let clustered = |now: &mut Run| now.record.datasets[0].clusters = Some(("gene".to_owned(), 20));
    let mut now = Run::new();
    clustered(&mut now);
    let report = gate.check(&now, options()).unwrap();
    assert_eq!(outcomes(&report), [Outcome::NotComparable; 3]);
    assert_eq!(
        report.cells[0].reason.as_deref(),
        Some("undefined: the stored predictions have no clusters\n  hint: run the suite again")
    );
}

#[test]
fn true_values_of_all_outputs_are_compared() {
    let mut run = Run::new();
    let cell = &mut run.predictions[0];
    cell.outputs = vec![output("a"), output("b")];
    cell.splits[0].truth = (0..2 * N).map(|at| Some((at % 3) as f64)).collect();
    cell.splits[0].seeds[0].values = [probabilities(0.3, 7), probabilities(0.3, 8)].concat();
    let gate = Gate::new(&run);
    for changed in [0, 1, 2 * N - 2, 2 * N - 1] {
        let mut now = run.clone();
        let split = &mut now.predictions[0].splits[0];
        split.truth = (0..2 * N).map(|at| if at == changed { None } else { Some((at % 3) as f64) }).collect();
        let report = gate.check(&now, options()).unwrap();
        let cell = report.cells.iter().find(|cell| cell.cell.contains("kmer-4")).unwrap();
        assert_eq!(
            cell.reason.as_deref(),
            Some("undefined: 1 of 60 test examples have another true value in the other run")
        );
    }
}

#[test]
fn examples_in_another_order_are_the_same_examples() {
    let gate = Gate::new(&Run::new());
    let mut now = Run::new();
    let split = &mut now.predictions[0].splits[0];
    split.example_ids = (0..N).rev().map(|row| format!("test:{row}")).collect();
    split.truth = (0..N).rev().map(|row| Some(f64::from(u8::from(label(row))))).collect();
    split.seeds[0].values.reverse();
    let report = gate.check(&now, options()).unwrap();
    assert_eq!(outcomes(&report), [Outcome::Unchanged; 3]);
    let cell = report.cells.iter().find(|cell| cell.cell.contains("kmer-4")).unwrap();
    assert_eq!(delta(cell.delta.as_ref()).method, "identical-predictions");
}

#[test]
fn without_predictions_intervals_are_compared() {
    let mut before = Run::new();
    *before.value(0) = sample::estimate(0.75, 0.70, 0.80);
    *before.value(1) = sample::estimate(0.75, 0.70, 0.80);
    *before.value(2) = ScoreValue::PointOnly { point: 0.5, reason: "few".to_owned() };
    let gate = Gate::new(&before);
    gate.without_predictions();
    let mut now = Run::new();
    *now.value(0) = sample::estimate(0.60, 0.56, 0.64);
    *now.value(1) = ScoreValue::PointOnly { point: 0.6, reason: "few".to_owned() };
    let report = gate.check(&now, options()).unwrap();
    assert!(!report.paired);
    assert!(report.summary().contains("UNPAIRED"), "{}", report.summary());
    let by_name = |name: &str| report.cells.iter().find(|cell| cell.cell.contains(name)).unwrap();
    let worse = by_name("kmer-4");
    let estimate = delta(worse.delta.as_ref());
    assert!((estimate.point + 0.15).abs() < 1e-12);
    assert!((estimate.upper - estimate.point - 0.05_f64.hypot(0.04)).abs() < 1e-12);
    assert_eq!((worse.outcome, estimate.method.as_str()), (Outcome::Regressed, "unpaired"));
    assert_eq!(
        by_name("onehot").reason.as_deref(),
        Some("undefined: the score has no interval, and there are no accepted predictions")
    );
    assert_eq!(
        by_name("kmer-2").reason.as_deref(),
        Some("undefined: the accepted score has no interval, and there are no accepted predictions")
    );

    // A difference of exactly the margin does not matter.
    let exact = |point: f64| {
        let mut run = Run::new();
        *run.value(0) = sample::estimate(point, point - 0.03125, point + 0.03125);
        run
    };
    let gate = Gate::new(&exact(0.75));
    gate.without_predictions();
    let outcome = |margin: f64| {
        let options = GateOptions { margin: Some(margin), ..options() };
        let report = gate.check(&exact(0.5), options).unwrap();
        report.cells.iter().find(|cell| cell.cell.contains("kmer-4")).unwrap().outcome
    };
    assert_eq!((outcome(0.25), outcome(0.249)), (Outcome::Unchanged, Outcome::Regressed));

    // A lower Brier score is better.
    let brier = |value: ScoreValue| {
        let mut run = Run::new();
        *run.value(0) = value;
        run.record.cells[0].scores.iter_mut().for_each(|score| score.metric = "brier".to_owned());
        run
    };
    let gate = Gate::new(&brier(sample::estimate(0.2, 0.19, 0.21)));
    gate.without_predictions();
    let report = gate.check(&brier(sample::estimate(0.1, 0.09, 0.11)), options()).unwrap();
    let better = report.cells.iter().find(|cell| cell.cell.contains("kmer-4")).unwrap();
    assert_eq!(better.outcome, Outcome::Improved);
    assert!((delta(better.delta.as_ref()).point - 0.1).abs() < 1e-12);
}

#[test]
fn a_baseline_of_another_suite_or_without_common_cells_is_refused() {
    let gate = Gate::new(&Run::new());
    let refused = |now: &Run| gate.check(now, options()).unwrap_err().to_string();
    let mut other = Run::new();
    other.record.suite = "other".to_owned();
    let text = refused(&other);
    assert!(
        text.contains("suite \"gate\"") && text.contains("\"other\"") && text.contains("hint:"),
        "{text}"
    );
    let before = gate.text();
    let error = accept(&gate.path("b"), &gate.path("gate.toml"), 0.01, "x").unwrap_err();
    assert!(matches!(error, ReportError::Baseline { .. }), "{error}");
    assert_eq!(gate.text(), before);
    let mut none = Run::new();
    none.record.cells.drain(1..);
    none.predictions.drain(1..);
    none.record.cells[0].id = sample::id(DATASET, "kmer-9", ("-", "-"), "linear");
    none.predictions[0].cell = none.record.cells[0].id.clone();
    assert!(refused(&none).contains("no cell in common"), "{}", refused(&none));
}

#[test]
fn damaged_baselines_are_refused() {
    let gate = Gate::new(&Run::new());
    let text = gate.text();
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        fs::write(gate.path("gate.toml"), text.replace(from, to)).unwrap();
        gate.refused()
    };
    assert!(refused("schema = 1", "schema = 2").contains("schema 2, expected 1"));
    assert!(refused("reason =", "reasons =").contains("not a baseline"));
    for name in ["../gate.predictions.parquet", "a\\\\b.parquet", ".hidden.parquet"] {
        let error = refused("\"gate.predictions.parquet\"", &format!("\"{name}\""));
        assert!(error.contains("expected a plain file name"), "{name}: {error}");
    }
    fs::write(gate.path("gate.toml"), &text).unwrap();
    let file = gate.path("gate.predictions.parquet");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[1..]).unwrap();
    assert!(gate.refused().contains("has digest"));
    // A file of that digest that is no Parquet file.
    fs::write(&file, "no parquet").unwrap();
    let digest = |bytes: &[u8]| seqprobe_core::Digest::of_bytes(bytes).to_string();
    fs::write(gate.path("gate.toml"), text.replace(&digest(&bytes), &digest(b"no parquet"))).unwrap();
    assert!(gate.refused().contains("gate.predictions.parquet: "));
    fs::remove_file(&file).unwrap();
    assert!(gate.predictions().unwrap().is_none());
    // What is there and cannot be read is an error.
    fs::create_dir(&file).unwrap();
    assert!(matches!(gate.predictions(), Err(ReportError::Io { .. })));
}

#[test]
fn only_whole_runs_are_accepted_and_changes_are_listed() {
    let gate = Gate::new(&Run::new());
    let accept_run = |run: &Run| {
        run.write(&gate.path("b"));
        accept(&gate.path("b"), &gate.path("gate.toml"), 0.02, "again")
    };
    assert_eq!(accept_run(&Run::new()).unwrap().changes, Vec::<String>::new());
    let mut failed = Run::new();
    failed.record.cells[0].status = Status::Failed;
    failed.record.cells[0].scores.clear();
    failed.predictions.remove(0);
    assert!(accept_run(&failed).unwrap_err().to_string().contains("1 of its cells failed"));
    let mut empty = Run::new();
    empty.record.cells.clear();
    empty.predictions.clear();
    assert!(accept_run(&empty).unwrap_err().to_string().contains("it has no score on test"));

    let mut now = Run::new();
    *now.value(0) = sample::estimate(0.75, 0.7, 0.8);
    now.record.cells[1].scores.iter_mut().for_each(|score| score.metric = "brier".to_owned());
    now.record.cells[2].id = sample::id(DATASET, "kmer-3", ("-", "-"), "linear");
    now.predictions[2].cell = now.record.cells[2].id.clone();
    let changes = accept_run(&now).unwrap().changes;
    assert_eq!(changes.len(), 4, "{changes:?}");
    assert!(changes[0].starts_with("new: gue-tf-0/kmer-3"), "{changes:?}");
    assert!(changes[1].starts_with("changed: gue-tf-0/kmer-4") && changes[1].ends_with("→ auroc 0.7500"));
    assert!(changes[2].starts_with("changed: gue-tf-0/onehot/-/-/-/linear/1: auroc"), "{changes:?}");
    assert!(changes[2].contains("→ brier"), "{changes:?}");
    assert_eq!(changes[3], "gone: gue-tf-0/kmer-2/-/-/-/linear/1");
    assert!(gate.text().contains("margin = 0.02\n") && gate.text().contains("reason = \"again\"\n"));
}

#[test]
fn texts_of_annotations_are_escaped() {
    let mut before = Run::new();
    before.record.cells[0].id = sample::id(DATASET, "a%b:c,d", ("-", "-"), "linear");
    before.predictions[0].cell = before.record.cells[0].id.clone();
    let gate = Gate::new(&before);
    let mut now = before.clone();
    now.record.cells[0].status = Status::Failed;
    now.record.cells[0].reason = Some("first\nsecond\r".to_owned());
    now.record.cells[0].scores.clear();
    now.predictions.remove(0);
    let report = gate.check(&now, options()).unwrap();
    let annotations = report.to_github_annotations();
    assert_eq!(annotations.len(), 1);
    assert!(
        annotations[0].starts_with("::error title=seqprobe%3A missing::gue-tf-0/a%25b:c,d/"),
        "{annotations:?}"
    );
    assert!(annotations[0].ends_with(" → -, first%0Asecond%0D"), "{annotations:?}");
    assert!(report.to_text().contains("missing"));
}

fn compared(a: &Run, b: &Run) -> Result<RunComparison, ReportError> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    a.write(&path("a"));
    b.write(&path("b"));
    compare_runs(&path("a"), &path("b"))
}

#[test]
fn runs_are_compared_cell_by_cell() {
    let a = Run::with_skills([0.4, 0.1, 0.1]);
    let mut b = Run::with_skills([0.1, 0.1, 0.1]);
    b.record.cells[2].id = sample::id(DATASET, "kmer-3", ("-", "-"), "linear");
    b.predictions[2].cell = b.record.cells[2].id.clone();
    b.record.provenance.threads = 16;
    b.record.provenance.models.clear();
    let got = compared(&a, &b).unwrap();
    assert_eq!(got.cells.len(), 2);
    assert!(delta(Some(&got.cells[0].delta)).upper < 0.0);
    assert_eq!(delta(Some(&got.cells[1].delta)).method, "identical-predictions");
    assert_eq!(got.only_in_a, ["gue-tf-0/kmer-2/-/-/-/linear/1"]);
    assert_eq!(got.only_in_b, ["gue-tf-0/kmer-3/-/-/-/linear/1"]);
    let differs: Vec<(&str, &str, &str)> =
        got.provenance.iter().map(|one| (one.what.as_str(), one.a.as_str(), one.b.as_str())).collect();
    let digest = "c3".repeat(32);
    assert_eq!(differs, [("model models/nt-v2-50m", digest.as_str(), "-"), ("threads", "2", "16")]);
    let text = got.to_text();
    assert!(text.contains("B − A is positive where B is better.\nonly in A: gue-tf-0/kmer-2"), "{text}");
    assert!(
        text.contains("\nonly in B: gue-tf-0/kmer-3") && text.ends_with("differs: threads: 2 → 16"),
        "{text}"
    );
    let point = delta(Some(&got.cells[0].delta)).point;
    assert!(text.contains(&format!("{point:+.4} [")), "{text}");
}

#[test]
fn cells_without_a_common_score_are_not_compared() {
    let a = Run::new();
    let mut b = Run::new();
    b.record.cells[0].scores.iter_mut().for_each(|score| score.metric = "brier".to_owned());
    let other = |score: &mut seqprobe_report::record::ScoreRecord| {
        score.target = ScoredTarget::Column("y".to_owned());
    };
    b.record.cells[1].scores.iter_mut().for_each(other);
    let got = compared(&a, &b).unwrap();
    assert_eq!(got.cells.len(), 1);
    assert!(got.cells[0].cell.contains("kmer-2"));
    // Cells that do not apply are in neither run.
    let mut none = a.clone();
    for cell in &mut none.record.cells {
        cell.status = Status::NotApplicable;
        cell.scores.clear();
    }
    none.predictions.clear();
    let error = compared(&a, &none).unwrap_err();
    assert!(matches!(error, ReportError::NothingInCommon { .. }), "{error}");
    none.record.cells[0] = a.record.cells[0].clone();
    none.predictions = vec![a.predictions[0].clone()];
    let got = compared(&a, &none).unwrap();
    assert_eq!((got.only_in_a.len(), got.only_in_b.len()), (2, 0));
    // Predictions that are gone leave a reason.
    let mut without = a.clone();
    without.predictions.remove(0);
    let got = compared(&a, &without).unwrap();
    assert!(matches!(&got.cells[0].delta, ScoreValue::Undefined { .. }), "{:?}", got.cells[0].delta);
    assert!(got.to_text().contains("undefined: "));
}

/// The difference of two outputs of a task, computed by the comparison and by the statistics themselves.
fn check_task(task: TaskKind, id: &str, outputs: &[&str], truth: &[Option<f64>], expected: &Truth<'_>) {
    let mut runs = [Run::new(), Run::new()];
    let n_outputs = outputs.len();
    let mut values = Vec::new();
    for (run, skill) in runs.iter_mut().zip([1, 2]) {
        run.record.datasets[0].task = task;
        run.record.cells.truncate(1);
        run.predictions.truncate(1);
        run.record.cells[0].scores.iter_mut().for_each(|score| score.metric = id.to_owned());
        let known = |at: usize| truth[at].unwrap_or(0.0);
        let mut own: Vec<f64> = (0..N * n_outputs)
            .map(|at| {
                0.2 + 0.1 * f64::from(skill) * known(at)
                    + ((at * 37 + skill as usize * 11) % 50) as f64 / 100.0
            })
            .collect();
        if task == TaskKind::Multiclass {
            for row in own.chunks_exact_mut(n_outputs) {
                let sum: f64 = row.iter().sum();
                row.iter_mut().for_each(|value| *value /= sum);
            }
        }
        let predictions = &mut run.predictions[0];
        predictions.outputs = outputs.iter().map(|name| output(name)).collect();
        predictions.splits[0].truth = truth.to_vec().into();
        predictions.splits[0].seeds[0].values = own.clone();
        values.push(own);
    }
    let seed = Seed(0).derive(&format!("bootstrap/{DATASET}/test")).0;
    let resampling = Resampling { replicates: 2000, ..Resampling::new(seed) };
    let wanted = compare(metric(id).unwrap(), expected, &[&values[1]], &[&values[0]], &resampling).unwrap();
    let [a, b] = &runs;
    let got = compared(a, b).unwrap();
    let got = delta(Some(&got.cells[0].delta));
    assert_eq!(
        (got.point, got.lower, got.upper),
        (wanted.estimate.point, wanted.estimate.lower, wanted.estimate.upper)
    );
    assert!(got.point != 0.0);
}

#[test]
fn every_kind_of_task_is_compared() {
    let labels: Vec<bool> = (0..N).map(label).collect();
    let truth: Vec<Option<f64>> = labels.iter().map(|&label| Some(f64::from(u8::from(label)))).collect();
    check_task(TaskKind::Binary, "brier", &["1"], &truth, &Truth::Binary(&labels));
    let classes: Vec<u32> = (0..N as u32).map(|row| row % 3).collect();
    let truth: Vec<Option<f64>> = classes
        .iter()
        .flat_map(|&class| (0..3).map(move |output| Some(f64::from(u8::from(output == class)))))
        .collect();
    let expected = Truth::Classes { labels: &classes, n_classes: 3 };
    check_task(TaskKind::Multiclass, "brier", &["a", "b", "c"], &truth, &expected);
    let values: Vec<Option<bool>> = (0..2 * N).map(|at| (at % 7 != 0).then_some(at % 3 == 0)).collect();
    let truth: Vec<Option<f64>> =
        values.iter().map(|value| value.map(|label| f64::from(u8::from(label)))).collect();
    let expected = Truth::Multilabel { values: &values, n_targets: 2 };
    check_task(TaskKind::Multilabel, "brier", &["a", "b"], &truth, &expected);
    let truth: Vec<Option<f64>> = (0..2 * N).map(|at| (at % 7 != 0).then_some((at % 5) as f64)).collect();
    let expected = Truth::Regression { values: &truth, n_targets: 2 };
    check_task(TaskKind::Regression, "mse", &["a", "b"], &truth, &expected);
}

#[test]
fn clusters_of_either_run_are_used() {
    let clusters: std::sync::Arc<[u32]> = (0..N as u32).map(|row| row / 4).collect();
    let interval = |in_a: bool, in_b: bool| {
        let (mut a, mut b) = (Run::with_skills([0.4, 0.1, 0.1]), Run::new());
        for (run, given) in [(&mut a, in_a), (&mut b, in_b)] {
            run.predictions[0].splits[0].clusters = given.then(|| clusters.clone());
        }
        let got = compared(&a, &b).unwrap();
        delta(Some(&got.cells[0].delta)).clone()
    };
    assert!(interval(true, true).method.contains("cluster"));
    assert_eq!(interval(true, false), interval(true, true));
    assert_eq!(interval(false, true), interval(true, true));
    assert!(!interval(false, false).method.contains("cluster"));
}

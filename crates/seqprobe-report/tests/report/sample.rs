//! A constructed run that holds every case a renderer must cope with: all statuses and roles, scores without
//! interval and without value, an oracle, names that would do harm where they are not escaped.

use seqprobe_core::{FitReport, LayerIndex, Pooling, Split, TaskKind};
use seqprobe_report::diagnostics::{CalibrationPoint, DiagnosticData, Diagnostics, RankRecord};
use seqprobe_report::record::{
    CellId, CellRecord, ComparisonRecord, CostRecord, DatasetRecord, EstimateRecord, Fraction, PowerRecord,
    ProbeScope, Provenance, Qualification, Role, RunRecord, SCHEMA_VERSION, ScoreRecord, ScoreValue,
    ScoredTarget, SeedFit, Status, TestRecord, Variant, Verdict, VerdictRecord, Warning,
};
use std::collections::BTreeMap;
use std::str::FromStr;

/// An estimate at the usual level.
pub(crate) fn estimate(point: f64, lower: f64, upper: f64) -> ScoreValue {
    let method = "bootstrap over examples, t".to_owned();
    ScoreValue::Estimate(EstimateRecord {
        point,
        lower,
        upper,
        level: 0.95,
        method,
        flags: Vec::new(),
        standard_error: Some((upper - lower) / 4.0),
        degrees_of_freedom: Some(999.0),
    })
}

/// A coordinate from its word; `-` for none.
fn coordinate<T: FromStr>(word: &str) -> Option<T> {
    if word == "-" { None } else { Some(word.parse().unwrap_or_else(|_| panic!("{word} is no coordinate"))) }
}

/// The coordinates of a cell.
pub(crate) fn id(dataset: &str, representation: &str, how: (&str, &str), probe: &str) -> CellId {
    CellId {
        dataset: dataset.to_owned(),
        representation: representation.into(),
        variant: Variant::None,
        layer: coordinate(how.0),
        pooling: coordinate(how.1),
        probe: coordinate(probe),
        fraction: Fraction::WHOLE,
    }
}

fn score(split: Split, target: &str, metric: &str, primary: bool, value: ScoreValue) -> ScoreRecord {
    ScoreRecord {
        split,
        target: ScoredTarget::Column(target.to_owned()),
        metric: metric.to_owned(),
        primary,
        n: 1000,
        value,
    }
}

/// A cell that was fitted, scored by one primary metric and one other.
pub(crate) fn cell(
    id: CellId,
    role: Role,
    primary: (&str, ScoreValue),
    other: (&str, ScoreValue),
) -> CellRecord {
    let report = FitReport {
        n_parameters: 401,
        reduction_parameters: 0,
        converged: Some(true),
        iterations: Some(31),
        gradient_norm: Some(2.5e-7),
        validation_loss: Some(0.4127),
        chosen: BTreeMap::from([("penalty".to_owned(), "0.1".to_owned())]),
        warnings: Vec::new(),
        ..FitReport::default()
    };
    CellRecord {
        key: "a1".repeat(32),
        role,
        status: Status::Ok,
        reason: None,
        n_seeds: 1,
        fits: vec![SeedFit { seed: 0, report }],
        scores: vec![
            score(Split::Valid, "label", primary.0, true, primary.1.clone()),
            score(Split::Test, "label", primary.0, true, primary.1),
            score(Split::Test, "label", other.0, false, other.1),
        ],
        seconds: 1.25,
        reused: false,
        description: None,
        cost: cost(role),
        id,
    }
}

fn cost(role: Role) -> Option<CostRecord> {
    let cost = |bytes, parameters, operations, seconds: Option<f64>| {
        Some(CostRecord { bytes, parameters, tokens: seconds.map(|_| 98.0), operations, seconds })
    };
    match role {
        Role::Model => cost(3072.0, Some(89_000_000), Some(1.74e10), Some(0.0213)),
        Role::Baseline => cost(1024.0, Some(0), Some(0.0), None),
        Role::Control | Role::Rule | Role::Reference | Role::Oracle => None,
    }
}

fn without_scores(id: CellId, role: Role, status: Status, reason: &str) -> CellRecord {
    CellRecord {
        key: "b2".repeat(32),
        role,
        status,
        reason: Some(reason.to_owned()),
        n_seeds: 0,
        fits: Vec::new(),
        scores: Vec::new(),
        seconds: 0.0,
        reused: false,
        description: None,
        cost: None,
        id,
    }
}

/// A dataset.
pub(crate) fn dataset(id: &str, task: TaskKind, metric: &str) -> DatasetRecord {
    DatasetRecord {
        id: id.to_owned(),
        title: "Binding of a transcription factor, 101 bp".to_owned(),
        task,
        targets: vec!["label".to_owned()],
        classes: if task == TaskKind::Binary { vec!["0".to_owned(), "1".to_owned()] } else { Vec::new() },
        metric: metric.to_owned(),
        digest: "0f".repeat(32),
        n_train: 32378,
        n_valid: 1000,
        n_test: 1000,
        clusters: None,
        lengths: (101, 101),
        undefined_letters: 12,
        licence: "Apache-2.0".to_owned(),
        citation: "Someone et al. 2024, https://example.org/paper".to_owned(),
        source: "https://example.org/data".to_owned(),
        published: Vec::new(),
        notes: vec!["14 sequences are in train and in test".to_owned()],
        gains: Vec::new(),
        audit: None,
    }
}

fn comparison(baseline: CellId, delta: ScoreValue, p_adjusted: Option<f64>) -> ComparisonRecord {
    let tests = vec![TestRecord { test: "delong".to_owned(), p: 0.0021, note: None }];
    let power = matches!(delta, ScoreValue::Estimate(_)).then_some(PowerRecord {
        smallest_detectable: 0.0421,
        examples_to_settle: Some(5977.2),
        examples_for_a_tie: Some(9694.0),
    });
    let false_discovery = p_adjusted.map(|p| p / 2.0);
    ComparisonRecord { baseline, delta, p_adjusted, false_discovery, tests, power, companion: None }
}

fn verdict(
    dataset: &str,
    model: &str,
    probe: &str,
    verdict: Verdict,
    comparisons: Vec<ComparisonRecord>,
) -> VerdictRecord {
    VerdictRecord {
        dataset: dataset.to_owned(),
        target: ScoredTarget::Column("label".to_owned()),
        model: model.to_owned(),
        layer: Some(LayerIndex::Final),
        pooling: Some(Pooling::Mean),
        probe: ProbeScope::from(probe.to_owned()),
        metric: if dataset == "gue-tf-0" { "mcc" } else { "mse" }.to_owned(),
        margin: 0.01,
        verdict,
        margin_unit: None,
        comparisons,
        reason: None,
        qualifications: Vec::new(),
    }
}

/// The name that would run where it is not escaped.
pub(crate) const SCRIPT: &str = "<script>alert('x')</script>|`@someone`";
/// The name that a spreadsheet would run.
pub(crate) const FORMULA: &str = "=cmd|' /C calc'!A0";

const FLAT: (&str, &str) = ("-", "flatten");
const MEAN: (&str, &str) = ("final", "mean");
const PLAIN: (&str, &str) = ("-", "-");

/// The run.
pub(crate) fn run() -> RunRecord {
    let first = "gue-tf-0";
    let undefined = |reason: &str| ScoreValue::Undefined { reason: reason.to_owned() };
    let no_interval = |point: f64, reason: &str| ScoreValue::PointOnly { point, reason: reason.to_owned() };
    let model = "models/nt-v2-50m";
    let binary = |at: CellId, role: Role, (point, lower, upper): (f64, f64, f64)| {
        let auroc = estimate(0.5 + point / 2.0, 0.5 + lower / 2.0, 0.5 + upper / 2.0);
        cell(at, role, ("mcc", estimate(point, lower, upper)), ("auroc", auroc))
    };
    let mut cnn = binary(id(first, model, ("final", "tokens"), "cnn"), Role::Model, (0.701, 0.672, 0.73));
    cnn.n_seeds = 3;
    let fit = cnn.fits[0].clone();
    cnn.fits = (0..3).map(|seed| SeedFit { seed, ..fit.clone() }).collect();
    cnn.fits[2].report.converged = Some(false);
    cnn.fits[2].report.chosen = BTreeMap::from([("penalty".to_owned(), "1".to_owned())]);
    cnn.fits[2].report.warnings = vec!["stopped at the largest number of epochs".to_owned()];
    cnn.reused = true;
    let constant = "the prediction is constant";
    let second = SCRIPT;
    let mse = |at: CellId, role: Role, (point, lower, upper): (f64, f64, f64)| {
        cell(at, role, ("mse", estimate(point, lower, upper)), ("pearson", estimate(1.0 - point, 0.1, 0.9)))
    };
    let cells = vec![
        binary(id(first, "onehot", FLAT, "linear"), Role::Baseline, (0.5312, 0.498, 0.5633)),
        binary(id(first, "kmer-4", PLAIN, "linear"), Role::Baseline, (0.6104, 0.579, 0.641)),
        binary(id(first, model, MEAN, "linear"), Role::Model, (0.6877, 0.6581, 0.7163)),
        binary(id(first, "random:models/nt-v2-50m", MEAN, "linear"), Role::Control, (0.402, 0.362, 0.441)),
        binary(id(first, "onehot", ("-", "tokens"), "cnn"), Role::Baseline, (0.694, 0.664, 0.722)),
        cnn,
        without_scores(
            id(first, "kmer-4", PLAIN, "cnn"),
            Role::Baseline,
            Status::NotApplicable,
            "k-mer counts have no positions for a cnn",
        ),
        without_scores(
            id(first, FORMULA, MEAN, "linear"),
            Role::Model,
            Status::Failed,
            "=weights: tensor \"embed\" is missing\n  hint: see <b>the card</b>",
        ),
        cell(
            id(first, "majority", PLAIN, "-"),
            Role::Control,
            ("mcc", undefined(constant)),
            ("auroc", no_interval(0.5, constant)),
        ),
        mse(id(second, "onehot", FLAT, "linear"), Role::Baseline, (0.4012, 0.371, 0.43)),
        mse(id(second, model, MEAN, "linear"), Role::Model, (0.3897, 0.36, 0.4201)),
        mse(id(second, "oracle", PLAIN, "-"), Role::Oracle, (0.25, 0.24, 0.26)),
    ];
    let baseline = |representation: &str, how| id(first, representation, how, "linear");
    let mut failed = verdict(first, FORMULA, "linear", Verdict::Unclear, Vec::new());
    failed.reason = Some("the model's cell failed".to_owned());
    let mut verdicts = vec![
        verdict(
            first,
            model,
            "linear",
            Verdict::Beats,
            vec![
                comparison(baseline("onehot", FLAT), estimate(0.1565, 0.118, 0.195), Some(0.00002)),
                comparison(baseline("kmer-4", PLAIN), estimate(0.0773, 0.042, 0.1126), Some(0.0004)),
            ],
        ),
        verdict(
            first,
            model,
            "cnn",
            Verdict::Unclear,
            vec![comparison(
                id(first, "onehot", ("-", "tokens"), "cnn"),
                estimate(0.007, -0.02, 0.034),
                Some(0.41),
            )],
        ),
        verdict(
            first,
            model,
            "best",
            Verdict::Ties,
            vec![comparison(
                id(first, "onehot", ("-", "tokens"), "cnn"),
                estimate(0.001, -0.0081, 0.0098),
                Some(0.6),
            )],
        ),
        failed,
        verdict(
            second,
            model,
            "linear",
            Verdict::Loses,
            vec![comparison(id(second, "onehot", FLAT, "linear"), estimate(-0.05, -0.07, -0.03), Some(1.0))],
        ),
    ];
    verdicts[0].qualifications = vec![
        Qualification::Interval { flag: "few-examples".to_owned() },
        Qualification::NearDuplicatesInTrain { near: 211, rows: 1000 },
    ];
    let mut simulated = dataset(second, TaskKind::Regression, "mse");
    simulated.clusters = Some(("gene".to_owned(), 240));
    simulated.lengths = (80, 1200);
    RunRecord {
        schema_version: SCHEMA_VERSION,
        suite: "gue & friends".to_owned(),
        provenance: Provenance {
            program: "0.1.0".to_owned(),
            commit: "8d6a472c".to_owned(),
            libtorch: "2.11.0".to_owned(),
            device: "cpu, 2 cores".to_owned(),
            threads: 2,
            command: "seqprobe run benchmarks/gue.toml --out runs/gue".to_owned(),
            started: "2026-11-21T01:00:00Z".to_owned(),
            seconds: 754.2,
            suite_toml: "schema = 1\nname = \"gue & friends\"\n".to_owned(),
            models: BTreeMap::from([(model.to_owned(), "c3".repeat(32))]),
            origins: BTreeMap::new(),
            verdict_rules: 2,
        },
        datasets: vec![dataset(first, TaskKind::Binary, "mcc"), simulated],
        cells,
        verdicts,
        model_comparisons: Vec::new(),
        diagnostics: diagnostics(),
        ranks: Some(ranks()),
        warnings: vec![
            Warning::SharedWithTrain {
                dataset: "gue-tf-0".to_owned(),
                split: Split::Test,
                shared: 14,
                rows: 1000,
            },
            Warning::Text { text: format!("{SCRIPT} is small") },
        ],
    }
}

/// A run of the size a large suite has: 20 datasets, 10 representations, 3 probes.
pub(crate) fn large() -> RunRecord {
    let mut record = run();
    record.datasets.clear();
    record.cells.clear();
    record.verdicts.clear();
    for dataset_index in 0..20 {
        let name = format!("gue-task-{dataset_index}");
        record.datasets.push(dataset(&name, TaskKind::Binary, "mcc"));
        for probe in ["linear", "mlp", "cnn"] {
            for index in 0..10_u8 {
                let (representation, role) = match index {
                    0 => ("onehot".to_owned(), Role::Baseline),
                    1 => ("kmer-4".to_owned(), Role::Baseline),
                    2 => ("random:models/nt-v2-50m".to_owned(), Role::Control),
                    _ => (format!("models/some-genomic-language-model-{index}"), Role::Model),
                };
                let point = 0.4 + 0.0371 * f64::from(index);
                let at = id(&name, &representation, MEAN, probe);
                let value = estimate(point, point - 0.03125, point + 0.03125);
                let mut cell = cell(at.clone(), role, ("mcc", value.clone()), ("auroc", value.clone()));
                for metric in ["average-precision", "accuracy", "macro-f1", "brier", "log-loss"] {
                    for split in [Split::Valid, Split::Test] {
                        cell.scores.push(score(split, "label", metric, false, value.clone()));
                    }
                }
                let fit = cell.fits[0].clone();
                cell.fits = (0..5).map(|seed| SeedFit { seed, ..fit.clone() }).collect();
                record.cells.push(cell);
                if role == Role::Model {
                    let against = |representation: &str| {
                        let baseline = id(&name, representation, MEAN, probe);
                        comparison(baseline, estimate(0.0201, 0.0111, 0.0301), Some(0.0123))
                    };
                    let comparisons = vec![against("onehot"), against("kmer-4")];
                    record.verdicts.push(verdict(&name, &representation, probe, Verdict::Beats, comparisons));
                }
            }
        }
    }
    record
}

/// A look behind two scores of the first dataset.
fn diagnostics() -> Vec<Diagnostics> {
    ["onehot", "models/<evil>"]
        .into_iter()
        .zip([Role::Baseline, Role::Model])
        .map(|(representation, role)| Diagnostics {
            cell: id("gue-tf-0", representation, FLAT, "linear"),
            role,
            n_seeds: 2,
            shown: DiagnosticData::Binary {
                roc: vec![[0.0, 0.0], [0.5, 0.9], [1.0, 1.0]],
                precision_recall: vec![[0.5, 1.0], [1.0, 0.6]],
                share_positive: 0.5,
                calibration: vec![CalibrationPoint {
                    predicted: 0.2,
                    observed: 0.3,
                    lower: 0.1,
                    upper: 0.5,
                    n: 40,
                }],
                confusion: vec![vec![40.5, 9.5], vec![5.0, 45.0]],
            },
        })
        .collect()
}

fn ranks() -> RankRecord {
    RankRecord {
        representations: vec!["onehot".to_owned(), "models/<evil>".to_owned()],
        average_ranks: vec![1.75, 1.25],
        n_datasets: 4,
        friedman_p: 0.32,
        critical_difference: 0.98,
        groups: vec![vec![1, 0]],
        pairs: vec![(0, 1, 0.625)],
        note: Some("with 4 datasets and 1 pairs no p value can be below 0.125".to_owned()),
    }
}

//! Made-up datasets and filled cells for tests of what follows after fitting.

use crate::judge::filled_cell::FilledCell;
use crate::judge::score::score_split;
use crate::judge::truth::Predictions;
use crate::store::cell_store::CellResult;
use ndarray::Array2;
use seqprobe_core::Pooling;
use seqprobe_core::clusters::Clusters;
use seqprobe_core::dataset::Origin;
use seqprobe_core::{BaseCounts, Dataset, DnaSequence, FitReport, Split, Splits, Targets, Task, TaskKind};
use seqprobe_report::record::{CellId, CellRecord, Fraction, Role, SeedFit, Status};

/// Bootstrap replicates of made-up cells.
pub(crate) const REPLICATES: usize = 200;

/// A binary task of 70 training, 15 validation and `n_test` test examples; every third is positive. With
/// clusters four neighbours belong together.
pub(crate) fn dataset(n_test: usize, clusters: bool) -> Dataset {
    let n = 85 + n_test;
    let names: Vec<String> = (0..n).map(|row| format!("gene{}", row / 4)).collect();
    Dataset {
        id: "made".to_owned(),
        title: String::new(),
        task: Task {
            kind: TaskKind::Binary,
            targets: vec!["label".to_owned()],
            classes: vec!["0".to_owned(), "1".to_owned()],
        },
        metric: "auroc".to_owned(),
        example_ids: (0..n).map(|row| row.to_string()).collect(),
        sequences: (0..n).map(sequence).collect(),
        targets: Targets::Classes {
            labels: (0..n).map(|row| u32::from(row % 3 == 0)).collect(),
            n_classes: 2,
        },
        splits: Splits { train: (0..70).collect(), valid: (70..85).collect(), test: (85..n).collect() },
        clusters: clusters.then(|| Clusters::from_names(&names, "gene")),
        letters: BaseCounts::default(),
        oracle: None,
        notes: Vec::new(),
        origin: Origin::default(),
    }
}

/// A sequence that no other row has, on either strand: only its start has more than one A in a row.
fn sequence(row: usize) -> DnaSequence {
    let digits = (0..6).map(|place| ["AC", "AG", "AT", "GC"][(row >> (2 * place)) & 3]);
    DnaSequence::parse(&format!("AAAA{}", digits.collect::<String>())).expect("letters").0
}

/// What a made-up probe predicts.
#[derive(Clone, Copy)]
pub(crate) enum Knows {
    /// The truth, blurred.
    Much,
    /// Nothing.
    Nothing,
    /// The same for everyone.
    Constant,
}

/// A scored cell; the name is `representation/variant/layer/probe`.
pub(crate) fn cell(dataset: &Dataset, name: [&str; 4], role: Role, knows: Knows, loss: f64) -> FilledCell {
    let [representation, variant, layer, probe] = name;
    let Targets::Classes { labels, .. } = &dataset.targets else { unreachable!("a binary task") };
    let offset = representation.len() + layer.len();
    let predict = |split| {
        let rows = dataset.splits.rows(split);
        Array2::from_shape_fn((rows.len(), 1), |(place, _)| {
            let noise = ((place * 37 + offset * 11) % 101) as f64 / 101.0;
            match knows {
                Knows::Much => 0.5 * f64::from(labels[rows[place]]) + 0.5 * noise,
                Knows::Nothing => noise,
                Knows::Constant => 0.3,
            }
        })
    };
    let report = FitReport { validation_loss: Some(loss), ..FitReport::default() };
    let result = CellResult {
        fits: vec![SeedFit { seed: 0, report }],
        valid: Predictions::new(vec![predict(Split::Valid)]),
        test: Predictions::new(vec![predict(Split::Test)]),
        probes: Vec::new(),
        width: Some(4),
        seconds: 0.0,
        cost: None,
    };
    let record = CellRecord {
        id: CellId {
            dataset: dataset.id.clone(),
            representation: representation.into(),
            variant: variant.into(),
            layer: (layer != "-").then(|| layer.parse().expect("a layer")),
            pooling: Some(Pooling::Mean),
            probe: (probe != "-").then(|| probe.to_owned()),
            fraction: Fraction::WHOLE,
        },
        key: String::new(),
        role,
        status: Status::Ok,
        reason: None,
        n_seeds: 1,
        fits: result.fits.clone(),
        scores: score_split(dataset, Split::Test, &result.test, REPLICATES),
        seconds: 0.0,
        reused: false,
        description: None,
        cost: None,
    };
    FilledCell { record, result: Some(result), weights: Vec::new() }
}

//! Time of the penalty paths: logistic with 10 penalties, binary and of 3 classes, and ridge with 17; and of the probe
//! on many targets that each miss other rows.
//!
//! Features look like a model's: correlated, with a spectrum that decays slowly (the k-th direction has a
//! deviation of k^-0.5), mixed over all columns and standardised.

use criterion::{Criterion, criterion_group, criterion_main};
use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array2, Axis};
use rand::Rng;
use seqprobe_core::{
    FeatureError, FeatureKind, FeatureSource, FeatureView, LabelledView, Probe, Seed, Targets, Task, TaskKind,
};
use seqprobe_linear::{ClassLabels, LinearProbe, LogisticPath, RidgePath};
use std::hint::black_box;

const ROWS: usize = 20_000;
const COLUMNS: usize = 768;

/// Standardised features, and a score that a tenth of the directions carry, with noise.
fn example(rows: usize, columns: usize) -> (Array2<f64>, Array2<f64>) {
    let mut rng = Seed(0).derive("linear bench").rng();
    let mut centred = |shape| {
        Array2::from_shape_simple_fn(shape, || (0..4).map(|_| rng.random::<f64>()).sum::<f64>() - 2.0)
    };
    let mut directions = centred((rows, columns));
    let signal = centred((columns, 3));
    let mixing = centred((columns, columns));
    let noise = centred((rows, 3));
    let score =
        directions.slice(ndarray::s![.., ..columns / 10]).dot(&signal.slice(ndarray::s![..columns / 10, ..]))
            + noise * 4.0;
    for (k, mut direction) in directions.columns_mut().into_iter().enumerate() {
        direction /= (k as f64 + 1.0).sqrt();
    }
    let mut features = directions.dot(&mixing);
    features -= &features.mean_axis(Axis(0)).expect("there are rows");
    features /= &features.std_axis(Axis(0), 0.0);
    (features, score)
}

fn paths(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("linear");
    group.sample_size(10);
    let penalties: Vec<f64> = (-3..7).map(|exponent| 10_f64.powi(exponent)).collect();
    let (features, score) = example(ROWS, COLUMNS);
    let binary = score.column(0).iter().map(|value| usize::from(*value > 0.0)).collect();
    let three = score
        .rows()
        .into_iter()
        .map(|row| if row[0] > row[1] && row[0] > row[2] { 0 } else { 1 + usize::from(row[2] > row[1]) });
    for (name, labels, n_classes) in [("binary", binary, 2), ("3 classes", three.collect(), 3)] {
        let dataset = DatasetBase::new(features.view(), ClassLabels { labels, n_classes });
        let path = LogisticPath::new(penalties.clone());
        group.bench_function(format!("logistic {name}, {ROWS} × {COLUMNS}, 10 penalties"), |bencher| {
            bencher.iter(|| black_box(path.fit(&dataset)).expect("the path has an optimum"));
        });
    }
    let path = RidgePath::new((-8..9).map(|exponent| 10_f64.powf(f64::from(exponent) / 2.0)).collect());
    let dataset = DatasetBase::new(features.view(), score);
    group.bench_function(format!("ridge, {ROWS} × {COLUMNS}, 17 penalties, 3 targets"), |bencher| {
        bencher.iter(|| black_box(path.fit(&dataset)).expect("the path has an optimum"));
    });
    group.finish();
}

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
            out.extend(self.0.row(row));
        }
        Ok(())
    }
}

/// `TARGETS` targets, a tenth of the values of each missing at random, by the default probe.
fn gaps(criterion: &mut Criterion) {
    const TARGETS: usize = 56;
    let mut group = criterion.benchmark_group("linear");
    group.sample_size(10);
    let (features, score) = example(ROWS, COLUMNS);
    let source = Memory(features.mapv(|value| value as f32));
    let mut rng = Seed(1).derive("linear bench").rng();
    let values = Array2::from_shape_fn((ROWS, TARGETS), |(row, target)| {
        (rng.random::<f64>() < 0.9).then(|| score[(row, target % 3)] + rng.random::<f64>())
    });
    let targets = Targets::Values { values };
    let rows: Vec<usize> = (0..ROWS).collect();
    let (train, valid) = rows.split_at(ROWS * 9 / 10);
    let (train_targets, valid_targets) = (targets.select(train), targets.select(valid));
    let view = |rows, targets| LabelledView {
        features: FeatureView::new(&source, rows).expect("the rows exist"),
        targets,
        groups: None,
    };
    let task = Task {
        kind: TaskKind::Regression,
        targets: (0..TARGETS).map(|target| target.to_string()).collect(),
        classes: Vec::new(),
    };
    let name = format!("ridge, {} × {COLUMNS}, 10 penalties, {TARGETS} targets with gaps", train.len());
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let (train, valid) = (view(train, &train_targets), view(valid, &valid_targets));
            black_box(LinearProbe::default().fit(&task, train, valid, Seed(0)))
                .expect("the path has an optimum")
        });
    });
    group.finish();
}

criterion_group!(benches, paths, gaps);
criterion_main!(benches);

//! Fitting the seeds of a cell.

use crate::judge::truth::Predictions;
use crate::run::one_fit::{OneFit, Unfitted};
use crate::run::search::choose;
use crate::run::training_rows::{FitRows, Training};
use crate::store::cell_store::CellResult;
use seqprobe_core::{
    Candidate, Dataset, FeatureSource, FeatureView, Grouping, LabelledView, Probe, ProbeError, Seed,
};
use seqprobe_embed::BoxedSource;
use seqprobe_report::record::SeedFit;
use std::time::Instant;

/// What the fits of a cell are made of.
pub(crate) struct FitRequest<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) training: Training,
    /// Draws of a part of the training split.
    pub(crate) n_part_draws: usize,
    /// One source of features per draw of the representation.
    pub(crate) sources: &'a [BoxedSource<'a>],
    pub(crate) probe: &'a dyn Probe,
    pub(crate) seeds: &'a [u64],
    pub(crate) threads: usize,
}

/// Fits every seed of a cell on the draw that belongs to it. Neural fits run at the same time, each on one thread: that is
/// faster than one after the other on all threads, and a fit gives the same bits whatever the number of threads.
pub(crate) fn fit_cell(request: &FitRequest<'_>) -> Result<CellResult, Unfitted> {
    let FitRequest { dataset, training, sources, probe, threads, .. } = *request;
    let started = Instant::now();
    let rows: Vec<FitRows> =
        (0..n_training_draws(request)).map(|draw| FitRows::of(dataset, training, draw as u64)).collect();
    let seeds: Vec<(usize, u64)> = request.seeds.iter().copied().enumerate().collect();
    let fit = |probe: &dyn Probe, &(number, seed): &(usize, u64)| {
        let source = sources[number % sources.len()].as_ref();
        fit_one(dataset, &rows[number % rows.len()], source, probe, seed)
    };
    let points = probe.candidates();
    let fits: Vec<Result<OneFit, ProbeError>> = match seeds.split_first() {
        _ if probe.is_deterministic() => seeds.iter().map(|seed| fit(probe, seed)).collect(),
        Some((first, others)) if !points.is_empty() => {
            let at_first = |point: &Candidate| fit(point.probe.as_ref(), first);
            let chosen = choose(side_by_side(&points, threads, at_first)?)?;
            let probe = points[chosen.number].probe.as_ref();
            let mut rest = side_by_side(others, threads, |seed| fit(probe, seed))?;
            let first = chosen.record_choice((&points, first.1), &mut rest);
            std::iter::once(Ok(first)).chain(rest).collect()
        }
        _ => side_by_side(&seeds, threads, |seed| fit(probe, seed))?,
    };
    let (mut records, mut valid, mut test, mut probes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for fitted in fits {
        let fitted = fitted?;
        records.push(fitted.fit);
        valid.push(fitted.valid);
        test.push(fitted.test);
        probes.push(fitted.probe);
    }
    Ok(CellResult {
        fits: records,
        valid: Predictions::new(valid),
        test: Predictions::new(test),
        probes,
        width: sources.first().map(|source| source.dim()),
        seconds: started.elapsed().as_secs_f64(),
        cost: None,
    })
}

/// Different draws of training rows or permutations that the fits of a cell take turns with.
fn n_training_draws(request: &FitRequest<'_>) -> usize {
    match request.training {
        Training::Whole => 1,
        Training::Part(_) => request.n_part_draws,
        Training::Shuffled => request.seeds.len(),
    }
}

/// The chromosome of each row, where the dataset knows them.
fn chromosomes_of(dataset: &Dataset, rows: &[usize]) -> Option<Vec<u32>> {
    let chromosomes = dataset.clusters.as_ref()?.chromosomes()?;
    Some(rows.iter().map(|&row| chromosomes[row]).collect())
}

fn fit_one(
    dataset: &Dataset,
    rows: &FitRows,
    source: &(dyn FeatureSource + Send),
    probe: &dyn Probe,
    seed: u64,
) -> Result<OneFit, ProbeError> {
    let train = FeatureView::new(source, &rows.train_rows)?;
    let valid = FeatureView::new(source, &dataset.splits.valid)?;
    let test = FeatureView::new(source, &dataset.splits.test)?;
    let derived = Seed(seed).derive(&format!("fit/{}/{}", dataset.id, probe.id()));
    let (train_groups, valid_groups) = match probe.grouping() {
        Grouping::Clusters => (rows.train_groups.clone(), rows.valid_groups.clone()),
        Grouping::Chromosomes => {
            let of = |rows: &[usize]| chromosomes_of(dataset, rows);
            (of(&rows.train_rows), of(&dataset.splits.valid))
        }
    };
    let fit = probe.fit(
        &dataset.task,
        LabelledView { features: train, targets: &rows.train, groups: train_groups.as_deref() },
        LabelledView { features: valid, targets: &rows.valid, groups: valid_groups.as_deref() },
        derived,
    )?;
    Ok(OneFit {
        valid: fit.fitted.predict(&valid)?,
        test: fit.fitted.predict(&test)?,
        probe: fit.fitted.store(),
        fit: SeedFit { seed, report: fit.report },
    })
}

/// Runs work items on as many threads as given, with libtorch on one thread within each; results in order. The number of
/// libtorch's threads belongs to the whole process: no other extraction or fit may run at the same time.
fn side_by_side<I: Sync, O: Send>(
    items: &[I],
    threads: usize,
    work: impl Fn(&I) -> O + Sync,
) -> Result<Vec<O>, Unfitted> {
    tch::set_num_threads(1);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let done: Vec<std::sync::Mutex<Option<O>>> = items.iter().map(|_| std::sync::Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(item) = items.get(number) else { break };
                    let output = work(item);
                    if let Ok(mut slot) = done[number].lock() {
                        *slot = Some(output);
                    }
                }
            });
        }
    });
    tch::set_num_threads(i32::try_from(threads).unwrap_or(1));
    done.into_iter()
        .map(|slot| slot.into_inner().ok().flatten().ok_or_else(|| Unfitted::failed("a fit was lost")))
        .collect()
}

//! Fitting the seeds of a cell.

use crate::cells::CellResult;
use crate::controls::PERMUTATIONS;
use crate::fill::Runner;
use crate::search::choose;
use crate::training_rows::{FitRows, Training};
use seqprobe_core::{Candidate, Dataset, FeatureView, Grouping, LabelledView, Probe, ProbeError, Seed};
use seqprobe_embed::BoxedSource;
use seqprobe_report::record::SeedFit;
use std::time::Instant;

impl Runner<'_> {
    /// Fits a cell: every seed, on the draw that belongs to it. Neural fits run side by side, each on one
    /// thread: that is faster than one after the other on all threads, and a fit then gives the same bits
    /// whatever the number of threads.
    pub(crate) fn fit_cell(
        &self,
        dataset: &Dataset,
        training: Training,
        draws: &[BoxedSource<'_>],
        probe: &dyn Probe,
    ) -> Result<CellResult, Unfitted> {
        let started = Instant::now();
        let width = draws.first().map_or(0, |source| source.dim());
        let mut result = CellResult {
            fits: Vec::new(),
            valid: Vec::new(),
            test: Vec::new(),
            probes: Vec::new(),
            width,
            seconds: 0.0,
            cost: None,
        };
        let seeds = self.fit_seeds(probe, draws.len(), training);
        let rows: Vec<FitRows> = (0..self.n_training_draws(training, seeds.len()))
            .map(|draw| FitRows::of(dataset, training, draw as u64))
            .collect();
        let seeds: Vec<(usize, u64)> = seeds.into_iter().enumerate().collect();
        let fit = |probe: &dyn Probe, &(number, seed): &(usize, u64)| {
            fit_one(dataset, &rows[number % rows.len()], draws[number % draws.len()].as_ref(), probe, seed)
        };
        let points = probe.candidates();
        let fits: Vec<Result<OneFit, ProbeError>> = match seeds.split_first() {
            _ if probe.is_deterministic() => seeds.iter().map(|seed| fit(probe, seed)).collect(),
            Some((first, others)) if !points.is_empty() => {
                let at_first = |point: &Candidate| fit(point.probe.as_ref(), first);
                let chosen = choose(side_by_side(&points, self.threads, at_first)?)?;
                let probe = points[chosen.number].probe.as_ref();
                let mut rest = side_by_side(others, self.threads, |seed| fit(probe, seed))?;
                let first = chosen.tell((&points, first.1), &mut rest);
                std::iter::once(Ok(first)).chain(rest).collect()
            }
            _ => side_by_side(&seeds, self.threads, |seed| fit(probe, seed))?,
        };
        for fitted in fits {
            let (fit, valid, test, stored) = fitted?;
            result.fits.push(fit);
            result.valid.push(valid);
            result.test.push(test);
            result.probes.push(stored);
        }
        result.seconds = started.elapsed().as_secs_f64();
        Ok(result)
    }

    /// Seeds of a cell's fits: one for a deterministic probe, the suite's for others, and at least one per
    /// draw of random weights, of training rows and of shuffled labels. Fit `j` uses draw `j` modulo the number of
    /// draws.
    pub(crate) fn fit_seeds(&self, probe: &dyn Probe, n_draws: usize, training: Training) -> Vec<u64> {
        let own = if probe.is_deterministic() { 1 } else { self.suite.seeds.len() };
        let of_training = match training {
            Training::Whole => 1,
            Training::Part(_) => self.suite.draws,
            Training::Shuffled if probe.is_deterministic() => PERMUTATIONS,
            Training::Shuffled => 1,
        };
        let n_fits = own.max(n_draws).max(of_training);
        let others = (0..).filter(|seed| !self.suite.seeds.contains(seed));
        self.suite.seeds.iter().copied().chain(others).take(n_fits).collect()
    }

    /// Different draws of training rows or permutations that the fits of a cell take turns with.
    fn n_training_draws(&self, training: Training, n_fits: usize) -> usize {
        match training {
            Training::Whole => 1,
            Training::Part(_) => self.suite.draws,
            Training::Shuffled => n_fits,
        }
    }
}

/// Why a cell has no result.
#[derive(Debug)]
pub(crate) enum Unfitted {
    /// The combination cannot exist, which showed only when its features were there.
    NotApplicable(String),
    /// It should have been there.
    Failed(String),
}

impl From<String> for Unfitted {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

impl From<ProbeError> for Unfitted {
    fn from(error: ProbeError) -> Self {
        match error {
            ProbeError::Length(reason) => Self::NotApplicable(reason),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// The chromosome of each row, where the dataset knows them.
fn chromosomes_of(dataset: &Dataset, rows: &[usize]) -> Option<Vec<u32>> {
    let chromosomes = dataset.clusters.as_ref()?.chromosomes()?;
    Some(rows.iter().map(|&row| chromosomes[row]).collect())
}

pub(crate) type OneFit = (SeedFit, ndarray::Array2<f64>, ndarray::Array2<f64>, seqprobe_core::StoredProbe);

fn fit_one(
    dataset: &Dataset,
    rows: &FitRows,
    source: &(dyn seqprobe_core::FeatureSource + Send),
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
    let on_valid = fit.fitted.predict(&valid)?;
    let on_test = fit.fitted.predict(&test)?;
    Ok((SeedFit { seed, report: fit.report }, on_valid, on_test, fit.fitted.store()))
}

/// Runs work items on as many threads as given, libtorch on one thread within each; results in order.
fn side_by_side<I: Sync, O: Send>(
    items: &[I],
    threads: usize,
    work: impl Fn(&I) -> O + Sync,
) -> Result<Vec<O>, String> {
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
        .map(|slot| slot.into_inner().ok().flatten().ok_or_else(|| "a fit was lost".to_owned()))
        .collect()
}

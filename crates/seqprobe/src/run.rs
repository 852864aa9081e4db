//! The main road: suite → plan → features → fits → scores → verdicts → run record. Each stage keeps what it
//! finished, so a run that was stopped goes on where it was.

use crate::cells::{CELL_VERSION, CellKey, CellResult, CellStore};
use crate::cli::Computing;
use crate::constant::constant_cell;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::files::cache_folder;
use crate::models::LoadedModel;
use crate::plan::{PlannedCell, Work, plan_dataset};
use crate::progress::Progress;
use crate::provenance::{Started, dataset_record};
use crate::score::{metric_versions, score_split};
use crate::suite::{ModelRepresentation, Representation, Suite, build_probe};
use crate::verdicts::{FilledCell, VerdictRow, judge_rows, rows_of_dataset};
use seqprobe_core::{
    Dataset, Digest, FeatureView, FitReport, LabelledView, LayerIndex, Pooling, Probe, ProbeError, Seed,
    Split, Targets,
};
use seqprobe_embed::{
    BoxedSource, EmbeddingCache, EntryKey, Extraction, ExtractionOptions, Flattened, Interrupted,
    PlainRepresentation, extract,
};
use seqprobe_report::RunRecord;
use seqprobe_report::record::{CellRecord, SCHEMA_VERSION, ScoreRecord, SeedFit, Status};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A finished run and the numbers behind it.
pub(crate) struct FinishedRun {
    pub(crate) record: RunRecord,
    pub(crate) datasets: Vec<(Dataset, Vec<FilledCell>)>,
    pub(crate) n_reused: usize,
}

/// What a run works with.
struct Runner<'a> {
    suite: &'a Suite,
    models: Vec<Option<LoadedModel>>,
    probes: Vec<Box<dyn Probe>>,
    store: CellStore,
    embeddings: EmbeddingCache,
    threads: usize,
    progress: Progress,
}

/// The features of a dataset: one source per draw for each layer and pooling, and what is to be said of them.
struct Features<'d> {
    sources: BTreeMap<(Option<LayerIndex>, Pooling), Vec<BoxedSource<'d>>>,
    remarks: Vec<String>,
}

/// Loads the datasets of a suite.
pub(crate) fn load_datasets(suite: &Suite, data_dirs: &[PathBuf]) -> Result<Vec<Dataset>, Failure> {
    let mut datasets: Vec<Dataset> = Vec::new();
    for name in &suite.datasets {
        let dataset = crate::data_command::load_dataset(name, &suite.folder, data_dirs, suite.simulate)?;
        if datasets.iter().any(|other| other.id == dataset.id) {
            return Err(Failure::usage(format!("dataset {:?} stands twice in the suite", dataset.id)));
        }
        if !seqprobe_stats::METRICS.iter().any(|metric| metric.id == dataset.metric) {
            let known: Vec<&str> = seqprobe_stats::METRICS.iter().map(|metric| metric.id).collect();
            let hint = match seqprobe_core::config::nearest(&dataset.metric, known.iter().copied()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("use one of {}", known.join(", ")),
            };
            return Err(Failure::usage(format!(
                "dataset {:?}: unknown metric {:?}\n  hint: {hint}",
                dataset.id, dataset.metric
            )));
        }
        datasets.push(dataset);
    }
    Ok(datasets)
}

/// Loads the models a suite names; `None` where a representation has none.
pub(crate) fn load_models(suite: &Suite) -> Result<Vec<Option<LoadedModel>>, Failure> {
    suite
        .representations
        .iter()
        .map(|representation| match representation {
            Representation::Model(model) => LoadedModel::load(model).map(Some),
            Representation::Plain { .. } => Ok(None),
        })
        .collect()
}

/// Plans every dataset.
pub(crate) fn plan_all(
    suite: &Suite,
    datasets: &[Dataset],
    models: &[Option<LoadedModel>],
) -> Result<Vec<Vec<PlannedCell>>, Failure> {
    let specs: Result<Vec<_>, Failure> =
        models.iter().map(|model| model.as_ref().map(|model| model.spec().cloned()).transpose()).collect();
    let specs = specs?;
    let mut plans = Vec::new();
    for dataset in datasets {
        let plan =
            plan_dataset(suite, dataset, &specs).map_err(|message| Failure::new(ExitCode::Model, message))?;
        plans.push(plan);
    }
    if plans.iter().all(|plan| plan.iter().all(|cell| !matches!(cell.work, Work::Fit { .. }))) {
        return Err(Failure::new(ExitCode::EmptyPlan, "no cell of the plan can exist: nothing to run"));
    }
    Ok(plans)
}

/// Runs a suite.
pub(crate) fn run_suite(
    suite: &Suite,
    datasets: Vec<Dataset>,
    computing: &Computing,
    command: String,
) -> Result<FinishedRun, Failure> {
    let started = Started::now(command);
    let threads = set_threads(computing.threads)?;
    let cache = cache_folder(&computing.folders)?;
    // Without a cache everything is kept in a folder that goes away with the run.
    let temporary = if computing.no_cache { Some(tempfile::tempdir()?) } else { None };
    let cache = temporary.as_ref().map_or(cache, |folder| folder.path().to_owned());
    let models = load_models(suite)?;
    let plans = plan_all(suite, &datasets, &models)?;
    let n_cells = plans.iter().map(Vec::len).sum();
    let runner = Runner {
        suite,
        models,
        probes: suite.probes.iter().map(build_probe).collect(),
        store: CellStore::new(&cache),
        embeddings: EmbeddingCache::open(&cache).or_exit(ExitCode::Unexpected)?,
        threads,
        progress: Progress::new(n_cells),
    };
    let mut rows: Vec<VerdictRow> = Vec::new();
    let mut records = Vec::new();
    let mut filled_datasets = Vec::new();
    let probe_ids: Vec<String> = suite.probes.iter().map(|probe| probe.id.clone()).collect();
    for (dataset, plan) in datasets.into_iter().zip(plans) {
        let filled = runner.run_dataset(&dataset, &plan)?;
        rows.extend(rows_of_dataset(&dataset, &filled, &probe_ids, suite.replicates));
        records.push(dataset_record(&dataset));
        filled_datasets.push((dataset, filled));
    }
    runner.progress.finish();
    let cells: Vec<CellRecord> = filled_datasets
        .iter()
        .flat_map(|(_, filled)| filled.iter().map(|cell| cell.record.clone()))
        .collect();
    let n_reused = cells.iter().filter(|cell| cell.reused).count();
    let models = runner.model_digests();
    let verdicts = judge_rows(&rows, suite.margin);
    let warnings = crate::warnings::warnings(&cells, &records);
    let record = RunRecord {
        schema_version: SCHEMA_VERSION,
        suite: suite.name.clone(),
        provenance: started.provenance(threads, suite.toml.clone(), models),
        datasets: records,
        cells,
        verdicts,
        warnings,
    };
    Ok(FinishedRun { record, datasets: filled_datasets, n_reused })
}

/// Gives libtorch and rayon the same number of threads; stages do not overlap, so they never compete.
pub(crate) fn set_threads(asked: Option<usize>) -> Result<usize, Failure> {
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = asked.unwrap_or(available);
    if threads == 0 || threads > 1024 {
        return Err(Failure::usage(format!("--threads {threads} must lie between 1 and 1024")));
    }
    tch::set_num_threads(i32::try_from(threads).or_exit(ExitCode::Usage)?);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().or_exit(ExitCode::Unexpected)?;
    Ok(threads)
}

impl Runner<'_> {
    fn model_digests(&self) -> BTreeMap<String, String> {
        self.suite
            .representations
            .iter()
            .zip(&self.models)
            .filter_map(|(representation, model)| {
                Some((representation.name(), model.as_ref()?.digests().join(" ")))
            })
            .collect()
    }

    fn run_dataset(&self, dataset: &Dataset, plan: &[PlannedCell]) -> Result<Vec<FilledCell>, Failure> {
        let digest = dataset.digest();
        let labelled = SplitTargets::of(dataset);
        let mut filled: Vec<Option<FilledCell>> = plan.iter().map(|_| None).collect();
        // Reuse first: what is stored needs no features.
        let mut open: Vec<(usize, Digest)> = Vec::new();
        for (index, planned) in plan.iter().enumerate() {
            match self.cell_key(digest, planned)? {
                None => filled[index] = Some(self.without_key(dataset, planned)?),
                Some(key) => match self.store.load(&key) {
                    Some(result) => {
                        filled[index] = Some(self.finish_cell(dataset, planned, key, Ok(result), true)?);
                    }
                    None => open.push((index, key)),
                },
            }
            if filled[index].is_some() {
                self.progress.step(&planned.id.to_string());
            }
        }
        for (number, representation) in self.suite.representations.iter().enumerate() {
            let mine: Vec<&(usize, Digest)> = open
                .iter()
                .filter(|(index, _)| matches!(plan[*index].work, Work::Fit { representation, .. } if representation == number))
                .collect();
            if mine.is_empty() {
                continue;
            }
            let mut wanted: Vec<(Option<LayerIndex>, Pooling)> = Vec::new();
            for (index, _) in &mine {
                if let Work::Fit { layer, pooling, .. } = plan[*index].work
                    && !wanted.contains(&(layer, pooling))
                {
                    wanted.push((layer, pooling));
                }
            }
            let features = self.features(dataset, number, representation, &wanted);
            for (index, key) in mine {
                let planned = &plan[*index];
                let Work::Fit { layer, pooling, probe, .. } = planned.work else { continue };
                self.progress.note(&planned.id.to_string());
                let result = match &features {
                    Ok(features) => match features.sources.get(&(layer, pooling)) {
                        Some(draws) => {
                            let cell = self.fit_cell(dataset, &labelled, draws, self.probes[probe].as_ref());
                            cell.map(|mut cell| {
                                // Kept with the cell, so that a later run that reuses it says the same.
                                if let Some(first) = cell.fits.first_mut() {
                                    first.report.warnings.extend(features.remarks.iter().cloned());
                                }
                                cell
                            })
                        }
                        None => Err("the features were not made".to_owned()),
                    },
                    Err(message) => Err(message.clone()),
                };
                if let Ok(result) = &result {
                    self.store.save(key, result)?;
                }
                filled[*index] = Some(self.finish_cell(dataset, planned, *key, result, false)?);
                self.progress.step(&planned.id.to_string());
            }
        }
        Ok(filled.into_iter().flatten().collect())
    }

    /// The key of a cell that is fitted; `None` for the others.
    fn cell_key(&self, digest: Digest, planned: &PlannedCell) -> Result<Option<Digest>, Failure> {
        let Work::Fit { representation, layer, pooling, probe } = planned.work else { return Ok(None) };
        let features = match (
            &self.suite.representations[representation],
            &self.models[representation],
            layer,
        ) {
            (Representation::Plain { representation, .. }, _, _) => {
                vec![
                    serde_json::json!({ "plain": representation.id(), "version": PlainRepresentation::VERSION, "pooling": pooling }),
                ]
            }
            (Representation::Model(model), Some(loaded), Some(layer)) => {
                let stored = if pooling == Pooling::Flatten { Pooling::Tokens } else { pooling };
                let mut keys = Vec::new();
                for draw in &loaded.draws {
                    // The dataset's digest stands for the sequences.
                    let key = EntryKey::new(draw, &model.extraction, layer, stored, digest)
                        .or_exit(ExitCode::Model)?;
                    keys.push(serde_json::json!({ "entry": key, "flatten": pooling == Pooling::Flatten }));
                }
                keys
            }
            _ => return Ok(None),
        };
        let probe = &self.probes[probe];
        let n_draws = features.len();
        let key = CellKey {
            cell_version: CELL_VERSION,
            dataset: digest,
            features,
            probe: probe.id().to_owned(),
            probe_version: probe.version(),
            probe_settings: probe.settings(),
            fraction: planned.id.fraction.clone(),
            seeds: self.fit_seeds(probe.as_ref(), n_draws),
        };
        Digest::of_value(&key).or_exit(ExitCode::Unexpected).map(Some)
    }

    /// Seeds of a cell's fits: one for a deterministic probe, the suite's for others, and at least one per
    /// draw of random weights. Fit `j` uses draw `j` modulo the number of draws.
    fn fit_seeds(&self, probe: &dyn Probe, n_draws: usize) -> Vec<u64> {
        let own = if probe.is_deterministic() { 1 } else { self.suite.seeds.len() };
        (0..own.max(n_draws))
            .map(|number| self.suite.seeds.get(number).copied().unwrap_or(number as u64))
            .collect()
    }

    /// Cells that need no fit: not applicable, constant, oracle.
    fn without_key(&self, dataset: &Dataset, planned: &PlannedCell) -> Result<FilledCell, Failure> {
        let digest =
            Digest::of_value(&(&planned.id, dataset.digest(), CELL_VERSION)).or_exit(ExitCode::Unexpected)?;
        let started = Instant::now();
        match (&planned.work, &dataset.oracle) {
            (Work::NotApplicable(reason), _) => {
                let mut record = empty_record(planned, &digest);
                record.status = Status::NotApplicable;
                record.reason = Some(reason.clone());
                Ok(FilledCell { record, result: None, weights: Vec::new() })
            }
            (Work::Oracle, Some(oracle)) => {
                let take = |split| vec![oracle.select(ndarray::Axis(0), dataset.splits.rows(split))];
                let result = CellResult {
                    fits: vec![SeedFit { seed: 0, report: FitReport::default() }],
                    valid: take(Split::Valid),
                    test: take(Split::Test),
                    probes: Vec::new(),
                    width: 0,
                    seconds: started.elapsed().as_secs_f64(),
                };
                self.finish_cell(dataset, planned, digest, Ok(result), false)
            }
            _ => self.finish_cell(dataset, planned, digest, Ok(constant_cell(dataset)), false),
        }
    }

    /// The features of a dataset for each layer and pooling wanted, one source per draw.
    fn features<'d>(
        &self,
        dataset: &'d Dataset,
        number: usize,
        representation: &Representation,
        wanted: &[(Option<LayerIndex>, Pooling)],
    ) -> Result<Features<'d>, String> {
        let mut sources: BTreeMap<_, Vec<BoxedSource<'d>>> = BTreeMap::new();
        let mut remarks = Vec::new();
        match (representation, &self.models[number]) {
            (Representation::Plain { representation, .. }, _) => {
                for &(layer, pooling) in wanted {
                    let source = representation
                        .features(&dataset.sequences, pooling, &dataset.splits.train)
                        .map_err(|error| error.to_string())?;
                    sources.insert((layer, pooling), vec![source]);
                }
            }
            (Representation::Model(model), Some(loaded)) => {
                for draw in &loaded.draws {
                    let extraction = self.extract(dataset, model, draw, wanted)?;
                    let report = extraction.report;
                    let remark = format!(
                        "{} of {} distinct sequences were cut to what the model takes",
                        report.n_truncated, report.n_distinct
                    );
                    if report.n_truncated > 0 && !remarks.contains(&remark) {
                        remarks.push(remark);
                    }
                    let mut stored = extraction.features.into_iter();
                    for &(layer, pooling) in wanted {
                        let source = stored.next().ok_or("the extraction gave too few features")?;
                        let source: BoxedSource<'d> = if pooling == Pooling::Flatten {
                            Box::new(
                                Flattened::new(Box::new(source), &dataset.splits.train)
                                    .map_err(|error| error.to_string())?,
                            )
                        } else {
                            Box::new(source)
                        };
                        sources.entry((layer, pooling)).or_default().push(source);
                    }
                }
            }
            (Representation::Model(model), None) => {
                return Err(format!("model {:?} is not loaded", model.name));
            }
        }
        Ok(Features { sources, remarks })
    }

    fn extract(
        &self,
        dataset: &Dataset,
        model: &ModelRepresentation,
        draw: &seqprobe_models::FrozenModel,
        wanted: &[(Option<LayerIndex>, Pooling)],
    ) -> Result<Extraction, String> {
        let pairs: Vec<(LayerIndex, Pooling)> = wanted
            .iter()
            .filter_map(|&(layer, pooling)| {
                layer
                    .map(|layer| (layer, if pooling == Pooling::Flatten { Pooling::Tokens } else { pooling }))
            })
            .collect();
        let mut report = |progress: seqprobe_embed::ExtractionProgress| -> Result<(), Interrupted> {
            self.progress.note(&format!(
                "{}: {} of {} sequences through {}",
                dataset.id, progress.sequences, progress.total, model.name
            ));
            Ok(())
        };
        let options =
            ExtractionOptions { repair: true, progress: Some(&mut report), ..ExtractionOptions::default() };
        extract(draw, &model.extraction, &dataset.sequences, &pairs, &self.embeddings, options)
            .map_err(|error| error.to_string())
    }

    /// Fits a cell: every seed, on the draw that belongs to it. Neural fits run side by side, each on one
    /// thread: that is faster than one after the other on all threads, and a fit then gives the same bits
    /// whatever the number of threads.
    fn fit_cell(
        &self,
        dataset: &Dataset,
        targets: &SplitTargets,
        draws: &[BoxedSource<'_>],
        probe: &dyn Probe,
    ) -> Result<CellResult, String> {
        let started = Instant::now();
        let width = draws.first().map_or(0, |source| source.dim());
        let mut result = CellResult {
            fits: Vec::new(),
            valid: Vec::new(),
            test: Vec::new(),
            probes: Vec::new(),
            width,
            seconds: 0.0,
        };
        let seeds: Vec<(usize, u64)> = self.fit_seeds(probe, draws.len()).into_iter().enumerate().collect();
        let fit = |&(number, seed): &(usize, u64)| {
            fit_one(dataset, targets, draws[number % draws.len()].as_ref(), probe, seed)
        };
        let fits: Vec<Result<OneFit, ProbeError>> = if probe.is_deterministic() {
            seeds.iter().map(fit).collect()
        } else {
            side_by_side(&seeds, self.threads, fit)?
        };
        for fitted in fits {
            let (fit, valid, test, stored) = fitted.map_err(|error| error.to_string())?;
            result.fits.push(fit);
            result.valid.push(valid);
            result.test.push(test);
            result.probes.push(stored);
        }
        result.seconds = started.elapsed().as_secs_f64();
        Ok(result)
    }

    /// Scores a cell and makes its record.
    fn finish_cell(
        &self,
        dataset: &Dataset,
        planned: &PlannedCell,
        key: Digest,
        result: Result<CellResult, String>,
        reused: bool,
    ) -> Result<FilledCell, Failure> {
        let mut record = empty_record(planned, &key);
        record.reused = reused;
        let result = match result {
            Ok(result) => result,
            Err(reason) => {
                record.status = Status::Failed;
                record.reason = Some(reason);
                return Ok(FilledCell { record, result: None, weights: Vec::new() });
            }
        };
        let score_key =
            Digest::of_value(&("scores v1", key, &dataset.metric, metric_versions(), self.suite.replicates))
                .or_exit(ExitCode::Unexpected)?;
        let scores: Vec<ScoreRecord> = self.store.memo("scores-v1", &score_key, || {
            let mut scores = score_split(dataset, Split::Test, &result.test, self.suite.replicates);
            scores.extend(score_split(dataset, Split::Valid, &result.valid, self.suite.replicates));
            scores
        })?;
        record.scores = scores;
        record.n_seeds = result.fits.len();
        record.fits.clone_from(&result.fits);
        record.seconds = result.seconds;
        let weights = match planned.work {
            Work::Fit { representation, .. } => {
                self.models[representation].as_ref().map(LoadedModel::digests).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        Ok(FilledCell { record, result: Some(result), weights })
    }
}

/// Targets of the three splits.
struct SplitTargets {
    train: Targets,
    valid: Targets,
}

impl SplitTargets {
    fn of(dataset: &Dataset) -> Self {
        let take = |split| dataset.targets.select(dataset.splits.rows(split));
        Self { train: take(Split::Train), valid: take(Split::Valid) }
    }
}

type OneFit = (SeedFit, ndarray::Array2<f64>, ndarray::Array2<f64>, seqprobe_core::StoredProbe);

fn fit_one(
    dataset: &Dataset,
    targets: &SplitTargets,
    source: &(dyn seqprobe_core::FeatureSource + Send),
    probe: &dyn Probe,
    seed: u64,
) -> Result<OneFit, ProbeError> {
    let train = FeatureView::new(source, &dataset.splits.train)?;
    let valid = FeatureView::new(source, &dataset.splits.valid)?;
    let test = FeatureView::new(source, &dataset.splits.test)?;
    let derived = Seed(seed).derive(&format!("fit/{}/{}", dataset.id, probe.id()));
    let fit = probe.fit(
        &dataset.task,
        LabelledView { features: train, targets: &targets.train },
        LabelledView { features: valid, targets: &targets.valid },
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

fn empty_record(planned: &PlannedCell, key: &Digest) -> CellRecord {
    CellRecord {
        id: planned.id.clone(),
        key: key.to_string(),
        role: planned.role,
        status: Status::Ok,
        reason: None,
        n_seeds: 0,
        fits: Vec::new(),
        scores: Vec::new(),
        seconds: 0.0,
        reused: false,
    }
}

/// Folder of a run's results when none is given.
pub(crate) fn default_out(name: &str) -> PathBuf {
    Path::new("reports").join(name)
}

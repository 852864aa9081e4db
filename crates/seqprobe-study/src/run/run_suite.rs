//! The main road: suite → plan → features → fits → scores → verdicts → run record. Each stage keeps what it
//! finished, so a run that was stopped goes on where it was.

use crate::cells::CellStore;
use crate::cli::Computing;
use crate::control_checks::ControlFindings;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::files::cache_folder;
use crate::fill::Runner;
use crate::imports::load_imports;
use crate::model_finder::ModelFinder;
use crate::models::LoadedModel;
use crate::plan::{PlannedCell, Work, plan_dataset};
use crate::probes::probe_family;
use crate::progress::Progress;
use crate::provenance::{Started, dataset_record};
use crate::suite::{Representation, Suite};
use crate::verdicts::{FilledCell, VerdictRow, judge_rows, rows_of_dataset};
use seqprobe_core::audit::NEAR_THRESHOLD;
use seqprobe_core::{Dataset, Digest};
use seqprobe_data::audit::{audit, without_leaks};
use seqprobe_embed::EmbeddingCache;
use seqprobe_report::RunRecord;
use seqprobe_report::record::{CellRecord, SCHEMA_VERSION};
use std::path::{Path, PathBuf};

/// A finished run and the numbers behind it.
pub(crate) struct FinishedRun {
    pub(crate) record: RunRecord,
    pub(crate) datasets: Vec<(Dataset, Vec<FilledCell>)>,
    pub(crate) n_reused: usize,
}

/// Loads the datasets of a suite.
pub(crate) fn load_datasets(suite: &Suite, data_dirs: &[PathBuf]) -> Result<Vec<Dataset>, Failure> {
    let mut datasets: Vec<Dataset> = Vec::new();
    for name in &suite.datasets {
        let dataset = crate::data_command::load_dataset(name, &suite.folder, data_dirs, suite.simulate)?;
        let dataset = match suite.drop_leaks {
            Some(kind) => without_leaks(dataset, kind, NEAR_THRESHOLD).or_exit(ExitCode::Data)?,
            None => dataset,
        };
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
pub(crate) fn load_models(suite: &Suite, finder: &ModelFinder) -> Result<Vec<Option<LoadedModel>>, Failure> {
    suite
        .representations
        .iter()
        .map(|representation| match representation {
            Representation::Model(model) => LoadedModel::load(model, finder).map(Some),
            Representation::Plain { .. } | Representation::Imported(_) => Ok(None),
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

/// Runs a suite on as many threads as [`set_threads`] gave: it comes first, since loading may use them too.
pub(crate) fn run_suite(
    suite: &Suite,
    datasets: Vec<Dataset>,
    computing: &Computing,
    threads: usize,
    command: String,
) -> Result<FinishedRun, Failure> {
    let started = Started::now(command);
    let cache = cache_folder(&computing.folders)?;
    // Without a cache everything is kept in a folder that goes away with the run.
    let temporary = if computing.no_cache { Some(tempfile::tempdir()?) } else { None };
    let cache = temporary.as_ref().map_or(cache, |folder| folder.path().to_owned());
    let imports = load_imports(suite, &datasets)?;
    let finder = ModelFinder::new(computing)?;
    let models = load_models(suite, &finder)?;
    let plans = plan_all(suite, &datasets, &models)?;
    let n_cells = plans.iter().map(Vec::len).sum();
    let runner = Runner {
        suite,
        models,
        finder,
        imports,
        probes: suite
            .probes
            .iter()
            .filter_map(|entry| probe_family(&entry.id).map(|family| (family.build)(entry)))
            .collect(),
        store: CellStore::new(&cache, !computing.no_repair),
        embeddings: EmbeddingCache::open(&cache).or_exit(ExitCode::Unexpected)?,
        repair: !computing.no_repair,
        threads,
        progress: Progress::new(n_cells, "cells"),
    };
    let mut rows: Vec<VerdictRow> = Vec::new();
    let mut records = Vec::new();
    let mut filled_datasets = Vec::new();
    let mut findings = Vec::new();
    let probe_ids: Vec<String> = suite.probes.iter().map(|probe| probe.id.clone()).collect();
    for (dataset, plan) in datasets.into_iter().zip(plans) {
        let filled = runner.run_dataset(&dataset, &plan)?;
        rows.extend(rows_of_dataset(&dataset, &filled, &probe_ids, suite.replicates));
        let found = ControlFindings::of(&dataset, &filled, &probe_ids, suite.replicates);
        let audit_key = Digest::of_value(&("audit v1", dataset.digest(), NEAR_THRESHOLD))
            .or_exit(ExitCode::Unexpected)?;
        let audited = runner.store.memo("audits-v1", &audit_key, || audit(&dataset, NEAR_THRESHOLD))?;
        records.push(dataset_record(&dataset, found.gains.clone(), Some(audited)));
        findings.push(found);
        filled_datasets.push((dataset, filled));
    }
    runner.progress.finish();
    let cells: Vec<CellRecord> = filled_datasets
        .iter()
        .flat_map(|(_, filled)| filled.iter().map(|cell| cell.record.clone()))
        .collect();
    let n_reused = cells.iter().filter(|cell| cell.reused).count();
    let models = runner.model_digests();
    let origins = runner.model_origins();
    let verdicts = judge_rows(&rows, suite.margin);
    let warnings =
        crate::warnings::warnings(filled_datasets.iter().flat_map(|(_, filled)| filled), &findings, &records);
    let record = RunRecord {
        schema_version: SCHEMA_VERSION,
        suite: suite.name.clone(),
        provenance: started.provenance(threads, runner.finder.device, suite.toml.clone(), models, origins),
        datasets: records,
        cells,
        verdicts,
        warnings,
        diagnostics: filled_datasets
            .iter()
            .flat_map(|(dataset, filled)| crate::diagnostics::of_dataset(dataset, filled))
            .collect(),
        ranks: crate::diagnostics::ranks(&filled_datasets),
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

/// Folder of a run's results when none is given.
pub(crate) fn default_out(name: &str) -> PathBuf {
    Path::new("reports").join(name)
}

//! The main road of a run: prepare → plan → fill → judge → record, dataset by dataset.

use crate::datasets::load_datasets;
use crate::error::StudyError;
use crate::events::{StudyEvent, StudyEvents};
use crate::judge::control_checks::ControlFindings;
use crate::judge::diagnostics;
use crate::judge::filled_cell::FilledCell;
use crate::judge::model_pairs::{ModelPair, corrected, pairs_of_dataset};
use crate::judge::partial_means::partial_mean_warning;
use crate::judge::qualifications::qualify;
use crate::judge::verdicts::{VerdictRow, judge_rows, rows_of_dataset};
use crate::judge::warnings::warnings;
use crate::options::StudyOptions;
use crate::plan::{PlannedCell, Work, plan_dataset};
use crate::prepare::{PreparedRepresentation, prepare_all};
use crate::run::context::{DatasetRun, Run};
use crate::run::feature_store::FeatureStore;
use crate::run::fill::fill_dataset;
use crate::run::provenance::{Started, dataset_record};
use crate::store::cell_store::CellStore;
use crate::store::taken_folder::check_out;

use crate::suite::Suite;
use crate::suite::published::{PreparedReference, Reference};
use seqprobe_core::audit::{Audit, NEAR_THRESHOLD};
use seqprobe_core::{Dataset, Digest};
use seqprobe_data::audit::audit;
use seqprobe_embed::EmbeddingCache;
use seqprobe_report::RunRecord;
use seqprobe_report::record::{DatasetRecord, SCHEMA_VERSION, Warning};
use std::sync::Arc;

/// A finished run and the numbers behind it.
pub(crate) struct FinishedRun {
    pub(crate) record: RunRecord,
    pub(crate) datasets: Vec<(Arc<Dataset>, Vec<FilledCell>)>,
}

/// Everything that comes before the first fit: datasets, prepared representations and the plan of each dataset.
pub(crate) struct Planned {
    pub(crate) datasets: Vec<Arc<Dataset>>,
    pub(crate) prepared: Vec<PreparedRepresentation>,
    pub(crate) references: Vec<PreparedReference>,
    /// One per dataset.
    pub(crate) plans: Vec<Vec<PlannedCell>>,
}

/// Loads datasets (those given, or those that the suite names) and models, and plans.
pub(crate) fn plan_study(
    suite: &Suite,
    given: Option<Vec<Arc<Dataset>>>,
    options: &StudyOptions,
    events: &mut dyn StudyEvents,
) -> Result<Planned, StudyError> {
    for &(old, new) in &suite.old_keys {
        events.event(StudyEvent::OldKey { old, new });
    }
    let datasets = match given {
        Some(datasets) => datasets,
        None => load_datasets(suite, &options.data_dirs, events)?.into_iter().map(Arc::new).collect(),
    };
    let read = |reference: &Reference| reference.read(&suite.folder, &options.data_dirs);
    let references = suite.references.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    for (reference, dataset) in references.iter().flat_map(|one| datasets.iter().map(move |data| (one, data)))
    {
        reference.check(dataset)?;
    }
    let prepared = prepare_all(suite, &datasets, &options.finder(), events)?;
    let plan = |dataset: &Arc<Dataset>| plan_dataset(suite, &prepared, &references, dataset);
    let plans: Vec<Vec<PlannedCell>> = datasets.iter().map(plan).collect();
    if plans.iter().flatten().all(|cell| !matches!(cell.work, Work::Fit(_) | Work::Ready { .. })) {
        return Err(StudyError::EmptyPlan);
    }
    events.event(StudyEvent::Planned { cells: plans.iter().map(Vec::len).sum() });
    Ok(Planned { datasets, prepared, references, plans })
}

/// Runs a suite.
pub(crate) fn run_study(
    suite: &Suite,
    given: Option<Vec<Arc<Dataset>>>,
    options: &StudyOptions,
    events: &mut dyn StudyEvents,
) -> Result<FinishedRun, StudyError> {
    let started = Started::now();
    let cache = options.cache.open()?;
    let is_one_file = given.is_some();
    let Planned { datasets, prepared, references, plans } = plan_study(suite, given, options, events)?;
    if let Some(out) = options.out.as_deref().filter(|_| !options.overwrite) {
        check_out(out, suite, &datasets, is_one_file)?;
    }
    let embeddings = EmbeddingCache::open(&cache.folder).map_err(StudyError::Cache)?;
    let run = Run {
        suite,
        prepared: &prepared,
        references: &references,
        store: CellStore::new(&cache.folder, options.repair),
        features: FeatureStore { embeddings, repair: options.repair },
        threads: options.threads,
    };
    let probes: Vec<String> = suite.probes.iter().map(|probe| probe.family.id.to_owned()).collect();
    let mut rows: Vec<VerdictRow> = Vec::new();
    let mut records: Vec<DatasetRecord> = Vec::new();
    let mut pairs: Vec<ModelPair> = Vec::new();
    let mut findings = Vec::new();
    let mut done = Vec::new();
    for (dataset, plan) in datasets.into_iter().zip(plans) {
        let data = DatasetRun { dataset: &dataset, digest: dataset.digest() };
        events.event(StudyEvent::Dataset { id: &dataset.id });
        let filled = fill_dataset(&run, &data, &plan, events)?;
        pairs.extend(pairs_of_dataset(&dataset, &filled, &probes, (suite.replicates, suite.margin)));
        rows.extend(rows_of_dataset(&dataset, &filled, &probes, suite.replicates));
        let found = ControlFindings::of(&dataset, &filled, &probes, suite.replicates);
        let audited = audited(&run.store, &data, events)?;
        records.push(dataset_record(&dataset, found.gains.clone(), Some(audited)));
        findings.push(found);
        done.push((dataset, filled));
    }
    let mut verdicts = judge_rows(&rows, suite.margin);
    qualify(&mut verdicts, &records, &findings);
    let filled = || done.iter().flat_map(|(_, filled)| filled);
    let partial: Vec<Warning> =
        done.iter().filter_map(|(dataset, _)| partial_mean_warning(dataset)).collect();
    let record = RunRecord {
        schema_version: SCHEMA_VERSION,
        suite: suite.name.clone(),
        warnings: warnings(filled(), &findings, &records, &partial),
        datasets: records,
        cells: filled().map(|cell| cell.record.clone()).collect(),
        verdicts,
        model_comparisons: corrected(&pairs),
        diagnostics: done
            .iter()
            .flat_map(|(dataset, filled)| diagnostics::of_dataset(dataset, filled))
            .collect(),
        ranks: diagnostics::ranks(&done),
        provenance: started.provenance(suite, (&prepared, &references), options),
    };
    Ok(FinishedRun { record, datasets: done })
}

/// The audit of a dataset, computed once per dataset.
fn audited(
    store: &CellStore,
    data: &DatasetRun<'_>,
    events: &mut dyn StudyEvents,
) -> Result<Audit, StudyError> {
    let key = Digest::of_value(&("audit v2", data.digest, NEAR_THRESHOLD))?;
    Ok(store.memo("audits-v2", &key, events, || audit(data.dataset, NEAR_THRESHOLD))?)
}

//! Filling the cells of a dataset: what is stored is reused, the rest is fitted, everything is scored.

use crate::cells::{CELL_VERSION, CellKey, CellResult, CellStore};
use crate::constant::constant_cell;
use crate::description;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::fit::Unfitted;
use crate::model_finder::ModelFinder;
use crate::models::LoadedModel;
use crate::plan::{PlannedCell, Work};
use crate::progress::Progress;
use crate::score::{metric_versions, score_split};
use crate::suite::{Representation, Suite};
use crate::training_rows::{DRAWS_VERSION, Training};
use crate::verdicts::{FilledCell, validation_loss};
use seqprobe_core::{Dataset, Digest, FitReport, LayerIndex, Pooling, Probe, Split};
use seqprobe_embed::{EmbeddingCache, EntryKey, ImportedEmbeddings};
use seqprobe_report::record::{CellRecord, ModelOrigin, ScoreRecord, SeedFit, Status};
use std::collections::BTreeMap;
use std::time::Instant;

/// What a run works with.
pub(crate) struct Runner<'a> {
    pub(crate) suite: &'a Suite,
    pub(crate) models: Vec<Option<LoadedModel>>,
    pub(crate) finder: ModelFinder,
    /// Files of embeddings, where a representation is one.
    pub(crate) imports: Vec<Option<ImportedEmbeddings>>,
    pub(crate) probes: Vec<Box<dyn Probe>>,
    pub(crate) store: CellStore,
    pub(crate) embeddings: EmbeddingCache,
    /// Damaged parts of the cache are computed again.
    pub(crate) repair: bool,
    pub(crate) threads: usize,
    pub(crate) progress: Progress,
}

impl Runner<'_> {
    pub(crate) fn model_digests(&self) -> BTreeMap<String, String> {
        self.suite
            .representations
            .iter()
            .zip(self.models.iter().zip(&self.imports))
            .filter_map(|(representation, (model, import))| {
                let digests = match (representation, import) {
                    (Representation::Imported(imported), Some(embeddings)) => {
                        let file = imported.request.path.display();
                        let source = imported.source.as_deref().unwrap_or("not stated");
                        format!("{}, imported from {file}, source: {source}", embeddings.digest())
                    }
                    _ => model.as_ref()?.digests().join(" "),
                };
                Some((representation.name(), digests))
            })
            .collect()
    }

    /// Where models came from that the hub has, by their names.
    pub(crate) fn model_origins(&self) -> BTreeMap<String, ModelOrigin> {
        self.suite
            .representations
            .iter()
            .zip(&self.models)
            .filter_map(|(representation, model)| {
                Some((representation.name(), model.as_ref()?.origin.clone()?))
            })
            .collect()
    }

    /// Fills the cells of a dataset. Fits to shuffled labels come last: their layer and pooling are those that
    /// validation chose among the others.
    pub(crate) fn run_dataset(
        &self,
        dataset: &Dataset,
        plan: &[PlannedCell],
    ) -> Result<Vec<FilledCell>, Failure> {
        let digest = dataset.digest();
        let mut plan = plan.to_vec();
        let mut filled: Vec<Option<FilledCell>> = plan.iter().map(|_| None).collect();
        self.fill_cells(dataset, digest, &plan, &mut filled)?;
        for index in 0..plan.len() {
            if let Work::Shuffled { representation, probe } = plan[index].work {
                plan[index].work = self.choose_for_shuffling(&plan, &filled, representation, probe);
            }
        }
        self.fill_cells(dataset, digest, &plan, &mut filled)?;
        Ok(filled.into_iter().flatten().collect())
    }

    /// Fills what is open, but for cells that wait for others to choose their layer.
    fn fill_cells(
        &self,
        dataset: &Dataset,
        digest: Digest,
        plan: &[PlannedCell],
        filled: &mut [Option<FilledCell>],
    ) -> Result<(), Failure> {
        // Reuse first: what is stored needs no features.
        let mut open: Vec<(usize, Digest)> = Vec::new();
        let mut undescribed: Vec<(usize, Digest)> = Vec::new();
        for (index, planned) in plan.iter().enumerate() {
            if filled[index].is_some() || matches!(planned.work, Work::Shuffled { .. }) {
                continue;
            }
            let key = self.cell_key(digest, planned)?;
            if let Some(key) = key
                && description::is_wanted(self.suite, dataset, planned)
                && description::stored(&self.store, &key)?.is_none()
            {
                undescribed.push((index, key));
            }
            match key {
                None => filled[index] = Some(self.without_key(dataset, planned)?),
                Some(key) => match self.store.load(&key)? {
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
            let of_representation = |(index, _): &&(usize, Digest)| matches!(plan[*index].work, Work::Fit { representation, .. } if representation == number);
            let mine: Vec<&(usize, Digest)> = open.iter().filter(of_representation).collect();
            let to_describe: Vec<&(usize, Digest)> = undescribed.iter().filter(of_representation).collect();
            if mine.is_empty() && to_describe.is_empty() {
                continue;
            }
            let mut wanted: Vec<(Option<LayerIndex>, Pooling)> = Vec::new();
            for (index, _) in mine.iter().chain(&to_describe) {
                if let Work::Fit { layer, pooling, .. } = plan[*index].work
                    && !wanted.contains(&(layer, pooling))
                {
                    wanted.push((layer, pooling));
                }
            }
            let features = self.features(dataset, number, representation, &wanted);
            for (index, key) in to_describe {
                if let (Work::Fit { layer, pooling, probe, .. }, Ok(features)) =
                    (&plan[*index].work, &features)
                    && let Some(draws) = features.sources.get(&(*layer, *pooling))
                {
                    self.progress.note(&format!("{}: description length", plan[*index].id));
                    let probe = self.probes[*probe].as_ref();
                    description::compute(&self.store, key, dataset, draws, probe)?;
                }
            }
            for (index, key) in mine {
                let planned = &plan[*index];
                let Work::Fit { layer, pooling, probe, training, .. } = planned.work else { continue };
                self.progress.note(&planned.id.to_string());
                let result = match &features {
                    Ok(features) => match features.sources.get(&(layer, pooling)) {
                        Some(draws) => {
                            let cell = self.fit_cell(dataset, training, draws, self.probes[probe].as_ref());
                            cell.map(|mut cell| {
                                // Kept with the cell, so that a later run that reuses it says the same.
                                if let Some(first) = cell.fits.first_mut() {
                                    first.report.warnings.extend(features.remarks.iter().cloned());
                                }
                                cell.cost = Some(self.cost(representation, number, features, &draws[0]));
                                if training == Training::Shuffled {
                                    tell_place(&mut cell, layer, pooling);
                                }
                                cell
                            })
                        }
                        None => Err("the features were not made".to_owned().into()),
                    },
                    Err(message) => Err(message.clone().into()),
                };
                if let Ok(result) = &result {
                    self.store.save(key, result)?;
                }
                filled[*index] = Some(self.finish_cell(dataset, planned, *key, result, false)?);
                self.progress.step(&planned.id.to_string());
            }
        }
        self.describe(dataset, digest, plan, filled)
    }

    /// Gives the cells that are to have one their description length, which is stored by now.
    fn describe(
        &self,
        dataset: &Dataset,
        digest: Digest,
        plan: &[PlannedCell],
        filled: &mut [Option<FilledCell>],
    ) -> Result<(), Failure> {
        for (planned, cell) in plan.iter().zip(filled) {
            if let (Some(cell), true) = (cell, description::is_wanted(self.suite, dataset, planned))
                && cell.result.is_some()
                && let Some(key) = self.cell_key(digest, planned)?
            {
                cell.record.description = description::stored(&self.store, &key)?;
            }
        }
        Ok(())
    }

    /// The fit to shuffled labels on what validation chose of a representation for a probe.
    fn choose_for_shuffling(
        &self,
        plan: &[PlannedCell],
        filled: &[Option<FilledCell>],
        wanted: usize,
        wanted_probe: usize,
    ) -> Work {
        let candidates = plan.iter().zip(filled).filter_map(|(planned, cell)| match planned.work {
            Work::Fit { representation, layer, pooling, probe, training: Training::Whole }
                if representation == wanted && probe == wanted_probe =>
            {
                cell.as_ref().map(|cell| (cell, layer, pooling))
            }
            _ => None,
        });
        let chosen = candidates
            .filter_map(|candidate| validation_loss(candidate.0).map(|loss| (loss, candidate)))
            .min_by(|(a, _), (b, _)| a.total_cmp(b));
        match chosen {
            Some((_, (_, layer, pooling))) => Work::Fit {
                representation: wanted,
                layer,
                pooling,
                probe: wanted_probe,
                training: Training::Shuffled,
            },
            None => Work::NotApplicable(format!(
                "no cell of {} with {} has a validation loss to choose a layer by",
                self.suite.representations[wanted].name(),
                self.suite.probes[wanted_probe].id
            )),
        }
    }

    /// The key of a cell that is fitted; `None` for the others.
    pub(crate) fn cell_key(&self, digest: Digest, planned: &PlannedCell) -> Result<Option<Digest>, Failure> {
        let Work::Fit { representation, layer, pooling, probe, training } = planned.work else {
            return Ok(None);
        };
        let features = match (
            &self.suite.representations[representation],
            &self.models[representation],
            layer,
        ) {
            (Representation::Plain { representation, .. }, _, _) => {
                vec![
                    serde_json::json!({ "plain": representation.id(), "version": representation.version(), "pooling": pooling }),
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
            (Representation::Imported(_), _, _) => match &self.imports[representation] {
                Some(embeddings) => vec![
                    serde_json::json!({ "imported": embeddings.digest(), "version": ImportedEmbeddings::VERSION }),
                ],
                None => return Ok(None),
            },
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
            seeds: self.fit_seeds(probe.as_ref(), n_draws, training),
            training: match training {
                Training::Whole => None,
                Training::Part(_) => Some(
                    serde_json::json!({ "part": { "version": DRAWS_VERSION, "draws": self.suite.draws } }),
                ),
                Training::Shuffled => Some(serde_json::json!({ "shuffled": { "version": DRAWS_VERSION } })),
            },
        };
        Digest::of_value(&key).or_exit(ExitCode::Unexpected).map(Some)
    }

    /// Cells that need no fit: not applicable, constant, oracle.
    pub(crate) fn without_key(
        &self,
        dataset: &Dataset,
        planned: &PlannedCell,
    ) -> Result<FilledCell, Failure> {
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
                    cost: None,
                };
                self.finish_cell(dataset, planned, digest, Ok(result), false)
            }
            _ => self.finish_cell(dataset, planned, digest, Ok(constant_cell(dataset)), false),
        }
    }

    /// Scores a cell and makes its record.
    pub(crate) fn finish_cell(
        &self,
        dataset: &Dataset,
        planned: &PlannedCell,
        key: Digest,
        result: Result<CellResult, Unfitted>,
        reused: bool,
    ) -> Result<FilledCell, Failure> {
        let mut record = empty_record(planned, &key);
        record.reused = reused;
        let result = match result {
            Ok(result) => result,
            Err(unfitted) => {
                let (status, reason) = match unfitted {
                    Unfitted::NotApplicable(reason) => (Status::NotApplicable, reason),
                    Unfitted::Failed(reason) => (Status::Failed, reason),
                };
                (record.status, record.reason) = (status, Some(reason));
                return Ok(FilledCell { record, result: None, weights: Vec::new() });
            }
        };
        let versions = (metric_versions(), seqprobe_stats::INTERVALS_VERSION);
        let score_key =
            Digest::of_value(&("scores v1", key, &dataset.metric, versions, self.suite.replicates))
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
        record.cost.clone_from(&result.cost);
        let weights = match planned.work {
            Work::Fit { representation, .. } => {
                self.models[representation].as_ref().map(LoadedModel::digests).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        Ok(FilledCell { record, result: Some(result), weights })
    }
}

/// Says with a cell what was chosen for it on validation, where its name does not.
fn tell_place(cell: &mut CellResult, layer: Option<LayerIndex>, pooling: Pooling) {
    for fit in &mut cell.fits {
        if let Some(layer) = layer {
            fit.report.chosen.insert("layer".to_owned(), layer.to_string());
        }
        fit.report.chosen.insert("pooling".to_owned(), pooling.to_string());
    }
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
        description: None,
        cost: None,
    }
}

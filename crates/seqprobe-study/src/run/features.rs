//! The features that open cells need: made from the letters, or extracted once for all layers and poolings.

use crate::cost::tokens_per_sequence;
use crate::fill::Runner;
use crate::imports::join;
use crate::models::LoadedModel;
use crate::output::tell;
use crate::suite::{ModelRepresentation, Representation};
use seqprobe_core::{Dataset, LayerIndex, Pooling};
use seqprobe_embed::{
    BoxedSource, Extraction, ExtractionOptions, ExtractionReport, Flattened, Interrupted, LiveFeatures,
    extract,
};
use std::collections::BTreeMap;

/// The features of a dataset: one source per draw for each layer and pooling, and what is to be said of them.
pub(crate) struct Features<'d> {
    pub(crate) sources: BTreeMap<(Option<LayerIndex>, Pooling), Vec<BoxedSource<'d>>>,
    pub(crate) remarks: Vec<String>,
    /// Seconds per distinct sequence and draw, where features were computed and not read.
    pub(crate) seconds: Option<f64>,
    /// Tokens per sequence, where a model reads them.
    pub(crate) tokens: Option<f64>,
}

impl Runner<'_> {
    /// The features of a dataset for each layer and pooling wanted, one source per draw.
    pub(crate) fn features<'d>(
        &self,
        dataset: &'d Dataset,
        number: usize,
        representation: &Representation,
        wanted: &[(Option<LayerIndex>, Pooling)],
    ) -> Result<Features<'d>, String> {
        let mut sources: BTreeMap<_, Vec<BoxedSource<'d>>> = BTreeMap::new();
        let mut remarks = Vec::new();
        let mut seconds = Vec::new();
        match (representation, &self.models[number]) {
            (Representation::Plain { representation, .. }, _) => {
                for &(layer, pooling) in wanted {
                    let source = representation
                        .features(&dataset.sequences, pooling, &dataset.splits.train)
                        .map_err(|error| error.to_string())?;
                    sources.insert((layer, pooling), vec![source]);
                }
            }
            (Representation::Model(model), Some(_)) if !model.store => {
                self.live_features(dataset, model, wanted, &mut sources, &mut remarks)?;
            }
            (Representation::Model(model), Some(loaded)) => {
                for draw in &loaded.draws {
                    let extraction = self.extract(dataset, model, draw, wanted)?;
                    let report = extraction.report;
                    if report.n_computed > 0 {
                        seconds.push(report.seconds / report.n_computed as f64);
                    }
                    for remark in remarks_of(&report) {
                        if !remarks.contains(&remark) {
                            remarks.push(remark);
                        }
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
            (Representation::Imported(imported), _) => {
                let embeddings = self.imports[number]
                    .as_ref()
                    .ok_or_else(|| format!("embeddings {:?} are not loaded", imported.name))?;
                let features = join(embeddings, dataset).map_err(|error| error.to_string())?;
                if features.n_extra > 0 {
                    remarks.push(format!(
                        "{} of {} imported embeddings belong to no example of the dataset and were not used",
                        features.n_extra,
                        embeddings.n_rows()
                    ));
                }
                for &(layer, pooling) in wanted {
                    sources.insert((layer, pooling), vec![Box::new(features.clone())]);
                }
            }
            (Representation::Model(model), None) => {
                return Err(format!("model {:?} is not loaded", model.name));
            }
        }
        let n = seconds.len() as f64;
        let seconds = (!seconds.is_empty()).then(|| seconds.iter().sum::<f64>() / n);
        let tokens = match (representation, &self.models[number]) {
            (Representation::Model(asked), Some(loaded)) => {
                let is_cut = asked.extraction.window.is_none();
                loaded.draws.first().and_then(|model| tokens_per_sequence(dataset, model, is_cut))
            }
            _ => None,
        };
        Ok(Features { sources, remarks, seconds, tokens })
    }

    /// As [`Self::features`], but token vectors are computed whenever they are read; what is pooled is small and
    /// stored all the same.
    fn live_features<'d>(
        &self,
        dataset: &'d Dataset,
        model: &ModelRepresentation,
        wanted: &[(Option<LayerIndex>, Pooling)],
        sources: &mut BTreeMap<(Option<LayerIndex>, Pooling), Vec<BoxedSource<'d>>>,
        remarks: &mut Vec<String>,
    ) -> Result<(), String> {
        for &(layer, pooling) in wanted {
            let of_tokens = matches!(pooling, Pooling::Tokens | Pooling::Flatten);
            // A source owns its encoder: it is read from the threads of the fits.
            let loaded =
                LoadedModel::load(model, &self.finder).map_err(|failure| failure.error.to_string())?;
            for draw in loaded.draws {
                let source: BoxedSource<'d> = match layer {
                    Some(layer) if of_tokens => Box::new(
                        LiveFeatures::new(draw, &model.extraction, &dataset.sequences, layer)
                            .map_err(|error| error.to_string())?,
                    ),
                    _ => {
                        let extraction = self.extract(dataset, model, &draw, &[(layer, pooling)])?;
                        remarks.extend(remarks_of(&extraction.report));
                        remarks.sort();
                        remarks.dedup();
                        let mut stored = extraction.features.into_iter();
                        Box::new(stored.next().ok_or("the extraction gave too few features")?)
                    }
                };
                let source: BoxedSource<'d> = if pooling == Pooling::Flatten {
                    let flattened = Flattened::new(source, &dataset.splits.train);
                    Box::new(flattened.map_err(|error| error.to_string())?)
                } else {
                    source
                };
                sources.entry((layer, pooling)).or_default().push(source);
            }
        }
        Ok(())
    }

    pub(crate) fn extract(
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
        let user = format!("{} with {}", dataset.id, model.name);
        let options = ExtractionOptions {
            repair: self.repair,
            user: Some(&user),
            progress: Some(&mut report),
            ..ExtractionOptions::default()
        };
        let extraction =
            extract(draw, &model.extraction, &dataset.sequences, &pairs, &self.embeddings, options)
                .map_err(|error| error.to_string())?;
        tell_damage(&extraction.damage);
        Ok(extraction)
    }
}

/// Says what of the cache was damaged.
pub(crate) fn tell_damage(damage: &[String]) {
    damage.iter().for_each(|reason| tell(&format!("damaged, not used and computed again: {reason}")));
}

/// What is to be said of sequences that were not read whole and at once.
pub(crate) fn remarks_of(report: &ExtractionReport) -> Vec<String> {
    let counts = [
        (report.n_truncated, "were cut to what the model takes"),
        (report.n_windowed, "were read in several windows"),
    ];
    let told = counts.iter().filter(|(count, _)| *count > 0);
    told.map(|(count, what)| format!("{count} of {} distinct sequences {what}", report.n_distinct)).collect()
}

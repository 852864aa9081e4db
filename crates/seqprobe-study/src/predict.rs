//! Applying the stored probes of a run to new sequences.

use crate::error::StudyError;
use crate::events::StudyEvents;
use crate::options::StudyOptions;
use crate::run::feature_store::FeatureStore;
use crate::store::stored_probe::StoredCell;
use ndarray::Array2;
use seqprobe_core::DnaSequence;
use seqprobe_core::config::nearest;
use seqprobe_embed::EmbeddingCache;
use seqprobe_report::OutputName;
use seqprobe_report::record::CellId;
use std::path::{Path, PathBuf};

/// The fitted probes of one cell of a run.
pub struct StoredProbes {
    cell: StoredCell,
    folder: PathBuf,
}

/// The stored probes of a run folder, sorted by cell.
///
/// # Errors
/// [`StudyError::NoProbes`] where the folder has none, [`StudyError::StoredProbe`] where one cannot be read.
pub fn list_stored_probes(run: &Path) -> Result<Vec<StoredProbes>, StudyError> {
    let cells = StoredCell::list(run)?;
    Ok(cells.into_iter().map(|(cell, folder)| StoredProbes { cell, folder }).collect())
}

impl StoredProbes {
    /// The stored probes of the cell that a user names: by its full id, or by the first digits of its key (at least 6).
    ///
    /// # Errors
    /// [`StudyError::UnknownCell`] with the nearest id, [`StudyError::SeveralCells`] where the digits fit several.
    pub fn choose<'a>(stored: &'a [Self], wanted: &str, run: &Path) -> Result<&'a Self, StudyError> {
        let fits = |one: &&Self| {
            one.cell.id.to_string() == wanted || (wanted.len() >= 6 && one.cell.key.starts_with(wanted))
        };
        let matching: Vec<&Self> = stored.iter().filter(fits).collect();
        match matching[..] {
            [one] => Ok(one),
            [] => {
                let names: Vec<String> = stored.iter().map(|one| one.cell.id.to_string()).collect();
                let hint = match nearest(wanted, names.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean {near:?}?"),
                    None => format!("`seqprobe predict {}` lists the {} cells", run.display(), names.len()),
                };
                Err(StudyError::UnknownCell { cell: wanted.to_owned(), hint })
            }
            _ => Err(StudyError::SeveralCells { cell: wanted.to_owned(), n: matching.len() }),
        }
    }

    /// The cell.
    pub fn id(&self) -> &CellId {
        &self.cell.id
    }

    /// The cell's key.
    pub fn key(&self) -> &str {
        &self.cell.key
    }

    /// Names of the outputs.
    pub fn outputs(&self) -> &[OutputName] {
        &self.cell.outputs
    }

    /// Predictions for new sequences: probabilities for class tasks, values for regression.
    ///
    /// # Shapes
    /// `[sequences, outputs]` per fit
    ///
    /// # Errors
    /// [`StudyError`] where the model or a probe cannot be loaded, or the sequences do not suit it.
    pub fn predict(
        &self,
        sequences: &[DnaSequence],
        options: &StudyOptions,
        events: &mut dyn StudyEvents,
    ) -> Result<Vec<Array2<f64>>, StudyError> {
        let cache = options.cache.open()?;
        let embeddings = EmbeddingCache::open(&cache.folder).map_err(StudyError::Cache)?;
        let store = FeatureStore { embeddings, repair: options.repair };
        self.cell.predict(&self.folder, sequences, &store, &options.finder(), events)
    }
}

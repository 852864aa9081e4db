//! From the name of a model to a place on this machine. A model of the hub is read from the Hugging Face cache, and
//! downloaded only if the user allowed it.

use crate::error::{ModelProblem, StudyError};
use crate::events::{StudyEvent, StudyEvents};
use crate::home::from_home;
use seqprobe_models::hub::{Hub, HubError, HubSettings, Needed, Snapshot};
use seqprobe_models::{HubReference, ModelReference};
use seqprobe_report::record::ModelOrigin;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Finds models. The hub's settings are read when the first model needs them.
pub struct ModelFinder {
    /// Whether models may run code of their own.
    pub allow_code: bool,
    /// What models compute on.
    pub device: tch::Device,
    allow_download: bool,
    hub: OnceCell<Hub>,
}

/// A model that is on this machine.
pub(crate) struct FoundModel {
    /// Folder or file.
    pub(crate) path: PathBuf,
    /// Where the hub has it, for one that came from there.
    pub(crate) origin: Option<ModelOrigin>,
    /// Keeps the unpacked files of a bundled model until it is loaded.
    pub(crate) unpacked: Option<TempDir>,
}

impl ModelFinder {
    /// A finder for models on a device, which runs their code or downloads them only if that is allowed.
    pub fn new(device: tch::Device, allow_code: bool, allow_download: bool) -> Self {
        Self { allow_code, device, allow_download, hub: OnceCell::new() }
    }

    /// A finder that runs nothing and downloads only what it is asked to fetch.
    pub fn local() -> Self {
        Self::new(tch::Device::Cpu, false, false)
    }

    /// The model that `text` names; relative paths start from `base`.
    pub(crate) fn find(
        &self,
        text: &str,
        base: &Path,
        needed: Needed,
        events: &mut dyn StudyEvents,
    ) -> Result<FoundModel, StudyError> {
        match self.parse(text, base)? {
            ModelReference::Path(path) => Ok(FoundModel { path, origin: None, unpacked: None }),
            ModelReference::Bundled(model) => {
                let folder = model.unpack().map_err(|error| StudyError::model(text, error))?;
                Ok(FoundModel { path: folder.path().to_owned(), origin: None, unpacked: Some(folder) })
            }
            ModelReference::Hub(reference) => self.find_on_hub(text, &reference, needed, None, events),
            ModelReference::Published(model, reference) => {
                self.find_on_hub(text, &reference, needed, model.n_parameters, events)
            }
        }
    }

    /// Fetches a model of the hub, or completes and checks what is in the cache, as the user asked.
    ///
    /// # Errors
    /// [`StudyError::Model`] for a name that is not on the hub, and for errors of the hub.
    pub fn fetch(&self, text: &str, events: &mut dyn StudyEvents) -> Result<Snapshot, StudyError> {
        match self.parse(text, Path::new(""))? {
            ModelReference::Hub(reference) | ModelReference::Published(_, reference) => {
                self.download(text, &reference, Needed::Weights, events)
            }
            ModelReference::Path(path) => Err(StudyError::model(text, ModelProblem::IsLocal(path))),
            ModelReference::Bundled(_) => Err(StudyError::model(text, ModelProblem::IsBundled)),
        }
    }

    /// The hub, with its settings read once from the environment.
    ///
    /// # Errors
    /// [`HubError`] for settings that cannot be used.
    pub fn hub(&self) -> Result<&Hub, HubError> {
        if let Some(hub) = self.hub.get() {
            return Ok(hub);
        }
        let hub = Hub::new(HubSettings::from_environment()?);
        Ok(self.hub.get_or_init(|| hub))
    }

    fn parse(&self, text: &str, base: &Path) -> Result<ModelReference, StudyError> {
        ModelReference::parse(&from_home(text), base)
            .map_err(|error| StudyError::model(text, ModelProblem::Reference(error.to_string())))
    }

    fn find_on_hub(
        &self,
        text: &str,
        reference: &HubReference,
        needed: Needed,
        n_parameters: Option<u64>,
        events: &mut dyn StudyEvents,
    ) -> Result<FoundModel, StudyError> {
        let hub = self.hub().map_err(|error| StudyError::model(text, error))?;
        let settings = hub.settings();
        let snapshot = match hub.find(reference, needed) {
            Some(snapshot) => snapshot,
            None if self.allow_download => self.download(text, reference, needed, events)?,
            None => {
                let needed = match (needed, n_parameters) {
                    (Needed::Architecture, _) => "settings and tokenizer".to_owned(),
                    (Needed::Weights, None) => "settings, tokenizer and weights".to_owned(),
                    (Needed::Weights, Some(n)) => {
                        format!("settings, tokenizer and weights ({n} parameters)")
                    }
                };
                let problem = ModelProblem::NotInCache {
                    reference: reference.to_string(),
                    cache: settings.cache.clone(),
                    needed,
                    address: format!("{}/{}", settings.endpoint, reference.repository()),
                };
                return Err(StudyError::model(text, problem));
            }
        };
        Ok(FoundModel {
            origin: Some(ModelOrigin {
                endpoint: settings.endpoint.clone(),
                files: snapshot
                    .files
                    .iter()
                    .filter_map(|name| Some((name.clone(), snapshot.blob(name)?)))
                    .collect(),
                repository: snapshot.repository,
                revision: snapshot.revision,
                commit: snapshot.commit,
            }),
            path: snapshot.folder,
            unpacked: None,
        })
    }

    fn download(
        &self,
        text: &str,
        reference: &HubReference,
        needed: Needed,
        events: &mut dyn StudyEvents,
    ) -> Result<Snapshot, StudyError> {
        let hub = self.hub().map_err(|error| StudyError::model(text, error))?;
        let snapshot = hub
            .fetch(reference, needed, &mut |progress| events.event(StudyEvent::Download(progress)))
            .map_err(|error| StudyError::model(text, error))?;
        let (reference, commit) = (reference.to_string(), snapshot.commit.clone());
        events.event(StudyEvent::Downloaded { reference, commit });
        Ok(snapshot)
    }
}

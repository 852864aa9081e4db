//! From what a suite or command names as a model to a place on this machine. A model of the hub is taken from
//! the Hugging Face cache, and fetched only when the user allowed it.

use crate::cli::Computing;
use crate::device::device_of;
use crate::exit::{ExitCode, Failure};
use crate::output::tell;
use crate::progress::Downloads;
use seqprobe_models::hub::{Hub, HubError, HubSettings, Needed, Snapshot};
use seqprobe_models::{HubReference, ModelReference};
use seqprobe_report::record::ModelOrigin;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};

/// Finds models; the hub's settings are read when the first one needs them.
pub(crate) struct ModelFinder {
    /// Whether models may run code of their own.
    pub(crate) allow_code: bool,
    /// What models compute on.
    pub(crate) device: tch::Device,
    allow_download: bool,
    hub: OnceCell<Hub>,
}

/// A model that is on this machine.
pub(crate) struct FoundModel {
    /// Folder or file.
    pub(crate) path: PathBuf,
    /// Where the hub has it, for one that came from there.
    pub(crate) origin: Option<ModelOrigin>,
}

impl ModelFinder {
    /// A finder that may do what the command line allows, for models on the device it names.
    pub(crate) fn new(computing: &Computing) -> Result<Self, Failure> {
        let Computing { allow_code, allow_download, .. } = *computing;
        let device = device_of(computing.machine.device.as_deref())?;
        Ok(Self { allow_code, device, allow_download, hub: OnceCell::new() })
    }

    /// A finder that runs nothing and downloads what it is asked to fetch, no more.
    pub(crate) fn that_looks_only() -> Self {
        Self { allow_code: false, device: tch::Device::Cpu, allow_download: false, hub: OnceCell::new() }
    }

    /// The model that `text` names; relative paths start from `base`.
    pub(crate) fn find(&self, text: &str, base: &Path, needed: Needed) -> Result<FoundModel, Failure> {
        match ModelReference::parse(text, base).map_err(|error| model_failure(text, &error))? {
            ModelReference::Path(path) => Ok(FoundModel { path, origin: None }),
            ModelReference::Hub(reference) => self.find_on_hub(text, &reference, needed, None),
            ModelReference::Published(model, reference) => {
                self.find_on_hub(text, &reference, needed, model.n_parameters)
            }
        }
    }

    /// Fetches a model of the hub, or completes and checks what is in the cache; the user asked for it.
    pub(crate) fn fetch(&self, text: &str) -> Result<Snapshot, Failure> {
        let reference = match ModelReference::parse(text, Path::new("")) {
            Ok(ModelReference::Hub(reference) | ModelReference::Published(_, reference)) => reference,
            Ok(ModelReference::Path(path)) => {
                let message = format!("{} is on this machine already", path.display());
                return Err(Failure::usage(message));
            }
            Err(error) => return Err(model_failure(text, &error)),
        };
        self.download(text, &reference, Needed::Weights)
    }

    /// The hub, its settings read once from the environment.
    pub(crate) fn hub(&self) -> Result<&Hub, HubError> {
        if let Some(hub) = self.hub.get() {
            return Ok(hub);
        }
        let hub = Hub::new(HubSettings::from_environment()?);
        Ok(self.hub.get_or_init(|| hub))
    }

    fn find_on_hub(
        &self,
        text: &str,
        reference: &HubReference,
        needed: Needed,
        n_parameters: Option<u64>,
    ) -> Result<FoundModel, Failure> {
        let hub = self.hub().map_err(|error| model_failure(text, &error))?;
        let snapshot = match hub.find(reference, needed) {
            Some(snapshot) => snapshot,
            None if self.allow_download => self.download(text, reference, needed)?,
            None => {
                let what = match (needed, n_parameters) {
                    (Needed::Architecture, _) => "settings and tokenizer".to_owned(),
                    (Needed::Weights, None) => "settings, tokenizer and weights".to_owned(),
                    (Needed::Weights, Some(n)) => {
                        format!("settings, tokenizer and weights ({n} parameters)")
                    }
                };
                let settings = hub.settings();
                return Err(model_failure(
                    text,
                    &format!(
                        "{reference} is not in the cache {}\n  hint: --allow-download fetches its {what} from {}/{}; so does `seqprobe fetch {reference}`",
                        settings.cache.display(),
                        settings.endpoint,
                        reference.repository()
                    ),
                ));
            }
        };
        Ok(FoundModel {
            origin: Some(ModelOrigin {
                endpoint: hub.settings().endpoint.clone(),
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
        })
    }

    fn download(&self, text: &str, reference: &HubReference, needed: Needed) -> Result<Snapshot, Failure> {
        let hub = self.hub().map_err(|error| model_failure(text, &error))?;
        let mut downloads = Downloads::default();
        let snapshot = hub.fetch(reference, needed, &mut |progress| downloads.hear(progress));
        downloads.finish();
        let snapshot = snapshot.map_err(|error| model_failure(text, &error))?;
        tell(&format!("{reference} is commit {}", snapshot.commit));
        Ok(snapshot)
    }
}

/// An error about a model, which it names first.
pub(crate) fn model_failure(text: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(ExitCode::Model, format!("model {text:?}: {error}"))
}

//! Where the hub and its cache are. The rules and environment variables are those of Hugging Face's own Python library.
//! Only [`HubSettings::from_environment`] reads the environment of this process.

use crate::error::HubError;
use crate::retry::RetryPolicy;
use std::ffi::OsString;
use std::path::PathBuf;
use ureq::http::Uri;

/// The address of the hub if `HF_ENDPOINT` is not set.
pub const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// Hub, cache and access.
#[derive(Clone, Debug)]
pub struct HubSettings {
    /// Folder of the cache, which is shared with Python's `huggingface_hub`.
    pub cache: PathBuf,
    /// Address of the hub, without a slash at its end.
    pub endpoint: String,
    /// Access token.
    pub token: Option<Token>,
    /// Whether downloads are forbidden.
    pub offline: bool,
    /// Proxy for all requests.
    pub proxy: Option<ureq::Proxy>,
    /// How long to wait and how often to try.
    pub retries: RetryPolicy,
}

/// An access token. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Reads a token without the blanks around it; `None` for an empty one.
    ///
    /// # Errors
    /// [`HubError::Settings`] naming `origin` if it contains characters that an HTTP header cannot have.
    pub fn new(text: &str, origin: &str) -> Result<Option<Self>, HubError> {
        let text = text.trim();
        if !text.chars().all(|letter| letter.is_ascii_graphic()) {
            return Err(HubError::Settings(format!(
                "{origin}: the token contains blanks or characters that no token has\n  hint: copy it again from the settings page of the hub"
            )));
        }
        Ok((!text.is_empty()).then(|| Self(text.to_owned())))
    }

    /// Returns the value of the `Authorization` header.
    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(…)")
    }
}

impl HubSettings {
    /// Calls [`HubSettings::from_variables`] with the environment of this process and adds its proxy (`HTTPS_PROXY`,
    /// `ALL_PROXY`, `NO_PROXY`). A program calls it once and passes the settings on.
    ///
    /// # Errors
    /// As [`HubSettings::from_variables`].
    pub fn from_environment() -> Result<Self, HubError> {
        let settings = Self::from_variables(|name| std::env::var_os(name))?;
        Ok(Self { proxy: ureq::Proxy::try_from_env(), ..settings })
    }

    /// Reads the variables of Python's `huggingface_hub`: the cache is `HF_HUB_CACHE`, else `HF_HOME/hub`,
    /// else `XDG_CACHE_HOME/huggingface/hub`, else `~/.cache/huggingface/hub`; `HF_ENDPOINT`, `HF_HUB_OFFLINE`;
    /// the token is `HF_TOKEN`, else the file `HF_TOKEN_PATH`, else `HF_HOME/token`. `variable` returns the value
    /// of an environment variable.
    ///
    /// # Errors
    /// [`HubError::Settings`] if no folder can be found or a value cannot be used, [`HubError::Io`] if the token file
    /// exists and cannot be read.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, HubError> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let home = given("HOME").map(PathBuf::from);
        let path = |name: &str| {
            let path = PathBuf::from(given(name)?);
            match (path.strip_prefix("~"), &home) {
                (Ok(rest), Some(home)) => Some(home.join(rest)),
                _ => Some(path),
            }
        };
        let hub_home = path("HF_HOME").or_else(|| {
            let caches = path("XDG_CACHE_HOME").or_else(|| Some(home.as_ref()?.join(".cache")));
            Some(caches?.join("huggingface"))
        });
        let cache = path("HF_HUB_CACHE")
            .or_else(|| path("HUGGINGFACE_HUB_CACHE"))
            .or_else(|| Some(hub_home.as_ref()?.join("hub")))
            .ok_or_else(|| {
                HubError::Settings(
                    "no folder for the Hugging Face cache: HOME is not set\n  hint: set HF_HUB_CACHE"
                        .to_owned(),
                )
            })?;
        let text = |name: &str| given(name).map(|value| value.to_string_lossy().trim().to_owned());
        let endpoint = text("HF_ENDPOINT").filter(|text| !text.is_empty());
        let is_set = |name: &str| {
            text(name).is_some_and(|value| {
                ["1", "on", "yes", "true"].contains(&value.to_ascii_lowercase().as_str())
            })
        };
        let token = match text("HF_TOKEN").or_else(|| text("HUGGING_FACE_HUB_TOKEN")) {
            Some(token) => Token::new(&token, "HF_TOKEN")?,
            None => match path("HF_TOKEN_PATH").or_else(|| Some(hub_home?.join("token"))) {
                Some(file) => match std::fs::read_to_string(&file) {
                    Ok(token) => Token::new(&token, &file.display().to_string())?,
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                    Err(source) => return Err(HubError::Io { path: file, source }),
                },
                None => None,
            },
        };
        Ok(Self {
            cache,
            endpoint: check_endpoint(endpoint.as_deref().unwrap_or(DEFAULT_ENDPOINT))?,
            token,
            offline: is_set("HF_HUB_OFFLINE") || is_set("TRANSFORMERS_OFFLINE"),
            proxy: None,
            retries: RetryPolicy::default(),
        })
    }
}

/// Checks the endpoint and returns it without a slash at its end.
fn check_endpoint(text: &str) -> Result<String, HubError> {
    let wrong = |what: &str| {
        HubError::Settings(format!(
            "HF_ENDPOINT {text:?} {what}, expected an address like {DEFAULT_ENDPOINT}"
        ))
    };
    let uri: Uri = text.parse().map_err(|_| wrong("is not an address"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong("does not start with http:// or https://"));
    }
    if uri.query().is_some() || uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
        return Err(wrong("contains a query or a user name"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<HubSettings, HubError> {
        HubSettings::from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_cache_is_where_the_python_library_has_it() {
        let all = [
            ("HF_HUB_CACHE", "/cache"),
            ("HF_HOME", "~/hf"),
            ("XDG_CACHE_HOME", "/xdg"),
            ("HOME", "/users/ada"),
        ];
        let expected =
            ["/cache", "/users/ada/hf/hub", "/xdg/huggingface/hub", "/users/ada/.cache/huggingface/hub"];
        for (first, expected) in expected.iter().enumerate() {
            assert_eq!(settings(&all[first..]).unwrap().cache, PathBuf::from(expected));
        }
        let error = settings(&[]).unwrap_err().to_string();
        assert!(error.contains("set HF_HUB_CACHE"), "{error}");
    }

    #[test]
    fn tokens_come_from_the_variable_or_a_file_and_are_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "hf_file\n").unwrap();
        let home = folder.path().to_str().unwrap();
        let from_file = settings(&[("HF_HOME", home)]).unwrap();
        assert_eq!(from_file.token.as_ref().unwrap().header(), "Bearer hf_file");
        assert!(!format!("{from_file:?}").contains("hf_file"));
        let both = settings(&[("HF_HOME", home), ("HF_TOKEN", " hf_variable ")]).unwrap();
        assert_eq!(both.token.unwrap().header(), "Bearer hf_variable");
        let elsewhere = folder.path().join("nowhere");
        let none = settings(&[("HF_HOME", home), ("HF_TOKEN_PATH", elsewhere.to_str().unwrap())]);
        assert_eq!(none.unwrap().token, None);
        let error = settings(&[("HF_HOME", home), ("HF_TOKEN", "two words")]).unwrap_err().to_string();
        assert!(error.contains("HF_TOKEN") && !error.contains("two"), "{error}");
    }

    #[test]
    fn endpoints_and_the_offline_switch_are_read() {
        let set = |name, value| settings(&[("HOME", "/h"), (name, value)]);
        assert_eq!(set("HF_ENDPOINT", "").unwrap().endpoint, DEFAULT_ENDPOINT);
        assert_eq!(set("HF_ENDPOINT", "http://mirror:81/hf/").unwrap().endpoint, "http://mirror:81/hf");
        for wrong in ["mirror", "ftp://mirror", "https://me:word@mirror", "https://mirror?x=1"] {
            let error = set("HF_ENDPOINT", wrong).unwrap_err().to_string();
            assert!(error.contains("HF_ENDPOINT"), "{error}");
        }
        assert!(set("HF_HUB_OFFLINE", "1").unwrap().offline);
        assert!(set("HF_HUB_OFFLINE", "True").unwrap().offline);
        assert!(!set("HF_HUB_OFFLINE", "0").unwrap().offline);
    }
}

//! Asking the hub: redirects followed by hand, so that the token goes to nobody else and no redirect leads
//! into the user's network; refusals told apart; passing failures tried again, within bounds.

use super::address::{is_private, is_private_host, redirect_target, same_origin};
use super::error::HubError;
use super::settings::{HubSettings, Patience};
use std::cell::OnceCell;
use std::net::{IpAddr, ToSocketAddrs};
use std::time::Duration;
use ureq::http::{Method, Request, Response, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

/// Redirects followed for one request.
const MAX_REDIRECTS: usize = 10;
/// The largest answer that is read into memory.
const MAX_JSON: u64 = 64 << 20;

/// Why an attempt came to nothing.
pub(super) enum Failed {
    /// Another attempt would fail too.
    Final(HubError),
    /// It may go well the next time, after the pause the server asks for.
    Passing(HubError, Option<Duration>),
}

impl From<HubError> for Failed {
    fn from(error: HubError) -> Self {
        Self::Final(error)
    }
}

/// Which redirects a request follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follow {
    /// Those to the same server, until an answer tells the file's digest.
    SameServer,
    /// All that are allowed.
    Allowed,
}

/// A connection to one hub.
pub(super) struct Client<'a> {
    settings: &'a HubSettings,
    endpoint: Uri,
    /// Reaches the hub, wherever it is.
    hub: Agent,
    /// Reaches public addresses only.
    elsewhere: Agent,
    hub_is_private: OnceCell<bool>,
}

impl<'a> Client<'a> {
    pub(super) fn new(settings: &'a HubSettings) -> Result<Self, HubError> {
        let endpoint = parse(&settings.endpoint)?;
        let silence = Some(settings.patience.silence);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(settings.proxy.clone())
            .user_agent(concat!("seqprobe/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_resolve(silence)
            .timeout_connect(silence)
            .timeout_send_request(silence)
            .timeout_recv_response(silence)
            .timeout_per_read(silence)
            .build();
        let elsewhere = Agent::with_parts(config.clone(), DefaultConnector::new(), PublicOnly::default());
        Ok(Self { settings, endpoint, hub: config.new_agent(), elsewhere, hub_is_private: OnceCell::new() })
    }

    /// An answer in JSON.
    pub(super) fn json(&self, url: &str) -> Result<serde_json::Value, HubError> {
        let url = parse(url)?;
        with_patience(self.settings.patience, |_| {
            let response = self.send(&Method::GET, &url, 0, Follow::Allowed)?;
            let bytes = response
                .into_body()
                .into_with_config()
                .limit(MAX_JSON)
                .read_to_vec()
                .map_err(|error| network(&url, &error))?;
            serde_json::from_slice(&bytes).map_err(|error| {
                Failed::Final(HubError::Answer {
                    url: shown(&url),
                    message: format!("expected JSON: {error}\n  hint: is HF_ENDPOINT the address of a hub?"),
                })
            })
        })
    }

    /// What the hub tells of a file without sending it.
    pub(super) fn head(&self, url: &Uri) -> Result<Response<Body>, HubError> {
        with_patience(self.settings.patience, |_| self.send(&Method::HEAD, url, 0, Follow::SameServer))
    }

    /// One attempt to get a file from byte `from` on.
    pub(super) fn get_from(&self, url: &Uri, from: u64) -> Result<Response<Body>, Failed> {
        self.send(&Method::GET, url, from, Follow::Allowed)
    }

    fn send(&self, method: &Method, url: &Uri, from: u64, follow: Follow) -> Result<Response<Body>, Failed> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_to(method, &url, from)?;
            let status = response.status().as_u16();
            let is_redirect = matches!(status, 301 | 302 | 303 | 307 | 308);
            if !is_redirect {
                return if response.status().is_success() || (status == 416 && from > 0) {
                    Ok(response)
                } else {
                    Err(self.refusal(&url, &response))
                };
            }
            if follow == Follow::SameServer && header(&response, "x-linked-etag").is_some() {
                return Ok(response);
            }
            let location = header(&response, "location").unwrap_or_default();
            let refused = |target: String, reason: String| {
                Failed::Final(HubError::Redirect {
                    url: shown(&url),
                    target,
                    reason,
                    hint: "if this is a mirror inside your network, let HF_ENDPOINT name its own address",
                })
            };
            let without_query = location.split(['?', '#']).next().unwrap_or_default().to_owned();
            let target = redirect_target(&url, location, self.hub_is_private())
                .map_err(|reason| refused(without_query, reason))?;
            if follow == Follow::SameServer && !same_origin(&url, &target) {
                return Ok(response);
            }
            url = target;
        }
        Err(Failed::Final(HubError::Answer {
            url: shown(&url),
            message: format!("more than {MAX_REDIRECTS} redirects"),
        }))
    }

    /// One request, no redirect followed. The token goes to the hub and nobody else.
    fn send_to(&self, method: &Method, url: &Uri, from: u64) -> Result<Response<Body>, Failed> {
        let is_hub = same_origin(url, &self.endpoint);
        let mut request = Request::builder().method(method).uri(url);
        if let (true, Some(token)) = (is_hub, &self.settings.token) {
            request = request.header("authorization", token.header());
        }
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        let answer_error = |error: ureq::http::Error| {
            Failed::Final(HubError::Answer { url: shown(url), message: error.to_string() })
        };
        let request = request.body(()).map_err(answer_error)?;
        let agent = if is_hub || self.hub_is_private() { &self.hub } else { &self.elsewhere };
        agent.run(request).map_err(|error| network(url, &error))
    }

    /// Whether the user's own endpoint is at a private address; then its redirects may lead to one too.
    fn hub_is_private(&self) -> bool {
        *self.hub_is_private.get_or_init(|| {
            let host = self.endpoint.host().unwrap_or_default();
            if is_private_host(host) {
                return true;
            }
            if self.settings.proxy.is_some() {
                return false;
            }
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            let mut addresses = (bare, 0).to_socket_addrs().into_iter().flatten().peekable();
            addresses.peek().is_some() && addresses.all(|address| is_private(address.ip()))
        })
    }

    /// The error of a status that is neither success nor redirect.
    fn refusal(&self, url: &Uri, response: &Response<Body>) -> Failed {
        let status = response.status().as_u16();
        let code = header(response, "x-error-code").unwrap_or_default();
        let words = header(response, "x-error-message").unwrap_or_default();
        let hint = if same_origin(url, &self.endpoint) {
            hint(status, code, self.settings.token.is_some())
        } else {
            "the storage behind the hub refused, not the hub itself; try again later".to_owned()
        };
        let error = HubError::Status {
            url: shown(url),
            status,
            message: words.chars().filter(|letter| !letter.is_control()).take(200).collect(),
            hint,
        };
        if matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504) {
            let seconds = header(response, "retry-after").and_then(|text| text.trim().parse().ok());
            Failed::Passing(error, seconds.map(Duration::from_secs))
        } else {
            Failed::Final(error)
        }
    }
}

fn hint(status: u16, code: &str, has_token: bool) -> String {
    match (status, code) {
        (_, "GatedRepo") | (403, _) => {
            let login = if has_token { "the account of your token" } else { "your account, then set HF_TOKEN" };
            format!("the repository is gated: accept its conditions on its page with {login}")
        }
        (401, _) if has_token => {
            "check the spelling of owner/name; if it is right, the token (HF_TOKEN) has no access or has expired"
                .to_owned()
        }
        (401, _) => {
            "check the spelling of owner/name; a private or gated repository needs a token: set HF_TOKEN"
                .to_owned()
        }
        (404, "RevisionNotFound") => "the repository has no such revision: check what follows the @".to_owned(),
        (404, _) => "check the spelling of owner/name and of the revision".to_owned(),
        (429, _) => "the hub limits how often it is asked: wait some minutes, or set HF_TOKEN".to_owned(),
        (500.., _) => "the hub has trouble: try again later; what came so far is kept".to_owned(),
        _ => "is HF_ENDPOINT the address of a hub?".to_owned(),
    }
}

/// Tries until it goes well, fails for good, or failed too often in a row without gaining anything. The
/// attempt sets its argument when it gained something.
pub(super) fn with_patience<T>(
    patience: Patience,
    mut attempt: impl FnMut(&mut bool) -> Result<T, Failed>,
) -> Result<T, HubError> {
    let mut failures = 0;
    loop {
        let mut gained = false;
        let (error, asked) = match attempt(&mut gained) {
            Ok(value) => return Ok(value),
            Err(Failed::Final(error)) => return Err(error),
            Err(Failed::Passing(error, asked)) => (error, asked),
        };
        failures = if gained { 1 } else { failures + 1 };
        match pause(patience, failures, asked) {
            Some(pause) => std::thread::sleep(pause),
            None => return Err(error),
        }
    }
}

/// How long to wait after so many failures in a row; `None` to give up.
fn pause(patience: Patience, failures: u32, asked: Option<Duration>) -> Option<Duration> {
    if failures >= patience.attempts {
        return None;
    }
    let doubled = patience.first_pause.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    match asked {
        Some(asked) => (asked <= patience.longest_pause).then(|| asked.max(patience.first_pause)),
        None => Some(doubled.min(patience.longest_pause)),
    }
}

/// An error of the connection, sorted into passing and final ones.
fn network(url: &Uri, error: &ureq::Error) -> Failed {
    if let ureq::Error::Other(other) = error
        && let Some(PrivateAddress(address)) = other.downcast_ref()
    {
        return Failed::Final(HubError::Redirect {
            url: shown(url),
            target: shown(url),
            reason: format!("its name stands for the private address {address}"),
            hint: "if this is a mirror inside your network, let HF_ENDPOINT name its own address",
        });
    }
    let is_passing = match error {
        ureq::Error::Io(error) => error.kind() != std::io::ErrorKind::InvalidData,
        ureq::Error::Timeout(_) | ureq::Error::Protocol(_) | ureq::Error::ConnectionFailed => true,
        _ => false,
    };
    let error = HubError::Network {
        url: shown(url),
        message: error.to_string(),
        hint: "check the network, HTTPS_PROXY and HF_ENDPOINT; what came so far is kept",
    };
    if is_passing { Failed::Passing(error, None) } else { Failed::Final(error) }
}

/// An error while the body came: passing.
pub(super) fn cut(url: &Uri, message: String) -> Failed {
    let hint = "check the network; what came so far is kept, run again to go on from there";
    Failed::Passing(HubError::Network { url: shown(url), message, hint }, None)
}

/// A header's text.
pub(super) fn header<'r>(response: &'r Response<Body>, name: &str) -> Option<&'r str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

/// An address without its query, which may be a signature.
pub(super) fn shown(url: &Uri) -> String {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    format!("{}://{authority}{}", url.scheme_str().unwrap_or("https"), url.path())
}

/// Parses an address this program made.
pub(super) fn parse(url: &str) -> Result<Uri, HubError> {
    url.parse().map_err(|error: ureq::http::uri::InvalidUri| HubError::Answer {
        url: url.to_owned(),
        message: error.to_string(),
    })
}

/// Looks names up and refuses those that stand for a private address; the proxy's own name is the user's.
#[derive(Debug, Default)]
struct PublicOnly(DefaultResolver);

#[derive(Debug)]
struct PrivateAddress(IpAddr);

impl std::fmt::Display for PrivateAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "private address {}", self.0)
    }
}

impl std::error::Error for PrivateAddress {}

impl Resolver for PublicOnly {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let addresses = self.0.resolve(uri, config, timeout)?;
        let is_proxy = config.proxy().is_some_and(|proxy| Some(proxy.host()) == uri.host());
        match addresses.iter().find(|address| is_private(address.ip())) {
            Some(address) if !is_proxy => Err(ureq::Error::Other(Box::new(PrivateAddress(address.ip())))),
            _ => Ok(addresses),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_follow_the_server_and_end() {
        let patience = Patience {
            attempts: 4,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(3),
            silence: Duration::from_secs(1),
        };
        let seconds = |failures, asked: Option<u64>| {
            pause(patience, failures, asked.map(Duration::from_secs)).map(|pause| pause.as_secs())
        };
        assert_eq!([1, 2, 3, 4].map(|failures| seconds(failures, None)), [Some(1), Some(2), Some(3), None]);
        assert_eq!([0, 2, 3, 4].map(|asked| seconds(1, Some(asked))), [Some(1), Some(2), Some(3), None]);
    }

    #[test]
    fn names_of_private_addresses_are_refused_beyond_the_hub() {
        let settings = HubSettings {
            cache: "cache".into(),
            endpoint: "https://hub.example.org".to_owned(),
            token: None,
            offline: false,
            proxy: None,
            patience: Patience { attempts: 1, ..Patience::default() },
        };
        let client = Client::new(&settings).unwrap();
        client.hub_is_private.set(false).unwrap();
        let url: Uri = "http://localhost:9/x".parse().unwrap();
        let Err(Failed::Final(error)) = client.send_to(&Method::GET, &url, 0) else { panic!("not refused") };
        assert!(error.to_string().contains("private address"), "{error}");
    }

    #[test]
    fn addresses_are_shown_without_their_signature() {
        let url: Uri = "https://cdn.example.org:444/a/b?Signature=secret".parse().unwrap();
        assert_eq!(shown(&url), "https://cdn.example.org:444/a/b");
    }
}

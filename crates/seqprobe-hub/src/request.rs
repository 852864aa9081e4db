//! Requests to the hub, and to the server of one data file. Redirects are followed here and not by the HTTP library, so
//! that only the hub gets the token and no redirect leads into the user's network. Each kind of refusal has its own hint.

use crate::address::{RefusedRedirect, is_private, is_private_host, redirect_target, same_origin};
use crate::error::HubError;
use crate::retry::{Failed, with_retries};
use crate::settings::HubSettings;
use std::cell::OnceCell;
use std::net::{IpAddr, ToSocketAddrs};
use std::time::Duration;
use ureq::http::{Method, Request, Response, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

/// Redirects that are followed for one request.
const MAX_REDIRECTS: usize = 10;
/// The most bytes of an answer that is read into memory.
const MAX_JSON: u64 = 64 << 20;

/// Which redirects a request follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follow {
    /// Those to the same server, until an answer contains the file's digest.
    SameServer,
    /// All allowed ones.
    Allowed,
}

/// Which bytes of a file are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Range<'a> {
    /// The first byte, from 0.
    pub(crate) from: u64,
    /// Only of this version (a strong ETag): a server that has another one sends the whole file.
    pub(crate) of_version: Option<&'a str>,
}

impl Range<'_> {
    const WHOLE: Self = Self { from: 0, of_version: None };
}

/// A connection to one server that the user named: the hub, or the server of a data file.
pub(crate) struct Client<'a> {
    settings: &'a HubSettings,
    /// The hub. No other server gets the token.
    endpoint: Uri,
    /// The server that the user named.
    home: Uri,
    /// Connects to the server that the user named, also at a private address.
    at_home: Agent,
    /// Connects to public addresses only.
    elsewhere: Agent,
    home_is_private: OnceCell<bool>,
}

impl<'a> Client<'a> {
    /// A client of the hub.
    pub(crate) fn new(settings: &'a HubSettings) -> Result<Self, HubError> {
        Self::of(settings, parse(&settings.endpoint)?)
    }

    /// A client of the server that an address of the user names.
    pub(crate) fn of(settings: &'a HubSettings, home: Uri) -> Result<Self, HubError> {
        let endpoint = parse(&settings.endpoint)?;
        let timeout = Some(settings.retries.timeout);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(settings.proxy.clone())
            .user_agent(concat!("seqprobe/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_resolve(timeout)
            .timeout_connect(timeout)
            .timeout_send_request(timeout)
            .timeout_recv_response(timeout)
            .timeout_per_read(timeout)
            .build();
        let elsewhere = Agent::with_parts(config.clone(), DefaultConnector::new(), PublicOnly::default());
        let at_home = config.new_agent();
        Ok(Self { settings, endpoint, home, at_home, elsewhere, home_is_private: OnceCell::new() })
    }

    /// Returns an answer in JSON.
    pub(crate) fn json(&self, url: &str) -> Result<serde_json::Value, HubError> {
        let url = parse(url)?;
        with_retries(self.settings.retries, |_| {
            let response = self.send(&Method::GET, &url, Range::WHOLE, Follow::Allowed)?;
            let bytes = response
                .into_body()
                .into_with_config()
                .limit(MAX_JSON)
                .read_to_vec()
                .map_err(|error| self.network(&url, &error))?;
            serde_json::from_slice(&bytes).map_err(|error| {
                Failed::Final(HubError::Answer {
                    url: shown(&url),
                    message: format!("expected JSON: {error}\n  hint: is HF_ENDPOINT the address of a hub?"),
                })
            })
        })
    }

    /// Returns the headers of a file without its content.
    pub(crate) fn head(&self, url: &Uri) -> Result<Response<Body>, HubError> {
        with_retries(self.settings.retries, |_| {
            self.send(&Method::HEAD, url, Range::WHOLE, Follow::SameServer)
        })
    }

    /// Makes one attempt to get a part of a file.
    pub(crate) fn get(&self, url: &Uri, range: Range<'_>) -> Result<Response<Body>, Failed> {
        self.send(&Method::GET, url, range, Follow::Allowed)
    }

    fn send(
        &self,
        method: &Method,
        url: &Uri,
        range: Range<'_>,
        follow: Follow,
    ) -> Result<Response<Body>, Failed> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_to(method, &url, range)?;
            let status = response.status().as_u16();
            let is_redirect = matches!(status, 301 | 302 | 303 | 307 | 308);
            if !is_redirect {
                return if response.status().is_success() || (status == 416 && range.from > 0) {
                    Ok(response)
                } else {
                    Err(self.refusal(&url, &response))
                };
            }
            if follow == Follow::SameServer && header(&response, "x-linked-etag").is_some() {
                return Ok(response);
            }
            let location = header(&response, "location").unwrap_or_default();
            let without_query = location.split(['?', '#']).next().unwrap_or_default().to_owned();
            let target = redirect_target(&url, location, self.home_is_private())
                .map_err(|reason| self.refused_redirect(&url, without_query, reason))?;
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

    /// Sends one request and follows no redirect. Only the hub gets the token.
    fn send_to(&self, method: &Method, url: &Uri, range: Range<'_>) -> Result<Response<Body>, Failed> {
        let mut request = Request::builder().method(method).uri(url);
        if let (true, Some(token)) = (same_origin(url, &self.endpoint), &self.settings.token) {
            request = request.header("authorization", token.header());
        }
        if range.from > 0 {
            request = request.header("range", format!("bytes={}-", range.from));
            if let Some(version) = range.of_version {
                request = request.header("if-range", version);
            }
        }
        let answer_error = |error: ureq::http::Error| {
            Failed::Final(HubError::Answer { url: shown(url), message: error.to_string() })
        };
        let request = request.body(()).map_err(answer_error)?;
        let is_home = same_origin(url, &self.home);
        let agent = if is_home || self.home_is_private() { &self.at_home } else { &self.elsewhere };
        agent.run(request).map_err(|error| self.network(url, &error))
    }

    /// Whether the server that the user named is the hub.
    fn is_hub(&self) -> bool {
        same_origin(&self.home, &self.endpoint)
    }

    /// Whether the server that the user named has a private address; then its redirects may lead to private addresses too.
    fn home_is_private(&self) -> bool {
        *self.home_is_private.get_or_init(|| {
            let host = self.home.host().unwrap_or_default();
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

    /// Returns the error for a status that is neither success nor redirect.
    fn refusal(&self, url: &Uri, response: &Response<Body>) -> Failed {
        let status = response.status().as_u16();
        let code = header(response, "x-error-code").unwrap_or_default();
        let words = header(response, "x-error-message").unwrap_or_default();
        let hint = match (same_origin(url, &self.home), self.is_hub()) {
            (true, true) => hint(status, code, self.settings.token.is_some()),
            (false, true) => {
                "the storage server refused the request, not the hub itself; try again later".to_owned()
            }
            (_, false) => web_hint(status).to_owned(),
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

    /// Classifies an error of the connection as passing or final.
    fn network(&self, url: &Uri, error: &ureq::Error) -> Failed {
        if let ureq::Error::Other(other) = error
            && let Some(PrivateAddress(address)) = other.downcast_ref()
        {
            return self.refused_redirect(
                url,
                shown(url),
                RefusedRedirect::ResolvesToPrivateAddress(*address),
            );
        }
        let is_passing = match error {
            ureq::Error::Io(error) => error.kind() != std::io::ErrorKind::InvalidData,
            ureq::Error::Timeout(_) | ureq::Error::Protocol(_) | ureq::Error::ConnectionFailed => true,
            _ => false,
        };
        let hint = if self.is_hub() {
            "check the network, HTTPS_PROXY and HF_ENDPOINT; the part that was downloaded is kept"
        } else {
            "check the network, HTTPS_PROXY and the url in the card; the part that was downloaded is kept"
        };
        let error = HubError::Network { url: shown(url), message: error.to_string(), hint };
        if is_passing { Failed::Passing(error, None) } else { Failed::Final(error) }
    }

    fn refused_redirect(&self, url: &Uri, target: String, reason: RefusedRedirect) -> Failed {
        let hint = if self.is_hub() {
            "if this is a mirror inside your network, set HF_ENDPOINT to its own address"
        } else {
            "check the url in the card; if the file is inside your network, give its own address there"
        };
        Failed::Final(HubError::Redirect { url: shown(url), target, reason: reason.to_string(), hint })
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
        (404, "RevisionNotFound") => "the repository has no such revision: check the part after the @".to_owned(),
        (404, _) => "check the spelling of owner/name and of the revision".to_owned(),
        (429, _) => "the hub limits how often it may be asked: wait some minutes, or set HF_TOKEN".to_owned(),
        (500.., _) => "the hub has a problem: try again later; the part that was downloaded is kept".to_owned(),
        _ => "is HF_ENDPOINT the address of a hub?".to_owned(),
    }
}

/// What to do about a server of a data file that refuses a request.
fn web_hint(status: u16) -> &'static str {
    match status {
        401 | 403 => {
            "the server wants a login or does not allow downloads by programs: download the file with a browser and \
            put it into the data folder"
        }
        404 | 410 => "the file has moved or the address is wrong: check the url in the card",
        429 => "the server limits how often it may be asked: wait some minutes",
        500.. => "the server has a problem: try again later; the part that was downloaded is kept",
        _ => "check the url in the card",
    }
}

/// Returns the passing error of a download that was interrupted.
pub(crate) fn interrupted(url: &Uri, message: &dyn std::fmt::Display) -> Failed {
    let hint = "check the network and run again: the part that was downloaded is kept, and the download continues there";
    Failed::Passing(HubError::Network { url: shown(url), message: message.to_string(), hint }, None)
}

/// Returns the text of a header.
pub(crate) fn header<'r>(response: &'r Response<Body>, name: &str) -> Option<&'r str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

/// Returns an address without its query, which may be a signature.
pub(crate) fn shown(url: &Uri) -> String {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    format!("{}://{authority}{}", url.scheme_str().unwrap_or("https"), url.path())
}

/// Parses an address that this program made.
pub(crate) fn parse(url: &str) -> Result<Uri, HubError> {
    url.parse().map_err(|error: ureq::http::uri::InvalidUri| HubError::Answer {
        url: url.to_owned(),
        message: error.to_string(),
    })
}

/// Resolves names and refuses those of private addresses. The user chose the proxy, so its name is allowed.
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
    use crate::retry::RetryPolicy;

    #[test]
    fn names_of_private_addresses_are_refused_beyond_the_hub() {
        let settings = HubSettings {
            cache: "cache".into(),
            endpoint: "https://hub.example.org".to_owned(),
            token: None,
            offline: false,
            proxy: None,
            retries: RetryPolicy { attempts: 1, ..RetryPolicy::default() },
        };
        let client = Client::new(&settings).unwrap();
        client.home_is_private.set(false).unwrap();
        let url: Uri = "http://localhost:9/x".parse().unwrap();
        let Err(Failed::Final(error)) = client.send_to(&Method::GET, &url, Range::WHOLE) else {
            panic!("not refused")
        };
        assert!(error.to_string().contains("private address"), "{error}");
    }

    #[test]
    fn addresses_are_shown_without_their_signature() {
        let url: Uri = "https://cdn.example.org:444/a/b?Signature=secret".parse().unwrap();
        assert_eq!(shown(&url), "https://cdn.example.org:444/a/b");
    }
}

//! Which addresses a redirect may lead to. A hub that was taken over, or a repository's redirect, must not
//! make this program send requests to a service inside the user's network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use thiserror::Error;
use ureq::http::Uri;
use ureq::http::uri::Scheme;

/// Why a redirect is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum RefusedRedirect {
    #[error("it is not an address")]
    NoAddress,
    #[error("it names no host")]
    NoHost,
    #[error("it contains a user name")]
    UserName,
    #[error("it would leave https for http")]
    LeavesHttps,
    #[error("it is neither http nor https")]
    OtherScheme,
    #[error("it leads to a private address")]
    PrivateAddress,
    #[error("its name resolves to the private address {0}")]
    ResolvesToPrivateAddress(IpAddr),
}

/// Whether an address belongs to this machine, a local network or another range that the public internet does
/// not route (IANA's special-purpose registries).
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19))
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let groups = address.segments();
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_private_v4(Ipv4Addr::new(a, b, c, d))
    };
    match groups {
        // ::/96 holds loopback, unspecified and old embedded v4 addresses; ::ffff:0:0/96 the mapped ones.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => groups[5] == 0 || v4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        [first, second, ..] => {
            (first & 0xfe00) == 0xfc00
                || (first & 0xff80) == 0xfe80
                || first >= 0xff00
                || (first == 0x2001 && (second == 0x0db8 || second == 0))
        }
    }
}

/// Whether a host is written as a private address or as this machine. Other names are not resolved here.
pub(crate) fn is_private_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    match bare.parse::<IpAddr>() {
        Ok(address) => is_private(address),
        Err(_) => {
            let name = bare.to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

/// Whether two addresses are the same server: scheme, host and port.
pub(crate) fn same_origin(one: &Uri, other: &Uri) -> bool {
    let host = |uri: &Uri| uri.host().map(str::to_ascii_lowercase);
    one.scheme() == other.scheme() && host(one) == host(other) && port(one) == port(other)
}

fn port(uri: &Uri) -> Option<u16> {
    uri.port_u16().or_else(|| match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => Some(443),
        Some(scheme) if *scheme == Scheme::HTTP => Some(80),
        _ => None,
    })
}

/// Returns where a redirect leads, or why it is not followed. `private_allowed` is for a hub that itself has a
/// private address, given by the user.
pub(crate) fn redirect_target(
    from: &Uri,
    location: &str,
    private_allowed: bool,
) -> Result<Uri, RefusedRedirect> {
    let location = location.split('#').next().unwrap_or_default().trim();
    let scheme = from.scheme_str().unwrap_or("https");
    let authority = from.authority().map_or("", |authority| authority.as_str());
    let text = if location.contains("://") {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    };
    let target: Uri = text.parse().map_err(|_| RefusedRedirect::NoAddress)?;
    let Some(host) = target.host() else { return Err(RefusedRedirect::NoHost) };
    if target.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(RefusedRedirect::UserName);
    }
    match (from.scheme_str(), target.scheme_str()) {
        (_, Some("https")) | (Some("http"), Some("http")) => {}
        (_, Some("http")) => return Err(RefusedRedirect::LeavesHttps),
        _ => return Err(RefusedRedirect::OtherScheme),
    }
    if !private_allowed && !same_origin(from, &target) && is_private_host(host) {
        return Err(RefusedRedirect::PrivateAddress);
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_ranges_are_known_in_all_their_spellings() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "198.18.0.1",
            "192.0.0.8",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::7f00:1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.1.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::",
        ] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
        assert!(is_private_host("[::1]") && is_private_host("LOCALHOST.") && is_private_host("a.localhost"));
        assert!(!is_private_host("huggingface.co") && !is_private_host("10.example.org"));
    }

    #[test]
    fn redirects_are_followed_to_public_places_only() {
        let hub: Uri = "https://huggingface.co/owner/name/resolve/main/config.json".parse().unwrap();
        let to = |location| redirect_target(&hub, location, false);
        for (location, target) in [
            ("/api/x?y=1#z", "https://huggingface.co/api/x?y=1"),
            ("other.json", "https://huggingface.co/owner/name/resolve/main/other.json"),
            ("//cdn.example.org/x", "https://cdn.example.org/x"),
            ("https://cdn.example.org/x", "https://cdn.example.org/x"),
        ] {
            assert_eq!(to(location).unwrap().to_string(), target);
        }
        for (location, reason) in [
            ("http://huggingface.co/x", "leave https"),
            ("ftp://huggingface.co/x", "neither http"),
            ("https://me:word@cdn.example.org/x", "user name"),
            ("https://192.168.0.1/x", "private address"),
            ("https://[::ffff:127.0.0.1]:8080/x", "private address"),
            ("https://localhost/x", "private address"),
            ("https://", "not an address"),
        ] {
            let error = to(location).unwrap_err();
            assert!(error.to_string().contains(reason), "{location}: {error}");
        }
    }

    #[test]
    fn a_hub_at_a_private_address_may_redirect_to_one() {
        let hub: Uri = "http://192.168.0.1:8000/x".parse().unwrap();
        assert!(redirect_target(&hub, "http://192.168.0.2/y", true).is_ok());
        assert!(redirect_target(&hub, "http://192.168.0.2/y", false).is_err());
        assert!(redirect_target(&hub, "/y", false).is_ok());
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |one: &str, other: &str| same_origin(&one.parse().unwrap(), &other.parse().unwrap());
        assert!(same("https://a.org/x", "https://A.org:443/y"));
        assert!(!same("https://a.org", "https://b.org"));
        assert!(!same("https://a.org", "http://a.org"));
        assert!(!same("http://a.org:8000", "http://a.org:8001"));
    }
}

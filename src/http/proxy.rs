//! A location's web proxy: which hosts are reached through it, and what went wrong there.
//!
//! https goes through a tunnel (`CONNECT`), http is handed to the proxy as it is. The proxy's account is told to the proxy alone. Its
//! address may be the machine itself: a location names it, no calendar or answer does.

use std::error::Error;
use std::net::IpAddr;

use super::{HttpError, TlsFault, Url, address};
use crate::model::location::WebProxySpec;
use crate::model::{Digest, Secret, SecretValue};

/// What goes wrong at a web proxy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyFault {
    /// 407.
    #[error(
        "the web proxy does not take our account (HTTP 407); check username and password of the location's webProxy"
    )]
    AccountRefused,
    /// Any other answer to `CONNECT`.
    #[error(
        "the web proxy does not let us through to this host; its administrator must allow it, or noProxy must name it"
    )]
    Refused,
    /// No connection.
    #[error("the web proxy cannot be reached ({0})")]
    Unreachable(String),
    /// Something answers that is no proxy, or none that lets the connection live.
    #[error("the web proxy breaks the connection off, or what answers at webProxy's url is no web proxy")]
    NotAProxy,
    /// Somebody between us and the host made its certificate.
    #[error(
        "the certificate is of an authority that is not trusted; that of a web proxy that opens TLS belongs into webProxy's caCertificates"
    )]
    OpensTls,
    /// The documents.
    #[error("webProxy's url is no http or https URL")]
    Url,
    /// Its password.
    #[error("the password of the web proxy is missing")]
    SecretMissing,
}

impl ProxyFault {
    /// Whether a person must act before it can go well.
    pub(super) fn needs_a_person(&self) -> bool {
        !matches!(self, Self::Unreachable(_) | Self::NotAProxy)
    }
}

/// Whether `url` is reached past `proxy`.
pub(super) fn is_passed(proxy: &WebProxySpec, url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    proxy.no_proxy.iter().any(|entry| match entry.strip_prefix('.') {
        Some(domain) => host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
        None => entry == "*" || host == entry.trim_matches(['[', ']']) || is_within(&host, entry),
    })
}

/// Whether `host` is an address of a network like `10.0.0.0/8`. Names are not looked up for it.
fn is_within(host: &str, network: &str) -> bool {
    let Some((base, length)) = network.split_once('/') else { return false };
    let (Ok(host), Ok(base), Ok(length)) = (host.parse::<IpAddr>(), base.parse::<IpAddr>(), length.parse::<u32>())
    else {
        return false;
    };
    match (host, base) {
        (IpAddr::V4(host), IpAddr::V4(base)) => {
            length <= 32 && (host.to_bits() ^ base.to_bits()).checked_shr(32 - length).unwrap_or(0) == 0
        }
        (IpAddr::V6(host), IpAddr::V6(base)) => {
            length <= 128 && (host.to_bits() ^ base.to_bits()).checked_shr(128 - length).unwrap_or(0) == 0
        }
        _ => false,
    }
}

/// A user name and its password.
type Account<'a> = (&'a str, &'a Secret);

/// Where the proxy is, and the account that it is told.
///
/// # Errors
/// When the documents do not say.
pub(super) fn place(proxy: &WebProxySpec) -> Result<(Url, Option<Account<'_>>), HttpError> {
    let url = Url::parse(&proxy.url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or(HttpError::Proxy(ProxyFault::Url))?;
    if let Some(literal) = address::literal(&url) {
        address::check(literal, true)?;
    }
    let account = match &proxy.account {
        None => None,
        Some((username, SecretValue::Known(password))) => Some((username.as_str(), password)),
        Some((_, SecretValue::Missing(_))) => return Err(HttpError::Proxy(ProxyFault::SecretMissing)),
    };
    Ok((url, account))
}

/// The proxy as the client library wants it.
pub(super) fn of(proxy: &WebProxySpec) -> Result<reqwest::Proxy, HttpError> {
    let (url, account) = place(proxy)?;
    let made = reqwest::Proxy::all(url).map_err(|_| HttpError::Proxy(ProxyFault::Url))?;
    Ok(match account {
        None => made,
        Some((username, password)) => made.basic_auth(username, password.expose()),
    })
}

/// What tells one proxy from another, its account included.
pub(super) fn digest(proxy: &WebProxySpec) -> Digest {
    let (username, password) = match &proxy.account {
        Some((username, password)) => (username.as_str(), password.known().map_or("", |it| it.expose())),
        None => ("", ""),
    };
    let own = [proxy.url.as_bytes(), username.as_bytes(), password.as_bytes()];
    Digest::of(own.into_iter().chain(proxy.ca_certificates.iter().map(|pem| &**pem)))
}

/// What a failure of a request through a proxy says about the proxy; `error` is the client library's, where it was at work.
pub(super) fn fault(error: Option<&reqwest::Error>, found: HttpError) -> HttpError {
    HttpError::Proxy(match found {
        HttpError::Dns => ProxyFault::Unreachable("its name cannot be resolved".into()),
        HttpError::Tls(TlsFault::UnknownIssuer) => ProxyFault::OpensTls,
        HttpError::Tls(TlsFault::Handshake) => ProxyFault::NotAProxy,
        HttpError::Connect(what) => match error.and_then(tunnel) {
            Some(fault) => fault,
            None if matches!(what.as_str(), "unexpected end of file" | "connection reset") => ProxyFault::NotAProxy,
            None => ProxyFault::Unreachable(what),
        },
        other => return other,
    })
}

/// The library's type is not public, its texts are: <https://docs.rs/hyper-util>, `proxy::Tunnel`.
fn tunnel(error: &reqwest::Error) -> Option<ProxyFault> {
    let mut cause = error.source();
    while let Some(error) = cause {
        match error.to_string().strip_prefix("tunnel error: ") {
            Some("proxy authorization required") => return Some(ProxyFault::AccountRefused),
            Some("unsuccessful") => return Some(ProxyFault::Refused),
            Some("proxy response headers too long" | "unexpected end of file") => return Some(ProxyFault::NotAProxy),
            _ => cause = error.source(),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_domains_are_reached_past_the_proxy() {
        let proxy = |entry: &str| WebProxySpec {
            url: "http://proxy.example.com:3128".into(),
            account: None,
            no_proxy: vec![entry.into()],
            ca_certificates: Vec::new(),
        };
        for (entry, url, past) in [
            ("mail.example.com", "https://mail.example.com/x", true),
            ("mail.example.com", "https://MAIL.example.com:8443/", true),
            ("mail.example.com", "https://a.mail.example.com/", false),
            (".example.com", "https://mail.example.com/", true),
            (".example.com", "https://example.com/", true),
            (".example.com", "https://badexample.com/", false),
            ("10.0.0.1", "http://10.0.0.1/", true),
            ("::1", "http://[::1]/", true),
            ("10.0.0.0/8", "http://10.255.0.1/", true),
            ("10.0.0.0/8", "http://11.0.0.1/", false),
            ("10.0.0.0/8", "http://ten.example.com/", false),
            ("10.0.0.0/33", "http://10.0.0.1/", false),
            ("0.0.0.0/0", "http://192.0.2.1/", true),
            ("0.0.0.0/0", "http://[2001:db8::1]/", false),
            ("2001:db8::/32", "http://[2001:db8:1::1]/", true),
            ("2001:db8::/32", "http://[2001:db9::1]/", false),
            ("*", "https://anything.example.net/", true),
            ("example.com", "https://example.com.example.net/", false),
        ] {
            assert_eq!(is_passed(&proxy(entry), &url.parse().unwrap()), past, "{entry} {url}");
        }
    }
}

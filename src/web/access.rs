//! Who may see and do what. A request goes in, the [`Caller`] or a `Problem` comes out.
//!
//! | | operator's token | reader's token | loopback, no token | nobody |
//! |---|---|---|---|---|
//! | health | yes | yes | yes | yes |
//! | metrics | yes | yes | yes | with `--metrics-open` |
//! | look: counts, names, conditions | yes | yes | yes | 401 |
//! | read: meetings, plan | yes | yes | 401 | 401 |
//! | operate | yes | 403 | 401 | 401 |
//!
//! *Loopback* is a loopback peer that names a loopback `Host` and sends none of the headers that proxies add: behind a proxy
//! on this machine everybody would come from loopback. Requests without a valid token are answered only under a `Host` we
//! go by, so that a web page elsewhere cannot reach us under a name of its own (DNS rebinding): 421 otherwise.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use subtle::ConstantTimeEq as _;

use super::problem::Problem;
use crate::listen::Connection;
use crate::model::{Digest, Secret};

/// The rules of one listener.
#[derive(Debug)]
pub struct Access {
    /// May do everything.
    pub operator: Secret,
    /// May read everything.
    pub reader: Option<Secret>,
    /// The demo shows its invented meetings to loopback without a token.
    pub open_to_loopback: bool,
    /// `/metrics` without token from anywhere.
    pub metrics_open: bool,
    /// Names this listener goes by, beside loopback: the host of `--listen`, the host name, the host of `--public-url`.
    pub hosts: Vec<String>,
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Caller {
    /// Without a token from elsewhere.
    Nobody,
    /// A person on this machine, as far as can be told.
    Loopback,
    /// Reads all.
    Reader,
    /// Does all.
    Operator,
}

/// Who asks, and how they are called in the log of actions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Visitor {
    /// What they may.
    pub caller: Caller,
    /// A token's name, or who signed in.
    pub who: String,
}

impl From<Caller> for Visitor {
    fn from(caller: Caller) -> Self {
        let who = match caller {
            Caller::Nobody => "nobody",
            Caller::Loopback => "this machine",
            Caller::Reader => "the reader's token",
            Caller::Operator => "the operator's token",
        };
        Self { caller, who: who.to_owned() }
    }
}

/// What a route shows or does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Area {
    /// Health.
    Everybody,
    /// `/metrics`.
    Metrics,
    /// Counts, names of objects, conditions.
    Look,
    /// What people wrote.
    Read,
    /// Actions.
    Operate,
}

impl Access {
    /// Who asks, when `area` is open to them.
    ///
    /// # Errors
    /// 421 for a `Host` that is not ours, 401 without the token it takes, 403 with a reader's token where the operator's is needed.
    pub fn admit(&self, area: Area, request: &Request) -> Result<Caller, Problem> {
        if area == Area::Everybody {
            return Ok(Caller::Nobody);
        }
        let caller = self.caller(request);
        let open = area == Area::Metrics && self.metrics_open;
        let by_token = matches!(caller, Ok(Caller::Operator | Caller::Reader));
        if open && caller.is_err() {
            return Ok(Caller::Nobody);
        }
        if !open && !by_token && !self.goes_by(request) {
            let detail = "this server does not go by that name; use its own, or set --public-url";
            return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail));
        }
        let caller = caller?;
        let needed = match area {
            Area::Everybody => Caller::Nobody,
            Area::Metrics if open => Caller::Nobody,
            Area::Metrics | Area::Look => Caller::Loopback,
            Area::Read if self.open_to_loopback => Caller::Loopback,
            Area::Read => Caller::Reader,
            Area::Operate => Caller::Operator,
        };
        match (caller >= needed, caller) {
            (true, _) => Ok(caller),
            (false, Caller::Reader) => Err(Problem::new(StatusCode::FORBIDDEN, "this takes the operator's token")),
            (false, _) => Err(Problem::new(StatusCode::UNAUTHORIZED, "this takes a token (`Authorization: Bearer …`)")),
        }
    }

    /// Whether `caller` may see meetings.
    #[must_use]
    pub fn reads(&self, caller: Caller) -> bool {
        caller >= Caller::Reader || (caller == Caller::Loopback && self.open_to_loopback)
    }

    /// Somebody who shows a token is who the token says, or nobody: a wrong one is an error, not loopback.
    fn caller(&self, request: &Request) -> Result<Caller, Problem> {
        let mut given = request.headers().get_all(header::AUTHORIZATION).iter();
        let Some(first) = given.next() else {
            return Ok(if is_local(request) { Caller::Loopback } else { Caller::Nobody });
        };
        let wrong = || Problem::new(StatusCode::UNAUTHORIZED, "the token is not valid here");
        if given.next().is_some() {
            return Err(wrong());
        }
        let (scheme, token) = first.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(wrong)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(wrong());
        }
        // Both are compared always, so that the time tells nothing.
        let operator = same(token.trim(), &self.operator);
        let reader = self.reader.as_ref().is_some_and(|reader| same(token.trim(), reader));
        match (operator, reader) {
            (true, _) => Ok(Caller::Operator),
            (_, true) => Ok(Caller::Reader),
            _ => Err(wrong()),
        }
    }

    fn goes_by(&self, request: &Request) -> bool {
        host(request).is_some_and(|host| {
            is_loopback_name(&host) || self.hosts.iter().any(|known| bare(known).eq_ignore_ascii_case(&host))
        })
    }
}

/// Digests have one length, so nothing of the token's length or beginning shows in the time.
fn same(given: &str, known: &Secret) -> bool {
    let digest = |text: &str| Digest::of([text.as_bytes()]).0;
    !known.expose().is_empty() && bool::from(digest(given).ct_eq(&digest(known.expose())))
}

fn is_local(request: &Request) -> bool {
    let peer = request.extensions().get::<Connection>().map(|connection| connection.peer.ip().to_canonical());
    peer.is_some_and(|peer| peer.is_loopback())
        && host(request).is_some_and(|host| is_loopback_name(&host))
        && !proxied(request.headers())
}

fn proxied(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        let name = name.as_str();
        name == "forwarded" || name == "via" || name.starts_with("x-forwarded-")
    })
}

/// The host asked for, without port, in lower case; `None` when there is none, or several, or it differs from the URL's.
fn host(request: &Request) -> Option<String> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let named = hosts.next()?.to_str().ok()?;
    if hosts.next().is_some() {
        return None;
    }
    let host = bare(named).to_ascii_lowercase();
    match request.uri().host() {
        Some(other) if !bare(other).eq_ignore_ascii_case(&host) => None,
        _ => Some(host),
    }
}

/// Without port, brackets and final dot.
fn bare(host: &str) -> &str {
    if let Some((address, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    // More than one colon without brackets is an IPv6 address as `--listen` may give it.
    let name = match host.split_once(':') {
        Some((name, port)) if !port.contains(':') => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name)
}

fn is_loopback_name(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_compared_without_port_brackets_and_final_dot() {
        let cases = [
            ("localhost:9480", "localhost"),
            ("otj.example.com.", "otj.example.com"),
            ("otj.example.com.:443", "otj.example.com"),
            ("[::1]:9480", "::1"),
            ("[::1]", "::1"),
            ("::1", "::1"),
            ("127.0.0.1", "127.0.0.1"),
        ];
        for (given, wanted) in cases {
            assert_eq!(bare(given), wanted, "{given}");
        }
        for (name, local) in [("localhost", true), ("127.9.9.9", true), ("::1", true), ("::ffff:127.0.0.1", true)] {
            assert_eq!(is_loopback_name(name), local, "{name}");
        }
        for name in ["localhost.example.com", "127.0.0.1.example.com", "0.0.0.0", "", "10.0.0.1"] {
            assert!(!is_loopback_name(name), "{name}");
        }
    }

    #[test]
    fn an_empty_token_is_nobodys() {
        assert!(!same("", &Secret::new(String::new())));
        assert!(same("a", &Secret::new("a".into())));
        assert!(!same("a", &Secret::new("ab".into())));
    }
}

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
//! A browser signs in with one of the tokens, or at an OpenID provider, and is the operator or the reader from then on by its cookie
//! ([`super::session`]). What it does takes a form of ours besides: the same `Origin`, and the session's own `csrf`.
//!
//! *Loopback* is a loopback peer that names a loopback `Host` and sends none of the headers that proxies add: behind a proxy
//! on this machine everybody would come from loopback. Requests without a valid token are answered only under a `Host` we
//! go by, so that a web page elsewhere cannot reach us under a name of its own (DNS rebinding): 421 otherwise.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use subtle::ConstantTimeEq as _;

use super::problem::Problem;
use super::session::{Seat, Sessions};
use crate::listen::Connection;
use crate::model::{Digest, Mono, Secret};

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
    /// The pages are reached over https: by a proxy before us, as `--public-url` says.
    pub https_outside: bool,
    /// Browsers that are signed in.
    pub sessions: Sessions,
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
    /// What forms must carry, where a browser signed in.
    pub csrf: Option<String>,
}

impl From<Caller> for Visitor {
    fn from(caller: Caller) -> Self {
        let who = match caller {
            Caller::Nobody => "nobody",
            Caller::Loopback => "this machine",
            Caller::Reader => "the reader's token",
            Caller::Operator => "the operator's token",
        };
        Self { caller, who: who.to_owned(), csrf: None }
    }
}

impl Visitor {
    /// What a page's template is told; `access` decides who reads.
    #[must_use]
    pub fn seat(&self, access: &Access) -> Seat {
        Seat {
            who: self.csrf.as_ref().map(|_| self.who.clone()).unwrap_or_default(),
            reads: access.reads(self.caller),
            operates: self.caller == Caller::Operator && self.csrf.is_some(),
            csrf: self.csrf.clone().unwrap_or_default(),
        }
    }
}

/// What a route shows or does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Area {
    /// Health.
    Everybody,
    /// Where people sign in, and what that page needs.
    Door,
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
    pub fn admit(&self, area: Area, request: &Request, now: Mono) -> Result<Visitor, Problem> {
        if area == Area::Everybody {
            return Ok(Caller::Nobody.into());
        }
        let visitor = self.visitor(request, now);
        let open = area == Area::Metrics && self.metrics_open;
        let by_token = visitor.as_ref().is_ok_and(|visitor| visitor.caller >= Caller::Reader && visitor.csrf.is_none());
        if open && visitor.is_err() {
            return Ok(Caller::Nobody.into());
        }
        if !open && !by_token && !self.goes_by(request) {
            let detail = "this server does not go by that name; use its own, or set --public-url";
            return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail));
        }
        let visitor = visitor?;
        let caller = visitor.caller;
        let needed = match area {
            Area::Everybody | Area::Door => Caller::Nobody,
            Area::Metrics if open => Caller::Nobody,
            Area::Metrics | Area::Look => Caller::Loopback,
            Area::Read if self.open_to_loopback => Caller::Loopback,
            Area::Read => Caller::Reader,
            Area::Operate => Caller::Operator,
        };
        match (caller >= needed, caller) {
            (true, _) => Ok(visitor),
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
    fn visitor(&self, request: &Request, now: Mono) -> Result<Visitor, Problem> {
        let mut given = request.headers().get_all(header::AUTHORIZATION).iter();
        let Some(first) = given.next() else {
            if let Some(session) = self.sessions.of(request.headers(), now) {
                return Ok(Visitor { caller: session.caller, who: session.who, csrf: Some(session.csrf) });
            }
            return Ok(if is_local(request) { Caller::Loopback } else { Caller::Nobody }.into());
        };
        let peer = request.extensions().get::<Connection>().map(|connection| connection.peer.ip());
        let wrong = || {
            // A right token is never turned away for earlier failures.
            if let Some(peer) = peer {
                if !self.sessions.may_try(peer, now) {
                    let detail = "too many wrong tokens came from this address; wait a minute";
                    return Problem::new(StatusCode::TOO_MANY_REQUESTS, detail);
                }
                self.sessions.failed(peer, now);
            }
            Problem::new(StatusCode::UNAUTHORIZED, "the token is not valid here")
        };
        if given.next().is_some() {
            return Err(wrong());
        }
        let (scheme, token) = first.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(wrong)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(wrong());
        }
        self.bearer(token.trim()).map(Visitor::from).ok_or_else(wrong)
    }

    /// Whose token it is.
    pub(super) fn bearer(&self, token: &str) -> Option<Caller> {
        // Both are compared always, so that the time tells nothing.
        let operator = same(token, &self.operator);
        let reader = self.reader.as_ref().is_some_and(|reader| same(token, reader));
        match (operator, reader) {
            (true, _) => Some(Caller::Operator),
            (_, true) => Some(Caller::Reader),
            _ => None,
        }
    }

    /// Whether a browser reaches us over https.
    pub(super) fn is_secure(&self, request: &Request) -> bool {
        request.extensions().get::<Connection>().is_some_and(|connection| connection.tls)
            || (self.https_outside && !is_local(request))
    }

    /// Whether a browser says that one of our own pages sent a request: by `Origin`, else by `Sec-Fetch-Site`.
    pub(super) fn is_same_origin(&self, request: &Request) -> bool {
        let one = |name: &str| {
            let mut values = request.headers().get_all(name).iter();
            let first = values.next().and_then(|value| value.to_str().ok());
            first.filter(|_| values.next().is_none())
        };
        match one("origin") {
            Some(origin) => {
                let (scheme, authority) = origin.split_once("://").unwrap_or_default();
                let scheme_fits = scheme == "https" || (scheme == "http" && !self.is_secure(request));
                scheme_fits && one("host").is_some_and(|host| host.eq_ignore_ascii_case(authority))
            }
            None => one("sec-fetch-site") == Some("same-origin"),
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

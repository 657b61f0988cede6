//! Browsers that are signed in, and how often somebody may guess. In: a cookie, or an address that failed. Out: who it is, or whether to try.
//!
//! Sessions live in memory: a restart signs everybody out. The cookie is random and known here by its digest alone.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Serialize;

use super::access::Caller;
use crate::model::{Digest, Mono};

/// A session ends so long after it began.
const LASTS: Duration = Duration::from_hours(12);
/// So many at once; the oldest ends when another begins.
const SESSIONS_MAX: usize = 1000;
/// So many failures of one address within [`WINDOW`] are looked at.
const FAILURES_MAX: usize = 10;
/// See [`FAILURES_MAX`].
const WINDOW: Duration = Duration::from_mins(1);
/// So many addresses are remembered.
const ADDRESSES_MAX: usize = 10_000;

/// The cookie over https: bound to this host, sent over https alone.
const SECURE: &str = "__Host-otj";
/// And over plain http, which `--listen` takes on loopback only, or under `--insecure-http`.
const PLAIN: &str = "otj";

/// Somebody who is signed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// What they may.
    pub caller: Caller,
    /// Who they are.
    pub who: String,
    /// What forms of our pages carry.
    pub csrf: String,
    ends: Mono,
}

/// Who looks at a page, as its template is told. A form that does something carries `csrf` in a field of that name, and `back`, the page it
/// stands on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seat {
    /// Who; empty where nobody signed in.
    pub who: String,
    /// They may see what people wrote.
    pub reads: bool,
    /// They may do something, and forms work: they signed in with a browser.
    pub operates: bool,
    /// For the forms; empty where nobody signed in.
    pub csrf: String,
}

/// All of a process.
#[derive(Debug, Default)]
pub struct Sessions {
    signed_in: Mutex<BTreeMap<Digest, Session>>,
    failures: Mutex<BTreeMap<IpAddr, Vec<Mono>>>,
}

impl Sessions {
    /// Begins a session: the value of its cookie. `None`: the system gives no random bytes.
    pub fn begin(&self, caller: Caller, who: &str, now: Mono) -> Option<String> {
        let (cookie, csrf) = (random()?, random()?);
        let mut all = self.signed_in.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, session| session.ends > now);
        while all.len() >= SESSIONS_MAX {
            let oldest = all.iter().min_by_key(|(_, session)| session.ends).map(|(key, _)| *key);
            oldest.and_then(|oldest| all.remove(&oldest));
        }
        all.insert(key(&cookie), Session { caller, who: who.to_owned(), csrf, ends: now + LASTS });
        Some(cookie)
    }

    /// Who sends these headers.
    pub fn of(&self, headers: &HeaderMap, now: Mono) -> Option<Session> {
        let all = self.signed_in.lock().unwrap_or_else(PoisonError::into_inner);
        cookies(headers).find_map(|cookie| all.get(&key(cookie)).filter(|session| session.ends > now).cloned())
    }

    /// Ends the session of whoever sends these headers.
    pub fn end(&self, headers: &HeaderMap) {
        let mut all = self.signed_in.lock().unwrap_or_else(PoisonError::into_inner);
        for cookie in cookies(headers) {
            all.remove(&key(cookie));
        }
    }

    /// Whether an address may guess once more.
    pub fn may_try(&self, address: IpAddr, now: Mono) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |at: &&Mono| at.until(now) < WINDOW;
        failures.get(&network(address)).is_none_or(|times| times.iter().filter(recent).count() < FAILURES_MAX)
    }

    /// An address guessed wrongly.
    pub fn failed(&self, address: IpAddr, now: Mono) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= ADDRESSES_MAX {
            failures.retain(|_, times| times.last().is_some_and(|at| at.until(now) < WINDOW));
        }
        let times = failures.entry(network(address)).or_default();
        times.retain(|at| at.until(now) < WINDOW);
        if times.len() < FAILURES_MAX {
            times.push(now);
        }
    }
}

/// What sets the cookie.
pub(super) fn cookie(value: &str, secure: bool) -> Option<HeaderValue> {
    let (name, flag) = if secure { (SECURE, "; Secure") } else { (PLAIN, "") };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{flag}", LASTS.as_secs());
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What takes the cookie away.
pub(super) fn no_cookie(secure: bool) -> HeaderValue {
    HeaderValue::from_static(if secure {
        "__Host-otj=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure"
    } else {
        "otj=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
    })
}

/// Random text that nobody guesses.
pub(super) fn random() -> Option<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';')).filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        matches!(name, SECURE | PLAIN).then_some(value)
    })
}

fn key(cookie: &str) -> Digest {
    Digest::of([cookie.as_bytes()])
}

/// One household of IPv6 counts as one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(cookie).unwrap())])
    }

    #[test]
    fn a_session_is_whose_cookie_it_is_until_it_ends() {
        let (sessions, now) = (Sessions::default(), Mono::default());
        let cookie = sessions.begin(Caller::Operator, "Ada", now).unwrap();
        let mine = headers(&format!("a=b; otj={cookie}; c"));
        assert_eq!(sessions.of(&mine, now).unwrap().who, "Ada");
        assert_eq!(sessions.of(&headers(&format!("other={cookie}")), now), None);
        assert_eq!(sessions.of(&headers("otj=guess"), now), None);
        assert_eq!(sessions.of(&mine, now + LASTS), None, "it is over");
        sessions.end(&mine);
        assert_eq!(sessions.of(&mine, now), None, "it was ended");
    }

    #[test]
    fn an_address_guesses_ten_times_a_minute_and_others_are_not_hindered() {
        let (sessions, now) = (Sessions::default(), Mono::default());
        let (one, other) = ("2001:db8::1".parse().unwrap(), "2001:db8:0:1::1".parse().unwrap());
        for _ in 0..FAILURES_MAX {
            assert!(sessions.may_try(one, now));
            sessions.failed(one, now);
        }
        assert!(!sessions.may_try("2001:db8::2".parse().unwrap(), now), "the same network");
        assert!(sessions.may_try(other, now));
        assert!(sessions.may_try(one, now + WINDOW));
    }
}

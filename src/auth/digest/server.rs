//! The server side of Digest: challenges out, answers verified. Pure: the time and the password are given.
//!
//! A nonce is the time and its HMAC, so nothing is stored and any node that has the key can verify what another one gave out.
//!
//! | answer                                  | verdict                                                        |
//! |-----------------------------------------|----------------------------------------------------------------|
//! | right, nonce ours and fresh             | `Granted`                                                      |
//! | right, nonce old or of another key      | `Stale`: the client answers the new nonce without asking a person |
//! | anything else                           | `Refused`                                                      |
//!
//! Accepted beside `qop=auth`: no qop at all (RFC 2069) and the `-sess` variants. MD5 is offered because old devices give up on an
//! algorithm they do not know; the connection is encrypted.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::{Algorithm, Answer, parameters, response};
use crate::model::Secret;

/// The realm of every challenge. Stored answers of devices depend on it: it never changes.
pub const REALM: &str = "otj";

/// How long a nonce is fresh. A device that polls every 30–60 s is challenged anew every few polls, which costs it one round trip.
const LIFETIME_S: i64 = 300;

/// What nonces are signed with. The same on every node that serves the same devices.
#[derive(Clone)]
pub struct NonceKey([u8; 32]);

impl NonceKey {
    /// Takes 32 secret bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("••••")
    }
}

/// The value of a `WWW-Authenticate` header. `stale` tells the client that its password was right and only the nonce was old.
#[must_use]
pub fn challenge(key: &NonceKey, now: Timestamp, stale: bool) -> String {
    challenge_with("MD5", key, now, stale)
}

/// The same with SHA-256 (RFC 7616).
#[must_use]
pub fn challenge_sha256(key: &NonceKey, now: Timestamp, stale: bool) -> String {
    challenge_with("SHA-256", key, now, stale)
}

fn challenge_with(algorithm: &str, key: &NonceKey, now: Timestamp, stale: bool) -> String {
    let nonce = nonce(key, now.as_second());
    let stale = if stale { ", stale=true" } else { "" };
    format!(r#"Digest realm="{REALM}", nonce="{nonce}", opaque="b3Rq", qop="auth", algorithm={algorithm}{stale}"#)
}

/// What a client claims in an `Authorization` header.
#[derive(Clone)]
pub struct Claim {
    /// The user as written, then with backslash escapes undone: clients disagree whether `DOMAIN\user` is escaped.
    users: Vec<String>,
    realm: String,
    nonce: String,
    uri: String,
    response: String,
    algorithm: Algorithm,
    nc: String,
    cnonce: String,
    qop: Option<String>,
}

/// What became of a claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is the user.
    Granted,
    /// It is the user, with a nonce that is to be replaced.
    Stale,
    /// It is not, or cannot be told.
    Refused,
}

impl Claim {
    /// Reads a header; `None` when it is no complete Digest answer.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim_start().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let mut read = parameters(rest);
        let mut take = |name: &str| read.remove(name);
        let unescaped = take("username")?;
        let mut users = vec![raw_username(rest).unwrap_or_else(|| unescaped.clone())];
        if users[0] != unescaped {
            users.push(unescaped);
        }
        Some(Self {
            users,
            realm: take("realm")?,
            nonce: take("nonce")?,
            uri: take("uri")?,
            response: take("response")?.to_ascii_lowercase(),
            algorithm: Algorithm::parse(take("algorithm").as_deref())?,
            nc: take("nc").unwrap_or_default(),
            cnonce: take("cnonce").unwrap_or_default(),
            qop: take("qop"),
        })
    }

    /// The forms of the user name, the likeliest first; never empty.
    #[must_use]
    pub fn users(&self) -> &[String] {
        &self.users
    }

    /// Whether the claim holds for `password`, a request of `method` to `path`. The hash covers the URI as the client wrote it;
    /// that it means `path` is checked apart, so that an answer to another path is worth nothing here.
    #[must_use]
    pub fn verify(&self, key: &NonceKey, password: &Secret, method: &str, path: &str, now: Timestamp) -> Verdict {
        let qop_auth = match self.qop.as_deref() {
            Some(qop) if qop.eq_ignore_ascii_case("auth") && !self.cnonce.is_empty() && !self.nc.is_empty() => {
                Some((self.nc.as_str(), self.cnonce.as_str()))
            }
            None => None,
            Some(_) => return Verdict::Refused,
        };
        let mut right = subtle::Choice::from(0);
        for username in &self.users {
            let wanted = response(
                &Answer {
                    algorithm: self.algorithm,
                    username,
                    realm: &self.realm,
                    nonce: &self.nonce,
                    method,
                    uri: &self.uri,
                    qop_auth,
                    cnonce: &self.cnonce,
                },
                password.expose(),
            );
            right |= wanted.as_bytes().ct_eq(self.response.as_bytes());
        }
        if !bool::from(right) || self.realm != REALM || !means(&self.uri, path) {
            return Verdict::Refused;
        }
        if is_fresh(key, &self.nonce, now) { Verdict::Granted } else { Verdict::Stale }
    }
}

/// The user name between its quotes, escapes kept.
fn raw_username(parameters: &str) -> Option<String> {
    let lower = parameters.to_ascii_lowercase();
    let at = lower.match_indices("username").find_map(|(at, name)| {
        let starts = parameters[..at].trim_end();
        let after = parameters[at + name.len()..].trim_start();
        (starts.is_empty() || starts.ends_with(',')).then_some(after.strip_prefix('=')?.trim_start())
    })?;
    let quoted = at.strip_prefix('"')?;
    let mut escaped = false;
    let end = quoted.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some(quoted[..end].to_owned())
}

/// Whether `uri`, absolute or not, with or without query, names `path`. Letter case and a slash at the end do not count.
fn means(uri: &str, path: &str) -> bool {
    let local = match uri.split_once("://") {
        Some((scheme, rest)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
            rest.find('/').map_or("/", |slash| &rest[slash..])
        }
        _ => uri,
    };
    let local = local.split(['?', '#']).next().unwrap_or(local);
    local.trim_end_matches('/').eq_ignore_ascii_case(path.trim_end_matches('/'))
}

fn nonce(key: &NonceKey, second: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes a key of any length");
    mac.update(b"otj digest nonce");
    mac.update(&second.to_be_bytes());
    let tag = mac.finalize().into_bytes();
    let mut bytes = second.to_be_bytes().to_vec();
    bytes.extend_from_slice(&tag[..16]);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn is_fresh(key: &NonceKey, given: &str, now: Timestamp) -> bool {
    let Some(second) = URL_SAFE_NO_PAD
        .decode(given)
        .ok()
        .and_then(|bytes| bytes.first_chunk::<8>().map(|first| i64::from_be_bytes(*first)))
    else {
        return false;
    };
    let ours = bool::from(nonce(key, second).as_bytes().ct_eq(given.as_bytes()));
    ours && now.as_second().abs_diff(second) <= LIFETIME_S.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/EWS/Exchange.asmx";

    fn key() -> NonceKey {
        NonceKey::new([7; 32])
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// What a client would send to `challenge`.
    fn answered(challenge: &str, edit: impl Fn(&mut Answer<'_>), written_user: &str, extra: &str) -> String {
        let read = parameters(challenge.strip_prefix("Digest ").unwrap());
        let mut answer = Answer {
            algorithm: Algorithm::Md5,
            username: "fjord",
            realm: &read["realm"],
            nonce: &read["nonce"],
            method: "POST",
            uri: PATH,
            qop_auth: Some(("00000001", "abc")),
            cnonce: "abc",
        };
        edit(&mut answer);
        let qop = if answer.qop_auth.is_some() { ", qop=auth, nc=00000001" } else { "" };
        format!(
            r#"Digest username="{written_user}", realm="{}", nonce="{}", uri="{}", response="{}", cnonce="abc"{qop}{extra}"#,
            answer.realm,
            answer.nonce,
            answer.uri,
            response(&answer, "correct horse")
        )
    }

    fn verdict(header: &str, password: &str, now: Timestamp) -> Verdict {
        let claim = Claim::parse(header).unwrap();
        claim.verify(&key(), &Secret::new(password.into()), "POST", PATH, now)
    }

    #[test]
    fn a_right_answer_is_granted_in_every_form_that_clients_use() {
        let challenge = challenge(&key(), at(0), false);
        for (header, why) in [
            (answered(&challenge, |_| {}, "fjord", ""), "qop=auth"),
            (answered(&challenge, |a| a.qop_auth = None, "fjord", ", algorithm=MD5"), "RFC 2069"),
            (answered(&challenge, |a| a.algorithm = Algorithm::Md5Sess, "fjord", ", algorithm=MD5-sess"), "session"),
            (answered(&challenge, |a| a.algorithm = Algorithm::Sha256, "fjord", ", algorithm=SHA-256"), "SHA-256"),
            (
                answered(&challenge, |a| a.uri = "https://otj.example/ews/exchange.ASMX?x=1", "fjord", ""),
                "absolute URI",
            ),
            (answered(&challenge, |a| a.username = r"CORP\fjord", r"CORP\fjord", ""), "backslash as it is"),
            (answered(&challenge, |a| a.username = r"CORP\fjord", r"CORP\\fjord", ""), "backslash escaped"),
        ] {
            assert_eq!(verdict(&header, "correct horse", at(299)), Verdict::Granted, "{why}: {header}");
            assert_eq!(verdict(&header, "wrong", at(0)), Verdict::Refused, "{why}");
        }
    }

    #[test]
    fn an_old_or_foreign_nonce_is_stale_and_a_wrong_password_is_never_called_stale() {
        let old = answered(&challenge(&key(), at(0), false), |_| {}, "fjord", "");
        assert_eq!(verdict(&old, "correct horse", at(301)), Verdict::Stale);
        assert_eq!(verdict(&old, "correct horse", at(-301)), Verdict::Stale, "the clock went back");
        assert_eq!(verdict(&old, "wrong", at(301)), Verdict::Refused);
        let foreign = answered(&challenge(&NonceKey::new([8; 32]), at(0), false), |_| {}, "fjord", "");
        assert_eq!(verdict(&foreign, "correct horse", at(0)), Verdict::Stale);
        let made_up = answered(r#"Digest realm="otj", nonce="zzz""#, |_| {}, "fjord", "");
        assert_eq!(verdict(&made_up, "correct horse", at(0)), Verdict::Stale);
        assert!(challenge(&key(), at(0), true).ends_with("stale=true"));
    }

    #[test]
    fn an_answer_for_another_path_realm_or_protection_is_refused() {
        let challenge = challenge(&key(), at(0), false);
        for header in [
            answered(&challenge, |a| a.uri = "/other", "fjord", ""),
            answered(&challenge, |a| a.realm = "elsewhere", "fjord", ""),
            answered(&challenge, |a| a.method = "GET", "fjord", ""),
            answered(&challenge, |_| {}, "fjord", "").replace("qop=auth,", "qop=auth-int,"),
        ] {
            assert_eq!(verdict(&header, "correct horse", at(0)), Verdict::Refused, "{header}");
        }
    }

    #[test]
    fn what_is_no_complete_answer_is_no_claim() {
        let whole = answered(&challenge(&key(), at(0), false), |_| {}, "fjord", "");
        for wrong in ["", "Digest", "Digest ,,,=", "Basic eA==", r#"Digest username="x""#, "Digest username=\"\\"] {
            assert!(Claim::parse(wrong).is_none(), "{wrong}");
        }
        for name in ["username", "realm", "nonce", "uri", "response"] {
            assert!(Claim::parse(&whole.replacen(name, "other", 1)).is_none(), "{name}");
        }
        assert!(Claim::parse(&format!("{whole}, algorithm=ROT13")).is_none());
        let unquoted = Claim::parse(&whole.replace("\"fjord\"", "fjord")).unwrap();
        assert_eq!(unquoted.users(), ["fjord"]);
    }
}

//! Digest authentication (RFC 7616, and RFC 2069 for old clients): what both sides compute.

pub mod client;
pub mod server;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use sha2::Sha256;

/// The hash of a challenge. `-sess` variants hash nonce and cnonce into HA1 once more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Algorithm {
    /// `MD5`, what every client knows.
    Md5,
    /// `MD5-sess`.
    Md5Sess,
    /// `SHA-256`.
    Sha256,
    /// `SHA-256-sess`.
    Sha256Sess,
}

impl Algorithm {
    /// From its name in any case; an absent one is MD5.
    #[must_use]
    pub fn parse(name: Option<&str>) -> Option<Self> {
        match name.unwrap_or("MD5").to_ascii_uppercase().as_str() {
            "MD5" => Some(Self::Md5),
            "MD5-SESS" => Some(Self::Md5Sess),
            "SHA-256" => Some(Self::Sha256),
            "SHA-256-SESS" => Some(Self::Sha256Sess),
            _ => None,
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 | Self::Md5Sess => hex(&Md5::digest(text.as_bytes())),
            Self::Sha256 | Self::Sha256Sess => hex(&Sha256::digest(text.as_bytes())),
        }
    }

    fn is_session(self) -> bool {
        matches!(self, Self::Md5Sess | Self::Sha256Sess)
    }
}

/// Everything a response is computed from.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Hash.
    pub algorithm: Algorithm,
    /// As the client wrote it.
    pub username: &'a str,
    /// Of the challenge.
    pub realm: &'a str,
    /// Of the challenge.
    pub nonce: &'a str,
    /// Method of the request.
    pub method: &'a str,
    /// `uri` as the client wrote it.
    pub uri: &'a str,
    /// `Some((nc, cnonce))` with `qop=auth`; `None` for RFC 2069.
    pub qop_auth: Option<(&'a str, &'a str)>,
    /// Needed by the `-sess` variants.
    pub cnonce: &'a str,
}

/// The `response` for `password`, lower-case hex.
#[must_use]
pub fn response(answer: &Answer<'_>, password: &str) -> String {
    let algorithm = answer.algorithm;
    let mut ha1 = algorithm.hash(&format!("{}:{}:{password}", answer.username, answer.realm));
    if algorithm.is_session() {
        ha1 = algorithm.hash(&format!("{ha1}:{}:{}", answer.nonce, answer.cnonce));
    }
    let ha2 = algorithm.hash(&format!("{}:{}", answer.method, answer.uri));
    match answer.qop_auth {
        Some((nc, cnonce)) => algorithm.hash(&format!("{ha1}:{}:{nc}:{cnonce}:auth:{ha2}", answer.nonce)),
        None => algorithm.hash(&format!("{ha1}:{}:{ha2}", answer.nonce)),
    }
}

/// The parameters after the scheme of a challenge or an answer, names in lower case, quotes and escapes undone.
/// What is not of the form ends the parsing; what was read before stays.
#[must_use]
pub fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text.trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let mut value = String::new();
        let end = if let Some(quoted) = after.strip_prefix('"') {
            let mut escaped = false;
            let mut end = after.len();
            for (at, c) in quoted.char_indices() {
                match c {
                    _ if escaped => {
                        value.push(c);
                        escaped = false;
                    }
                    '\\' => escaped = true,
                    '"' => {
                        end = at + 2;
                        break;
                    }
                    _ => value.push(c),
                }
            }
            end
        } else {
            let end = after.find(',').unwrap_or(after.len());
            value.push_str(after[..end].trim());
            end
        };
        found.insert(name.trim().to_ascii_lowercase(), value);
        rest = after[end..].trim_start().trim_start_matches(',').trim_start();
    }
    found
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_7616_are_answered_as_printed_there() {
        let answer = |algorithm| Answer {
            algorithm,
            username: "Mufasa",
            realm: "http-auth@example.org",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            method: "GET",
            uri: "/dir/index.html",
            qop_auth: Some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
            cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        };
        assert_eq!(response(&answer(Algorithm::Md5), "Circle of Life"), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(
            response(&answer(Algorithm::Sha256), "Circle of Life"),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    #[test]
    fn parameters_survive_quotes_escapes_commas_and_garbage() {
        let read = parameters(r#"realm="a \"b\", c", qop=auth ,nonce = "x=" , broken"#);
        assert_eq!(read.get("realm").map(String::as_str), Some(r#"a "b", c"#));
        assert_eq!(read.get("qop").map(String::as_str), Some("auth"));
        assert_eq!(read.get("nonce").map(String::as_str), Some("x="));
        assert_eq!(
            parameters("\"\"\"=,,="),
            BTreeMap::from([("\"\"\"".into(), String::new()), (String::new(), String::new())])
        );
    }
}

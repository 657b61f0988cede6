//! Proofpoint URL Defense, its three generations. The algorithm is that of the decoder Proofpoint publishes.
//!
//! | | where | how |
//! |---|---|---|
//! | v1 | `u=` up to `&k=` | percent |
//! | v2 | `u=` up to `&d=` or `&c=` | `-` is `%`, `_` is `/`, then percent |
//! | v3 | `/v3/__URL__;CHARS!` | in URL, `*` is the next of CHARS, `**X` the next 2 + (place of X in A-Za-z0-9-_) of them |

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Answer, Link, percent};

const HOSTS: [&str; 3] = ["urldefense.com", "urldefense.proofpoint.com", "urldefense.us"];

/// Alphabet of the run lengths.
const RUNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(super) fn read(link: &Link<'_>) -> Answer {
    if !HOSTS.iter().any(|host| link.host_is(host)) {
        return Answer::NotMine;
    }
    let decoded = match link.path.get(..4) {
        Some("/v1/") => first(link, &["&k="]).map(|url| unescape(&percent::decode(url))),
        Some("/v2/") => {
            first(link, &["&d=", "&c="]).map(|url| unescape(&percent::decode(&url.replace('-', "%").replace('_', "/"))))
        }
        Some("/v3/") => third(link),
        _ => None,
    };
    decoded.map_or(Answer::Broken, Answer::For)
}

/// What stands between `u=` and the first of `ends`.
fn first<'t>(link: &Link<'t>, ends: &[&str]) -> Option<&'t str> {
    let url = link.query.strip_prefix("u=").or_else(|| link.query.split_once("&u=").map(|(_, url)| url))?;
    let end = ends.iter().filter_map(|end| url.find(end)).min().unwrap_or(url.len());
    let url = &url[..end];
    Some(url.strip_suffix("&amp;").unwrap_or(url))
}

fn third(link: &Link<'_>) -> Option<String> {
    let (_, rest) = link.whole.split_once("/v3/__")?;
    let end = rest.rfind("__;")?;
    let (url, replaced) = (&rest[..end], &rest[end + 3..]);
    let replaced = replaced.split_once('!')?.0;
    let bytes = URL_SAFE_NO_PAD.decode(replaced.trim_end_matches('=')).ok()?;
    let characters = String::from_utf8(bytes).ok()?;
    let mut characters = characters.chars();
    let mut out = String::with_capacity(url.len());
    let mut places = percent::decode(&two_slashes(url)).chars().collect::<Vec<_>>().into_iter().peekable();
    while let Some(character) = places.next() {
        if character != '*' {
            out.push(character);
            continue;
        }
        let run = match places.next_if_eq(&'*') {
            Some(_) => {
                let mark = places.next()?;
                2 + RUNS.iter().position(|each| char::from(*each) == mark)?
            }
            None => 1,
        };
        for _ in 0..run {
            out.push(characters.next()?);
        }
    }
    Some(out)
}

/// `https:/x` as mail programs shorten it, made `https://x` again.
pub(super) fn two_slashes(url: &str) -> String {
    match url.split_once(":/") {
        Some((scheme @ ("http" | "https"), rest)) if !rest.starts_with('/') => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}

/// The few character references that occur in links.
fn unescape(text: &str) -> String {
    text.replace("&amp;", "&").replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">")
}

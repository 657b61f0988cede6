//! Proofpoint URL Defense, its three generations, decoded in the steps of the decoder that Proofpoint publishes: the first two are
//! percent-coded HTML; in the third, `*` are characters, not bytes, and are put back after percent-decoding.
//!
//! | | where | how |
//! |---|---|---|
//! | v1 | `u=` up to `&k=` | percent |
//! | v2 | `u=` up to `&d=` or `&c=` | `-` is `%`, `_` is `/`, then percent |
//! | v3 | `/v3/__URL__;CHARS!` | in URL, `*` is the next of CHARS, `**X` the next 2 + (place of X in A-Za-z0-9-_) of them |

use base64::Engine as _;

use super::link::without_amp;
use super::{Answer, BASE64, Link, percent, two_slashes};

const HOSTS: [&str; 3] = ["urldefense.com", "urldefense.proofpoint.com", "urldefense.us"];

/// Alphabet of the run lengths.
const RUNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(super) fn read(link: &Link<'_>) -> Answer {
    if !HOSTS.iter().any(|host| link.host_is(host)) {
        return Answer::NotMine;
    }
    let decoded = match link.path.get(..4) {
        Some("/v1/") => parameter(link, &["&k="]).map(|url| unescape(&percent::decode(url))),
        Some("/v2/") => parameter(link, &["&d=", "&c="])
            .map(|url| unescape(&percent::decode(&url.replace('-', "%").replace('_', "/")))),
        Some("/v3/") => third(link),
        _ => None,
    };
    decoded.map_or(Answer::Broken, Answer::For)
}

/// What stands between `u=` and the first of `ends`, of which the `&` may be escaped.
fn parameter<'t>(link: &Link<'t>, ends: &[&str]) -> Option<&'t str> {
    let query = link.query;
    let begin = query.match_indices("u=").map(|(at, _)| at).find(|at| {
        let before = &query[..*at];
        before.is_empty() || before.ends_with('&') || before.ends_with("&amp;")
    })?;
    let url = &query[begin + 2..];
    let is_end = |at: &usize| {
        let after = without_amp(&url[at + 1..]);
        ends.iter().any(|end| after.starts_with(&end[1..]))
    };
    let end = url.match_indices('&').map(|(at, _)| at).find(is_end).unwrap_or(url.len());
    Some(&url[..end])
}

fn third(link: &Link<'_>) -> Option<String> {
    let rest = link.after_host.strip_prefix("/v3/__")?;
    let (url, replaced) = rest.match_indices("__;").find_map(|(at, mark)| {
        let (replaced, _) = rest[at + mark.len()..].split_once(|c: char| !is_base64(c))?;
        rest[at + mark.len() + replaced.len()..].starts_with('!').then_some((&rest[..at], replaced))
    })?;
    let bytes = BASE64.decode(replaced.trim_end_matches('=')).ok()?;
    let characters = String::from_utf8(bytes).ok()?;
    let mut characters = characters.chars();
    let url = percent::decode(&two_slashes(url));
    let mut out = String::with_capacity(url.len());
    let mut places = url.chars().peekable();
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

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=')
}

/// Undoes the few character references that occur in links, each once.
fn unescape(text: &str) -> String {
    const REFERENCES: [(&str, char); 8] = [
        ("&amp;", '&'),
        ("&#38;", '&'),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&quot;", '"'),
        ("&#34;", '"'),
        ("&apos;", '\''),
        ("&#39;", '\''),
    ];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let known = REFERENCES.iter().find(|(reference, _)| from.starts_with(reference));
        let (reference, character) = known.copied().unwrap_or(("&", '&'));
        out.push(character);
        rest = &from[reference.len()..];
    }
    out.push_str(rest);
    out
}

//! Check Point Harmony Email, formerly Avanan, also sold by SonicWall.
//!
//! | | where |
//! |---|---|
//! | v1 | `*.url-protection.com/v1/url?o=LINK`, coded but for its slashes |
//! | v2 | `/v2/___LINK___.TOKEN`, as it is, its slashes or colon sometimes damaged on the way |
//!
//! Either version can have a region such as `r02/` before the last part.

use super::{Answer, Link, percent, two_slashes};

const HOSTS: [&str; 2] = ["protect.checkpoint.com", "url.avanan.click"];

pub(super) fn read(link: &Link<'_>) -> Answer {
    if link.host_below("url-protection.com") {
        let theirs = link.path.strip_prefix("/v1/").is_some_and(|rest| rest == "url" || rest.ends_with("/url"));
        let found = if theirs { link.parameter("o") } else { return Answer::NotMine };
        return found.map_or(Answer::Broken, Answer::For);
    }
    if !HOSTS.iter().any(|host| link.host_is(host)) || !link.path.starts_with("/v2/") {
        return Answer::NotMine;
    }
    let Some((_, rest)) = link.whole.split_once("___") else { return Answer::Broken };
    // The token has no `___.`; a link without one ends in `___`.
    let Some(url) = rest.rfind("___.").or_else(|| rest.rfind("___")).map(|end| &rest[..end]) else {
        return Answer::Broken;
    };
    let scheme = |scheme: &&str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let url = match ["https%3A", "http%3A"].iter().find(|each| scheme(each)) {
        // All of it is coded when its slashes are, else the colon alone.
        Some(begin) if url[begin.len()..].starts_with('%') => percent::decode(url),
        Some(begin) => format!("{}:{}", &url[..begin.len() - 3], &url[begin.len()..]),
        None => url.to_owned(),
    };
    Answer::For(two_slashes(&url))
}

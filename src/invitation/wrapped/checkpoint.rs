//! Check Point Harmony and Avanan: the link between `___` and `___`, its slashes or colon sometimes damaged on the way.

use super::{Answer, Link, proofpoint::two_slashes};

pub(super) fn read(link: &Link<'_>) -> Answer {
    if !(link.host_is("protect.checkpoint.com") || link.host_is("url.avanan.click")) || !link.path.starts_with("/v2/") {
        return Answer::NotMine;
    }
    let Some((url, _)) = link.whole.split_once("___").and_then(|(_, rest)| rest.rsplit_once("___")) else {
        return Answer::Broken;
    };
    let url = match url.get(..8) {
        Some(start) if start.eq_ignore_ascii_case("https%3A") => format!("https:{}", &url[8..]),
        _ => url.to_owned(),
    };
    Answer::For(two_slashes(&url))
}

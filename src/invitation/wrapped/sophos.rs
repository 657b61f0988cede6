//! Sophos Time of Click: the link in `u`, as base64 of either alphabet, with its domain in `d`.

use base64::Engine as _;

use super::{Answer, BASE64, Link};

pub(super) fn read(link: &Link<'_>) -> Answer {
    if !link.host_below("protection.sophos.com") {
        return Answer::NotMine;
    }
    let decoded = link.parameter("u").and_then(|coded| {
        let coded = coded.trim_end_matches('=').replace(['+', ' '], "-").replace('/', "_");
        String::from_utf8(BASE64.decode(coded).ok()?).ok()
    });
    decoded.map_or(Answer::Broken, Answer::For)
}

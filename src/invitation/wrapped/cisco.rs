//! Cisco Secure Email: the link, percent-coded, after a token; older links are a token alone.

use super::{Answer, Link, link::after_scheme, percent, two_slashes};

pub(super) fn read(link: &Link<'_>) -> Answer {
    if !link.host_is("secure-web.cisco.com") {
        return Answer::NotMine;
    }
    let Some((_, wrapped)) = link.after_host.strip_prefix('/').and_then(|rest| rest.split_once('/')) else {
        return Answer::Opaque;
    };
    // Some mail programs show the link decoded; then its own `?` belongs to it.
    let shown = two_slashes(wrapped);
    if after_scheme(&shown).is_some() {
        return Answer::For(shown);
    }
    let coded = wrapped.split(['/', '?', '#']).next().unwrap_or(wrapped);
    if coded.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http")) {
        Answer::For(percent::decode(coded))
    } else {
        Answer::Opaque
    }
}

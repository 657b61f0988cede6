//! Mimecast URL Protect, `protect-XX.mimecast.com` and `url.XX.m.mimecastprotect.com`: a token that only Mimecast's server
//! resolves, and at most the domain of the link as a hint.

use super::{Answer, Link};

pub(super) fn read(link: &Link<'_>) -> Answer {
    let older = || {
        let region = link.host_starts(".mimecast.com");
        region.is_some_and(|first| first.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("protect-")))
    };
    if !link.host_below("mimecastprotect.com") && !older() {
        return Answer::NotMine;
    }
    if ["/s/", "/r/"].iter().any(|path| link.path.starts_with(path)) { Answer::Opaque } else { Answer::NotMine }
}

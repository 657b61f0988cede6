//! Mimecast URL Protect: a token that only Mimecast's server resolves, and at most the domain as a hint.

use super::{Answer, Link};

pub(super) fn read(link: &Link<'_>) -> Answer {
    let host = link.host().to_ascii_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    let theirs = matches!(labels[..], [first, "mimecast", "com"] if first.starts_with("protect-"))
        || link.host_below("mimecastprotect.com");
    if theirs && link.path.starts_with("/s/") { Answer::Opaque } else { Answer::NotMine }
}

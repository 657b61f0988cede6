//! Cisco Secure Email: the link, percent-coded, as the last part of the path; older links are a token alone.

use super::{Answer, Link, percent};

pub(super) fn read(link: &Link<'_>) -> Answer {
    if !link.host_is("secure-web.cisco.com") {
        return Answer::NotMine;
    }
    match link.path.rsplit_once('/') {
        Some((_, last)) if last.to_ascii_lowercase().starts_with("http") => Answer::For(percent::decode(last)),
        _ => Answer::Opaque,
    }
}

//! FireEye, now Trellix: the link in `u`, coded or not.

use super::{Answer, Link};

pub(super) fn read(link: &Link<'_>) -> Answer {
    if !link.host_is("protect2.fireeye.com") || !matches!(link.path, "/url" | "/v1/url") {
        return Answer::NotMine;
    }
    link.parameter("u").map_or(Answer::Broken, Answer::For)
}

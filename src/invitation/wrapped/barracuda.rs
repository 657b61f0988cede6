//! Barracuda Link Protection: the link in `a`.

use super::{Answer, Link};

pub(super) fn read(link: &Link<'_>) -> Answer {
    if !link.host_is("linkprotect.cudasvc.com") {
        return Answer::NotMine;
    }
    link.parameter("a").map_or(Answer::Broken, Answer::For)
}

//! Symantec ClickTime: the link in `u`; the form with `/a/` is a token alone.

use super::{Answer, Link};

pub(super) fn read(link: &Link<'_>) -> Answer {
    if !link.host_is("clicktime.symantec.com") {
        return Answer::NotMine;
    }
    link.parameter("u").map_or(Answer::Opaque, Answer::For)
}

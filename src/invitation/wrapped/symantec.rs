//! Symantec ClickTime: the link in `u`. Links with `/a/1/` mostly have it too; without it they are a token alone.

use super::{Answer, Link};

pub(super) fn read(link: &Link<'_>) -> Answer {
    if !link.host_is("clicktime.symantec.com") {
        return Answer::NotMine;
    }
    link.parameter("u").map_or(Answer::Opaque, Answer::For)
}

//! Google's redirect, as Google Calendar writes it into descriptions: the link in `q`, sometimes `url`.

use super::{Answer, Link};

pub(super) fn read(link: &Link<'_>) -> Answer {
    if !(link.host_is("www.google.com") || link.host_is("google.com")) || link.path != "/url" {
        return Answer::NotMine;
    }
    link.parameter("q").or_else(|| link.parameter("url")).map_or(Answer::Broken, Answer::For)
}

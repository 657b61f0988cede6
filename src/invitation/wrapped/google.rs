//! Google's redirect, as Google Calendar writes it into descriptions: the link in `q`, sometimes `url`.

use super::{Answer, Link, link::after_scheme};

pub(super) fn read(link: &Link<'_>) -> Answer {
    if !(link.host_is("www.google.com") || link.host_is("google.com")) || link.path != "/url" {
        return Answer::NotMine;
    }
    // From a search, `q` is what was searched for.
    let (q, url) = (link.parameter("q"), link.parameter("url"));
    let found = q.clone().filter(|q| after_scheme(q).is_some()).or(url).or(q);
    found.map_or(Answer::Broken, Answer::For)
}

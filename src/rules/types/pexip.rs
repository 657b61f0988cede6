//! Pexip's own meeting rooms.
//!
//! | type | in the invitation | variables |
//! |---|---|---|
//! | `PexipInfinity` | `pexip://ID@DOMAIN` | `meeting_id`, `domain` |
//! | `PexipService` | `https://pexip.me/meet/ID` | `meeting_id`, `domain` = pexip.me |
//!
//! A passcode after the first (`?pin=`) is left out, and without domain it is no address. The second is that host and no other;
//! its `/teams/` is the other type's. Both are kept as written, letters' case included. Sources: the default joining instructions
//! of VMR Scheduling for Exchange; deployment guide, "Pexip Service".

use super::{Finding, ID_AT_DOMAIN, Provider, TEXT_PLACES, first, variables};
use crate::invitation::wrapped::Link;
use crate::model::RuleSpec;
use crate::rules::scan;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;

/// `PexipInfinity`.
pub(in crate::rules) const INFINITY: Provider = Provider {
    find: infinity,
    transform: |_| ID_AT_DOMAIN,
    variables: &["meeting_id", "domain"],
    anchors: &[SCHEME],
    places: TEXT_PLACES,
};

/// `PexipService`.
pub(in crate::rules) const SERVICE: Provider = Provider {
    find: service,
    transform: |_| "{{meeting_id}}@pexip.me",
    variables: &["meeting_id", "domain"],
    anchors: &[SERVICE_HOST],
    places: TEXT_PLACES,
};

const SCHEME: &str = "pexip://";

const SERVICE_HOST: &str = "pexip.me";

fn infinity(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    first(texts, |text| {
        let links = scan::addresses(text).filter(|address| begins_with_scheme(&text[..address.at]));
        let mut whole = links.filter(|address| scan::is_domain(address.host));
        match whole.next() {
            Some(address) => Ok(variables([("meeting_id", address.user), ("domain", address.host)])),
            // The anchor stands in one of the texts, perhaps not in this one.
            None if has_scheme(text) => {
                Err(Why::Incomplete { found: "a pexip:// link", missing: "a whole address in it" })
            }
            None => Err(Why::NothingFound),
        }
    })
}

/// Whether `before` ends in the scheme, and the scheme in no longer word.
fn begins_with_scheme(before: &str) -> bool {
    let Some(begin) = before.len().checked_sub(SCHEME.len()) else { return false };
    before.get(begin..).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
        && !before[..begin].ends_with(|c: char| c.is_alphanumeric() || "+-.".contains(c))
}

fn has_scheme(text: &str) -> bool {
    text.match_indices("://").any(|(at, mark)| begins_with_scheme(&text[..at + mark.len()]))
}

fn service(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    first(texts, |text| {
        scan::links(text)
            .find_map(|(_, link)| room(&link).map(|id| variables([("meeting_id", id), ("domain", SERVICE_HOST)])))
            .ok_or(Why::NothingFound)
    })
}

/// The room in a link.
fn room<'t>(link: &Link<'t>) -> Option<&'t str> {
    if !link.host_is(SERVICE_HOST) {
        return None;
    }
    let path = link.path.split('#').next().unwrap_or(link.path);
    // Punctuation of scripts without spaces ends the link; letters of any script are part of it, and make it no address.
    let path = path.split(|c: char| !c.is_ascii() && !c.is_alphanumeric()).next().unwrap_or(path);
    let id = path.get(..6).filter(|start| start.eq_ignore_ascii_case("/meet/")).map(|_| &path[6..])?;
    let id = id.strip_suffix('/').unwrap_or(id);
    let plain = id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+~".contains(&byte));
    plain.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_of_the_service_are_at_one_host_and_path() {
        for (link, expected) in [
            ("https://pexip.me/meet/dana.field", Some("dana.field")),
            ("http://PEXIP.ME:443/Meet/4077-1234/?role=guest&pin=1#x", Some("4077-1234")),
            ("https://pexip.me./meet/1", Some("1")),
            ("https://pexip.me/meet/40771234。", Some("40771234")),
            ("https://pexip.me/meet/søren", None),
            ("https://pexip.me/meet/4077１２", None),
            ("https://pexip.me/meet/", None),
            ("https://pexip.me/meet/a/b", None),
            ("https://pexip.me/meet/a%0d%0ab", None),
            ("https://pexip.me/meet/-1", None),
            ("https://pexip.me/teams/vc.example.com/1", None),
            ("https://www.pexip.me/meet/1", None),
            ("https://pexip.me.evil.example/meet/1", None),
            ("https://evil.example/pexip.me/meet/1", None),
            ("https://p\u{435}xip.me/meet/1", None),
        ] {
            assert_eq!(room(&Link::parse(link).unwrap()), expected, "{link}");
        }
        assert!(Link::parse("https://user:pass@pexip.me/meet/1").is_none());
    }

    #[test]
    fn the_scheme_is_a_word_of_its_own() {
        for (text, expected) in [
            ("Join pexip://", true),
            ("<PEXIP://", true),
            ("xpexip://", false),
            ("a.pexip://", false),
            ("://", false),
            ("é://", false),
        ] {
            assert_eq!(has_scheme(text), expected, "{text}");
        }
    }
}

//! `Webex`: the meeting's video address, in this order, wherever in the event it stands:
//!
//! | | in the invitation | variables |
//! |---|---|---|
//! | 1 | `X@SITE.webex.com` | `meeting_id` = X, `domain` = SITE.webex.com |
//! | 2 | a personal room, `https://SITE.webex.com/meet/USER` | `meeting_id` = USER |
//! | 3 | a link to one meeting, and its meeting number in groups | `meeting_id` = the number |
//!
//! Links to one meeting are `…/j.php?MTID=…` and its like, `/wbxmjs/joinservice/…`, `/webappng/sites/…/meeting/…` and `/join/USER`;
//! without a number they say nothing unless one asks Webex. `lync.webex.com` is for Skype, `m.webex.com` the tenant key of Teams
//! interop, `messenger.webex.com` writes mails; none is a meeting. The number is the first behind the link, else before it; it may
//! stand in the body while the link is the location.
//!
//! Sources: invitations of 2019 to 2025 in several languages.

use super::{Finding, ID_AT_DOMAIN, Provider, TEXT_PLACES, Variables, variables};
use crate::invitation::wrapped::Link;
use crate::model::RuleSpec;
use crate::rules::scan;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;

/// `Webex`.
pub(in crate::rules) const MEETING: Provider = Provider {
    find,
    transform: |_| ID_AT_DOMAIN,
    variables: &["meeting_id", "domain"],
    anchors: &["webex.com"],
    places: TEXT_PLACES,
};

/// Hosts below webex.com that are no meeting sites.
const NO_SITES: [&str; 18] = [
    "lync",
    "m",
    "www",
    "help",
    "developer",
    "community",
    "admin",
    "web",
    "go",
    "status",
    "messenger",
    "settings",
    "signup",
    "idbroker",
    "binaries",
    "blog",
    "apphub",
    "support",
];

fn find(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    for read in [address, personal_room] {
        let found = texts.of_providers().find_map(|(place, text)| Some(Finding { place, variables: read(text)? }));
        if let Some(finding) = found {
            return Ok(finding);
        }
    }
    let mut linked = texts.of_providers().filter_map(|(place, text)| Some((place, text, meeting_link(text)?)));
    let Some((place, text, (at, host))) = linked.next() else { return Err(Why::NothingFound) };
    let (before, behind) = (&text[..at], block(text, at));
    let elsewhere = texts.of_providers().filter(|(other, _)| *other != place).map(|(_, text)| text);
    let number = [behind, before].into_iter().chain(elsewhere).find_map(meeting_number);
    match number {
        Some(number) => Ok(Finding { place, variables: variables([("meeting_id", &number), ("domain", host)]) }),
        None => Err(Why::Incomplete { found: "a link to a Webex meeting", missing: "its video address or number" }),
    }
}

fn is_site(host: &str) -> bool {
    let first_label = host.split('.').next().unwrap_or(host);
    scan::is_within(host, "webex.com")
        && !host.eq_ignore_ascii_case("webex.com")
        && !NO_SITES.iter().any(|each| first_label.eq_ignore_ascii_case(each))
}

fn address(text: &str) -> Option<Variables> {
    let found = scan::addresses(text).find(|address| is_site(address.host))?;
    Some(variables([("meeting_id", found.user), ("domain", found.host)]))
}

fn personal_room(text: &str) -> Option<Variables> {
    scan::links(text).find_map(|(_, link)| {
        let path = link.path.split('#').next().unwrap_or(link.path).trim_end_matches('/');
        let user = path.strip_prefix("/meet/").filter(|_| is_site(link.host()))?;
        let plain = !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        plain.then(|| variables([("meeting_id", user), ("domain", link.host())]))
    })
}

/// The first link to one meeting: where it begins, and its site.
fn meeting_link(text: &str) -> Option<(usize, &str)> {
    scan::links(text).find(|(_, link)| is_site(link.host()) && is_meeting(link)).map(|(at, link)| (at, link.host()))
}

/// The text from the link at `at` on, up to the next link that names another meeting: numbers behind that are not this one's.
fn block(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    let mut meetings = scan::links(rest)
        .filter(|(_, link)| is_site(link.host()) && is_meeting(link))
        .filter_map(|(at, link)| Some((at, link.raw_parameter("MTID")?)));
    let Some((_, first)) = meetings.next() else { return rest };
    let other = meetings.find(|(_, other)| *other != first);
    other.map_or(rest, |(at, _)| &rest[..at])
}

fn is_meeting(link: &Link<'_>) -> bool {
    let path = link.path.split('#').next().unwrap_or(link.path);
    let script = path.rsplit('/').next().is_some_and(|name| matches!(name, "j.php" | "e.php" | "m.php" | "g.php"));
    (script && link.raw_parameter("MTID").is_some())
        || path.starts_with("/wbxmjs/joinservice/")
        || (path.starts_with("/webappng/sites/") && path.contains("/meeting/"))
        || path.strip_prefix("/join/").is_some_and(|user| !user.is_empty())
}

/// The first number grouped as Webex groups meeting numbers (`2541 422 4390`, `163 092 861`, `163 092 8616`), or whole at the end of
/// its line.
fn meeting_number(text: &str) -> Option<String> {
    scan::numbers(text).find_map(|number| {
        let spaced = !number.has_hyphen();
        let at_end = text[number.end..].chars().next().is_none_or(|c| c == '\n' || c == '\t');
        let fits = match number.groups() {
            [4, 3, 4] | [3, 3, 4] | [3, 3, 3] => spaced,
            [9..=11] => at_end,
            _ => false,
        };
        fits.then(|| number.digits().collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meeting_numbers_are_told_from_telephone_numbers_by_their_groups() {
        for (text, expected) in [
            ("Meeting number (access code): 2541 422 4390", Some("25414224390")),
            ("Number:\n163 092 8616\n", Some("1630928616")),
            ("番号：163 092 861（x）", Some("163092861")),
            ("25414224390", Some("25414224390")),
            ("25414224390 or so", None),
            ("+1 415 655 0001, +1-415-655-0001, 1-650-479-3208", None),
            ("163-092-8616", None),
            ("12345678 123456789012", None),
        ] {
            assert_eq!(meeting_number(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn links_to_one_meeting_are_known_by_their_paths() {
        for (link, expected) in [
            ("https://acme.webex.com/acme/j.php?MTID=m0", true),
            ("https://acme.webex.com/acme/j.php", false),
            ("https://acme.webex.com/wbxmjs/joinservice/sites/acme/meeting/download/0a?siteurl=acme", true),
            ("https://acme.webex.com/webappng/sites/acme/meeting/info/0a", true),
            ("https://acme.webex.com/webappng/sites/acme/dashboard", false),
            ("https://acme.webex.com/join/dana", true),
            ("https://help.webex.com/join/dana", false),
            ("https://acme.webex.com.evil.example/join/dana", false),
            ("https://acme.webex.com@evil.example/join/dana", false),
        ] {
            assert_eq!(meeting_link(link).is_some(), expected, "{link}");
        }
    }
}

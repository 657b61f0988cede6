//! `Webex`: the meeting's video address, in this order:
//!
//! | | in the invitation | variables |
//! |---|---|---|
//! | 1 | `X@SITE.webex.com` | `meeting_id` = X, `domain` = SITE.webex.com |
//! | 2 | a personal room, `https://SITE.webex.com/meet/USER` | `meeting_id` = USER |
//! | 3 | `https://SITE.webex.com/…/j.php?MTID=…` and a meeting number in groups | `meeting_id` = the number |
//!
//! `lync.webex.com` is for Skype, `m.webex.com` the tenant key of Teams interop; neither is a meeting. A link's MTID alone says
//! nothing without asking Webex. Sources: invitations of 2019 to 2025 in several languages.

use std::collections::BTreeMap;

use super::{Finding, ID_AT_DOMAIN, Provider, TEXT_PLACES, first, variables};
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
const NO_SITES: [&str; 10] = ["lync", "m", "www", "help", "developer", "community", "admin", "web", "go", "status"];

fn find(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    first(texts, |text| {
        address(text).or_else(|| personal_room(text)).or_else(|| number_at_site(text)).ok_or(Why::NothingFound)
    })
}

fn is_site(host: &str) -> bool {
    let first_label = host.split('.').next().unwrap_or(host);
    scan::is_within(host, "webex.com")
        && !host.eq_ignore_ascii_case("webex.com")
        && !NO_SITES.iter().any(|each| first_label.eq_ignore_ascii_case(each))
}

fn address(text: &str) -> Option<BTreeMap<String, String>> {
    let found = scan::addresses(text).find(|address| is_site(address.host))?;
    Some(variables([("meeting_id", found.user), ("domain", found.host)]))
}

fn personal_room(text: &str) -> Option<BTreeMap<String, String>> {
    scan::links(text).find_map(|(_, link)| {
        let path = link.path.split('#').next().unwrap_or(link.path).trim_end_matches('/');
        let user = path.strip_prefix("/meet/").filter(|_| is_site(link.host()))?;
        let plain = !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        plain.then(|| variables([("meeting_id", user), ("domain", link.host())]))
    })
}

/// The first number after the site's link that is grouped as Webex groups meeting numbers, or stands whole.
fn number_at_site(text: &str) -> Option<BTreeMap<String, String>> {
    let (at, link) = scan::links(text).find(|(_, link)| {
        is_site(link.host()) && link.path.ends_with("/j.php") && link.raw_parameter("MTID").is_some()
    })?;
    let after = &text[at..];
    let number = after.lines().chain(text[..at].lines()).find_map(meeting_number)?;
    Some(variables([("meeting_id", &number), ("domain", link.host())]))
}

/// 9 to 11 digits at the end of a line: `2541 422 4390`, `163 092 861`, `163 092 8616`, or without groups.
fn meeting_number(line: &str) -> Option<String> {
    let number = scan::number_at_end(line)?;
    scan::digits(&number, 9, 11)?;
    let written = line.trim_end();
    let groups: Vec<usize> = written
        .rsplit([':', '：', '\t'])
        .next()
        .unwrap_or(written)
        .split(' ')
        .rev()
        .take_while(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::len)
        .collect();
    matches!(groups[..], [4, 3, 3 | 4] | [3, 3, 3] | [9..=11]).then_some(number)
}

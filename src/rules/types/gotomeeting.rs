//! `GoToMeeting`: only meetings whose host has room systems switched on print an address, and only those can be dialled.
//!
//! | | in the invitation | variables |
//! |---|---|---|
//! | 1 | `ID@GATEWAY`, as in "Cisco devices:" | `meeting_id` = ID, `domain` = GATEWAY |
//! | 2 | `GATEWAY##ID` | the same |
//! | 3 | GATEWAY by itself, and the id in a link or in groups of three beside it | the same |
//!
//! GATEWAY is 67.217.95.2 or inroomlink.goto.com; another one counts where a GoTo link has the same id. A link alone says nothing
//! about room systems and gives nothing. Sources: invitations of 2017 to 2024.

use super::{Finding, ID_AT_DOMAIN, Provider, TEXT_PLACES, Variables, first, variables};
use crate::model::RuleSpec;
use crate::rules::scan;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;

/// `GoToMeeting`.
pub(in crate::rules) const MEETING: Provider = Provider {
    find,
    transform: |_| ID_AT_DOMAIN,
    variables: &["meeting_id", "domain"],
    anchors: &["67.217.95.2", "goto.com", "gotomeeting.com", "gotomeet.me"],
    places: TEXT_PLACES,
};

/// Gateways for room systems.
const GATEWAYS: [&str; 2] = ["67.217.95.2", "inroomlink.goto.com"];

/// Where meetings are linked.
const HOSTS: [&str; 4] = ["meet.goto.com", "app.goto.com", "gotomeeting.com", "gotomeet.me"];

/// How far from a gateway the id stands at most, in bytes.
const REACH: usize = 200;

fn find(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    first(texts, |text| {
        let link = linked(text);
        let fits = |id: &str, host: &str| {
            let gateway = GATEWAYS.iter().any(|gateway| host.eq_ignore_ascii_case(gateway));
            scan::digits(id, 9, 10).is_some() && (gateway || link == Some(Some(id)))
        };
        let address = scan::addresses(text).find(|address| fits(address.user, address.host));
        if let Some(address) = address {
            return Ok(named(address.user, address.host));
        }
        let gateway = |host: &str| GATEWAYS.iter().any(|gateway| host.eq_ignore_ascii_case(gateway));
        if let Some((host, id)) = scan::behind_hashes(text, gateway).filter(|(host, id)| fits(id, host)) {
            return Ok(named(id, host));
        }
        if let Some(variables) = beside_gateway(text, link.flatten()) {
            return Ok(variables);
        }
        Err(match link {
            Some(_) => Why::Incomplete { found: "a GoToMeeting link", missing: "its address for room systems" },
            None => Why::NothingFound,
        })
    })
}

fn named(id: &str, host: &str) -> Variables {
    variables([("meeting_id", id), ("domain", host)])
}

/// The first link to a meeting, with its id where it has one.
fn linked(text: &str) -> Option<Option<&str>> {
    let mut any = None;
    for (_, link) in scan::links(text) {
        if !HOSTS.iter().any(|host| link.host_is(host) || link.host_below(host)) {
            continue;
        }
        let path = link.path.split('#').next().unwrap_or(link.path).trim_end_matches('/');
        if let Some(id) = path.rsplit('/').next().and_then(|id| scan::digits(id, 9, 10)) {
            return Some(Some(id));
        }
        any = Some(None);
    }
    any
}

/// A gateway by itself: the id is the link's, else the number in three groups before it, else behind it.
fn beside_gateway(text: &str, linked: Option<&str>) -> Option<Variables> {
    let (at, gateway) = GATEWAYS.into_iter().find_map(|gateway| Some((scan::words(text, gateway).next()?, gateway)))?;
    if let Some(id) = linked {
        return Some(named(id, gateway));
    }
    let before = &text[text.ceil_char_boundary(at.saturating_sub(REACH))..at];
    let behind = at + gateway.len();
    let behind = &text[behind..text.floor_char_boundary(behind.saturating_add(REACH))];
    let is_id = |number: &scan::Number<'_>| matches!(number.groups(), [3, 3, 3] | [9]);
    let id = scan::numbers(before).filter(is_id).last().or_else(|| scan::numbers(behind).find(is_id))?;
    Some(named(&id.digits().collect::<String>(), gateway))
}

//! `BlueJeans`. Its service has closed; its invitations live on.
//!
//! | | in the invitation | `meeting_id` |
//! |---|---|---|
//! | 1 | `https://[x.]bluejeans.com/ID[/PASSCODE][/webrtc]` | ID |
//! | 2 | `ID[.PASSCODE]@bjn.vc`, `bjn.vc##ID` | ID |
//! | 3 | a personal link or the bare words `bjn.vc`, and the number after it | the number |
//!
//! `domain` is bjn.vc. `teams.bjn.vc` is the gateway for Teams and none of this. Sources: invitations of 2016 to 2023.

use super::{Finding, Provider, TEXT_PLACES, first, variables};
use crate::model::RuleSpec;
use crate::rules::scan;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;

/// `BlueJeans`.
pub(in crate::rules) const MEETING: Provider = Provider {
    find,
    transform: |_| "{{meeting_id}}@bjn.vc",
    variables: &["meeting_id", "domain"],
    anchors: &[SITE, GATEWAY, GATEWAY_ADDRESS],
    places: TEXT_PLACES,
};

const SITE: &str = "bluejeans.com";
const GATEWAY: &str = "bjn.vc";

/// The gateway's address for H.323.
const GATEWAY_ADDRESS: &str = "199.48.152.152";

/// Hosts below bluejeans.com without meetings.
const NO_SITES: [&str; 6] = ["support", "www", "help", "community", "status", "developer"];

/// How far behind a personal link or `bjn.vc` the id stands at most, in bytes. Measured: 60.
const REACH: usize = 300;

fn find(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    first(texts, |text| {
        let (mut personal, mut linked) = (None, None);
        for (at, link) in scan::links(text).filter(|(_, link)| link.host_is(SITE) || link.host_below(SITE)) {
            let path = link.path.split('#').next().unwrap_or(link.path);
            let mut segments = path.split('/').filter(|segment| !segment.is_empty());
            let (name, more) = (segments.next().unwrap_or_default(), segments.next().is_some());
            if let Some(id) = scan::digits(name, 5, 18) {
                linked = Some(id);
                break;
            }
            let first_label = link.host().split('.').next().unwrap_or_default();
            if !name.is_empty() && !more && !NO_SITES.iter().any(|each| first_label.eq_ignore_ascii_case(each)) {
                personal = personal.or(Some(at + link.whole.len()));
            }
        }
        let id = linked.map(str::to_owned).or_else(|| address(text)).or_else(|| {
            let gateway = scan::words(text, GATEWAY).next().map(|at| at + GATEWAY.len());
            [personal, gateway].into_iter().flatten().find_map(|end| number_behind(text, end))
        });
        match id {
            Some(id) => Ok(variables([("meeting_id", &id), ("domain", GATEWAY)])),
            None if personal.is_some() => {
                Err(Why::Incomplete { found: "a personal BlueJeans link", missing: "the meeting's id" })
            }
            None => Err(Why::NothingFound),
        }
    })
}

/// The id of an address at the gateway.
fn address(text: &str) -> Option<String> {
    let sip = scan::addresses(text).filter(|address| address.host.eq_ignore_ascii_case(GATEWAY)).find_map(|address| {
        let id = address.user.split('.').next().unwrap_or(address.user);
        scan::digits(id, 5, 18)
    });
    let gateway = |host: &str| host.eq_ignore_ascii_case(GATEWAY) || host == GATEWAY_ADDRESS;
    sip.or_else(|| scan::behind_hashes(text, gateway).map(|(_, id)| id)).map(str::to_owned)
}

fn number_behind(text: &str, end: usize) -> Option<String> {
    let rest = &text[end..text.floor_char_boundary(end.saturating_add(REACH))];
    scan::numbers(rest).find(|number| (8..=12).contains(&number.length())).map(|number| number.digits().collect())
}

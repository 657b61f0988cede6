//! `Zoom`: a meeting id of 9 to 11 digits, and with `includePassword` the numeric passcode.
//!
//! | where the id is | |
//! |---|---|
//! | `https://[x.]zoom.us/j/ID`, `/w/ID`, `/wc/join/ID`, `/wc/ID` | also zoom.com, zoom.com.cn, zoom-x.de, zoomgov.com |
//! | `ID[.PIN]@zoomcrc.com`, `@fr.zmeu.us` and its like, `@sip.zoomgov.com` | the line for room systems |
//!
//! `meeting_id` is the first id in the text, `domain` the one printed with it (zoomcrc.com where none is), `pin` the numeric
//! passcode of the same id, in this order: `ID.PIN@…`; one-tap mobile `,,ID#,,,,*PIN#`; the line that follows the id's own line,
//! the last such one, since the passcode for room systems stands below the one for the web. The `pwd=` of a link is a token, not
//! a passcode. For ZoomGov the default address is at sip.zoomgov.com, which zoomcrc.com does not reach.
//!
//! Sources: deployment guide, "Zoom"; invitations of 2019 to 2025 in several languages.

use std::collections::BTreeMap;

use super::{Finding, Provider, TEXT_PLACES, first};
use crate::model::RuleSpec;
use crate::rules::scan;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;

/// `Zoom`.
pub(in crate::rules) const MEETING: Provider = Provider {
    find,
    transform,
    variables: &["meeting_id", "domain", "pin"],
    anchors: &["zoom.us", "zoom.com", "zoom-x.de", "zoomgov.com", "zoomcrc.com", ".zm"],
    places: TEXT_PLACES,
};

/// Where meetings are linked.
const HOSTS: [&str; 5] = ["zoom.us", "zoom.com", "zoom.com.cn", "zoom-x.de", "zoomgov.com"];

/// The room connector's domain.
const CRC: &str = "zoomcrc.com";

/// The same for the government cloud.
const GOV: &str = "sip.zoomgov.com";

/// Longest passcode, in digits.
const PIN_MAX: usize = 10;

fn transform(rule: &RuleSpec) -> &'static str {
    if rule.include_password {
        "{{meeting_id}}{% if pin %}.{{pin}}{% endif %}@{% if domain == 'sip.zoomgov.com' %}{{domain}}{% else %}zoomcrc.com{% endif %}"
    } else {
        "{{meeting_id}}@{% if domain == 'sip.zoomgov.com' %}{{domain}}{% else %}zoomcrc.com{% endif %}"
    }
}

fn find(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    first(texts, |text| {
        let link = scan::links(text)
            .find_map(|(at, link)| Some((at, id_of(link.path, &link)?, link.host_below("zoomgov.com"))));
        let line = scan::addresses(text).find_map(|address| Some((address.at, room_line(&address)?.0)));
        let (id, government) = match (link, line) {
            (Some((at, id, government)), Some((line_at, line_id))) => {
                if at <= line_at || id == line_id {
                    (id, government)
                } else {
                    (line_id, false)
                }
            }
            (Some((_, id, government)), None) => (id, government),
            (None, Some((_, id))) => (id, false),
            (None, None) => return Err(Why::NothingFound),
        };
        let printed = scan::addresses(text)
            .filter_map(|address| Some((room_line(&address)?, address.host)))
            .find(|((line_id, _), _)| *line_id == id);
        let domain = match printed {
            Some((_, host)) => host.to_ascii_lowercase(),
            None if government => GOV.to_owned(),
            None => CRC.to_owned(),
        };
        let mut found = BTreeMap::from([("meeting_id".to_owned(), id.to_owned()), ("domain".to_owned(), domain)]);
        if let Some(pin) = pin(text, id) {
            found.insert("pin".to_owned(), pin);
        }
        Ok(found)
    })
}

/// The id in the path of a meeting's link.
fn id_of<'t>(path: &'t str, link: &crate::invitation::wrapped::Link<'_>) -> Option<&'t str> {
    if !HOSTS.iter().any(|host| link.host_is(host) || link.host_below(host)) {
        return None;
    }
    let path = path.split('#').next().unwrap_or(path);
    let rest = ["/j/", "/w/", "/wc/join/", "/wc/"].into_iter().find_map(|prefix| path.strip_prefix(prefix))?;
    scan::digits(rest.split('/').next()?, 9, 11)
}

/// Id and passcode of an address for room systems.
fn room_line<'t>(address: &scan::Address<'t>) -> Option<(&'t str, Option<&'t str>)> {
    let host = address.host.to_ascii_lowercase();
    // The European clusters: fr.zmeu.us and siblings.
    let cluster =
        matches!(host.split('.').collect::<Vec<_>>()[..], [_, name, "us"] if name.len() == 4 && name.starts_with("zm"));
    if !(cluster || scan::is_within(&host, CRC) || scan::is_within(&host, "zoomgov.com")) {
        return None;
    }
    let mut parts = address.user.split('.');
    let id = scan::digits(parts.next()?, 9, 11)?;
    Some((id, parts.next().and_then(|pin| scan::digits(pin, 1, PIN_MAX))))
}

fn pin(text: &str, id: &str) -> Option<String> {
    let in_address = scan::addresses(text)
        .filter_map(|address| room_line(&address))
        .find_map(|(line_id, pin)| pin.filter(|_| line_id == id).map(str::to_owned));
    in_address.or_else(|| one_tap_pin(text, id)).or_else(|| pin_below_id(text, id))
}

/// The passcode of `,,ID#,,,,*PIN#`. Older invitations have `,,ID#,,,,,,0#,,PIN#`, the `0#` answering for the participant id.
fn one_tap_pin(text: &str, id: &str) -> Option<String> {
    text.match_indices(id).find_map(|(at, _)| {
        if !text[..at].ends_with(',') {
            return None;
        }
        let rest = text[at + id.len()..].strip_prefix('#')?;
        let rest = rest.trim_start_matches([',', '*']);
        let rest = rest.strip_prefix("0#").map_or(rest, |rest| rest.trim_start_matches([',', '*']));
        let (pin, _) = rest.split_once('#')?;
        scan::digits(pin, 1, PIN_MAX).map(str::to_owned)
    })
}

/// The number on the line after the id's line; the last of several. Label and value may stand on a line each.
fn pin_below_id(text: &str, id: &str) -> Option<String> {
    let mut lines = text.lines().map(unquoted).filter(|line| !line.is_empty()).peekable();
    let mut found = None;
    while let Some(line) = lines.next() {
        if scan::number_at_end(line).as_deref() != Some(id) {
            continue;
        }
        let Some(next) = lines.peek().copied() else { break };
        let value = if next.ends_with([':', '：']) {
            lines.next();
            lines.peek().copied().unwrap_or_default()
        } else {
            match next.split_once([':', '：']) {
                Some((label, value)) if !label.contains("//") => value.trim(),
                _ => continue,
            }
        };
        if let Some(pin) = scan::digits(value, 1, PIN_MAX) {
            found = Some(pin.to_owned());
        }
    }
    found
}

/// A line without the marks of a reply.
fn unquoted(line: &str) -> &str {
    line.trim_start_matches(['>', ' ', '|']).trim()
}

//! Google Meet.
//!
//! | type | in the invitation | variables |
//! |---|---|---|
//! | `GoogleMeet` | `sip:ID@GATEWAY`, where ID has 13 digits | `meeting_id` = ID, `domain` = GATEWAY |
//! | `GoogleMeetSipGuestJoin` | `https://meet.google.com/abc-defg-hij` | `meeting_id` = abcdefghij, `domain` = the rule's, `company_id` |
//!
//! Both look first at what the calendar keeps of the conference (Google's `conferenceData` and `hangoutLink`, X-GOOGLE-CONFERENCE),
//! which is always this meeting's, then at body and location.
//!
//! The 13 digits are what Google calls the long or universal PIN; only meetings with a gateway have a SIP address. Without the
//! scheme an address of 13 digits counts where the event has a Meet link, too: a telephone number may have as many.
//!
//! Design notes. Guests dial the code without hyphens, as other clients of the same service do; a transform can put them back. How
//! a company's id enters the address is not public: the type's own transform leaves it out, and `company_id` is there for rules
//! whose service says how. The pages `/lookup/NAME`, `/new`, `/landing`, `/tel/…` and the stream's host carry no code.
//!
//! Sources: Google Calendar API, `conferenceData.entryPoints`; Meet API, gateway access by SIP; invitations in several languages.

use super::{Finding, ID_AT_DOMAIN, Provider, TEXT_PLACES, Variables, variables};
use crate::model::RuleSpec;
use crate::rules::scan;
use crate::rules::texts::{Place, Texts};
use crate::rules::trace::Why;

/// `GoogleMeet`.
pub(in crate::rules) const MEET: Provider = Provider {
    find: meet,
    transform: |_| ID_AT_DOMAIN,
    variables: &["meeting_id", "domain"],
    anchors: &["sip:", "sips:", HOST],
    places: TEXT_PLACES,
};

/// `GoogleMeetSipGuestJoin`.
pub(in crate::rules) const SIP_GUEST: Provider = Provider {
    find: sip_guest,
    transform: |_| ID_AT_DOMAIN,
    variables: &["meeting_id", "domain", "company_id"],
    anchors: &[HOST],
    places: TEXT_PLACES,
};

/// Where meetings are linked.
const HOST: &str = "meet.google.com";

/// Digits of the long id.
const LONG_ID: usize = 13;

/// The domain of the Pexip Service, for rules that name none.
const PEXIP_SERVICE: &str = "google.pexip.me";

fn meet(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    let linked = in_order(texts).any(|(_, text)| code(text).is_some());
    if let Some(finding) = earliest(texts, |text| gateway(text, linked)) {
        return Ok(finding);
    }
    Err(if linked {
        Why::Incomplete { found: "a Google Meet link", missing: "the meeting's SIP address" }
    } else {
        Why::NothingFound
    })
}

fn gateway(text: &str, linked: bool) -> Option<Variables> {
    let found = scan::addresses(text).find(|address| {
        scan::digits(address.user, LONG_ID, LONG_ID).is_some()
            && scan::is_domain(address.host)
            && (linked || has_scheme(&text[..address.at]))
    })?;
    Some(variables([("meeting_id", found.user), ("domain", found.host)]))
}

/// Whether `sip:` or `sips:` ends `before`.
fn has_scheme(before: &str) -> bool {
    ["sip:", "sips:"].into_iter().any(|scheme| {
        let Some(begin) = before.len().checked_sub(scheme.len()) else { return false };
        before.get(begin..).is_some_and(|written| written.eq_ignore_ascii_case(scheme))
            && !before[..begin].ends_with(|c: char| c.is_alphanumeric() || "+-._".contains(c))
    })
}

fn sip_guest(rule: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    let domain = rule.domain.as_deref().map(str::trim).filter(|domain| !domain.is_empty()).unwrap_or(PEXIP_SERVICE);
    let finding = earliest(texts, |text| {
        let mut found = variables([("meeting_id", &code(text)?), ("domain", domain)]);
        if let Some(company) = rule.company_id.as_deref() {
            found.insert("company_id", company.trim().to_owned());
        }
        Some(found)
    });
    finding.ok_or_else(|| {
        let page = in_order(texts).any(|(_, text)| scan::links(text).any(|(_, link)| link.host_is(HOST)));
        if page {
            Why::Incomplete { found: "a Google Meet page", missing: "the meeting's code" }
        } else {
            Why::NothingFound
        }
    })
}

/// The first code in `text`, in lower case and without hyphens: `meet.google.com/abc-defg-hij`, with or without scheme.
fn code(text: &str) -> Option<String> {
    scan::words(text, HOST).find_map(|at| {
        let before = &text[..at];
        // Behind another host's path or query it is that host's link; behind a user it is a disguise.
        let own = before.ends_with("://") || !before.ends_with(['/', '=', '%', '&', '?', ':', '\\']);
        let rest = text[at + HOST.len()..].strip_prefix('/')?;
        let path = rest.get(..CODE.len())?;
        let bounded = !rest[CODE.len()..].starts_with(|c: char| c.is_alphanumeric() || "-_/@".contains(c));
        let fits = path.bytes().zip(CODE.bytes()).all(|(byte, form)| match form {
            b'-' => byte == b'-',
            _ => byte.is_ascii_alphabetic(),
        });
        (own && bounded && fits).then(|| path.replace('-', "").to_ascii_lowercase())
    })
}

/// The form of a meeting's code.
const CODE: &str = "xxx-xxxx-xxx";

/// What the calendar keeps of the conference first.
fn in_order<'t>(texts: &'t Texts<'_>) -> impl Iterator<Item = (Place, &'t str)> {
    let kept = |(place, _): &(Place, &str)| *place == Place::ConferenceData;
    texts.of_providers().filter(kept).chain(texts.of_providers().filter(move |each| !kept(each)))
}

fn earliest(texts: &Texts<'_>, find: impl Fn(&str) -> Option<Variables>) -> Option<Finding> {
    in_order(texts).find_map(|(place, text)| Some(Finding { place, variables: find(text)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_that_of_a_meeting_and_no_page() {
        for (text, expected) in [
            ("https://meet.google.com/abc-defg-hij?authuser=0", Some("abcdefghij")),
            ("Video call link: meet.google.com/abc-defg-hij.", Some("abcdefghij")),
            ("HTTPS://MEET.GOOGLE.COM/ABC-DEFG-HIJ", Some("abcdefghij")),
            ("https://meet.google.com/new https://meet.google.com/aaa-bbbb-ccc", Some("aaabbbbccc")),
            ("https://meet.google.com/lookup/abcdefghij", None),
            ("https://meet.google.com/tel/abc-defg-hij", None),
            ("https://meet.google.com/abc-defg-hijk", None),
            ("https://meet.google.com/abc-defg-hi1", None),
            ("https://meet.google.com/abc-defg-hij/x", None),
            ("https://meet.google.com.evil.example/abc-defg-hij", None),
            ("https://evilmeet.google.com/abc-defg-hij", None),
            ("https://stream.meet.google.com/abc-defg-hij", None),
            ("https://meet.google.com@evil.example/abc-defg-hij", None),
            ("https://evil.example/meet.google.com/abc-defg-hij", None),
            ("https://evil.example/?u=meet.google.com/abc-defg-hij", None),
            ("https://meet.google.com/äbc-defg-hij", None),
        ] {
            assert_eq!(code(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_gateway_address_has_thirteen_digits_and_a_scheme_or_a_link_beside_it() {
        for (text, linked, found) in [
            ("sip:1412688795765@gmeet.example.com", false, true),
            ("SIPS:1412688795765@gmeet.example.com", false, true),
            ("SIP 1412688795765@gmeet.example.com", true, true),
            ("SIP 1412688795765@gmeet.example.com", false, false),
            ("gossip:1412688795765@gmeet.example.com", false, false),
            ("sip:141268879576@gmeet.example.com", true, false),
            ("sip:14126887957651@gmeet.example.com", true, false),
            ("sip:+1412688795765@gmeet.example.com", true, false),
        ] {
            assert_eq!(gateway(text, linked).is_some(), found, "{text}");
        }
    }
}

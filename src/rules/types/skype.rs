//! Skype for Business.
//!
//! | type | in the invitation | variables |
//! |---|---|---|
//! | `SkypeForBusiness` | property `conf:sip:USER@…;gruu;opaque=app:conf:focus:id:FOCUS` | `focus_id` = FOCUS, `user` = USER, `domain` = that of the organizer's mail address |
//! | `SkypeForBusinessBodyPoly` | `TENANT@v.plcm.vc` and the conference id after it | `tenant_id`, `meeting_id`, `domain` = v.plcm.vc |
//!
//! Teams meetings carry the same property with a focus of `teams:2:…`, which nobody can dial: a focus is letters and digits. Where
//! an event has no organizer's address, the domain is that of the property. The join link (`https://meet.…/USER/FOCUS`) is not
//! read: on which domain its user is, it does not say reliably; a `Custom` rule can.
//!
//! In Poly's block the number before the tenant is the one for telephones. Its link, `https://dialin.plcm.vc/?key=TENANT&conf=ID`,
//! counts where the tenant stands in the text, too; `/teams/` in it is the other service.
//!
//! Sources: deployment guide; `X-MICROSOFT-ONLINEMEETINGCONFLINK` of real invitations; Poly's page on tenant keys.

use super::{Finding, PROPERTY_PLACES, Provider, TEXT_PLACES, Variables, first, variables};
use crate::model::RuleSpec;
use crate::rules::properties::ONLINE_MEETING_CONF_LINK;
use crate::rules::scan;
use crate::rules::texts::{Place, Texts};
use crate::rules::trace::Why;

/// `SkypeForBusiness`.
pub(in crate::rules) const MEETING: Provider = Provider {
    find: meeting,
    transform: |_| "__sfb__{{focus_id}}.{{user}}@{{domain}}",
    variables: &["focus_id", "user", "domain"],
    anchors: &[],
    places: PROPERTY_PLACES,
};

/// `SkypeForBusinessBodyPoly`.
pub(in crate::rules) const POLY: Provider = Provider {
    find: poly,
    transform: |_| "{{tenant_id}}.{{meeting_id}}@v.plcm.vc",
    variables: &["tenant_id", "meeting_id", "domain"],
    anchors: &[POLY_HOST],
    places: TEXT_PLACES,
};

/// Poly's gateway for Skype for Business.
const POLY_HOST: &str = "v.plcm.vc";

/// Where Poly's link leads.
const POLY_PAGE: &str = "dialin.plcm.vc";

/// How far behind its tenant a conference id stands at most, in bytes. Measured: 60; HTML and translations take more.
const POLY_REACH: usize = 400;

/// Most tenants of one text that are looked behind; no invitation has more than a few.
const POLY_TENANTS: usize = 100;

fn meeting(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    let link = ONLINE_MEETING_CONF_LINK.of(texts.event)?;
    let organizer = texts.event.organizer.email.expose().trim();
    let mail_domain = organizer.rsplit_once('@').map(|(_, domain)| domain).filter(|domain| !domain.is_empty());
    let variables = conference(&link, mail_domain)?;
    Ok(Finding { place: Place::Properties, variables })
}

fn conference(link: &str, mail_domain: Option<&str>) -> Result<Variables, Why> {
    let unusable = Why::Incomplete { found: "an online meeting", missing: "its Skype for Business conference" };
    let Some((_, focus)) = link.split_once("focus:id:") else { return Err(unusable) };
    if focus.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("teams:")) {
        return Err(Why::Incomplete {
            found: "the conference of a Microsoft Teams meeting",
            missing: "one of Skype for Business",
        });
    }
    // Parameters may follow, also percent-encoded ones.
    let end = focus.find(['?', ';', '%', '&', '>', '"', ' ']).unwrap_or(focus.len());
    let focus = &focus[..end];
    let address = scan::addresses(link).next().filter(|address| {
        let scheme = link[..address.at].rsplit_once("sip:").map(|(before, rest)| (before, rest.is_empty()));
        scheme.is_some_and(|(_, adjoining)| adjoining)
    });
    match address {
        Some(address) if !focus.is_empty() && focus.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            Ok(variables([
                ("focus_id", focus),
                ("user", address.user),
                ("domain", mail_domain.unwrap_or(address.host)),
            ]))
        }
        _ => Err(unusable),
    }
}

fn poly(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    first(texts, |text| {
        let mut tenant_alone = false;
        let tenants = scan::addresses(text).filter(|address| address.host.eq_ignore_ascii_case(POLY_HOST));
        for address in tenants.take(POLY_TENANTS) {
            tenant_alone = true;
            let (tenant, printed) = address.user.split_once('.').unwrap_or((address.user, ""));
            if scan::digits(tenant, 4, 20).is_none() {
                continue;
            }
            let id = scan::digits(printed, 4, 12).map(str::to_owned);
            if let Some(id) = id.or_else(|| id_behind(text, &address)).or_else(|| id_linked(text, &address, tenant)) {
                return Ok(variables([("tenant_id", tenant), ("meeting_id", &id), ("domain", POLY_HOST)]));
            }
        }
        Err(if tenant_alone {
            Why::Incomplete { found: "the tenant of Poly's gateway", missing: "the conference id after it" }
        } else {
            Why::NothingFound
        })
    })
}

/// The first number behind a tenant that is long enough for a conference; no further than the next tenant.
fn id_behind(text: &str, tenant: &scan::Address<'_>) -> Option<String> {
    let rest = reach(text, tenant.end);
    let other =
        scan::addresses(rest).find(|next| next.host.eq_ignore_ascii_case(POLY_HOST) && next.user != tenant.user);
    let rest = other.and_then(|other| rest.get(..other.at)).unwrap_or(rest);
    scan::numbers(rest).find(|number| (8..=12).contains(&number.length())).map(|number| number.digits().collect())
}

/// The id in Poly's link with the same tenant, behind it.
fn id_linked(text: &str, address: &scan::Address<'_>, tenant: &str) -> Option<String> {
    scan::links(reach(text, address.end)).find_map(|(_, link)| {
        let theirs = link.host_is(POLY_PAGE) && !link.path.to_ascii_lowercase().starts_with("/teams");
        let id = scan::digits(link.raw_parameter("conf")?, 4, 12)?;
        (theirs && link.raw_parameter("key") == Some(tenant)).then(|| id.to_owned())
    })
}

/// What stands near enough behind `at`.
fn reach(text: &str, at: usize) -> &str {
    &text[at..text.floor_char_boundary(at.saturating_add(POLY_REACH))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conference_is_letters_and_digits_at_the_organizers_domain() {
        let begin = "conf:sip:a.b-c@sip.example;gruu;opaque=app:conf:focus:id:";
        for (focus, mail, expected) in [
            ("6N2YGD5G", Some("example.com"), Some(("6N2YGD5G", "example.com"))),
            ("6N2YGD5G?conversation-id=x", None, Some(("6N2YGD5G", "sip.example"))),
            ("6N2YGD5G%3Frequired-media=audio", None, Some(("6N2YGD5G", "sip.example"))),
            ("6N2YGD5G;x=y", None, Some(("6N2YGD5G", "sip.example"))),
            ("teams:2:0!19:meeting_x-thread.v2!a!b", None, None),
            ("19:meeting", None, None),
            ("", None, None),
        ] {
            let found = conference(&format!("{begin}{focus}"), mail).ok();
            let found =
                found.as_ref().map(|found| ["focus_id", "domain", "user"].map(|name| &**found.get(name).unwrap()));
            assert_eq!(found, expected.map(|(focus, domain)| [focus, domain, "a.b-c"]), "{focus}");
        }
        for link in ["", "conf:", "focus:id:ABC", "conf:a@b.example;focus:id:ABC"] {
            assert!(conference(link, Some("example.com")).is_err(), "{link}");
        }
    }
}

//! `TeamsBodyPoly`: Teams meetings whose organizer's video interop is Poly's (RealConnect).
//!
//! | in the invitation | |
//! |---|---|
//! | `https://dialin.plcm.vc/teams/?key=TENANT&conf=ID` | |
//! | `TENANT@t.plcm.vc`, then ID | see `block` |
//!
//! | variable | |
//! |---|---|
//! | `tenant_id` | before the `@` of the tenant key |
//! | `meeting_id` | the conference id; leading zeros count |
//! | `domain` | `t.plcm.vc` |
//!
//! Sources: deployment guide; invitations of 2018 to 2025.

use super::block;
use crate::invitation::wrapped::Link;
use crate::model::RuleSpec;
use crate::rules::scan;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;
use crate::rules::types::{Finding, Provider, TEXT_PLACES, Variables, first, variables};

/// `TeamsBodyPoly`.
pub(in crate::rules) const POLY: Provider = Provider {
    find,
    transform: |_| "{{tenant_id}}.{{meeting_id}}@t.plcm.vc",
    variables: &["tenant_id", "meeting_id", "domain"],
    anchors: &["plcm.vc"],
    places: TEXT_PLACES,
};

/// Where tenant keys of Teams interop are; those of Skype are at v.plcm.vc.
const DOMAIN: &str = "t.plcm.vc";

fn find(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    first(texts, |text| {
        let is_key = |each: &scan::Address<'_>| each.host.eq_ignore_ascii_case(DOMAIN) && block::is_plain(each.user);
        block::first_block(text, is_key, by_link, |print| Some(found(print.key.user, &print.id)))
    })
}

fn by_link(link: &Link<'_>) -> Result<Variables, Why> {
    if !link.host_is("dialin.plcm.vc") || !block::path_is(link, "/teams") {
        return Err(Why::NothingFound);
    }
    let (tenant, id) = (link.parameter("key"), link.parameter("conf"));
    let id = id.as_deref().and_then(|id| scan::digits(id, 4, block::LINKED_MAX));
    match (tenant.filter(|tenant| block::is_plain(tenant)), id) {
        (Some(tenant), Some(id)) => Ok(found(&tenant, id)),
        (None, Some(_)) => Err(Why::Incomplete { found: "a conference id in its link", missing: "the tenant key" }),
        (Some(_), None) => Err(Why::Incomplete { found: "a tenant key in its link", missing: "the conference id" }),
        (None, None) => Err(Why::NothingFound),
    }
}

fn found(tenant: &str, id: &str) -> Variables {
    variables([("tenant_id", tenant), ("meeting_id", id), ("domain", DOMAIN)])
}

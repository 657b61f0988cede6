//! `TeamsBodyCisco`: Teams meetings whose organizer's video interop is Cisco's.
//!
//! | in the invitation | |
//! |---|---|
//! | `https://www.webex.com/msteams?confid=ID&tenantkey=KEY&domain=DOMAIN` | also at other hosts of Webex |
//! | `KEY@m.webex.com`, then ID | see `block` |
//!
//! | variable | |
//! |---|---|
//! | `conf_id` | the video id; leading zeros count |
//! | `tenant_key` | before the `@` of the tenant key |
//! | `domain` | after it, or the link's |
//!
//! Sources: deployment guide; invitations of 2021 to 2025.

use super::block;
use crate::invitation::wrapped::Link;
use crate::model::RuleSpec;
use crate::rules::scan;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;
use crate::rules::types::{Finding, Provider, TEXT_PLACES, Variables, first, variables};

/// `TeamsBodyCisco`.
pub(in crate::rules) const CISCO: Provider = Provider {
    find,
    transform: |_| "{{conf_id}}.{{tenant_key}}@{{domain}}",
    variables: &["conf_id", "tenant_key", "domain"],
    // The third is what a rewriter hints at when it keeps the link to itself.
    anchors: &[DOMAIN, "/msteams", "www.webex.com"],
    places: TEXT_PLACES,
};

/// Where tenant keys are.
const DOMAIN: &str = "m.webex.com";

fn find(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    first(texts, |text| {
        let is_key = |each: &scan::Address<'_>| each.host.eq_ignore_ascii_case(DOMAIN) && block::is_plain(each.user);
        block::first_block(text, is_key, by_link, |print| Some(found(&print.id, print.key.user, print.key.host)))
    })
}

fn by_link(link: &Link<'_>) -> Result<Variables, Why> {
    if !scan::is_within(link.host(), "webex.com") || !block::path_is(link, "/msteams") {
        return Err(Why::NothingFound);
    }
    let parameter = |name| link.parameter(name);
    let (id, key, domain) = (parameter("confid"), parameter("tenantkey"), parameter("domain"));
    let id = id.as_deref().and_then(|id| scan::digits(id, 4, block::LINKED_MAX));
    let key = key.filter(|key| block::is_plain(key));
    match (id, key, domain.filter(|domain| scan::is_domain(domain))) {
        (Some(id), Some(key), Some(domain)) => Ok(found(id, &key, &domain)),
        (Some(_), None, _) => Err(Why::Incomplete { found: "a video id in its link", missing: "the tenant key" }),
        (Some(_), Some(_), None) => Err(Why::Incomplete { found: "a video id in its link", missing: "the domain" }),
        (None, Some(_), _) => Err(Why::Incomplete { found: "a tenant key in its link", missing: "the video id" }),
        (None, None, _) => Err(Why::NothingFound),
    }
}

fn found(id: &str, key: &str, domain: &str) -> Variables {
    variables([("conf_id", id), ("tenant_key", key), ("domain", domain)])
}

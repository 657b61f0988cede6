//! Microsoft Teams meetings whose invitation says how video devices join: the block below the join link, by interop provider.
//!
//! | type | link | variables |
//! |---|---|---|
//! | `TeamsBodyPexipService` | `https://pexip.me/teams/DOMAIN/ID` | `meeting_id`, `domain` |
//! | `TeamsBodyPexipInfinity` | `https://NODE/teams/?conf=ID&ivr=NAME&d=DOMAIN[&prefix=P]` | `meeting_id`, `domain`, `prefix` |
//!
//! Where the link itself was made unreadable (Mimecast keeps the domain as a hint), the block's text gives the same for the
//! service: tenant key `teams@DOMAIN` and, after it, the video id in groups of three. The ids before the tenant key are the Teams
//! meeting id and, in older invitations, a telephone conference id: never what a room dials.
//!
//! Sources: deployment guide, "Microsoft Teams Meeting Body for …"; invitations of 2018 to 2025 in several languages.

use std::collections::BTreeMap;

use super::{Finding, first, variables};
use crate::invitation::Outcome;
use crate::model::RuleSpec;
use crate::rules::scan;
use crate::rules::texts::{Place, Texts};

pub(super) fn pexip_service(_: &RuleSpec, texts: &Texts<'_>) -> Option<Finding> {
    let by_link = first(texts, |text| {
        scan::links(text).find_map(|(_, link)| {
            if !link.host_is("pexip.me") {
                return None;
            }
            let path = link.path.split('#').next().unwrap_or(link.path);
            let mut parts = path.strip_prefix("/teams/")?.split('/');
            let (domain, id) = (parts.next()?, parts.next()?);
            if !scan::is_domain(domain) || parts.any(|part| !part.is_empty()) {
                return None;
            }
            let id = scan::digits(id, 1, 20)?;
            Some(variables([("meeting_id", id), ("domain", domain)]))
        })
    });
    by_link.or_else(|| by_tenant_key(texts))
}

/// Tenant key and video id, when the link to pexip.me is there but only its rewriter can read it.
fn by_tenant_key(texts: &Texts<'_>) -> Option<Finding> {
    let body = texts.body();
    let hinted = body.wrapped.iter().any(|link| {
        link.outcome == Outcome::Opaque
            && link.link.expose().split(['?', '&', ';']).any(|part| part == "domain=pexip.me")
    });
    if !hinted {
        return None;
    }
    let text = &*body.unwrapped;
    let key = scan::addresses(text)
        .find(|address| address.user.eq_ignore_ascii_case("teams") && scan::is_domain(address.host))?;
    let id = text[key.end..].lines().take(6).find_map(|line| {
        let number = scan::number_at_end(line)?;
        scan::digits(&number, 9, 10).map(str::to_owned)
    })?;
    Some(Finding { place: Place::UnwrappedBody, variables: variables([("meeting_id", &id), ("domain", key.host)]) })
}

pub(super) fn pexip_infinity(_: &RuleSpec, texts: &Texts<'_>) -> Option<Finding> {
    first(texts, |text| {
        scan::links(text).find_map(|(_, link)| {
            if !matches!(link.path.trim_end_matches('/'), "/teams") {
                return None;
            }
            let (id, domain) = (link.parameter("conf")?, link.parameter("d")?);
            let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            let prefix = link.parameter("prefix").unwrap_or_default();
            if id.is_empty() || !plain(&id) || !plain(&prefix) || !scan::is_domain(&domain) {
                return None;
            }
            Some(BTreeMap::from([
                ("meeting_id".to_owned(), id),
                ("domain".to_owned(), domain),
                ("prefix".to_owned(), prefix),
            ]))
        })
    })
}

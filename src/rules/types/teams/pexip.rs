//! `TeamsBodyPexipService` and `TeamsBodyPexipInfinity`.

use std::collections::BTreeMap;

use crate::invitation::Outcome;
use crate::model::RuleSpec;
use crate::rules::scan;
use crate::rules::texts::Place;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;
use crate::rules::types::{Finding, ID_AT_DOMAIN, Provider, TEXT_PLACES, first, variables};

/// PEXIP_SERVICE
pub(in crate::rules) const PEXIP_SERVICE: Provider = Provider {
    find: pexip_service,
    transform: |_| ID_AT_DOMAIN,
    variables: &["meeting_id", "domain"],
    anchors: &["pexip.me", "teams@"],
    places: TEXT_PLACES,
};

/// PEXIP_INFINITY
pub(in crate::rules) const PEXIP_INFINITY: Provider = Provider {
    find: pexip_infinity,
    transform: |_| "{{prefix}}{{meeting_id}}@{{domain}}",
    variables: &["meeting_id", "domain", "prefix"],
    anchors: &["/teams"],
    places: TEXT_PLACES,
};

fn pexip_service(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    let by_link = first(texts, |text| {
        scan::links(text)
            .find_map(|(_, link)| {
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
            .ok_or(Why::NothingFound)
    });
    by_link.or_else(|why| by_tenant_key(texts).ok_or(why))
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

fn pexip_infinity(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    first(texts, |text| {
        scan::links(text)
            .find_map(|(_, link)| {
                if !matches!(link.path.trim_end_matches('/'), "/teams") {
                    return None;
                }
                let (id, domain) = (link.parameter("conf")?, link.parameter("d")?);
                let plain =
                    |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
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
            .ok_or(Why::NothingFound)
    })
}

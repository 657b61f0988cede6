//! Pexip's own meeting rooms.
//!
//! | type | link | variables |
//! |---|---|---|
//! | `PexipInfinity` | `pexip://ID@DOMAIN` | `meeting_id`, `domain` |
//! | `PexipService` | `https://pexip.me/meet/ID` | `meeting_id`, `domain` = pexip.me |
//!
//! Sources: the default joining instructions of VMR Scheduling for Exchange; deployment guide, "Pexip Service".

use super::{Finding, ID_AT_DOMAIN, Provider, TEXT_PLACES, first, variables};
use crate::model::RuleSpec;
use crate::rules::scan;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;

/// `PexipInfinity`.
pub(in crate::rules) const INFINITY: Provider = Provider {
    find: infinity,
    transform: |_| ID_AT_DOMAIN,
    variables: &["meeting_id", "domain"],
    anchors: &[SCHEME],
    places: TEXT_PLACES,
};

/// `PexipService`.
pub(in crate::rules) const SERVICE: Provider = Provider {
    find: service,
    transform: |_| "{{meeting_id}}@pexip.me",
    variables: &["meeting_id", "domain"],
    anchors: &["pexip.me"],
    places: TEXT_PLACES,
};

const SCHEME: &str = "pexip://";

fn infinity(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    first(texts, |text| {
        scan::addresses(text)
            .find_map(|address| {
                let begin = address.at.checked_sub(SCHEME.len())?;
                let scheme = text.get(begin..address.at)?;
                let bounded = !text[..begin].ends_with(|c: char| c.is_alphanumeric() || "+-.".contains(c));
                (scheme.eq_ignore_ascii_case(SCHEME) && bounded)
                    .then(|| variables([("meeting_id", address.user), ("domain", address.host)]))
            })
            .ok_or(Why::NothingFound)
    })
}

fn service(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    first(texts, |text| {
        scan::links(text)
            .find_map(|(_, link)| {
                if !link.host_is("pexip.me") {
                    return None;
                }
                let path = link.path.split('#').next().unwrap_or(link.path).trim_end_matches('/');
                let id = path.strip_prefix("/meet/")?;
                let plain =
                    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+~".contains(&byte));
                plain.then(|| variables([("meeting_id", id), ("domain", "pexip.me")]))
            })
            .ok_or(Why::NothingFound)
    })
}

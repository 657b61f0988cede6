//! `Domain`: any address at a domain or below it, in body or location.
//!
//! | variable | |
//! |---|---|
//! | `meeting_id` | before the `@` |
//! | `domain` | after it, as written |
//!
//! A rule on a mail domain finds mail signatures too, which is why it belongs last. Source: deployment guide, "Domain".

use super::{Finding, ID_AT_DOMAIN, Provider, WRITTEN_PLACES, variables};
use crate::model::RuleSpec;
use crate::rules::scan;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;

/// `Domain`.
pub(in crate::rules) const ADDRESS: Provider = Provider {
    find,
    transform: |_| ID_AT_DOMAIN,
    variables: &["meeting_id", "domain"],
    anchors: &[],
    places: WRITTEN_PLACES,
};

fn find(rule: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    let domain = rule.domain.as_deref().unwrap_or_default();
    let found = texts.as_written_first().find_map(|(place, text)| {
        let found = scan::addresses(text).find(|address| scan::is_within(address.host, domain))?;
        let variables = variables([("meeting_id", found.user), ("domain", found.host)]);
        Some(Finding { place, variables })
    });
    found.ok_or(Why::NothingFound)
}

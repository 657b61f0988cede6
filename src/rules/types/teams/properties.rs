//! `TeamsMeetingProperties`: the number for video devices that the Teams add-in keeps beside the invitation in Exchange.
//!
//! | variable | |
//! |---|---|
//! | `meeting_id` | the property, 1 to 20 digits; leading zeros count |
//! | `domain` | of the rule |
//!
//! The body is not read, so a room whose calendar drops bodies still has its Join. Sources: deployment guide, "Microsoft Teams
//! Meeting Properties"; the property's names: `rules/properties.rs`.

use crate::model::RuleSpec;
use crate::rules::properties::TEAMS_VTC_CONFERENCE_ID;
use crate::rules::scan;
use crate::rules::texts::{Place, Texts};
use crate::rules::trace::Why;
use crate::rules::types::{Finding, ID_AT_DOMAIN, PROPERTY_PLACES, Provider, variables};

/// `TeamsMeetingProperties`.
pub(in crate::rules) const PROPERTIES: Provider = Provider {
    find,
    transform: |_| ID_AT_DOMAIN,
    variables: &["meeting_id", "domain"],
    anchors: &[],
    places: PROPERTY_PLACES,
};

/// Longest id taken, in digits. Teams gives 9 to 10.
const ID_MAX: usize = 20;

fn find(rule: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    let written = TEAMS_VTC_CONFERENCE_ID.of(texts.event)?;
    let domain = rule.domain.as_deref().map(str::trim).filter(|domain| !domain.is_empty());
    let domain = domain.ok_or_else(|| Why::CannotRun("it has no `domain`".into()))?;
    let id: String = written.chars().filter(|character| *character != ' ' && *character != '\u{a0}').collect();
    let id = scan::digits(&id, 1, ID_MAX).ok_or(Why::NothingFound)?;
    Ok(Finding { place: Place::Properties, variables: variables([("meeting_id", id), ("domain", domain)]) })
}

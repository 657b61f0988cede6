//! The meeting types: what each looks for, one file a provider family.
//!
//! A type's `find` reads texts and gives variables; the transform (the type's own, or the rule's) makes the address of them. No
//! type keys on words: invitations come in every language, so types anchor on hosts, on addresses at known domains, and on what
//! stands next to an id.

mod domain;
mod pexip;
mod teams;
mod webex;
mod zoom;

use std::collections::BTreeMap;

use super::texts::{Place, Texts};
use crate::model::RuleSpec;
use crate::model::desired::RuleType;

/// What a type found: its variables, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) place: Place,
    pub(super) variables: BTreeMap<String, String>,
}

/// How a type finds.
pub(super) type Find = fn(&RuleSpec, &Texts<'_>) -> Option<Finding>;

/// A meeting type that yields variables.
pub(super) struct Provider {
    /// How it finds.
    pub(super) find: Find,
    /// Its own transform: Jinja2 over its variables.
    pub(super) transform: fn(&RuleSpec) -> &'static str,
    /// Where it looks, for the trace.
    pub(super) places: &'static [Place],
}

const PROVIDER_PLACES: &[Place] = &[Place::UnwrappedBody, Place::UnwrappedLocation, Place::ConferenceData];

pub(super) const WRITTEN_PLACES: &[Place] =
    &[Place::Body, Place::UnwrappedBody, Place::Location, Place::UnwrappedLocation];

/// The transform of most types.
const ID_AT_DOMAIN: &str = "{{meeting_id}}@{{domain}}";

/// How `rule_type` works. `None`: `Regex` and `Custom`, which work otherwise, and types this version does not have.
pub(super) fn provider(rule_type: RuleType) -> Option<Provider> {
    let (find, transform, places): (Find, fn(&RuleSpec) -> &'static str, _) = match rule_type {
        RuleType::Zoom => (zoom::find, zoom::transform, PROVIDER_PLACES),
        RuleType::Webex => (webex::find, |_| ID_AT_DOMAIN, PROVIDER_PLACES),
        RuleType::TeamsBodyPexipService => (teams::pexip_service, |_| ID_AT_DOMAIN, PROVIDER_PLACES),
        RuleType::TeamsBodyPexipInfinity => {
            (teams::pexip_infinity, |_| "{{prefix}}{{meeting_id}}@{{domain}}", PROVIDER_PLACES)
        }
        RuleType::PexipInfinity => (pexip::infinity, |_| ID_AT_DOMAIN, PROVIDER_PLACES),
        RuleType::PexipService => (pexip::service, |_| "{{meeting_id}}@pexip.me", PROVIDER_PLACES),
        RuleType::Domain => (domain::find, |_| ID_AT_DOMAIN, WRITTEN_PLACES),
        _ => return None,
    };
    Some(Provider { find, transform, places })
}

/// Whether this version acts on rules of this type.
#[must_use]
pub fn in_effect(rule_type: RuleType) -> bool {
    matches!(rule_type, RuleType::Regex | RuleType::Custom) || provider(rule_type).is_some()
}

/// Variables from pairs.
fn variables<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The first text of the providers' places in which `find` finds something.
fn first<'e>(
    texts: &'e Texts<'_>,
    mut find: impl FnMut(&'e str) -> Option<BTreeMap<String, String>>,
) -> Option<Finding> {
    texts.of_providers().find_map(|(place, text)| find(text).map(|variables| Finding { place, variables }))
}

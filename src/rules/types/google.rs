//! Google Meet.

use super::{Finding, ID_AT_DOMAIN, Provider, TEXT_PLACES};
use crate::model::RuleSpec;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;

/// MEET
pub(in crate::rules) const MEET: Provider = Provider {
    find: meet,
    transform: |_| ID_AT_DOMAIN,
    variables: &["meeting_id", "domain"],
    anchors: &["sip:"],
    places: TEXT_PLACES,
};

fn meet(_: &RuleSpec, _: &Texts<'_>) -> Result<Finding, Why> {
    Err(Why::NothingFound)
}

/// SIP_GUEST
pub(in crate::rules) const SIP_GUEST: Provider = Provider {
    find: sip_guest,
    transform: |_| ID_AT_DOMAIN,
    variables: &["meeting_id", "domain", "company_id"],
    anchors: &["meet.google.com"],
    places: TEXT_PLACES,
};

fn sip_guest(_: &RuleSpec, _: &Texts<'_>) -> Result<Finding, Why> {
    Err(Why::NothingFound)
}

//! `TeamsSipGuestJoin`.

use crate::model::RuleSpec;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;
use crate::rules::types::{Finding, Provider, TEXT_PLACES};

/// SIP_GUEST
pub(in crate::rules) const SIP_GUEST: Provider = Provider {
    find: sip_guest,
    transform: |_| "{{base32_encoded_blob}}",
    variables: &["base32_encoded_blob", "tenant_id", "meeting_id", "passcode", "company_id", "domain"],
    anchors: &["teams.microsoft.", "teams.cloud.microsoft", "teams.live.com"],
    places: TEXT_PLACES,
};

fn sip_guest(_: &RuleSpec, _: &Texts<'_>) -> Result<Finding, Why> {
    Err(Why::NothingFound)
}

//! Skype for Business.

use super::{Finding, PROPERTY_PLACES, Provider, TEXT_PLACES};
use crate::model::RuleSpec;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;

/// MEETING
pub(in crate::rules) const MEETING: Provider = Provider {
    find: meeting,
    transform: |_| "__sfb__{{focus_id}}.{{user}}@{{domain}}",
    variables: &["focus_id", "user", "domain"],
    anchors: &[],
    places: PROPERTY_PLACES,
};

fn meeting(_: &RuleSpec, _: &Texts<'_>) -> Result<Finding, Why> {
    Err(Why::NoProperty("online_meeting_conf_link"))
}

/// POLY
pub(in crate::rules) const POLY: Provider = Provider {
    find: poly,
    transform: |_| "{{tenant_id}}.{{meeting_id}}@v.plcm.vc",
    variables: &["tenant_id", "meeting_id", "domain"],
    anchors: &["v.plcm.vc"],
    places: TEXT_PLACES,
};

fn poly(_: &RuleSpec, _: &Texts<'_>) -> Result<Finding, Why> {
    Err(Why::NothingFound)
}

//! `TeamsBodyPoly`.

use crate::model::RuleSpec;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;
use crate::rules::types::{Finding, Provider, TEXT_PLACES};

/// POLY
pub(in crate::rules) const POLY: Provider = Provider {
    find: poly,
    transform: |_| "{{tenant_id}}.{{meeting_id}}@t.plcm.vc",
    variables: &["tenant_id", "meeting_id", "domain"],
    anchors: &["plcm.vc"],
    places: TEXT_PLACES,
};

fn poly(_: &RuleSpec, _: &Texts<'_>) -> Result<Finding, Why> {
    Err(Why::NothingFound)
}

//! `TeamsBodyCisco`.

use crate::model::RuleSpec;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;
use crate::rules::types::{Finding, Provider, TEXT_PLACES};

/// CISCO
pub(in crate::rules) const CISCO: Provider = Provider {
    find: cisco,
    transform: |_| "{{conf_id}}.{{tenant_key}}@{{domain}}",
    variables: &["conf_id", "tenant_key", "domain"],
    anchors: &["m.webex.com", "webex.com/msteams"],
    places: TEXT_PLACES,
};

fn cisco(_: &RuleSpec, _: &Texts<'_>) -> Result<Finding, Why> {
    Err(Why::NothingFound)
}

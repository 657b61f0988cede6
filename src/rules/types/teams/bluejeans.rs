//! `TeamsBodyBlueJeans`.

use crate::model::RuleSpec;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;
use crate::rules::types::{Finding, Provider, TEXT_PLACES};

/// BLUEJEANS
pub(in crate::rules) const BLUEJEANS: Provider = Provider {
    find: bluejeans,
    transform: |_| "{{tenant_id}}.{{meeting_id}}@teams.bjn.vc",
    variables: &["tenant_id", "meeting_id", "domain"],
    anchors: &["bjn.vc"],
    places: TEXT_PLACES,
};

fn bluejeans(_: &RuleSpec, _: &Texts<'_>) -> Result<Finding, Why> {
    Err(Why::NothingFound)
}

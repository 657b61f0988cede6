//! `GoToMeeting`.

use super::{Finding, ID_AT_DOMAIN, Provider, TEXT_PLACES};
use crate::model::RuleSpec;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;

/// MEETING
pub(in crate::rules) const MEETING: Provider = Provider {
    find: meeting,
    transform: |_| ID_AT_DOMAIN,
    variables: &["meeting_id", "domain"],
    anchors: &["67.217.95.2", "goto"],
    places: TEXT_PLACES,
};

fn meeting(_: &RuleSpec, _: &Texts<'_>) -> Result<Finding, Why> {
    Err(Why::NothingFound)
}

//! `BlueJeans`.

use super::{Finding, Provider, TEXT_PLACES};
use crate::model::RuleSpec;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;

/// MEETING
pub(in crate::rules) const MEETING: Provider = Provider {
    find: meeting,
    transform: |_| "{{meeting_id}}@bjn.vc",
    variables: &["meeting_id", "domain"],
    anchors: &["bluejeans.com", "bjn.vc"],
    places: TEXT_PLACES,
};

fn meeting(_: &RuleSpec, _: &Texts<'_>) -> Result<Finding, Why> {
    Err(Why::NothingFound)
}

//! `TeamsMeetingProperties`.

use crate::model::RuleSpec;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;
use crate::rules::types::{Finding, ID_AT_DOMAIN, PROPERTY_PLACES, Provider};

/// PROPERTIES
pub(in crate::rules) const PROPERTIES: Provider = Provider {
    find: properties,
    transform: |_| ID_AT_DOMAIN,
    variables: &["meeting_id", "domain"],
    anchors: &[],
    places: PROPERTY_PLACES,
};

fn properties(_: &RuleSpec, _: &Texts<'_>) -> Result<Finding, Why> {
    Err(Why::NothingFound)
}

//! `TeamsBodyBlueJeans`: Teams meetings whose organizer's video interop was BlueJeans'. The service closed in 2024; invitations of
//! it, and rules for it, live on.
//!
//! | in the invitation | |
//! |---|---|
//! | `TENANT@teams.bjn.vc`, then ID | see `block`; the block's link leads to a page of help and says nothing of the meeting |
//!
//! | variable | |
//! |---|---|
//! | `tenant_id` | before the `@` of the tenant key |
//! | `meeting_id` | the video id; leading zeros count |
//! | `domain` | `teams.bjn.vc` |
//!
//! Sources: deployment guide; invitations of 2021 to 2023.

use super::block;
use crate::model::RuleSpec;
use crate::rules::scan;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;
use crate::rules::types::{Finding, Provider, TEXT_PLACES, first, variables};

/// `TeamsBodyBlueJeans`.
pub(in crate::rules) const BLUEJEANS: Provider = Provider {
    find,
    transform: |_| "{{tenant_id}}.{{meeting_id}}@teams.bjn.vc",
    variables: &["tenant_id", "meeting_id", "domain"],
    anchors: &[DOMAIN],
    places: TEXT_PLACES,
};

/// Where tenant keys are; `bjn.vc` itself is BlueJeans without Teams.
const DOMAIN: &str = "teams.bjn.vc";

fn find(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    first(texts, |text| {
        let is_key = |each: &scan::Address<'_>| each.host.eq_ignore_ascii_case(DOMAIN) && block::is_plain(each.user);
        block::first_block(
            text,
            is_key,
            |_| Err(Why::NothingFound),
            |print| Some(variables([("tenant_id", print.key.user), ("meeting_id", &print.id), ("domain", DOMAIN)])),
        )
    })
}

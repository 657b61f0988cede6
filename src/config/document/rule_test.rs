//! `RuleTest`: invitations and the aliases they must give.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::model::alias::Protocol;

/// Unit tests of a profile's rules, run by `otj test`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RuleTest {
    /// Whose rules are tested, by name.
    pub(crate) profile: String,
    /// The cases, in the order they run.
    pub(crate) cases: Vec<Case>,
}

/// One invitation and what is expected of it. Exactly one of `event` and `file`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["event"]}, {"required": ["file"]}]))]
pub(crate) struct Case {
    /// A sentence that says what is tested.
    #[schemars(length(min = 1, max = 250))]
    pub(crate) name: String,
    /// The invitation.
    pub(crate) event: Option<TestEvent>,
    /// A file with the invitation (`.eml`, `.ics`, `.json`), relative to this document's file.
    pub(crate) file: Option<String>,
    /// What is expected; what is not written is not checked.
    pub(crate) expect: Expect,
}

/// An invitation.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("not" = {"required": ["body", "bodyHtml"]}))]
pub(crate) struct TestEvent {
    /// The title. Default empty.
    pub(crate) subject: Option<String>,
    /// Who invited.
    pub(crate) organizer: Option<Person>,
    /// The place as written. Default empty.
    pub(crate) location: Option<String>,
    /// The text, plain; at most one of `body` and `bodyHtml`.
    pub(crate) body: Option<String>,
    /// The text, HTML.
    pub(crate) body_html: Option<String>,
    /// Flagged private. Default false.
    pub(crate) private: Option<bool>,
    /// What `calendar_event.properties` holds for the profile's integration; for CalDAV and ICS the `X-` properties by name.
    pub(crate) properties: Option<serde_json::Map<String, serde_json::Value>>,
    /// RFC 3339. Default `2026-01-05T10:00:00Z`.
    #[schemars(extend("format" = "date-time"))]
    pub(crate) start: Option<String>,
    /// RFC 3339. Default: an hour after the start.
    #[schemars(extend("format" = "date-time"))]
    pub(crate) end: Option<String>,
    /// IANA zone of the event, `Europe/Oslo`. Default `UTC`.
    pub(crate) time_zone: Option<String>,
}

/// A person of an invitation.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Person {
    /// The display name.
    pub(crate) name: Option<String>,
    /// The mail address.
    pub(crate) email: Option<String>,
}

/// What a case expects.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Expect {
    /// The alias; `null`: none.
    #[serde(default, deserialize_with = "written")]
    #[schemars(extend("x-null" = true))]
    pub(crate) alias: Option<Option<String>>,
    /// The rule that matched, by name; `null`: the fallback, or none.
    #[serde(default, deserialize_with = "written")]
    #[schemars(extend("x-null" = true))]
    pub(crate) rule: Option<Option<String>>,
    /// The title the endpoint shows.
    pub(crate) subject: Option<String>,
    /// Whether the meeting reaches the endpoint at all.
    pub(crate) shown: Option<bool>,
    /// How it is dialled: `Auto`, `Sip`, `H323`.
    pub(crate) protocol: Option<Protocol>,
    /// Variables of the matching rule, a subset.
    pub(crate) variables: Option<BTreeMap<String, String>>,
}

/// Keeps a written `null` apart from a field that is not there.
fn written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

//! The documents as people write them, typed. What stands in a doc comment here becomes the description in the schema.
//! Absent means inherit or default; what is inherited and resolved stands in [`crate::model::desired`].

pub(crate) mod endpoint;
pub(crate) mod exchange;
pub(crate) mod google;
pub(crate) mod graph;
pub(crate) mod integration;
pub(crate) mod profile;
pub(crate) mod rule;
pub(crate) mod rule_test;
pub(crate) mod site;
pub(crate) mod table;
pub(crate) mod webex;

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::files::Reference;
use crate::model::alias::Protocol;
use crate::model::desired::{ModeState, OnRemove, ReplaceSubject, RuleType};
use crate::model::device::{OnConflict, PolyModel, TlsMode, Wire};

/// The only version of the language.
pub(crate) const API_VERSION: &str = "otj/v1";

/// Every kind of document.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Kind {
    GoogleIntegration,
    GraphIntegration,
    ExchangeIntegration,
    CalDavIntegration,
    IcsIntegration,
    WebexIntegration,
    Profile,
    EndpointGroup,
    Endpoint,
    EndpointTable,
    Room,
    Rule,
    RuleSet,
    Location,
    RuleTest,
}

impl Kind {
    /// Every kind, in the order of the manual.
    pub(crate) const ALL: [Self; 15] = [
        Self::GoogleIntegration,
        Self::GraphIntegration,
        Self::ExchangeIntegration,
        Self::CalDavIntegration,
        Self::IcsIntegration,
        Self::WebexIntegration,
        Self::Profile,
        Self::EndpointGroup,
        Self::Endpoint,
        Self::EndpointTable,
        Self::Room,
        Self::Rule,
        Self::RuleSet,
        Self::Location,
        Self::RuleTest,
    ];

    /// As written in documents.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GoogleIntegration => "GoogleIntegration",
            Self::GraphIntegration => "GraphIntegration",
            Self::ExchangeIntegration => "ExchangeIntegration",
            Self::CalDavIntegration => "CalDavIntegration",
            Self::IcsIntegration => "IcsIntegration",
            Self::WebexIntegration => "WebexIntegration",
            Self::Profile => "Profile",
            Self::EndpointGroup => "EndpointGroup",
            Self::Endpoint => "Endpoint",
            Self::EndpointTable => "EndpointTable",
            Self::Room => "Room",
            Self::Rule => "Rule",
            Self::RuleSet => "RuleSet",
            Self::Location => "Location",
            Self::RuleTest => "RuleTest",
        }
    }

    /// Calendar services: their names are one set, since a profile refers to one by name alone.
    pub(crate) fn is_integration(self) -> bool {
        matches!(
            self,
            Self::IcsIntegration
                | Self::CalDavIntegration
                | Self::GoogleIntegration
                | Self::GraphIntegration
                | Self::ExchangeIntegration
        )
    }
}

/// What every document says about itself.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Metadata {
    /// The name other documents, pages and metrics use: 1 to 250 characters, unique within its kind, case-sensitive.
    #[schemars(length(min = 1, max = 250))]
    pub(crate) name: String,
    /// A sentence for people, at most 250 characters.
    #[schemars(length(max = 250))]
    pub(crate) description: Option<String>,
    /// Short texts that reach the API, the pages and the `*_info` metrics.
    pub(crate) labels: Option<BTreeMap<String, String>>,
    /// Texts for other tools; never interpreted.
    pub(crate) annotations: Option<BTreeMap<String, String>>,
    /// Former names: state, pins and sign-ins move along.
    pub(crate) renamed_from: Option<Vec<String>>,
}

/// Where a secret is: exactly one of `file` (with or without `key`), `env`, `value`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SecretRef {
    /// A file whose content is the secret, one trailing newline removed; relative to the document's file, then to each --secret-dir.
    pub(crate) file: Option<String>,
    /// With `file`: the file is a YAML or JSON map, and the secret is the text under this name.
    pub(crate) key: Option<String>,
    /// An environment variable of the process.
    pub(crate) env: Option<String>,
    /// The secret itself. The directory lives in git, so lint refuses this unless --allow-inline-secrets is given.
    pub(crate) value: Option<InlineSecret>,
}

/// A secret that stands in a document; `Debug` hides it.
#[derive(Clone, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(transparent)]
#[schemars(inline)]
pub(crate) struct InlineSecret(pub(crate) String);

impl std::fmt::Debug for InlineSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("••••")
    }
}

impl SecretRef {
    /// What is to be looked up; `None` for an inline value or a reference that is none.
    pub(crate) fn reference(&self) -> Option<Reference> {
        match (&self.file, &self.env) {
            (Some(path), None) => Some(Reference::File { path: path.clone(), key: self.key.clone() }),
            (None, Some(name)) => Some(Reference::Env(name.clone())),
            _ => None,
        }
    }
}

/// A text, or where a secret text is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum TextOrSecret {
    /// The text itself.
    Text(String),
    /// Where it is.
    Secret(SecretRef),
}

macro_rules! words {
    ($($type:ty: $($word:literal)+;)+) => {
        $(impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "enum": [$($word),+]})
            }
        })+
    };
}

words! {
    TlsMode: "Verify" "PinOnFirstUse" "Insecure";
    Wire: "Auto" "Json" "Xml";
    OnConflict: "Report" "Own";
    PolyModel: "Auto" "Group" "Trio" "Hdx" "StudioX" "Debut";
    ReplaceSubject: "Always" "Never" "PrivateOnly";
    ModeState: "Enforce" "Observe" "Suspended";
    OnRemove: "Clear" "Keep";
    Protocol: "Auto" "Sip" "H323";
    profile::Fallback: "Always" "Never";
    profile::DialNumbers: "Allow" "Deny";
    endpoint::Emit: "LocationUri" "BodyUri" "VmrToken";
    RuleType: "PexipInfinity" "PexipService" "TeamsMeetingProperties" "TeamsSipGuestJoin" "TeamsBodyPexipInfinity"
        "TeamsBodyPexipService" "TeamsBodyPoly" "TeamsBodyBlueJeans" "TeamsBodyCisco" "GoogleMeet" "GoogleMeetSipGuestJoin"
        "SkypeForBusiness" "SkypeForBusinessBodyPoly" "Webex" "Zoom" "BlueJeans" "GoToMeeting" "Domain" "Regex" "Custom";
}

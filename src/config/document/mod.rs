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
#[schemars(extend("oneOf" = [{"required": ["file"]}, {"required": ["env"]}, {"required": ["value"]}], "dependentRequired" = {"key": ["file"]}))]
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
    ($($type:ty { $($word:literal: $sentence:literal,)+ })+) => {
        $(impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "enum": [$($word),+], "enumDescriptions": [$($sentence),+]})
            }
        })+
    };
}

words! {
    TlsMode {
        "Verify": "The certificate must lead to a trusted authority and name the host.",
        "PinOnFirstUse": "The certificate seen first, without credentials being sent, is the only one accepted later.",
        "Insecure": "The certificate is not looked at: whoever answers is given the password.",
    }
    Wire {
        "Auto": "Chosen from the device's software version.",
        "Json": "`Bookings Put` with JSON, over /putxml.",
        "Xml": "The older /bookingsputxml.",
    }
    OnConflict {
        "Report": "After three overwrites in an hour, report it and wait.",
        "Own": "Write again each time.",
    }
    PolyModel {
        "Auto": "Recognised from what the device sends.",
        "Group": "RealPresence Group Series.",
        "Trio": "Trio.",
        "Hdx": "HDX.",
        "StudioX": "Studio X and G7500.",
        "Debut": "RealPresence Debut.",
    }
    ReplaceSubject {
        "Always": "Every title is replaced.",
        "Never": "No title is replaced.",
        "PrivateOnly": "Titles of private meetings are replaced.",
    }
    ModeState {
        "Enforce": "Read, plan and act.",
        "Observe": "Read and plan; put, clear and publish nothing.",
        "Suspended": "Do nothing; Poly endpoints are answered from what is published.",
    }
    OnRemove {
        "Clear": "Its list is emptied ten minutes after it left the documents.",
        "Keep": "Its list is left as it is.",
    }
    Protocol {
        "Auto": "What the address itself says, or the device chooses.",
        "Sip": "SIP.",
        "H323": "H.323.",
    }
    profile::Fallback {
        "Always": "sip:, sips: and h323: addresses are searched when no rule matches.",
        "Never": "Without a matching rule there is no Join button.",
    }
    profile::DialNumbers {
        "Allow": "Telephone numbers and aliases without domain pass.",
        "Deny": "They are dropped, and the next rule is tried.",
    }
    endpoint::Emit {
        "LocationUri": "A `sip:` URI as the location.",
        "BodyUri": "A `sip:` URI in the body.",
        "VmrToken": "The encoded token between its two marker lines in the body.",
    }
    RuleType {
        "PexipInfinity": "pexip:// links of Pexip Infinity.",
        "PexipService": "https://pexip.me/meet/ links of the Pexip Service.",
        "TeamsMeetingProperties": "The conference id among a Teams meeting's properties (Exchange, Graph); needs `domain`.",
        "TeamsSipGuestJoin": "A Teams meeting's id and passcode, dialled as a SIP guest.",
        "TeamsBodyPexipInfinity": "The video dial-in of Pexip Infinity in a Teams invitation.",
        "TeamsBodyPexipService": "The video dial-in of the Pexip Service in a Teams invitation.",
        "TeamsBodyPoly": "The video dial-in of Poly in a Teams invitation.",
        "TeamsBodyBlueJeans": "The video dial-in of BlueJeans in a Teams invitation.",
        "TeamsBodyCisco": "The video dial-in of Cisco in a Teams invitation.",
        "GoogleMeet": "The SIP address of a Google Meet with interoperability.",
        "GoogleMeetSipGuestJoin": "A Google Meet's code, dialled as a SIP guest; needs `domain`.",
        "SkypeForBusiness": "A Skype for Business meeting's focus.",
        "SkypeForBusinessBodyPoly": "The video dial-in of Poly in a Skype for Business invitation.",
        "Webex": "Webex meetings and personal rooms.",
        "Zoom": "Zoom meetings, through Zoom's Conference Room Connector.",
        "BlueJeans": "BlueJeans meetings.",
        "GoToMeeting": "GoToMeeting's addresses for room systems.",
        "Domain": "Any address at `domain` or below it, in body or location.",
        "Regex": "What `match` finds in body or location.",
        "Custom": "What `template` makes of the whole event.",
    }
}

//! `Profile` and the meeting fields that an `EndpointGroup` may override.

use schemars::JsonSchema;
use serde::Deserialize;

use super::SecretRef;
use crate::model::desired::{ModeState, ReplaceSubject};
use crate::model::device::TlsMode;

/// `fallback`: whether addresses are searched when no rule matches.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// Search for sip:, sips: and h323:.
    Always,
    /// No rule, no alias.
    Never,
}

/// `dialNumbers`: with `aliasDomains`, whether telephone numbers may be dialled.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum DialNumbers {
    /// They may.
    Allow,
    /// They are dropped.
    Deny,
}

macro_rules! with_meeting_fields {
    ($(#[$doc:meta])* $name:ident { $($extra:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub(crate) struct $name {
            /// How many days ahead meetings are shown, 0 to 365; 0 means the rest of the room's day. Default 7. Guide: No. of upcoming days.
            #[schemars(range(max = 365))]
            pub(crate) upcoming_days: Option<u16>,
            /// False hides meetings without an address; true shows them without Join button. Default true. Guide: Enable non-video meetings.
            pub(crate) non_video_meetings: Option<bool>,
            /// False leaves meetings flagged private off the endpoints. Default true. Guide: Enable private meetings.
            pub(crate) private_meetings: Option<bool>,
            /// False shows private meetings without Join button. Default true. Guide: Process alias for private meetings.
            pub(crate) process_alias_for_private_meetings: Option<bool>,
            /// Which titles are replaced. Default `PrivateOnly`. Guide: Replace subject.
            pub(crate) replace_subject: Option<ReplaceSubject>,
            /// What replaces a title: Jinja2 over `calendar_event`, at most 512 characters. Empty, or rendering to nothing: the organizer's name. Guide: Replace subject string.
            #[schemars(length(max = 512))]
            pub(crate) replace_subject_template: Option<String>,
            /// True shows the organizer's name where the title is empty. Default true. Guide: Replace empty subject.
            pub(crate) replace_empty_subject: Option<bool>,
            /// Join is enabled this many minutes before the start, 0 to 180. Default 5. Guide: Start buffer.
            #[schemars(range(max = 180))]
            pub(crate) start_buffer_minutes: Option<u16>,
            /// Join stays enabled this many minutes after the end, 0 to 180. Default 0. Guide: End buffer.
            #[schemars(range(max = 180))]
            pub(crate) end_buffer_minutes: Option<u16>,
            /// Domains an alias may have, subdomains included; `[]` allows none. Default: any.
            pub(crate) alias_domains: Option<Vec<String>>,
            /// With `aliasDomains`: `Allow` lets telephone numbers and aliases without domain through. Default `Deny`.
            pub(crate) dial_numbers: Option<DialNumbers>,
            $($extra)*
        }
    };
}

with_meeting_fields! {
    /// What a group shows differently from its profile; absent means inherit.
    Overrides {}
}

with_meeting_fields! {
    /// Links a calendar service, endpoint groups and rules, and says what endpoints show.
    Profile {
        /// The calendar service, by name. Guide: Exchange / Google Workspace / O365 Graph integration.
        pub(crate) integration: String,
        /// Shared rules, by name of their RuleSet.
        pub(crate) rule_sets: Option<Vec<String>>,
        /// The WebexIntegration of Webex Cloud registered endpoints, by name. Guide: Enable Webex Cloud.
        pub(crate) webex: Option<String>,
        /// Defaults for Cisco endpoints.
        pub(crate) cisco: Option<CiscoDefaults>,
        /// Whether sip:, sips: and h323: addresses are searched when no rule matches. Default `Always`.
        pub(crate) fallback: Option<Fallback>,
        /// `Enforce` acts; `Observe` reads and plans without touching endpoints; `Suspended` does nothing. Default `Enforce`.
        pub(crate) mode: Option<ModeState>,
        /// From this time (RFC 3339) on the inherited mode is back.
        #[schemars(extend("format" = "date-time"))]
        pub(crate) mode_until: Option<String>,
        /// Why, for people.
        #[schemars(length(max = 250))]
        pub(crate) mode_reason: Option<String>,
    }
}

/// What Cisco endpoints of a profile have in common.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("dependentRequired" = {"username": ["password"], "password": ["username"]}))]
pub(crate) struct CiscoDefaults {
    /// The account, with the Admin role; together with `password`. Guide: Default API username.
    #[schemars(length(min = 1, max = 100))]
    pub(crate) username: Option<String>,
    /// Its password. Guide: Default API password.
    pub(crate) password: Option<SecretRef>,
    /// How certificates are checked: `Verify`, `PinOnFirstUse`, `Insecure`. Default `Verify`. Guide: Verify endpoint certificates by default.
    pub(crate) tls: Option<TlsMode>,
    /// HTTPS (port 443) or plain HTTP (port 80). Default true. Guide: Use HTTPS for endpoint API.
    pub(crate) use_https: Option<bool>,
    /// PEM files of certificate authorities that are trusted besides the system's. Guide: Managing trusted CA certificates.
    pub(crate) ca_certificates: Option<Vec<String>>,
}

//! `IcsIntegration` and `CalDavIntegration`: calendar services.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{SecretRef, TextOrSecret};

/// Room calendars as `.ics` files or published calendars. Exactly one of `directory` and `url`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["directory"]}, {"required": ["url"]}]))]
pub(crate) struct IcsIntegration {
    /// A directory of `.ics` files, relative to this document's file; watched, and read every 30 s.
    #[schemars(length(min = 1))]
    pub(crate) directory: Option<String>,
    /// The file of a room below `directory`: Jinja2 over `room.email` (in lower case), without path separators. Default `{{ room.email }}.ics`.
    #[schemars(length(min = 1))]
    pub(crate) file: Option<String>,
    /// The URL of a room's published calendar: Jinja2 over `room.email`, or where such a text is kept, when it carries a token.
    pub(crate) url: Option<TextOrSecret>,
    /// PEM files of certificate authorities that are trusted besides the system's.
    pub(crate) ca_certificates: Option<Vec<String>>,
    /// True: requests of this integration go past the location's web proxy. Default false. Guide: Disable web proxy.
    pub(crate) disable_web_proxy: Option<bool>,
}

/// A CalDAV server (Nextcloud, Radicale, Zimbra, SOGo, Kolab and others).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("dependentRequired" = {"username": ["password"], "password": ["username"]}))]
pub(crate) struct CalDavIntegration {
    /// The server's base URL; discovery starts there.
    #[schemars(length(min = 1))]
    pub(crate) url: String,
    /// The account that may read the rooms' calendars. Absent: no sign-in.
    #[schemars(length(min = 1))]
    pub(crate) username: Option<String>,
    /// Its password.
    pub(crate) password: Option<SecretRef>,
    /// Path of a room's calendar on the server: Jinja2 over `room.email`, for instance `/{{ room.email }}/calendar/`. Default: discovered.
    #[schemars(length(min = 1))]
    pub(crate) calendar_path: Option<String>,
    /// Most requests in 24 hours. Default: none; rooms are read every 30 s.
    #[schemars(range(min = 1))]
    pub(crate) max_requests_per_day: Option<u64>,
    /// PEM files of certificate authorities that are trusted besides the system's.
    pub(crate) ca_certificates: Option<Vec<String>>,
    /// True: requests of this integration go past the location's web proxy. Default false. Guide: Disable web proxy.
    pub(crate) disable_web_proxy: Option<bool>,
}

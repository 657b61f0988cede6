//! `Location` and `Room`: where nodes stand, and what is known of a room besides its endpoints.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{SecretRef, TextOrSecret};

/// Where nodes run, and how they get out. One named `default` exists without a document. Until several nodes can share the work, the
/// one node acts for every location.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Location {
    /// The web proxy of all outbound requests of the location's nodes. Guide: web proxy of a system location.
    pub(crate) web_proxy: Option<WebProxy>,
    /// At most this many nodes of the location read calendars and push; the others stand by. Default 5.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) max_active_nodes: Option<u16>,
    /// IANA zone of the location's rooms, `Europe/Oslo`. Default: each calendar's own.
    pub(crate) time_zone: Option<String>,
    /// The (round-robin) name that Poly endpoints of this location are given as their calendar server; shown on their pages.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) poly_host: Option<String>,
    /// Whether nodes here may refresh OAuth tokens; false where there is no way out. Default true.
    pub(crate) oauth: Option<bool>,
}

/// An HTTP proxy.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("dependentRequired" = {"username": ["password"], "password": ["username"]}))]
pub(crate) struct WebProxy {
    /// Its URL, `http://proxy.example.com:3128`.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) url: String,
    /// Its account; together with `password`.
    #[schemars(length(min = 1, max = 100))]
    pub(crate) username: Option<String>,
    /// The account's password.
    pub(crate) password: Option<SecretRef>,
    /// Hosts and domains (`.example.com`) that are reached past it.
    pub(crate) no_proxy: Option<Vec<String>>,
    /// PEM files of certificate authorities that are trusted besides the system's, for a proxy that opens TLS.
    pub(crate) ca_certificates: Option<Vec<String>>,
}

/// A room. Without a document a room exists by being named in an endpoint.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Room {
    /// E-mail of the room's mailbox; upper and lower case are the same.
    #[schemars(length(min = 1, max = 254))]
    pub(crate) email: String,
    /// What people call it. Default: the document's name.
    #[schemars(length(min = 1, max = 250))]
    pub(crate) display_name: Option<String>,
    /// IANA zone of the room, `Europe/Oslo`. Default: the group's, the location's, else the calendar's own.
    pub(crate) time_zone: Option<String>,
    /// CalDAV: path of the room's calendar on the server. Default: the integration's `calendarPath`.
    #[schemars(length(min = 1))]
    pub(crate) calendar_path: Option<String>,
    /// ICS: URL of the room's published calendar, or where it is kept, when it carries a token. Default: the integration's `url`.
    pub(crate) calendar_url: Option<TextOrSecret>,
}

//! `EndpointGroup` and `Endpoint`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::SecretRef;
use super::profile::Overrides;
use crate::model::desired::{ModeState, OnRemove};
use crate::model::device::{OnConflict, PolyModel, TlsMode, Wire};

/// Endpoints that share a profile, a location and defaults.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("dependentRequired" = {"modeUntil": ["mode"]}))]
pub(crate) struct EndpointGroup {
    /// The profile, by name. A group without one is not used. Guide: OTJ profile.
    pub(crate) profile: Option<String>,
    /// Where the nodes run that look after these endpoints. Default `default`. Guide: System location.
    pub(crate) location: Option<String>,
    /// Another calendar service than the profile's, for hybrid organizations.
    pub(crate) integration: Option<String>,
    /// True: Cisco endpoints of the group are reached past the web proxy. Default false. Guide: Disable web proxy.
    pub(crate) disable_web_proxy: Option<bool>,
    /// IANA zone of the rooms, `Europe/Oslo`. Default: the location's, else the calendar's own.
    pub(crate) time_zone: Option<String>,
    /// What the group shows differently from its profile.
    pub(crate) overrides: Option<Overrides>,
    /// Defaults for the group's Cisco endpoints; texts may be Jinja2 over `endpoint.name`, `endpoint.labels`, `room.email`, `group.name`.
    pub(crate) cisco: Option<Cisco>,
    /// Defaults for the group's Poly endpoints; texts may be Jinja2 likewise.
    pub(crate) poly: Option<Poly>,
    /// What a removed endpoint is left with: `Clear` empties its list, `Keep` leaves it. Default `Clear`.
    pub(crate) on_remove: Option<OnRemove>,
    /// `Enforce`, `Observe`, `Suspended`; default: the profile's.
    pub(crate) mode: Option<ModeState>,
    /// From this time (RFC 3339) on the inherited mode is back.
    #[schemars(extend("format" = "date-time"))]
    pub(crate) mode_until: Option<String>,
    /// Why, for people.
    #[schemars(length(max = 250))]
    pub(crate) mode_reason: Option<String>,
}

/// A video endpoint in a room. Exactly one of `cisco`, `poly`, `webex`; at most one of `group` and `profile`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["cisco"]}, {"required": ["poly"]}, {"required": ["webex"]}], "not" = {"required": ["group", "profile"]}, "dependentRequired" = {"modeUntil": ["mode"]}))]
pub(crate) struct Endpoint {
    /// Its group, by name. Guide: Endpoint Group.
    pub(crate) group: Option<String>,
    /// On small sites, the profile itself, by name.
    pub(crate) profile: Option<String>,
    /// E-mail of the room's mailbox; upper and lower case are the same. Guide: Room resource email.
    pub(crate) room_email: String,
    /// Whether its troubles raise alarms. Default true. Guide: Raise alarms.
    pub(crate) raise_alarms: Option<bool>,
    /// Join is enabled this many minutes before the start, 0 to 180; default: inherited. Guide: Start buffer.
    #[schemars(range(max = 180))]
    pub(crate) start_buffer_minutes: Option<u16>,
    /// Join stays enabled this many minutes after the end, 0 to 180; default: inherited. Guide: End buffer.
    #[schemars(range(max = 180))]
    pub(crate) end_buffer_minutes: Option<u16>,
    /// `Enforce`, `Observe`, `Suspended`; default: inherited.
    pub(crate) mode: Option<ModeState>,
    /// From this time (RFC 3339) on the inherited mode is back.
    #[schemars(extend("format" = "date-time"))]
    pub(crate) mode_until: Option<String>,
    /// Why, for people.
    #[schemars(length(max = 250))]
    pub(crate) mode_reason: Option<String>,
    /// A Cisco codec whose bookings are pushed. Guide: Cisco OBTP.
    pub(crate) cisco: Option<Cisco>,
    /// A Poly endpoint that registers to our calendar server. Guide: Poly OTD.
    pub(crate) poly: Option<Poly>,
    /// A Webex Cloud registered device.
    pub(crate) webex: Option<Webex>,
}

/// A Cisco codec. What is absent is inherited: endpoint, group, profile.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Cisco {
    /// Host name or IP address. Guide: API address.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) address: Option<String>,
    /// TCP port. Default 443 with HTTPS, else 80. Guide: API port.
    #[schemars(range(min = 1))]
    pub(crate) port: Option<u16>,
    /// The account, with the Admin role; together with `password`. Guide: API username.
    #[schemars(length(min = 1, max = 100))]
    pub(crate) username: Option<String>,
    /// Its password. Guide: API password.
    pub(crate) password: Option<SecretRef>,
    /// How the certificate is checked: `Verify`, `PinOnFirstUse`, `Insecure`. Guide: Verify endpoint certificate.
    pub(crate) tls: Option<TlsMode>,
    /// HTTPS or plain HTTP. Guide: Use HTTPS for endpoint API.
    pub(crate) use_https: Option<bool>,
    /// PEM files of certificate authorities that are trusted besides the system's.
    pub(crate) ca_certificates: Option<Vec<String>>,
    /// The request format: `Auto`, `Json`, `Xml`. Default `Auto`.
    pub(crate) wire: Option<Wire>,
    /// The serial number the device must have; another device at this address is left alone.
    #[schemars(length(min = 1, max = 64))]
    pub(crate) serial: Option<String>,
    /// SHA-256 fingerprint the certificate must have: 64 hex digits, colons allowed.
    pub(crate) fingerprint: Option<String>,
    /// When someone else writes to the device: `Report` waits after three overwrites in an hour, `Own` writes again each time. Default `Report`.
    pub(crate) on_conflict: Option<OnConflict>,
}

/// A form in which a Poly endpoint is given the address to dial.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Emit {
    /// `sip:` URI in Location.
    LocationUri,
    /// `sip:` URI in the body.
    BodyUri,
    /// The encoded token in the body.
    VmrToken,
}

/// A Poly endpoint's account on our calendar server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Poly {
    /// The login it registers with; unique in the whole directory, also ignoring case. Guide: Poly username.
    #[schemars(length(min = 1, max = 250))]
    pub(crate) username: Option<String>,
    /// Its password, best 16 characters or more; never a domain account's. Guide: Poly password.
    pub(crate) password: Option<SecretRef>,
    /// The family: `Auto`, `Group`, `Trio`, `Hdx`, `StudioX`, `Debut`. Default `Auto`.
    pub(crate) model: Option<PolyModel>,
    /// In which forms the address is handed out: `LocationUri`, `BodyUri`, `VmrToken`. Default: all.
    pub(crate) emit: Option<Vec<Emit>>,
}

/// A Webex Cloud registered device.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Webex {
    /// The device's id in Webex Control Hub.
    #[schemars(length(min = 1))]
    pub(crate) device_id: Option<String>,
}

//! Endpoints as devices: where they are, how they are spoken to, what they can hold.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::location::WebProxySpec;
use super::secret::SecretValue;
use super::service::WebexIntegrationSpec;

/// How one endpoint gets its schedule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeviceSpec {
    /// Pushed to a Cisco codec.
    Cisco(CiscoSpec),
    /// Fetched by a Poly endpoint from our Exchange-like server.
    Poly(PolySpec),
    /// Pushed through the Webex Cloud.
    Webex(WebexSpec),
}

/// A Cisco codec, everything inherited and resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CiscoSpec {
    /// Host name or IP address.
    pub address: String,
    /// TCP port.
    pub port: u16,
    /// HTTPS or plain HTTP.
    pub use_https: bool,
    /// How its certificate is checked.
    pub tls: TlsMode,
    /// Extra roots, PEM, for `Verify`.
    pub ca_certificates: Vec<Arc<[u8]>>,
    /// The account; it needs the Admin role.
    pub username: String,
    /// Its password.
    pub password: SecretValue,
    /// Which of the two request formats.
    pub wire: Wire,
    /// The serial number the document expects, when it names one.
    pub serial: Option<String>,
    /// The certificate fingerprint the document expects: SHA-256, lower-case hex.
    pub fingerprint: Option<String>,
    /// What to do when someone else writes to the device.
    pub on_conflict: OnConflict,
    /// The web proxy it is reached through: that of the location the node stands in, unless its group says otherwise.
    pub web_proxy: Option<Arc<WebProxySpec>>,
}

impl CiscoSpec {
    /// `address:port`, the place two endpoints may not share.
    #[must_use]
    pub fn place(&self) -> (String, u16) {
        (self.address.to_ascii_lowercase(), self.port)
    }
}

/// How a device's certificate is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum TlsMode {
    /// Against the system's roots and the given ones, host name included.
    #[default]
    Verify,
    /// The certificate seen first is the only one accepted later.
    PinOnFirstUse,
    /// Not at all.
    Insecure,
}

/// The request format a codec takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Wire {
    /// Chosen from the device's software version.
    #[default]
    Auto,
    /// `Bookings Put` with JSON, over `/putxml`.
    Json,
    /// The older `/bookingsputxml`.
    Xml,
}

/// What to do when someone else writes to a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum OnConflict {
    /// After three overwrites in an hour, report and wait.
    #[default]
    Report,
    /// Write again each time.
    Own,
}

/// A Poly endpoint's account on our server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolySpec {
    /// Login, compared exactly; unique in the directory, also ignoring case.
    pub username: String,
    /// Password. Without one there is no login.
    pub password: SecretValue,
    /// The family, where it is known.
    pub model: PolyModel,
    /// In which forms the address is handed out.
    pub emit: PolyEmit,
}

/// A Poly family.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum PolyModel {
    /// Recognised from what it sends.
    #[default]
    Auto,
    /// RealPresence Group Series.
    Group,
    /// Trio.
    Trio,
    /// HDX.
    Hdx,
    /// Studio X and G7500.
    StudioX,
    /// Debut.
    Debut,
}

/// In which forms a Poly endpoint is given the address to dial; see `spec.poly.emit`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PolyEmit {
    /// `sip:` URI in Location.
    pub location_uri: bool,
    /// `sip:` URI in the body.
    pub body_uri: bool,
    /// The encoded token between its two marker lines in the body.
    pub vmr_token: bool,
}

impl Default for PolyEmit {
    fn default() -> Self {
        Self { location_uri: true, body_uri: true, vmr_token: true }
    }
}

/// A device that is registered to the Webex Cloud.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebexSpec {
    /// Its id there; no two endpoints may share one.
    pub device_id: String,
    /// The cloud it is reached through.
    pub integration: Arc<WebexIntegrationSpec>,
}

/// Where a pushed endpoint is given its list: no two endpoints may share one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    /// A codec's address, in lower case, and port.
    Address(String, u16),
    /// A device of the Webex Cloud, by its id.
    Webex(String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address, port) => write!(f, "{address}:{port}"),
            Self::Webex(device_id) => write!(f, "webex:{device_id}"),
        }
    }
}

/// What a kind of endpoint can hold. The wish is narrowed to it before anything is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Most bookings in one list; the soonest win.
    pub bookings: usize,
    /// Longest title, in characters.
    pub title: usize,
    /// Longest address, in characters; a longer one loses its Join button.
    pub alias: usize,
    /// Longest single booking, in minutes; a longer meeting becomes one booking a day.
    pub minutes: Option<i64>,
}

impl Limits {
    /// A Cisco codec's. Title and number limits of `Bookings Book`, the only ones documented; 1440 minutes likewise.
    /// Source: RoomOS schemas 9.15 to 26.4. The count is ours: a week of a busy room.
    pub const CISCO: Self = Self { bookings: 100, title: 128, alias: 128, minutes: Some(1440) };
}

impl DeviceSpec {
    /// What it can hold.
    #[must_use]
    pub fn limits(&self) -> Limits {
        match self {
            // Booked with the same xAPI command, on the same devices.
            Self::Cisco(_) | Self::Webex(_) => Limits::CISCO,
            // Exchange cuts strings of a calendar view at 255 characters (FindItem operation).
            Self::Poly(_) => Limits { bookings: 500, title: 255, alias: 240, minutes: None },
        }
    }

    /// Where it is given its list; `None`: it fetches by itself.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Cisco(cisco) => {
                let (address, port) = cisco.place();
                Some(Place::Address(address, port))
            }
            Self::Webex(webex) => Some(Place::Webex(webex.device_id.clone())),
            Self::Poly(_) => None,
        }
    }

    /// `cisco`, `poly` or `webex`: the label in status and metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Cisco(_) => "cisco",
            Self::Poly(_) => "poly",
            Self::Webex(_) => "webex",
        }
    }
}

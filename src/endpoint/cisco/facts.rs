//! What a codec is, and which wire it takes. In: its status document. Out: [`Facts`] and the choice between JSON and XML.
//!
//! | software | wire |
//! |---|---|
//! | TC, CE before 9.13 | XML |
//! | CE 9.13 to RoomOS 11.13 | JSON when registered to Webex, else XML |
//! | RoomOS 11.14 and later | JSON |
//! | cannot be read | JSON, and XML when it is not understood |
//!
//! Documented: up to 10.19 the description of `Bookings Put` limits it to devices registered to Webex; from 11.14.5 on it
//! does not. See the schemas of <https://roomos.cisco.com/xapi>.

use super::bookings_json::WithoutCall;
use super::element::Element;
use crate::model::device::Wire;

/// What a codec tells of itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// Serial number.
    pub serial: Option<String>,
    /// Software version as written: `ce9.15.17.4`, `RoomOS 11.14.2`, `TC7.3.9`.
    pub software: Option<String>,
    /// Product name.
    pub product: Option<String>,
    /// Seconds since it started.
    pub uptime_s: Option<u64>,
    /// Registered to Webex; `None` while it was not asked.
    pub webex_registered: Option<bool>,
}

/// First software with `Protocol: "None"`. Source: schemas 11.14 (without) and 11.24 (with).
const PROTOCOL_NONE: (u32, u32) = (11, 24);
/// First software whose `Bookings Put` is documented without Webex registration.
const JSON_FOR_ALL: (u32, u32) = (11, 14);
/// First software with `Bookings Put`.
const JSON_FOR_REGISTERED: (u32, u32) = (9, 13);

impl Facts {
    /// From a `<Status>` document, the whole of it or a subtree; empty where it tells nothing.
    pub(super) fn from_status(root: &Element) -> Self {
        let all = root.walk();
        let Some(unit) = all.iter().find(|element| element.name == "SystemUnit") else { return Self::default() };
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let first = |paths: &[&[&str]]| paths.iter().find_map(|path| some(unit.text_at(path)));
        Self {
            serial: first(&[&["Hardware", "Module", "SerialNumber"], &["Hardware", "MainBoard", "SerialNumber"]]),
            software: first(&[&["Software", "Version"]]),
            product: first(&[&["ProductId"], &["ProductPlatform"]]),
            uptime_s: unit.text_at(&["Uptime"]).parse().ok(),
            webex_registered: registered(root),
        }
    }

    /// Major and minor version, and whether it is the older TC family.
    fn version(&self) -> Option<(bool, (u32, u32))> {
        let text = self.software.as_deref()?;
        let digits = text.find(|c: char| c.is_ascii_digit())?;
        let family = text[..digits].trim().to_ascii_uppercase();
        let mut numbers = text[digits..].split(|c: char| !c.is_ascii_digit());
        let major = numbers.next()?.parse().ok()?;
        let minor = numbers.next().and_then(|minor| minor.parse().ok()).unwrap_or(0);
        Some((family == "TC" || family == "TE", (major, minor)))
    }

    /// Whether the choice of the wire depends on Webex registration that was not asked for yet.
    pub(super) fn needs_registration(&self) -> bool {
        self.webex_registered.is_none()
            && matches!(self.version(), Some((false, v)) if (JSON_FOR_REGISTERED..JSON_FOR_ALL).contains(&v))
    }

    /// `Json` or `Xml`.
    #[must_use]
    pub fn wire(&self) -> Wire {
        match self.version() {
            Some((true, _)) => Wire::Xml,
            Some((false, version)) if version >= JSON_FOR_ALL => Wire::Json,
            Some((false, version)) if version >= JSON_FOR_REGISTERED => match self.webex_registered {
                Some(true) => Wire::Json,
                _ => Wire::Xml,
            },
            Some((false, _)) => Wire::Xml,
            None => Wire::Json,
        }
    }

    pub(in crate::endpoint) fn without_call(&self) -> WithoutCall {
        match self.version() {
            Some((false, version)) if version >= PROTOCOL_NONE => WithoutCall::ProtocolNone,
            _ => WithoutCall::EmptySip,
        }
    }
}

/// Whether a `<Status>` document says `Webex/Status` is `Registered`; `None` when it says nothing of Webex.
pub(super) fn registered(root: &Element) -> Option<bool> {
    let all = root.walk();
    // Status holds several elements named Webex; the one with the registration has a Status right below.
    let status = all.iter().filter(|element| element.name == "Webex").find_map(|webex| webex.at(&["Status"]))?;
    Some(status.text == "Registered")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_follows_the_software() {
        use Wire::{Json, Xml};
        for (software, registered, wire, without_call) in [
            ("TC7.3.9.ad6e7a8", None, Xml, WithoutCall::EmptySip),
            ("ce8.3.7", None, Xml, WithoutCall::EmptySip),
            ("ce9.12.5", Some(true), Xml, WithoutCall::EmptySip),
            ("ce9.15.17.4", Some(true), Json, WithoutCall::EmptySip),
            ("ce9.15.17.4", Some(false), Xml, WithoutCall::EmptySip),
            ("ce9.15.17.4", None, Xml, WithoutCall::EmptySip),
            ("RoomOS 10.19.4.2", Some(true), Json, WithoutCall::EmptySip),
            ("ce11.13.9", Some(false), Xml, WithoutCall::EmptySip),
            ("RoomOS 11.14.5.0 abc", None, Json, WithoutCall::EmptySip),
            ("RoomOS 11.24.4.1", None, Json, WithoutCall::ProtocolNone),
            ("ce26.4.1", Some(false), Json, WithoutCall::ProtocolNone),
            ("", None, Json, WithoutCall::EmptySip),
            ("unknown", None, Json, WithoutCall::EmptySip),
        ] {
            let facts = Facts { software: Some(software.into()), webex_registered: registered, ..Facts::default() };
            assert_eq!((facts.wire(), facts.without_call()), (wire, without_call), "{software}");
        }
    }

    #[test]
    fn facts_are_read_from_the_whole_status_and_from_a_part() {
        let unit = "<SystemUnit><Hardware><Module><SerialNumber>FOC1</SerialNumber></Module></Hardware><ProductId>Room Kit</ProductId>\
            <Software><Version>ce9.15.17.4</Version></Software><Uptime>77</Uptime></SystemUnit>";
        let whole = format!(
            "<Status><Conference><Webex><Url/></Webex></Conference>{unit}<Webex><Status>Registered</Status></Webex></Status>"
        );
        for (xml, registered) in [(whole, Some(true)), (format!("<Status>{unit}</Status>"), None)] {
            let facts = Facts::from_status(&Element::parse(xml.as_bytes()).unwrap());
            assert_eq!(facts.serial.as_deref(), Some("FOC1"));
            assert_eq!((facts.uptime_s, facts.webex_registered), (Some(77), registered));
        }
        assert_eq!(Facts::from_status(&Element::parse(b"<EmptyResult/>").unwrap()), Facts::default());
    }
}

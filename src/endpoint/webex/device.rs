//! What a device of the Webex Cloud is. In: its object of the devices API. Out: [`DeviceFacts`].
//! See <https://developer.webex.com/docs/api/v1/devices/get-device-details>.

use serde::Deserialize;

use crate::endpoint::cisco::Facts;
use crate::endpoint::cisco::bookings_json::WithoutCall;

/// What the cloud tells of a device.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeviceFacts {
    /// Product name.
    pub product: Option<String>,
    /// Software version as written: `RoomOS 11.27.1 abc`.
    pub software: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// It belongs to a person: commands that read are closed to integrations.
    pub personal: bool,
    /// Connected to the cloud; `None` where the cloud does not know.
    pub connected: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    id: String,
    product: Option<String>,
    software: Option<String>,
    serial: Option<String>,
    connection_status: Option<String>,
    person_id: Option<String>,
}

impl DeviceFacts {
    /// `None`: it is no device.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let told: Told = serde_json::from_slice(body).ok().filter(|told: &Told| !told.id.is_empty())?;
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let status = told.connection_status.unwrap_or_default().to_ascii_lowercase();
        let connected = match status.as_str() {
            // Also `connected_with_issues`.
            status if status.starts_with("connected") => Some(true),
            // Also `offline_expired` and `offline_deep_sleep`.
            status if status.starts_with("disconnected") || status.starts_with("offline") => Some(false),
            _ => None,
        };
        Some(Self {
            product: some(told.product),
            software: some(told.software),
            serial: some(told.serial),
            // A device of a workspace names no person.
            personal: some(told.person_id).is_some(),
            connected,
        })
    }

    /// The same as it is kept and shown.
    #[must_use]
    pub fn kept(&self) -> crate::model::DeviceFacts {
        let Self { product, software, serial, .. } = self.clone();
        crate::model::DeviceFacts { product, software, serial, ..Default::default() }
    }

    /// How a booking without an address is written for its software.
    pub(super) fn without_call(&self) -> WithoutCall {
        Facts { software: self.software.clone(), ..Facts::default() }.without_call()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_tells_whether_it_is_connected_and_whose_it_is() {
        for (json, expected) in [
            (
                r#"{"id": "d", "connectionStatus": "connected_with_issues", "workspaceId": "w"}"#,
                Some((Some(true), false)),
            ),
            (r#"{"id": "d", "connectionStatus": "disconnected", "personId": "p"}"#, Some((Some(false), true))),
            (r#"{"id": "d", "connectionStatus": "offline_deep_sleep", "personId": ""}"#, Some((Some(false), false))),
            (r#"{"id": "d", "connectionStatus": "activating"}"#, Some((None, false))),
            (r#"{"id": ""}"#, None),
            (r#"{"items": []}"#, None),
            ("<html>", None),
        ] {
            let facts = DeviceFacts::read(json.as_bytes());
            assert_eq!(facts.map(|facts| (facts.connected, facts.personal)), expected, "{json}");
        }
    }
}

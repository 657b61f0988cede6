//! OTJ104, OTJ105, OTJ405: what two endpoints may not share, seen after inheritance and templates.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Place};
use crate::model::Digest;

/// Who came first: (name, `file:line`).
type First = (String, String);

/// What endpoints before this one have taken.
#[derive(Debug, Default)]
pub(super) struct Places {
    logins: BTreeMap<String, First>,
    devices: BTreeMap<(String, u16), First>,
    webex: BTreeMap<String, First>,
    passwords: BTreeMap<Digest, First>,
}

impl Places {
    /// Two Poly endpoints with one login, compared ignoring case.
    pub(super) fn shared_login(&mut self, login: &str, own: First, place: Place) -> Option<Diagnostic> {
        let (name, at) = taken(&mut self.logins, login.to_lowercase(), own)?;
        let message = format!("the login `{login}` is also that of endpoint `{name}`");
        Some(
            Diagnostic::error("OTJ104", place, message)
                .help(format!("`{name}` stands in {at}; upper and lower case are the same")),
        )
    }

    /// Two Cisco endpoints with one address and port.
    pub(super) fn shared_device(&mut self, device: (String, u16), own: First, place: Place) -> Option<Diagnostic> {
        let shown = format!("{}:{}", device.0, device.1);
        let (name, at) = taken(&mut self.devices, device, own)?;
        let message = format!("the device `{shown}` is also that of endpoint `{name}`");
        Some(Diagnostic::error("OTJ105", place, message).help(format!("`{name}` stands in {at}")))
    }

    /// Two Webex endpoints with one device.
    pub(super) fn shared_webex(&mut self, device: &str, own: First, place: Place) -> Option<Diagnostic> {
        let (name, at) = taken(&mut self.webex, device.to_owned(), own)?;
        let message = format!("the device is also that of endpoint `{name}`");
        Some(Diagnostic::error("OTJ105", place, message).help(format!("`{name}` stands in {at}")))
    }

    /// Two Poly endpoints with one password.
    pub(super) fn shared_password(&mut self, password: &str, own: First, place: Place) -> Option<Diagnostic> {
        let (name, at) = taken(&mut self.passwords, Digest::of([password.as_bytes()]), own)?;
        let message = format!("the password is also that of endpoint `{name}`");
        Some(Diagnostic::warning("OTJ405", place, message).help(format!("`{name}` stands in {at}")).policy())
    }
}

fn taken<K: Ord>(map: &mut BTreeMap<K, First>, key: K, own: First) -> Option<First> {
    match map.get(&key) {
        Some(first) => Some(first.clone()),
        None => {
            map.insert(key, own);
            None
        }
    }
}

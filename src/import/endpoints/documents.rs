//! Endpoints of a directory as rows of the guide's CSV. In: its documents, and the wish for those that stand in tables. Out: rows.
//!
//! The guide knows two levels, profile and endpoint. What a group says is therefore written out on each of its endpoints; what a
//! profile says is left to `GLOBAL` and to blank fields, as over there.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Choice, DeviceType, Row};
use crate::import::existing::{Existing, Standing};
use crate::import::fault::Fault;
use crate::model::desired::{Desired, EndpointSpec};
use crate::model::device::{DeviceSpec, TlsMode};

/// Renders a template of a group with what it may use; the rule engine's own.
pub type Render = fn(&str, &Value) -> Result<String, String>;

/// An endpoint that stands in the directory.
#[derive(Clone, Debug)]
pub struct Known {
    /// As the CSV has it.
    pub row: Row,
    /// The reference to its password, own or the group's; `None`: it has none of its own.
    pub password: Option<Value>,
    /// Where it stands.
    pub place: String,
    /// It is a row of a table and no document.
    pub in_table: bool,
}

/// Every endpoint of a directory by name, and what the CSV cannot say about it.
#[must_use]
pub fn rows(existing: &Existing, desired: Option<&Desired>, render: Render) -> (BTreeMap<String, Known>, Vec<Fault>) {
    let (mut known, mut faults) = (BTreeMap::new(), vec![]);
    for standing in existing.of_kind("Endpoint") {
        let place = existing.place(standing);
        let entry = from_document(existing, standing, render, &mut faults);
        known.entry(standing.name().to_owned()).or_insert(Known { place, ..entry });
    }
    for (name, spec) in desired.into_iter().flat_map(|desired| &desired.endpoints) {
        known.entry(name.to_string()).or_insert_with(|| from_wish(existing, spec));
    }
    (known, faults)
}

/// Passwords as they were looked up with the directory.
pub fn add_passwords(known: &mut BTreeMap<String, Known>, desired: &Desired) {
    for (name, spec) in &desired.endpoints {
        let Some(known) = known.get_mut(&name.to_string()) else { continue };
        let secret = match &spec.device {
            // Without a user name of its own the guide's password column stays blank too.
            DeviceSpec::Cisco(cisco) if !known.row.api_username.is_empty() => cisco.password.known(),
            DeviceSpec::Poly(poly) => poly.password.known(),
            _ => None,
        };
        known.row.password = secret.cloned();
    }
}

/// What an endpoint of a group has before it says anything itself.
pub(super) struct FromGroup<'a> {
    group: Option<&'a Standing>,
    context: Value,
    render: Render,
}

impl<'a> FromGroup<'a> {
    pub(super) fn new(existing: &'a Existing, group: &str, endpoint: &Value, render: Render) -> Self {
        let text = |pointer: &str| endpoint.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let standing = existing.find("EndpointGroup", group);
        let location = standing.map(|it| it.text("/spec/location")).filter(|it| !it.is_empty()).unwrap_or("default");
        let context = json!({
            "endpoint": {"name": text("/metadata/name"), "labels": endpoint.pointer("/metadata/labels").cloned().unwrap_or(json!({}))},
            "room": {"email": text("/spec/roomEmail").to_lowercase()},
            "group": {"name": group},
            "location": {"name": location},
        });
        Self { group: standing, context, render }
    }

    fn value(&self, pointer: &str) -> Option<&'a Value> {
        self.group?.value.pointer(pointer)
    }

    /// A text, rendered; a template that fails is as good as none, and lint says why.
    pub(super) fn text(&self, pointer: &str) -> Option<String> {
        (self.render)(self.value(pointer)?.as_str()?, &self.context).ok()
    }

    /// A reference to a secret, its texts rendered.
    pub(super) fn reference(&self, pointer: &str) -> Option<Value> {
        let map = self.value(pointer)?.as_object()?;
        let rendered = map.iter().map(|(key, value)| {
            let text = value.as_str().and_then(|text| (self.render)(text, &self.context).ok());
            (key.clone(), text.map_or_else(|| value.clone(), Value::from))
        });
        Some(Value::Object(rendered.collect()))
    }
}

fn from_document(existing: &Existing, standing: &Standing, render: Render, faults: &mut Vec<Fault>) -> Known {
    let own = |pointer: &str| standing.value.pointer(pointer);
    let own_text = |pointer: &str| own(pointer).and_then(Value::as_str).map(str::to_owned);
    let group = FromGroup::new(existing, standing.text("/spec/group"), &standing.value, render);
    let text = |pointer: &str| own_text(pointer).or_else(|| group.text(pointer)).unwrap_or_default();
    let flag = |pointer: &str| own(pointer).or_else(|| group.value(pointer)).and_then(Value::as_bool);
    let mut row = Row {
        origin: existing.place(standing),
        name: standing.name().to_owned(),
        description: standing.text("/metadata/description").to_owned(),
        raise_alarms: own("/spec/raiseAlarms").and_then(Value::as_bool).unwrap_or(true),
        room_email: standing.text("/spec/roomEmail").to_owned(),
        group: standing.text("/spec/group").to_owned(),
        ..Row::default()
    };
    let mut password = None;
    if own("/spec/cisco").is_some() {
        row.address = text("/spec/cisco/address");
        let port = own("/spec/cisco/port").or_else(|| group.value("/spec/cisco/port"));
        row.port = port.and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
        row.use_https = flag("/spec/cisco/useHttps");
        row.verify_cert = tls(&text("/spec/cisco/tls"));
        // User name and password come from one level.
        let pair = own_text("/spec/cisco/username").zip(own("/spec/cisco/password").cloned());
        let pair = pair.or_else(|| group.text("/spec/cisco/username").zip(group.reference("/spec/cisco/password")));
        if let Some((username, reference)) = pair {
            (row.api_username, password) = (username, Some(reference));
        }
    } else if own("/spec/poly").is_some() {
        row.device = DeviceType::Poly;
        row.poly_username = text("/spec/poly/username");
        password = own("/spec/poly/password").cloned().or_else(|| group.reference("/spec/poly/password"));
    } else {
        row.device = DeviceType::Webex;
        row.webex_device_id = text("/spec/webex/deviceId");
    }
    not_in_csv(standing, &row, &text("/spec/cisco/tls"), faults);
    Known { row, password, place: String::new(), in_table: false }
}

/// What the guide's columns cannot say.
fn not_in_csv(standing: &Standing, row: &Row, tls: &str, faults: &mut Vec<Fault>) {
    let mut say = |message: &str, help: &str| {
        let (file, line) = row.origin.rsplit_once(':').unwrap_or((&row.origin, "0"));
        let at = (line.parse().unwrap_or(0), 1);
        faults.push(Fault::warning(file, at, format!("endpoint `{}`: {message}", row.name)).help(help));
    };
    if tls == "PinOnFirstUse" {
        say("`PinOnFirstUse` becomes `NO`", "the CSV knows only verification by authorities, or none");
    }
    if row.group.is_empty() && !standing.text("/spec/profile").is_empty() {
        say("it names a profile and no group, which the CSV cannot say", "put it into a group to carry that");
    }
}

fn tls(mode: &str) -> Choice {
    match mode {
        "Verify" => Some(true),
        "Insecure" | "PinOnFirstUse" => Some(false),
        _ => None,
    }
}

/// An endpoint of a table: everything inherited is in the wish already, so what equals the profile's is called inherited.
fn from_wish(existing: &Existing, spec: &EndpointSpec) -> Known {
    let profile = existing.find("Profile", &spec.profile.to_string());
    let profile_text = |pointer: &str| profile.map(|it| it.text(pointer)).unwrap_or_default();
    let profile_https =
        profile.and_then(|it| it.value.pointer("/spec/cisco/useHttps")).and_then(Value::as_bool).unwrap_or(true);
    let mut row = Row {
        origin: "a table".into(),
        name: spec.name.to_string(),
        description: spec.description.clone(),
        raise_alarms: spec.raise_alarms,
        room_email: spec.room_email.to_string(),
        group: spec.group.as_ref().map(ToString::to_string).unwrap_or_default(),
        ..Row::default()
    };
    match &spec.device {
        DeviceSpec::Cisco(cisco) => {
            row.address.clone_from(&cisco.address);
            row.port = Some(cisco.port).filter(|port| *port != if cisco.use_https { 443 } else { 80 });
            row.use_https = Some(cisco.use_https).filter(|it| *it != profile_https);
            let inherited = match profile_text("/spec/cisco/tls") {
                "Insecure" => TlsMode::Insecure,
                "PinOnFirstUse" => TlsMode::PinOnFirstUse,
                _ => TlsMode::Verify,
            };
            row.verify_cert = Some(cisco.tls == TlsMode::Verify).filter(|_| cisco.tls != inherited);
            if cisco.username != profile_text("/spec/cisco/username") {
                row.api_username.clone_from(&cisco.username);
            }
        }
        DeviceSpec::Poly(poly) => {
            row.device = DeviceType::Poly;
            row.poly_username.clone_from(&poly.username);
        }
        DeviceSpec::Webex(webex) => {
            row.device = DeviceType::Webex;
            row.webex_device_id.clone_from(&webex.device_id);
        }
    }
    Known { row, password: None, place: "a table".into(), in_table: true }
}

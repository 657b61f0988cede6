//! A device of the simulated Webex Cloud: how it stands, its list, and what it does with a command.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::listing;
use crate::sim::cisco::{Entry, Generation, Shown, from_json};

/// See the module.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its software's family.
    pub generation: Generation,
    /// Its software as the cloud writes it.
    pub software: String,
    /// Product name.
    pub product: String,
    /// Serial number.
    pub serial: String,
    /// It belongs to a person: nobody else reads its bookings.
    pub personal: bool,
    /// Connected to the cloud.
    pub connected: bool,
    /// Another request has it.
    pub locked: bool,
    /// Microsoft Teams Rooms mode.
    pub teams_rooms: bool,
    /// A list of one comes as that one, numbers come as texts.
    pub terse: bool,
    /// It keeps titles in capitals, as no device should.
    pub rewrites: bool,
    /// Its list is refused with this reason.
    pub declines: Option<String>,
    bookings: Vec<Entry>,
    last_updated: Timestamp,
}

impl Device {
    /// A Room Bar in a workspace, connected, with an empty list.
    #[must_use]
    pub fn new(serial: &str, now: Timestamp) -> Self {
        Self {
            generation: Generation::RoomOs26,
            software: "RoomOS 26.4.1.3 0a1b2c3d".to_owned(),
            product: "Cisco Room Bar".to_owned(),
            serial: serial.to_owned(),
            personal: false,
            connected: true,
            locked: false,
            teams_rooms: false,
            terse: false,
            rewrites: false,
            declines: None,
            bookings: Vec::new(),
            last_updated: now,
        }
    }

    /// Starts anew: the list is gone.
    pub fn reboot(&mut self, now: Timestamp) {
        self.bookings.clear();
        self.last_updated = now;
    }

    /// The Webex calendar service, switched on for the workspace, replaces the list by its own, with ids `webex-<n>`.
    pub fn taken_over(&mut self, titles: &[&str], start: Timestamp, now: Timestamp) {
        let rival = |(number, title): (usize, &&str)| Entry::foreign(&format!("webex-{}", number + 1), title, start);
        self.bookings = titles.iter().enumerate().map(rival).collect();
        self.last_updated = now;
    }

    /// What the screen shows.
    #[must_use]
    pub fn shown(&self, now: Timestamp) -> Vec<Shown> {
        let mut current: Vec<&Entry> = self.current(now).collect();
        current.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
        current.into_iter().map(|entry| entry.shown(now)).collect()
    }

    fn current(&self, now: Timestamp) -> impl Iterator<Item = &Entry> {
        self.bookings.iter().filter(move |entry| entry.closes() > now)
    }

    /// Its object of the devices API.
    pub(super) fn told(&self, id: &str, now: Timestamp) -> Value {
        let mut told = json!({
            "id": id, "displayName": format!("Device {}", self.serial), "product": self.product, "type": "roomdesk",
            "software": self.software, "serial": self.serial, "errorCodes": [], "lastSeen": now.to_string(),
            "connectionStatus": if self.connected { "connected" } else { "disconnected" }, "permissions": ["xapi"],
        });
        told[if self.personal { "personId" } else { "workspaceId" }] = json!(format!("place-of-{id}"));
        told
    }

    /// Its result, or a status and what is wrong.
    pub(super) fn perform(&mut self, name: &str, body: &Value, now: Timestamp) -> Result<Value, (u16, String)> {
        let writes = matches!(name, "Bookings.Put" | "Bookings.Clear");
        if writes && self.teams_rooms {
            return Err((400, "Command is not available in state MicrosoftTeamsInstalled.".to_owned()));
        }
        match name {
            "Bookings.Put" => {
                let bookings = match body {
                    // The cloud takes the body as an object or as a text.
                    Value::String(text) => from_json(text, self.generation),
                    object => from_json(&object.to_string(), self.generation),
                };
                if let Some(reason) = &self.declines {
                    return Err((400, reason.clone()));
                }
                self.bookings = bookings.map_err(|reason| (400, reason))?;
                if self.rewrites {
                    let shout = |entry: &mut Entry| {
                        entry.title = crate::model::Confidential::new(entry.title.expose().to_uppercase());
                    };
                    self.bookings.iter_mut().for_each(shout);
                }
            }
            "Bookings.Clear" => self.bookings.clear(),
            "Bookings.List" if self.personal => {
                return Err((403, "Command may impact privacy and is not allowed on personal devices.".to_owned()));
            }
            "Bookings.List" => return Ok(listing::of(self.current(now), self.last_updated, self.terse)),
            _ => return Err((404, "Unknown command.".to_owned())),
        }
        self.last_updated = now;
        Ok(json!({}))
    }
}

//! From rows to drafts. In: rows, and the endpoints that stand already. Out: drafts with the fields that differ, and the secrets that
//! are to be kept or filled in. A row that says what stands already changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::documents::{FromGroup, Known, Render};
use super::{Choice, DeviceType, Row};
use crate::diagnostic::did_you_mean;
use crate::import::draft::Draft;
use crate::import::existing::Existing;
use crate::import::fault::Fault;
use crate::import::secrets::{SecretEntry, password};

/// How rows become documents.
pub struct DraftOptions<'a> {
    /// What references to secrets name: a file in a secret directory.
    pub secrets_file: &'a str,
    /// Poly endpoints without password are given one.
    pub generate_passwords: bool,
    /// Groups that are not there are written.
    pub create_groups: bool,
    /// The profile of groups that are written.
    pub profile: Option<&'a str>,
    /// The rule engine's renderer.
    pub render: Render,
    /// Fills a slice with random bytes.
    pub random: &'a dyn Fn(&mut [u8]),
}

/// What rows become.
#[derive(Debug, Default)]
pub struct Drafted {
    /// Groups first, then endpoints in the order of the rows.
    pub drafts: Vec<Draft>,
    /// Passwords, by endpoint.
    pub secrets: Vec<SecretEntry>,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// Makes drafts of rows. `file` is the CSV, for messages.
#[must_use]
pub fn drafts(
    file: &str,
    rows: &[Row],
    existing: &Existing,
    known: &BTreeMap<String, Known>,
    options: &DraftOptions<'_>,
) -> Drafted {
    let mut drafting = Drafting { file, existing, options, drafted: Drafted::default() };
    drafting.groups(rows);
    for row in rows {
        match known.get(&row.name) {
            Some(known) if known.in_table => drafting.in_table(row),
            Some(known) => drafting.standing(row, known),
            None => drafting.new_endpoint(row),
        }
    }
    drafting.drafted
}

struct Drafting<'a> {
    file: &'a str,
    existing: &'a Existing,
    options: &'a DraftOptions<'a>,
    drafted: Drafted,
}

impl Drafting<'_> {
    fn error(&mut self, row: &Row, message: String, help: String) {
        self.drafted.faults.push(Fault::error(self.file, (row.line(), 1), message).help(help));
    }

    fn groups(&mut self, rows: &[Row]) {
        let mut said: BTreeSet<&str> = BTreeSet::new();
        for row in rows {
            let group = row.group.as_str();
            if group.is_empty() || self.existing.find("EndpointGroup", group).is_some() || !said.insert(group) {
                continue;
            }
            if self.options.create_groups {
                let mut draft = Draft::new("EndpointGroup", group, &row.origin);
                match self.options.profile {
                    Some(profile) => draft.set("/spec/profile", profile),
                    None => {
                        draft.notes.push("Give it a `profile`: without one its endpoints are not used.".into());
                        draft.clear("/spec/profile")
                    }
                };
                self.drafted.drafts.push(draft);
                continue;
            }
            let names = self.existing.of_kind("EndpointGroup").map(|standing| standing.name());
            let help = did_you_mean(group, names).map_or_else(
                || "write an EndpointGroup of that name first, or say --create-groups".to_owned(),
                |meant| format!("did you mean `{meant}`? --create-groups writes groups that are not there"),
            );
            self.error(row, format!("there is no group `{group}`"), help);
        }
    }

    fn in_table(&mut self, row: &Row) {
        let message = format!("endpoint `{}` stands in a table of the directory", row.name);
        self.error(row, message, "change it there, or take it out of the table or this file".into());
    }

    fn new_endpoint(&mut self, row: &Row) {
        let mut draft = Draft::new("Endpoint", &row.name, &row.origin);
        set_text(&mut draft, "/metadata/description", &row.description);
        set_text(&mut draft, "/spec/group", &row.group);
        draft.set("/spec/roomEmail", row.room_email.as_str());
        if !row.raise_alarms {
            draft.set("/spec/raiseAlarms", false);
        }
        device_fields(&mut draft, row, None);
        let from_group = FromGroup::new(self.existing, &row.group, &draft.document(), self.options.render);
        let inherited = row.device == DeviceType::Poly && from_group.reference("/spec/poly/password").is_some();
        if inherited && from_group.text("/spec/poly/username").as_deref() == Some(row.poly_username.as_str()) {
            draft.clear("/spec/poly/username");
            draft.set("/spec/poly", json!({}));
        }
        self.password(row, &mut draft, inherited);
        self.drafted.drafts.push(draft);
    }

    fn standing(&mut self, row: &Row, known: &Known) {
        let mut draft = Draft::new("Endpoint", &row.name, &row.origin);
        let old = &known.row;
        if row.description != old.description {
            set_text(&mut draft, "/metadata/description", &row.description);
        }
        if row.group != old.group {
            set_text(&mut draft, "/spec/group", &row.group);
            if !row.group.is_empty() {
                draft.clear("/spec/profile");
            }
        }
        if !row.room_email.eq_ignore_ascii_case(&old.room_email) {
            draft.set("/spec/roomEmail", row.room_email.as_str());
        }
        if row.raise_alarms != old.raise_alarms {
            draft.set_or_clear("/spec/raiseAlarms", (!row.raise_alarms).then_some(false));
        }
        let same_device = row.device == old.device;
        if !same_device {
            draft.clear(match old.device {
                DeviceType::Cisco => "/spec/cisco",
                DeviceType::Poly => "/spec/poly",
                DeviceType::Webex => "/spec/webex",
            });
        }
        device_fields(&mut draft, row, same_device.then_some(old));
        self.password(row, &mut draft, same_device && known.password.is_some());
        self.drafted.drafts.push(draft);
    }

    /// `has`: a password is there already, and a blank field keeps it.
    fn password(&mut self, row: &Row, draft: &mut Draft, has: bool) {
        let pointer = match row.device {
            DeviceType::Cisco => "/spec/cisco/password",
            DeviceType::Poly => "/spec/poly/password",
            DeviceType::Webex => return,
        };
        if row.device == DeviceType::Cisco && row.api_username.is_empty() {
            if has {
                draft.clear(pointer);
            }
            return;
        }
        if row.password.is_none() && has {
            return;
        }
        let generated = row.password.is_none() && row.device == DeviceType::Poly && self.options.generate_passwords;
        let value = if generated { Some(password(self.options.random)) } else { row.password.clone() };
        draft.set(pointer, reference(self.options.secrets_file, &row.name));
        self.drafted.secrets.push(SecretEntry { key: row.name.clone(), value, generated });
    }
}

/// A reference to an entry of a file of secrets.
pub(super) fn reference(file: &str, key: &str) -> Value {
    json!({"file": file, "key": key})
}

/// The fields of the device that differ from `old`; without `old` those that say anything.
fn device_fields(draft: &mut Draft, row: &Row, old: Option<&Row>) {
    let blank = Row::default();
    let before = old.unwrap_or(&blank);
    match row.device {
        DeviceType::Cisco => {
            text_field(draft, "/spec/cisco/address", &row.address, &before.address);
            if row.port != before.port {
                draft.set_or_clear("/spec/cisco/port", row.port);
            }
            text_field(draft, "/spec/cisco/username", &row.api_username, &before.api_username);
            if row.verify_cert != before.verify_cert {
                let mode = |verify: bool| if verify { "Verify" } else { "Insecure" };
                draft.set_or_clear("/spec/cisco/tls", row.verify_cert.map(mode));
            }
            choice_field(draft, "/spec/cisco/useHttps", row.use_https, before.use_https);
        }
        DeviceType::Poly => text_field(draft, "/spec/poly/username", &row.poly_username, &before.poly_username),
        DeviceType::Webex => text_field(draft, "/spec/webex/deviceId", &row.webex_device_id, &before.webex_device_id),
    }
}

fn text_field(draft: &mut Draft, pointer: &str, new: &str, old: &str) {
    if new != old {
        set_text(draft, pointer, new);
    }
}

fn choice_field(draft: &mut Draft, pointer: &str, new: Choice, old: Choice) {
    if new != old {
        draft.set_or_clear(pointer, new);
    }
}

fn set_text(draft: &mut Draft, pointer: &str, text: &str) {
    draft.set_or_clear(pointer, (!text.is_empty()).then_some(text));
}

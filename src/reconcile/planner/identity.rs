//! Which device answers at an endpoint's address, by its serial number, and whether it may be filled.
//!
//! | the serial number that answers | then |
//! |---|---|
//! | is the recorded one, or nobody's | it is recorded |
//! | is not the one the document names | `DeviceReplaced`: nothing is put |
//! | is another than the recorded one | `DeviceReplaced` is said; the record moves, unless it is another endpoint's |
//! | is recorded for another endpoint, which answers with it too | only one is filled: of two that never had another device the first by name (`DuplicateDevice`), otherwise the one it was recorded for |
//! | is recorded for another endpoint, which answers with another, or not for ten minutes | the record moves |

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{DeviceSpec, EndpointName, Held, Now};

use super::super::board::Drift;
use super::super::due::Object;
use super::super::observed::Rival;
use super::super::records;
use super::Planner;

/// An endpoint that has not answered for so long has lost its device to the one where it answers.
const SILENT_FOR: Duration = Duration::from_mins(10);
/// Two endpoints with one device are looked at this often, at first and later.
const LOOK_SOON: Duration = Duration::from_secs(60);
const LOOK_LATER: Duration = Duration::from_mins(5);

/// What an answer said about the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Device {
    /// The recorded one, or one that told no number.
    Same,
    /// Another one than before.
    Replaced,
}

impl Planner {
    /// Endpoints by the serial number that is recorded for them.
    pub(super) fn index_devices(&mut self) {
        self.devices = BTreeMap::new();
        for (name, known) in &self.endpoints {
            if let Some(serial) = known.serial.as_ref().filter(|serial| !serial.is_empty()) {
                self.devices.entry(serial.clone()).or_insert_with(|| name.clone());
            }
        }
    }

    /// `name` answered, with this serial number.
    pub(super) fn answered(&mut self, name: &EndpointName, serial: Option<&str>, now: Now) -> Device {
        let Some(serial) = serial.filter(|serial| !serial.is_empty()) else { return Device::Same };
        let Some(known) = self.endpoints.get_mut(name) else { return Device::Same };
        known.answered = Some((serial.to_owned(), now.mono));
        let replaced = known.serial.as_deref().is_some_and(|recorded| recorded != serial);
        if replaced && known.rival.is_none() {
            tracing::warn!(event = "device_replaced", endpoint = %name, "Another device answers at the address of this endpoint.");
            known.replaced_at = Some(now.wall);
        }
        self.judge(name, now);
        // Whoever waits for word from this one may go on, or may not.
        let waiting: Vec<EndpointName> = self
            .rivals
            .iter()
            .filter(|(other, of)| *of == name && *other != name)
            .map(|(other, _)| other.clone())
            .collect();
        for other in waiting {
            self.judge(&other, now);
            self.due.touch(Object::Endpoint(other));
        }
        if replaced { Device::Replaced } else { Device::Same }
    }

    /// Decides whether `name` may be filled, by what answered there last.
    fn judge(&mut self, name: &EndpointName, now: Now) {
        let Some(known) = self.endpoints.get(name) else { return };
        let Some((serial, _)) = known.answered.clone() else { return };
        let documented = self.desired.endpoints.get(name).and_then(|endpoint| match &endpoint.device {
            DeviceSpec::Cisco(cisco) => cisco.serial.as_deref(),
            _ => None,
        });
        if documented.is_some_and(|documented| !documented.eq_ignore_ascii_case(&serial)) {
            self.wait_behind(name, None, "DeviceReplaced", now);
            return;
        }
        let was_replaced = known.serial.as_ref().is_some_and(|recorded| *recorded != serial);
        let since = known.rival.as_ref().map_or(now.mono, |rival| rival.asked);
        let owner = self.devices.get(&serial).filter(|owner| *owner != name);
        let Some((owner, of)) = owner.and_then(|owner| Some((owner.clone(), self.endpoints.get(owner)?))) else {
            self.record(name, serial);
            return;
        };
        // What it said before the question arose proves nothing about now.
        let heard = of.answered.as_ref().filter(|(_, at)| *at >= since);
        let answers_with_another = heard.is_some_and(|(other, _)| *other != serial);
        let last = of.answered.as_ref().map_or(since, |(_, at)| (*at).max(since));
        let is_silent = last.until(now.mono) >= SILENT_FOR;
        let is_first = !was_replaced && *name < owner && heard.is_some();
        if answers_with_another || is_silent || is_first {
            self.record(name, serial);
            if is_first && !answers_with_another && !is_silent {
                self.wait_behind(&owner, Some(name.clone()), "DuplicateDevice", now);
            }
            return;
        }
        // Both are asked together, so that silence means something.
        let asks = heard.is_none() || last.until(now.mono) >= LOOK_SOON / 2;
        let reason = if was_replaced { "DeviceReplaced" } else { "DuplicateDevice" };
        self.wait_behind(name, Some(owner.clone()), reason, now);
        if let Some(of) = self.endpoints.get_mut(&owner).filter(|_| asks) {
            of.look_first = true;
            self.due.touch(Object::Endpoint(owner));
        }
    }

    /// The device is `name`'s from now on; whoever had it before has none until it answers again.
    fn record(&mut self, name: &EndpointName, serial: String) {
        self.rivals.remove(name);
        let before = self.devices.insert(serial.clone(), name.clone());
        if let Some(before) = before.filter(|before| before != name)
            && let Some(known) = self.endpoints.get_mut(&before)
        {
            known.serial = None;
            self.write_serial(&before);
        }
        let Some(known) = self.endpoints.get_mut(name) else { return };
        known.rival = None;
        if known.serial.as_ref() == Some(&serial) {
            return;
        }
        if let Some(recorded) = known.serial.replace(serial)
            && self.devices.get(&recorded) == Some(name)
        {
            self.devices.remove(&recorded);
        }
        self.write_serial(name);
    }

    fn write_serial(&mut self, name: &EndpointName) {
        let Some(known) = self.endpoints.get_mut(name) else { return };
        let serial = known.serial.clone();
        if let Held::Known(given) = &mut known.held
            && given.serial != serial
        {
            given.serial = serial;
            self.records.push(records::put_held(name, given));
        }
    }

    /// Nothing is put to `name` for now; both are looked at again soon.
    fn wait_behind(&mut self, name: &EndpointName, of: Option<EndpointName>, reason: &'static str, now: Now) {
        match of {
            Some(of) => self.rivals.insert(name.clone(), of),
            None => self.rivals.remove(name),
        };
        let Some(known) = self.endpoints.get_mut(name) else { return };
        let rival = known.rival.get_or_insert_with(|| {
            tracing::warn!(event = "device_not_filled", endpoint = %name, reason, "The device that answers belongs to another endpoint or is not the one expected; nothing is put there.");
            Rival { drift: Drift { reason, since: now.wall }, asked: now.mono }
        });
        rival.drift.reason = reason;
        let wait = if rival.asked.until(now.mono) < SILENT_FOR { LOOK_SOON } else { LOOK_LATER };
        known.next_look = now.mono + wait;
    }

    /// Forgets what answered: the endpoint has another address, or its documents changed.
    pub(super) fn ask_anew(&mut self, name: &EndpointName) {
        self.rivals.remove(name);
        if let Some(known) = self.endpoints.get_mut(name)
            && (known.rival.take().is_some() || known.answered.take().is_some())
        {
            known.next_look = crate::model::Mono::default();
        }
    }
}

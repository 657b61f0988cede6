//! From the store back to what was known before a restart.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::published::Edition;
use crate::model::{Desired, DeviceSpec, EndpointName, Given, Held, Now, RoomKey};

use super::super::due::Object;
use super::super::gate::GateRecord;
use super::super::observed::{EndpointKnown, OldPlace, RoomState};
use super::super::records::{AgendaRecord, MeetingsRecord};
use super::Planner;

/// A removed endpoint's place that outlived a restart is cleared this long after it at the earliest.
const CLEAR_AFTER: Duration = Duration::from_mins(10);
const GIVE_UP_AFTER: Duration = Duration::from_hours(24);

/// What the store kept.
#[derive(Debug, Default)]
pub struct Kept {
    /// The adopted directory, loaded again.
    pub directory: Option<Arc<Desired>>,
    /// Agendas without their texts.
    pub agendas: BTreeMap<RoomKey, AgendaRecord>,
    /// What the rules made of them.
    pub meetings: Vec<MeetingsRecord>,
    /// What endpoints were given.
    pub held: BTreeMap<EndpointName, Given>,
    /// Places that endpoints left: name, endpoint, what was given, whether the endpoint was removed.
    pub old_places: Vec<(String, EndpointName, Given, bool)>,
    /// Holds and approvals.
    pub gate: Option<GateRecord>,
}

impl Planner {
    /// Takes up where the process before ended: the kept directory runs until the one on disk was read, Poly endpoints are
    /// answered from what they were given, codecs keep what they have.
    pub fn restore(&mut self, kept: Kept, now: Now) {
        if let Some(gate) = kept.gate {
            self.gate.restore(gate);
        }
        for (place, endpoint, given, removed) in kept.old_places {
            let clear_from = if removed { now.mono + CLEAR_AFTER } else { now.mono };
            let old = OldPlace {
                endpoint,
                given,
                clear_from,
                give_up: clear_from + GIVE_UP_AFTER,
                in_flight: false,
                trouble: None,
                removed,
            };
            self.due.set(Object::OldPlace(place.clone()), clear_from);
            self.old_places.insert(place, old);
        }
        let Some(desired) = kept.directory else { return };
        let mut agendas = kept.agendas;
        let mut held = kept.held;
        for key in desired.rooms.keys() {
            let mut known = RoomState::default();
            if let Some(record) = agendas.remove(key) {
                known.cursor = record.cursor;
                known.time_zone = record.time_zone;
                known.last_read_wall = Some(record.read_at);
                known.agenda = Some(Arc::new(record.agenda));
            }
            self.rooms.insert(key.clone(), known);
            self.due.touch(Object::Room(key.clone()));
        }
        for record in kept.meetings {
            if let Some(known) = self.rooms.get_mut(&record.room) {
                known.meetings.insert(record.evaluation, record.made);
            }
        }
        for (name, endpoint) in &desired.endpoints {
            let mut known = EndpointKnown::default();
            if let Some(given) = held.remove(name) {
                if matches!(endpoint.device, DeviceSpec::Poly(_)) {
                    known.cell.publish(Edition { schedule: given.schedule.clone(), at: given.at });
                }
                known.last_put = Some(given.at);
                known.serial.clone_from(&given.serial);
                known.held = Held::Known(Box::new(given));
            }
            self.endpoints.insert(name.clone(), known);
            self.due.touch(Object::Endpoint(name.clone()));
        }
        self.gate.count_scopes(desired.endpoints.values().map(|endpoint| &**endpoint));
        self.config.generation = 1;
        self.config.source = "kept";
        self.config.checksum.clone_from(&desired.checksum);
        self.config.revision.clone_from(&desired.revision);
        self.config.documents.clone_from(&desired.documents);
        self.config.last_load_ok = true;
        self.config.adopted_at = Some(now.wall);
        self.documents.kept = true;
        self.desired = desired;
        self.board.put_config(self.config.clone());
        self.publish_wish();
        self.report_plan(now);
    }
}

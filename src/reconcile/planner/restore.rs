//! From the store back to what was known before a restart.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::published::Edition;
use crate::model::{Desired, DeviceSpec, EndpointName, EndpointSpec, Given, IntegrationName, Now, RoomKey};
use crate::store::Op;

use super::super::audit::Entry;
use super::super::due::Object;
use super::super::gate::{GateRecord, Names as _};
use super::super::marks::{Mark, Marks};
use super::super::observed::{EndpointKnown, OldPlace, RoomState};
use super::super::pace::QuotaRecord;
use super::super::records::{self, AgendaRecord, KeptPlace};
use super::super::step::{MeetingsByEvaluation, RoomMove};
use super::super::suspension::{Suspension, Suspensions};
use super::Planner;
use super::carry::Renamed;
use super::places::known_from;

/// What the store kept.
#[derive(Debug, Default)]
pub struct Kept {
    /// The adopted directory, loaded again.
    pub directory: Option<Arc<Desired>>,
    /// Agendas without their texts.
    pub agendas: BTreeMap<RoomKey, AgendaRecord>,
    /// What the rules made of them.
    pub meetings: BTreeMap<RoomKey, MeetingsByEvaluation>,
    /// What endpoints were given.
    pub held: BTreeMap<EndpointName, Given>,
    /// Places that endpoints left.
    pub old_places: Vec<KeptPlace>,
    /// Holds and approvals.
    pub gate: Option<GateRecord>,
    /// How many requests calendar services were asked.
    pub quotas: BTreeMap<IntegrationName, QuotaRecord>,
    /// What an operator suspended.
    pub suspended: Vec<Suspension>,
    /// What operators said about alarms.
    pub marks: Vec<Mark>,
    /// What operators did, oldest first.
    pub audit: Vec<Entry>,
}

impl Planner {
    /// Takes up where the process before ended: the kept directory runs until the one on disk was read, Poly endpoints are
    /// answered from what they were given, codecs keep what they have.
    pub fn restore(&mut self, kept: Kept, now: Now) {
        if let Some(gate) = kept.gate {
            self.gate.restore(gate);
        }
        self.pace.restore(kept.quotas);
        self.suspensions = Suspensions::restored(kept.suspended);
        self.marks = Marks::restored(kept.marks);
        self.audit.restore(kept.audit);
        self.report_orders();
        for kept in kept.old_places {
            let left_at = kept.left_at.unwrap_or(now.wall);
            let old = OldPlace::left(kept.endpoint, kept.given, left_at, kept.removed, now);
            self.due.set(Object::OldPlace(kept.place.clone()), old.clear_from);
            self.old_places.insert(kept.place, old);
        }
        self.unclaimed = Kept { agendas: kept.agendas, meetings: kept.meetings, held: kept.held, ..Kept::default() };
        let Some(desired) = kept.directory else { return };
        self.claim(&desired);
        for key in desired.rooms.keys() {
            self.rooms.entry(key.clone()).or_default();
            self.due.touch(Object::Room(key.clone()));
        }
        for name in desired.endpoints.keys() {
            self.endpoints.entry(name.clone()).or_default();
            self.due.touch(Object::Endpoint(name.clone()));
        }
        self.places_of(&desired);
        self.index_devices();
        self.gate.count_scopes(desired.endpoints.values().map(|endpoint| &**endpoint));
        self.config.generation = 1;
        self.config.source = "kept";
        self.config.checksum.clone_from(&desired.checksum);
        self.config.revision.clone_from(&desired.revision);
        self.config.documents.clone_from(&desired.documents);
        self.config.expiries = desired.expiries();
        self.config.last_load_ok = true;
        self.config.adopted_at = Some(now.wall);
        self.documents.kept = true;
        self.desired = desired;
        self.adopt_pace(now);
        self.board.put_config(self.config.clone());
        self.publish_wish();
        self.report_plan(now);
    }

    /// The first directory after the start takes up what the store kept; calendars that nobody claims are forgotten. What an
    /// endpoint was given stays written down for whoever claims it later.
    pub(super) fn take_up(&mut self, new: &Desired) {
        self.claim(new);
        let unclaimed = std::mem::take(&mut self.unclaimed);
        self.records.extend(unclaimed.agendas.keys().map(|key| Op::delete(records::agenda(key))));
        let meetings = unclaimed.meetings.iter().flat_map(|(key, made)| made.keys().map(move |id| (key, id)));
        self.records.extend(meetings.map(|(key, id)| Op::delete(records::meetings(key, id))));
    }

    /// Takes up what the store kept under the names of `new`, and under their former ones.
    fn claim(&mut self, new: &Desired) {
        let formers = Renamed::all_of(new);
        let mut held = std::mem::take(&mut self.unclaimed.held);
        let mut claims: Vec<(EndpointName, EndpointName)> =
            new.endpoints.keys().map(|name| (name.clone(), name.clone())).collect();
        claims.extend(formers.endpoints.iter().map(|(former, name)| (former.clone(), name.clone())));
        for (former, name) in claims {
            let Some(endpoint) = new.endpoints.get(&name).filter(|_| !self.endpoints.contains_key(&name)) else {
                continue;
            };
            let Some(given) = held.remove(&former) else { continue };
            if former != name {
                self.records.push(Op::delete(records::held(&former)));
                self.records.push(records::put_held(&name, &given));
            }
            let known = known_from(given);
            publish_again(endpoint, &known);
            self.endpoints.insert(name, known);
        }
        self.unclaimed.held = held;
        let mut claims: Vec<RoomKey> = self.unclaimed.agendas.keys().cloned().collect();
        // Who has the name comes before whom it was taken over from.
        claims.sort_by_key(|key| !new.rooms.contains_key(key));
        for from in claims {
            let to = if new.rooms.contains_key(&from) { from.clone() } else { formers.room(&from) };
            if new.rooms.contains_key(&to) && !self.rooms.contains_key(&to) {
                self.claim_room(from, to, &formers);
            }
        }
    }

    /// What the store kept of a room.
    fn claim_room(&mut self, from: RoomKey, to: RoomKey, formers: &Renamed) {
        let Some(mut record) = self.unclaimed.agendas.remove(&from) else { return };
        let made = self.unclaimed.meetings.remove(&from).unwrap_or_default();
        let evaluations: Vec<_> = made.keys().map(|id| (id.clone(), formers.evaluation(id))).collect();
        let carrying = from != to || evaluations.iter().any(|(before, now)| before != now);
        record.agenda.room = to.clone();
        let known = RoomState {
            cursor: record.cursor,
            time_zone: record.time_zone,
            last_read_wall: Some(record.read_at),
            agenda: Some(Arc::new(record.agenda)),
            meetings: made.into_iter().map(|(id, made)| (formers.evaluation(&id), made)).collect(),
            carrying,
            ..RoomState::default()
        };
        self.rooms.insert(to.clone(), known);
        if carrying {
            self.documents.carry.push(RoomMove { from, to, evaluations });
            self.due.touch(Object::Documents);
        }
    }
}

/// A Poly endpoint is answered from what it was given before the restart.
fn publish_again(endpoint: &EndpointSpec, known: &EndpointKnown) {
    if let (DeviceSpec::Poly(_), Some(given)) = (&endpoint.device, known.given()) {
        known.cell.publish(Edition::new(given.schedule.clone(), given.at));
    }
}

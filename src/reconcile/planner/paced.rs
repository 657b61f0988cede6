//! Calendar services whose requests are paced: what the pace says becomes steps, what came of them is told to the pace.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Failure, IntegrationName, Meetings, Mono, Now, RoomEmail, RoomKey, RoomSpec};

use super::super::due::{Batch, Object};
use super::super::pace::{Known, Turn, Why};
use super::super::plan::{Planned, READ_EVERY, read_room, zone_of};
use super::super::records::put_quota;
use super::super::step::{MeetingsByEvaluation, Step};
use super::Planner;

/// Calendar services are shown anew this often.
const REPORT_EVERY: Duration = Duration::from_secs(2);
/// A room that another step is at is asked for again after this long.
const BUSY_AGAIN: Duration = Duration::from_secs(1);

impl Planner {
    /// The next step of a calendar service.
    pub(super) fn plan_integration(&mut self, name: &IntegrationName, now: Now) -> Planned {
        let desired = self.desired.clone();
        loop {
            let step = match self.pace.next(name, now) {
                Turn::Later(due) => return Planned { step: None, due },
                Turn::Read { room, account, why } => {
                    let (Some(spec), Some(known)) = (desired.rooms.get(&room), self.rooms.get(&room)) else {
                        self.pace.put_off(&room, Mono::NEVER, now);
                        continue;
                    };
                    if known.in_flight || known.carrying {
                        self.pace.put_off(&room, now.mono + BUSY_AGAIN, now);
                        continue;
                    }
                    if !self.is_acted_on(spec, now) {
                        self.pace.put_off(&room, now.mono + READ_EVERY, now);
                        continue;
                    }
                    read_room(&desired, spec, known, account, why == Why::Verify, now)
                }
                Turn::Busy { batch, rooms, window, account } => {
                    let Some(integration) = desired.integrations.get(name) else {
                        return Planned { step: None, due: Mono::NEVER };
                    };
                    Step::ReadBusy { batch, integration: Arc::clone(integration), rooms, window, account }
                }
            };
            // There may be more to ask at once.
            self.due.touch(Object::Integration(name.clone()));
            return Planned { step: Some(step), due: Mono::NEVER };
        }
    }

    /// Takes up the services of the wish in force, and forgets those that are gone.
    pub(super) fn adopt_pace(&mut self, now: Now) {
        let rooms = &self.rooms;
        let known = |room: &RoomSpec| match rooms.get(&room.key) {
            Some(known) => Known {
                agenda: known.agenda.clone(),
                zone: zone_of(room, known).to_owned(),
                meetings: the_one(&known.meetings),
            },
            None => Known { zone: room.time_zone.clone().unwrap_or_else(|| "UTC".into()), ..Known::default() },
        };
        self.pace.adopt(&self.desired, known, now);
        for name in self.desired.integrations.keys().filter(|name| self.pace.paces(name)) {
            self.due.touch(Object::Integration(name.clone()));
        }
        // A page must not call a service uncounted until its first report is due.
        self.integrations_due = now.mono;
        self.report_integrations(now);
    }

    /// The rules made something of a room's agenda.
    pub(super) fn tell_pace_of_meetings(&mut self, room: &RoomKey) {
        if let Some(known) = self.rooms.get(room) {
            self.pace.was_evaluated(room, the_one(&known.meetings));
        }
    }

    /// A reason to read a paced room at `at`.
    pub(super) fn ask_pace(&mut self, room: &RoomKey, why: Why, at: Mono) {
        if self.pace.paces(&room.integration) {
            self.pace.ask(room, why, at);
            self.due.touch(Object::Integration(room.integration.clone()));
        }
    }

    /// Requests that are to be made soon, for the store.
    pub(super) fn reserve_requests(&mut self, now: Now) {
        let reserved = self.pace.reserve(now);
        self.records.extend(reserved.iter().map(|(name, record)| put_quota(name, record)));
    }

    /// Tells the board how calendar services stand.
    pub(super) fn report_integrations(&mut self, now: Now) {
        if now.mono >= self.integrations_due {
            self.integrations_due = now.mono + REPORT_EVERY;
            for (name, heard) in self.tally.hearing.snapshot() {
                self.pace.hears(&name, heard.share());
            }
            let mut all = self.pace.status(now);
            for status in &mut all {
                status.heard = self.tally.hearing.of(&status.name);
            }
            self.board.put_integrations(all);
        }
    }

    /// A step that asked a calendar service ended.
    pub(super) fn tell_pace(&mut self, object: &Object, requests: u32, failure: Option<&Failure>, now: Now) {
        let integration = match object {
            Object::Room(key) => &key.integration,
            Object::Batch(batch) => &batch.integration,
            _ => return,
        };
        if self.pace.paces(integration) {
            self.pace.step_ended(object, requests, failure, now);
            self.due.touch(Object::Integration(integration.clone()));
        }
    }

    /// What a group of rooms said about when they are taken.
    pub(super) fn busy_told(
        &mut self,
        batch: &Batch,
        told: &[(RoomEmail, Result<crate::model::Busy, Failure>)],
        now: Now,
    ) {
        self.pace.busy_told(batch, told, now);
        self.due.touch(Object::Integration(batch.integration.clone()));
    }
}

/// What the one evaluation of a room has made.
fn the_one(made: &MeetingsByEvaluation) -> Option<Arc<Meetings>> {
    (made.len() == 1).then(|| made.values().next().cloned()).flatten()
}

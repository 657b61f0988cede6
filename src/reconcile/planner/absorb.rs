//! What came of the steps.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::desired::ModeState;
use crate::model::{
    Agenda, EndpointName, EndpointSpec, EvaluationId, Failure, Given, Held, MatchedBy, Meetings, Mono, Now, RoomKey,
    Scope,
};

use super::super::board::Drift;
use super::super::due::Object;
use super::super::observed::Trouble;
use super::super::pace::{Reading, Why};
use super::super::plan::{next_read, zone_of};
use super::super::step::{AgendaRead, Ended, Outcome};
use super::carry::wrote_held;
use super::{DOCUMENTS_EVERY, Planner};

/// From three meetings to none needs a second look: an empty answer is the likeliest way for a calendar to be wrong.
const SUSPICIOUSLY_EMPTY: usize = 3;
/// The second look comes this long after the first.
const LOOK_TWICE_AFTER: Duration = Duration::from_secs(60);
/// A directory that git is writing is looked at again after this long.
const GIT_AGAIN: Duration = Duration::from_secs(1);

impl Planner {
    /// Takes in what came of a step, and looks again at what it touched.
    pub fn absorb(&mut self, ended: Ended, now: Now) {
        let Ended { object, label, requests, result } = ended;
        self.in_flight = self.in_flight.saturating_sub(1);
        let began = object;
        if matches!(label, "ReadAgenda" | "ReadBusy") {
            self.tell_pace(&began, requests, result.as_ref().err(), now);
        }
        let object = self.called_now(began.clone());
        if matches!(object, Object::Room(_)) && began != object {
            // The room has another name by now: what was read under the old one is read again.
            return;
        }
        let wrote_held = result.as_ref().is_ok_and(wrote_held);
        match (&object, result) {
            (_, Ok(outcome)) => self.absorb_success(&object, outcome, now),
            (Object::Documents, Err(failure)) if label == "CarryRooms" => {
                tracing::warn!(reason = failure.reason, "Stored calendars could not be moved to their new names.");
                self.rooms_carried();
                self.due.touch(object.clone());
            }
            (Object::Documents, Err(failure)) => self.documents_failed(failure, now),
            (Object::Room(key), Err(failure)) => self.room_failed(key, label, failure, now),
            (Object::Endpoint(name), Err(failure)) => {
                if let Some(known) = self.endpoints.get_mut(name) {
                    if failure.reason == "DeviceReplaced" {
                        // Nothing was put: what stands there now is read first.
                        known.look_first = true;
                    }
                    if known.trouble.is_none() {
                        tracing::warn!(event = "push_failed", endpoint = %name, reason = failure.reason, "The endpoint did not take its schedule; trying again.");
                    }
                    known.trouble = Some(Trouble::after(known.trouble.as_ref(), failure, name.as_str(), now));
                }
                self.due.touch(object.clone());
            }
            // The pace was told.
            (Object::Integration(_) | Object::Batch(_), Err(_)) => {}
            (Object::OldPlace(place), Err(failure)) => {
                if let Some(known) = self.old_places.get_mut(place) {
                    known.trouble = Some(Trouble::after(known.trouble.as_ref(), failure, place, now));
                    let endpoint = known.endpoint.clone();
                    self.first_try_is_over(&endpoint, place);
                }
                self.due.touch(object.clone());
            }
        }
        if let (Object::Endpoint(former), Object::Endpoint(name), true) =
            (&began, &object, began != object && wrote_held)
        {
            self.write_held_again([former, name]);
        }
    }

    fn absorb_success(&mut self, object: &Object, outcome: Outcome, now: Now) {
        match (object, outcome) {
            (Object::Documents, Outcome::Documents(read)) => {
                self.documents.trouble = None;
                self.due.set(Object::Documents, now.mono + DOCUMENTS_EVERY);
                self.consider(read, now);
            }
            (Object::Documents, Outcome::RoomsCarried) => {
                self.rooms_carried();
                self.due.touch(Object::Documents);
            }
            (Object::Documents, Outcome::DirectoryKept) => self.due.set(Object::Documents, now.mono + DOCUMENTS_EVERY),
            (Object::Room(key), Outcome::Agenda(read)) => self.agenda_read(key, *read, now),
            (Object::Room(key), Outcome::AgendaUnchanged { server_ahead }) => {
                self.heard_time(key, server_ahead, now);
                self.room_was_read(key, None, now);
            }
            (Object::Room(key), Outcome::Meetings(made)) => {
                self.count_matches(key, &made);
                if let Some(known) = self.rooms.get_mut(key) {
                    known.evaluation_trouble = None;
                    known.meetings.extend(made);
                }
                self.tell_pace_of_meetings(key);
                self.touch_room_and_endpoints(key);
                self.assessed(key, now);
            }
            (Object::Batch(batch), Outcome::Busy(told)) => self.busy_told(batch, &told, now),
            (Object::Endpoint(name), Outcome::Held(read)) => {
                self.held_read(name, read, now);
                self.due.touch(object.clone());
            }
            (Object::Endpoint(name), Outcome::Put { given, done }) => {
                self.put_done(name, *given, done, now);
                self.due.touch(object.clone());
            }
            (Object::Endpoint(name), Outcome::Published { given }) => {
                self.published(name, *given, now);
                self.due.touch(object.clone());
            }
            (Object::Endpoint(name), Outcome::PinForgotten) => {
                if let Some(known) = self.endpoints.get_mut(name) {
                    known.trust_anew = false;
                }
                self.due.touch(object.clone());
            }
            (Object::OldPlace(place), Outcome::Cleared { left }) => {
                if let Some(known) = self.old_places.get_mut(place) {
                    tracing::info!(endpoint = %known.endpoint, left, "A place that an endpoint left was looked after.");
                    known.give_up = Mono::default();
                    let endpoint = known.endpoint.clone();
                    self.first_try_is_over(&endpoint, place);
                }
                self.due.touch(object.clone());
            }
            (Object::OldPlace(place), Outcome::Forgotten) => {
                if let Some(old) = self.old_places.remove(place)
                    && old.removed
                    && !self.desired.endpoints.contains_key(&old.endpoint)
                {
                    self.gate.forget(&old.endpoint);
                }
            }
            (_, outcome) => tracing::error!(?object, ?outcome, "An outcome that belongs to another object is ignored."),
        }
    }

    fn documents_failed(&mut self, failure: Failure, now: Now) {
        // A pull under way is no fault: it is read a moment later.
        if failure.reason == "GitAtWork" {
            self.due.set(Object::Documents, now.mono + GIT_AGAIN);
            return;
        }
        // What was read before says nothing about what will be read next.
        self.documents.removing = None;
        let since = self.config.drift.as_ref().map_or(now.wall, |drift| drift.since);
        tracing::warn!(
            event = "config_refused",
            reason = failure.reason,
            message = failure.message,
            "The directory could not be read; the last good one runs on."
        );
        self.config.last_load_ok = false;
        self.config.errors = 1;
        self.config.findings = format!("{failure}\n");
        self.config.drift = Some(Drift { reason: "ConfigInvalid", since });
        self.board.put_config(self.config.clone());
        let trouble = Trouble::after(self.documents.trouble.as_ref(), failure, "documents", now);
        self.due.set(Object::Documents, trouble.next);
        self.documents.trouble = Some(trouble);
    }

    fn room_failed(&mut self, key: &RoomKey, label: &str, failure: Failure, now: Now) {
        let Some(known) = self.rooms.get_mut(key) else { return };
        if label == "Evaluate" {
            known.evaluation_trouble =
                Some(Trouble::after(known.evaluation_trouble.as_ref(), failure, key.email.as_str(), now));
            // Without its texts the room can only be read anew.
            known.cursor = None;
            known.next_read = Mono::default();
            self.ask_pace(key, Why::Asked, now.mono);
            self.assessed(key, now);
        } else if failure.scope != Scope::Object && self.pace.paces(&key.integration) {
            // What is wrong with an account or a whole service is told once, not by each of its rooms, and ends for all of them
            // at once: the pace finds out when.
            self.pace.put_off(key, now.mono, now);
        } else {
            if known.trouble.is_none() {
                tracing::warn!(event = "room_read_failed", room = %key, reason = failure.reason, "The calendar could not be read; endpoints keep what they have.");
            }
            let trouble = Trouble::after(known.trouble.as_ref(), failure, key.email.as_str(), now);
            let next = trouble.next;
            known.trouble = Some(trouble);
            self.pace.put_off(key, next, now);
        }
        self.due.touch(Object::Room(key.clone()));
    }

    fn agenda_read(&mut self, key: &RoomKey, read: AgendaRead, now: Now) {
        self.heard_time(key, read.server_ahead, now);
        let trusted = self.wall.trusted();
        let Some(known) = self.rooms.get_mut(key) else { return };
        let had = known.agenda.as_ref().map_or(0, |agenda| agenda.not_ended(now.wall));
        let has = read.agenda.not_ended(now.wall);
        let suspicious = had >= SUSPICIOUSLY_EMPTY && has == 0;
        let sure = known.confirm_empty.is_some_and(|due| due <= now.mono);
        if suspicious && (!sure || !trusted) {
            tracing::warn!(room = %key, had, "The calendar says that all meetings are gone; reading it again to be sure.");
            known.confirm_empty = Some(now.mono + LOOK_TWICE_AFTER);
            known.trouble = None;
            self.ask_pace(key, Why::Asked, now.mono + LOOK_TWICE_AFTER);
            self.due.touch(Object::Room(key.clone()));
            return;
        }
        known.confirm_empty = None;
        let news = known.agenda.as_ref().and_then(|old| read.agenda.news_since(old, now.wall));
        if known.agenda.as_ref().is_none_or(|old| old.digest != read.agenda.digest) {
            known.changed_at = Some(now.wall);
        }
        known.cursor = read.cursor;
        if read.time_zone.is_some() && known.time_zone != read.time_zone {
            known.time_zone = read.time_zone;
            known.meetings.clear();
        }
        set_agenda(&mut known.agenda, read.agenda);
        self.room_was_read(key, news, now);
    }

    fn heard_time(&mut self, key: &RoomKey, ahead: Option<jiff::SignedDuration>, now: Now) {
        if let Some(ahead) = ahead {
            self.wall.heard(&key.integration, ahead, now);
        }
    }

    fn room_was_read(&mut self, key: &RoomKey, news: Option<Timestamp>, now: Now) {
        let Some(room) = self.desired.rooms.get(key) else { return };
        let endpoints = room.endpoints.clone();
        let Some(known) = self.rooms.get_mut(key) else { return };
        if known.trouble.take().is_some() {
            tracing::info!(event = "room_recovered", room = %key, "The calendar can be read again.");
        }
        let first = known.last_read.is_none();
        known.reads += 1;
        known.last_read = Some(now);
        known.last_read_wall = Some(now.wall);
        known.next_read = next_read(room, known.reads, now);
        if let Some(agenda) = &known.agenda {
            self.pace.was_read(key, &Reading { agenda, zone: zone_of(room, known), news }, now);
        }
        self.due.touch(Object::Room(key.clone()));
        for name in endpoints {
            let acts = |spec: &Arc<EndpointSpec>| self.suspensions.mode(spec, now.wall) == ModeState::Enforce;
            let waits = self.endpoints.get(&name).is_some_and(|endpoint| endpoint.held == Held::Unknown)
                && self.desired.endpoints.get(&name).is_some_and(acts);
            if first || waits || self.gate.concerns(&name) {
                self.due.touch(Object::Endpoint(name));
            }
        }
    }

    fn touch_room_and_endpoints(&mut self, key: &RoomKey) {
        self.due.touch(Object::Room(key.clone()));
        for name in self.desired.rooms.get(key).map(|room| room.endpoints.as_slice()).unwrap_or_default() {
            self.due.touch(Object::Endpoint(name.clone()));
        }
    }

    fn published(&mut self, name: &EndpointName, given: Given, now: Now) {
        self.observe_delay(name, &given, now);
        let Some(known) = self.endpoints.get_mut(name) else { return };
        known.trouble = None;
        known.last_put = Some(given.at);
        known.held = Held::Known(Box::new(given));
    }

    /// How long each change took from the calendar to the endpoint: from the calendar's own change time where that lies
    /// after the previous list, else from when the change was first seen.
    pub(super) fn observe_delay(&self, name: &EndpointName, given: &Given, now: Now) {
        let Some(known) = self.endpoints.get(name) else { return };
        let Some(before) = known.given() else { return };
        let Some(room) = self.desired.endpoints.get(name).and_then(|endpoint| self.rooms.get(&endpoint.room)) else {
            return;
        };
        let Some(seen) = room.changed_at else { return };
        let change = crate::meetings::diff(&given.schedule, &before.schedule, now.wall);
        for id in change.added.iter().chain(&change.changed) {
            let modified = given.schedule.get(id).and_then(|booking| booking.last_modified);
            let from = modified.filter(|at| *at > before.at && *at < seen).unwrap_or(seen);
            let delay = Duration::try_from(now.wall.duration_since(from)).unwrap_or_default();
            self.tally.change_to_endpoint.observe(&[], delay);
        }
    }

    /// Counts each rule's matches among events that were not counted before.
    fn count_matches(&self, key: &RoomKey, made: &[(EvaluationId, Arc<Meetings>)]) {
        let Some(known) = self.rooms.get(key) else { return };
        for (evaluation, meetings) in made {
            let before: BTreeSet<_> = known
                .meetings
                .get(evaluation)
                .map(|before| before.list.iter().map(|meeting| meeting.event).collect())
                .unwrap_or_default();
            for meeting in meetings.list.iter().filter(|meeting| !before.contains(&meeting.event)) {
                if let MatchedBy::Rule(rule) = &meeting.verdict.by {
                    self.tally.rule_matches.add(&[evaluation.profile.as_str(), rule.as_str()]);
                }
            }
        }
    }
}

/// Unchanged agendas keep their allocation.
fn set_agenda(slot: &mut Option<Arc<Agenda>>, new: Arc<Agenda>) {
    if slot.as_ref().is_none_or(|old| **old != *new) {
        *slot = Some(new);
    }
}

//! What the board says: one cell per object, written when the object was looked at.

use jiff::{SignedDuration, Timestamp};

use crate::meetings::diff;
use crate::model::desired::ModeState;
use crate::model::service::Service;
use crate::model::{DeviceSpec, EndpointName, EndpointSpec, Held, Now, RoomKey, Schedule};

use super::super::board::{Drift, EndpointState, EndpointStatus, Hold, PlanStatus, Pulse, RoomStatus};
use super::super::observed::{EndpointKnown, RoomState};
use super::super::pace::Why;
use super::super::plan::{READ_EVERY, REWRITES, is_fought_over};
use super::Planner;

/// A room that is read every half minute is stale when its last complete read is older than this.
const STALE_AFTER: SignedDuration = SignedDuration::from_mins(15);
/// A Poly endpoint that fetched an older list for longer than this has fallen behind.
const BEHIND_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// That a device is another one than before is said for so long.
const REPLACED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// A Poly endpoint not heard of for this long is silent.
const SILENT_AFTER: SignedDuration = SignedDuration::from_mins(10);

impl Planner {
    pub(super) fn report_room(&mut self, key: &RoomKey, now: Now) {
        let desired = self.desired.clone();
        let Some(room) = desired.rooms.get(key) else { return };
        let acted_on = self.is_acted_on(room, now);
        let Some(known) = self.rooms.get_mut(key) else { return };
        let stale_after = self.pace.stale_after(key).unwrap_or(STALE_AFTER);
        let reason =
            if acted_on { room_drift(known, stale_after, now.wall) } else { known.last_read_wall.map(|_| "Suspended") };
        known.drift = since(reason, known.drift.take(), now.wall);
        let profiles = room.evaluations.iter().filter_map(|evaluation| {
            let list = &known.meetings.get(evaluation)?.list;
            let current = list.iter().filter(|meeting| meeting.end > now.wall);
            let without = current.clone().filter(|meeting| meeting.verdict.alias.is_none()).count();
            Some((evaluation.profile.clone(), current.count(), without))
        });
        let (next, why) = match self.pace.next_read(key) {
            Some((next, why)) => (next, Some(why)),
            None => (known.next_read.max(known.trouble.as_ref().map_or(known.next_read, |trouble| trouble.next)), None),
        };
        let wait = SignedDuration::try_from(now.mono.until(next)).unwrap_or(SignedDuration::ZERO);
        let next_read = now.wall.checked_add(wait).ok();
        let status = RoomStatus {
            key: key.clone(),
            endpoints: room.endpoints.clone(),
            last_read: known.last_read_wall,
            next_read,
            next_why: why,
            next_meeting: meeting_read_for(known, why, next_read),
            read_every: self.pace.interval(key).unwrap_or(READ_EVERY),
            meetings: known.agenda.as_ref().map_or(0, |agenda| agenda.not_ended(now.wall)),
            profiles: profiles.collect(),
            unreadable: known.agenda.as_ref().map_or(0, |agenda| agenda.unreadable),
            truncated: known.agenda.as_ref().is_some_and(|agenda| agenda.truncated),
            signs: known.agenda.as_ref().map(|agenda| agenda.signs).unwrap_or_default(),
            of_exchange: matches!(room.integration.service, Service::Exchange(_) | Service::Graph(_)),
            time_zone: room.time_zone.clone().or_else(|| known.time_zone.clone()),
            failure: known.trouble.as_ref().or(known.evaluation_trouble.as_ref()).map(super::Trouble::note),
            drift: known.drift.clone(),
        };
        self.board.put_room(status);
    }

    pub(super) fn report_endpoint(&mut self, name: &EndpointName, now: Now) {
        let desired = self.desired.clone();
        let Some(endpoint) = desired.endpoints.get(name) else { return };
        let bare = self.bare_wish(endpoint, now);
        let Some(known) = self.endpoints.get_mut(name) else { return };
        if let Some(seen) = known.cell.last_contact()
            && known.last_contact.is_none_or(|last| last < seen)
        {
            known.last_contact = Some(seen);
        }
        let mode = self.suspensions.mode(endpoint, now.wall);
        let synced = is_synced(endpoint, known, bare.as_deref(), now.wall);
        let reason = endpoint_drift(endpoint, known, mode, synced, now);
        known.drift = since(reason, known.drift.take(), now.wall);
        let state = match (mode, &known.drift) {
            (ModeState::Suspended, _) => EndpointState::Suspended,
            (ModeState::Observe, _) => EndpointState::Observing,
            (ModeState::Enforce, None) => EndpointState::InSync,
            (ModeState::Enforce, Some(_)) if known.last_contact.is_none() && known.given().is_none() => {
                EndpointState::NeverContacted
            }
            (ModeState::Enforce, Some(_)) => EndpointState::Drifting,
        };
        let status = EndpointStatus {
            spec: endpoint.clone(),
            state,
            mode,
            schedule: known.wished.clone(),
            synced,
            held: known.given().map(|given| given.schedule.bookings.len()),
            kept: known.kept,
            last_contact: known.last_contact,
            last_put: known.last_put,
            foreign: known.foreign,
            writers: known.writers.clone(),
            keeps_losing: known.keeps_losing(),
            facts: known.facts.clone(),
            user_agent: known.presence.as_ref().and_then(|presence| presence.user_agent.clone()),
            failure: known.trouble.as_ref().map(super::Trouble::note),
            drift: known.drift.clone(),
            device: device_condition(known, now.wall),
            because: match self.suspensions.of(endpoint) {
                Some(one) => Some(one.sentence()),
                None => endpoint.mode.reason_at(now.wall).map(str::to_owned),
            },
        };
        self.board.put_endpoint(status);
    }

    /// Tells the board how the loop is.
    pub fn report_pulse(&mut self, now: Now, store_unavailable: bool) {
        let pulse = Pulse {
            last_turn: now.mono,
            lag: std::mem::take(&mut self.lag),
            due: self.due.len(),
            in_flight: self.in_flight,
            ready: self.config.generation > 0,
            clock_untrusted: !self.wall.trusted(),
            store_unavailable,
        };
        self.board.put_pulse(pulse);
        self.report_integrations(now);
    }

    /// Held plans, as the pages and `otj status` show them.
    pub(super) fn report_plan(&mut self, now: Now) {
        let mut holds: Vec<Hold> = self.gate.hold(now.wall).into_iter().collect();
        if let Some(held) = &self.documents.held {
            holds.push(Hold {
                checksum: held.read.checksum.clone(),
                detail: "DocumentsRemoved",
                since: held.since,
                summary: held.summary.clone(),
                losses: Vec::new(),
            });
        }
        self.board.put_plan(PlanStatus { holds, waiting: self.gate.waiting() });
    }
}

/// The start of the meeting because of which a room is read at `at`.
fn meeting_read_for(known: &RoomState, why: Option<Why>, at: Option<Timestamp>) -> Option<Timestamp> {
    let at = at.filter(|_| why == Some(Why::Starts))?;
    known.agenda.as_ref()?.entries.iter().map(|entry| entry.start).find(|start| *start > at)
}

fn room_drift(known: &RoomState, stale_after: SignedDuration, now: Timestamp) -> Option<&'static str> {
    if let Some(trouble) = &known.trouble {
        return Some(match trouble.failure.reason {
            "NoPermission" | "SharedAsFreeBusyOnly" | "CredentialsRefused" | "SecretMissing" => "NoPermission",
            "RoomNotFound" => "NotFound",
            "Throttled" | "QuotaExhausted" => "Throttled",
            _ => "Unreadable",
        });
    }
    let last = known.last_read_wall?;
    (now.duration_since(last) > stale_after).then_some("Stale")
}

/// What the endpoint has is what its documents and its room's meetings ask for, without what the gate keeps.
fn is_synced(endpoint: &EndpointSpec, known: &EndpointKnown, bare: Option<&Schedule>, now: Timestamp) -> bool {
    let (Held::Known(given), Some(bare)) = (&known.held, bare) else { return false };
    let as_wished = diff(bare, &given.schedule, now).is_empty();
    match &endpoint.device {
        DeviceSpec::Cisco(_) | DeviceSpec::Webex(_) => as_wished && known.trouble.is_none() && known.unheld.0 == 0,
        DeviceSpec::Poly(_) => {
            let fetched = known.presence.as_ref().and_then(|presence| presence.fetched);
            as_wished && fetched == Some(given.schedule.digest())
        }
    }
}

fn endpoint_drift(
    endpoint: &EndpointSpec,
    known: &mut EndpointKnown,
    mode: ModeState,
    synced: bool,
    now: Now,
) -> Option<&'static str> {
    let (mono, now) = (now.mono, now.wall);
    if let (Some(rival), ModeState::Enforce) = (&known.rival, mode) {
        return Some(rival.drift.reason);
    }
    if synced {
        known.behind_since = None;
        return match &endpoint.device {
            DeviceSpec::Poly(_) if is_silent(known, now) => Some("Silent"),
            _ => None,
        };
    }
    match mode {
        ModeState::Suspended => return Some("Suspended"),
        ModeState::Observe => return Some("Observing"),
        ModeState::Enforce => {}
    }
    if known.kept > 0 && known.trouble.is_none() {
        return Some("PlanHeld");
    }
    match &endpoint.device {
        DeviceSpec::Cisco(_) | DeviceSpec::Webex(_) => Some(match known {
            _ if is_fought_over(known, mono) => "RivalWriter",
            _ if known.unheld.0 >= REWRITES => "DeviceRewrites",
            _ if known.trouble.is_some() => "PutFailed",
            _ if known.last_put.is_none() => "NeverPut",
            _ => "Pending",
        }),
        DeviceSpec::Poly(_) => {
            if known.last_contact.is_none() {
                return Some("NeverSeen");
            }
            if is_silent(known, now) {
                return Some("Silent");
            }
            let behind = *known.behind_since.get_or_insert(now);
            (now.duration_since(behind) > BEHIND_AFTER).then_some("Behind")
        }
    }
}

/// What is to be said about the device itself: that it is not filled, or that it is another one since less than a day.
fn device_condition(known: &EndpointKnown, now: Timestamp) -> Option<Drift> {
    let replaced = known.replaced_at.filter(|at| now.duration_since(*at) < REPLACED_FOR);
    let replaced = replaced.map(|since| Drift { reason: "DeviceReplaced", since });
    let personal = known.personal_since.map(|since| Drift { reason: "PersonalMode", since });
    let refused = known.cell.refusals(now).map(|refused| Drift { reason: "PolyWrongPassword", since: refused.since });
    known.rival.as_ref().map(|rival| rival.drift.clone()).or(replaced).or(personal).or(refused)
}

fn is_silent(known: &EndpointKnown, now: Timestamp) -> bool {
    known.last_contact.is_some_and(|last| now.duration_since(last) > SILENT_AFTER)
}

/// A drift keeps its beginning while its reason changes.
fn since(reason: Option<&'static str>, before: Option<Drift>, now: Timestamp) -> Option<Drift> {
    reason.map(|reason| Drift { reason, since: before.map_or(now, |before| before.since) })
}

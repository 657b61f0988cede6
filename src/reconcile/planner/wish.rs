//! What an endpoint shall show: made of its room's meetings, kept while nothing changes it, and passed through the gate.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::gate::ReadMark;
use super::super::pace::Why;
use super::super::plan::{EMPTY_AGAIN, zone_of};
use super::Planner;
use crate::meetings::{loss, schedule, stands_until, with_kept};
use crate::model::desired::ModeState;
use crate::model::{EndpointSpec, Held, Meetings, Mono, Now, Schedule};

impl Planner {
    /// What `endpoint` shall show now, the gate asked.
    pub(super) fn wish_for(&mut self, endpoint: &Arc<EndpointSpec>, now: Now) {
        let Some(wished) = self.bare_wish(endpoint, now) else { return };
        let Some(known) = self.endpoints.get_mut(&endpoint.name) else { return };
        // A first list takes nothing that we gave.
        let kept = match known.given().filter(|_| known.last_put.is_some()) {
            None => Vec::new(),
            Some(given) => {
                // A clock that is not trusted ends no meeting.
                let as_of = if self.wall.trusted() { now.wall } else { now.wall.min(given.at) };
                let loss = loss(&given.schedule, &wished, as_of);
                if loss.is_empty() {
                    self.gate.nothing_lost(&endpoint.name);
                    Vec::new()
                } else if !self.wall.trusted() || self.suspensions.mode(endpoint, now.wall) != ModeState::Enforce {
                    loss.bookings
                } else {
                    let reads =
                        self.rooms.get(&endpoint.room).map_or(ReadMark { count: 0, at: Mono::default() }, |room| {
                            ReadMark { count: room.reads, at: room.last_read.map_or(Mono::default(), |read| read.mono) }
                        });
                    self.gate.keep(endpoint, &loss, reads, now)
                }
            }
        };
        known.kept = kept.len();
        if known.given().is_none() && wished.bookings.is_empty() && known.first_empty.is_none() {
            let room = self.rooms.get(&endpoint.room);
            known.first_empty = room.and_then(|room| room.last_read.map(|read| (read.mono, room.reads)));
        }
        let second_look = known.held == Held::Unknown && known.first_empty.is_some();
        known.wished = Some(if kept.is_empty() { wished } else { with_kept(&wished, &kept, endpoint) });
        if second_look || self.gate.awaits_read(&endpoint.name) {
            self.ask_pace(&endpoint.room, Why::Asked, now.mono + EMPTY_AGAIN);
        }
    }

    /// What `endpoint` shall show by its documents and its room's meetings; `None` before they are known. It is made anew when
    /// either is another one, and when time ends a meeting of it or brings one in sight.
    pub(super) fn bare_wish(&mut self, endpoint: &Arc<EndpointSpec>, now: Now) -> Option<Arc<Schedule>> {
        let room = self.desired.rooms.get(&endpoint.room)?;
        let known = self.rooms.get(&endpoint.room)?;
        let meetings = known.meetings.get(&endpoint.evaluation)?;
        let zone = zone_of(room, known);
        let slot = &mut self.endpoints.get_mut(&endpoint.name)?.made;
        if let Some(made) = slot.as_ref().filter(|made| made.stands(meetings, endpoint, zone, now.wall)) {
            return Some(made.schedule.clone());
        }
        let schedule = Arc::new(schedule(meetings, endpoint, zone, now.wall));
        *slot = Some(Made {
            meetings: meetings.clone(),
            endpoint: endpoint.clone(),
            zone: zone.to_owned(),
            from: now.wall,
            until: stands_until(&schedule, endpoint, zone, now.wall),
            schedule: schedule.clone(),
        });
        Some(schedule)
    }
}

/// A schedule, and what it was made of.
#[derive(Debug)]
pub(in crate::reconcile) struct Made {
    meetings: Arc<Meetings>,
    endpoint: Arc<EndpointSpec>,
    zone: String,
    /// It stands from then, in case the clock is set back,
    from: Timestamp,
    /// and until then.
    until: Timestamp,
    schedule: Arc<Schedule>,
}

impl Made {
    fn stands(&self, meetings: &Arc<Meetings>, endpoint: &Arc<EndpointSpec>, zone: &str, now: Timestamp) -> bool {
        Arc::ptr_eq(&self.meetings, meetings)
            && Arc::ptr_eq(&self.endpoint, endpoint)
            && self.zone == zone
            && self.from <= now
            && now < self.until
    }
}

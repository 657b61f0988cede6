//! From a directory that was read to the wish in force.
//!
//! ```text
//! read ─► does not load ──────────────────────────► the old wish runs on, ConfigInvalid
//!      ├► removes documents, read so once ────────► read again 30 s later
//!      ├► removes too much, or a used integration ► held whole, PlanHeld: `otj approve`
//!      └► adopted: changed objects are touched; what it takes from endpoints is counted on stored meetings
//!         before the first removing step (the gate), moved endpoints' old places are cleared, removed ones after 10 min
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::meetings::{Loss, loss};
use crate::model::{Desired, EndpointName, EndpointSpec, Mono, Now, RoomKey};

use super::super::board::Drift;
use super::super::due::Object;
use super::super::gate::Names as _;
use super::super::pace::Why;
use super::super::records;
use super::super::step::DocumentsRead;
use super::Planner;
use super::carry::Renamed;
use super::device::Yields;
use crate::store::Op;

/// A directory that removes documents is read again after this long before it is adopted:
/// half a checkout looks like a removal, but seldom twice.
const REMOVAL_AGAIN: Duration = Duration::from_secs(30);
/// Removing more than this share of the endpoints, and at least [`REMOVED_MIN`], holds a directory.
const REMOVED_PERCENT: usize = 10;
const REMOVED_MIN: usize = 5;

/// A directory that waits for approval.
#[derive(Debug)]
pub(super) struct HeldDirectory {
    pub(super) read: DocumentsRead,
    pub(super) since: jiff::Timestamp,
    pub(super) summary: String,
}

/// The counting of what an adoption takes.
#[derive(Debug)]
pub(super) struct Assessment {
    /// Rooms whose rules must run first.
    pending: BTreeSet<RoomKey>,
    /// Endpoints that may lose something.
    endpoints: BTreeSet<EndpointName>,
    /// Removed endpoints: they lose all they were given.
    removed: Vec<(Arc<EndpointSpec>, Loss)>,
}

impl Assessment {
    pub(super) fn rename(&mut self, renamed: &Renamed) {
        self.pending = self.pending.iter().map(|room| renamed.room(room)).collect();
        self.endpoints = self.endpoints.iter().map(|name| renamed.endpoint(name)).collect();
    }
}

impl Planner {
    /// Decides about a directory that was read.
    pub(super) fn consider(&mut self, read: Box<DocumentsRead>, now: Now) {
        self.config.errors = read.errors;
        self.config.warnings = read.warnings;
        self.config.findings.clone_from(&read.findings);
        let Some(desired) = read.desired.clone() else {
            if self.config.last_load_ok || self.config.drift.is_none() {
                tracing::error!(
                    event = "config_refused",
                    errors = read.errors,
                    checksum = read.checksum,
                    "The directory does not load; the last good one runs on."
                );
            }
            self.documents.removing = None;
            self.config.last_load_ok = false;
            self.config_drifts("ConfigInvalid", now);
            return;
        };
        self.config.last_load_ok = true;
        self.config.last_success_at = Some(now.wall);
        let is_change = self.config.generation == 0 || *desired != *self.desired;
        if !is_change {
            self.settled(&read, false, now);
            return;
        }
        if self.config.generation > 0 && self.documents.approved.as_deref() != Some(read.checksum.as_str()) {
            // What goes on under another name is not removed.
            let before = Renamed::between(&self.desired, &desired).applied_to(&self.desired);
            if self.must_be_read_again(&read, &before, &desired, now) {
                self.board.put_config(self.config.clone());
                return;
            }
            if let Some(summary) = removes_too_much(&before, &desired) {
                self.hold_directory(*read, summary, now);
                return;
            }
        }
        self.adopt(desired, *read, now);
    }

    /// A change that removes documents must be read identically twice.
    fn must_be_read_again(&mut self, read: &DocumentsRead, old: &Desired, new: &Desired, now: Now) -> bool {
        if !removes_documents(old, new) {
            self.documents.removing = None;
            return false;
        }
        match &self.documents.removing {
            Some((checksum, since)) if *checksum == read.checksum && now.mono >= *since + REMOVAL_AGAIN => false,
            Some((checksum, since)) if *checksum == read.checksum => {
                self.due.set(Object::Documents, *since + REMOVAL_AGAIN);
                true
            }
            _ => {
                self.documents.removing = Some((read.checksum.clone(), now.mono));
                self.due.set(Object::Documents, now.mono + REMOVAL_AGAIN);
                true
            }
        }
    }

    fn hold_directory(&mut self, read: DocumentsRead, summary: String, now: Now) {
        let since = match &self.documents.held {
            Some(held) if held.read.checksum == read.checksum => held.since,
            _ => {
                tracing::error!(
                    event = "plan_held",
                    checksum = read.checksum,
                    summary,
                    "The directory removes too much; the last good one runs on until an operator approves."
                );
                now.wall
            }
        };
        self.documents.held = Some(HeldDirectory { read, since, summary });
        self.config_drifts("PlanHeld", now);
        self.report_plan(now);
    }

    fn config_drifts(&mut self, reason: &'static str, now: Now) {
        let since = self.config.drift.as_ref().map_or(now.wall, |drift| drift.since);
        self.config.drift = Some(Drift { reason, since });
        self.board.put_config(self.config.clone());
    }

    /// The directory is the wish in force, `anew` when it differs from the one before: then what is kept differs too, be it in
    /// a secret alone.
    fn settled(&mut self, read: &DocumentsRead, anew: bool, now: Now) {
        self.documents.removing = None;
        self.documents.held = None;
        self.config.drift = None;
        let was_kept = std::mem::replace(&mut self.documents.kept, false);
        if was_kept || anew || self.config.checksum != read.checksum {
            self.config.source = "directory";
            self.config.checksum.clone_from(&read.checksum);
            self.documents.record = Some(read.record.clone());
            self.due.touch(Object::Documents);
        }
        self.board.put_config(self.config.clone());
        self.report_plan(now);
    }

    /// Makes `desired` the wish in force.
    pub(super) fn adopt(&mut self, desired: Arc<Desired>, read: DocumentsRead, now: Now) {
        let renamed = Renamed::between(&self.desired, &desired);
        let old = renamed.applied_to(&std::mem::replace(&mut self.desired, desired.clone()));
        let first = self.config.generation == 0;
        self.config.generation += 1;
        self.config.revision.clone_from(&desired.revision);
        self.config.documents.clone_from(&desired.documents);
        self.config.expiries = desired.expiries();
        self.config.adopted_at = Some(now.wall);
        self.config.source = "directory";
        self.documents.approved = None;
        tracing::info!(
            event = "config_adopted",
            generation = self.config.generation,
            checksum = read.checksum,
            revision = desired.revision,
            endpoints = desired.endpoints.len(),
            rooms = desired.rooms.len(),
            "A directory is in force."
        );
        self.carry(&renamed, &desired);
        self.records.extend(self.suspensions.rename(&renamed));
        self.report_orders();
        self.take_up(&desired);
        self.places_of(&desired);
        self.index_devices();
        self.gate.count_scopes(desired.endpoints.values().map(|endpoint| &**endpoint));
        let rooms = self.adopt_rooms(&old, &desired, now);
        self.adopt_pace(now);
        let touched = self.adopt_endpoints(&old, &desired, &rooms, now);
        let removed = self.remove_endpoints(&old, &desired, now);
        self.index_devices();
        if !renamed.is_empty() {
            // The names in the records and the names in the kept directory change in one transaction.
            self.records.push(Op::put(records::DIRECTORY, read.record.to_vec()));
        }
        self.settled(&read, true, now);
        self.publish_wish();
        if !first || !touched.is_empty() {
            self.begin_assessment(touched, rooms, removed, now);
        }
    }

    /// Rooms that are new, or whose rules changed; gone ones are forgotten.
    fn adopt_rooms(&mut self, old: &Desired, new: &Desired, now: Now) -> BTreeSet<RoomKey> {
        let mut to_evaluate = BTreeSet::new();
        for (key, room) in &new.rooms {
            let known = self.rooms.entry(key.clone()).or_default();
            known.meetings.retain(|evaluation, _| room.evaluations.contains(evaluation));
            let stale = room.evaluations.iter().filter_map(|id| new.evaluations.get(id)).any(|evaluation| {
                known.meetings.get(&evaluation.id).is_none_or(|made| made.rules != evaluation.digest)
            });
            if stale && known.agenda.is_some() {
                to_evaluate.insert(key.clone());
            }
            if old.rooms.get(key) != Some(room) {
                known.trouble = None;
                if old.rooms.get(key).is_none_or(|old| old.source != room.source || old.integration != room.integration)
                {
                    known.cursor = None;
                    known.next_read = Mono::default();
                    self.pace.ask(key, Why::Asked, now.mono);
                }
            }
            self.due.touch(Object::Room(key.clone()));
        }
        let gone: Vec<RoomKey> = self.rooms.keys().filter(|key| !new.rooms.contains_key(key)).cloned().collect();
        for key in gone {
            let known = self.rooms.remove(&key).unwrap_or_default();
            self.board.remove_room(&key);
            self.due.forget(&Object::Room(key.clone()));
            self.records.push(Op::delete(records::agenda(&key)));
            let made = known.meetings.keys().map(|evaluation| Op::delete(records::meetings(&key, evaluation)));
            self.records.extend(made);
        }
        to_evaluate
    }

    /// Endpoints that are new or changed are looked at; moved ones leave their place. Returns those that may lose something.
    fn adopt_endpoints(
        &mut self,
        old: &Desired,
        new: &Desired,
        rooms: &BTreeSet<RoomKey>,
        now: Now,
    ) -> BTreeSet<EndpointName> {
        let mut touched = BTreeSet::new();
        for (name, endpoint) in &new.endpoints {
            let before = old.endpoints.get(name);
            if before == Some(endpoint) && !rooms.contains(&endpoint.room) {
                continue;
            }
            if !self.endpoints.contains_key(name) {
                let known = self.comes_back(name, new);
                self.endpoints.insert(name.clone(), known);
            }
            if let Some(known) = self.endpoints.get_mut(name) {
                known.trouble = None;
                if before != Some(endpoint) {
                    known.cannot_list = false;
                    known.unheld.0 = 0;
                    known.overwritten.clear();
                    known.yields = Yields::default();
                }
            }
            if before != Some(endpoint) {
                self.ask_anew(name);
            }
            self.leave_old_place(name, endpoint, now);
            touched.insert(name.clone());
            self.due.touch(Object::Endpoint(name.clone()));
        }
        touched
    }

    fn begin_assessment(
        &mut self,
        endpoints: BTreeSet<EndpointName>,
        pending: BTreeSet<RoomKey>,
        removed: Vec<(Arc<EndpointSpec>, Loss)>,
        now: Now,
    ) {
        self.gate.assess(endpoints.iter().cloned().chain(removed.iter().map(|(endpoint, _)| endpoint.name.clone())));
        let mut assessment = self.assessing.take().unwrap_or(Assessment {
            pending: BTreeSet::new(),
            endpoints: BTreeSet::new(),
            removed: Vec::new(),
        });
        assessment.pending.retain(|room| self.rooms.contains_key(room));
        assessment.pending.extend(pending);
        assessment.endpoints.extend(endpoints);
        assessment.removed.extend(removed);
        self.assessing = Some(assessment);
        self.finish_assessment(now);
    }

    /// The rules ran, or could not run, for `room`.
    pub(super) fn assessed(&mut self, room: &RoomKey, now: Now) {
        if let Some(assessment) = &mut self.assessing {
            assessment.pending.remove(room);
            self.finish_assessment(now);
        }
    }

    /// Once every room has its new meetings, what the adoption takes is known as a whole.
    fn finish_assessment(&mut self, now: Now) {
        if !self.assessing.as_ref().is_some_and(|assessment| assessment.pending.is_empty()) {
            return;
        }
        let Some(assessment) = self.assessing.take() else { return };
        let desired = self.desired.clone();
        let mut losses: Vec<(&EndpointSpec, Loss)> = Vec::new();
        for name in &assessment.endpoints {
            let Some(endpoint) = desired.endpoints.get(name) else { continue };
            let wished = self.bare_wish(endpoint, now);
            let given =
                self.endpoints.get(name).filter(|known| known.last_put.is_some()).and_then(|known| known.given());
            let (Some(given), Some(wished)) = (given, wished) else { continue };
            losses.push((endpoint, loss(&given.schedule, &wished, now.wall)));
        }
        losses.extend(assessment.removed.iter().map(|(endpoint, loss)| (&**endpoint, loss.clone())));
        let held = self.gate.judge_adoption(&losses, now);
        if !held.is_empty() {
            tracing::error!(
                event = "plan_held",
                endpoints = held.len(),
                "The adopted directory would take meetings from too many endpoints; these keep them until an operator approves."
            );
        }
        for name in assessment.endpoints {
            self.due.touch(Object::Endpoint(name));
        }
        self.report_plan(now);
    }
}

/// Whether documents that were there are gone. Where a kind has fewer than before, or a name is missing.
fn removes_documents(old: &Desired, new: &Desired) -> bool {
    let fewer = |(kind, count): (&String, &usize)| new.documents.get(kind).is_none_or(|now| now < count);
    old.documents.iter().any(fewer)
        || old.endpoints.keys().any(|name| !new.endpoints.contains_key(name))
        || old.profiles.keys().any(|name| !new.profiles.contains_key(name))
}

/// `old` under the names that `new` gives its documents, and why a running node would hold the change, in one sentence.
#[must_use]
pub fn foreseen(old: &Arc<Desired>, new: &Desired) -> (Arc<Desired>, Option<String>) {
    let before = Renamed::between(old, new).applied_to(old);
    let held = removes_too_much(&before, new);
    (before, held)
}

/// Why adopting `new` would remove too much, in one sentence; `None`: it would not.
fn removes_too_much(old: &Desired, new: &Desired) -> Option<String> {
    let gone = old.endpoints.keys().filter(|name| !new.endpoints.contains_key(name)).count();
    if gone >= REMOVED_MIN && gone * 100 > REMOVED_PERCENT * old.endpoints.len() {
        return Some(format!("{gone} of {} endpoints are no longer in the documents", old.endpoints.len()));
    }
    let used = |desired: &Desired, profile: &crate::model::ProfileName| {
        desired.endpoints.values().any(|endpoint| endpoint.profile == *profile)
    };
    if let Some(profile) = old.profiles.keys().find(|name| !new.profiles.contains_key(name) && used(old, name)) {
        return Some(format!("profile `{profile}`, which is in use, is no longer in the documents"));
    }
    old.integrations
        .keys()
        .find(|name| !new.integrations.contains_key(name) && old.rooms.keys().any(|room| room.integration == **name))
        .map(|name| format!("integration `{name}`, which is in use, is no longer in the documents"))
}

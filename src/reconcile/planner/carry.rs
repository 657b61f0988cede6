//! Renames: what is known under a former name goes on under the new one. In: the wish in force and the one that follows it. Out:
//! the wish in force as if it had always had the new names, so that the adoption sees no removal; and everything that is known,
//! moved along, in memory and in the store.
//!
//! | former name | new name | then |
//! |---|---|---|
//! | was a document, is none any more | was none | it goes on under the new one |
//! | was a document, is one that goes on from elsewhere | the same | exchange, or a chain: each goes on |
//! | was a document, still is one | any | it stays what it is |
//! | any | was a document, nobody goes on from it | it stays what it is: its own device is at stake |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{
    Agenda, Desired, EndpointName, EvaluationId, EvaluationSpec, Held, IntegrationName, ProfileName, RoomKey,
};
use crate::store::Op;

use super::super::due::Object;
use super::super::gate::Names;
use super::super::observed::{EndpointKnown, RoomState};
use super::super::records;
use super::super::step::{Outcome, RoomMove};
use super::Planner;

/// So many rooms' records are moved in one step.
const CARRIED_AT_ONCE: usize = 500;

/// New names by former ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Renamed {
    pub(super) endpoints: BTreeMap<EndpointName, EndpointName>,
    pub(super) integrations: BTreeMap<IntegrationName, IntegrationName>,
    pub(super) profiles: BTreeMap<ProfileName, ProfileName>,
}

impl Renamed {
    /// What the step from `old` to `new` renames. A former name that stays in a document does nothing a second time.
    pub(super) fn between(old: &Desired, new: &Desired) -> Self {
        let (before, now) = (&old.renames, &new.renames);
        Self {
            endpoints: renamed(&now.endpoints, &before.endpoints, &old.endpoints, &new.endpoints),
            integrations: renamed(&now.integrations, &before.integrations, &old.integrations, &new.integrations),
            profiles: renamed(&now.profiles, &before.profiles, &old.profiles, &new.profiles),
        }
    }

    /// Every former name of `new` that is no document any more.
    pub(super) fn all_of(new: &Desired) -> Self {
        Self {
            endpoints: free(&new.renames.endpoints, &new.endpoints),
            integrations: free(&new.renames.integrations, &new.integrations),
            profiles: free(&new.renames.profiles, &new.profiles),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.endpoints.is_empty() && self.integrations.is_empty() && self.profiles.is_empty()
    }

    pub(super) fn evaluation(&self, id: &EvaluationId) -> EvaluationId {
        EvaluationId { profile: self.profile(&id.profile), variant: id.variant }
    }

    /// `old` as if it had always had the new names.
    pub(super) fn applied_to(&self, old: &Arc<Desired>) -> Arc<Desired> {
        if self.is_empty() {
            return old.clone();
        }
        let mut wish = Desired {
            renames: old.renames.clone(),
            documents: old.documents.clone(),
            webex: old.webex.clone(),
            locations: old.locations.clone(),
            ..Desired::default()
        };
        for (name, spec) in &old.integrations {
            let (name, mut spec) = (self.integration(name), (**spec).clone());
            spec.name = name.clone();
            wish.integrations.insert(name, Arc::new(spec));
        }
        for (name, spec) in &old.profiles {
            let (name, mut spec) = (self.profile(name), (**spec).clone());
            spec.name = name.clone();
            spec.integration = self.integration(&spec.integration);
            spec.evaluation = self.evaluation(&spec.evaluation);
            wish.profiles.insert(name, Arc::new(spec));
        }
        for (id, spec) in &old.evaluations {
            let id = self.evaluation(id);
            wish.evaluations.insert(id.clone(), Arc::new(EvaluationSpec { id, ..(**spec).clone() }));
        }
        for (key, spec) in &old.rooms {
            let (key, mut spec) = (self.room(key), (**spec).clone());
            spec.key = key.clone();
            if let Some(integration) = wish.integrations.get(&key.integration) {
                spec.integration = integration.clone();
            }
            spec.evaluations = spec.evaluations.iter().map(|id| self.evaluation(id)).collect();
            spec.evaluations.sort();
            spec.endpoints = spec.endpoints.iter().map(|name| self.endpoint(name)).collect();
            spec.endpoints.sort();
            wish.rooms.insert(key, Arc::new(spec));
        }
        for (name, spec) in &old.endpoints {
            let (name, mut spec) = (self.endpoint(name), (**spec).clone());
            spec.name = name.clone();
            spec.profile = self.profile(&spec.profile);
            spec.room = self.room(&spec.room);
            spec.evaluation = self.evaluation(&spec.evaluation);
            wish.endpoints.insert(name, Arc::new(spec));
        }
        Arc::new(wish)
    }
}

fn free<N: Ord + Clone, S>(claims: &BTreeMap<N, Vec<N>>, new: &BTreeMap<N, S>) -> BTreeMap<N, N> {
    let mut found = BTreeMap::new();
    for (name, formers) in claims {
        for former in formers.iter().filter(|former| !new.contains_key(*former)) {
            found.entry(former.clone()).or_insert_with(|| name.clone());
        }
    }
    found
}

impl Names for Renamed {
    fn endpoint(&self, former: &EndpointName) -> EndpointName {
        self.endpoints.get(former).unwrap_or(former).clone()
    }

    fn integration(&self, former: &IntegrationName) -> IntegrationName {
        self.integrations.get(former).unwrap_or(former).clone()
    }

    fn profile(&self, former: &ProfileName) -> ProfileName {
        self.profiles.get(former).unwrap_or(former).clone()
    }
}

/// New names by former ones: each former name goes to the first who claims it, and only where the table above lets it go.
fn renamed<N: Ord + Clone, S>(
    claims: &BTreeMap<N, Vec<N>>,
    claims_before: &BTreeMap<N, Vec<N>>,
    old: &BTreeMap<N, S>,
    new: &BTreeMap<N, S>,
) -> BTreeMap<N, N> {
    let mut found: BTreeMap<N, N> = BTreeMap::new();
    for (name, formers) in claims.iter().filter(|(name, _)| new.contains_key(name)) {
        let may_go = |former: &&N| {
            let is_done = old.contains_key(name) && claims_before.get(name).is_some_and(|done| done.contains(former));
            let is_free = !new.contains_key(*former) || claims.contains_key(*former);
            *former != name && !is_done && is_free && old.contains_key(*former) && !found.contains_key(*former)
        };
        if let Some(former) = formers.iter().find(may_go) {
            found.insert(former.clone(), name.clone());
        }
    }
    // One that stays what it is may keep the next one from going on, and so forth.
    loop {
        let names: BTreeSet<&N> = found.values().collect();
        let stays = |former: &N, name: &N| {
            (new.contains_key(former) && !names.contains(former))
                || (old.contains_key(name) && !found.contains_key(name))
        };
        let staying: Vec<N> =
            found.iter().filter(|(former, name)| stays(former, name)).map(|(former, _)| former.clone()).collect();
        if staying.is_empty() {
            return found;
        }
        for former in &staying {
            found.remove(former);
        }
    }
}

impl Planner {
    /// Moves everything that is known to the new names, with its records.
    pub(super) fn carry(&mut self, renamed: &Renamed, new: &Desired) {
        if renamed.is_empty() {
            return;
        }
        tracing::info!(
            event = "renamed",
            endpoints = renamed.endpoints.len(),
            integrations = renamed.integrations.len(),
            profiles = renamed.profiles.len(),
            "Documents have new names; what is known goes on under them."
        );
        self.carry_endpoints(renamed);
        let rivals = std::mem::take(&mut self.rivals).into_iter();
        self.rivals = rivals.map(|(name, of)| (renamed.endpoint(&name), renamed.endpoint(&of))).collect();
        self.carry_rooms(renamed, new);
        self.gate.rename(renamed);
        if let Some(assessment) = &mut self.assessing {
            assessment.rename(renamed);
        }
    }

    fn carry_endpoints(&mut self, renamed: &Renamed) {
        let known: Vec<(&EndpointName, &EndpointName, EndpointKnown)> = renamed
            .endpoints
            .iter()
            .filter_map(|(former, name)| Some((former, name, self.endpoints.remove(former)?)))
            .collect();
        for (former, _, _) in &known {
            self.board.remove_endpoint(former);
            self.due.forget(&Object::Endpoint((*former).clone()));
            self.records.push(Op::delete(records::held(former)));
        }
        let moves = known.iter().map(|(former, name, known)| {
            (Object::Endpoint((*former).clone()), Object::Endpoint((*name).clone()), known.in_flight)
        });
        let moves: Vec<_> = moves.collect();
        for (_, name, known) in known {
            if let Held::Known(given) = &known.held {
                self.records.push(records::put_held(name, given));
            }
            self.endpoints.insert(name.clone(), known);
            self.due.touch(Object::Endpoint(name.clone()));
        }
        self.steps_go_on(moves);
        for (place, old) in &mut self.old_places {
            if let Some(name) = renamed.endpoints.get(&old.endpoint) {
                old.endpoint = name.clone();
                self.records.push(records::put_old_place(place, old));
            }
        }
    }

    fn carry_rooms(&mut self, renamed: &Renamed, new: &Desired) {
        let is_moved = |key: &RoomKey, known: &RoomState| {
            renamed.integrations.contains_key(&key.integration)
                || known.meetings.keys().any(|id| renamed.profiles.contains_key(&id.profile))
        };
        let keys: Vec<RoomKey> =
            self.rooms.iter().filter(|(key, known)| is_moved(key, known)).map(|(key, _)| key.clone()).collect();
        let mut moved = Vec::new();
        for from in keys {
            let to = renamed.room(&from);
            // A room that nobody stands in any more is forgotten under the name it has.
            if !new.rooms.contains_key(&to) && !new.rooms.contains_key(&from) {
                continue;
            }
            let Some(mut known) = self.rooms.remove(&from) else { continue };
            self.board.remove_room(&from);
            self.due.forget(&Object::Room(from.clone()));
            let evaluations = known.meetings.keys().map(|id| (id.clone(), renamed.evaluation(id))).collect();
            known.meetings = known.meetings.into_iter().map(|(id, made)| (renamed.evaluation(&id), made)).collect();
            if let Some(agenda) = &mut known.agenda {
                *agenda = Arc::new(Agenda { room: to.clone(), ..(**agenda).clone() });
            }
            moved.push((RoomMove { from, to, evaluations }, known));
        }
        let steps = moved
            .iter()
            .map(|(moved, known)| (Object::Room(moved.from.clone()), Object::Room(moved.to.clone()), known.in_flight));
        let steps: Vec<_> = steps.filter(|(from, to, _)| from != to).collect();
        for (moved, known) in moved {
            self.rooms.insert(moved.to.clone(), RoomState { carrying: true, ..known });
            self.documents.carry.push(moved);
        }
        self.steps_go_on(steps);
        self.documents.carry.sort_by(|a, b| a.to.email.cmp(&b.to.email));
        self.due.touch(Object::Documents);
    }

    /// Steps that began under a former name end under the new one. Until then nothing else begins under either.
    fn steps_go_on(&mut self, moves: Vec<(Object, Object, bool)>) {
        let (mut began, before) = (Vec::new(), self.began_as.clone());
        for (former, name, in_flight) in &moves {
            let is_its_own = before.contains_key(former) || !before.values().any(|now| now == former);
            if *in_flight && is_its_own && !before.contains_key(former) {
                began.push((former.clone(), name.clone()));
            }
        }
        for now in self.began_as.values_mut() {
            if let Some((_, name, _)) = moves.iter().find(|(former, _, _)| former == now) {
                *now = name.clone();
            }
        }
        self.began_as.extend(began);
        for object in moves.iter().flat_map(|(former, name, _)| [former, name]) {
            self.set_in_flight(object, self.is_awaited(object));
        }
    }

    fn is_awaited(&self, object: &Object) -> bool {
        self.began_as.contains_key(object) || self.began_as.values().any(|now| now == object)
    }

    /// The object that a step of `began` is about now; what comes of a renamed room's step is left to the next reading.
    pub(super) fn called_now(&mut self, began: Object) -> Object {
        let Some(now) = self.began_as.remove(&began) else {
            self.set_in_flight(&began, false);
            return began;
        };
        for object in [&began, &now] {
            self.set_in_flight(object, self.is_awaited(object));
            self.due.touch(object.clone());
        }
        if let (Object::Room(from), Object::Room(to)) = (&began, &now) {
            // The step wrote under the former name.
            if let Some(known) = self.rooms.get_mut(to) {
                known.carrying = true;
                let evaluations = known.meetings.keys().map(|id| (id.clone(), id.clone())).collect();
                self.documents.carry.push(RoomMove { from: from.clone(), to: to.clone(), evaluations });
                self.due.touch(Object::Documents);
            }
        }
        now
    }

    /// What a step of a renamed endpoint wrote under the former name is written as it is known.
    pub(super) fn write_held_again(&mut self, names: [&EndpointName; 2]) {
        for name in names {
            let known = self.endpoints.get(name).and_then(EndpointKnown::given);
            let op = known.map_or_else(|| Op::delete(records::held(name)), |given| records::put_held(name, given));
            self.records.push(op);
        }
    }

    /// The next records to move. Those of one address go together: two of them may change places.
    pub(super) fn next_to_carry(&mut self) -> Vec<RoomMove> {
        let waiting = &mut self.documents.carry;
        let mut end = waiting.len().min(CARRIED_AT_ONCE);
        while waiting.get(end).is_some_and(|next| next.to.email == waiting[end - 1].to.email) {
            end += 1;
        }
        waiting.drain(..end).collect()
    }

    /// The records of renamed rooms stand under the new names, or could not be moved: then their texts are read anew.
    pub(super) fn rooms_carried(&mut self) {
        if !self.documents.carry.is_empty() {
            return;
        }
        let carried = self.rooms.iter_mut().filter(|(_, known)| known.carrying);
        let carried: Vec<RoomKey> = carried
            .map(|(key, known)| {
                known.carrying = false;
                key.clone()
            })
            .collect();
        for key in carried {
            self.due.touch(Object::Room(key));
        }
    }
}

/// Whether an outcome left a record of what an endpoint was given.
pub(super) fn wrote_held(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Put { .. } | Outcome::Published { .. })
}

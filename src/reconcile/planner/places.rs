//! Places that endpoints left: after a move the old one is tried first, once, and whatever comes of it the new one is filled;
//! what could not be reached is tried again for a day. A removed endpoint's place is cleared after ten minutes.
//!
//! A place is never cleared while a document names its address, nor while its device, by serial number, is known at another
//! place: then it is somebody's.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::meetings::{Loss, loss};
use crate::model::desired::{ModeState, OnRemove};
use crate::model::{Desired, DeviceSpec, EndpointName, EndpointSpec, Given, Held, Mono, Now, Schedule};
use crate::store::Op;

use super::super::due::Object;
use super::super::observed::{EndpointKnown, OldPlace};
use super::super::plan::{Planned, plan_old_place};
use super::super::records;
use super::super::step::Step;
use super::super::suspension::SuspendedKind;
use super::Planner;

/// A removed endpoint is cleared only after this absence: a document that is moved between two commits is gone for a moment.
pub(super) const CLEAR_AFTER: Duration = Duration::from_mins(10);
/// An old place that cannot be reached is tried for this long.
const GIVE_UP_AFTER: Duration = Duration::from_hours(24);

impl OldPlace {
    /// What `endpoint` was given at a place that it left at `left_at`.
    pub(super) fn left(endpoint: EndpointName, given: Given, left_at: Timestamp, removed: bool, now: Now) -> Self {
        // A clock that was set back makes nobody wait longer than from now.
        let ago = Duration::try_from(now.wall.duration_since(left_at).max(SignedDuration::ZERO)).unwrap_or_default();
        let wait = if removed { CLEAR_AFTER } else { Duration::ZERO };
        Self {
            endpoint,
            given,
            left_at,
            clear_from: now.mono + wait,
            give_up: now.mono + wait + GIVE_UP_AFTER.saturating_sub(ago),
            in_flight: false,
            trouble: None,
            removed,
        }
    }
}

impl Planner {
    /// Who has which address now.
    pub(super) fn places_of(&mut self, desired: &Desired) {
        let places =
            desired.endpoints.values().filter_map(|endpoint| Some((endpoint.device.place()?, endpoint.name.clone())));
        self.addresses = places.collect();
        // What somebody has again is forgotten now, so that it is not cleared at the moment it is given up again.
        let taken = self.old_places.iter().filter(|(_, old)| {
            let place = old.given.target.as_ref().and_then(DeviceSpec::place);
            place.is_some_and(|place| self.addresses.contains_key(&place))
        });
        let taken: Vec<String> = taken.map(|(name, _)| name.clone()).collect();
        taken.into_iter().for_each(|name| self.due.touch(Object::OldPlace(name)));
    }

    pub(super) fn plan_old_place(&mut self, name: &str, now: Now) -> Planned {
        let Some(place) = self.old_places.get(name) else { return Planned { step: None, due: Mono::NEVER } };
        if !place.in_flight && self.is_somebodys(place) {
            let endpoint = place.endpoint.clone();
            self.first_try_is_over(&endpoint, name);
            return Planned { step: Some(Step::ForgetPlace { place: name.to_owned() }), due: Mono::NEVER };
        }
        let held = place.removed && self.gate.blocks(&place.endpoint);
        let watched = match self.desired.endpoints.get(&place.endpoint) {
            Some(endpoint) => self.suspensions.mode(endpoint, now.wall) != ModeState::Enforce,
            None => self.suspensions.holds(SuspendedKind::Endpoint, place.endpoint.as_str()),
        };
        let blocked = !self.wall.trusted() || held || watched;
        let Some(place) = self.old_places.get_mut(name) else { return Planned { step: None, due: Mono::NEVER } };
        if blocked {
            // Waiting for a person is no failure to reach it.
            place.give_up = place.give_up.max(now.mono + GIVE_UP_AFTER);
        }
        plan_old_place(name, place, blocked, now)
    }

    /// The place belongs to a document, or its device is known to be at another place.
    fn is_somebodys(&self, place: &OldPlace) -> bool {
        let address = place.given.target.as_ref().and_then(DeviceSpec::place);
        if address.as_ref().is_some_and(|address| self.addresses.contains_key(address)) {
            return true;
        }
        place.given.serial.as_ref().is_some_and(|serial| self.devices.contains_key(serial))
    }

    /// An endpoint that left the documents a moment ago, also under a former name, is as it was.
    pub(super) fn comes_back(&mut self, name: &EndpointName, new: &Desired) -> EndpointKnown {
        let formers = new.renames.endpoints.get(name).into_iter().flatten();
        let formers = formers.filter(|former| !new.endpoints.contains_key(*former));
        let names: Vec<&EndpointName> = [name].into_iter().chain(formers).collect();
        let place = self
            .old_places
            .iter()
            .find(|(_, old)| old.removed && !old.in_flight && names.contains(&&old.endpoint))
            .map(|(place, _)| place.clone());
        let Some(old) = place.and_then(|place| {
            self.due.forget(&Object::OldPlace(place.clone()));
            self.records.push(Op::delete(records::old_place(&place)));
            self.old_places.remove(&place)
        }) else {
            return EndpointKnown::default();
        };
        self.records.push(records::put_held(name, &old.given));
        known_from(old.given)
    }

    /// What was given at an address the endpoint no longer has belongs to an old place, which is tried first.
    pub(super) fn leave_old_place(&mut self, name: &EndpointName, endpoint: &EndpointSpec, now: Now) {
        let Some(known) = self.endpoints.get_mut(name) else { return };
        let Some(given) = known.given() else { return };
        let left = given.target.as_ref().and_then(DeviceSpec::place);
        if endpoint.device.place() == left {
            return;
        }
        let Held::Known(given) = std::mem::take(&mut known.held) else { return };
        self.records.push(Op::delete(records::held(name)));
        if let Some(serial) = known.serial.take()
            && self.devices.get(&serial) == Some(name)
        {
            self.devices.remove(&serial);
        }
        known.answered = None;
        known.replaced_at = None;
        known.last_put = None;
        known.cannot_list = false;
        // What a Poly endpoint fetched stands at no address.
        let Some(left) = left else { return };
        let place = format!("{name}@{left}");
        known.behind = Some(place.clone());
        let old = OldPlace::left(name.clone(), *given, now.wall, false, now);
        self.records.push(records::put_old_place(&place, &old));
        self.old_places.insert(place.clone(), old);
        self.due.touch(Object::OldPlace(place));
    }

    /// Endpoints that are gone: what they were given is lost, and cleared after ten minutes unless the documents said to keep it.
    pub(super) fn remove_endpoints(
        &mut self,
        old: &Desired,
        new: &Desired,
        now: Now,
    ) -> Vec<(Arc<EndpointSpec>, Loss)> {
        let mut removed = Vec::new();
        for (name, endpoint) in old.endpoints.iter().filter(|(name, _)| !new.endpoints.contains_key(name)) {
            let Some(known) = self.endpoints.remove(name) else { continue };
            self.rivals.remove(name);
            self.board.remove_endpoint(name);
            self.due.forget(&Object::Endpoint(name.clone()));
            self.records.push(Op::delete(records::held(name)));
            let Held::Known(given) = known.held else { continue };
            // A Poly endpoint's login is gone with its document, and nothing is taken from one that is left as it is.
            let left = given.target.as_ref().and_then(DeviceSpec::place);
            let Some(left) = left.filter(|_| endpoint.on_remove == OnRemove::Clear) else { continue };
            removed.push((endpoint.clone(), loss(&given.schedule, &Schedule::default(), now.wall)));
            let place = format!("{name}@{left}");
            let is_taken = self.addresses.contains_key(&left);
            let left = OldPlace::left(name.clone(), *given, now.wall, true, now);
            self.records.push(records::put_old_place(&place, &left));
            // What somebody has by now is forgotten at once.
            let due = if is_taken { Mono::default() } else { left.clear_from };
            self.due.set(Object::OldPlace(place.clone()), due);
            self.old_places.insert(place, left);
        }
        removed
    }

    /// An old place was tried once: the new one may be filled now.
    pub(super) fn first_try_is_over(&mut self, endpoint: &EndpointName, place: &str) {
        if let Some(known) = self.endpoints.get_mut(endpoint)
            && known.behind.as_deref() == Some(place)
        {
            known.behind = None;
            self.look_at_endpoint(endpoint.clone());
        }
    }
}

/// An endpoint that was given this before.
pub(super) fn known_from(given: Given) -> EndpointKnown {
    EndpointKnown {
        serial: given.serial.clone(),
        last_put: Some(given.at),
        held: Held::Known(Box::new(given)),
        ..EndpointKnown::default()
    }
}

//! What is not as wished: one list over configuration, rooms and endpoints, with the reason, since when, and a sentence.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::reconcile::board::{Board, Drift, EndpointStatus, FailureNote, RoomStatus};

/// One object that is not as wished.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drifting {
    /// `config`, `room` or `endpoint`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Why, from a closed set.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// For people: what it means, or what the other side answered.
    pub message: String,
}

/// One thing that is true of an object.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// The reason, from a closed set.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// For people.
    pub message: String,
}

/// The configuration's name in drift: there is one directory.
pub const DIRECTORY: &str = "directory";

/// Everything that is not as wished: the configuration, then rooms, then endpoints, each by name.
#[must_use]
pub fn drifting(board: &Board) -> Vec<Drifting> {
    let config = board.config();
    let of_config = config.drift.iter().map(|drift| drifting_one("config", DIRECTORY, drift, None));
    let rooms = board.rooms();
    let names = room_names(&rooms);
    let of_rooms = rooms.iter().zip(&names).filter_map(|(room, name)| {
        room.drift.as_ref().map(|drift| drifting_one("room", name, drift, room.failure.as_ref()))
    });
    let endpoints = board.endpoints();
    let of_endpoints = endpoints.iter().filter_map(|endpoint| {
        let name = endpoint.spec.name.as_str();
        endpoint.drift.as_ref().map(|drift| drifting_one("endpoint", name, drift, endpoint.failure.as_ref()))
    });
    of_config.chain(of_rooms).chain(of_endpoints).collect()
}

/// A room's name is its address; the few addresses that stand in two calendar services are told apart by the service.
#[must_use]
pub fn room_names<R: AsRef<RoomStatus>>(rooms: &[R]) -> Vec<String> {
    let mut seen = std::collections::BTreeMap::<&str, usize>::new();
    for room in rooms {
        *seen.entry(room.as_ref().key.email.as_str()).or_default() += 1;
    }
    let name = |room: &R| {
        let key = &room.as_ref().key;
        let email = key.email.as_str();
        if seen[email] > 1 { format!("{}/{email}", key.integration) } else { email.to_owned() }
    };
    rooms.iter().map(name).collect()
}

/// What is true of a room.
#[must_use]
pub fn of_room(room: &RoomStatus) -> Vec<Condition> {
    let mut conditions = of_object(room.drift.as_ref(), room.failure.as_ref());
    let since = room.last_read.unwrap_or_default();
    if room.truncated {
        let message = "the calendar holds more meetings than are kept; the soonest are shown";
        conditions.push(Condition { reason: "TooManyMeetings".into(), since, message: message.into() });
    }
    if room.unreadable > 0 {
        let message = format!("{} events could not be understood and keep their previous form", room.unreadable);
        conditions.push(Condition { reason: "EventsUnreadable".into(), since, message });
    }
    conditions
}

/// What is true of an endpoint.
#[must_use]
pub fn of_endpoint(endpoint: &EndpointStatus) -> Vec<Condition> {
    let mut conditions = of_object(endpoint.drift.as_ref(), endpoint.failure.as_ref());
    if let Some(device) = &endpoint.device
        && conditions.iter().all(|condition| condition.reason != device.reason)
    {
        let message = meaning(device.reason).to_owned();
        conditions.push(Condition { reason: device.reason.into(), since: device.since, message });
    }
    conditions
}

/// The drift, and the failure where it has a reason of its own.
fn of_object(drift: Option<&Drift>, failure: Option<&FailureNote>) -> Vec<Condition> {
    let mut conditions = Vec::new();
    if let Some(drift) = drift {
        let message = meaning(drift.reason).to_owned();
        conditions.push(Condition { reason: drift.reason.into(), since: drift.since, message });
    }
    if let Some(failure) = failure {
        match conditions.iter_mut().find(|condition| condition.reason == failure.reason) {
            Some(condition) => condition.message.clone_from(&failure.message),
            None => conditions.push(Condition {
                reason: failure.reason.into(),
                since: failure.since,
                message: failure.message.clone(),
            }),
        }
    }
    conditions
}

fn drifting_one(kind: &str, name: &str, drift: &Drift, failure: Option<&FailureNote>) -> Drifting {
    let message = match failure {
        Some(failure) => failure.message.clone(),
        None => meaning(drift.reason).to_owned(),
    };
    Drifting { kind: kind.into(), name: name.into(), reason: drift.reason.into(), since: drift.since, message }
}

/// A sentence for each reason, where nothing more precise is known.
fn meaning(reason: &str) -> &'static str {
    match reason {
        "NeverPut" => "nothing was put there yet",
        "Pending" => "the change is on its way",
        "PutFailed" => "the last put failed; it is tried again",
        "PlanHeld" => "a change that takes too much away waits for approval",
        "RivalWriter" => "another system writes to this device",
        "DeviceRewrites" => "the device does not keep what it is given",
        "DuplicateDevice" => "another endpoint has the same device, by its serial number; only that one is filled",
        "DeviceReplaced" => "another device answers at this address than before, or than its document names",
        "Suspended" => "suspended by its documents",
        "Observing" => "only watched, by its documents",
        "NeverSeen" => "it has never asked for its meetings",
        "Silent" => "it has stopped asking for its meetings",
        "Behind" => "it has not fetched the newest list yet",
        "Stale" => "the last complete reading is too old",
        "Unreadable" => "the calendar cannot be read",
        "NoPermission" => "the account may not read this calendar",
        "NotFound" => "there is no such calendar",
        "Throttled" => "the calendar service asks for fewer requests",
        "ConfigInvalid" => "the directory does not load; the last good one runs on",
        _ => "not as wished",
    }
}

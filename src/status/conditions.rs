//! What is not as wished: one list over configuration, calendar services, rooms and endpoints, with the reason, since when, and a
//! sentence.
//!
//! What is wrong with a whole calendar service is said once, with the number of its rooms, and not once more by each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{Expiry, OtherWriter};
use crate::reconcile::board::{
    Board, Drift, EndpointStatus, FailureNote, IntegrationStatus, PauseStatus, RoomStatus, SpentStatus,
};

/// So many rooms of a calendar service, all of which fail for one reason, are one fault of the service.
const ROOMS_THAT_ARE_ALL: usize = 5;

/// A device's clock that is wrong by more than this many seconds is told of: what people at the screen notice.
const CLOCK_MAX_S: i64 = 60;

/// That a credential ends is said so long before.
const EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// One object that is not as wished.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drifting {
    /// `config`, `integration`, `room` or `endpoint`.
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

/// Everything that is not as wished: the configuration, then calendar services, rooms, endpoints, each by name.
#[must_use]
pub fn drifting(board: &Board) -> Vec<Drifting> {
    let config = board.config();
    let of_config = config.drift.iter().map(|drift| drifting_one("config", DIRECTORY, drift, None));
    let rooms = board.rooms();
    let integrations = board.integrations();
    let mut services = down_for_all(&rooms);
    let excused: BTreeSet<&str> =
        integrations.iter().filter(|status| nobody_reads(status)).map(|status| status.name.as_str()).collect();
    let with_their_service = |room: &RoomStatus| {
        services.contains_key(room.key.integration.as_str())
            || room.failure.is_none() && excused.contains(room.key.integration.as_str())
    };
    let names = room_names(&rooms);
    let of_rooms: Vec<Drifting> = rooms
        .iter()
        .zip(&names)
        .filter(|(room, _)| !with_their_service(room))
        .filter_map(|(room, name)| {
            room.drift.as_ref().map(|drift| drifting_one("room", name, drift, room.failure.as_ref()))
        })
        .collect();
    for status in &integrations {
        // One object drifts for one reason: the gravest comes first.
        if let Some(first) = of_integration(status).into_iter().next() {
            services.insert(status.name.to_string(), first);
        }
    }
    let of_integrations = services.into_iter().map(|(name, Condition { reason, since, message })| Drifting {
        kind: "integration".into(),
        name,
        reason,
        since,
        message,
    });
    let endpoints = board.endpoints();
    let of_endpoints = endpoints.iter().filter_map(|endpoint| {
        let name = endpoint.spec.name.as_str();
        let drift = endpoint.drift.as_ref()?;
        let mut one = drifting_one("endpoint", name, drift, endpoint.failure.as_ref());
        one.message = because(endpoint, drift.reason).unwrap_or(one.message);
        Some(one)
    });
    of_config.chain(of_integrations).chain(of_rooms).chain(of_endpoints).collect()
}

/// What is true of a calendar service whose requests are counted, the gravest first.
#[must_use]
pub fn of_integration(status: &IntegrationStatus) -> Vec<Condition> {
    let mut conditions = Vec::new();
    if let Some(pause) = &status.pause {
        let rooms = rooms_wait(status.rooms);
        conditions.push(paused(pause, format!("{}; {rooms}", pause.message)));
    }
    let all_wait = nobody_reads(status);
    for account in &status.accounts {
        let Some(pause) = &account.pause else { continue };
        let name = if account.name.is_empty() { "the account" } else { &account.name };
        let rest = if all_wait { rooms_wait(status.rooms) } else { "the other accounts go on".into() };
        conditions.push(paused(pause, format!("{name}: {}; {rest}", pause.message)));
    }
    conditions.extend(status.spent.map(|spent| used_up(spent, status.day_limit)));
    conditions.extend(status.canary.off.as_ref().map(canary_off));
    conditions
}

/// The quota that the documents give to a service is used up: nobody refused anything.
fn used_up(spent: SpentStatus, limit: u64) -> Condition {
    let until = spent.until.strftime("%Y-%m-%d %H:%M UTC");
    let message = format!(
        "the {limit} requests of 24 hours are used up, but for a reserve: until {until} rooms are read only when a meeting starts, one seems to have changed, or somebody asks; raise the quota where the service allows more"
    );
    Condition { reason: "QuotaExhausted".into(), since: spent.since, message }
}

/// Why many rooms of a service are not asked about at once.
#[must_use]
pub fn canary_off(off: &Drift) -> Condition {
    let message =
        "the service does not tell when many rooms are taken; each is read by itself, so changes are seen later";
    Condition { reason: off.reason.into(), since: off.since, message: message.into() }
}

/// A credential that ends within two weeks, or has ended.
#[must_use]
pub fn expiring(expiry: &Expiry, now: Timestamp) -> Option<Condition> {
    let since = expiry.at.checked_sub(EXPIRES_SOON).unwrap_or(expiry.at);
    let message = format!("its {} ends on {}; renew it", expiry.credential, expiry.at.strftime("%Y-%m-%d"));
    (since <= now).then(|| Condition { reason: "TokenExpiring".into(), since, message })
}

/// Whether no room of the service is read: it is left alone, or each of its accounts is.
#[must_use]
pub fn nobody_reads(status: &IntegrationStatus) -> bool {
    let all = !status.accounts.is_empty() && status.accounts.iter().all(|account| account.pause.is_some());
    status.pause.is_some() || all
}

/// Calendar services of which at least five rooms, and all of them, fail for one reason: that reason, by name.
#[must_use]
pub fn down_for_all(rooms: &[Arc<RoomStatus>]) -> BTreeMap<String, Condition> {
    let mut by_service = BTreeMap::<&str, Vec<Option<&FailureNote>>>::new();
    for room in rooms {
        by_service.entry(room.key.integration.as_str()).or_default().push(room.failure.as_ref());
    }
    let shared = by_service.into_iter().filter_map(|(service, failures)| {
        let failing: Vec<&FailureNote> = failures.iter().copied().flatten().collect();
        let first = *failing.first()?;
        let of_each = ["NoPermission", "RoomNotFound", "SharedAsFreeBusyOnly"].contains(&first.reason);
        let alike = failing.len() == failures.len() && failing.iter().all(|note| note.reason == first.reason);
        let since = failing.iter().map(|note| note.since).min()?;
        let message = format!("{}; {}", first.message, rooms_wait(failing.len()));
        let condition = Condition { reason: of_all(first.reason).into(), since, message };
        (alike && !of_each && failing.len() >= ROOMS_THAT_ARE_ALL).then(|| (service.to_owned(), condition))
    });
    shared.collect()
}

fn paused(pause: &PauseStatus, message: String) -> Condition {
    Condition { reason: of_all(pause.reason).into(), since: pause.since, message }
}

/// The reason of a whole service: what a person or a quota decides keeps its name, all else is an outage.
fn of_all(reason: &'static str) -> &'static str {
    match reason {
        "QuotaExhausted" | "Throttled" | "SignInNeeded" | "CredentialsRefused" | "SecretMissing" | "ClockSkew"
        | "NotInEffect" => reason,
        _ => "IntegrationDown",
    }
}

fn rooms_wait(rooms: usize) -> String {
    match rooms {
        1 => "its room is not read, and shows what it showed".into(),
        _ => format!("its {rooms} rooms are not read, and show what they showed"),
    }
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
    conditions.extend(treated(room, since));
    conditions
}

/// What a calendar's settings do to invitations, as all of a room's events show it.
fn treated(room: &RoomStatus, since: Timestamp) -> Vec<Condition> {
    let (signs, email) = (room.signs, room.key.email.as_str());
    let all = signs.events;
    let mut conditions = Vec::new();
    let mut say = |reason: &str, message: String| {
        conditions.push(Condition { reason: reason.into(), since, message });
    };
    if room.of_exchange && signs.body_stripped() {
        say(
            "BodyStripped",
            format!(
                "none of its {all} meetings has a text, so there is nothing to find an address in: Exchange removes it when the room accepts; `Set-CalendarProcessing -Identity {email} -DeleteComments $false` keeps it, for invitations from then on"
            ),
        );
    }
    if room.of_exchange && signs.subject_stripped() {
        say(
            "SubjectStripped",
            format!(
                "the title of each of its {all} meetings is the organizer's name: `Set-CalendarProcessing -Identity {email} -DeleteSubject $false -AddOrganizerToSubject $false` keeps titles, for invitations from then on"
            ),
        );
    }
    if signs.not_accepting() {
        let remedy = if room.of_exchange {
            format!("`Set-CalendarProcessing -Identity {email} -AutomateProcessing AutoAccept`")
        } else {
            "let the room accept invitations automatically (Google: the resource's \"Auto-accept invitations\")".into()
        };
        say("NotAutoAccepting", format!("the room has accepted none of its {all} meetings: {remedy}"));
    }
    conditions
}

/// What is true of an endpoint.
#[must_use]
pub fn of_endpoint(endpoint: &EndpointStatus) -> Vec<Condition> {
    let mut conditions = of_object(endpoint.drift.as_ref(), endpoint.failure.as_ref());
    for condition in &mut conditions {
        if let Some(because) = because(endpoint, &condition.reason) {
            condition.message = because;
        }
    }
    conditions.extend(other_writers(endpoint));
    conditions.extend(clock(endpoint));
    if let Some(device) = &endpoint.device
        && conditions.iter().all(|condition| condition.reason != device.reason)
    {
        let message = meaning(device.reason).to_owned();
        conditions.push(Condition { reason: device.reason.into(), since: device.since, message });
    }
    conditions
}

/// Why an endpoint is suspended or only watched, where somebody said so.
fn because(endpoint: &EndpointStatus, reason: &str) -> Option<String> {
    endpoint.because.clone().filter(|_| matches!(reason, "Suspended" | "Observing"))
}

/// Who else writes to the device, also while it holds what it was given; a drift that says so is told who it is.
fn other_writers(endpoint: &EndpointStatus) -> Option<Condition> {
    let since = endpoint.last_contact.unwrap_or_default();
    let drifts = endpoint.drift.as_ref().is_some_and(|drift| drift.reason == "RivalWriter");
    if endpoint.writers.is_empty() || drifts {
        return None;
    }
    Some(Condition { reason: "RivalWriter".into(), since, message: named(&endpoint.writers) })
}

fn named(writers: &BTreeSet<OtherWriter>) -> String {
    let all: Vec<String> = writers.iter().map(OtherWriter::remedy).collect();
    all.join("; ")
}

/// A clock that is wrong shows Join at the wrong time.
fn clock(endpoint: &EndpointStatus) -> Option<Condition> {
    let ahead = endpoint.facts.clock_ahead_s.filter(|ahead| ahead.abs() > CLOCK_MAX_S)?;
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    let message = format!(
        "the device's clock is {} s {way} ours, so that Join appears at the wrong time: give it an NTP server (`NetworkServices NTP`)",
        ahead.abs()
    );
    Some(Condition { reason: "ClockSkew".into(), since: endpoint.last_contact.unwrap_or_default(), message })
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
#[must_use]
pub fn meaning(reason: &str) -> &'static str {
    match reason {
        "NeverPut" => "nothing was put there yet",
        "Pending" => "the change is on its way",
        "PutFailed" => "the last put failed; it is tried again",
        "PlanHeld" => "a change that takes too much away waits for approval",
        "RivalWriter" => "another system writes to this device",
        "DeviceRewrites" => "the device does not keep what it is given",
        "DuplicateDevice" => "another endpoint has the same device, by its serial number; only that one is filled",
        "DeviceReplaced" => "another device answers at this address than before, or than its document names",
        "PersonalMode" => "the device is in personal mode: it is filled, and what it shows cannot be read back",
        "Suspended" => "suspended: nothing is read, put or cleared",
        "Observing" => "only watched, by its documents",
        "NeverSeen" => "it has never asked for its meetings",
        "PolyWrongPassword" => {
            "logins with its name are refused: the password on the device is not the one in its documents"
        }
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

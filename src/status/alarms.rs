//! Alarms: what a person should do something about, with its cause and remedy. Made of what is true of each object
//! ([`conditions`](super::conditions)), so that an alarm comes and goes with its condition.
//!
//! A change on its way, a suspended endpoint and a device that was just added are no alarms. An endpoint whose document says
//! `raiseAlarms: false` raises none. What is wrong with a whole calendar service is one alarm of the service.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::conditions::{self, Condition};
use crate::reconcile::board::Board;

/// How soon a person should look.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Meetings cannot be joined with a button, or will soon not be.
    Error,
    /// Something works less well than it should.
    Warning,
}

/// One alarm.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    /// `KIND/NAME/REASON`: the same for as long as it stands.
    pub id: String,
    /// `config`, `integration`, `room` or `endpoint`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// From a closed set, CamelCase.
    pub reason: String,
    /// How soon a person should look.
    pub severity: Severity,
    /// What is wrong, as far as the other side told.
    pub cause: String,
    /// What to do.
    pub remedy: String,
    /// Since when.
    pub since: Timestamp,
    /// When it last stood, to the minute.
    pub last: Timestamp,
    /// How often it was raised since the node started.
    pub count: u64,
    /// For how many objects it stands: more than one where many have one trouble.
    pub objects: usize,
    /// Who has seen it.
    pub acknowledged_by: Option<String>,
    /// It is told to nobody until then.
    pub silenced_until: Option<Timestamp>,
}

/// So many objects of one kind with one reason are one alarm.
const ROLLED_UP_FROM: usize = 10;
/// The name of an alarm that stands for many.
const ALL: &str = "*";

/// What a reason means for whoever is on duty.
struct Known {
    /// The reason of a condition.
    condition: &'static str,
    /// The reason of the alarm.
    reason: &'static str,
    severity: Severity,
    remedy: &'static str,
}

const fn known(condition: &'static str, reason: &'static str, severity: Severity, remedy: &'static str) -> Known {
    Known { condition, reason, severity, remedy }
}

/// Reasons, and what to do. One line each, so that it can be read out on the phone.
const KNOWN: &[Known] = &[
    known(
        "PutFailed",
        "PushFailed",
        Severity::Error,
        "see the cause; is the device switched on, and can this node reach its address and port?",
    ),
    known(
        "PushFailed",
        "PushFailed",
        Severity::Error,
        "see the cause; is the device switched on, and can this node reach its address and port?",
    ),
    known(
        "CredentialsRefused",
        "CredentialsRefused",
        Severity::Error,
        "correct the user name and password in the documents; on a Cisco codec the account needs the role Admin. Another password is tried at once",
    ),
    known(
        "SecretMissing",
        "SecretMissing",
        Severity::Error,
        "put the secret where the document refers to, readable for the account that runs otj",
    ),
    known(
        "RedirectsToHttps",
        "RedirectsToHttps",
        Severity::Error,
        "set `cisco.useHttps: true` on the endpoint, its group or its profile (the device answers 30x to plain http)",
    ),
    known(
        "CertificateUntrusted",
        "CertificateUntrusted",
        Severity::Error,
        "if the device was exchanged or reset, trust its certificate anew (`fingerprint`, or `tls: PinOnFirstUse` at a new address); with `tls: Verify` install a certificate of your authority, or name it in `caCertificates`",
    ),
    known(
        "RivalWriter",
        "RivalWriter",
        Severity::Error,
        "end the other system's booking of this device, or set `cisco.onConflict: Own`",
    ),
    known(
        "DeviceRewrites",
        "DeviceRewrites",
        Severity::Warning,
        "the device shows something else than it is given, twice in a row: update its software, and report the model to us",
    ),
    known(
        "TeamsRoomsMode",
        "TeamsRoomsMode",
        Severity::Error,
        "take the endpoint out of the documents, or take the device out of Microsoft Teams Rooms mode: there bookings belong to Teams",
    ),
    known(
        "WebexDeviceOffline",
        "WebexDeviceOffline",
        Severity::Error,
        "look why the device has lost the Webex cloud: power, network, proxy",
    ),
    known(
        "PersonalMode",
        "PersonalMode",
        Severity::Warning,
        "assign the device to a workspace in Control Hub; until then what it holds cannot be read back",
    ),
    known(
        "DuplicateDevice",
        "DuplicateDevice",
        Severity::Error,
        "two endpoints lead to one device: remove one of the documents, or correct its address",
    ),
    known(
        "DeviceReplaced",
        "DeviceReplaced",
        Severity::Warning,
        "if the exchange was meant, correct `cisco.serial`; otherwise correct the address",
    ),
    known("ClockSkew", "ClockSkew", Severity::Warning, "give the device, or this node, a working NTP server"),
    known(
        "Silent",
        "PolySilent",
        Severity::Error,
        "the Poly endpoint has not asked for its meetings for 10 minutes: switch its calendar service off and on again, and check its server name, user and password",
    ),
    known(
        "NeverSeen",
        "PolySilent",
        Severity::Warning,
        "the Poly endpoint has never asked for its meetings: enter server, user, password and mailbox on it",
    ),
    known("Unreadable", "CalendarUnreadable", Severity::Error, "see the cause; its endpoints keep what they show"),
    known(
        "Stale",
        "CalendarUnreadable",
        Severity::Warning,
        "the room is read too seldom: raise the service's quota, or find what slows it",
    ),
    known("NotFound", "RoomNotFound", Severity::Error, "correct `roomEmail`, or create the mailbox"),
    known(
        "NoPermission",
        "NoPermission",
        Severity::Error,
        "let the service account read this calendar: share it, or add the mailbox to the group that the account may impersonate",
    ),
    known(
        "SharedAsFreeBusyOnly",
        "SharedAsFreeBusyOnly",
        Severity::Error,
        "share the calendar with all details, not only free and busy",
    ),
    known(
        "TooManyMeetings",
        "TooManyMeetings",
        Severity::Warning,
        "the calendar holds more meetings than are kept; a shorter `upcomingDays` helps",
    ),
    known(
        "BodyStripped",
        "BodyStripped",
        Severity::Error,
        "run the command of the cause in Exchange's shell; meetings that were accepted before it stay without text until they are sent again",
    ),
    known("SubjectStripped", "SubjectStripped", Severity::Warning, "run the command of the cause in Exchange's shell"),
    known(
        "NotAutoAccepting",
        "NotAutoAccepting",
        Severity::Warning,
        "let the room accept invitations by itself; otherwise its organizers do not know whether they have it",
    ),
    known(
        "QuotaExhausted",
        "QuotaExhausted",
        Severity::Warning,
        "raise the quota of the service, and `requestsPerDay` after it",
    ),
    known(
        "Throttled",
        "Throttled",
        Severity::Warning,
        "the service asks for fewer requests; nothing is to be done if it passes",
    ),
    known("SignInNeeded", "SignInNeeded", Severity::Error, "sign in again: `otj auth NAME`"),
    known("TokenExpiring", "TokenExpiring", Severity::Warning, "sign in again, or renew the secret, before it ends"),
    known(
        "IntegrationDown",
        "IntegrationDown",
        Severity::Error,
        "see the cause; endpoints keep what they show until the service answers again",
    ),
    known(
        "AutodiscoverUntrusted",
        "AutodiscoverUntrusted",
        Severity::Error,
        "add the named host to `autodiscoverTrust` if it is yours",
    ),
    known(
        "AccountInvalid",
        "AccountInvalid",
        Severity::Error,
        "the service account is missing or has no licence for Exchange",
    ),
    known(
        "PlanHeld",
        "PlanHeld",
        Severity::Error,
        "look at the plan; `otj approve CHECKSUM` lets it happen, putting the documents right makes it go",
    ),
    known(
        "ConfigInvalid",
        "ConfigInvalid",
        Severity::Error,
        "run `otj lint`, and put the documents right; the last good ones run on",
    ),
];

/// What to do about a condition of this reason, where that is known.
#[must_use]
pub fn remedy(condition: &str) -> Option<&'static str> {
    KNOWN.iter().find(|known| known.condition == condition).map(|known| known.remedy)
}

/// What is true of a room that is read.
const BESIDE: [&str; 4] = ["TooManyMeetings", "BodyStripped", "SubjectStripped", "NotAutoAccepting"];

/// All alarms that stand now: of the configuration, calendar services, rooms, endpoints, each by name.
#[must_use]
pub fn alarms(board: &Board, now: Timestamp) -> Vec<Alarm> {
    let mut alarms: Vec<Alarm> = Vec::new();
    let endpoints = board.endpoints();
    let quiet: BTreeSet<&str> = endpoints
        .iter()
        .filter(|endpoint| !endpoint.spec.raise_alarms)
        .map(|endpoint| endpoint.spec.name.as_str())
        .collect();
    // What drifts has been told apart by service already: one alarm for an outage, not one for each of its rooms.
    for drift in conditions::drifting(board) {
        let condition = Condition { reason: drift.reason, since: drift.since, message: drift.message };
        alarms.extend(alarm(&drift.kind, &drift.name, &condition));
    }
    for endpoint in &endpoints {
        let name = endpoint.spec.name.as_str();
        alarms.extend(
            conditions::of_endpoint(endpoint).iter().filter_map(|condition| alarm("endpoint", name, condition)),
        );
    }
    for (room, name) in board.rooms().iter().zip(conditions::room_names(&board.rooms())) {
        // What keeps a room from being read stands among the drift already.
        let beside =
            conditions::of_room(room).into_iter().filter(|condition| BESIDE.contains(&condition.reason.as_str()));
        alarms.extend(beside.filter_map(|condition| alarm("room", &name, &condition)));
    }
    for integration in board.integrations() {
        let name = integration.name.as_str();
        alarms.extend(
            conditions::of_integration(&integration)
                .iter()
                .filter_map(|condition| alarm("integration", name, condition)),
        );
    }
    for expiry in &board.config().expiries {
        let condition = conditions::expiring(expiry, now);
        alarms.extend(condition.and_then(|condition| alarm("integration", &expiry.name, &condition)));
    }
    alarms.retain(|alarm| alarm.kind != "endpoint" || !quiet.contains(alarm.name.as_str()));
    // A put that failed is told with its reason where there is one.
    let has_reason: BTreeSet<String> =
        alarms.iter().filter(|alarm| alarm.reason != "PushFailed").map(|alarm| alarm.name.clone()).collect();
    alarms.retain(|alarm| alarm.reason != "PushFailed" || !has_reason.contains(&alarm.name));
    alarms.sort_by(|a, b| a.id.cmp(&b.id));
    alarms.dedup_by(|a, b| a.id == b.id);
    let mut alarms = rolled_up(alarms);
    let (marks, raised) = (board.marks(), board.raised());
    let minute = Timestamp::from_second(now.as_second() / 60 * 60).unwrap_or(now);
    for alarm in &mut alarms {
        alarm.last = minute.max(alarm.since);
        alarm.count = raised.get(&alarm.id).copied().unwrap_or(1);
        let Some(mark) = marks.of(&alarm.id) else { continue };
        alarm.silenced_until = mark.silenced_until.filter(|until| *until > now);
        // What began later was not seen.
        let seen = mark.acknowledged.as_ref().filter(|(_, at)| *at >= alarm.since);
        alarm.acknowledged_by = seen.map(|(who, _)| who.clone());
    }
    alarms
}

/// Many of one kind and reason are one alarm: what has one cause is told once.
fn rolled_up(alarms: Vec<Alarm>) -> Vec<Alarm> {
    let mut sizes = BTreeMap::<(String, String), usize>::new();
    for alarm in &alarms {
        *sizes.entry((alarm.kind.clone(), alarm.reason.clone())).or_default() += 1;
    }
    let mut rolled: Vec<Alarm> = Vec::new();
    for alarm in alarms {
        let objects = sizes[&(alarm.kind.clone(), alarm.reason.clone())];
        if objects < ROLLED_UP_FROM {
            rolled.push(alarm);
            continue;
        }
        let id = format!("{}/{ALL}/{}", alarm.kind, alarm.reason);
        match rolled.iter_mut().find(|one| one.id == id) {
            Some(one) => {
                one.since = one.since.min(alarm.since);
                one.severity = one.severity.min(alarm.severity);
            }
            None => {
                let cause = format!("{objects} {}s alike, {} among them: {}", alarm.kind, alarm.name, alarm.cause);
                rolled.push(Alarm { id, name: ALL.to_owned(), cause, objects, ..alarm });
            }
        }
    }
    rolled
}

fn alarm(kind: &str, name: &str, condition: &Condition) -> Option<Alarm> {
    let known = KNOWN.iter().find(|known| known.condition == condition.reason)?;
    Some(Alarm {
        id: format!("{kind}/{name}/{}", known.reason),
        kind: kind.to_owned(),
        name: name.to_owned(),
        reason: known.reason.to_owned(),
        severity: known.severity,
        cause: condition.message.clone(),
        remedy: known.remedy.to_owned(),
        since: condition.since,
        last: condition.since,
        count: 1,
        objects: 1,
        acknowledged_by: None,
        silenced_until: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_one_remedy_and_is_written_once() {
        let mut seen = std::collections::BTreeSet::new();
        for known in KNOWN {
            assert!(seen.insert(known.condition), "{} twice", known.condition);
            assert!(known.remedy.len() > 20 && !known.remedy.ends_with('.'), "{}", known.remedy);
        }
    }

    #[test]
    fn many_of_one_reason_are_one_alarm_that_begins_with_the_first_and_a_few_stay_apart() {
        let told = |numbers: std::ops::Range<i64>| -> Vec<String> {
            let alarms = numbers.filter_map(|n| {
                let since = Timestamp::from_second(1_000 - n).unwrap();
                let condition = Condition { reason: "PutFailed".into(), since, message: "no answer".into() };
                alarm("endpoint", &format!("e{n}"), &condition)
            });
            let rolled = rolled_up(alarms.collect());
            rolled.iter().map(|it| format!("{} {} {} {}", it.id, it.objects, it.since.as_second(), it.cause)).collect()
        };
        assert_eq!(told(0..9).len(), 9);
        assert_eq!(told(0..400), ["endpoint/*/PushFailed 400 601 400 endpoints alike, e0 among them: no answer"]);
    }

    #[test]
    fn a_change_on_its_way_and_a_suspended_endpoint_are_no_alarms() {
        for reason in ["Pending", "NeverPut", "Suspended", "Observing", "Behind"] {
            let condition = Condition { reason: reason.into(), since: Timestamp::UNIX_EPOCH, message: String::new() };
            assert_eq!(alarm("endpoint", "oslo", &condition), None, "{reason}");
        }
    }
}

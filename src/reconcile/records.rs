//! What the store keeps for the loop, key by key. Values are JSON, sealed by the store.
//!
//! | key | value |
//! |---|---|
//! | `agenda/INTEGRATION/EMAIL` | the last good agenda with its texts |
//! | `meetings/INTEGRATION/EMAIL/PROFILE/VARIANT` | what the rules made of it |
//! | `held/ENDPOINT` | what an endpoint was given, its target and credential included |
//! | `old/ENDPOINT@PLACE` | the same for a place it left |
//! | `quota/INTEGRATION` | how many requests a calendar service was or will soon be asked |
//! | `suspended/KIND/NAME` | what an operator suspended |
//! | `alarm/ID` | what operators said about an alarm |
//! | `audit/NUMBER` | what operators did |
//! | `gate`, `directory`, `clock`, `deployment` | holds and approvals; the adopted directory; the newest trusted time; our id on devices |

mod target;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Agenda, EndpointName, EvaluationId, Event, Given, IntegrationName, Meetings, RoomKey, Schedule};
use crate::store::Op;

use self::target::TargetRecord;
use super::observed::OldPlace;
use super::pace::QuotaRecord;
use super::step::Cursor;

/// Holds and approvals.
pub const GATE: &str = "gate";
/// The adopted directory.
pub const DIRECTORY: &str = "directory";
/// The newest trusted time, in seconds.
pub const CLOCK: &str = "clock";
/// Our id on devices.
pub const DEPLOYMENT: &str = "deployment";
/// Where agendas stand.
pub const AGENDAS: &str = "agenda/";
/// Where meetings stand.
pub const MEETINGS: &str = "meetings/";
/// Where given schedules stand.
pub const HELD: &str = "held/";
/// Where old places stand.
pub const OLD: &str = "old/";
/// Where counts of requests stand.
pub const QUOTAS: &str = "quota/";

/// Where suspended objects stand.
pub const SUSPENDED: &str = "suspended/";
/// Where what operators said about alarms stands.
pub const ALARMS: &str = "alarm/";
/// Where operators' actions stand.
pub const AUDIT: &str = "audit/";

/// A room's last good agenda.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AgendaRecord {
    /// The agenda.
    pub agenda: Agenda,
    /// Its events in the agenda's order.
    pub events: Vec<Event>,
    /// For a cheaper look.
    pub cursor: Option<Cursor>,
    /// The calendar's own zone.
    pub time_zone: Option<String>,
    /// When it was read.
    pub read_at: Timestamp,
}

/// What the rules made of a room's agenda.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MeetingsRecord {
    /// Whose.
    pub room: RoomKey,
    /// With which rules.
    pub evaluation: EvaluationId,
    /// The meetings.
    pub made: Arc<Meetings>,
}

/// What an endpoint was given.
#[derive(Serialize, Deserialize)]
pub struct GivenRecord {
    endpoint: EndpointName,
    schedule: Arc<Schedule>,
    target: Option<TargetRecord>,
    serial: Option<String>,
    at: Timestamp,
    #[serde(default)]
    removed: bool,
    #[serde(default)]
    left_at: Option<Timestamp>,
}

/// A place that an endpoint left, as the store knows it.
#[derive(Debug)]
pub struct KeptPlace {
    /// Its record's name.
    pub place: String,
    /// Whose it was.
    pub endpoint: EndpointName,
    /// What was given there.
    pub given: Given,
    /// The endpoint is gone from the documents.
    pub removed: bool,
    /// When it was left.
    pub left_at: Option<Timestamp>,
}

impl GivenRecord {
    /// For the store.
    #[must_use]
    pub fn new(endpoint: &EndpointName, given: &Given) -> Self {
        Self {
            endpoint: endpoint.clone(),
            schedule: given.schedule.clone(),
            target: given.target.as_ref().and_then(TargetRecord::of),
            serial: given.serial.clone(),
            at: given.at,
            removed: false,
            left_at: None,
        }
    }

    /// Back from the store, as a place that was left.
    #[must_use]
    pub fn into_place(self, place: String) -> KeptPlace {
        let (removed, left_at) = (self.removed, self.left_at);
        let (endpoint, given) = self.into_given();
        KeptPlace { place, endpoint, given, removed, left_at }
    }

    /// Back from the store: whose it is, and what was given.
    #[must_use]
    pub fn into_given(self) -> (EndpointName, Given) {
        let target = self.target.map(TargetRecord::into_device);
        let given = Given { schedule: self.schedule, target, serial: self.serial, at: self.at };
        (self.endpoint, given)
    }
}

/// Key of a room's agenda.
#[must_use]
pub fn agenda(room: &RoomKey) -> String {
    format!("{AGENDAS}{}/{}", room.integration, room.email)
}

/// Key of a room's meetings.
#[must_use]
pub fn meetings(room: &RoomKey, evaluation: &EvaluationId) -> String {
    format!("{MEETINGS}{}/{}/{}/{}", room.integration, room.email, evaluation.profile, evaluation.variant)
}

/// Key of what an endpoint was given.
#[must_use]
pub fn held(endpoint: &EndpointName) -> String {
    format!("{HELD}{endpoint}")
}

/// Writes down what a calendar service was asked.
#[must_use]
pub fn put_quota(integration: &IntegrationName, record: &QuotaRecord) -> Op {
    Op::put(format!("{QUOTAS}{integration}"), to_bytes(record))
}

/// Key of an old place.
#[must_use]
pub fn old_place(place: &str) -> String {
    format!("{OLD}{place}")
}

/// Writes what an endpoint was given.
#[must_use]
pub fn put_held(endpoint: &EndpointName, given: &Given) -> Op {
    Op::put(held(endpoint), to_bytes(&GivenRecord::new(endpoint, given)))
}

/// Writes what stands at an old place.
#[must_use]
pub fn put_old_place(place: &str, old: &OldPlace) -> Op {
    let record = GivenRecord::new(&old.endpoint, &old.given);
    let record = GivenRecord { removed: old.removed, left_at: Some(old.left_at), ..record };
    Op::put(old_place(place), to_bytes(&record))
}

/// A record as the store takes it.
#[must_use]
pub fn to_bytes<T: Serialize>(record: &T) -> Vec<u8> {
    serde_json::to_vec(record).expect("records are plain data with text keys")
}

//! Steps: everything the loop ever does to the world, and what comes of it. A step carries all it needs; performing it
//! decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::model::published::Cell;
use crate::model::{
    Agenda, Busy, Desired, DeviceFacts, EndpointSpec, EvaluationId, EvaluationSpec, Failure, Given, IntegrationName,
    IntegrationSpec, Meetings, OtherWriter, RoomEmail, RoomKey, RoomSpec, Schedule, Window,
};

use super::due::{Batch, Object};

/// One thing to do.
#[derive(Clone, Debug)]
pub enum Step {
    /// Read the configuration directory and say what it means.
    ReadDocuments,
    /// Keep the adopted directory, so that a restart can run it.
    KeepDirectory {
        /// The record.
        record: Arc<[u8]>,
    },
    /// Move what is stored of renamed rooms to their new names.
    CarryRooms {
        /// Which.
        moves: Vec<RoomMove>,
    },
    /// Read a room's calendar.
    ReadAgenda {
        /// Which.
        room: Arc<RoomSpec>,
        /// For which span.
        window: Window,
        /// Which of the service's accounts asks.
        account: usize,
        /// What the last reading left for a cheaper look; `None`: read everything.
        cursor: Option<Cursor>,
        /// The last agenda: what is still alike is not stored again.
        last: Option<Arc<Agenda>>,
        /// Leave the text of private events out of what is stored.
        without_private_texts: bool,
    },
    /// Ask for many rooms at once when they are taken.
    ReadBusy {
        /// Which group of rooms.
        batch: Batch,
        /// Whose.
        integration: Arc<IntegrationSpec>,
        /// Which.
        rooms: Vec<RoomEmail>,
        /// For which span.
        window: Window,
        /// Which of the service's accounts asks.
        account: usize,
    },
    /// Run the rules over a room's agenda.
    Evaluate {
        /// Which room.
        room: Arc<RoomSpec>,
        /// Of which the texts are read from the store.
        agenda: Arc<Agenda>,
        /// With which rules.
        evaluations: Vec<Arc<EvaluationSpec>>,
        /// Earlier results, of which those for unchanged events are used again.
        previous: Vec<Arc<Meetings>>,
        /// The room's zone.
        zone: String,
    },
    /// Read what an endpoint holds.
    ReadHeld {
        /// Which.
        endpoint: Arc<EndpointSpec>,
        /// What it was given, to compare with.
        given: Option<Arc<Schedule>>,
    },
    /// Give an endpoint its whole list.
    Put {
        /// Which.
        endpoint: Arc<EndpointSpec>,
        /// The list.
        schedule: Arc<Schedule>,
        /// The serial number recorded for the device.
        serial: Option<String>,
        /// Nothing was given there before: where it is, is written down first.
        first: bool,
        /// It holds this list by all that is known: it is put once more, in case it has lost it unnoticed.
        again: bool,
    },
    /// Let a Poly endpoint fetch its list.
    Publish {
        /// Which.
        endpoint: Arc<EndpointSpec>,
        /// The list.
        schedule: Arc<Schedule>,
        /// Where it fetches.
        cell: Cell,
    },
    /// Forget which certificate an endpoint's device had: the one it shows next is pinned.
    ForgetPin {
        /// Which.
        endpoint: Arc<EndpointSpec>,
    },
    /// Clear a place an endpoint has left.
    Clear {
        /// Its record name.
        place: String,
        /// What was given there, and how it is reached.
        given: Box<Given>,
        /// It may be cleared although it cannot tell what it holds.
        unlisted: bool,
    },
    /// Forget a place: its record is no longer needed.
    ForgetPlace {
        /// Its record name.
        place: String,
    },
}

/// A room under another name, or whose rules stand under another profile's name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoomMove {
    /// Its records stand under this name.
    pub from: RoomKey,
    /// They belong under this one.
    pub to: RoomKey,
    /// What its rules are called, there and here.
    pub evaluations: Vec<(EvaluationId, EvaluationId)>,
}

/// What a reading left for a cheaper look at the same window; opaque, made by the calendar's reader.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Cursor(pub Arc<RawValue>);

/// How many steps of a kind run at once: a slow calendar or 400 dead codecs starve nobody else.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Lane {
    /// The directory and the store.
    Documents,
    /// One calendar service.
    Calendar(IntegrationName),
    /// One calendar service whose requests are paced: how many run at once is decided there.
    Paced(IntegrationName),
    /// The rules.
    Rules,
    /// Endpoints whose last step succeeded.
    Healthy,
    /// Endpoints whose last step succeeded, and whose present one takes longer than expected.
    Slow,
    /// Endpoints whose last step failed.
    Failed,
    /// Endpoints of one Webex Cloud, and whether their last step failed: a step waits here and not for the cloud, so that a thousand
    /// of them hold no other endpoint up and none runs out of time.
    Webex(IntegrationName, bool),
}

impl Lane {
    /// Most steps at once.
    #[must_use]
    pub fn bound(&self) -> usize {
        match self {
            Self::Documents => 1,
            Self::Calendar(_) => 16,
            Self::Paced(_) => 512,
            Self::Rules => 4,
            Self::Healthy => 256,
            Self::Slow => 768,
            Self::Failed => 32,
            // Four requests at a time in all; the cloud does not publish its limits.
            Self::Webex(_, false) => 3,
            Self::Webex(_, true) => 1,
        }
    }
}

impl Step {
    /// What it is about: at most one step an object is under way.
    #[must_use]
    pub fn object(&self) -> Object {
        match self {
            Self::ReadDocuments | Self::KeepDirectory { .. } | Self::CarryRooms { .. } => Object::Documents,
            Self::ReadAgenda { room, .. } | Self::Evaluate { room, .. } => Object::Room(room.key.clone()),
            Self::ReadHeld { endpoint, .. }
            | Self::Put { endpoint, .. }
            | Self::Publish { endpoint, .. }
            | Self::ForgetPin { endpoint } => Object::Endpoint(endpoint.name.clone()),
            Self::Clear { place, .. } | Self::ForgetPlace { place } => Object::OldPlace(place.clone()),
            Self::ReadBusy { batch, .. } => Object::Batch(batch.clone()),
        }
    }

    /// Its name in metrics and logs.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::ReadDocuments => "ReadDocuments",
            Self::KeepDirectory { .. } => "KeepDirectory",
            Self::CarryRooms { .. } => "CarryRooms",
            Self::ReadAgenda { .. } => "ReadAgenda",
            Self::ReadBusy { .. } => "ReadBusy",
            Self::Evaluate { .. } => "Evaluate",
            Self::ReadHeld { .. } => "ReadHeld",
            Self::Put { .. } => "Put",
            Self::Publish { .. } => "Publish",
            Self::ForgetPin { .. } => "ForgetPin",
            Self::Clear { .. } => "Clear",
            Self::ForgetPlace { .. } => "ForgetPlace",
        }
    }
}

/// What came of a step.
#[derive(Debug)]
pub enum Outcome {
    /// The directory was looked at.
    Documents(Box<DocumentsRead>),
    /// The directory is kept.
    DirectoryKept,
    /// Records were moved.
    RoomsCarried,
    /// The calendar was read completely.
    Agenda(Box<AgendaRead>),
    /// The calendar is as it was.
    AgendaUnchanged {
        /// How far the calendar server's clock is ahead of ours, where it told the time over a verified connection.
        server_ahead: Option<jiff::SignedDuration>,
    },
    /// When each room of the group is taken, or why that is not known of it.
    Busy(Vec<(RoomEmail, Result<Busy, Failure>)>),
    /// The rules ran.
    Meetings(Vec<(EvaluationId, Arc<Meetings>)>),
    /// The endpoint told what it holds.
    Held(HeldRead),
    /// The endpoint took its list.
    Put {
        /// What was put, and where.
        given: Box<Given>,
        /// What the endpoint said to it.
        done: PutDone,
    },
    /// The list can be fetched.
    Published {
        /// What was published.
        given: Box<Given>,
    },
    /// The place is clear, or is not ours to clear.
    Cleared {
        /// Why it was left as it is, when it was.
        left: Option<&'static str>,
    },
    /// The record is gone.
    Forgotten,
    /// The certificate that the device shows next is pinned.
    PinForgotten,
}

/// What the directory says.
#[derive(Debug)]
pub struct DocumentsRead {
    /// Its checksum; empty when it could not be read at all.
    pub checksum: String,
    /// What it asks for; `None` when it has errors.
    pub desired: Option<Arc<Desired>>,
    /// Findings that keep it from being adopted.
    pub errors: usize,
    /// Findings that do not.
    pub warnings: usize,
    /// The findings as `otj lint` prints them.
    pub findings: String,
    /// What the store keeps of it.
    pub record: Arc<[u8]>,
}

/// A calendar's complete reading.
#[derive(Debug)]
pub struct AgendaRead {
    /// The events, without their texts; these are in the store.
    pub agenda: Arc<Agenda>,
    /// For the next look.
    pub cursor: Option<Cursor>,
    /// The calendar's own zone.
    pub time_zone: Option<String>,
    /// How far the calendar server's clock is ahead of ours.
    pub server_ahead: Option<jiff::SignedDuration>,
}

/// What an endpoint holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeldRead {
    /// It cannot tell.
    CannotList {
        /// What it told of itself.
        facts: Box<DeviceFacts>,
    },
    /// This.
    Listed(Listed),
}

/// An endpoint's own list.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Listed {
    /// Ours, as far as they can be read back.
    pub ours: Schedule,
    /// Bookings somebody else put there.
    pub foreign: usize,
    /// It shows exactly what it was given, in the fields a device gives back unchanged; `None`: nothing to compare with.
    pub same: Option<bool>,
    /// Nothing but some of ours is gone: nobody wrote anything, as far as the list tells.
    pub only_missing: bool,
    /// Who else writes to it, as far as can be told.
    pub writers: BTreeSet<OtherWriter>,
    /// What it told of itself.
    pub facts: Box<DeviceFacts>,
}

/// A list that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PutDone {
    /// What the read-back in the same request said; `None`: there was none.
    pub same: Option<bool>,
    /// Bookings somebody else has there.
    pub foreign: usize,
    /// What it told of itself.
    pub facts: Box<DeviceFacts>,
}

/// A step that ended, with what it was about.
#[derive(Debug)]
pub struct Ended {
    /// What it was about.
    pub object: Object,
    /// Which step.
    pub label: &'static str,
    /// How many requests it made of a calendar service.
    pub requests: u32,
    /// What came of it.
    pub result: Result<Outcome, Failure>,
}

/// Earlier results by evaluation.
pub type MeetingsByEvaluation = BTreeMap<EvaluationId, Arc<Meetings>>;

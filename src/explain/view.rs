//! What an explanation says, as the API, `otj explain -o json` and the page share it. Made for people who may read meetings: titles are
//! those that endpoints show, never the original of a replaced one.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a meeting has, or has not, a Join button.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The room's address.
    pub room_email: String,
    /// Its calendar service.
    pub integration: String,
    /// IANA zone that local times are given in.
    pub time_zone: String,
    /// The meeting; `None`: there is none.
    pub meeting: Option<ExplainedMeeting>,
    /// Whether every endpoint of the room has its button.
    pub button: bool,
    /// The answer in one plain sentence.
    pub sentence: String,
    /// What to do, where something is to be done.
    pub remedy: Option<String>,
    /// The way there, in order.
    pub findings: Vec<Finding>,
    /// What each profile of the room's endpoints made of it.
    pub profiles: Vec<ExplainedProfile>,
    /// What each endpoint makes of it.
    pub endpoints: Vec<ExplainedEndpoint>,
    /// Other meetings of that day, to choose from.
    pub others: Vec<OtherMeeting>,
}

/// The meeting, as endpoints show it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedMeeting {
    /// Its id.
    pub id: String,
    /// Its title as shown; `None` where no endpoint shows it.
    pub subject: Option<String>,
    /// Its organizer's name; `None` where no endpoint shows it.
    pub organizer_name: Option<String>,
    /// Start.
    pub start_time: Timestamp,
    /// End.
    pub end_time: Timestamp,
    /// Both, in the room's zone, as people read them.
    pub local_time: String,
    /// Whole days.
    pub all_day: bool,
    /// Marked private.
    pub private: bool,
    /// Not accepted by the room yet.
    pub tentative: bool,
    /// When the calendar says it was last changed.
    pub last_modified: Option<Timestamp>,
}

/// One step of the way from the calendar to the screen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What it is about.
    pub about: About,
    /// How it stands.
    pub state: Standing,
    /// In one sentence.
    pub text: String,
}

/// The steps, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum About {
    /// Whether the room's calendar was read.
    Calendar,
    /// Whether the meeting is in it.
    Meeting,
    /// Whether the room accepted.
    Answer,
    /// Whether the invitation has a text.
    Text,
    /// Whether it is private.
    Privacy,
    /// Links that a mail gateway rewrote.
    Links,
    /// What the rules found.
    Rules,
    /// What another profile would have found.
    OtherProfile,
}

/// How a step went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum Standing {
    /// As it should.
    Good,
    /// Worth knowing.
    Note,
    /// It keeps the button away.
    Problem,
}

/// A profile's rules and what they made of the meeting.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedProfile {
    /// Its name.
    pub profile: String,
    /// The address.
    pub alias: Option<String>,
    /// The rule that found it.
    pub rule: Option<String>,
    /// Why there is none, and what to do.
    pub advice: Option<String>,
    /// Each rule and what came of it; the form of `otj match --format json`.
    pub trace: serde_json::Value,
}

/// An endpoint and this meeting.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedEndpoint {
    /// Its name.
    pub name: String,
    /// `cisco`, `poly` or `webex`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its profile.
    pub profile: String,
    /// It is known to show Join for this meeting.
    pub button: bool,
    /// What decides.
    pub reason: Because,
    /// In one sentence.
    pub text: String,
    /// What to do.
    pub remedy: Option<String>,
    /// What Join dials there.
    pub alias: Option<String>,
    /// From when Join is there.
    pub join_from: Option<Timestamp>,
    /// Until when.
    pub join_until: Option<Timestamp>,
    /// Last put or publish.
    pub last_put: Option<Timestamp>,
    /// Last answer from it, or poll by it.
    pub last_contacted: Option<Timestamp>,
}

/// What decides whether an endpoint has the button.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum Because {
    /// It holds the meeting with its address.
    Shown,
    /// No address was found, or none that may be dialled.
    NoAlias,
    /// The profile leaves private meetings out.
    PrivateHidden,
    /// The profile shows private meetings without Join.
    PrivateWithoutJoin,
    /// The profile leaves meetings without address out.
    NonVideoHidden,
    /// The address is longer than the device takes.
    AliasTooLong,
    /// It starts later than the profile shows.
    TooFarAhead,
    /// The device holds no more bookings.
    TooMany,
    /// It has ended.
    Over,
    /// The list is on its way.
    Pending,
    /// The endpoint is suspended, or only watched.
    NotActedOn,
    /// The endpoint does not hold what it should.
    Drift,
}

/// Another meeting of the room.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OtherMeeting {
    /// Its id.
    pub id: String,
    /// When, in the room's zone.
    pub local_time: String,
    /// Whether the rules found an address.
    pub alias: bool,
}

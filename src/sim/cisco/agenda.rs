//! The bookings a simulated codec holds. In: what a `Put` carries, as JSON or XML. Out: [`Entry`] values, rewritten the way
//! codecs rewrite, their XML in a listing, and what the screen shows of them.
//!
//! Rewritten: a duration becomes an end; the organizer's name is split at its first space; fractions of seconds go.
//! Source: a captured listing of RoomOS 2026; see the project's notes on read-back in `endpoint/cisco/differs.rs`.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use quick_xml::escape::escape;
use serde::Deserialize;

use super::Generation;
use super::tree::Tree;
use crate::model::Confidential;

/// One booking as a codec keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: Confidential,
    /// The title is not shown.
    pub private: bool,
    /// The organizer's name up to the first space.
    pub first_name: Confidential,
    /// And after it.
    pub last_name: Confidential,
    /// The organizer's address.
    pub email: Confidential,
    /// Start.
    pub start: Timestamp,
    /// End.
    pub end: Timestamp,
    /// Join shows this many seconds before the start.
    pub start_buffer_s: u32,
    /// And this many after the end.
    pub end_buffer_s: u32,
    /// What Join dials.
    pub number: Option<Confidential>,
    /// `SIP`, `H323`, `None`.
    pub protocol: String,
}

/// One line of the screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// Start.
    pub start: Timestamp,
    /// End.
    pub end: Timestamp,
    /// The title, or `Scheduled meeting` for a private one.
    pub title: Confidential,
    /// The organizer, as the screen writes it.
    pub organizer: Confidential,
    /// What Join dials.
    pub number: Option<Confidential>,
    /// Whether the Join button is there now.
    pub join: bool,
}

impl Entry {
    /// A booking of another system, of one hour.
    #[must_use]
    pub fn foreign(id: &str, title: &str, start: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            title: Confidential::new(title),
            private: false,
            first_name: Confidential::default(),
            last_name: Confidential::default(),
            email: Confidential::default(),
            start,
            end: start + SignedDuration::from_hours(1),
            start_buffer_s: 300,
            end_buffer_s: 0,
            number: None,
            protocol: "SIP".to_owned(),
        }
    }

    /// When it leaves the screen.
    pub(in crate::sim) fn closes(&self) -> Timestamp {
        self.end + SignedDuration::from_secs(i64::from(self.end_buffer_s))
    }

    pub(in crate::sim) fn shown(&self, now: Timestamp) -> Shown {
        let opens = self.start - SignedDuration::from_secs(i64::from(self.start_buffer_s));
        let name = format!("{} {}", self.first_name.expose(), self.last_name.expose());
        Shown {
            start: self.start,
            end: self.end,
            title: if self.private { Confidential::new("Scheduled meeting") } else { self.title.clone() },
            organizer: Confidential::new(name.trim()),
            number: self.number.clone(),
            join: self.number.is_some() && opens <= now && now < self.closes(),
        }
    }

    /// Its element in a listing.
    pub(super) fn listed(&self, generation: Generation, item: usize) -> String {
        let mut xml = String::new();
        let old = matches!(generation, Generation::Tc7 | Generation::Ce8);
        let call = self.number.as_ref().map(|number| {
            let rest = if old { format!("<Protocol item=\"1\">{}</Protocol><CallRate item=\"1\">6000</CallRate>", self.protocol) } else { String::new() };
            format!(
                "<Call item=\"1\" maxOccurrence=\"n\"><Number item=\"1\">{}</Number>{rest}<CallType item=\"1\">Video</CallType></Call>",
                escape(number.expose())
            )
        });
        let _ = write!(
            xml,
            "<Booking item=\"{item}\" maxOccurrence=\"n\"><Id item=\"1\">{}</Id><MeetingId item=\"1\"></MeetingId><Title item=\"1\">{}</Title>\
             <Agenda item=\"1\"></Agenda><Privacy item=\"1\">{}</Privacy><Organizer item=\"1\"><FirstName item=\"1\">{}</FirstName>\
             <LastName item=\"1\">{}</LastName><Email item=\"1\">{}</Email><Id item=\"1\"></Id></Organizer><Time item=\"1\">\
             <StartTime item=\"1\">{}</StartTime><StartTimeBuffer item=\"1\">{}</StartTimeBuffer><EndTime item=\"1\">{}</EndTime>\
             <EndTimeBuffer item=\"1\">{}</EndTimeBuffer></Time><MaximumMeetingExtension item=\"1\">0</MaximumMeetingExtension>\
             <BookingStatus item=\"1\">OK</BookingStatus><Webex item=\"1\"><Enabled item=\"1\">False</Enabled></Webex>\
             <Encryption item=\"1\">BestEffort</Encryption><Recording item=\"1\">Disabled</Recording>\
             <DialInfo item=\"1\"><Calls item=\"1\">{}</Calls></DialInfo></Booking>",
            escape(self.id.as_str()),
            escape(self.title.expose()),
            if self.private { "Private" } else { "Public" },
            escape(self.first_name.expose()),
            escape(self.last_name.expose()),
            escape(self.email.expose()),
            utc(self.start),
            self.start_buffer_s,
            utc(self.end),
            self.end_buffer_s,
            call.unwrap_or_default(),
        );
        xml
    }
}

pub(super) fn utc(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Payload {
    bookings: Vec<JsonBooking>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct JsonBooking {
    id: String,
    title: String,
    number: String,
    protocol: String,
    organizer: JsonOrganizer,
    time: JsonTime,
    #[serde(default)]
    privacy: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct JsonOrganizer {
    name: String,
    #[serde(default)]
    email: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct JsonTime {
    start_time: String,
    duration: u32,
    #[serde(default)]
    start_time_buffer: u32,
    #[serde(default)]
    end_time_buffer: u32,
}

/// The list of a JSON `Put`.
///
/// # Errors
/// What is wrong with it.
pub(in crate::sim) fn from_json(text: &str, generation: Generation) -> Result<Vec<Entry>, String> {
    let payload: Payload = serde_json::from_str(text).map_err(|_| "Could not parse JSON".to_owned())?;
    payload.bookings.into_iter().map(|booking| booking.entry(generation)).collect()
}

impl JsonBooking {
    fn entry(self, generation: Generation) -> Result<Entry, String> {
        let known: &[&str] = match generation {
            Generation::RoomOs26 => &["SIP", "H323", "ISDN", "IP", "Spark", "WebRTC", "None"],
            _ => &["SIP", "H323", "ISDN", "IP", "Spark"],
        };
        if !known.contains(&self.protocol.as_str()) {
            return Err("Bad value for Protocol".to_owned());
        }
        if self.organizer.name.is_empty() || !(1..=1440).contains(&self.time.duration) {
            return Err("Missing or bad value for Organizer/Name or Time/Duration".to_owned());
        }
        let start = instant(&self.time.start_time)?;
        let (first, last) = self.organizer.name.split_once(' ').unwrap_or((&self.organizer.name, ""));
        Entry {
            id: self.id,
            title: Confidential::new(self.title),
            private: self.privacy == "Private",
            first_name: Confidential::new(first),
            last_name: Confidential::new(last),
            email: Confidential::new(self.organizer.email),
            start,
            end: start + SignedDuration::from_mins(i64::from(self.time.duration)),
            start_buffer_s: self.time.start_time_buffer,
            end_buffer_s: self.time.end_time_buffer,
            number: (!self.number.is_empty()).then(|| Confidential::new(self.number)),
            protocol: self.protocol,
        }
        .checked()
    }
}

/// The list of a `<Bookings>` document.
///
/// # Errors
/// What is wrong with it.
pub(super) fn from_xml(root: &Tree) -> Result<Vec<Entry>, String> {
    root.inside.iter().filter(|booking| booking.name == "Booking").map(from_booking).collect()
}

fn from_booking(booking: &Tree) -> Result<Entry, String> {
    let text = |path: &[&str]| booking.text(path).unwrap_or_default();
    let hidden = |path: &[&str]| Confidential::new(text(path));
    let seconds = |path: &[&str]| text(path).parse().unwrap_or(0);
    let call = booking.find(&["DialInfo", "Calls", "Call"]);
    let number = call.and_then(|call| call.text(&["Number"])).filter(|number| !number.is_empty());
    Entry {
        id: text(&["Id"]).to_owned(),
        title: hidden(&["Title"]),
        private: text(&["Privacy"]) == "Private",
        first_name: hidden(&["Organizer", "FirstName"]),
        last_name: hidden(&["Organizer", "LastName"]),
        email: hidden(&["Organizer", "Email"]),
        start: instant(text(&["Time", "StartTime"]))?,
        end: instant(text(&["Time", "EndTime"]))?,
        start_buffer_s: seconds(&["Time", "StartTimeBuffer"]),
        end_buffer_s: seconds(&["Time", "EndTimeBuffer"]),
        number: number.map(Confidential::new),
        protocol: call.and_then(|call| call.text(&["Protocol"])).unwrap_or("SIP").to_owned(),
    }
    .checked()
}

impl Entry {
    fn checked(self) -> Result<Self, String> {
        if self.id.is_empty() || self.id.chars().count() > 128 {
            return Err("Bad value for Id".to_owned());
        }
        if self.title.expose().chars().count() > 128 {
            return Err("Bad value for Title".to_owned());
        }
        if self.end <= self.start {
            return Err("Bad value for EndTime".to_owned());
        }
        Ok(self)
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    let exact: Timestamp = text.parse().map_err(|_| "Bad value for StartTime".to_owned())?;
    Timestamp::from_second(exact.as_second()).map_err(|_| "Bad value for StartTime".to_owned())
}

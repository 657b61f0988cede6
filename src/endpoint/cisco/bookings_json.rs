//! `Bookings Put` with JSON, over `POST /putxml`. In: the bookings as a codec holds them. Out: the body of the request.
//!
//! The JSON is the text of one `<body>` element, so it is escaped twice: as JSON, then as XML. The list is read back in the
//! same request, which costs the device no second one of the one request a second it takes.
//! Documented: description of `Bookings Put` in <https://roomos.cisco.com/xapi>, RoomOS 9.15 to 26.4.

use serde::Serialize;

use super::fields::{Sent, utc};

/// How a booking without an address to dial is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::endpoint) enum WithoutCall {
    /// `Protocol: "None"`, known from RoomOS 11.24 on.
    ProtocolNone,
    /// An empty number over SIP, for older ones, which require a protocol and know no `None`.
    EmptySip,
}

/// The request that replaces the list and reads it back; with no bookings it clears the list.
pub(super) fn put_and_list(bookings: &[Sent], without_call: WithoutCall) -> String {
    if bookings.is_empty() {
        return command("<Clear command=\"True\"/><List command=\"True\"/>");
    }
    let json = payload(bookings, without_call);
    let body = quick_xml::escape::escape(json.as_str());
    command(&format!("<Put command=\"True\"><body>{body}</body></Put><List command=\"True\"/>"))
}

/// What `Bookings Put` takes: the whole list, as JSON.
pub(in crate::endpoint) fn payload(bookings: &[Sent], without_call: WithoutCall) -> String {
    let list = Payload { bookings: bookings.iter().map(|sent| Booking::of(sent, without_call)).collect() };
    serde_json::to_string(&list).expect("bookings are plain data")
}

/// The request that reads the list.
pub(super) fn list() -> String {
    command("<List command=\"True\"/>")
}

/// The request that empties the list.
pub(super) fn clear() -> String {
    command("<Clear command=\"True\"/>")
}

fn command(inside: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Command><Bookings>{inside}</Bookings></Command>")
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Payload<'a> {
    bookings: Vec<Booking<'a>>,
}

/// `MeetingPlatform`, `Encryption` and `MetaInfo` are left out: they read back as something else, and Join needs none of them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Booking<'a> {
    id: &'a str,
    title: &'a str,
    agenda: &'a str,
    privacy: &'a str,
    organizer: Organizer<'a>,
    time: Time,
    number: &'a str,
    protocol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_type: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Organizer<'a> {
    name: &'a str,
    email: &'a str,
    id: &'a str,
}

/// Duration in minutes, buffers in seconds.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Time {
    start_time: String,
    duration: i64,
    start_time_buffer: u32,
    end_time_buffer: u32,
}

impl<'a> Booking<'a> {
    fn of(sent: &'a Sent, without_call: WithoutCall) -> Self {
        let (number, protocol) = match (&sent.call, without_call) {
            (Some((number, protocol)), _) => (number.as_str(), *protocol),
            (None, WithoutCall::ProtocolNone) => ("", "None"),
            (None, WithoutCall::EmptySip) => ("", "SIP"),
        };
        Self {
            id: &sent.id,
            title: &sent.title,
            agenda: "",
            privacy: if sent.private { "Private" } else { "Public" },
            organizer: Organizer { name: &sent.organizer_name, email: &sent.organizer_email, id: "" },
            time: Time {
                start_time: utc(sent.start),
                duration: sent.minutes(),
                start_time_buffer: sent.start_buffer_s,
                end_time_buffer: sent.end_buffer_s,
            },
            number,
            protocol,
            call_type: sent.call.is_some().then_some("Video"),
        }
    }
}

//! What a device of the simulated Webex Cloud answers to `Bookings.List`: its bookings the way devices give them back, as JSON.
//!
//! Rewritten on the way: a duration became an end, the organizer's name two names, the number stands in `DialInfo`; neither `Protocol`
//! nor `CallRate` comes back. `Booking` is not there when there is none. Source: captured listings of 2026.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::cisco::Entry;

/// `terse`: a list of one comes as that one, numbers come as texts.
pub(super) fn of<'a>(bookings: impl Iterator<Item = &'a Entry>, updated: Timestamp, terse: bool) -> Value {
    let mut listed: Vec<Value> = bookings.map(|entry| one(entry, terse)).collect();
    let mut result = json!({ "ResultInfo": { "TotalRows": number(u32::try_from(listed.len()).unwrap_or(u32::MAX), terse) }, "LastUpdated": utc(updated) });
    match listed.len() {
        0 => {}
        1 if terse => result["Booking"] = listed.remove(0),
        _ => result["Booking"] = Value::from(listed),
    }
    result
}

fn one(entry: &Entry, terse: bool) -> Value {
    let calls: Vec<Value> =
        entry.number.iter().map(|number| json!({ "Number": number.expose(), "CallType": "Video" })).collect();
    json!({
        "Id": entry.id, "MeetingId": "", "Title": entry.title.expose(), "Agenda": "",
        "Privacy": if entry.private { "Private" } else { "Public" },
        "Organizer": {
            "FirstName": entry.first_name.expose(), "LastName": entry.last_name.expose(), "Email": entry.email.expose(), "Id": ""
        },
        "Time": {
            "StartTime": utc(entry.start), "StartTimeBuffer": number(entry.start_buffer_s, terse),
            "EndTime": utc(entry.end), "EndTimeBuffer": number(entry.end_buffer_s, terse)
        },
        "MaximumMeetingExtension": number(0, terse), "BookingStatus": "OK", "BookingStatusMessage": "", "Cancellable": "False",
        "Webex": { "Enabled": "False", "Url": "", "MeetingNumber": "", "Password": "", "HostKey": "" },
        "Encryption": "BestEffort", "Recording": "Disabled", "DialInfo": { "Calls": { "Call": calls } },
    })
}

fn number(value: u32, terse: bool) -> Value {
    if terse { json!(value.to_string()) } else { json!(value) }
}

fn utc(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

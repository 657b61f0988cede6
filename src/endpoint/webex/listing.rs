//! What a device holds, as the cloud tells it. In: the `result` of `Bookings.List`. Out: one [`Seen`] per booking.
//!
//! The same tree as a codec's own XML, written as JSON: one booking stands as an object or as a list of one, numbers stand as numbers
//! or as texts, and without bookings `Booking` is not there at all. So it becomes that tree, and is read by the same reader.

use serde_json::Value;

use crate::endpoint::cisco::Seen;
use crate::endpoint::cisco::element::Element;
use crate::endpoint::cisco::listing;

/// Deepest nesting that is followed; a listing has seven levels.
const DEPTH_MAX: usize = 16;

/// The bookings in `result`; `deployment` says which of them are ours. `None`: it is no listing.
pub(super) fn bookings(result: &Value, deployment: &str) -> Option<Vec<Seen>> {
    let members = result.as_object()?;
    let told = ["Booking", "ResultInfo", "LastUpdated"].iter().any(|name| members.contains_key(*name));
    let is_empty = members.is_empty();
    (told || is_empty).then(|| listing::bookings(&element("BookingsListResult", result, 0), deployment))
}

fn element(name: &str, value: &Value, depth: usize) -> Element {
    let mut made = Element { name: name.to_owned(), ..Element::default() };
    match value {
        Value::String(text) => made.text = text.trim().to_owned(),
        Value::Number(number) => made.text = number.to_string(),
        Value::Bool(truth) => made.text = if *truth { "True" } else { "False" }.to_owned(),
        Value::Object(members) if depth < DEPTH_MAX => {
            for (name, value) in members {
                match value {
                    Value::Array(items) => {
                        made.children.extend(items.iter().map(|item| element(name, item, depth + 1)));
                    }
                    one => made.children.push(element(name, one, depth + 1)),
                }
            }
        }
        Value::Object(_) | Value::Array(_) | Value::Null => {}
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MeetingId, RoomEmail};

    /// One line a booking: id, whether it is ours, title, times, number, privacy, start buffer.
    fn lines(json: &str) -> Vec<String> {
        let id = MeetingId::new(&RoomEmail::parse("fjord@example.com").unwrap(), "u1", None).to_string();
        let result: Value = serde_json::from_str(&json.replace("OURS", &format!("otj-abc123-{id}"))).unwrap();
        let Some(seen) = bookings(&result, "abc123") else { return vec!["no listing".into()] };
        let line = |seen: &Seen| {
            let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
            let number = seen.number.as_ref().map(|number| number.expose().to_owned());
            format!(
                "{} {:?} {} {} {} {:?} {:?} {:?}",
                seen.id.replace(&id, "ID"),
                seen.ours.is_some(),
                seen.title.expose(),
                time(seen.start),
                time(seen.end),
                number,
                seen.private,
                seen.start_buffer_s
            )
        };
        seen.iter().map(line).collect()
    }

    #[test]
    fn a_listing_is_read_in_all_the_forms_it_comes_in() {
        let ours = r#"{"Id": "OURS", "Title": " Budget\n round", "Privacy": "Private", "Organizer": {"FirstName": "Ada", "LastName": "L"},
            "Time": {"StartTime": "2027-01-04T09:00:00.25Z", "StartTimeBuffer": "300", "EndTime": "2027-01-04T10:00:00Z", "EndTimeBuffer": 0},
            "DialInfo": {"Calls": {"Call": [{"Number": "1@vc.example", "CallType": "Video"}]}}, "Cancellable": false}"#;
        let read = r#"otj-abc123-ID true Budget round 2027-01-04T09:00:00Z 2027-01-04T10:00:00Z Some("1@vc.example") Some(true) Some(300)"#;
        let theirs = r#"{"Id": "webex-7", "MeetingId": "guid", "Title": "Theirs", "Time": {"StartTime": "2027-01-04T09:00:00Z", "StartTimeBuffer": 60, "Duration": 30}}"#;
        let rival = "webex-7 false Theirs 2027-01-04T09:00:00Z 2027-01-04T09:30:00Z None None Some(60)";
        for (json, expected) in [
            (r#"{"ResultInfo": {"TotalRows": 0}, "LastUpdated": "2027-01-04T08:00:00Z"}"#.to_owned(), vec![]),
            ("{}".to_owned(), vec![]),
            (format!(r#"{{"Booking": {ours}}}"#), vec![read]),
            (format!(r#"{{"ResultInfo": {{"TotalRows": "2"}}, "Booking": [{ours}, {theirs}]}}"#), vec![read, rival]),
            (r#"{"Booking": [null, 1, {"Title": "without id"}]}"#.to_owned(), vec![]),
            (r#"{"hello": "world"}"#.to_owned(), vec!["no listing"]),
            ("[]".to_owned(), vec!["no listing"]),
            ("null".to_owned(), vec!["no listing"]),
        ] {
            assert_eq!(lines(&json), expected, "{json}");
        }
    }

    #[test]
    fn a_deep_answer_is_cut_off() {
        let deep = format!("{}1{}", r#"{"Booking":"#.repeat(100), "}".repeat(100));
        assert_eq!(lines(&deep), [""; 0]);
    }
}

//! An invitation in a file: `.json` (the `event` of a RuleTest, or an event as Microsoft Graph or Google give it), `.eml`, `.ics`.
//! Read by `otj match`, and by RuleTests that name a file.

mod eml;
mod mime;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::trace_text::short;
use crate::calendar::ics;
use crate::config::{Invitation, event_from_json};
use crate::model::failure::chain;
use crate::model::{Body, Confidential, Event, Person, RoomEmail, Window};

/// Largest invitation file, in bytes.
const FILE_MAX: usize = 16 << 20;

/// When an invitation without times takes place.
const SOME_DAY: &str = "2026-01-05T10:00:00Z";

/// How many other events are named that a file holds.
const NAMED_MAX: usize = 4;

/// The event that the file `name` holds, as [`invitation`] finds it.
///
/// # Errors
/// Says what is wrong with the file, in one line.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Event, String> {
    invitation(name, bytes, None).map(|read| read.event)
}

/// The event that the file `name` holds, and what to say about it. The file's ending says how to read it; without one it is JSON,
/// iCalendar or mail by how it begins. Of an iCalendar stream it is the earliest event, or the earliest with this `uid`.
///
/// # Errors
/// Says what is wrong with the file, in one line.
pub(super) fn invitation(name: &str, bytes: &[u8], uid: Option<&str>) -> Result<Invitation, String> {
    if bytes.len() > FILE_MAX {
        return Err("it is larger than 16 MiB".into());
    }
    // Windows' shells write UTF-16 where output is redirected.
    let from_utf16 = [b"\xff\xfe", b"\xfe\xff"].iter().any(|mark| bytes.starts_with(*mark));
    let decoded = from_utf16.then(|| mime::decoded(bytes, "utf-16"));
    let bytes = decoded.as_deref().map_or(bytes, str::as_bytes);
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let start = bytes.trim_ascii_start();
    let calendar = match ending.as_str() {
        "ics" => true,
        "json" | "eml" => false,
        _ => start.len() >= 15 && start[..15].eq_ignore_ascii_case(b"BEGIN:VCALENDAR"),
    };
    if calendar {
        return ics(bytes, uid);
    }
    if uid.is_some() {
        return Err("an event is chosen by its UID in iCalendar files alone".into());
    }
    match ending.as_str() {
        "json" => event_from_json(bytes),
        "eml" => mail(bytes),
        _ if start.starts_with(b"{") => event_from_json(bytes),
        _ => mail(bytes),
    }
}

fn mail(bytes: &[u8]) -> Result<Invitation, String> {
    Ok(Invitation { event: eml::read(bytes)?, notes: vec![] })
}

/// The earliest event of an iCalendar stream, or the earliest with this `uid`.
fn ics(bytes: &[u8], uid: Option<&str>) -> Result<Invitation, String> {
    let calendar = ics::parse(bytes).map_err(|error| chain(&error))?;
    let uids: BTreeSet<String> = calendar.uids().collect();
    let calendar = match uid {
        None => calendar,
        Some(uid) if uids.contains(uid) => calendar.only(uid),
        Some(_) => return Err(format!("it holds no event with that UID; there are: {}", some_of(uids.iter()))),
    };
    let room = RoomEmail::parse("room@localhost").expect("the constant is an address");
    let zone = calendar.time_zone().and_then(|name| TimeZone::get(&name).ok()).unwrap_or(TimeZone::UTC);
    // A year at a time: a series without end has too many occurrences to look at all of them for the first.
    let mut unreadable = false;
    for year in 1990..2090 {
        let found = calendar.occurrences(&room, &zone, Window { from: new_year(year), to: new_year(year + 1) });
        unreadable |= !found.unreadable.is_empty();
        if let Some(event) = found.events.into_iter().next() {
            let others = uids.iter().filter(|each| **each != event.uid);
            let several = uid.is_none() && uids.len() > 1;
            let notes = several.then(|| {
                let (all, uid, others) = (uids.len(), short(&event.uid), some_of(others));
                format!(
                    "it holds {all} events, of which this is the earliest, `{uid}`; `--uid` takes another: {others}"
                )
            });
            return Ok(Invitation { event, notes: notes.into_iter().collect() });
        }
    }
    Err(if unreadable { "its event cannot be read" } else { "it holds no event that is not cancelled" }.into())
}

/// The first few UIDs.
fn some_of<'u>(uids: impl Iterator<Item = &'u String> + Clone) -> String {
    let named: Vec<String> = uids.clone().take(NAMED_MAX).map(|uid| format!("`{}`", short(uid))).collect();
    let more = uids.count().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

fn new_year(year: i16) -> Timestamp {
    let day = jiff::civil::date(year, 1, 1).to_zoned(TimeZone::UTC);
    day.expect("every year has a first day").timestamp()
}

/// An event with nothing but a body and times.
fn plain(body: Body, start: Timestamp, end: Timestamp) -> Event {
    Event {
        uid: "invitation".into(),
        original_start: None,
        start,
        end,
        all_day: false,
        subject: Confidential::default(),
        organizer: Person::default(),
        location: Confidential::default(),
        body,
        private: false,
        tentative: false,
        properties: serde_json::Map::new(),
        time_zone: None,
        last_modified: None,
    }
}

fn some_day() -> Timestamp {
    SOME_DAY.parse().expect("the constant is a time")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ICS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260105T100000Z\r\nDTEND:20260105T110000Z\r\n\
        RRULE:FREQ=DAILY\r\nSUMMARY:Weekly\r\nLOCATION:sip:a@b.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    #[test]
    fn the_ending_or_else_the_beginning_says_what_a_file_is() {
        for (name, text) in [
            ("x.json", r#"{"subject": "Weekly"}"#),
            ("-", r#" {"subject": "Weekly"}"#),
            ("x.ICS", ICS),
            ("-", ICS),
            ("x.eml", "Subject: Weekly\n\nhello"),
            ("-", "Subject: Weekly\n\nhello"),
        ] {
            let event = read(name, text.as_bytes()).unwrap();
            assert_eq!(event.subject.expose(), "Weekly", "{name}");
            assert_eq!(event.start, some_day(), "{name}");
        }
    }

    #[test]
    fn of_several_events_the_earliest_is_taken_or_the_one_that_is_asked_for() {
        let (end, later) =
            ("END:VCALENDAR", "DTSTART:20260106T100000Z\r\nSUMMARY:Later\r\nEND:VEVENT\r\nEND:VCALENDAR");
        let more = |uid: &str| format!("BEGIN:VEVENT\r\nUID:{uid}\r\n{later}");
        let two = ICS.replace(end, &more("2"));
        let six = ["3", "4", "5", "6"].iter().fold(two.clone(), |text, uid| text.replace(end, &more(uid)));
        for (text, uid, subject, notes) in [
            (ICS, None, "Weekly", vec![]),
            (ICS, Some("1"), "Weekly", vec![]),
            (
                &two,
                None,
                "Weekly",
                vec!["it holds 2 events, of which this is the earliest, `1`; `--uid` takes another: `2`"],
            ),
            (&two, Some("2"), "Later", vec![]),
            (
                &six,
                None,
                "Weekly",
                vec![
                    "it holds 6 events, of which this is the earliest, `1`; `--uid` takes another: `2`, `3`, `4`, `5` and 1 more",
                ],
            ),
        ] {
            let read = invitation("x.ics", text.as_bytes(), uid).unwrap();
            assert_eq!(
                (read.event.subject.expose(), read.notes),
                (subject, notes.into_iter().map(str::to_owned).collect())
            );
        }
        for (name, text, uid, reason) in [
            ("x.ics", two.as_str(), "7", "it holds no event with that UID; there are: `1`, `2`"),
            ("x.json", "{}", "1", "an event is chosen by its UID in iCalendar files alone"),
        ] {
            assert_eq!(invitation(name, text.as_bytes(), Some(uid)).unwrap_err(), reason);
        }
    }

    #[test]
    fn a_file_that_is_none_of_these_is_refused_with_a_reason() {
        for (name, text) in [
            ("x.json", "{"),
            ("x.json", r#"{"subjct": ""}"#),
            ("x.ics", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"),
            ("x.ics", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"),
            ("x.eml", ""),
        ] {
            assert!(!read(name, text.as_bytes()).unwrap_err().is_empty(), "{name}: {text}");
        }
    }
}

//! Texts of calendars in, lines of occurrences out.

use jiff::tz::TimeZone;
use otj::calendar::ics;
use otj::model::{Event, RoomEmail, Window};

/// From the first week of 2026, Monday, to the end of that week, UTC.
pub(super) const WEEK: &str = "2026-01-05T00:00Z/2026-01-12T00:00Z";

fn window(text: &str) -> Window {
    let (from, to) = text.split_once('/').unwrap();
    let at = |text: &str| text.parse().unwrap();
    Window { from: at(from), to: at(to) }
}

/// Wraps indented lines into a calendar. A line that is only `VEVENT` begins the next event.
pub(super) fn calendar(text: &str) -> String {
    let mut out = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n");
    let mut open = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line == "VEVENT" {
            out += if open {
                "END:VEVENT\r\nBEGIN:VEVENT\r\nDTSTAMP:20260101T000000Z\r\n"
            } else {
                "BEGIN:VEVENT\r\nDTSTAMP:20260101T000000Z\r\n"
            };
            open = true;
        } else {
            out += line;
            out += "\r\n";
        }
    }
    out += if open { "END:VEVENT\r\nEND:VCALENDAR\r\n" } else { "END:VCALENDAR\r\n" };
    out
}

/// The occurrences of `span` for a room in `zone`.
pub(super) fn read(text: &str, zone: &str, span: &str) -> ics::Occurrences {
    let zone = TimeZone::get(zone).unwrap();
    ics::parse(text.as_bytes()).unwrap().occurrences(
        &RoomEmail::parse("fjord@example.com").unwrap(),
        &zone,
        window(span),
    )
}

fn shown(event: &Event) -> String {
    let day = |at: jiff::Timestamp| at.strftime("%m-%dT%H:%M").to_string();
    let mut line = format!("{} {} {}", day(event.start), day(event.end), event.subject.expose());
    if let Some(original) = event.original_start.filter(|original| *original != event.start) {
        line += &format!(" (was {})", day(original));
    }
    for (flag, text) in [(event.all_day, " all-day"), (event.private, " private"), (event.tentative, " tentative")] {
        line += if flag { text } else { "" };
    }
    line
}

/// `expected` has a line an event, sorted, UTC; `unreadable UID` for those.
fn check_in(zone: &str, span: &str, text: &str, expected: &str) {
    let found = read(&calendar(text), zone, span);
    let mut lines: Vec<String> = found.events.iter().map(shown).collect();
    lines.extend(found.unreadable.iter().map(|uid| format!("unreadable {uid}")));
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, expected, "{text}");
}

fn check(text: &str, expected: &str) {
    check_in("Europe/Oslo", WEEK, text, expected);
}

#[test]
fn singles_are_read_in_every_way_of_writing_a_time() {
    check(
        "VEVENT
         UID:a
         SUMMARY:utc
         DTSTART:20260105T080000Z
         DTEND:20260105T090000Z
         VEVENT
         UID:b
         SUMMARY:zoned
         DTSTART;TZID=America/New_York:20260105T080000
         DURATION:PT1H30M
         VEVENT
         UID:c
         SUMMARY:floating
         DTSTART:20260106T080000
         DTEND:20260106T083000
         VEVENT
         UID:d
         SUMMARY:day
         DTSTART;VALUE=DATE:20260107
         VEVENT
         UID:e
         SUMMARY:days
         DTSTART;VALUE=DATE:20260108
         DTEND;VALUE=DATE:20260110
         VEVENT
         UID:f
         SUMMARY:windows
         DTSTART;TZID=\"W. Europe Standard Time\":20260110T100000
         DTEND;TZID=\"W. Europe Standard Time\":20260110T110000
         VEVENT
         UID:g
         SUMMARY:exchange
         DTSTART;TZID=tzone://Microsoft/Utc:20260110T120000
         DTEND;TZID=tzone://Microsoft/Utc:20260110T130000
         VEVENT
         UID:h
         SUMMARY:moment
         DTSTART:20260111T120000Z
         VEVENT
         UID:i
         SUMMARY:before
         DTSTART:20260104T220000Z
         DTEND:20260105T000000Z
         VEVENT
         UID:j
         SUMMARY:after
         DTSTART:20260112T000000Z
         DTEND:20260112T010000Z",
        "01-05T08:00 01-05T09:00 utc
         01-05T13:00 01-05T14:30 zoned
         01-06T07:00 01-06T07:30 floating
         01-06T23:00 01-07T23:00 day all-day
         01-07T23:00 01-09T23:00 days all-day
         01-10T09:00 01-10T10:00 windows
         01-10T12:00 01-10T13:00 exchange
         01-11T12:00 01-11T12:00 moment",
    );
}

#[test]
fn a_whole_day_is_a_day_of_the_room() {
    let text = "VEVENT
        UID:a
        SUMMARY:day
        DTSTART;VALUE=DATE:20260107
        DTEND;VALUE=DATE:20260108";
    for (zone, expected) in [
        ("UTC", "01-07T00:00 01-08T00:00 day all-day"),
        ("Pacific/Auckland", "01-06T11:00 01-07T11:00 day all-day"),
        ("America/Los_Angeles", "01-07T08:00 01-08T08:00 day all-day"),
        ("Asia/Kathmandu", "01-06T18:15 01-07T18:15 day all-day"),
    ] {
        check_in(zone, WEEK, text, expected);
    }
    // A day on which the clock is put forward has 23 hours.
    let text = text.replace("20260107", "20260329").replace("20260108", "20260330");
    check_in("Europe/Oslo", "2026-03-28T00:00Z/2026-03-31T00:00Z", &text, "03-28T23:00 03-29T22:00 day all-day");
}

#[test]
fn a_moved_and_a_cancelled_occurrence_replace_the_series_own() {
    check(
        "VEVENT
         UID:a
         SUMMARY:daily
         DTSTART;TZID=Europe/Oslo:20251201T090000
         DTEND;TZID=Europe/Oslo:20251201T093000
         RRULE:FREQ=DAILY
         EXDATE;TZID=Europe/Oslo:20260109T090000,20260110T090000
         VEVENT
         UID:a
         RECURRENCE-ID;TZID=Europe/Oslo:20260106T090000
         SUMMARY:moved
         DTSTART;TZID=Europe/Oslo:20260106T150000
         DTEND;TZID=Europe/Oslo:20260106T160000
         VEVENT
         UID:a
         RECURRENCE-ID:20260107T080000Z
         SUMMARY:cancelled
         STATUS:CANCELLED
         DTSTART;TZID=Europe/Oslo:20260107T090000
         DTEND;TZID=Europe/Oslo:20260107T093000
         VEVENT
         UID:a
         RECURRENCE-ID;TZID=Europe/Oslo:20260120T090000
         SUMMARY:moved into the week
         DTSTART;TZID=Europe/Oslo:20260107T120000
         DTEND;TZID=Europe/Oslo:20260107T130000
         VEVENT
         UID:a
         RECURRENCE-ID;TZID=Europe/Oslo:20260111T090000
         SUMMARY:moved out of the week
         DTSTART;TZID=Europe/Oslo:20260131T120000
         DTEND;TZID=Europe/Oslo:20260131T130000",
        "01-05T08:00 01-05T08:30 daily
         01-06T14:00 01-06T15:00 moved (was 01-06T08:00)
         01-07T11:00 01-07T12:00 moved into the week (was 01-20T08:00)
         01-08T08:00 01-08T08:30 daily",
    );
}

#[test]
fn exceptions_and_extra_dates_are_understood_in_every_form() {
    check(
        "VEVENT
         UID:a
         SUMMARY:s
         DTSTART;TZID=Europe/Oslo:20260105T090000
         DURATION:PT30M
         RRULE:FREQ=DAILY;COUNT=7
         EXDATE;TZID=America/New_York:20260105T030000
         EXDATE:20260106T080000Z
         EXDATE;VALUE=DATE:20260107
         EXDATE:20260108T090000
         RDATE;TZID=Europe/Oslo:20260109T150000
         RDATE;VALUE=PERIOD:20260110T100000Z/PT2H,20260111T100000Z/20260111T103000Z",
        "01-09T08:00 01-09T08:30 s
         01-09T14:00 01-09T14:30 s
         01-10T08:00 01-10T08:30 s
         01-10T10:00 01-10T12:00 s
         01-11T08:00 01-11T08:30 s
         01-11T10:00 01-11T10:30 s",
    );
}

#[test]
fn a_series_ends_at_its_last_moment_and_its_last_count() {
    for (rule, expected) in [
        // The last moment is 10:00 in Oslo, the time of the occurrence itself.
        ("FREQ=DAILY;UNTIL=20260106T090000Z", "5 6"),
        ("FREQ=DAILY;UNTIL=20260106T085959Z", "5"),
        ("FREQ=DAILY;UNTIL=20260106T100000", "5 6"),
        ("FREQ=DAILY;UNTIL=20260106", "5 6"),
        ("FREQ=DAILY;COUNT=37", "5 6"),
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR;UNTIL=20260108T000000Z", "5 7"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU", "12"),
        ("FREQ=MONTHLY;BYDAY=2TU", ""),
        ("FREQ=MONTHLY;BYDAY=1MO", "5"),
        ("FREQ=DAILY;UNTIL=20250101T000000Z", ""),
    ] {
        let text = calendar(&format!(
            "VEVENT\nUID:a\nDTSTART;TZID=Europe/Oslo:20251201T100000\nDTEND;TZID=Europe/Oslo:20251201T110000\nRRULE:{rule}"
        ));
        let found = read(&text, "UTC", "2026-01-05T00:00Z/2026-01-13T00:00Z");
        let days: Vec<String> = found.events.iter().map(|event| event.start.strftime("%-d").to_string()).collect();
        assert_eq!(days[..days.len().min(2)].join(" "), expected, "{rule}");
    }
}

#[test]
fn a_series_keeps_its_local_time_when_the_clocks_change() {
    let text = "VEVENT
        UID:a
        SUMMARY:s
        DTSTART;TZID=Europe/Oslo:20260101T090000
        DTEND;TZID=Europe/Oslo:20260101T100000
        RRULE:FREQ=DAILY";
    check_in(
        "UTC",
        "2026-03-28T00:00Z/2026-03-30T12:00Z",
        text,
        "03-28T08:00 03-28T09:00 s\n03-29T07:00 03-29T08:00 s\n03-30T07:00 03-30T08:00 s",
    );
    check_in(
        "UTC",
        "2026-10-24T00:00Z/2026-10-26T12:00Z",
        text,
        "10-24T07:00 10-24T08:00 s\n10-25T08:00 10-25T09:00 s\n10-26T08:00 10-26T09:00 s",
    );
    // 02:30 does not exist on 29 March and exists twice on 25 October: later by the hour, and the first.
    let night = text.replace("T090000", "T023000").replace("T100000", "T024500");
    check_in("UTC", "2026-03-28T12:00Z/2026-03-29T12:00Z", &night, "03-29T01:30 03-29T01:45 s");
    check_in("UTC", "2026-10-24T12:00Z/2026-10-25T12:00Z", &night, "10-25T00:30 10-25T00:45 s");
}

#[test]
fn a_zone_that_only_the_file_knows_is_taken_from_the_file() {
    check(
        "BEGIN:VTIMEZONE
         TZID:Customized Time Zone
         BEGIN:STANDARD
         DTSTART:16010101T000000
         TZOFFSETFROM:+0130
         TZOFFSETTO:+0130
         END:STANDARD
         END:VTIMEZONE
         VEVENT
         UID:a
         SUMMARY:odd
         DTSTART;TZID=Customized Time Zone:20260105T100000
         DTEND;TZID=Customized Time Zone:20260105T110000
         VEVENT
         UID:b
         SUMMARY:nowhere
         DTSTART;TZID=Nowhere:20260105T100000
         DTEND;TZID=Nowhere:20260105T110000",
        "01-05T08:30 01-05T09:30 odd
         unreadable b",
    );
}

#[test]
fn cancelled_and_declined_events_are_gone_and_tentative_and_private_ones_are_marked() {
    check(
        "VEVENT
         UID:a
         SUMMARY:cancelled
         STATUS:CANCELLED
         DTSTART:20260105T080000Z
         VEVENT
         UID:b
         SUMMARY:declined
         ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@example.com
         ATTENDEE;CUTYPE=ROOM;PARTSTAT=DECLINED:MAILTO:Fjord@Example.com
         DTSTART:20260105T080000Z
         VEVENT
         UID:c
         SUMMARY:declined by another room
         ATTENDEE;CUTYPE=ROOM;PARTSTAT=DECLINED:mailto:vik@example.com
         ATTENDEE;CUTYPE=ROOM;PARTSTAT=ACCEPTED:mailto:fjord@example.com
         DTSTART:20260105T090000Z
         VEVENT
         UID:d
         SUMMARY:maybe
         STATUS:TENTATIVE
         DTSTART:20260105T100000Z
         VEVENT
         UID:e
         SUMMARY:unanswered
         CLASS:CONFIDENTIAL
         ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:fjord@example.com
         DTSTART:20260105T110000Z
         VEVENT
         UID:f
         SUMMARY:own
         CLASS:private
         DTSTART:20260105T120000Z",
        "01-05T09:00 01-05T09:00 declined by another room
         01-05T10:00 01-05T10:00 maybe tentative
         01-05T11:00 01-05T11:00 unanswered private tentative
         01-05T12:00 01-05T12:00 own private",
    );
    check("METHOD:CANCEL\nVEVENT\nUID:a\nDTSTART:20260105T080000Z", "");
}

#[test]
fn the_highest_sequence_of_an_event_wins_wherever_it_stands() {
    check(
        "VEVENT
         UID:a
         SEQUENCE:2
         SUMMARY:new
         DTSTART:20260105T090000Z
         VEVENT
         UID:a
         SEQUENCE:1
         SUMMARY:old
         DTSTART:20260105T080000Z
         VEVENT
         UID:b
         SUMMARY:first
         DTSTART:20260106T080000Z
         VEVENT
         UID:b
         SUMMARY:last
         DTSTART:20260106T090000Z
         VEVENT
         SUMMARY:without uid
         DTSTART:20260107T090000Z",
        "01-05T09:00 01-05T09:00 new
         01-06T09:00 01-06T09:00 last
         01-07T09:00 01-07T09:00 without uid",
    );
}

#[test]
fn this_and_future_changes_all_later_occurrences_until_the_next_such() {
    check(
        "VEVENT
         UID:a
         SUMMARY:old
         DTSTART:20260101T080000Z
         DTEND:20260101T083000Z
         RRULE:FREQ=DAILY
         VEVENT
         UID:a
         RECURRENCE-ID;RANGE=THISANDFUTURE:20260106T080000Z
         SUMMARY:new
         DTSTART:20260106T100000Z
         DTEND:20260106T110000Z
         VEVENT
         UID:a
         RECURRENCE-ID:20260107T080000Z
         SUMMARY:once
         DTSTART:20260107T120000Z
         DTEND:20260107T121500Z
         VEVENT
         UID:a
         RECURRENCE-ID;RANGE=THISANDFUTURE:20260109T080000Z
         STATUS:CANCELLED
         DTSTART:20260109T080000Z",
        "01-05T08:00 01-05T08:30 old
         01-06T10:00 01-06T11:00 new (was 01-06T08:00)
         01-07T12:00 01-07T12:15 once (was 01-07T08:00)
         01-08T10:00 01-08T11:00 new (was 01-08T08:00)",
    );
}

#[test]
fn a_replacement_without_its_series_is_that_one_occurrence() {
    check(
        "VEVENT
         UID:a
         RECURRENCE-ID:20260105T080000Z
         SUMMARY:guest
         DTSTART:20260105T090000Z
         DTEND:20260105T100000Z
         VEVENT
         UID:b
         SUMMARY:series
         DTSTART:20260106T080000Z
         RRULE:FREQ=WEEKLY
         EXDATE:20260106T080000Z
         VEVENT
         UID:b
         RECURRENCE-ID:20260106T080000Z
         SUMMARY:excepted
         DTSTART:20260106T080000Z",
        "01-05T09:00 01-05T10:00 guest (was 01-05T08:00)",
    );
}

#[test]
fn an_event_that_cannot_be_read_is_named_and_the_others_go_on() {
    check(
        "VEVENT
         UID:right
         SUMMARY:right
         DTSTART:20260105T080000Z
         VEVENT
         UID:no-start
         VEVENT
         UID:bad-start
         DTSTART:tomorrow
         VEVENT
         UID:bad-day
         DTSTART:20260231T080000Z
         VEVENT
         UID:ends-before
         DTSTART:20260105T080000Z
         DTEND:20260105T070000Z
         VEVENT
         UID:bad-duration
         DTSTART:20260105T080000Z
         DURATION:1 hour
         VEVENT
         UID:bad-rule
         DTSTART:20260105T080000Z
         RRULE:FREQ=SOMETIMES
         VEVENT
         UID:endless
         DTSTART:20100105T080000Z
         RRULE:FREQ=SECONDLY
         VEVENT
         UID:bad-exception
         DTSTART:20260105T080000Z
         RRULE:FREQ=DAILY
         EXDATE:never
         VEVENT
         UID:bad-override
         DTSTART:20260105T080000Z
         RRULE:FREQ=DAILY
         VEVENT
         UID:bad-override
         RECURRENCE-ID:20260105T080000Z
         DTSTART:oops",
        "01-05T08:00 01-05T08:00 right
         unreadable bad-day
         unreadable bad-duration
         unreadable bad-exception
         unreadable bad-override
         unreadable bad-rule
         unreadable bad-start
         unreadable endless
         unreadable ends-before
         unreadable no-start",
    );
}

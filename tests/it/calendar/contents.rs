//! What people wrote in events, and streams that are cut, garbage or huge.

use otj::calendar::ics::{self, IcsError};
use otj::model::Body;

use super::occurrences::{WEEK, calendar, read};

#[test]
fn what_people_wrote_reaches_the_event_whole() {
    let text = calendar(
        "X-WR-TIMEZONE:Europe/Oslo
         VEVENT
         UID:a
         SUMMARY:Plan\\, then; act
         LOCATION:Fjord\\nFloor 2
         ORGANIZER;CN=\"Example, Ann\":mailto:ann@example.com
         DESCRIPTION:Join: https://zoom.us/j/1\\nSee you
         X-ALT-DESC;FMTTYPE=text/html:<a href=\"https://zoom.us/j/1\">Join</a>
         X-GOOGLE-CONFERENCE:https://meet.google.com/abc-defg-hij
         X-MICROSOFT-ONLINEMEETINGINFORMATION:{\"OnlineMeetingProvider\":3}
         CONFERENCE;VALUE=URI;FEATURE=VIDEO:https://a.example/1
         CONFERENCE;VALUE=URI;FEATURE=PHONE:tel:+1
         LAST-MODIFIED:20260102T030405Z
         DTSTART;TZID=Europe/Oslo:20260105T090000
         VEVENT
         UID:b
         DESCRIPTION:See the invitation
         X-ALT-DESC;FMTTYPE=text/html:<p><a HREF='https://teams.microsoft.com/l/x?a=1&amp;b=2'>Join</a>
         DTSTART:20260106T090000Z",
    );
    let parsed = ics::parse(text.as_bytes()).unwrap();
    assert_eq!(parsed.time_zone().as_deref(), Some("Europe/Oslo"));
    let found = read(&text, "UTC", WEEK).events;
    let a = &found[0];
    assert_eq!(a.subject.expose(), "Plan, then; act");
    assert_eq!(a.location.expose(), "Fjord\nFloor 2");
    assert_eq!((a.organizer.name.expose(), a.organizer.email.expose()), ("Example, Ann", "ann@example.com"));
    assert!(matches!(&a.body, Body::Text(text) if text.expose() == "Join: https://zoom.us/j/1\nSee you"));
    assert_eq!(
        serde_json::to_string(&a.properties).unwrap(),
        r#"{"CONFERENCE":["https://a.example/1","tel:+1"],"X-GOOGLE-CONFERENCE":"https://meet.google.com/abc-defg-hij","X-MICROSOFT-ONLINEMEETINGINFORMATION":"{\"OnlineMeetingProvider\":3}"}"#
    );
    assert_eq!(a.last_modified, Some("2026-01-02T03:04:05Z".parse().unwrap()));
    assert_eq!(a.time_zone.as_deref(), Some("Europe/Oslo"));
    assert!(matches!(&found[1].body, Body::Html(html) if html.expose().contains("teams.microsoft.com")));
}

#[test]
fn half_a_calendar_is_none() {
    let whole = calendar("VEVENT\nUID:a\nDTSTART:20260105T080000Z\nVEVENT\nUID:b\nDTSTART:20260105T080000Z");
    let whole = whole.trim_end();
    for cut in 0..whole.len() {
        assert!(ics::parse(&whole.as_bytes()[..cut]).is_err(), "cut at {cut} of {}", whole.len());
    }
    assert_eq!(ics::parse(b""), Err(IcsError::Empty));
    assert_eq!(ics::parse(&[0x1f, 0x8b, 8, 0, 0xff]), Err(IcsError::NotCalendar));
}

#[test]
fn ten_thousand_events_keep_the_soonest_an_agenda_holds() {
    let mut text = String::new();
    for number in 0..10_000 {
        let minute = number % 60;
        text += &format!(
            "VEVENT\nUID:u{number}\nSUMMARY:s\nDTSTART:20100104T08{minute:02}00Z\nDURATION:PT10M\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\n"
        );
    }
    let found = read(&calendar(&text), "UTC", WEEK);
    assert_eq!((found.events.len(), found.unreadable.len()), (2001, 0));
    assert!(found.events.iter().all(|event| event.start.strftime("%d").to_string() == "05"));
}

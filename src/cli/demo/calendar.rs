//! The calendars of the demo's two rooms. In: the time the demo starts, and what has happened since. Out: the text of each
//! room's `.ics` file, as a calendar server would publish it.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// The two rooms.
pub(super) const ROOMS: [&str; 2] = ["fjord@example.com", "vik@example.com"];
/// The meeting that is moved; both rooms are invited to it.
pub(super) const WEEKLY: &str = "Weekly planning";
/// Where the rooms are. The files name this zone and define it.
const ZONE: &str = "Europe/Oslo";
/// How far the weekly meeting is moved.
const MOVED_BY: SignedDuration = SignedDuration::from_mins(15);

/// What stands in both calendars.
#[derive(Debug)]
pub(super) struct Calendars {
    written: Timestamp,
    /// The next full five minutes: Join is there at once.
    first: Timestamp,
    zone: TimeZone,
    moved: bool,
}

/// One `VEVENT`.
struct Invitation<'a> {
    uid: &'a str,
    start: Timestamp,
    minutes: i64,
    title: &'a str,
    organizer: (&'a str, &'a str),
    location: &'a str,
    private: bool,
    text: &'a str,
}

impl Calendars {
    /// Invitations around `now`.
    ///
    /// # Errors
    /// When the zone of the rooms is not known.
    pub(super) fn new(now: Timestamp) -> anyhow::Result<Self> {
        let first = Timestamp::from_second((now.as_second().div_euclid(300) + 1) * 300)?;
        Ok(Self { written: now, first, zone: TimeZone::get(ZONE)?, moved: false })
    }

    /// When this week's meeting starts.
    pub(super) fn weekly(&self) -> Timestamp {
        if self.moved { self.planned_weekly() + MOVED_BY } else { self.planned_weekly() }
    }

    /// Somebody moves this week's meeting.
    pub(super) fn move_weekly(&mut self, now: Timestamp) {
        (self.written, self.moved) = (now, true);
    }

    fn planned_weekly(&self) -> Timestamp {
        self.first + 30.minutes()
    }

    /// The file of `room`, with CRLF and folded lines.
    pub(super) fn file_of(&self, room: &str) -> String {
        let mut lines = vec![
            "BEGIN:VCALENDAR".to_owned(),
            "VERSION:2.0".into(),
            "PRODID:-//Example//Room calendars 1.0//EN".into(),
            "CALSCALE:GREGORIAN".into(),
            "METHOD:PUBLISH".into(),
            format!("X-WR-CALNAME:{room}"),
            format!("X-WR-TIMEZONE:{ZONE}"),
        ];
        lines.extend(VTIMEZONE.lines().map(str::to_owned));
        self.weekly_series(room, &mut lines);
        if room == ROOMS[0] {
            self.stand_up(room, &mut lines);
        }
        for invitation in self.single(room) {
            self.event(&invitation, room, &[self.utc_times(&invitation)].concat(), &mut lines);
        }
        lines.push("END:VCALENDAR".into());
        lines.iter().map(|line| folded(line)).collect()
    }

    /// Meetings that happen once.
    fn single(&self, room: &str) -> Vec<Invitation<'static>> {
        let at = |minutes: i64| self.first + minutes.minutes();
        let zoom = |uid, start| Invitation {
            uid,
            start,
            minutes: 25,
            title: "Design review",
            organizer: ("Dana Field", "dana@partner.example"),
            location: "https://us02web.zoom.us/j/88239814437?pwd=bXlvcGFxdWV0b2tlbg.1",
            private: false,
            text: ZOOM,
        };
        let webex = |uid, start| Invitation {
            uid,
            start,
            minutes: 45,
            title: "Call with the supplier",
            organizer: ("Erik Supplier", "erik@supplier.example"),
            location: "https://site.webex.com/site/j.php",
            private: false,
            text: WEBEX,
        };
        let own = |uid, start, title, private, text| Invitation {
            uid,
            start,
            minutes: 60,
            title,
            organizer: ("Alice Example", "alice@example.com"),
            location: "",
            private,
            text,
        };
        if room == ROOMS[0] {
            vec![
                zoom("design-review@partner.example", at(0)),
                webex("supplier@supplier.example", at(105)),
                own(
                    "salaries@example.com",
                    at(165),
                    "Salaries",
                    true,
                    "From a video system (SIP/H.323): alice.vmr@vc.example.com",
                ),
                own("lunch@example.com", at(240), "Lunch, with cake", false, "No slides; there is cake; bring a fork."),
            ]
        } else {
            vec![
                webex("supplier-vik@supplier.example", at(0)),
                own(
                    "interview@example.com",
                    at(120),
                    "Interview",
                    false,
                    "Dial sip:guest-desk@vc.example.com when you are ready.",
                ),
                own("painters@example.com", at(200), "Painters in the room", false, ""),
            ]
        }
    }

    /// A series with one week left out, and this week's occurrence moved once somebody has moved it.
    fn weekly_series(&self, room: &str, lines: &mut Vec<String>) {
        let weekly = Invitation {
            uid: "weekly-planning@example.com",
            start: self.planned_weekly(),
            minutes: 45,
            title: WEEKLY,
            organizer: ("Bob Example", "bob@example.com"),
            location: "Microsoft Teams Meeting",
            private: false,
            text: TEAMS,
        };
        let today = self.local(weekly.start);
        let (begun, left_out) = (today - 14.days(), today - 7.days());
        let mut times = self.zoned_times(begun, weekly.minutes);
        times.push("RRULE:FREQ=WEEKLY".into());
        times.push(format!("EXDATE;TZID={ZONE}:{}", ics(left_out)));
        self.event(&weekly, room, &times, lines);
        if self.moved {
            let mut times = self.zoned_times(self.local(self.weekly()), weekly.minutes);
            times.push(format!("RECURRENCE-ID;TZID={ZONE}:{}", ics(today)));
            self.event(&weekly, room, &times, lines);
        }
    }

    /// A series whose occurrence of tomorrow is an hour later.
    fn stand_up(&self, room: &str, lines: &mut Vec<String>) {
        let stand_up = Invitation {
            uid: "stand-up@example.com",
            start: self.first + 320.minutes(),
            minutes: 15,
            title: "Stand-up",
            organizer: ("Bob Example", "bob@example.com"),
            location: "Fjord",
            private: false,
            text: "From a video system (SIP/H.323): bob.vmr@vc.example.com",
        };
        let today = self.local(stand_up.start);
        let mut times = self.zoned_times(today - 3.days(), stand_up.minutes);
        times.push("RRULE:FREQ=DAILY;COUNT=5".into());
        self.event(&stand_up, room, &times, lines);
        let tomorrow = today + 1.day();
        let mut times = self.zoned_times(tomorrow + 1.hour(), stand_up.minutes);
        times.push(format!("RECURRENCE-ID;TZID={ZONE}:{}", ics(tomorrow)));
        self.event(&stand_up, room, &times, lines);
    }

    fn event(&self, invitation: &Invitation<'_>, room: &str, times: &[String], lines: &mut Vec<String>) {
        let (name, email) = invitation.organizer;
        lines.push("BEGIN:VEVENT".into());
        lines.push(format!("UID:{}", invitation.uid));
        lines.push(format!("DTSTAMP:{}", utc(self.written)));
        lines.push(format!("LAST-MODIFIED:{}", utc(self.written)));
        lines.push(format!("SEQUENCE:{}", u8::from(self.moved)));
        lines.extend_from_slice(times);
        lines.push(format!("SUMMARY:{}", escaped(invitation.title)));
        lines.push(format!("ORGANIZER;CN={name}:mailto:{email}"));
        lines.push(format!("ATTENDEE;CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT;PARTSTAT=ACCEPTED:mailto:{room}"));
        if !invitation.location.is_empty() {
            lines.push(format!("LOCATION:{}", escaped(invitation.location)));
        }
        if !invitation.text.is_empty() {
            lines.push(format!("DESCRIPTION:{}", escaped(invitation.text)));
        }
        lines.push(format!("CLASS:{}", if invitation.private { "PRIVATE" } else { "PUBLIC" }));
        lines.push("STATUS:CONFIRMED".into());
        lines.push("TRANSP:OPAQUE".into());
        lines.push("END:VEVENT".into());
    }

    fn utc_times(&self, invitation: &Invitation<'_>) -> Vec<String> {
        let end = invitation.start + invitation.minutes.minutes();
        vec![format!("DTSTART:{}", utc(invitation.start)), format!("DTEND:{}", utc(end))]
    }

    fn zoned_times(&self, start: DateTime, minutes: i64) -> Vec<String> {
        let end = start + minutes.minutes();
        vec![format!("DTSTART;TZID={ZONE}:{}", ics(start)), format!("DTEND;TZID={ZONE}:{}", ics(end))]
    }

    fn local(&self, at: Timestamp) -> DateTime {
        self.zone.to_datetime(at)
    }
}

const ZOOM: &str = include_str!("texts/zoom.txt");
const WEBEX: &str = include_str!("texts/webex.txt");
const TEAMS: &str = include_str!("texts/teams.txt");

const VTIMEZONE: &str = "\
BEGIN:VTIMEZONE
TZID:Europe/Oslo
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE";

fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn ics(at: DateTime) -> String {
    at.strftime("%Y%m%dT%H%M%S").to_string()
}

/// A value of type TEXT. See RFC 5545, 3.3.11.
fn escaped(text: &str) -> String {
    text.trim_end().replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n")
}

/// A content line of at most 75 octets, continued on lines that begin with a blank. See RFC 5545, 3.1.
fn folded(line: &str) -> String {
    let (mut out, mut width) = (String::with_capacity(line.len() + 8), 0);
    for c in line.chars() {
        if width + c.len_utf8() > 75 {
            out.push_str("\r\n ");
            width = 1;
        }
        out.push(c);
        width += c.len_utf8();
    }
    out.push_str("\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::ics::parse;
    use crate::model::{RoomEmail, Window};

    /// The next two days of a room as the ICS reader sees them.
    fn read(calendars: &Calendars, room: &str, now: Timestamp) -> Vec<String> {
        let room = RoomEmail::parse(room).unwrap();
        let window = Window { from: now, to: now + 48.hours() };
        let read =
            parse(calendars.file_of(room.as_str()).as_bytes()).unwrap().occurrences(&room, &TimeZone::UTC, window);
        assert!(read.unreadable.is_empty());
        let line = |event: &crate::model::Event| {
            let private = if event.private { " private" } else { "" };
            format!("{} {}{private}", event.start.strftime("%d %H:%M"), event.subject.expose())
        };
        read.events.iter().map(line).collect()
    }

    #[test]
    fn the_calendars_read_back_as_they_are_meant_and_a_move_moves_one_occurrence() {
        let now: Timestamp = "2027-01-04T10:27:30Z".parse().unwrap();
        let mut calendars = Calendars::new(now).unwrap();
        let fjord = [
            "04 10:30 Design review",
            "04 11:00 Weekly planning",
            "04 12:15 Call with the supplier",
            "04 13:15 Salaries private",
            "04 14:30 Lunch, with cake",
            "04 15:50 Stand-up",
            "05 16:50 Stand-up",
        ];
        assert_eq!(read(&calendars, ROOMS[0], now), fjord);
        calendars.move_weekly(now);
        assert_eq!(calendars.weekly().to_string(), "2027-01-04T11:15:00Z");
        assert_eq!(read(&calendars, ROOMS[0], now)[1], "04 11:15 Weekly planning");
        assert_eq!(
            read(&calendars, ROOMS[1], now),
            [
                "04 10:30 Call with the supplier",
                "04 11:15 Weekly planning",
                "04 12:30 Interview",
                "04 13:50 Painters in the room"
            ]
        );
    }

    #[test]
    fn lines_are_folded_between_characters_and_end_with_crlf() {
        let calendars = Calendars::new("2027-01-04T10:27:30Z".parse().unwrap()).unwrap();
        let text = calendars.file_of(ROOMS[0]);
        assert!(text.lines().all(|line| line.len() <= 75) && text.contains("\r\n "));
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        assert!(text.replace("\r\n ", "").contains("• 88239814437@zoomcrc.com"));
    }
}

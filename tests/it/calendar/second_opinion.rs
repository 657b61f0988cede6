//! Invented series, expanded by us and by another program: `recurring-ical-events` from PyPI.

use jiff::tz::TimeZone;
use otj::calendar::ics;
use otj::model::{RoomEmail, Window};
use serde_json::{Value, json};

use super::occurrences::calendar;
use crate::python;

/// A small generator of numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit as u64).unwrap()
    }

    fn of(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.below(choices.len())]
    }
}

/// A series with a replaced and an excepted occurrence, as programs write them. Times stay clear of the hours that clocks skip or
/// double: there both programs have their reasons.
fn series(dice: &mut Dice) -> String {
    let zone = dice.of(&["Europe/Oslo", "America/New_York", "Asia/Kolkata", "Australia/Sydney"]);
    let (year, month, day) = (2010 + dice.below(17), 1 + dice.below(12), 1 + dice.below(28));
    let start = format!("{year}{month:02}{day:02}");
    let frequency = dice.of(&["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]);
    let mut rule = format!("FREQ={frequency};INTERVAL={}", 1 + dice.below(3));
    rule += match frequency {
        "WEEKLY" => dice.of(&["", ";BYDAY=MO,WE,FR", ";BYDAY=TU;WKST=SU", ";BYDAY=SA,SU;WKST=SU"]),
        "MONTHLY" => {
            dice.of(&["", ";BYDAY=1MO", ";BYDAY=-1FR", ";BYMONTHDAY=15,-1", ";BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"])
        }
        "YEARLY" => dice.of(&["", ";BYMONTH=3,10;BYDAY=2TU", ";BYYEARDAY=100", ";BYWEEKNO=20;BYDAY=MO"]),
        _ => dice.of(&["", ";BYDAY=MO,TU,WE,TH,FR", ";BYMONTH=3,4,10"]),
    };
    rule += &match dice.below(4) {
        0 => format!(";COUNT={}", 1 + dice.below(4000)),
        1 => format!(";UNTIL=20{}0601T000000Z", 20 + dice.below(8)),
        _ => String::new(),
    };
    let mut text = format!(
        "VEVENT\nUID:a\nDTSTART;TZID={zone}:{start}T100000\nDTEND;TZID={zone}:{start}T113000\nRRULE:{rule}\n\
         EXDATE;TZID={zone}:20260330T100000,20260406T100000\nRDATE;TZID={zone}:20260401T160000\n"
    );
    if dice.below(2) == 0 {
        let replaced = dice.of(&["20260327", "20260331", "20260402"]);
        // Only what the series has can be replaced; an extra date makes sure of it.
        text += &format!(
            "RDATE;TZID={zone}:{replaced}T100000\nVEVENT\nUID:a\nRECURRENCE-ID;TZID={zone}:{replaced}T100000\n"
        );
        text += &format!("DTSTART;TZID={zone}:{replaced}T180000\nDTEND;TZID={zone}:{replaced}T190000\n");
    }
    text
}

#[test]
fn another_program_finds_the_same_occurrences_in_three_hundred_invented_series() {
    let (from, to) = ("2026-03-20T00:00:00Z", "2026-04-20T00:00:00Z");
    let window = Window { from: from.parse().unwrap(), to: to.parse().unwrap() };
    let room = RoomEmail::parse("fjord@example.com").unwrap();
    let mut dice = Dice(20_260_105);
    let texts: Vec<String> = (0..300).map(|_| calendar(&series(&mut dice))).collect();
    let cases: Vec<Value> = texts.iter().map(|text| json!({"text": text, "from": from, "to": to})).collect();
    let theirs = python::ask(python::script("tests/it/calendar/second_opinion.py"), &Value::Array(cases));
    let mut compared = 0;
    for (text, theirs) in texts.iter().zip(theirs.as_array().unwrap()) {
        let found = ics::parse(text.as_bytes()).unwrap().occurrences(&room, &TimeZone::UTC, window);
        let utc = |at: jiff::Timestamp| at.strftime("%Y%m%dT%H%M").to_string();
        let ours: Vec<String> =
            found.events.iter().map(|event| format!("{} {}", utc(event.start), utc(event.end))).collect();
        assert_eq!((json!(ours), found.unreadable.len()), (theirs.clone(), 0), "{text}");
        compared += ours.len();
    }
    assert!(compared > 1000, "{compared} occurrences prove little");
}

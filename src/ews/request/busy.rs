//! Requests for free and busy time, in a time zone that the request itself describes.

use jiff::civil::{DateTime, Time, Weekday, date};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::{Code, Fault, some};
use crate::ews::tree::Element;
use crate::model::Window;

/// Longest span of one request (Exchange's own limit), in days.
const DAYS_MAX: i64 = 62;

/// `GetUserAvailabilityRequest`.
#[derive(Clone, Debug)]
pub struct Availability {
    /// Whose, in the order of the answers.
    pub mailboxes: Vec<String>,
    /// When.
    pub window: Window,
    /// Minutes of one letter of the merged view.
    pub interval: i64,
    /// The zone that times are given in.
    pub zone: SaidZone,
}

/// A time zone as a request describes it (`SerializableTimeZone`): minutes to add to local time to get UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SaidZone {
    bias: i64,
    /// When standard time begins, and when daylight saving time does.
    turns: Option<(Turn, Turn)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Turn {
    /// Added to the zone's.
    bias: i64,
    month: i8,
    /// Which of the weekdays of the month; -1: the last one.
    nth: i8,
    weekday: Weekday,
    at: Time,
}

impl SaidZone {
    /// What a clock there shows.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> DateTime {
        let shown = |bias: i64| offset(bias).to_datetime(at);
        let Some((standard, daylight)) = &self.turns else { return shown(self.bias) };
        let (in_standard, in_daylight) = (shown(self.bias + standard.bias), shown(self.bias + daylight.bias));
        let year = in_standard.year();
        let (Some(begins), Some(ends)) = (daylight.of(year), standard.of(year)) else { return in_standard };
        let saving = match begins < ends {
            true => in_standard >= begins && in_daylight < ends,
            false => in_standard >= begins || in_daylight < ends,
        };
        if saving { in_daylight } else { in_standard }
    }

    /// When a clock there shows `local`.
    fn instant(&self, local: DateTime) -> Option<Timestamp> {
        let biases = self
            .turns
            .map_or([self.bias; 2], |(standard, daylight)| [self.bias + daylight.bias, self.bias + standard.bias]);
        let moments = biases.map(|bias| offset(bias).to_timestamp(local).ok());
        moments.iter().flatten().find(|at| self.local(**at) == local).copied().or(moments[1])
    }

    fn read(element: &Element) -> Self {
        let number = |of: &Element, name: &str| of.child(name).and_then(|child| child.text.parse::<i64>().ok());
        let turn = |name: &str| {
            let turn = element.child(name)?;
            let weekday = turn.child("DayOfWeek").map_or("", |day| day.text.as_str());
            Some(Turn {
                bias: number(turn, "Bias")?.clamp(-1440, 1440),
                month: i8::try_from(number(turn, "Month")?).ok().filter(|month| (1..=12).contains(month))?,
                nth: match number(turn, "DayOrder")? {
                    order @ 1..=4 => i8::try_from(order).ok()?,
                    _ => -1,
                },
                weekday: DAYS.iter().find(|(day, _)| *day == weekday)?.1,
                at: turn.child("Time")?.text.parse().ok()?,
            })
        };
        let bias = number(element, "Bias").unwrap_or_default().clamp(-1440, 1440);
        Self { bias, turns: turn("StandardTime").zip(turn("DaylightTime")) }
    }
}

/// The weekdays by Exchange's names.
pub const DAYS: [(&str, Weekday); 7] = [
    ("Sunday", Weekday::Sunday),
    ("Monday", Weekday::Monday),
    ("Tuesday", Weekday::Tuesday),
    ("Wednesday", Weekday::Wednesday),
    ("Thursday", Weekday::Thursday),
    ("Friday", Weekday::Friday),
    ("Saturday", Weekday::Saturday),
];

impl Turn {
    fn of(&self, year: i16) -> Option<DateTime> {
        let first = date(year, self.month, 1);
        first.nth_weekday_of_month(self.nth, self.weekday).ok().map(|day| day.to_datetime(self.at))
    }
}

fn offset(bias: i64) -> Offset {
    let seconds = i32::try_from(-bias * 60).unwrap_or_default();
    Offset::from_seconds(seconds).unwrap_or(Offset::UTC)
}

pub(super) fn availability(call: &Element) -> Result<Availability, Fault> {
    let lacks = |what: &str| Fault::new(Code::ErrorSchemaValidation, format!("{what} is missing or wrong"));
    let listed = call.child("MailboxDataArray").map(|list| list.children.as_slice()).unwrap_or_default();
    let address = |data: &Element| data.at(&["Email", "Address"]).map(|it| it.text.clone()).unwrap_or_default();
    let zone = call.child("TimeZone").map(SaidZone::read).unwrap_or_default();
    let options = call.child("FreeBusyViewOptions").ok_or_else(|| lacks("FreeBusyViewOptions"))?;
    let time = |name: &str| {
        let text = options.at(&["TimeWindow", name]).map_or("", |it| it.text.as_str());
        // With an offset the moment is told, without one it is the zone's.
        let civil = || text.parse::<DateTime>().ok().and_then(|local| zone.instant(local));
        text.parse::<Timestamp>().ok().or_else(civil).ok_or_else(|| lacks(name))
    };
    let window = Window { from: time("StartTime")?, to: time("EndTime")? };
    if window.to <= window.from || window.to.duration_since(window.from) > SignedDuration::from_hours(24 * DAYS_MAX) {
        return Err(lacks("TimeWindow"));
    }
    let interval = options.child("MergedFreeBusyIntervalInMinutes").and_then(|it| it.text.parse().ok());
    Ok(Availability {
        mailboxes: some(listed.iter().map(address).collect(), "MailboxDataArray")?,
        window,
        interval: interval.unwrap_or(30).clamp(5, 1440),
        zone,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(standard: &str, daylight: &str) -> SaidZone {
        let turn = |name: &str, text: &str| {
            let [bias, month, order, day, at] = text.split(' ').collect::<Vec<_>>().try_into().unwrap();
            format!(
                "<{name}><Bias>{bias}</Bias><Time>{at}</Time><DayOrder>{order}</DayOrder><Month>{month}</Month><DayOfWeek>{day}</DayOfWeek></{name}>"
            )
        };
        let text = format!(
            "<TimeZone><Bias>-60</Bias>{}{}</TimeZone>",
            turn("StandardTime", standard),
            turn("DaylightTime", daylight)
        );
        SaidZone::read(&Element::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_zone_that_a_request_describes_turns_when_it_says() {
        let north = zone("0 10 5 Sunday 03:00:00", "-60 3 5 Sunday 02:00:00");
        let south = zone("0 4 1 Sunday 03:00:00", "-60 10 1 Sunday 02:00:00");
        let flat = SaidZone { turns: None, ..north };
        for (zone, at, local) in [
            (north, "2026-03-29T00:59:59Z", "2026-03-29T01:59:59"),
            (north, "2026-03-29T01:00:00Z", "2026-03-29T03:00:00"),
            (north, "2026-10-25T00:59:59Z", "2026-10-25T02:59:59"),
            (north, "2026-10-25T01:00:00Z", "2026-10-25T02:00:00"),
            (south, "2026-01-15T12:00:00Z", "2026-01-15T14:00:00"),
            (south, "2026-07-15T12:00:00Z", "2026-07-15T13:00:00"),
            (flat, "2026-07-15T12:00:00Z", "2026-07-15T13:00:00"),
            (SaidZone::default(), "2026-07-15T12:00:00Z", "2026-07-15T12:00:00"),
        ] {
            let (at, local): (Timestamp, DateTime) = (at.parse().unwrap(), local.parse().unwrap());
            assert_eq!(zone.local(at), local, "{at}");
            assert_eq!(zone.local(zone.instant(local).unwrap()), local, "{local}");
        }
    }
}

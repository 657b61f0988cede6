//! Names of time zones in, rules for local time out.
//!
//! | `TZID` | zone |
//! |---|---|
//! | an IANA name, also with a registry's prefix (`/mozilla.org/20050126_1/Europe/Berlin`) | that one, from our database |
//! | a Windows name (`W. Europe Standard Time`, `(UTC+01:00) Amsterdam, Berlin, …`) | as CLDR maps it |
//! | `tzone://Microsoft/Utc` | UTC |
//! | anything else (`Customized Time Zone`, `tzone://Microsoft/Custom`) | the file's own `VTIMEZONE` |
//!
//! Our database goes before the file's definition where both know the name: files carry the rules of the day they were written.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::{DateTime, date};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::lines::Component;
use super::recurrence::{self, Rule, Until};
use crate::model::zone::named;

/// A zone of our database, or one a file defines.
#[derive(Debug, Clone)]
pub(super) enum Zone {
    Known(TimeZone),
    Inline(Arc<Inline>),
}

impl Zone {
    pub(super) const UTC: Self = Self::Known(TimeZone::UTC);

    /// The moment the clock on the wall shows `local`. A time that occurs twice is the first one; a time that is skipped is as
    /// much later as the clock was put forward (RFC 5545, 3.3.5).
    pub(super) fn instant(&self, local: DateTime) -> Option<Timestamp> {
        match self {
            Self::Known(zone) => zone.to_ambiguous_timestamp(local).compatible().ok(),
            Self::Inline(inline) => inline.offset_at_local(local).to_timestamp(local).ok(),
        }
    }

    /// What the clock on the wall shows at `instant`.
    pub(super) fn local(&self, instant: Timestamp) -> DateTime {
        match self {
            Self::Known(zone) => zone.to_datetime(instant),
            Self::Inline(inline) => inline.offset_at(instant).to_datetime(instant),
        }
    }

    /// Its IANA name, where it has one.
    pub(super) fn iana_name(&self) -> Option<&str> {
        match self {
            Self::Known(zone) => zone.iana_name(),
            Self::Inline(_) => None,
        }
    }
}

/// What the names in one calendar stand for.
#[derive(Debug, Clone, Default)]
pub(super) struct Zones(BTreeMap<String, Zone>);

impl Zones {
    /// Reads the `VTIMEZONE`s of `calendar`. One that cannot be read is as good as none: who uses it is unreadable.
    pub(super) fn of(calendar: &Component) -> Self {
        let mut zones = BTreeMap::new();
        for definition in calendar.children.iter().filter(|component| component.name == "VTIMEZONE") {
            let Some(name) = definition.text("TZID") else { continue };
            let location = definition.text("X-LIC-LOCATION");
            let zone = named(&name)
                .or_else(|| location.and_then(|location| named(&location)))
                .map(Zone::Known)
                .or_else(|| Inline::read(definition).map(|inline| Zone::Inline(Arc::new(inline))));
            if let Some(zone) = zone {
                zones.insert(name, zone);
            }
        }
        Self(zones)
    }

    /// The zone called `name`.
    pub(super) fn get(&self, name: &str) -> Option<Zone> {
        self.0.get(name).cloned().or_else(|| named(name).map(Zone::Known))
    }
}

/// A zone made of the transitions of a `VTIMEZONE`, sorted.
#[derive(Debug)]
pub(super) struct Inline(Vec<Transition>);

#[derive(Debug, Clone, Copy)]
struct Transition {
    at: Timestamp,
    from: Offset,
    to: Offset,
}

impl Inline {
    /// `None` when no transition can be made out, or one of the observances is not understood.
    fn read(definition: &Component) -> Option<Self> {
        let mut transitions = Vec::new();
        for observance in definition.children.iter().filter(|child| ["STANDARD", "DAYLIGHT"].contains(&&*child.name)) {
            transitions.extend(onsets(observance)?);
        }
        transitions.sort_by_key(|transition| transition.at);
        (!transitions.is_empty()).then_some(Self(transitions))
    }

    fn offset_at(&self, instant: Timestamp) -> Offset {
        let begun = self.0.partition_point(|transition| transition.at <= instant);
        self.after(begun)
    }

    fn offset_at_local(&self, local: DateTime) -> Offset {
        // The larger of both offsets: a skipped time and the first of a doubled one both belong to the time before.
        let begun =
            self.0.partition_point(|transition| transition.from.max(transition.to).to_datetime(transition.at) <= local);
        self.after(begun)
    }

    /// The offset after so many transitions; before the first, what that one says it was.
    fn after(&self, begun: usize) -> Offset {
        match begun.checked_sub(1) {
            Some(last) => self.0[last].to,
            None => self.0[0].from,
        }
    }
}

/// When an observance begins, each year anew, as far as meetings are of interest.
fn onsets(observance: &Component) -> Option<Vec<Transition>> {
    let (earliest, latest) = (date(1990, 1, 1).at(0, 0, 0, 0), date(2070, 1, 1).at(0, 0, 0, 0));
    let from = offset(&observance.property("TZOFFSETFROM")?.value)?;
    let to = offset(&observance.property("TZOFFSETTO")?.value)?;
    let start = recurrence::local(observance.property("DTSTART")?.value.trim())?;
    let mut locals = vec![start];
    for rule in observance.properties("RRULE") {
        let rule = Rule::parse(&rule.value).ok()?;
        let until = match rule.until {
            Some(Until::Utc(at)) => Some(from.to_datetime(at)),
            Some(Until::Local(at)) => Some(at),
            Some(Until::Date(day)) => Some(day.at(23, 59, 59, 0)),
            None => None,
        };
        locals.extend(rule.expand(start, until, (earliest, latest), &mut 10_000).ok()?);
    }
    for dates in observance.properties("RDATE") {
        locals.extend(dates.value.split(',').map(|at| recurrence::local(at.trim())).collect::<Option<Vec<_>>>()?);
    }
    locals.sort();
    locals.dedup();
    locals.into_iter().map(|local| Some(Transition { at: from.to_timestamp(local).ok()?, from, to })).collect()
}

/// `+0100`, `-023000`.
fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = text.trim().split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    if ![4, 6].contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| digits.get(at..at + 2).map_or(Some(0), |text| text.parse::<i64>().ok());
    let span = SignedDuration::from_secs(sign * (part(0)? * 3600 + part(2)? * 60 + part(4)?));
    Offset::from_seconds(i32::try_from(span.as_secs()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_of_the_file_agrees_with_the_database_around_its_transitions() {
        let text = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Customized Time Zone\n\
            BEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\n\
            BEGIN:DAYLIGHT\nDTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\n\
            END:VTIMEZONE\nEND:VCALENDAR\n";
        let calendar = super::super::lines::read(text.as_bytes()).unwrap().remove(0);
        let inline = Zones::of(&calendar).get("Customized Time Zone").unwrap();
        assert!(matches!(inline, Zone::Inline(_)));
        let oslo = Zone::Known(TimeZone::get("Europe/Oslo").unwrap());
        for day in ["20260329", "20261025", "20260115", "20260715", "20301027", "19980329"] {
            for time in ["000000", "013000", "015959", "020000", "023000", "025959", "030000", "033000", "120000"] {
                let local = recurrence::local(&format!("{day}T{time}")).unwrap();
                assert_eq!(inline.instant(local), oslo.instant(local), "{local}");
                let instant = oslo.instant(local).unwrap();
                assert_eq!(inline.local(instant), oslo.local(instant), "{instant}");
            }
        }
    }
}

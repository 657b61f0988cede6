//! One `VEVENT` in, its times and its state out, checked; and, for those that are shown, what people wrote in it.
//!
//! *The body*: `DESCRIPTION` is taken, and `X-ALT-DESC` or `STYLED-DESCRIPTION` (HTML) only where it has more: where there is no
//! other text, or where it links to something the plain text does not name. Plain text needs no guess about what is visible.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::Value;

use super::lines::{Component, Property};
use super::recurrence::{self, RecurrenceFault, Rule};
use super::zone::{Zone, Zones};
use crate::model::{Body, Confidential, Event, LeftOutWhy, Person, RoomEmail};

/// Longest text of one event that is kept, in bytes: what templates may be given.
pub(super) const TEXT_MAX: usize = 256 << 10;

/// Longest title, place, name or extra property that is kept, in bytes.
pub(super) const LINE_MAX: usize = 8 << 10;

/// Why an event is unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum EventFault {
    #[error("it is not closed")]
    NotClosed,
    #[error("it has no valid DTSTART")]
    Start,
    #[error("its end or duration is not valid")]
    End,
    #[error("it names a time zone that is neither known nor defined")]
    Zone,
    #[error("one of its exceptions or extra dates is not valid")]
    Dates,
    #[error(transparent)]
    Recurrence(#[from] RecurrenceFault),
}

/// Where and for whom a calendar is read.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub(super) room: &'a RoomEmail,
    /// For dates and for times without zone.
    pub(super) zone: Zone,
}

/// A local time, its zone, and whether it is a whole day.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub(super) local: DateTime,
    pub(super) zone: Zone,
    pub(super) is_date: bool,
}

impl Moment {
    pub(super) fn instant(&self) -> Option<Timestamp> {
        self.zone.instant(self.local)
    }
}

/// How long an occurrence lasts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Length {
    /// Days of the calendar, which may have 23 or 25 hours.
    days: i64,
    /// And seconds of the clock.
    seconds: i64,
}

impl Length {
    /// The end of an occurrence that starts at `local`.
    pub(super) fn end(self, local: DateTime, zone: &Zone) -> Option<Timestamp> {
        let day = local.checked_add(Span::new().try_days(self.days).ok()?).ok()?;
        zone.instant(day)?.checked_add(SignedDuration::from_secs(self.seconds)).ok()
    }

    /// At least as long as it can be.
    pub(super) fn at_most(self) -> SignedDuration {
        SignedDuration::from_hours(self.days.saturating_mul(25)).saturating_add(SignedDuration::from_secs(self.seconds))
    }
}

/// A `VEVENT`'s times and state.
#[derive(Debug, Clone)]
pub(super) struct Draft<'a> {
    pub(super) component: &'a Component,
    /// `(SEQUENCE, DTSTAMP)`: the larger replaces the smaller.
    pub(super) version: (i64, Option<Timestamp>),
    pub(super) start: Moment,
    pub(super) length: Length,
    pub(super) rules: Vec<Rule>,
    pub(super) extra: Vec<(Moment, Option<Length>)>,
    pub(super) exceptions: Vec<Moment>,
    /// Which occurrence it replaces, and whether also all later ones.
    pub(super) replaces: Option<(Moment, bool)>,
    /// Cancelled, or declined by the room.
    pub(super) gone: Option<LeftOutWhy>,
    tentative: bool,
}

/// The UID, or a name made of title and start for events without: published calendars leave it out.
pub(super) fn uid(component: &Component) -> String {
    match component.text("UID").map(|uid| uid.trim().to_owned()).filter(|uid| !uid.is_empty()) {
        Some(uid) => cut(uid, 1024),
        None => {
            let value = |name| component.property(name).map_or("", |property| property.value.as_str()).as_bytes();
            format!("without-uid-{}", crate::model::Digest::of([value("DTSTART"), value("SUMMARY")]))
        }
    }
}

impl<'a> Draft<'a> {
    /// Reads the times and state of an event.
    ///
    /// # Errors
    /// When anything that decides where and when it is shown cannot be read.
    pub(super) fn read(
        component: &'a Component,
        zones: &Zones,
        place: &Place<'_>,
        cancelled: bool,
    ) -> Result<Self, EventFault> {
        if component.broken {
            return Err(EventFault::NotClosed);
        }
        let replaces = component.property("RECURRENCE-ID").map(|property| {
            let later = property.parameter("RANGE").is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE"));
            one_moment(property, zones, place, EventFault::Dates).map(|moment| (moment, later))
        });
        let replaces = replaces.transpose()?;
        let start = match (component.property("DTSTART"), &replaces) {
            (Some(property), _) => one_moment(property, zones, place, EventFault::Start)?,
            (None, Some((moment, _))) => moment.clone(),
            (None, None) => return Err(EventFault::Start),
        };
        let length = length(component, &start, zones, place)?;
        let rules: Vec<Rule> =
            component.properties("RRULE").map(|property| Rule::parse(&property.value)).collect::<Result<_, _>>()?;
        if component.property("EXRULE").is_some() {
            return Err(RecurrenceFault::Unsupported.into());
        }
        let mut extra = Vec::new();
        for property in component.properties("RDATE") {
            extra.extend(extra_dates(property, &start, zones, place)?);
        }
        let mut exceptions = Vec::new();
        for property in component.properties("EXDATE") {
            for value in property.value.split(',').filter(|value| !value.trim().is_empty()) {
                exceptions.push(moment(property, value, Some(&start), zones, place).ok_or(EventFault::Dates)?);
            }
        }
        let status = component.text("STATUS").unwrap_or_default().trim().to_ascii_uppercase();
        let answer = answer_of(component, place.room);
        Ok(Self {
            component,
            version: (
                component.text("SEQUENCE").and_then(|text| text.trim().parse().ok()).unwrap_or(0),
                component.property("DTSTAMP").and_then(utc),
            ),
            start,
            length,
            rules,
            extra,
            exceptions,
            replaces,
            gone: if cancelled || status == "CANCELLED" {
                Some(LeftOutWhy::Cancelled)
            } else {
                (answer.as_deref() == Some("DECLINED")).then_some(LeftOutWhy::Declined)
            },
            tentative: status == "TENTATIVE" || matches!(answer.as_deref(), Some("TENTATIVE" | "NEEDS-ACTION")),
        })
    }

    /// Whether there is more than one occurrence, or could be.
    pub(super) fn is_series(&self) -> bool {
        !self.rules.is_empty() || !self.extra.is_empty()
    }

    /// The event from `start` to `end`.
    pub(super) fn event(&self, uid: &str, original: Option<Timestamp>, start: Timestamp, end: Timestamp) -> Event {
        let component = self.component;
        let line = |name: &str| Confidential::new(cut(component.text(name).unwrap_or_default(), LINE_MAX));
        Event {
            uid: uid.to_owned(),
            original_start: original,
            start,
            end,
            all_day: self.start.is_date,
            subject: line("SUMMARY"),
            organizer: organizer(component),
            location: line("LOCATION"),
            body: body(component),
            private: is_private(component),
            tentative: self.tentative,
            properties: extra_properties(component),
            time_zone: self.start.zone.iana_name().map(str::to_owned),
            last_modified: component.property("LAST-MODIFIED").and_then(utc),
        }
    }
}

fn one_moment(property: &Property, zones: &Zones, place: &Place<'_>, fault: EventFault) -> Result<Moment, EventFault> {
    if property.parameter("TZID").is_some_and(|name| !property.value.ends_with('Z') && zones.get(name).is_none()) {
        return Err(EventFault::Zone);
    }
    let moment = moment(property, &property.value, None, zones, place).ok_or(fault)?;
    moment.instant().map(|_| moment).ok_or(fault)
}

/// A date, or a time in UTC, in the zone its property names, or in that of `like`, or in the room's.
fn moment(property: &Property, value: &str, like: Option<&Moment>, zones: &Zones, place: &Place<'_>) -> Option<Moment> {
    let value = value.trim();
    if let Some(day) = recurrence::date(value) {
        return Some(Moment { local: midnight(day), zone: place.zone.clone(), is_date: true });
    }
    if let Some(utc) = value.strip_suffix(['Z', 'z']) {
        return Some(Moment { local: recurrence::local(utc)?, zone: Zone::UTC, is_date: false });
    }
    let zone = match property.parameter("TZID") {
        Some(name) => zones.get(name)?,
        None => like.filter(|like| !like.is_date).map_or_else(|| place.zone.clone(), |like| like.zone.clone()),
    };
    Some(Moment { local: recurrence::local(value)?, zone, is_date: false })
}

fn midnight(day: Date) -> DateTime {
    day.at(0, 0, 0, 0)
}

/// From `DTEND` or `DURATION`; without both a day for dates and no time at all for times (RFC 5545, 3.6.1).
fn length(component: &Component, start: &Moment, zones: &Zones, place: &Place<'_>) -> Result<Length, EventFault> {
    let length = if let Some(property) = component.property("DTEND") {
        let end = one_moment(property, zones, place, EventFault::End)?;
        if start.is_date {
            let days = i64::from(start.local.date().until(end.local.date()).map_err(|_| EventFault::End)?.get_days());
            // An end equal to the start is what programs write that think of the last day, not of the day after it.
            Length { days: if days == 0 { 1 } else { days }, seconds: 0 }
        } else {
            let (from, to) = (start.instant().ok_or(EventFault::Start)?, end.instant().ok_or(EventFault::End)?);
            Length { days: 0, seconds: to.duration_since(from).as_secs() }
        }
    } else if let Some(property) = component.property("DURATION") {
        duration(&property.value).ok_or(EventFault::End)?
    } else {
        Length { days: i64::from(start.is_date), seconds: 0 }
    };
    let sensible = (0..=3660).contains(&length.days) && (0..=3660 * 86_400).contains(&length.seconds);
    if sensible { Ok(length) } else { Err(EventFault::End) }
}

/// `P1DT2H30M`, `P2W`. Days are days of the calendar, hours are hours of the clock.
fn duration(text: &str) -> Option<Length> {
    let text = text.trim().to_ascii_uppercase();
    let text = text.strip_prefix('+').unwrap_or(&text).strip_prefix('P')?;
    let (mut length, mut digits, mut in_time, mut some) = (Length { days: 0, seconds: 0 }, String::new(), false, false);
    for c in text.chars() {
        if c == 'T' && digits.is_empty() {
            in_time = true;
            continue;
        }
        if c.is_ascii_digit() && digits.len() < 8 {
            digits.push(c);
            continue;
        }
        let number: i64 = std::mem::take(&mut digits).parse().ok()?;
        some = true;
        match (c, in_time) {
            ('W', false) => length.days += 7 * number,
            ('D', false) => length.days += number,
            ('H', true) => length.seconds += 3600 * number,
            ('M', true) => length.seconds += 60 * number,
            ('S', true) => length.seconds += number,
            _ => return None,
        }
    }
    (some && digits.is_empty()).then_some(length)
}

/// Dates, times or periods of an `RDATE`.
fn extra_dates(
    property: &Property,
    start: &Moment,
    zones: &Zones,
    place: &Place<'_>,
) -> Result<Vec<(Moment, Option<Length>)>, EventFault> {
    let read = |value: &str| {
        let (from, to) = value.split_once('/').map_or((value, None), |(from, to)| (from, Some(to)));
        let from = moment(property, from, Some(start), zones, place)?;
        let length = match to {
            None => None,
            Some(text) if text.trim_start().starts_with(['P', 'p', '+']) => Some(duration(text)?),
            Some(text) => {
                let to = moment(property, text, Some(start), zones, place)?;
                let seconds = to.instant()?.duration_since(from.instant()?).as_secs();
                (seconds >= 0).then_some(Some(Length { days: 0, seconds }))?
            }
        };
        Some((from, length))
    };
    let values = property.value.split(',').filter(|value| !value.trim().is_empty());
    values.map(|value| read(value).ok_or(EventFault::Dates)).collect()
}

fn utc(property: &Property) -> Option<Timestamp> {
    Zone::UTC.instant(recurrence::local(property.value.trim().trim_end_matches(['Z', 'z']))?)
}

/// `PARTSTAT` of the room among the attendees.
fn answer_of(component: &Component, room: &RoomEmail) -> Option<String> {
    let is_room = |property: &&Property| {
        let address = mail_address(&property.value);
        let email = property.parameter("EMAIL").unwrap_or_default();
        [address, email].iter().any(|given| given.trim().to_lowercase() == room.as_str())
    };
    let room = component.properties("ATTENDEE").find(is_room)?;
    room.parameter("PARTSTAT").map(str::to_ascii_uppercase)
}

fn mail_address(value: &str) -> &str {
    let value = value.trim();
    match value.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &value[7..],
        _ => value,
    }
}

fn organizer(component: &Component) -> Person {
    let Some(property) = component.property("ORGANIZER") else { return Person::default() };
    let address = match property.parameter("EMAIL") {
        Some(email) => email,
        None => mail_address(&property.value),
    };
    // Some servers name people by a path of theirs; that is no address.
    let email = if address.contains('@') && !address.contains('/') { address } else { "" };
    let name = property.parameter("CN").unwrap_or_default();
    Person {
        name: Confidential::new(cut(name.trim().to_owned(), LINE_MAX)),
        email: Confidential::new(cut(email.to_owned(), LINE_MAX)),
    }
}

fn is_private(component: &Component) -> bool {
    let is = |name: &str, values: &[&str]| {
        component.text(name).is_some_and(|text| values.contains(&text.trim().to_ascii_uppercase().as_str()))
    };
    is("CLASS", &["PRIVATE", "CONFIDENTIAL"])
        || is("X-CALENDARSERVER-ACCESS", &["PRIVATE", "CONFIDENTIAL", "RESTRICTED"])
}

fn body(component: &Component) -> Body {
    let text = component.text("DESCRIPTION").unwrap_or_default();
    let html = ["X-ALT-DESC", "STYLED-DESCRIPTION"].iter().find_map(|name| {
        component.properties(name).find(|property| {
            property.parameter("FMTTYPE").is_some_and(|kind| kind.trim().to_ascii_lowercase().starts_with("text/html"))
        })
    });
    match html.map(Property::text) {
        Some(html) if !html.trim().is_empty() && (text.trim().is_empty() || links_elsewhere(&html, &text)) => {
            Body::Html(Confidential::new(cut(html, TEXT_MAX)))
        }
        _ if text.trim().is_empty() => Body::None,
        _ => Body::Text(Confidential::new(cut(text, TEXT_MAX))),
    }
}

/// Whether `html` has a link whose target `text` does not name.
fn links_elsewhere(html: &str, text: &str) -> bool {
    // ASCII lower case keeps every byte at its place.
    let lower = html.to_ascii_lowercase();
    lower.match_indices("href=").any(|(at, found)| {
        let rest = html[at + found.len()..].trim_start();
        let target = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => rest[1..].split(quote).next(),
            _ => rest.split([' ', '>']).next(),
        };
        let target = target.unwrap_or_default().replace("&amp;", "&");
        target.contains("://") && !text.contains(target.trim_end_matches('/'))
    })
}

/// `X-` properties and `CONFERENCE` by name: a text, or a list of texts where the name stands several times.
fn extra_properties(component: &Component) -> serde_json::Map<String, Value> {
    let mut map = serde_json::Map::new();
    for property in &component.properties {
        let name = property.name.as_str();
        let is_body = name == "X-ALT-DESC";
        if is_body || !(name.starts_with("X-") || name == "CONFERENCE") {
            continue;
        }
        let text = Value::String(cut(property.text(), LINE_MAX));
        match map.get_mut(name) {
            None => {
                map.insert(name.to_owned(), text);
            }
            Some(Value::Array(several)) => several.push(text),
            Some(one) => *one = Value::Array(vec![one.take(), text]),
        }
    }
    map
}

/// At most `length` bytes, whole characters.
pub(super) fn cut(mut text: String, length: usize) -> String {
    text.truncate(text.floor_char_boundary(length));
    text
}

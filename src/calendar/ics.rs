//! Bytes of an iCalendar stream and a window in, the events of that window out.
//!
//! Occurrences are made here: a series' rules and extra dates, less its exceptions, with single occurrences replaced (moved,
//! cancelled, changed) by their own `VEVENT`, and from some occurrence on by one that says so (`RANGE=THISANDFUTURE`).
//!
//! | in the calendar | becomes |
//! |---|---|
//! | `STATUS:CANCELLED`, `METHOD:CANCEL`, declined by the room | no event |
//! | several versions of one event | the highest `SEQUENCE`, then the latest `DTSTAMP`, then the last in the file |
//! | a start that its own rule does not hit | an occurrence all the same, as most programs show it |
//! | a time that is skipped by the clock | later by what the clock was put forward, never nothing |
//! | a replacement whose occurrence was excepted | nothing |
//! | a replacement without a series | that one occurrence: rooms are often invited to a single one |
//! | `UNTIL` with a date, for a series with times | that whole day |
//! | anything about an event that cannot be read | its UID is unreadable, with all its occurrences |

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

pub use super::lines::IcsError;
use super::lines::{self, Component};
use super::recurrence::{self, Until};
use super::vevent::{self, Draft, EventFault, Length, Place};
use super::zone::{Zone, Zones};
use crate::model::agenda::EVENTS_MAX;
use crate::model::{Event, LeftOut, RoomEmail, Window, zone};

/// Occurrences computed for one calendar, all series together, before what is left is given up as unreadable. About a second.
const BUDGET: usize = 300_000;

/// A complete iCalendar stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar(Vec<Component>);

/// The events of a window.
#[derive(Debug, Clone, Default)]
pub struct Occurrences {
    /// The soonest, at most one more than an agenda keeps, so that it sees that there are more.
    pub events: Vec<Event>,
    /// UIDs that could not be read, sorted.
    pub unreadable: Vec<String>,
    /// What is cancelled, or declined by the room.
    pub left_out: Vec<LeftOut>,
}

/// Reads a stream, which may hold several `VCALENDAR`s.
///
/// # Errors
/// When it is not iCalendar, or not all of it is there.
pub fn parse(text: &[u8]) -> Result<Calendar, IcsError> {
    lines::read(text).map(Calendar)
}

impl Calendar {
    /// The calendar's own zone, IANA: `X-WR-TIMEZONE`, or what a lone `VTIMEZONE` without events says (CalDAV's `calendar-timezone`).
    #[must_use]
    pub fn time_zone(&self) -> Option<String> {
        let named = |calendar: &Component| {
            let stated = calendar.text("X-WR-TIMEZONE");
            let defined = match calendar.children.as_slice() {
                [only] if only.name == "VTIMEZONE" => only.text("TZID"),
                _ => None,
            };
            let zone = stated.or(defined).and_then(|name| zone::named(&name))?;
            zone.iana_name().map(str::to_owned)
        };
        self.0.iter().find_map(named)
    }

    /// The same without the events of other UIDs.
    #[must_use]
    pub fn only(mut self, uid: &str) -> Self {
        for calendar in &mut self.0 {
            calendar.children.retain(|component| component.name != "VEVENT" || vevent::uid(component) == uid);
        }
        self
    }

    /// The UIDs of everything in it.
    pub fn uids(&self) -> impl Iterator<Item = String> {
        self.components().map(|(component, ..)| vevent::uid(component))
    }

    /// The events of `window` for `room`. `zone` is for dates and for times without zone.
    #[must_use]
    pub fn occurrences(&self, room: &RoomEmail, zone: &TimeZone, window: Window) -> Occurrences {
        Self::occurrences_of(std::slice::from_ref(self), room, zone, window)
    }

    /// The same over several streams, as a CalDAV server keeps them: one for each event.
    #[must_use]
    pub fn occurrences_of(calendars: &[Self], room: &RoomEmail, zone: &TimeZone, window: Window) -> Occurrences {
        let place = Place { room, zone: Zone::Known(zone.clone()) };
        let mut by_uid: BTreeMap<String, Vec<Result<Draft<'_>, EventFault>>> = BTreeMap::new();
        for (component, zones, cancelled) in calendars.iter().flat_map(Self::components) {
            let draft = Draft::read(component, &zones, &place, cancelled);
            by_uid.entry(vevent::uid(component)).or_default().push(draft);
        }
        let (mut found, mut unreadable, mut budget) = (Vec::new(), Vec::new(), BUDGET);
        for (uid, drafts) in &by_uid {
            let shown = drafts
                .iter()
                .map(|draft| draft.as_ref().map_err(|fault| *fault))
                .collect::<Result<Vec<_>, _>>()
                .and_then(|drafts| Series::of(&drafts).shown(window, &mut budget));
            match shown {
                Ok(shown) => found.extend(shown.into_iter().map(|shown| (uid, shown))),
                Err(fault) => {
                    tracing::debug!(room = %room, meeting = %crate::model::Digest::of([uid.as_bytes()]), error = %fault, "An event cannot be read.");
                    unreadable.push(uid.clone());
                }
            }
        }
        let mut left_out = Vec::new();
        found.retain(|(_, shown)| {
            let gone = shown.draft.gone.map(|why| LeftOut { start: shown.start, end: shown.end, why });
            left_out.extend(gone.clone());
            gone.is_none()
        });
        // Texts are copied only for what an agenda can keep.
        found.sort_by(|(a_uid, a), (b_uid, b)| (a.start, a.end, a_uid).cmp(&(b.start, b.end, b_uid)));
        found.truncate(EVENTS_MAX + 1);
        let event =
            |(uid, shown): (&String, Shown<'_, '_>)| shown.draft.event(uid, shown.original, shown.start, shown.end);
        Occurrences { events: found.into_iter().map(event).collect(), unreadable, left_out }
    }

    /// Every `VEVENT` with the zones of its calendar, and whether that is a cancellation.
    fn components(&self) -> impl Iterator<Item = (&Component, std::rc::Rc<Zones>, bool)> {
        self.0.iter().flat_map(|calendar| {
            let zones = std::rc::Rc::new(Zones::of(calendar));
            let cancelled = calendar.text("METHOD").is_some_and(|method| method.trim().eq_ignore_ascii_case("CANCEL"));
            let events = calendar.children.iter().filter(|component| component.name == "VEVENT");
            events.map(move |component| (component, std::rc::Rc::clone(&zones), cancelled))
        })
    }
}

/// An occurrence that touches the window.
struct Shown<'a, 'c> {
    draft: &'a Draft<'c>,
    original: Option<Timestamp>,
    start: Timestamp,
    end: Timestamp,
}

/// All that has one UID, in its latest version.
struct Series<'a, 'c> {
    master: Option<&'a Draft<'c>>,
    /// Single occurrences and "this and future", by the occurrence they replace.
    replacements: Vec<&'a Draft<'c>>,
}

/// One occurrence as the rules have it.
#[derive(Clone, Copy)]
struct Occurrence {
    local: DateTime,
    length: Option<Length>,
}

impl<'a, 'c> Series<'a, 'c> {
    fn of(drafts: &[&'a Draft<'c>]) -> Self {
        let mut latest: BTreeMap<Option<(Timestamp, bool)>, &'a Draft<'c>> = BTreeMap::new();
        for draft in drafts {
            let place = draft.replaces.as_ref().and_then(|(moment, later)| Some((moment.instant()?, *later)));
            let newest = latest.entry(place).or_insert(draft);
            if draft.version >= newest.version {
                *newest = draft;
            }
        }
        let master = latest.remove(&None);
        Self { master, replacements: latest.into_values().collect() }
    }

    fn shown(&self, window: Window, budget: &mut usize) -> Result<Vec<Shown<'a, 'c>>, EventFault> {
        let mut originals = match self.master {
            Some(master) => self.originals(master, window, budget)?,
            None => BTreeMap::new(),
        };
        let mut shown = Vec::new();
        for draft in &self.replacements {
            let (moment, later) = draft.replaces.as_ref().expect("only a master replaces nothing");
            let original = self.original(moment)?;
            let excepted = self.master.is_some_and(|master| is_excepted(master, moment, original));
            if *later && self.master.is_some_and(|master| master.is_series()) {
                continue;
            }
            originals.remove(&original);
            if !excepted {
                let start = draft.start.instant().ok_or(EventFault::Start)?;
                let end = draft.length.end(draft.start.local, &draft.start.zone).ok_or(EventFault::End)?;
                shown.push(Shown { draft, original: Some(original), start, end });
            }
        }
        if let Some(master) = self.master {
            for (original, occurrence) in originals {
                shown.extend(self.occurrence(master, original, occurrence)?);
            }
        }
        shown.retain(|shown| shown.end >= shown.start && window.touches(shown.start, shown.end));
        Ok(shown)
    }

    /// The moment of the occurrence that a replacement means. One given as a date means the occurrence of that day.
    fn original(&self, moment: &vevent::Moment) -> Result<Timestamp, EventFault> {
        match self.master {
            Some(master) if moment.is_date && !master.start.is_date => master
                .start
                .zone
                .instant(moment.local.date().to_datetime(master.start.local.time()))
                .ok_or(EventFault::Dates),
            _ => moment.instant().ok_or(EventFault::Dates),
        }
    }

    /// An occurrence as its master has it, or as a "this and future" has it.
    fn occurrence(
        &self,
        master: &'a Draft<'c>,
        original: Timestamp,
        occurrence: Occurrence,
    ) -> Result<Option<Shown<'a, 'c>>, EventFault> {
        let id = master.is_series().then_some(original);
        let governs = |draft: &&&Draft<'_>| {
            let from = draft.replaces.as_ref().filter(|(_, later)| *later).map(|(moment, _)| self.original(moment));
            matches!(from, Some(Ok(from)) if from <= original)
        };
        // Sorted by what they replace: the last that has begun governs.
        let draft = self.replacements.iter().rfind(governs).copied().unwrap_or(master);
        let (local, length) = match &draft.replaces {
            Some((moment, _)) => {
                let base = master.start.zone.local(self.original(moment)?);
                let moved = draft.start.local.duration_since(base);
                (occurrence.local.checked_add(moved).map_err(|_| EventFault::Start)?, draft.length)
            }
            None => (occurrence.local, occurrence.length.unwrap_or(draft.length)),
        };
        let start = draft.start.zone.instant(local).ok_or(EventFault::Start)?;
        let end = length.end(local, &draft.start.zone).ok_or(EventFault::End)?;
        Ok(Some(Shown { draft, original: id, start, end }))
    }

    /// The master's occurrences that could touch the window, less its exceptions.
    fn originals(
        &self,
        master: &Draft<'_>,
        window: Window,
        budget: &mut usize,
    ) -> Result<BTreeMap<Timestamp, Occurrence>, EventFault> {
        let start = &master.start;
        let first = start.instant().ok_or(EventFault::Start)?;
        let mut all = BTreeMap::from([(first, Occurrence { local: start.local, length: None })]);
        let (from, to) = self.span(master, window);
        for rule in &master.rules {
            let until = rule.until.map(|until| match until {
                Until::Date(day) => day.at(23, 59, 59, 0),
                Until::Local(at) if start.is_date => at.date().at(23, 59, 59, 0),
                Until::Local(at) => at,
                Until::Utc(at) if start.is_date => start.zone.local(at).date().at(23, 59, 59, 0),
                Until::Utc(at) => start.zone.local(at),
            });
            // A series that ended before it began is how programs write that nothing is left of it.
            if until.is_some_and(|until| until < start.local) {
                all.remove(&first);
            }
            for local in rule.expand(start.local, until, (from, to), budget)? {
                let at = start.zone.instant(local).ok_or(EventFault::Start)?;
                all.insert(at, Occurrence { local, length: None });
            }
        }
        for (moment, length) in &master.extra {
            let at = moment.instant().ok_or(EventFault::Dates)?;
            all.insert(at, Occurrence { local: start.zone.local(at), length: *length });
        }
        for exception in &master.exceptions {
            if exception.is_date && !start.is_date {
                all.retain(|_, occurrence| occurrence.local.date() != exception.local.date());
            } else if let Some(at) = exception.instant() {
                all.remove(&at);
            }
        }
        Ok(all)
    }

    /// The local times at which an occurrence that touches the window can have been set, generously.
    fn span(&self, master: &Draft<'_>, window: Window) -> (DateTime, DateTime) {
        let mut longest = master.length.at_most();
        let mut moved = jiff::SignedDuration::ZERO;
        for draft in &self.replacements {
            longest = longest.max(draft.length.at_most());
            if let Some((moment, true)) = &draft.replaces {
                moved = moved.max(draft.start.local.duration_since(moment.local).abs());
            }
        }
        let zone = &master.start.zone;
        let (from, to) = recurrence::widened(zone.local(window.from), zone.local(window.to));
        (from.saturating_sub(longest.saturating_add(moved)), to.saturating_add(moved))
    }
}

fn is_excepted(master: &Draft<'_>, moment: &vevent::Moment, original: Timestamp) -> bool {
    let days = moment.local.date();
    master.exceptions.iter().any(|exception| match exception.is_date && !master.start.is_date {
        true => exception.local.date() == days,
        false => exception.instant() == Some(original),
    })
}

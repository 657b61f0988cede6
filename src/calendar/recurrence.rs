//! A recurrence rule and a span of local time in, the local times of that span out. Time zones, exceptions and overrides are not
//! known here: rules speak of the clock on the wall.
//!
//! calcard computes the rules, without a window: it counts from the first occurrence. So a rule without `COUNT` is started anew
//! near the window, a whole number of its intervals later, which leaves weekdays and phase as they were; and it ends with the
//! window. A daily rule from 2010 costs what a daily rule from last week costs.
//!
//! A rule that is not fully understood is a fault, never a guess: calcard skips parts it does not know and stops silently after
//! 100,000 empty steps, so parts are checked here first, and what could run into that limit is refused.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use calcard::common::timezone::Tz;
use calcard::icalendar::ICalendar;
use chrono::{Datelike as _, Timelike as _};
use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// Most occurrences of one rule in one window, a year of one every half hour.
const OCCURRENCES_MAX: usize = 20_000;

/// What a rule that hits nothing for years takes from the budget: it runs through all of calcard's steps, as long as this many
/// occurrences (measured, 0.1 to 0.5 s unoptimized).
const NEVER_PRICE: usize = 30_000;

/// Why a rule's occurrences are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum RecurrenceFault {
    #[error("the recurrence rule is malformed")]
    Malformed,
    #[error("the recurrence rule has parts that are not supported")]
    Unsupported,
    #[error("the recurrence rule has too many occurrences")]
    TooMany,
}

/// A checked rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    frequency: Frequency,
    interval: i64,
    count: Option<u64>,
    /// The last moment, as written.
    pub(super) until: Option<Until>,
    /// `BY…` and `WKST`, checked for form.
    parts: BTreeMap<String, String>,
}

/// `UNTIL` as written; inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    Date(Date),
    Local(DateTime),
    Utc(Timestamp),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Frequency {
    Yearly,
    Monthly,
    Weekly,
    Daily,
    Hourly,
    Minutely,
    Secondly,
}

impl Frequency {
    /// The length of one interval in seconds of wall time, where it always is the same.
    fn seconds(self) -> Option<i64> {
        match self {
            Self::Yearly | Self::Monthly => None,
            Self::Weekly => Some(7 * 86_400),
            Self::Daily => Some(86_400),
            Self::Hourly => Some(3600),
            Self::Minutely => Some(60),
            Self::Secondly => Some(1),
        }
    }
}

impl Rule {
    /// Reads the value of an `RRULE`.
    ///
    /// # Errors
    /// When a part is malformed, unknown, or one we do not compute.
    pub(super) fn parse(text: &str) -> Result<Self, RecurrenceFault> {
        let mut parts = BTreeMap::new();
        for part in text.trim().trim_end_matches(';').split(';') {
            let (name, value) = part.split_once('=').ok_or(RecurrenceFault::Malformed)?;
            let (name, value) = (name.trim().to_ascii_uppercase(), value.trim().to_ascii_uppercase());
            if value.is_empty() || parts.insert(name, value).is_some() {
                return Err(RecurrenceFault::Malformed);
            }
        }
        let frequency = match parts.remove("FREQ").as_deref() {
            Some("YEARLY") => Frequency::Yearly,
            Some("MONTHLY") => Frequency::Monthly,
            Some("WEEKLY") => Frequency::Weekly,
            Some("DAILY") => Frequency::Daily,
            Some("HOURLY") => Frequency::Hourly,
            Some("MINUTELY") => Frequency::Minutely,
            Some("SECONDLY") => Frequency::Secondly,
            _ => return Err(RecurrenceFault::Malformed),
        };
        let number = |text: String| match text.parse::<u16>() {
            Ok(number @ 1..) => Ok(number),
            _ => Err(RecurrenceFault::Malformed),
        };
        let interval = parts.remove("INTERVAL").map(number).transpose()?.unwrap_or(1);
        let count = parts.remove("COUNT").map(|text| text.parse::<u32>()).transpose();
        let count = count.map_err(|_| RecurrenceFault::Malformed)?.map(u64::from);
        let until = parts.remove("UNTIL").map(|text| parse_until(&text)).transpose()?;
        if count == Some(0) {
            return Err(RecurrenceFault::Malformed);
        }
        parts.iter().try_for_each(|(name, value)| check_part(name, value))?;
        let filtered = parts.keys().any(|name| name.starts_with("BY"));
        if filtered && frequency >= Frequency::Minutely {
            return Err(RecurrenceFault::Unsupported);
        }
        Ok(Self { frequency, interval: i64::from(interval), count, until, parts })
    }

    /// The occurrences from `from` to `to`, both inclusive, of a series that begins at `start` and ends at `until`, sorted.
    /// `budget` is what all rules of one calendar may still yield.
    ///
    /// # Errors
    /// When the end of the span was not reached, or the rule contradicts itself.
    pub(super) fn expand(
        &self,
        start: DateTime,
        until: Option<DateTime>,
        (from, to): (DateTime, DateTime),
        budget: &mut usize,
    ) -> Result<Vec<DateTime>, RecurrenceFault> {
        let last = until.map_or(to, |until| until.min(to));
        let Some((start, count)) = self.begin_near(start, from) else { return Ok(Vec::new()) };
        if last < start {
            return Ok(Vec::new());
        }
        let limit = OCCURRENCES_MAX.min(*budget);
        if limit == 0 {
            return Err(RecurrenceFault::TooMany);
        }
        let found = compute(&self.text(count, last), start, limit)?;
        let price = if found.is_empty() && self.is_sparse() { NEVER_PRICE } else { found.len() };
        *budget = budget.saturating_sub(price);
        if found.len() >= limit {
            return Err(RecurrenceFault::TooMany);
        }
        Ok(found.into_iter().filter(|at| (from..=to).contains(at)).collect())
    }

    /// A later start of the same series, and what is left of `COUNT` there; `None` when nothing is left.
    fn begin_near(&self, start: DateTime, from: DateTime) -> Option<(DateTime, Option<u64>)> {
        let filtered = self.parts.keys().any(|name| name.starts_with("BY"));
        let period = match self.frequency.seconds() {
            // How many occurrences an interval holds is only known without filters.
            Some(seconds) if self.count.is_none() || !filtered => seconds * self.interval,
            _ => return Some((start, self.count)),
        };
        // A rule that hits few days begins so far back that it hits one, unless it never does: leap days are 8 years apart at most.
        let margin = match (self.is_sparse(), self.frequency) {
            (false, _) => 0,
            (true, Frequency::Hourly) => 366 * 86_400,
            (true, _) => 9 * 366 * 86_400,
        };
        // One interval is left in between, since the first one may be cut by its start.
        let intervals = ((from.duration_since(start).as_secs() - margin) / period - 1).max(0);
        let left = match self.count {
            Some(count) => Some(count.checked_sub(u64::try_from(intervals).ok()?).filter(|left| *left > 0)?),
            None => None,
        };
        let later = start.checked_add(SignedDuration::from_secs(intervals * period)).ok()?;
        Some((later, left))
    }

    /// Whether whole months can pass without an occurrence.
    fn is_sparse(&self) -> bool {
        ["BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"].iter().any(|name| self.parts.contains_key(*name))
    }

    fn text(&self, count: Option<u64>, last: DateTime) -> String {
        let mut text = format!("FREQ={:?};INTERVAL={}", self.frequency, self.interval).to_ascii_uppercase();
        // With COUNT, calcard still honours UNTIL: whichever comes first ends the series.
        if let Some(count) = count {
            let _ = write!(text, ";COUNT={count}");
        }
        let _ = write!(text, ";UNTIL={}", last.strftime("%Y%m%dT%H%M%S"));
        for (name, value) in &self.parts {
            let _ = write!(text, ";{name}={value}");
        }
        text
    }
}

/// Hands a rule in local time to calcard.
fn compute(rule: &str, start: DateTime, limit: usize) -> Result<Vec<DateTime>, RecurrenceFault> {
    let text = format!(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:{}\r\nRRULE:{rule}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        start.strftime("%Y%m%dT%H%M%S")
    );
    let calendar = ICalendar::parse(&text).map_err(|_| RecurrenceFault::Malformed)?;
    let expanded = calendar.expand_dates(Tz::Floating, limit);
    if !expanded.errors.is_empty() {
        return Err(RecurrenceFault::Malformed);
    }
    expanded
        .events
        .iter()
        .map(|event| {
            let local = event.start.naive_local();
            let date = Date::new(
                i16::try_from(local.year()).ok()?,
                i8::try_from(local.month()).ok()?,
                i8::try_from(local.day()).ok()?,
            );
            let time = Time::new(
                i8::try_from(local.hour()).ok()?,
                i8::try_from(local.minute()).ok()?,
                i8::try_from(local.second()).ok()?,
                0,
            );
            Some(date.ok()?.to_datetime(time.ok()?))
        })
        .collect::<Option<Vec<_>>>()
        .ok_or(RecurrenceFault::Malformed)
}

fn parse_until(text: &str) -> Result<Until, RecurrenceFault> {
    let until = match text.strip_suffix('Z') {
        Some(utc) => local(utc).and_then(|at| at.in_tz("UTC").ok()).map(|at| Until::Utc(at.timestamp())),
        None => date(text).map(Until::Date).or_else(|| local(text).map(Until::Local)),
    };
    until.ok_or(RecurrenceFault::Malformed)
}

/// `20260105`.
pub(super) fn date(text: &str) -> Option<Date> {
    let digits = |at: std::ops::Range<usize>| text.get(at)?.parse::<u16>().ok();
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (digits(0..4)?, digits(4..6)?, digits(6..8)?);
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// `20260105T093000`. A leap second is the second before it.
pub(super) fn local(text: &str) -> Option<DateTime> {
    let (day, time) = text.split_once(['T', 't'])?;
    if time.len() != 6 || !time.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = |at: std::ops::Range<usize>| time.get(at)?.parse::<i8>().ok();
    let time = Time::new(digits(0..2)?, digits(2..4)?, digits(4..6)?.min(59), 0).ok()?;
    Some(date(day)?.to_datetime(time))
}

/// Checks a `BY…` part or `WKST`. Ranges that depend on the frequency are left to calcard.
fn check_part(name: &str, value: &str) -> Result<(), RecurrenceFault> {
    let numbers = |low: i32, high: i32| {
        let fits = |text: &str| {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            !digits.is_empty() && digits.len() <= 3 && text.parse().is_ok_and(|number| (low..=high).contains(&number))
        };
        value.split(',').all(|text| fits(text.trim()))
    };
    let weekday = |text: &str| ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].contains(&text);
    let right = match name {
        "BYMONTH" => numbers(1, 12),
        "BYMONTHDAY" => numbers(-31, 31),
        "BYYEARDAY" | "BYSETPOS" => numbers(-366, 366),
        "BYWEEKNO" => numbers(-53, 53),
        "BYHOUR" => numbers(0, 23),
        "BYMINUTE" | "BYSECOND" => numbers(0, 59),
        "WKST" => weekday(value),
        "BYDAY" => value.split(',').all(|text| {
            let text = text.trim();
            let at = text.len().saturating_sub(2);
            let (ordinal, day) = (text.get(..at).unwrap_or("?"), text.get(at..).unwrap_or("?"));
            let nth = ordinal.is_empty() || ordinal.parse().is_ok_and(|nth: i8| nth != 0 && nth.unsigned_abs() <= 53);
            nth && weekday(day)
        }),
        // Other calendar systems, RFC 7529.
        "RSCALE" | "SKIP" | "BYEASTER" => return Err(RecurrenceFault::Unsupported),
        name if name.starts_with("X-") => return Err(RecurrenceFault::Unsupported),
        _ => false,
    };
    if right { Ok(()) } else { Err(RecurrenceFault::Malformed) }
}

/// One day before and after, for zones on both sides of the date line.
pub(super) fn widened(from: DateTime, to: DateTime) -> (DateTime, DateTime) {
    (from.saturating_sub(26.hours()), to.saturating_add(26.hours()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &str, start: &str, span: (&str, &str), expected: &str) {
        let at = |text: &str| local(text).unwrap();
        let found = Rule::parse(rule).and_then(|rule| {
            let until = rule.until.map(|until| match until {
                Until::Date(day) => day.at(23, 59, 59, 0),
                Until::Local(at) => at,
                Until::Utc(at) => at.to_zoned(jiff::tz::TimeZone::UTC).datetime(),
            });
            rule.expand(at(start), until, (at(span.0), at(span.1)), &mut 1_000_000)
        });
        let found = match found {
            Ok(found) => found.iter().map(|at| at.strftime("%m%dT%H%M").to_string()).collect::<Vec<_>>().join(" "),
            Err(fault) => format!("{fault:?}"),
        };
        assert_eq!(found, expected, "{rule} from {start}");
    }

    #[test]
    fn occurrences_of_the_window_are_found_however_far_back_the_series_began() {
        let week = ("20260105T000000", "20260111T235959");
        for (rule, start, expected) in [
            ("FREQ=DAILY;INTERVAL=3", "20100101T090000", "0107T0900 0110T0900"),
            ("FREQ=WEEKLY;BYDAY=MO,WE", "20100104T090000", "0105T0900 0107T0900"),
            ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;WKST=SU", "20251224T090000", "0105T0900 0109T0900"),
            ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;WKST=SU", "20251231T090000", ""),
            ("FREQ=MONTHLY;BYDAY=1TU", "20100105T090000", "0106T0900"),
            ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=3", "20200101T090000", "0105T0900"),
            ("FREQ=MONTHLY;BYMONTHDAY=31", "20100131T090000", ""),
            ("FREQ=YEARLY", "20000110T120000", "0110T1200"),
            ("FREQ=YEARLY;BYWEEKNO=2;BYDAY=MO", "20000110T120000", "0105T1200"),
            ("FREQ=DAILY;COUNT=3", "20260104T090000", "0105T0900 0106T0900"),
            ("FREQ=DAILY;COUNT=5849", "20100101T090000", "0105T0900"),
            ("FREQ=DAILY;COUNT=5848", "20100101T090000", ""),
            ("FREQ=WEEKLY;COUNT=4;BYDAY=MO,TU", "20251229T090000", "0105T0900 0106T0900"),
            ("FREQ=DAILY;UNTIL=20260106", "20100101T090000", "0105T0900 0106T0900"),
            ("FREQ=DAILY;UNTIL=20260106T085959", "20100101T090000", "0105T0900"),
            ("FREQ=DAILY;UNTIL=20091231", "20100101T090000", ""),
            ("FREQ=HOURLY;INTERVAL=50", "20260101T000000", "0105T0400 0107T0600 0109T0800 0111T1000"),
            ("FREQ=MINUTELY;INTERVAL=5000", "20100101T000000", "0107T1640 0111T0400"),
            ("FREQ=DAILY", "20260111T090000", "0111T0900"),
            ("FREQ=DAILY", "20260112T090000", ""),
            ("FREQ=DAILY;BYMONTH=1;BYMONTHDAY=6", "20000106T090000", "0106T0900"),
            ("FREQ=DAILY;BYMONTH=6", "20000606T090000", ""),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "20000229T090000", ""),
        ] {
            check(rule, start, week, expected);
        }
    }

    #[test]
    fn rules_that_never_end_or_never_begin_use_up_what_a_calendar_may_cost() {
        let at = |text: &str| local(text).unwrap();
        for rule in ["FREQ=SECONDLY", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"] {
            let (rule, mut budget) = (Rule::parse(rule).unwrap(), 20_000);
            let mut expand = || {
                let span = (at("20260105T000000"), at("20260113T000000"));
                rule.expand(at("20100101T090000"), None, span, &mut budget)
            };
            let tries = (0..1000).map(|_| expand()).filter(|found| *found != Err(RecurrenceFault::TooMany)).count();
            assert!(tries <= 1, "{tries}");
            assert_eq!(budget, 0);
        }
    }

    #[test]
    fn what_is_not_understood_or_does_not_end_is_a_fault() {
        let week = ("20260105T000000", "20260111T235959");
        for (rule, expected) in [
            ("FREQ=SECONDLY", "TooMany"),
            ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "Unsupported"),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", ""),
            ("FREQ=DAILY;RSCALE=HEBREW", "Unsupported"),
            ("FREQ=DAILY;BYNOON=1", "Malformed"),
            ("FREQ=DAILY;COUNT=0", "Malformed"),
            ("FREQ=DAILY;INTERVAL=0", "Malformed"),
            ("FREQ=DAILY;INTERVAL=99999", "Malformed"),
            ("FREQ=DAILY;BYDAY=XX", "Malformed"),
            ("FREQ=DAILY;BYDAY=é", "Malformed"),
            ("FREQ=DAILY;FREQ=WEEKLY", "Malformed"),
            ("FREQ=DAILY;UNTIL=tomorrow", "Malformed"),
            ("COUNT=3", "Malformed"),
            ("", "Malformed"),
        ] {
            check(rule, "20100101T090000", week, expected);
        }
    }
}

//! Time zones, and when the room is taken.

use jiff::Timestamp;
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;

use super::Desk;
use crate::ews::answer::{Answer, Code};
use crate::ews::request::{Availability, DAYS};
use crate::ews::writer::Xml;
use crate::model::Window;
use crate::model::published::Edition;
use crate::model::zone::named;

/// Most letters of a merged view.
const LETTERS_MAX: i64 = 20_000;

/// The zones that are asked for by their Windows or IANA names; without a wish, UTC and the room's.
pub(super) fn zones(ids: &[String], whole: bool, site: &str, now: Timestamp, made: &mut Answer) {
    let own = ["UTC".to_owned(), site.to_owned()];
    let ids = if ids.is_empty() { &own[..] } else { ids };
    let found: Vec<(&String, TimeZone)> = ids.iter().filter_map(|id| Some((id, named(id)?))).collect();
    made.success(|xml| {
        xml.open("m:TimeZoneDefinitions", &[]);
        for (id, zone) in found {
            let attributes = [("Id", id.as_str()), ("Name", id.as_str())];
            if whole {
                xml.open("t:TimeZoneDefinition", &attributes);
                definition(xml, &zone, now);
                xml.close();
            } else {
                xml.empty("t:TimeZoneDefinition", &attributes);
            }
        }
        xml.close();
    });
}

/// One turn of the clock in a year.
struct Turn {
    /// What a clock showed just before.
    before: DateTime,
    /// Seconds east of UTC from then on.
    offset: i32,
    daylight: bool,
}

/// The rules of this year: Exchange has them as a standard and a daylight period with two turns.
fn definition(xml: &mut Xml, zone: &TimeZone, now: Timestamp) {
    let year = zone.to_datetime(now).year();
    let begin = zone.to_ambiguous_timestamp(date(year, 1, 1).at(0, 0, 0, 0)).compatible().unwrap_or(now);
    let turns: Vec<Turn> = zone
        .following(begin)
        .take(2)
        .filter(|turn| zone.to_datetime(turn.timestamp()).year() == year)
        .filter_map(|turn| {
            let just_before = turn.timestamp().checked_sub(jiff::SignedDuration::from_secs(1)).ok()?;
            let before = zone.to_offset(just_before).to_datetime(turn.timestamp());
            Some(Turn { before, offset: turn.offset().seconds(), daylight: turn.dst().is_dst() })
        })
        .collect();
    let standard = turns.iter().find(|turn| !turn.daylight).map_or(zone.to_offset(begin).seconds(), |turn| turn.offset);
    let daylight = turns.iter().find(|turn| turn.daylight).filter(|_| turns.len() == 2);
    xml.open("t:Periods", &[]);
    period(xml, "Standard", standard);
    if let Some(turn) = daylight {
        period(xml, "Daylight", turn.offset);
    }
    xml.close().open("t:TransitionsGroups", &[]).open("t:TransitionsGroup", &[("Id", "0")]);
    if daylight.is_some() {
        turns.iter().for_each(|turn| recurring(xml, turn));
    } else {
        xml.open("t:Transition", &[]).text_with("t:To", &[("Kind", "Period")], "trule:Standard").close();
    }
    xml.close().close().open("t:Transitions", &[]);
    xml.open("t:Transition", &[]).text_with("t:To", &[("Kind", "Group")], "0").close().close();
}

fn period(xml: &mut Xml, name: &str, offset: i32) {
    let sign = if offset > 0 { "-" } else { "" };
    let bias = format!("{sign}PT{}M", offset.abs() / 60);
    xml.empty("t:Period", &[("Bias", &bias), ("Name", name), ("Id", &format!("trule:{name}"))]);
}

fn recurring(xml: &mut Xml, turn: &Turn) {
    let (day, at) = (turn.before.date(), turn.before.time());
    let is_last = day.day() + 7 > day.days_in_month();
    let nth = if is_last { -1 } else { (day.day() - 1) / 7 + 1 };
    let weekday = DAYS.iter().find(|(_, weekday)| *weekday == day.weekday()).map_or("Sunday", |(name, _)| name);
    let to = if turn.daylight { "trule:Daylight" } else { "trule:Standard" };
    xml.open("t:RecurringDayTransition", &[]).text_with("t:To", &[("Kind", "Period")], to);
    xml.text("t:TimeOffset", format_args!("PT{}H{}M", at.hour(), at.minute())).text("t:Month", day.month());
    xml.text("t:DayOfWeek", weekday).text("t:Occurrence", nth).close();
}

impl Desk<'_> {
    /// When each mailbox is taken: the room's own; of others nothing is said, whether there are any or not.
    pub(super) fn availability(&self, wish: &Availability, edition: &Edition, made: &mut Answer) {
        let taken: Vec<Window> = edition
            .schedule
            .bookings
            .iter()
            .filter(|booking| wish.window.touches(booking.start, booking.end))
            .map(|booking| Window { from: booking.start, to: booking.end })
            .collect();
        made.whole(|xml| {
            xml.open("m:FreeBusyResponseArray", &[]);
            for mailbox in &wish.mailboxes {
                xml.open("m:FreeBusyResponse", &[]);
                if self.owns(mailbox) && !mailbox.is_empty() {
                    xml.open("m:ResponseMessage", &[("ResponseClass", "Success")]);
                    xml.text("m:ResponseCode", "NoError").close();
                    view(xml, wish, &taken);
                } else {
                    let code = Code::ErrorMailRecipientNotFound;
                    xml.open("m:ResponseMessage", &[("ResponseClass", "Error")]);
                    xml.text("m:MessageText", code.text()).text("m:ResponseCode", code.name());
                    xml.text("m:DescriptiveLinkKey", 0).close();
                    xml.open("m:FreeBusyView", &[]).text("t:FreeBusyViewType", "None").close();
                }
                xml.close();
            }
            xml.close();
        });
    }
}

fn view(xml: &mut Xml, wish: &Availability, taken: &[Window]) {
    let step = wish.interval * 60;
    let (from, to) = (wish.window.from.as_second(), wish.window.to.as_second());
    let letters = ((to - from + step - 1) / step).min(LETTERS_MAX);
    let merged: String = (0..letters)
        .map(|at| {
            let (begin, end) = (from + at * step, from + (at + 1) * step);
            let busy = taken.iter().any(|span| span.from.as_second() < end && span.to.as_second() > begin);
            if busy { '2' } else { '0' }
        })
        .collect();
    xml.open("m:FreeBusyView", &[]).text("t:FreeBusyViewType", "FreeBusyMerged").text("t:MergedFreeBusy", merged);
    xml.open("t:CalendarEventArray", &[]);
    for span in taken {
        let local = |at: Timestamp| wish.zone.local(at).strftime("%Y-%m-%dT%H:%M:%S").to_string();
        xml.open("t:CalendarEvent", &[]).text("t:StartTime", local(span.from)).text("t:EndTime", local(span.to));
        xml.text("t:BusyType", "Busy").close();
    }
    xml.close().close();
}

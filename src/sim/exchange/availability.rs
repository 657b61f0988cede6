//! `GetUserAvailability`: when each of up to a hundred mailboxes is taken. Times are local to the zone of the question, of which the
//! bias is followed and the summer time is not: those who ask have UTC.

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::Call;
use super::ids::Thing;
use super::items::Place;
use super::property::show_as;
use super::soap::{self, Refused};
use super::xml::{Node, element};
use crate::sim::rooms::{RoomAccess, SimEvent, SimRoom};

/// Mailboxes of which is kept what stands in answers about them.
const KEPT_MAX: usize = 10_000;

/// What stood in answers about each mailbox, for as long as it stays as it was: the same is asked again and again.
#[derive(Default)]
pub(super) struct Views(HashMap<String, (u64, Question, String)>);

impl Views {
    /// What stands in an answer about a room.
    fn view(&mut self, mailbox: &str, room: &SimRoom, question: &Question) -> &str {
        if self.0.len() >= KEPT_MAX && !self.0.contains_key(mailbox) {
            self.0.clear();
        }
        let anew = || (room.version, question.clone(), view(mailbox, room, question));
        let kept = self.0.entry(mailbox.to_owned()).or_insert_with(anew);
        if (kept.0, &kept.1) != (room.version, question) {
            *kept = anew();
        }
        &kept.2
    }
}

/// What is asked about each mailbox.
#[derive(Clone, PartialEq, Eq)]
struct Question {
    from: Timestamp,
    to: Timestamp,
    zone: TimeZone,
    slot: SignedDuration,
    view: String,
}

impl Question {
    fn of(request: &Node, days_max: i64) -> Result<Self, Refused> {
        let schema = Refused("ErrorSchemaValidation");
        let minutes = |path: &[&str]| request.text_at(path).parse::<i32>().unwrap_or(0);
        let bias = minutes(&["TimeZone", "Bias"]).saturating_add(minutes(&["TimeZone", "StandardTime", "Bias"]));
        let zone = Offset::from_seconds(bias.saturating_mul(-60)).map_err(|_| Refused("ErrorTimeZone"))?.to_time_zone();
        let options = request.child("FreeBusyViewOptions").ok_or(schema)?;
        let moment = |name: &str| {
            let text = options.text_at(&["TimeWindow", name]);
            let local = || text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok();
            text.parse().ok().or_else(|| local().map(|zoned| zoned.timestamp()))
        };
        let (from, to): (Timestamp, Timestamp) = moment("StartTime").zip(moment("EndTime")).ok_or(schema)?;
        if to <= from {
            return Err(Refused("ErrorInvalidTimeInterval"));
        }
        if to.duration_since(from) > SignedDuration::from_hours(days_max.saturating_mul(24)) {
            return Err(Refused("ErrorTimeIntervalTooBig"));
        }
        let slot = options.text_at(&["MergedFreeBusyIntervalInMinutes"]).parse().unwrap_or(30);
        if !(5..=1440).contains(&slot) {
            return Err(Refused("ErrorInvalidMergedFreeBusyInterval"));
        }
        let slot = SignedDuration::from_mins(slot);
        Ok(Self { from, to, slot, view: options.text_at(&["RequestedView"]).to_owned(), zone })
    }

    fn local(&self, at: Timestamp) -> String {
        self.zone.to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S").to_string()
    }
}

impl Place<'_> {
    /// `GetUserAvailability`.
    pub(super) fn availability(self, call: &Call<'_>) -> Result<String, Refused> {
        let mailboxes = call.node.all("MailboxDataArray");
        if mailboxes.is_empty() {
            return Err(Refused("ErrorMailboxDataArrayEmpty"));
        }
        if mailboxes.len() > self.options.availability_max {
            return Err(Refused("ErrorMailboxDataArrayTooBig"));
        }
        let question = Question::of(call.node, self.options.availability_days)?;
        let mut told = String::new();
        for mailbox in mailboxes {
            let address = mailbox.text_at(&["Email", "Address"]).to_lowercase();
            let moving = self.state.org.mailboxes.get(&address).is_some_and(|it| it.moving);
            let views = &mut self.state.views;
            self.rooms.look(&address, |room| match room {
                None => told += &refused("ErrorMailRecipientNotFound"),
                Some(room) if room.access == RoomAccess::Nothing => told += &refused("ErrorNoFreeBusyAccess"),
                Some(_) if moving => told += &refused("ErrorMailboxMoveInProgress"),
                Some(room) => told += views.view(&address, room, &question),
            });
        }
        Ok(format!(
            "<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>{told}</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>"
        ))
    }
}

fn refused(code: &str) -> String {
    format!(
        "<m:FreeBusyResponse><m:ResponseMessage ResponseClass=\"Error\"><m:MessageText>{}</m:MessageText><m:ResponseCode>{code}</m:ResponseCode>\
         <m:DescriptiveLinkKey>0</m:DescriptiveLinkKey></m:ResponseMessage><m:FreeBusyView><t:FreeBusyViewType>None</t:FreeBusyViewType>\
         </m:FreeBusyView></m:FreeBusyResponse>",
        soap::message(code)
    )
}

fn view(mailbox: &str, room: &SimRoom, question: &Question) -> String {
    let sees_details = room.access != RoomAccess::FreeBusy;
    let granted = match question.view.as_str() {
        "Detailed" if !sees_details => "FreeBusy",
        "DetailedMerged" if !sees_details => "FreeBusyMerged",
        known @ ("None" | "MergedOnly" | "FreeBusy" | "FreeBusyMerged" | "Detailed" | "DetailedMerged") => known,
        _ => "FreeBusy",
    };
    let within = |event: &&SimEvent| event.start < question.to && event.end > question.from;
    let mut events: Vec<&SimEvent> = room.events.values().filter(within).collect();
    events.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    let mut inside = format!("<t:FreeBusyViewType>{granted}</t:FreeBusyViewType>");
    if granted.contains("Merged") {
        element(&mut inside, "MergedFreeBusy", &merged(&events, question));
    }
    if matches!(granted, "FreeBusy" | "FreeBusyMerged" | "Detailed" | "DetailedMerged") {
        inside.push_str("<t:CalendarEventArray>");
        for event in events {
            let (start, end) = (question.local(event.start), question.local(event.end));
            let _ = write!(
                inside,
                "<t:CalendarEvent><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime><t:BusyType>{}</t:BusyType>",
                show_as(event)
            );
            if granted.contains("Detailed") {
                details(&mut inside, mailbox, event);
            }
            inside.push_str("</t:CalendarEvent>");
        }
        inside.push_str("</t:CalendarEventArray>");
    }
    format!(
        "<m:FreeBusyResponse><m:ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>\
         <m:FreeBusyView>{inside}</m:FreeBusyView></m:FreeBusyResponse>"
    )
}

fn details(out: &mut String, mailbox: &str, event: &SimEvent) {
    out.push_str("<t:CalendarEventDetails>");
    element(out, "ID", &Thing::Item(mailbox.to_owned(), event.id.clone()).hex());
    if !event.private {
        element(out, "Subject", &event.subject);
        element(out, "Location", &event.location);
    }
    let is_exception = event.series.as_ref().is_some_and(|(_, original)| *original != event.start);
    for (name, is) in [
        ("IsMeeting", !event.organizer.1.is_empty()),
        ("IsRecurring", event.series.is_some()),
        ("IsException", is_exception),
        ("IsReminderSet", false),
        ("IsPrivate", event.private),
    ] {
        element(out, name, if is { "true" } else { "false" });
    }
    out.push_str("</t:CalendarEventDetails>");
}

/// A digit for each slot: 0 free, 1 tentative, 2 busy.
fn merged(events: &[&SimEvent], question: &Question) -> String {
    let digit = |event: &SimEvent| match show_as(event) {
        "Tentative" => '1',
        "Busy" => '2',
        _ => '0',
    };
    let mut slots = String::new();
    let mut slot = question.from;
    while slot < question.to {
        let end = (slot + question.slot).min(question.to);
        let taken = events.iter().filter(|event| event.start < end && event.end > slot).map(|event| digit(event)).max();
        slots.push(taken.unwrap_or('0'));
        slot = end;
    }
    slots
}

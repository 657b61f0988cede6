//! One meeting as Exchange shows it. The order of elements is that of the schema, which is the same from Exchange 2007 SP1 to 2016.

use jiff::Timestamp;

use super::writer::Xml;
use super::{Dialect, request::Shape};
use crate::model::{Confidential, Digest};

/// The form of a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BodyForm {
    /// Plain text: also what `Best` and no wish at all mean, because we have no other.
    #[default]
    Text,
    /// The same text in HTML, for those who ask for it.
    Html,
}

/// A meeting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CalendarItem {
    /// Opaque, stable, unique per occurrence.
    pub id: String,
    /// That of the calendar.
    pub folder: String,
    /// The title.
    pub subject: Confidential,
    /// Marked private.
    pub private: bool,
    /// It does not take place, and is shown so until its end.
    pub cancelled: bool,
    /// The text; only items that are written whole need one.
    pub body: Confidential,
    /// Changes when the text does.
    pub body_mark: String,
    /// Where.
    pub location: Confidential,
    /// Start.
    pub start: Timestamp,
    /// End.
    pub end: Timestamp,
    /// Whole days.
    pub all_day: bool,
    /// The organizer's name; empty: not told.
    pub organizer: Confidential,
    /// The room's name, as the only attendee.
    pub room: String,
    /// A reminder this many minutes before the start.
    pub reminder_minutes: u32,
    /// Last change.
    pub last_modified: Option<Timestamp>,
}

/// How much of an item is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// In a list: no body, no attendees, whatever was asked.
    List,
    /// Everything.
    Whole,
}

impl CalendarItem {
    /// Changes whenever something a device can see does.
    #[must_use]
    pub fn change_key(&self) -> String {
        let flags = [u8::from(self.private), u8::from(self.all_day), u8::from(self.cancelled)];
        let numbers = [self.start.as_second(), self.end.as_second(), i64::from(self.reminder_minutes)];
        let numbers: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        Digest::of([
            self.id.as_bytes(),
            self.subject.expose().as_bytes(),
            self.body_mark.as_bytes(),
            self.location.expose().as_bytes(),
            self.organizer.expose().as_bytes(),
            self.room.as_bytes(),
            &flags,
            &numbers,
        ])
        .short()
    }

    /// Writes it. In either extent more is sent than a shape may ask for: known elements in their order harm no client, a missing one
    /// may cost the Join button.
    pub fn write(&self, xml: &mut Xml, extent: Extent, shape: Shape, dialect: Dialect) {
        xml.open("t:CalendarItem", &[]);
        xml.empty("t:ItemId", &[("Id", &self.id), ("ChangeKey", &self.change_key())]);
        if !shape.id_only {
            self.write_common(xml, extent, shape, dialect);
            self.write_times(xml, dialect);
            self.write_people(xml, extent);
        }
        xml.close();
    }

    fn write_common(&self, xml: &mut Xml, extent: Extent, shape: Shape, dialect: Dialect) {
        let whole = extent == Extent::Whole;
        if whole {
            xml.empty("t:ParentFolderId", &[("Id", &self.folder)]);
            xml.text("t:ItemClass", "IPM.Appointment");
        }
        xml.text("t:Subject", self.subject.expose());
        xml.text("t:Sensitivity", if self.private { "Private" } else { "Normal" });
        if whole {
            match shape.body {
                BodyForm::Text => xml.text_with("t:Body", &[("BodyType", "Text")], self.body.expose()),
                BodyForm::Html => xml.text_with("t:Body", &[("BodyType", "HTML")], html(self.body.expose())),
            };
            if let Some(at) = self.last_modified {
                xml.text("t:DateTimeReceived", utc(at));
            }
            xml.text("t:Importance", "Normal");
            for flag in ["t:IsSubmitted", "t:IsDraft", "t:IsFromMe", "t:IsResend", "t:IsUnmodified"] {
                xml.text(flag, false);
            }
            if let Some(at) = self.last_modified {
                xml.text("t:DateTimeSent", utc(at)).text("t:DateTimeCreated", utc(at));
            }
            xml.text("t:ReminderDueBy", utc(self.start)).text("t:ReminderIsSet", true);
            xml.text("t:ReminderMinutesBeforeStart", self.reminder_minutes);
            xml.text("t:DisplayCc", "").text("t:DisplayTo", &self.room);
        }
        xml.text("t:HasAttachments", false);
        if whole && dialect > Dialect::Rtm2007 {
            xml.text("t:Culture", "en-US");
        }
    }

    fn write_times(&self, xml: &mut Xml, dialect: Dialect) {
        if dialect > Dialect::Rtm2007 {
            // The id is unique for the occurrence already; the calendar's own UID is nobody's business here.
            xml.text("t:UID", &self.id);
        }
        xml.text("t:Start", utc(self.start)).text("t:End", utc(self.end));
        xml.text("t:IsAllDayEvent", self.all_day)
            .text("t:LegacyFreeBusyStatus", if self.cancelled { "Free" } else { "Busy" });
        xml.text("t:Location", self.location.expose());
        xml.text("t:IsMeeting", true).text("t:IsCancelled", self.cancelled).text("t:IsRecurring", false);
        xml.text("t:MeetingRequestWasSent", true).text("t:IsResponseRequested", true);
        xml.text("t:CalendarItemType", "Single").text("t:MyResponseType", "Accept");
    }

    /// Names alone, also of the room: a mail address is something some devices dial.
    fn write_people(&self, xml: &mut Xml, extent: Extent) {
        if !self.organizer.is_blank() {
            xml.open("t:Organizer", &[]).open("t:Mailbox", &[]).text("t:Name", self.organizer.expose()).close().close();
        }
        if extent == Extent::Whole {
            xml.open("t:RequiredAttendees", &[]).open("t:Attendee", &[]);
            xml.open("t:Mailbox", &[]).text("t:Name", &self.room).close();
            xml.text("t:ResponseType", "Accept").close().close();
            let minutes = (self.end.as_second() - self.start.as_second()).max(0) / 60;
            xml.text("t:Duration", format_args!("PT{minutes}M")).text("t:TimeZone", "UTC");
            // Bit 1: a meeting; bit 2: received, not made here; bit 4: cancelled.
            xml.text("t:AppointmentSequenceNumber", 0).text("t:AppointmentState", if self.cancelled { 7 } else { 3 });
        }
    }
}

/// `2026-11-23T09:00:00Z`: whole seconds, which every client reads.
fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let lines: Vec<&str> = escaped.lines().collect();
    format!("<html><body>{}</body></html>", lines.join("<br>\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ews::tree::Element;

    fn item() -> CalendarItem {
        CalendarItem {
            id: "aWQ=".into(),
            folder: "Zg==".into(),
            subject: Confidential::new("a & b\u{7}"),
            private: true,
            cancelled: false,
            body: Confidential::new("Join: sip:1@x.example\n\n<"),
            body_mark: "1".into(),
            location: Confidential::new("sip:1@x.example"),
            start: "2026-11-23T09:00:00.9Z".parse().unwrap(),
            end: "2026-11-23T09:30:00Z".parse().unwrap(),
            all_day: false,
            organizer: Confidential::new(""),
            room: "fjord".into(),
            reminder_minutes: 5,
            last_modified: None,
        }
    }

    fn written(extent: Extent, shape: Shape, dialect: Dialect) -> Element {
        let mut xml = Xml::new();
        xml.open("r", &[("xmlns:t", crate::ews::TYPES)]);
        item().write(&mut xml, extent, shape, dialect);
        xml.close();
        Element::parse(xml.into_text().as_bytes()).unwrap().children.remove(0)
    }

    #[test]
    fn a_list_has_no_bodies_and_the_oldest_dialect_sees_no_later_elements() {
        let shape = Shape { id_only: false, body: BodyForm::Text };
        let listed = written(Extent::List, shape, Dialect::Rtm2007);
        for absent in ["Body", "UID", "Culture", "RequiredAttendees", "Organizer"] {
            assert!(listed.child(absent).is_none(), "{absent}");
        }
        assert_eq!(listed.child("Start").unwrap().text, "2026-11-23T09:00:00Z");
        assert_eq!(listed.child("Subject").unwrap().text, "a & b");
        assert_eq!(listed.child("Sensitivity").unwrap().text, "Private");
        assert!(written(Extent::Whole, shape, Dialect::Sp1).child("UID").is_some());
        let id = written(Extent::List, Shape { id_only: true, ..shape }, Dialect::Newer);
        assert_eq!(id.children.len(), 1);
    }

    #[test]
    fn the_body_comes_in_the_form_that_is_asked_for() {
        let whole =
            |body| written(Extent::Whole, Shape { id_only: false, body }, Dialect::Newer).child("Body").cloned();
        let text = whole(BodyForm::Text).unwrap();
        assert_eq!((text.attribute("BodyType"), text.text.as_str()), (Some("Text"), "Join: sip:1@x.example\n\n<"));
        let html = whole(BodyForm::Html).unwrap();
        assert_eq!(
            (html.attribute("BodyType"), html.text.as_str()),
            (Some("HTML"), "<html><body>Join: sip:1@x.example<br>\r\n<br>\r\n&lt;</body></html>")
        );
    }

    #[test]
    fn the_change_key_follows_what_can_be_seen() {
        let key = item().change_key();
        let changed = |edit: fn(&mut CalendarItem)| {
            let mut other = item();
            edit(&mut other);
            other.change_key()
        };
        assert_eq!(key, changed(|item| item.last_modified = Some(Timestamp::UNIX_EPOCH)));
        assert_ne!(key, changed(|item| item.body_mark = String::new()));
        assert_ne!(key, changed(|item| item.private = false));
        assert_ne!(key, changed(|item| item.end = item.start));
        assert_ne!(key, changed(|item| item.location = Confidential::default()));
    }
}

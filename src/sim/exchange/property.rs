//! One meeting as Exchange writes it: an event of a room in, a `CalendarItem` out, with the properties that a shape asks for.
//!
//! What calendar processing took away is gone here: the room's mailbox has no more than this.

use std::fmt::Write as _;

use super::ids::Thing;
use super::org::Processing;
use super::xml::{Node, element, escaped, utc};
use crate::sim::rooms::{RoomResponse, SimEvent, SimRoom};

/// PS_PUBLIC_STRINGS by its GUID.
const PUBLIC_STRINGS: &str = "00020329-0000-0000-c000-000000000046";

/// What is wanted of an item.
pub(super) struct Shape {
    /// Elements, in the order of the schema.
    wanted: Vec<&'static str>,
    /// `Best` is HTML here: that is what bodies are.
    as_text: bool,
    /// Bodies, mail addresses and the like are given for single items alone.
    is_single: bool,
    extended: Vec<Extended>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Base {
    IdOnly,
    Default,
    All,
}

/// A named or tagged property.
struct Extended {
    /// As it was asked for.
    uri: String,
    /// Name within PS_PUBLIC_STRINGS.
    name: Option<String>,
    is_class: bool,
}

/// Every property, in the order of the schema: its path, its element, and whether the default shape has it.
const FIELDS: [(&str, &str, bool); 45] = [
    ("item:ParentFolderId", "ParentFolderId", false),
    ("item:ItemClass", "ItemClass", false),
    ("item:Subject", "Subject", true),
    ("item:Sensitivity", "Sensitivity", false),
    ("item:Body", "Body", false),
    ("item:DateTimeReceived", "DateTimeReceived", false),
    ("item:Size", "Size", false),
    ("item:Importance", "Importance", false),
    ("item:IsSubmitted", "IsSubmitted", false),
    ("item:IsDraft", "IsDraft", false),
    ("item:IsFromMe", "IsFromMe", false),
    ("item:IsResend", "IsResend", false),
    ("item:IsUnmodified", "IsUnmodified", false),
    ("item:DateTimeSent", "DateTimeSent", false),
    ("item:DateTimeCreated", "DateTimeCreated", false),
    ("item:ReminderIsSet", "ReminderIsSet", false),
    ("item:ReminderMinutesBeforeStart", "ReminderMinutesBeforeStart", false),
    ("item:HasAttachments", "HasAttachments", true),
    ("", "ExtendedProperty", false),
    ("item:LastModifiedTime", "LastModifiedTime", false),
    ("item:IsAssociated", "IsAssociated", false),
    ("item:TextBody", "TextBody", false),
    ("calendar:UID", "UID", false),
    ("calendar:RecurrenceId", "RecurrenceId", false),
    ("calendar:DateTimeStamp", "DateTimeStamp", false),
    ("calendar:Start", "Start", true),
    ("calendar:End", "End", true),
    ("calendar:OriginalStart", "OriginalStart", false),
    ("calendar:IsAllDayEvent", "IsAllDayEvent", false),
    ("calendar:LegacyFreeBusyStatus", "LegacyFreeBusyStatus", true),
    ("calendar:Location", "Location", true),
    ("calendar:IsMeeting", "IsMeeting", false),
    ("calendar:IsCancelled", "IsCancelled", false),
    ("calendar:IsRecurring", "IsRecurring", false),
    ("calendar:MeetingRequestWasSent", "MeetingRequestWasSent", false),
    ("calendar:IsResponseRequested", "IsResponseRequested", false),
    ("calendar:CalendarItemType", "CalendarItemType", true),
    ("calendar:MyResponseType", "MyResponseType", false),
    ("calendar:Organizer", "Organizer", true),
    ("calendar:Duration", "Duration", false),
    ("calendar:AppointmentSequenceNumber", "AppointmentSequenceNumber", false),
    ("calendar:AppointmentState", "AppointmentState", false),
    ("calendar:StartTimeZone", "StartTimeZone", false),
    ("calendar:EndTimeZone", "EndTimeZone", false),
    ("calendar:IsOnlineMeeting", "IsOnlineMeeting", false),
];

/// An event of a room, and what its mailbox adds.
pub(super) struct Shown<'a> {
    pub(super) mailbox: &'a str,
    pub(super) room: &'a SimRoom,
    pub(super) event: &'a SimEvent,
    pub(super) change_key: &'a str,
    pub(super) processing: Processing,
    /// The series itself, of which the event is an occurrence.
    pub(super) is_master: bool,
}

impl Shape {
    pub(super) fn of(request: &Node, name: &str, is_single: bool) -> Self {
        let base = match request.text_at(&[name, "BaseShape"]) {
            "IdOnly" => Base::IdOnly,
            "Default" => Base::Default,
            _ => Base::All,
        };
        let as_text = request.text_at(&[name, "BodyType"]) == "Text";
        let (mut fields, mut extended) = (Vec::new(), Vec::new());
        for wanted in request.at(&[name, "AdditionalProperties"]).map_or(&[][..], |list| &list.children) {
            match wanted.name.as_str() {
                "FieldURI" => fields.extend(wanted.attribute("FieldURI")),
                "ExtendedFieldURI" => extended.push(Extended::of(wanted)),
                _ => {}
            }
        }
        let is_wanted = |uri: &str, element: &str, by_default: bool| {
            let base = match base {
                Base::IdOnly => element == "ExtendedProperty",
                Base::Default => by_default || element == "ExtendedProperty",
                Base::All => element != "TextBody",
            };
            let only_single = matches!(element, "Body" | "TextBody" | "OriginalStart");
            (base || fields.contains(&uri)) && (is_single || !only_single)
        };
        let wanted = FIELDS.iter().filter(|(uri, element, by_default)| is_wanted(uri, element, *by_default));
        let wanted = wanted.map(|(_, element, _)| *element).collect();
        Self { wanted, as_text, is_single, extended }
    }
}

impl Extended {
    fn of(wanted: &Node) -> Self {
        const NAMES: [&str; 6] = [
            "DistinguishedPropertySetId",
            "PropertySetId",
            "PropertyTag",
            "PropertyName",
            "PropertyId",
            "PropertyType",
        ];
        let mut uri = String::from("<t:ExtendedFieldURI");
        for name in NAMES {
            if let Some(value) = wanted.attribute(name) {
                let _ = write!(uri, " {name}=\"{}\"", escaped(value));
            }
        }
        uri.push_str("/>");
        let said = |name: &str| wanted.attribute(name).unwrap_or_default();
        let is_public = said("DistinguishedPropertySetId") == "PublicStrings"
            || said("PropertySetId").eq_ignore_ascii_case(PUBLIC_STRINGS);
        let is_text = said("PropertyType") == "String";
        let name = wanted.attribute("PropertyName").filter(|_| is_public && is_text).map(str::to_owned);
        let is_class = is_text && matches!(said("PropertyTag").to_lowercase().as_str(), "0x001a" | "0x1a" | "26");
        Self { uri, name, is_class }
    }

    fn value<'a>(&self, event: &'a SimEvent) -> Option<&'a str> {
        if self.is_class {
            return Some("IPM.Appointment");
        }
        let name = self.name.as_deref()?;
        let kept = event.properties.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        kept.or_else(|| event.conference.as_deref().filter(|_| name == "SkypeTeamsMeetingUrl"))
    }
}

impl Shown<'_> {
    /// The whole element.
    pub(super) fn write(&self, out: &mut String, shape: &Shape) {
        let id = if self.is_master { super::memory::item_of(self.event) } else { &self.event.id };
        let id = Thing::Item(self.mailbox.to_owned(), id.to_owned()).id();
        let _ = write!(out, "<t:CalendarItem><t:ItemId Id=\"{id}\" ChangeKey=\"{}\"/>", self.change_key);
        for name in &shape.wanted {
            if *name == "ExtendedProperty" {
                for wanted in &shape.extended {
                    if let Some(value) = wanted.value(self.event) {
                        let (uri, value) = (&wanted.uri, escaped(value));
                        let _ = write!(out, "<t:ExtendedProperty>{uri}<t:Value>{value}</t:Value></t:ExtendedProperty>");
                    }
                }
            } else {
                match self.text(name) {
                    Some(text) => element(out, name, &text),
                    None => self.write_structure(out, name, shape),
                }
            }
        }
        out.push_str("</t:CalendarItem>");
    }

    /// The title as calendar processing left it.
    fn subject(&self) -> &str {
        match self.processing {
            _ if self.is_own() => &self.event.subject,
            Processing { add_organizer_to_subject: true, .. } => &self.event.organizer.0,
            Processing { delete_subject: true, .. } => "",
            _ => &self.event.subject,
        }
    }

    /// Made in the room's own calendar, which calendar processing does not touch.
    fn is_own(&self) -> bool {
        self.event.organizer.1.eq_ignore_ascii_case(self.mailbox)
    }

    /// A property that is a text; `None`: it has more structure, or no value.
    fn text(&self, name: &str) -> Option<String> {
        let event = self.event;
        let is_meeting = !event.organizer.1.is_empty();
        let series = event.series.as_ref();
        Some(match name {
            "ItemClass" => "IPM.Appointment".into(),
            "Subject" => self.subject().to_owned(),
            "Sensitivity" if event.private && (self.is_own() || !self.processing.remove_private_property) => {
                "Private".into()
            }
            "Sensitivity" | "Importance" => "Normal".into(),
            "DateTimeReceived" | "DateTimeSent" | "DateTimeCreated" | "LastModifiedTime" | "DateTimeStamp" => {
                utc(event.updated)
            }
            "Size" => (event.body.len() + 4096).to_string(),
            "IsSubmitted" | "IsDraft" | "IsFromMe" | "IsResend" | "IsUnmodified" | "ReminderIsSet"
            | "HasAttachments" | "IsAssociated" => "false".into(),
            "ReminderMinutesBeforeStart" => "15".into(),
            "UID" => event.uid.clone(),
            "RecurrenceId" => utc(series.filter(|_| !self.is_master)?.1),
            "Start" => utc(event.start),
            "End" => utc(event.end),
            "OriginalStart" => utc(series.map_or(event.start, |(_, original)| *original)),
            "IsAllDayEvent" => event.all_day.to_string(),
            "LegacyFreeBusyStatus" => show_as(event).into(),
            "Location" => event.location.clone(),
            "IsMeeting" | "MeetingRequestWasSent" | "IsResponseRequested" => is_meeting.to_string(),
            "IsCancelled" => event.cancelled.to_string(),
            "IsRecurring" => (series.is_some() && !self.is_master).to_string(),
            "CalendarItemType" => match series {
                None => "Single",
                Some(_) if self.is_master => "RecurringMaster",
                Some((_, original)) if *original == event.start => "Occurrence",
                Some(_) => "Exception",
            }
            .into(),
            "MyResponseType" => match event.response {
                _ if self.is_own() || !is_meeting => "Organizer",
                RoomResponse::Accepted => "Accept",
                RoomResponse::Declined => "Decline",
                RoomResponse::NeedsAction => "NoResponseReceived",
                RoomResponse::Tentative => "Tentative",
            }
            .into(),
            "Duration" => format!("PT{}M", event.end.duration_since(event.start).as_mins().max(0)),
            "AppointmentSequenceNumber" => "0".into(),
            // A meeting, received, cancelled.
            "AppointmentState" => (u8::from(is_meeting) * 3 + u8::from(event.cancelled) * 4).to_string(),
            "IsOnlineMeeting" => event.conference.is_some().to_string(),
            _ => return None,
        })
    }

    fn write_structure(&self, out: &mut String, name: &str, shape: &Shape) {
        let event = self.event;
        let _ = match name {
            "ParentFolderId" => {
                let id = Thing::Folder(self.mailbox.to_owned(), "calendar".into()).id();
                write!(out, "<t:ParentFolderId Id=\"{id}\" ChangeKey=\"AgAAAA==\"/>")
            }
            "Body" | "TextBody" => {
                let as_text = shape.as_text || name == "TextBody";
                let kept = if self.processing.delete_comments && !self.is_own() { "" } else { &event.body };
                let (kind, body) = if as_text { ("Text", plain(kept)) } else { ("HTML", page(kept)) };
                write!(out, "<t:{name} BodyType=\"{kind}\">{}</t:{name}>", escaped(&body))
            }
            "Organizer" if !event.organizer.0.is_empty() || !event.organizer.1.is_empty() => {
                let (person, address) = &event.organizer;
                out.push_str("<t:Organizer><t:Mailbox>");
                element(out, "Name", person);
                // A list has names alone.
                if shape.is_single && !address.is_empty() {
                    element(out, "EmailAddress", address);
                    element(out, "RoutingType", "SMTP");
                }
                write!(out, "</t:Mailbox></t:Organizer>")
            }
            "StartTimeZone" | "EndTimeZone" if shape.is_single => {
                let (zone, display) = windows_zone(&self.room.time_zone);
                write!(out, "<t:{name} Id=\"{zone}\" Name=\"{display}\"/>")
            }
            _ => Ok(()),
        };
    }
}

/// `LegacyFreeBusyStatus` of an event, and its `BusyType`.
pub(super) fn show_as(event: &SimEvent) -> &'static str {
    match event.response {
        _ if event.free || event.cancelled => "Free",
        RoomResponse::Accepted => "Busy",
        RoomResponse::NeedsAction | RoomResponse::Tentative => "Tentative",
        RoomResponse::Declined => "Free",
    }
}

/// Windows' name of a zone, and how it is shown. A few are enough for invented rooms.
fn windows_zone(iana: &str) -> (&'static str, &'static str) {
    match iana {
        "Europe/Oslo" | "Europe/Berlin" | "Europe/Stockholm" => {
            ("W. Europe Standard Time", "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna")
        }
        "Europe/London" => ("GMT Standard Time", "(UTC+00:00) Dublin, Edinburgh, Lisbon, London"),
        "America/New_York" => ("Eastern Standard Time", "(UTC-05:00) Eastern Time (US &amp; Canada)"),
        "America/Los_Angeles" => ("Pacific Standard Time", "(UTC-08:00) Pacific Time (US &amp; Canada)"),
        "Asia/Tokyo" => ("Tokyo Standard Time", "(UTC+09:00) Osaka, Sapporo, Tokyo"),
        "Australia/Sydney" => ("AUS Eastern Standard Time", "(UTC+10:00) Canberra, Melbourne, Sydney"),
        _ => ("UTC", "(UTC) Coordinated Universal Time"),
    }
}

/// A body as the store gives it: a whole page.
fn page(body: &str) -> String {
    if body.is_empty() || body.contains("<html") {
        return body.to_owned();
    }
    format!(
        "<html>\r\n<head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\r\n</head>\r\n<body>\r\n{body}\r\n</body>\r\n</html>\r\n"
    )
}

/// HTML as text in Exchange's way: paragraphs are lines, and the address of a link stands behind it in angle brackets.
fn plain(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut links: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some((before, behind)) = rest.split_once('<') {
        let Some((tag, behind)) = behind.split_once('>') else { break };
        out.push_str(&unescaped(before));
        let name = tag.split(|c: char| c.is_whitespace()).next().unwrap_or_default().to_lowercase();
        match name.trim_end_matches('/') {
            "br" | "/p" | "/div" | "/tr" | "/li" => out.push_str("\r\n"),
            "a" => {
                let href = tag.split_once("href=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(href, _)| href);
                links.push(unescaped(href.unwrap_or_default()));
            }
            "/a" => {
                if let Some(link) = links.pop().filter(|link| !link.is_empty()) {
                    let _ = write!(out, "<{link}>");
                }
            }
            _ => {}
        }
        rest = behind;
    }
    out.push_str(&unescaped(rest));
    out
}

fn unescaped(text: &str) -> String {
    let named = [("&nbsp;", "\u{a0}"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    named.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_the_text_that_exchange_makes_of_it() {
        for (html, text) in [
            ("<p>Dial sip:a@b</p>", "Dial sip:a@b\r\n"),
            ("<a href=\"https://e.com/?a&amp;b\">Join</a> now<br/>&amp;lt;", "Join<https://e.com/?a&b> now\r\n&lt;"),
            ("no tags", "no tags"),
            ("a < b", "a < b"),
        ] {
            assert_eq!(plain(html), text, "{html}");
        }
    }
}

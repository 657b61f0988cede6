//! Asks for what is in a calendar.
//!
//! `FindItem` with a `CalendarView` lists the occurrences that touch a span, without bodies, which it cannot give; `GetItem` gives
//! everything of those that are named. Only what is read is asked for: the base shape is the id.

use super::{Ask, AskFault, counted, own_calendar, utc};
use crate::ews::writer::Xml;
use crate::model::Window;
use crate::model::mapi::NAMED;

/// Most items of one `GetItem`. Microsoft's advice for items with bodies; a larger batch is cut after a minute of the server's time.
/// See <https://learn.microsoft.com/exchange/client-developer/exchange-web-services/ews-throttling-in-exchange>.
pub const ITEMS_MAX: usize = 10;

/// Most changes of one `SyncFolderItems` (`MaxSyncChangesReturnedType`).
pub const CHANGES_MAX: u32 = 512;

/// Most ids of one `ConvertId`.
pub const IDS_MAX: usize = 200;

/// Longest span of a `CalendarView`, in days; a longer one is refused (`ErrorCalendarViewRangeTooBig`).
pub const VIEW_DAYS_MAX: i64 = 2 * 365;

/// What a list tells of each occurrence. All of it came with Exchange 2007 SP1, and is among what Microsoft's own client library asks
/// of lists; `OriginalStart` is not.
const LISTED: [&str; 12] = [
    "item:Subject",
    "item:Sensitivity",
    "item:LastModifiedTime",
    "calendar:UID",
    "calendar:RecurrenceId",
    "calendar:Start",
    "calendar:End",
    "calendar:IsAllDayEvent",
    "calendar:LegacyFreeBusyStatus",
    "calendar:IsCancelled",
    "calendar:CalendarItemType",
    "calendar:MyResponseType",
];

/// What is asked of a single item beside that. `StartTimeZone` came with Exchange 2010.
const WHOLE: [&str; 7] = [
    "item:ItemClass",
    "item:Body",
    "calendar:Location",
    "calendar:OriginalStart",
    "calendar:IsRecurring",
    "calendar:Organizer",
    "calendar:StartTimeZone",
];

/// In which form bodies are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Text {
    /// With its links, which plain text loses at times.
    #[default]
    Html,
    /// As Exchange makes it of HTML.
    Plain,
}

/// How an id is written (`IdFormatType`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IdForm {
    /// Of every answer since Exchange 2007 SP1.
    Ews,
    /// Of `CalendarEventDetails` in `GetUserAvailability`.
    HexEntry,
}

impl IdForm {
    fn name(self) -> &'static str {
        match self {
            Self::Ews => "EwsId",
            Self::HexEntry => "HexEntryId",
        }
    }
}

impl Ask {
    /// `FindItem`: the occurrences whose end is after `window.from` and whose start is before `window.to`, `most` at most. The span
    /// is at most [`VIEW_DAYS_MAX`]. Read with [`Reply::found`](crate::ews::told::Reply::found).
    ///
    /// See <https://learn.microsoft.com/exchange/client-developer/web-service-reference/calendarview>.
    #[must_use]
    pub fn list(window: Window, most: u32) -> Self {
        let mut xml = Xml::new();
        xml.open("m:FindItem", &[("Traversal", "Shallow")]);
        xml.open("m:ItemShape", &[]).text("t:BaseShape", "IdOnly");
        xml.open("t:AdditionalProperties", &[]);
        fields(&mut xml, &LISTED);
        xml.close().close();
        let (most, from, to) = (most.max(1).to_string(), utc(window.from), utc(window.to));
        xml.empty("m:CalendarView", &[("MaxEntriesReturned", &most), ("StartDate", &from), ("EndDate", &to)]);
        xml.open("m:ParentFolderIds", &[]);
        own_calendar(&mut xml);
        xml.close().close();
        Self::of("FindItem", xml)
    }

    /// `GetItem`: everything of the items with these ids (not change keys: the newest state is wanted), at most [`ITEMS_MAX`]. Read
    /// with [`Reply::items`](crate::ews::told::Reply::items), which answers in this order.
    ///
    /// # Errors
    /// When there are none or too many.
    pub fn items<Id: AsRef<str>>(ids: &[Id], text: Text) -> Result<Self, AskFault> {
        let mut xml = Xml::new();
        xml.open("m:GetItem", &[]).open("m:ItemShape", &[]).text("t:BaseShape", "IdOnly");
        xml.text(
            "t:BodyType",
            match text {
                Text::Html => "HTML",
                Text::Plain => "Text",
            },
        );
        xml.open("t:AdditionalProperties", &[]);
        fields(&mut xml, &LISTED);
        fields(&mut xml, &WHOLE);
        for (name, _) in NAMED {
            xml.empty(
                "t:ExtendedFieldURI",
                &[("DistinguishedPropertySetId", "PublicStrings"), ("PropertyName", name), ("PropertyType", "String")],
            );
        }
        xml.close().close().open("m:ItemIds", &[]);
        for id in counted(ids, ITEMS_MAX)? {
            xml.empty("t:ItemId", &[("Id", id.as_ref())]);
        }
        xml.close().close();
        Ok(Self::of("GetItem", xml))
    }

    /// `SyncFolderItems`: what changed since `state`, a former answer's; without one, everything. `most` changes, between 1 and
    /// [`CHANGES_MAX`]. Series are one item here. Read with [`Reply::synced`](crate::ews::told::Reply::synced).
    #[must_use]
    pub fn sync(state: Option<&str>, most: u32) -> Self {
        let mut xml = Xml::new();
        xml.open("m:SyncFolderItems", &[]);
        xml.open("m:ItemShape", &[]).text("t:BaseShape", "IdOnly").close();
        xml.open("m:SyncFolderId", &[]);
        own_calendar(&mut xml);
        xml.close();
        if let Some(state) = state {
            xml.text("m:SyncState", state);
        }
        xml.text("m:MaxChangesReturned", most.clamp(1, CHANGES_MAX)).close();
        Self::of("SyncFolderItems", xml)
    }

    /// `ConvertId`: ids of `mailbox`, at most [`IDS_MAX`], in another form. Read with
    /// [`Reply::converted`](crate::ews::told::Reply::converted), which answers in this order.
    ///
    /// # Errors
    /// When there are none or too many.
    pub fn convert<Id: AsRef<str>>(ids: &[Id], from: IdForm, to: IdForm, mailbox: &str) -> Result<Self, AskFault> {
        let mut xml = Xml::new();
        xml.open("m:ConvertId", &[("DestinationFormat", to.name())]).open("m:SourceIds", &[]);
        for id in counted(ids, IDS_MAX)? {
            xml.empty("t:AlternateId", &[("Format", from.name()), ("Id", id.as_ref()), ("Mailbox", mailbox)]);
        }
        xml.close().close();
        Ok(Self::of("ConvertId", xml))
    }
}

fn fields(xml: &mut Xml, names: &[&str]) {
    for name in names {
        xml.empty("t:FieldURI", &[("FieldURI", name)]);
    }
}

//! One meeting as Exchange tells it, in a list or for itself. What was not asked for, or has no value, is absent.

use jiff::Timestamp;

use super::{instant, text, truth};
use crate::ews::tree::Element;
use crate::model::mapi::NAMED;
use crate::model::{Body, Confidential, Person};

/// Identifies one state of one item.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct ItemKey {
    /// Stays the same for as long as the item is in its folder. An occurrence has one of its own.
    pub id: String,
    /// Another one after every change. Occurrences have that of their series, so a change of one is seen on all.
    pub change_key: String,
}

/// What an item is to its series (`CalendarItemType`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Occurrence {
    /// There is none.
    Single,
    /// As the series has it.
    Occurrence,
    /// Changed by itself.
    Exception,
    /// The series; a calendar view has none of them.
    RecurringMaster,
}

impl Occurrence {
    /// As Exchange, and with it `calendar_event.properties`, has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "Single",
            Self::Occurrence => "Occurrence",
            Self::Exception => "Exception",
            Self::RecurringMaster => "RecurringMaster",
        }
    }
}

/// How private a meeting is (`Sensitivity`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Sensitivity {
    /// Not at all.
    Normal,
    /// A remark only.
    Personal,
    /// For nobody else.
    Private,
    /// For those concerned; also what no version of Exchange has said so far.
    Confidential,
}

impl Sensitivity {
    /// As Exchange, and with it `calendar_event.properties`, has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Personal => "Personal",
            Self::Private => "Private",
            Self::Confidential => "Confidential",
        }
    }

    /// Whether others shall not see what it is about.
    #[must_use]
    pub fn is_private(self) -> bool {
        matches!(self, Self::Private | Self::Confidential)
    }
}

/// How the mailbox answered the invitation (`MyResponseType`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Response {
    /// Nothing is known of an invitation.
    Unknown,
    /// It invited.
    Organizer,
    /// Perhaps.
    Tentative,
    /// Yes.
    Accept,
    /// No.
    Decline,
    /// Not yet.
    NoResponseReceived,
}

/// How the mailbox is taken meanwhile (`LegacyFreeBusyStatus`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Show {
    /// Not at all.
    Free,
    /// Perhaps.
    Tentative,
    /// By this.
    Busy,
    /// Away.
    Oof,
    /// Somewhere else.
    WorkingElsewhere,
    /// Nobody knows.
    NoData,
}

impl Show {
    /// Of its word; one that no version of Exchange has said so far is as good as none.
    pub(super) fn of(word: &str) -> Self {
        match word {
            "Free" => Self::Free,
            "Tentative" => Self::Tentative,
            "Busy" => Self::Busy,
            "OOF" => Self::Oof,
            "WorkingElsewhere" => Self::WorkingElsewhere,
            _ => Self::NoData,
        }
    }
}

/// A meeting. No part of it is checked against another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// Which, and in which state.
    pub key: ItemKey,
    /// The iCalendar UID, shared by all occurrences of a series. Absent where nobody ever sent an invitation from an old client.
    pub uid: Option<String>,
    /// What it is to its series.
    pub occurrence: Option<Occurrence>,
    /// Where in its series it was first set: `RecurrenceId`, or `OriginalStart` (of single items alone) where that is not told.
    pub original_start: Option<Timestamp>,
    /// Start, inclusive.
    pub start: Option<Timestamp>,
    /// End, exclusive.
    pub end: Option<Timestamp>,
    /// Whole days. Start and end are instants all the same: midnights of the zone it was written in.
    pub all_day: bool,
    /// Called off, but still in the calendar.
    pub cancelled: bool,
    /// Part of a series.
    pub recurring: Option<bool>,
    /// How private.
    pub sensitivity: Option<Sensitivity>,
    /// How the mailbox is taken.
    pub show: Option<Show>,
    /// How the mailbox answered.
    pub response: Option<Response>,
    /// The title.
    pub subject: Confidential,
    /// Where.
    pub location: Confidential,
    /// Who invited.
    pub organizer: Person,
    /// The text; none in a list.
    pub body: Body,
    /// `IPM.Appointment` or what was made of it.
    pub item_class: Option<String>,
    /// The zone it was written in: Windows' name of it mostly, `W. Europe Standard Time`.
    pub time_zone: Option<String>,
    /// When it was changed last.
    pub last_modified: Option<Timestamp>,
    /// Named properties by the names that `calendar_event.properties` has for them
    /// ([`mapi::NAMED`](crate::model::mapi::NAMED)). Join addresses are among them.
    pub properties: Vec<(&'static str, Confidential)>,
}

/// An entry that cannot be understood: a part has not its documented form, or it is no meeting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Which, where that is told.
    pub key: Option<ItemKey>,
    /// The UID, where that is told.
    pub uid: Option<String>,
}

impl ItemKey {
    /// Of the `ItemId` within an element.
    pub(super) fn within(element: &Element) -> Option<Self> {
        let id = element.child("ItemId")?;
        let key = Self {
            id: id.attribute("Id")?.to_owned(),
            change_key: id.attribute("ChangeKey").unwrap_or_default().to_owned(),
        };
        (!key.id.is_empty()).then_some(key)
    }
}

impl Item {
    /// # Errors
    /// When it cannot be understood.
    pub(super) fn of(element: &Element) -> Result<Self, Broken> {
        let broken = || Broken { key: ItemKey::within(element), uid: text(element, "UID").map(str::to_owned) };
        if element.name == "CalendarItem" { Self::read(element).ok_or_else(broken) } else { Err(broken()) }
    }

    fn read(element: &Element) -> Option<Self> {
        let said = |name: &str| text(element, name);
        let words = |name: &str| Confidential::new(said(name).unwrap_or_default());
        let first_set = match time(element, "RecurrenceId")? {
            Some(at) => Some(at),
            None => time(element, "OriginalStart")?,
        };
        let occurrence = said("CalendarItemType").map(occurrence);
        Some(Self {
            key: ItemKey::within(element)?,
            uid: said("UID").map(str::to_owned),
            occurrence: occurrence.map_or(Some(None), |known| known.map(Some))?,
            original_start: first_set,
            start: time(element, "Start")?,
            end: time(element, "End")?,
            all_day: flag(element, "IsAllDayEvent")?.unwrap_or(false),
            cancelled: flag(element, "IsCancelled")?.unwrap_or(false),
            recurring: flag(element, "IsRecurring")?,
            sensitivity: said("Sensitivity").map(sensitivity),
            show: said("LegacyFreeBusyStatus").map(Show::of),
            response: said("MyResponseType").map(response),
            subject: words("Subject"),
            location: words("Location"),
            organizer: element.at(&["Organizer", "Mailbox"]).map(person).unwrap_or_default(),
            body: element.child("Body").map(body).unwrap_or_default(),
            item_class: said("ItemClass").map(str::to_owned),
            time_zone: element.child("StartTimeZone").and_then(|zone| zone.attribute("Id")).map(str::to_owned),
            last_modified: said("LastModifiedTime").and_then(instant),
            properties: element.children.iter().filter_map(property).collect(),
        })
    }
}

/// The outer is about whether it can be understood, the inner whether it is there.
fn time(element: &Element, name: &str) -> Option<Option<Timestamp>> {
    text(element, name).map_or(Some(None), |text| instant(text).map(Some))
}

fn flag(element: &Element, name: &str) -> Option<Option<bool>> {
    text(element, name).map_or(Some(None), |text| truth(text).map(Some))
}

fn occurrence(word: &str) -> Option<Occurrence> {
    [Occurrence::Single, Occurrence::Occurrence, Occurrence::Exception, Occurrence::RecurringMaster]
        .into_iter()
        .find(|known| known.name() == word)
}

/// A word nobody knows is taken for the one that shows least.
fn sensitivity(word: &str) -> Sensitivity {
    [Sensitivity::Normal, Sensitivity::Personal, Sensitivity::Private]
        .into_iter()
        .find(|known| known.name() == word)
        .unwrap_or(Sensitivity::Confidential)
}

fn response(word: &str) -> Response {
    match word {
        "Organizer" => Response::Organizer,
        "Tentative" => Response::Tentative,
        "Accept" => Response::Accept,
        "Decline" => Response::Decline,
        "NoResponseReceived" => Response::NoResponseReceived,
        _ => Response::Unknown,
    }
}

fn person(mailbox: &Element) -> Person {
    let address = text(mailbox, "EmailAddress").unwrap_or_default();
    // An address of the form `/o=Example/…` is one within Exchange alone.
    let is_mail = text(mailbox, "RoutingType").is_none_or(|kind| kind.eq_ignore_ascii_case("SMTP"));
    Person {
        name: Confidential::new(text(mailbox, "Name").unwrap_or_default()),
        email: Confidential::new(if is_mail { address } else { "" }),
    }
}

fn body(element: &Element) -> Body {
    if element.text.is_empty() {
        return Body::None;
    }
    let words = Confidential::new(element.text.as_str());
    match element.attribute("BodyType") {
        Some("Text") => Body::Text(words),
        Some(_) => Body::Html(words),
        None => Body::with_or_without_tags(element.text.clone()),
    }
}

/// A named property that was asked for. The set is the one of the question; some servers leave it out of the answer.
fn property(element: &Element) -> Option<(&'static str, Confidential)> {
    let wanted = (element.name == "ExtendedProperty").then(|| element.child("ExtendedFieldURI")).flatten()?;
    let set = wanted.attribute("DistinguishedPropertySetId").or_else(|| wanted.attribute("PropertySetId"));
    let is_public = set.is_none_or(|set| set == "PublicStrings" || set.eq_ignore_ascii_case(PUBLIC_STRINGS));
    let name = wanted.attribute("PropertyName").filter(|_| is_public)?.trim();
    let (_, guides) = NAMED.iter().find(|(mapi, _)| *mapi == name)?;
    Some((guides, Confidential::new(text(element, "Value")?)))
}

/// PS_PUBLIC_STRINGS, where it is named by its GUID.
const PUBLIC_STRINGS: &str = "00020329-0000-0000-C000-000000000046";

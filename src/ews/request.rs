//! A SOAP request → a typed operation. Dispatch goes by the local name of the first child of Body; `SOAPAction` is not looked at,
//! because clients send wrong ones and Exchange ignores it too.
//!
//! What a request lacks is taken as the most useful meaning where there is one; only what cannot be served at all is a [`Fault`].

mod busy;
mod notices;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use busy::{Availability, DAYS, SaidZone};
pub use notices::{Means, Subscribe};

use super::answer::{Code, Fault};
use super::calendar_item::BodyForm;
use super::folder::FolderRef;
use super::tree::Element;
use super::{Dialect, SOAP_11, SOAP_12};
use crate::model::Window;

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whether it came in a SOAP 1.2 envelope; the answer goes back in one.
    pub soap12: bool,
    /// Which elements its client knows.
    pub dialect: Dialect,
    /// The mailbox it wants to act as.
    pub impersonated: Option<String>,
    /// What it asks for.
    pub operation: Operation,
}

/// What a client asks for.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // the names are Exchange's
pub enum Operation {
    GetFolder { folders: Vec<FolderRef> },
    FindFolder { parents: Vec<FolderRef> },
    FindItem(FindItem),
    GetItem(GetItem),
    SyncFolderHierarchy { state: Option<String> },
    SyncFolderItems { folder: Option<FolderRef>, state: Option<String>, shape: Shape, most: usize },
    Subscribe(Subscribe),
    GetEvents { subscription: String, watermark: String },
    GetStreamingEvents { subscriptions: Vec<String>, minutes: u32 },
    Unsubscribe { subscription: String },
    ResolveNames { entry: String },
    ConvertId { format: String, ids: Vec<AlternateId> },
    GetServerTimeZones { ids: Vec<String>, whole: bool },
    GetUserAvailability(Availability),
    Unknown { name: String },
}

impl Operation {
    /// Its name as the client wrote it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Unknown { name } => name,
            _ => self.label(),
        }
    }

    /// Its name, from a closed set: what strangers made up is `other`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::GetFolder { .. } => "GetFolder",
            Self::FindFolder { .. } => "FindFolder",
            Self::FindItem(_) => "FindItem",
            Self::GetItem(_) => "GetItem",
            Self::SyncFolderHierarchy { .. } => "SyncFolderHierarchy",
            Self::SyncFolderItems { .. } => "SyncFolderItems",
            Self::ResolveNames { .. } => "ResolveNames",
            Self::ConvertId { .. } => "ConvertId",
            Self::Subscribe(_) => "Subscribe",
            Self::GetEvents { .. } => "GetEvents",
            Self::GetStreamingEvents { .. } => "GetStreamingEvents",
            Self::Unsubscribe { .. } => "Unsubscribe",
            Self::GetServerTimeZones { .. } => "GetServerTimeZones",
            Self::GetUserAvailability(_) => "GetUserAvailabilityRequest",
            Self::Unknown { name } => super::answer::known(name).map_or("other", |known| known.name),
        }
    }
}

/// How much of an item is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// The id and nothing else.
    pub id_only: bool,
    /// The form of the body, where one is handed out.
    pub body: BodyForm,
}

/// `FindItem`.
#[derive(Clone, Debug)]
pub struct FindItem {
    /// Where.
    pub parents: Vec<FolderRef>,
    /// How much.
    pub shape: Shape,
    /// Which part.
    pub view: View,
    /// And only those.
    pub bounds: Vec<Bound>,
}

/// The part of a folder that is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum View {
    /// Occurrences that touch a span, at most so many.
    Calendar(Window, Option<usize>),
    /// A page of all items: how many are skipped, at most so many.
    Page(usize, Option<usize>),
}

/// One comparison of a restriction with the start or the end of an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bound {
    of_start: bool,
    compare: Compare,
    at: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Compare {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Bound {
    /// Whether an item from `start` to `end` is within.
    #[must_use]
    pub fn holds(&self, start: Timestamp, end: Timestamp) -> bool {
        let value = if self.of_start { start } else { end };
        match self.compare {
            Compare::Greater => value > self.at,
            Compare::GreaterOrEqual => value >= self.at,
            Compare::Less => value < self.at,
            Compare::LessOrEqual => value <= self.at,
        }
    }
}

/// `GetItem`.
#[derive(Clone, Debug)]
pub struct GetItem {
    /// Ids in the order of the answers.
    pub ids: Vec<String>,
    /// How much.
    pub shape: Shape,
}

/// An id in one of Exchange's six spellings.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AlternateId {
    /// `EwsId`, `HexEntryId` and so on.
    pub format: String,
    /// The id.
    pub id: String,
    /// Whose.
    pub mailbox: String,
}

/// Most changes of one `SyncFolderItems` (`MaxSyncChangesReturnedType`).
const CHANGES_MAX: usize = 512;

/// Most ids of one `GetItem`.
pub const IDS_MAX: usize = 200;

impl Request {
    /// Reads a request. Times without zone are taken in `zone`, the room's.
    ///
    /// # Errors
    /// A fault to answer with.
    pub fn parse(bytes: &[u8], zone: &TimeZone) -> Result<Self, Fault> {
        let root = Element::parse(bytes).map_err(|fault| Fault::new(Code::ErrorInvalidRequest, fault.to_string()))?;
        let invalid = |text: &str| Fault::new(Code::ErrorInvalidRequest, text);
        let soap12 = &*root.namespace == SOAP_12;
        if root.name != "Envelope" || !(soap12 || &*root.namespace == SOAP_11) {
            return Err(invalid("the request is no SOAP envelope"));
        }
        let mark = |fault: Fault| Fault { soap12, ..fault };
        let body = root.child("Body").ok_or_else(|| mark(invalid("the envelope has no Body")))?;
        let call = body.children.first().ok_or_else(|| mark(invalid("the Body is empty")))?;
        let header = root.child("Header");
        let version = header
            .and_then(|header| header.child("RequestServerVersion"))
            .and_then(|version| version.attribute("Version"));
        Ok(Self {
            soap12,
            dialect: match version {
                None | Some("Exchange2007") => Dialect::Rtm2007,
                Some("Exchange2007_SP1") => Dialect::Sp1,
                Some(_) => Dialect::Newer,
            },
            impersonated: header
                .and_then(|header| header.at(&["ExchangeImpersonation", "ConnectingSID"]))
                .and_then(|who| who.children.first())
                .map(|who| who.text.clone()),
            operation: operation(call, zone).map_err(mark)?,
        })
    }
}

fn operation(call: &Element, zone: &TimeZone) -> Result<Operation, Fault> {
    let folders = |name: &str| call.child(name).map(FolderRef::all_in).unwrap_or_default();
    let text = |name: &str| call.child(name).map(|child| child.text.clone()).filter(|text| !text.is_empty());
    Ok(match call.name.as_str() {
        "GetFolder" => Operation::GetFolder { folders: some(folders("FolderIds"), "FolderIds")? },
        "FindFolder" => Operation::FindFolder { parents: some(folders("ParentFolderIds"), "ParentFolderIds")? },
        "FindItem" => Operation::FindItem(FindItem {
            parents: some(folders("ParentFolderIds"), "ParentFolderIds")?,
            shape: shape(call),
            view: view(call, zone)?,
            bounds: call.child("Restriction").map(|restriction| bounds(restriction, zone)).unwrap_or_default(),
        }),
        "GetItem" => Operation::GetItem(get_item(call)?),
        "SyncFolderHierarchy" => Operation::SyncFolderHierarchy { state: text("SyncState") },
        "SyncFolderItems" => Operation::SyncFolderItems {
            folder: folders("SyncFolderId").into_iter().next(),
            state: text("SyncState"),
            shape: shape(call),
            most: text("MaxChangesReturned")
                .and_then(|text| text.parse().ok())
                .unwrap_or(CHANGES_MAX)
                .clamp(1, CHANGES_MAX),
        },
        "Subscribe" => Operation::Subscribe(notices::subscribe(call)?),
        "GetEvents" => Operation::GetEvents {
            subscription: text("SubscriptionId").unwrap_or_default(),
            watermark: text("Watermark").unwrap_or_default(),
        },
        "GetStreamingEvents" => {
            let (subscriptions, minutes) = notices::streaming(call)?;
            Operation::GetStreamingEvents { subscriptions, minutes }
        }
        "Unsubscribe" => Operation::Unsubscribe { subscription: text("SubscriptionId").unwrap_or_default() },
        "GetServerTimeZones" => {
            let ids = call.child("Ids").map(|ids| ids.children.as_slice()).unwrap_or_default();
            let whole = call.attribute("ReturnFullTimeZoneData").is_none_or(|text| matches!(text, "true" | "1"));
            Operation::GetServerTimeZones { ids: ids.iter().take(IDS_MAX).map(|id| id.text.clone()).collect(), whole }
        }
        "GetUserAvailabilityRequest" => Operation::GetUserAvailability(busy::availability(call)?),
        "ResolveNames" => Operation::ResolveNames { entry: text("UnresolvedEntry").unwrap_or_default() },
        "ConvertId" => {
            let ids = call.child("SourceIds").map(|ids| ids.children.as_slice()).unwrap_or_default();
            let id = |id: &Element| {
                let value = |name: &str| id.attribute(name).unwrap_or_default().to_owned();
                AlternateId { format: value("Format"), id: value("Id"), mailbox: value("Mailbox") }
            };
            let format = call.attribute("DestinationFormat").unwrap_or("EwsId").to_owned();
            let ids = ids.iter().take(IDS_MAX).map(id).collect::<Vec<_>>();
            Operation::ConvertId { format, ids: if ids.is_empty() { vec![AlternateId::default()] } else { ids } }
        }
        name => Operation::Unknown { name: name.to_owned() },
    })
}

fn some<T>(list: Vec<T>, name: &str) -> Result<Vec<T>, Fault> {
    match list.len() {
        0 => Err(Fault::new(Code::ErrorSchemaValidation, format!("{name} is missing or empty"))),
        1..=IDS_MAX => Ok(list),
        _ => Err(Fault::new(Code::ErrorInvalidRequest, format!("{name} has more than {IDS_MAX} entries"))),
    }
}

fn get_item(call: &Element) -> Result<GetItem, Fault> {
    let ids = call.child("ItemIds").map(|ids| ids.children.as_slice()).unwrap_or_default();
    let ids = ids.iter().map(|id| id.attribute("Id").unwrap_or_default().to_owned()).collect();
    Ok(GetItem { ids: some(ids, "ItemIds")?, shape: shape(call) })
}

/// Naming single properties counts as asking for everything: what is not asked for does no harm, what is missing may cost a button.
fn shape(call: &Element) -> Shape {
    let shape = call.child("ItemShape");
    let text = |name: &str| shape.and_then(|shape| shape.child(name)).map_or("", |child| child.text.as_str());
    let additional = shape.and_then(|shape| shape.child("AdditionalProperties"));
    Shape {
        id_only: text("BaseShape") == "IdOnly" && additional.is_none_or(|list| list.children.is_empty()),
        body: if text("BodyType") == "HTML" { BodyForm::Html } else { BodyForm::Text },
    }
}

fn view(call: &Element, zone: &TimeZone) -> Result<View, Fault> {
    let number = |element: &Element, name: &str| element.attribute(name).and_then(|text| text.parse::<usize>().ok());
    if let Some(view) = call.child("CalendarView") {
        let time = |name: &str| {
            let text = view.attribute(name).unwrap_or_default();
            when(text, zone).ok_or_else(|| {
                Fault::new(Code::ErrorSchemaValidation, format!("{name} of CalendarView is missing or is no time"))
            })
        };
        let window = Window { from: time("StartDate")?, to: time("EndDate")? };
        return Ok(View::Calendar(window, number(view, "MaxEntriesReturned")));
    }
    let page = call.child("IndexedPageItemView").or_else(|| call.child("FractionalPageItemView"));
    let from_start = page.is_none_or(|page| page.attribute("BasePoint") != Some("End"));
    let offset = page.filter(|_| from_start).and_then(|page| number(page, "Offset")).unwrap_or(0);
    Ok(View::Page(offset, page.and_then(|page| number(page, "MaxEntriesReturned"))))
}

/// The comparisons that all hold: those at the top and inside `And`. Others are left out, so that rather too much is answered.
fn bounds(element: &Element, zone: &TimeZone) -> Vec<Bound> {
    element
        .children
        .iter()
        .flat_map(
            |child| if child.name == "And" { bounds(child, zone) } else { bound(child, zone).into_iter().collect() },
        )
        .collect()
}

fn bound(element: &Element, zone: &TimeZone) -> Option<Bound> {
    let of_start = match element.child("FieldURI")?.attribute("FieldURI")? {
        "calendar:Start" => true,
        "calendar:End" => false,
        _ => return None,
    };
    let compare = match element.name.as_str() {
        "IsGreaterThan" => Compare::Greater,
        "IsGreaterThanOrEqualTo" => Compare::GreaterOrEqual,
        "IsLessThan" => Compare::Less,
        "IsLessThanOrEqualTo" => Compare::LessOrEqual,
        _ => return None,
    };
    let at = when(element.at(&["FieldURIOrConstant", "Constant"])?.attribute("Value")?, zone)?;
    Some(Bound { of_start, compare, at })
}

/// `xs:dateTime`, with or without offset; a date alone is its midnight.
fn when(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let civil = match text.parse::<jiff::civil::DateTime>() {
        Ok(civil) => civil,
        Err(_) => text.parse::<jiff::civil::Date>().ok()?.to_datetime(jiff::civil::Time::midnight()),
    };
    zone.to_ambiguous_timestamp(civil).compatible().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(soap: &str, header: &str, body: &str) -> Result<Request, Fault> {
        let text = format!(
            "<s:Envelope xmlns:s='{soap}' xmlns:m='{}' xmlns:t='{}'>{header}<s:Body>{body}</s:Body></s:Envelope>",
            crate::ews::MESSAGES,
            crate::ews::TYPES
        );
        Request::parse(text.as_bytes(), &TimeZone::get("Europe/Oslo").unwrap())
    }

    fn find(inside: &str) -> Result<FindItem, Fault> {
        let parents = "<m:ParentFolderIds><t:DistinguishedFolderId Id='calendar'/></m:ParentFolderIds>";
        match parse(SOAP_11, "", &format!("<m:FindItem>{inside}{parents}</m:FindItem>"))?.operation {
            Operation::FindItem(find) => Ok(find),
            other => panic!("{other:?}"),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_dialect_follows_the_version_header_and_an_absent_one_is_the_oldest() {
        for (header, dialect) in [
            ("", Dialect::Rtm2007),
            ("<s:Header><t:RequestServerVersion Version='Exchange2007'/></s:Header>", Dialect::Rtm2007),
            ("<s:Header><t:RequestServerVersion Version='Exchange2007_SP1'/></s:Header>", Dialect::Sp1),
            ("<s:Header><t:RequestServerVersion Version='Exchange2016'/></s:Header>", Dialect::Newer),
            ("<s:Header><t:RequestServerVersion Version='V2040_01_01'/></s:Header>", Dialect::Newer),
        ] {
            assert_eq!(parse(SOAP_11, header, "<m:ResolveNames/>").unwrap().dialect, dialect, "{header}");
        }
        assert!(parse(SOAP_12, "", "<m:ResolveNames/>").unwrap().soap12);
        let header = "<s:Header><t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>vik@example.com</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header>";
        let asked = parse(SOAP_11, header, "<m:ResolveNames/>").unwrap();
        assert_eq!(asked.impersonated.as_deref(), Some("vik@example.com"));
    }

    #[test]
    fn times_are_read_with_offset_without_and_as_dates() {
        let find = |from: &str, to: &str| {
            find(&format!("<m:CalendarView StartDate='{from}' EndDate='{to}' MaxEntriesReturned='3'/>")).unwrap().view
        };
        for (from, to) in [
            ("2026-07-01T08:00:00Z", "2026-07-02T08:00:00.000Z"),
            ("2026-07-01T10:00:00+02:00", "2026-07-02T03:00:00-05:00"),
            ("2026-07-01T10:00:00", "2026-07-02T10:00:00.0000000"),
        ] {
            let window = Window { from: at("2026-07-01T08:00:00Z"), to: at("2026-07-02T08:00:00Z") };
            assert_eq!(find(from, to), View::Calendar(window, Some(3)), "{from}");
        }
        let window = Window { from: at("2026-06-30T22:00:00Z"), to: at("2026-07-01T22:00:00Z") };
        assert_eq!(find("2026-07-01", "2026-07-02"), View::Calendar(window, Some(3)));
    }

    #[test]
    fn a_restriction_counts_where_all_of_it_must_hold() {
        let compare = |name: &str, field: &str, value: &str| {
            format!(
                "<t:{name}><t:FieldURI FieldURI='{field}'/><t:FieldURIOrConstant><t:Constant Value='{value}'/></t:FieldURIOrConstant></t:{name}>"
            )
        };
        let restriction = format!(
            "<m:IndexedPageItemView Offset='2' MaxEntriesReturned='5' BasePoint='Beginning'/><m:Restriction><t:And>{}{}<t:Or>{}</t:Or>{}</t:And></m:Restriction>",
            compare("IsLessThan", "calendar:Start", "2026-07-02T00:00:00Z"),
            compare("IsGreaterThan", "calendar:End", "2026-07-01T00:00:00Z"),
            compare("IsEqualTo", "calendar:Start", "2026-07-01T00:00:00Z"),
            compare("IsEqualTo", "item:Subject", "x"),
        );
        let found = find(&restriction).unwrap();
        assert_eq!(found.view, View::Page(2, Some(5)));
        let holds = |start: &str, end: &str| found.bounds.iter().all(|bound| bound.holds(at(start), at(end)));
        assert_eq!(found.bounds.len(), 2);
        assert!(holds("2026-07-01T10:00:00Z", "2026-07-01T11:00:00Z"));
        assert!(!holds("2026-06-30T10:00:00Z", "2026-07-01T00:00:00Z"));
        assert!(!holds("2026-07-02T00:00:00Z", "2026-07-02T01:00:00Z"));
    }

    #[test]
    fn what_cannot_be_served_is_a_fault_in_the_envelope_of_the_request() {
        for (body, code) in [
            ("", Code::ErrorInvalidRequest),
            ("<m:GetItem/>", Code::ErrorSchemaValidation),
            ("<m:GetItem><m:ItemIds/></m:GetItem>", Code::ErrorSchemaValidation),
            ("<m:GetFolder><m:FolderIds><t:Nonsense/></m:FolderIds></m:GetFolder>", Code::ErrorSchemaValidation),
        ] {
            let fault = parse(SOAP_12, "", body).unwrap_err();
            assert_eq!((fault.code, fault.soap12), (code, true), "{body}");
        }
        let many = "<t:ItemId Id='x'/>".repeat(IDS_MAX + 1);
        let fault = parse(SOAP_11, "", &format!("<m:GetItem><m:ItemIds>{many}</m:ItemIds></m:GetItem>")).unwrap_err();
        assert_eq!(fault.code, Code::ErrorInvalidRequest);
        for view in ["<m:CalendarView/>", "<m:CalendarView StartDate='yesterday' EndDate='2026-07-01T00:00:00Z'/>"] {
            assert_eq!(find(view).unwrap_err().code, Code::ErrorSchemaValidation, "{view}");
        }
        let bare = Request::parse(b"<GetItem/>", &TimeZone::UTC).unwrap_err();
        assert_eq!(bare.code, Code::ErrorInvalidRequest);
    }

    #[test]
    fn naming_properties_asks_for_more_than_the_id() {
        for (shape, id_only, body) in [
            ("", false, BodyForm::Text),
            ("<t:BaseShape>IdOnly</t:BaseShape>", true, BodyForm::Text),
            ("<t:BaseShape>Default</t:BaseShape><t:BodyType>HTML</t:BodyType>", false, BodyForm::Html),
            ("<t:BaseShape>AllProperties</t:BaseShape><t:BodyType>Best</t:BodyType>", false, BodyForm::Text),
            (
                "<t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI='item:Body'/></t:AdditionalProperties>",
                false,
                BodyForm::Text,
            ),
        ] {
            let found = find(&format!("<m:ItemShape>{shape}</m:ItemShape>")).unwrap();
            assert_eq!(found.shape, Shape { id_only, body }, "{shape}");
        }
    }
}

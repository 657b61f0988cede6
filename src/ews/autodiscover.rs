//! Where a mailbox is served: the question to Autodiscover's SOAP service for several mailboxes at once, and its answer.
//!
//! See <https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-get-user-settings-from-exchange-by-using-autodiscover>.
//! Namespaces are those of the schema, beginning with `http:`; some samples have `https:` there.

use super::code;
use super::told::{ToldFault, said_by};
use super::tree::{Element, Limits};
use super::version::{Build, Version};
use super::writer::Xml;
use super::{SOAP_11, TYPES};
use crate::model::RoomEmail;

/// The namespace of Autodiscover.
pub const AUTODISCOVER: &str = "http://schemas.microsoft.com/exchange/2010/Autodiscover";
/// The namespace of WS-Addressing, of which two headers are wanted.
pub const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";

/// What `GetUserSettings` is called in the header; in `SOAPAction`, too.
pub const ACTION: &str = "http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings";

/// Most mailboxes of one request; Exchange takes a hundred.
pub const USERS_MAX: usize = 100;

/// Longest answer, in bytes.
const LIMITS: Limits = Limits { bytes: 1 << 20, ..Limits::ANSWER };

/// What is asked for.
const SETTINGS: [&str; 3] = ["ExternalEwsUrl", "InternalEwsUrl", "GroupingInformation"];

/// The question about `mailboxes`, at most [`USERS_MAX`], to be sent to `url` as `text/xml; charset=utf-8`; `None` when there are none
/// or too many.
#[must_use]
pub fn question(url: &str, mailboxes: &[RoomEmail]) -> Option<String> {
    if mailboxes.is_empty() || mailboxes.len() > USERS_MAX {
        return None;
    }
    let mut xml = Xml::new();
    let names = [("xmlns:s", SOAP_11), ("xmlns:a", AUTODISCOVER), ("xmlns:w", ADDRESSING), ("xmlns:t", TYPES)];
    xml.open("s:Envelope", &names).open("s:Header", &[]);
    xml.text("a:RequestedServerVersion", Version::Exchange2013.name());
    xml.text("w:Action", ACTION).text("w:To", url).close();
    xml.open("s:Body", &[]).open("a:GetUserSettingsRequestMessage", &[]).open("a:Request", &[]);
    xml.open("a:Users", &[]);
    for mailbox in mailboxes {
        xml.open("a:User", &[]).text("a:Mailbox", mailbox).close();
    }
    xml.close().open("a:RequestedSettings", &[]);
    for setting in SETTINGS {
        xml.text("a:Setting", setting);
    }
    xml.close().close().close().close().close();
    Some(format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>{}", xml.into_text()))
}

/// What Autodiscover says of one mailbox. Addresses and URLs are as written: whether they may be followed is not decided here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Where it is served.
    Served(Served),
    /// Ask about this mail address instead.
    Address(String),
    /// Ask at this URL instead.
    Url(String),
    /// Ask later.
    Busy,
    /// There is no such mailbox.
    NoMailbox,
    /// Anything else, by its code: letters and digits.
    Failed(String),
}

/// Where a mailbox is served.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Served {
    /// EWS, from anywhere.
    pub external: Option<String>,
    /// EWS, from within.
    pub internal: Option<String>,
    /// Mailboxes with the same text, and the same URL, can share a streaming connection.
    pub group: Option<String>,
}

/// The answer of Autodiscover.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directions {
    /// Which server answered.
    pub server: Option<Build>,
    /// Of each mailbox, in the order of the question.
    pub mailboxes: Vec<Direction>,
}

/// Reads the answer about `asked` mailboxes: with HTTP status 200, or 500, which is a fault. A busy server says the same of all.
///
/// # Errors
/// When it is no such answer, a fault, or does not speak of all of them.
pub fn directions(bytes: &[u8], asked: usize) -> Result<Directions, ToldFault> {
    let root = Element::within(bytes, LIMITS)?;
    let body = root.child("Body").filter(|_| root.name == "Envelope").ok_or(ToldFault::NotSoap)?;
    if let Some(fault) = body.child("Fault") {
        return Err(said_by(fault).into());
    }
    let server = root.child("Header").and_then(Build::of);
    let response = body.at(&["GetUserSettingsResponseMessage", "Response"]);
    let response = response.ok_or(ToldFault::Lacking("GetUserSettingsResponseMessage"))?;
    let users = response.child("UserResponses").map(|users| users.children.as_slice()).unwrap_or_default();
    let mailboxes: Vec<Direction> = match code_of(response) {
        "NoError" | "" => users.iter().map(direction).collect(),
        _ => vec![direction(response); asked],
    };
    if mailboxes.len() == asked {
        Ok(Directions { server, mailboxes })
    } else {
        Err(ToldFault::Lacking("a response for each mailbox"))
    }
}

fn code_of(element: &Element) -> &str {
    element.child("ErrorCode").map_or("", |code| code.text.as_str())
}

fn direction(user: &Element) -> Direction {
    let target = || user.child("RedirectTarget").map(|target| target.text.clone()).filter(|target| !target.is_empty());
    match code_of(user) {
        "NoError" | "" => served(user).map_or_else(|| refused(user), Direction::Served),
        "RedirectAddress" => target().map_or_else(|| Direction::Failed("RedirectAddress".into()), Direction::Address),
        "RedirectUrl" => target().map_or_else(|| Direction::Failed("RedirectUrl".into()), Direction::Url),
        "ServerBusy" => Direction::Busy,
        "InvalidUser" => Direction::NoMailbox,
        other => Direction::Failed(code::shown(other)),
    }
}

/// `None` without any address of EWS.
fn served(user: &Element) -> Option<Served> {
    let settings = || user.child("UserSettings").into_iter().flat_map(|settings| &settings.children);
    let value = |name: &str| {
        let named = settings().find(|setting| setting.child("Name").is_some_and(|given| given.text == name))?;
        named.child("Value").map(|value| value.text.clone()).filter(|value| !value.is_empty())
    };
    let served = Served { external: value(SETTINGS[0]), internal: value(SETTINGS[1]), group: value(SETTINGS[2]) };
    (served.external.is_some() || served.internal.is_some()).then_some(served)
}

/// Why there is no address, as far as that is told.
fn refused(user: &Element) -> Direction {
    let errors = user.child("UserSettingErrors").map(|errors| errors.children.as_slice()).unwrap_or_default();
    let code = errors.iter().map(code_of).find(|code| !matches!(*code, "" | "NoError"));
    Direction::Failed(code::shown(code.unwrap_or("SettingIsNotAvailable")))
}

//! What Exchange answers a client: bytes in, typed results out, or the reason why there are none.
//!
//! Reading goes by local names; what is not known is passed over. What fails as a whole is a [`ToldFault`]: no SOAP, a fault, an
//! answer to something else. Where an answer speaks of several things, each of them has its own result, and one that failed costs the
//! others nothing.
//!
//! | file | reads |
//! |---|---|
//! | `item` | one meeting |
//! | `items` | the answers to `FindItem`, `GetItem`, `SyncFolderItems`, `ConvertId` |
//! | `notices` | those to `Subscribe`, `GetEvents`, `Unsubscribe`, and one envelope of `GetStreamingEvents` |
//! | `stream` | the endless body of `GetStreamingEvents`, in pieces, as envelopes |
//! | `availability` | that to `GetUserAvailability` |
//!
//! The questions are written in [`ask`](super::ask).

pub mod availability;
pub mod item;
pub mod items;
pub mod notices;
pub mod stream;

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::code::{self, Class};
use super::tree::{Element, Limits, TreeFault};
use super::version::Build;
use crate::model::Scope;

/// Longest pause that is believed; a server that asks for more is asked again after this.
const BACK_OFF_MAX: Duration = Duration::from_secs(3600);

/// What Exchange said instead of what was asked for. Its message is not kept: it may quote what people wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Exchange answers {code}")]
pub struct Said {
    code: Box<str>,
    back_off: Option<Duration>,
}

impl Said {
    /// Says `code`, as far as it may be repeated, and when to come back.
    #[must_use]
    pub fn new(code: &str, back_off: Option<Duration>) -> Self {
        Self { code: code::shown(code).into(), back_off: back_off.map(|pause| pause.min(BACK_OFF_MAX)) }
    }

    /// The response code, `ErrorServerBusy`; of letters, digits and `._-` alone, 60 at most.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What helps.
    #[must_use]
    pub fn class(&self) -> Class {
        code::class(&self.code)
    }

    /// Whom it is about.
    #[must_use]
    pub fn scope(&self) -> Scope {
        code::scope(&self.code)
    }

    /// The pause the server asked for (`BackOffMilliseconds`), an hour at most. Requests within it fail again and prolong it.
    #[must_use]
    pub fn back_off(&self) -> Option<Duration> {
        self.back_off
    }

    /// Of a response message or a fault's detail. A server that failed somewhere inside tells there by which code.
    fn of(code: &str, around: &Element) -> Self {
        let values = || around.child("MessageXml").into_iter().flat_map(|xml| &xml.children);
        let value = |name: &str| values().find(|value| value.attribute("Name") == Some(name)).map(|value| &value.text);
        let inner =
            value("InnerErrorResponseCode").filter(|inner| code == "ErrorInternalServerError" && code::is_known(inner));
        let back_off = value("BackOffMilliseconds").and_then(|text| text.parse().ok()).map(Duration::from_millis);
        Self::new(inner.map_or(code, String::as_str), back_off)
    }
}

/// Why an answer tells nothing at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToldFault {
    /// Not well-formed, cut short, or beyond a limit.
    #[error("the answer cannot be read")]
    Unreadable(#[from] TreeFault),
    /// Well-formed, but not from Exchange: a proxy's or a portal's page.
    #[error("the answer is no SOAP envelope")]
    NotSoap,
    /// The answer to something else, or one without what it must have.
    #[error("the answer lacks {0}")]
    Lacking(&'static str),
    /// Exchange says no.
    #[error(transparent)]
    Said(#[from] Said),
}

/// One answer that is no fault.
#[derive(Clone)]
pub struct Reply {
    root: Element,
}

impl Reply {
    /// Reads an answer: those with HTTP status 200, and those with 500, which are faults. At most 32 MiB and 100,000 elements.
    ///
    /// # Errors
    /// When it is no SOAP answer, or a fault.
    pub fn read(bytes: &[u8]) -> Result<Self, ToldFault> {
        Self::of(Element::within(bytes, Limits::ANSWER)?)
    }

    fn of(root: Element) -> Result<Self, ToldFault> {
        let body = body(&root).ok_or(ToldFault::NotSoap)?;
        match body.child("Fault") {
            Some(fault) => Err(said_by(fault).into()),
            None => Ok(Self { root }),
        }
    }

    /// Which server answered. Behind a balancer it need not be the one of the next answer.
    #[must_use]
    pub fn server(&self) -> Option<Build> {
        self.root.child("Header").and_then(Build::of)
    }

    /// What the first response message says, where it tells nothing else.
    #[must_use]
    pub fn refused(&self) -> Option<Said> {
        let answer = body(&self.root)?.children.first()?;
        succeeded(answer.child("ResponseMessages")?.children.first()?).err()
    }

    /// The response messages of the answer called `name`, in the order of what was asked.
    fn messages(&self, name: &'static str) -> Result<&[Element], ToldFault> {
        let answer = self.answer(name)?;
        let messages = answer.child("ResponseMessages").map(|list| list.children.as_slice()).unwrap_or_default();
        if messages.is_empty() { Err(ToldFault::Lacking("its response messages")) } else { Ok(messages) }
    }

    /// The only response message of the answer called `name`, when it is a success.
    fn message(&self, name: &'static str) -> Result<&Element, ToldFault> {
        let first = self.messages(name)?.first().ok_or(ToldFault::Lacking("its response message"))?;
        Ok(succeeded(first)?)
    }

    fn answer(&self, name: &'static str) -> Result<&Element, ToldFault> {
        body(&self.root).and_then(|body| body.child(name)).ok_or(ToldFault::Lacking(name))
    }
}

/// `Body` of an envelope. Some servers send it bare while they stream.
fn body(root: &Element) -> Option<&Element> {
    match root.name.as_str() {
        "Envelope" => root.child("Body"),
        "Body" => Some(root),
        _ => None,
    }
}

/// What a SOAP fault says: Exchange's own code in the detail, else the one of SOAP, where both versions keep it elsewhere.
pub(super) fn said_by(fault: &Element) -> Said {
    let detail = fault.child("detail").or_else(|| fault.child("Detail")).unwrap_or(fault);
    let exchanges = detail.child("ResponseCode").or_else(|| detail.child("ErrorCode"));
    let soaps = fault
        .child("faultcode")
        .or_else(|| fault.at(&["Code", "Subcode", "Value"]))
        .or_else(|| fault.at(&["Code", "Value"]))
        .map_or("", |code| code.text.as_str());
    let local = soaps.rsplit(':').next().unwrap_or_default();
    let code = exchanges.map(|code| code.text.as_str()).filter(|code| !code.is_empty()).unwrap_or(local);
    Said::of(if code.is_empty() { "Fault" } else { code }, detail)
}

/// A response message, when it tells what was asked. A warning does not: its item was not looked at.
fn succeeded(message: &Element) -> Result<&Element, Said> {
    let code = text(message, "ResponseCode").unwrap_or("NoError");
    match message.attribute("ResponseClass") {
        Some("Success") | None if code == "NoError" => Ok(message),
        _ => Err(Said::of(if code == "NoError" { "Error" } else { code }, message)),
    }
}

/// The text of a child, where there is one.
fn text<'a>(element: &'a Element, name: &str) -> Option<&'a str> {
    element.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
}

/// `xs:boolean`.
fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// `xs:dateTime`; without offset it is UTC, as was asked for.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok()
}

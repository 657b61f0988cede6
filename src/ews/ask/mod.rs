//! What a client asks Exchange: typed wishes in, SOAP requests out. Written in the order of the schema, valid in that of 2016.
//!
//! Every calendar is the impersonated mailbox's own, so a folder is `calendar` and no more. Times are UTC, and the header says that
//! times without zone in the answer shall be, too.
//!
//! | file | asks for |
//! |---|---|
//! | `items` | what is in a calendar: `FindItem`, `GetItem`, `SyncFolderItems`, `ConvertId` |
//! | `notices` | to be told of changes: `Subscribe`, `GetStreamingEvents`, `GetEvents`, `Unsubscribe` |
//! | `availability` | when many rooms are taken: `GetUserAvailability` |
//!
//! The answers are read in [`told`](super::told).

pub mod availability;
pub mod items;
pub mod notices;

use jiff::Timestamp;

use super::version::Version;
use super::writer::Xml;
use super::{MESSAGES, SOAP_11, TYPES};
use crate::model::RoomEmail;

/// A request, still without its envelope.
#[derive(Clone)]
pub struct Ask {
    operation: &'static str,
    body: Xml,
}

/// Why something cannot be asked in one request. Whoever asks keeps to the limits that are public here, so this is a fault of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskFault {
    /// Nothing to ask about; the schema forbids an empty list.
    #[error("there is nothing to ask about")]
    Empty,
    /// More than the server takes.
    #[error("more than {0} at once")]
    TooMany(usize),
}

/// In what version, and as whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header<'a> {
    /// Which the server is known to take.
    pub version: Version,
    /// The mailbox that is acted as (`ExchangeImpersonation`); `None` is the account itself. It belongs in `X-AnchorMailbox`, too.
    /// See <https://learn.microsoft.com/exchange/client-developer/exchange-web-services/impersonation-and-ews-in-exchange>.
    pub mailbox: Option<&'a RoomEmail>,
}

impl Ask {
    /// The name of the operation, for metrics and logs: of a closed set.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The whole request: a SOAP 1.1 envelope, to be posted as `text/xml; charset=utf-8`.
    #[must_use]
    pub fn envelope(&self, header: &Header<'_>) -> String {
        let mut xml = Xml::new();
        xml.open("s:Envelope", &[("xmlns:s", SOAP_11), ("xmlns:m", MESSAGES), ("xmlns:t", TYPES)]);
        xml.open("s:Header", &[]);
        xml.empty("t:RequestServerVersion", &[("Version", header.version.name())]);
        if let Some(mailbox) = header.mailbox {
            xml.open("t:ExchangeImpersonation", &[]).open("t:ConnectingSID", &[]);
            xml.text("t:SmtpAddress", mailbox).close().close();
        }
        xml.open("t:TimeZoneContext", &[]).empty("t:TimeZoneDefinition", &[("Id", "UTC")]).close();
        xml.close().open("s:Body", &[]).append(&self.body).close().close();
        format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>{}", xml.into_text())
    }

    fn of(operation: &'static str, body: Xml) -> Self {
        Self { operation, body }
    }
}

/// A list that is neither empty nor too long.
fn counted<T>(list: &[T], most: usize) -> Result<&[T], AskFault> {
    match list.len() {
        0 => Err(AskFault::Empty),
        count if count > most => Err(AskFault::TooMany(most)),
        _ => Ok(list),
    }
}

/// The calendar of whoever is impersonated.
fn own_calendar(xml: &mut Xml) {
    xml.empty("t:DistinguishedFolderId", &[("Id", "calendar")]);
}

/// `2026-11-23T09:00:00Z`, in whole seconds.
fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ews::tree::Element;

    #[test]
    fn an_envelope_says_in_what_version_and_as_whom_it_asks_and_the_server_reads_it_so() {
        let room = RoomEmail::parse("o'neill&co@example.com").unwrap();
        let header = Header { version: Version::Exchange2010Sp2, mailbox: Some(&room) };
        let text = Ask::sync(None, 512).envelope(&header);
        let root = Element::parse(text.as_bytes()).unwrap();
        assert_eq!(
            root.at(&["Header", "RequestServerVersion"]).unwrap().attribute("Version"),
            Some("Exchange2010_SP2")
        );
        let who = root.at(&["Header", "ExchangeImpersonation", "ConnectingSID", "SmtpAddress"]).unwrap();
        assert_eq!(who.text, "o'neill&co@example.com");
        assert_eq!(root.at(&["Header", "TimeZoneContext", "TimeZoneDefinition"]).unwrap().attribute("Id"), Some("UTC"));
        assert_eq!(root.child("Body").unwrap().children[0].name, "SyncFolderItems");
        let alone = Header { version: Version::default(), mailbox: None };
        assert!(!Ask::sync(None, 512).envelope(&alone).contains("Impersonation"));
    }

    #[test]
    fn lists_that_no_server_takes_are_not_written() {
        let room = RoomEmail::parse("fjord@example.com").unwrap();
        let window = crate::model::Window { from: Timestamp::UNIX_EPOCH, to: Timestamp::UNIX_EPOCH };
        let ids = vec!["a"; 201];
        for (count, fault) in [(0, Some(AskFault::Empty)), (1, None), (200, None), (201, Some(AskFault::TooMany(200)))]
        {
            assert_eq!(Ask::events_of(&ids[..count], 30).err(), fault, "{count}");
        }
        let rooms = vec![room; 101];
        for (count, fault) in [(0, Some(AskFault::Empty)), (100, None), (101, Some(AskFault::TooMany(100)))] {
            assert_eq!(Ask::availability(&rooms[..count], window).err(), fault, "{count}");
        }
        assert_eq!(Ask::items::<&str>(&[], items::Text::Html).err(), Some(AskFault::Empty));
    }
}

//! Cisco codecs: a schedule in, what the codec says it holds out. The whole list is replaced each time; nothing counts as
//! done before the device said so in the body of its answer, and where it can, it is asked what it holds afterwards.
//!
//! ```text
//! Schedule ─ fields ─► Sent ─┬─ bookings_json ─► POST /putxml          ─┬─► answer ─► done, or an error
//!                            └─ bookings_xml  ─► POST /bookingsputxml  ─┘
//!                                      Bookings List ─► listing ─► Seen ─ differs ─► what is not as wished
//! ```
//!
//! *Design notes.* No session cookies: they never expire by themselves, and a codec has 20 of them. No HttpFeedback: its
//! slots belong to the installation. Redirects are never followed.

pub(super) mod answer;
pub(super) mod bookings_json;
mod bookings_xml;
mod differs;
pub(super) mod element;
mod facts;
pub(super) mod fields;
pub(super) mod listing;
mod session;
mod writers;

use std::collections::BTreeSet;

use jiff::Timestamp;

pub use differs::{Difference, differs};
pub use facts::Facts;
pub use listing::{Listing, Seen};
pub use session::Session;
pub use writers::{other_writers, writers_by_id};

use answer::Outcome;
use element::Element;
use fields::Sent;

use super::EndpointError;
use crate::http::Http;
use crate::model::device::Wire;
use crate::model::{CiscoSpec, Schedule};

/// A list that a device took.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PutDone {
    /// What it listed right afterwards; `None` where it cannot list.
    pub seen: Option<Vec<Seen>>,
    /// Its serial number, where it told one within the hour.
    pub serial: Option<String>,
    /// Its software version as it writes it.
    pub software: Option<String>,
    /// Its `Date` header.
    pub date: Option<Timestamp>,
    /// The wire that was used: `Json` or `Xml`.
    pub wire: Wire,
}

/// Replaces everything the device shows by `schedule`, which is already narrowed to what a codec can hold; an empty one
/// clears it. `deployment` becomes part of every id.
///
/// # Errors
/// When the device could not be reached, did not accept us, or did not say that it took the list.
pub async fn put_schedule(
    http: &Http,
    session: &mut Session,
    cisco: &CiscoSpec,
    deployment: &str,
    schedule: &Schedule,
) -> Result<PutDone, EndpointError> {
    let bookings = fields::sent(deployment, schedule);
    let put = Put { http, cisco, deployment, bookings: &bookings };
    let done = put.over_the_right_wire(session).await;
    done.map_err(|error| answer::without_texts(error, bookings.iter().flat_map(Sent::texts)))
}

/// What the device holds and what it is, both asked for now.
///
/// # Errors
/// As [`put_schedule`]; [`EndpointError::CannotList`] where the device knows no `Bookings List`.
pub async fn list(
    http: &Http,
    session: &mut Session,
    cisco: &CiscoSpec,
    deployment: &str,
) -> Result<Listing, EndpointError> {
    let (facts, date) = session.fresh_facts(http, cisco).await?;
    let bookings = listed(http, session, cisco, deployment).await;
    let bookings = bookings.map_err(|error| answer::without_texts(error, std::iter::empty()))?;
    let Facts { serial, software, uptime_s, .. } = facts;
    Ok(Listing { bookings, serial, software, uptime_s, date })
}

/// Empties the device's list.
///
/// # Errors
/// As [`put_schedule`].
pub async fn clear(http: &Http, session: &mut Session, cisco: &CiscoSpec) -> Result<(), EndpointError> {
    let request = bookings_json::clear();
    match command(http, session, cisco, request, "Clear").await {
        Err(EndpointError::Unsupported) => {
            let response = session.post(http, cisco, XML_PATH, bookings_xml::document(&[])).await?;
            answer::bookings_taken(&response.body)
        }
        other => other.map(|_| ()),
    }
    .map_err(|error| answer::without_texts(error, std::iter::empty()))
}

/// What the device is.
///
/// # Errors
/// When it could not be reached or did not accept us.
pub async fn facts(http: &Http, session: &mut Session, cisco: &CiscoSpec) -> Result<Facts, EndpointError> {
    session.fresh_facts(http, cisco).await.map(|(facts, _)| facts)
}

const COMMAND_PATH: &str = "/putxml";
const XML_PATH: &str = "/bookingsputxml";

/// One list on its way to one device.
struct Put<'a> {
    http: &'a Http,
    cisco: &'a CiscoSpec,
    deployment: &'a str,
    bookings: &'a [Sent],
}

impl Put<'_> {
    /// Over the wire of the document, or the one the software takes; where that one is not understood, over the other,
    /// which is remembered.
    async fn over_the_right_wire(&self, session: &mut Session) -> Result<PutDone, EndpointError> {
        let facts = session.facts(self.http, self.cisco).await?;
        let (wire, may_change) = match self.cisco.wire {
            Wire::Auto => (session.learned.unwrap_or(facts.wire()), true),
            fixed => (fixed, false),
        };
        match self.over(session, wire, &facts).await {
            Err(EndpointError::Unsupported) if may_change => {
                let other = if wire == Wire::Json { Wire::Xml } else { Wire::Json };
                let done = self.over(session, other, &facts).await;
                session.learned = done.is_ok().then_some(other);
                done
            }
            done => done,
        }
    }

    async fn over(&self, session: &mut Session, wire: Wire, facts: &Facts) -> Result<PutDone, EndpointError> {
        let done = match wire {
            Wire::Xml if !self.bookings.is_empty() => self.over_xml(session).await?,
            Wire::Xml => match self.over_json(session, facts).await {
                // Clearing is a command on every wire; where it is not known, an empty document does it.
                Err(EndpointError::Unsupported) => self.over_xml(session).await?,
                done => done?,
            },
            Wire::Json | Wire::Auto => self.over_json(session, facts).await?,
        };
        Ok(PutDone { wire, serial: facts.serial.clone(), software: facts.software.clone(), ..done })
    }

    async fn over_json(&self, session: &mut Session, facts: &Facts) -> Result<PutDone, EndpointError> {
        let request = bookings_json::put_and_list(self.bookings, facts.without_call());
        let name = if self.bookings.is_empty() { "Clear" } else { "Put" };
        let (root, date) = command(self.http, session, self.cisco, request, name).await?;
        let seen = match answer::outcome(&root, "List") {
            Ok(Outcome::Done(result)) => Some(listing::bookings(result, self.deployment)),
            _ => None,
        };
        // A list from before the put, or none: it is asked for again, alone.
        let seen = match seen {
            Some(seen) if self.is_all_of(&seen) => Some(seen),
            _ => self.read_back(session).await?,
        };
        Ok(PutDone { seen, date, ..PutDone::default() })
    }

    async fn over_xml(&self, session: &mut Session) -> Result<PutDone, EndpointError> {
        let response = session.post(self.http, self.cisco, XML_PATH, bookings_xml::document(self.bookings)).await?;
        let date = session::date(&response);
        match answer::bookings_taken(&response.body) {
            Ok(()) => Ok(PutDone { seen: self.read_back(session).await?, date, ..PutDone::default() }),
            // What this path answers is not documented, so an odd answer counts where the list itself shows the result.
            Err(EndpointError::Unclear(what)) => match self.read_back(session).await? {
                Some(seen) if self.is_all_of(&seen) => Ok(PutDone { seen: Some(seen), date, ..PutDone::default() }),
                _ => Err(EndpointError::Unclear(what)),
            },
            Err(error) => Err(error),
        }
    }

    /// What the device lists now; `None` where it cannot list.
    async fn read_back(&self, session: &mut Session) -> Result<Option<Vec<Seen>>, EndpointError> {
        match listed(self.http, session, self.cisco, self.deployment).await {
            Ok(seen) => Ok(Some(seen)),
            Err(EndpointError::CannotList) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn is_all_of(&self, seen: &[Seen]) -> bool {
        let there: BTreeSet<&str> = seen.iter().map(|seen| seen.id.as_str()).collect();
        let wished: BTreeSet<&str> = self.bookings.iter().map(|sent| sent.id.as_str()).collect();
        there == wished
    }
}

/// The device's list.
async fn listed(
    http: &Http,
    session: &mut Session,
    cisco: &CiscoSpec,
    deployment: &str,
) -> Result<Vec<Seen>, EndpointError> {
    let (root, _) =
        command(http, session, cisco, bookings_json::list(), "List").await.map_err(|error| match error {
            EndpointError::Unsupported => EndpointError::CannotList,
            other => other,
        })?;
    match answer::outcome(&root, "List")? {
        Outcome::Done(result) => Ok(listing::bookings(result, deployment)),
        Outcome::NotUnderstood => Err(EndpointError::CannotList),
        Outcome::Declined(error) => Err(error),
    }
}

/// Sends one `<Command>` document; the answer's root, when the command named so went well.
async fn command(
    http: &Http,
    session: &mut Session,
    cisco: &CiscoSpec,
    request: String,
    name: &str,
) -> Result<(Element, Option<Timestamp>), EndpointError> {
    let response = session.post(http, cisco, COMMAND_PATH, request).await?;
    let root = Element::parse(&response.body).ok_or(EndpointError::Unclear("no XML"))?;
    match answer::outcome(&root, name)? {
        Outcome::Done(_) => {}
        Outcome::NotUnderstood => return Err(EndpointError::Unsupported),
        Outcome::Declined(error) => return Err(error),
    }
    Ok((root, session::date(&response)))
}

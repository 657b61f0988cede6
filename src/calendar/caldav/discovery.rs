//! From a server's base URL to the collection of one room, or to a refusal: where nothing says which of several calendars is the
//! room's, any choice could show one room's meetings in another.

use super::server::Server;
use super::{CALDAV, DAV, Resource, is_calendar};
use crate::calendar::CalendarError;
use crate::calendar::multistatus::Element;
use crate::http::Url;
use crate::model::RoomEmail;

const BASE: &str = r#"<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><D:current-user-principal/></D:prop></D:propfind>"#;

const PRINCIPAL: &str = r#"<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-home-set/><C:schedule-inbox-URL/><C:calendar-user-address-set/></D:prop></D:propfind>"#;

const HOME: &str = r#"<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:resourcetype/><D:displayname/><C:supported-calendar-component-set/></D:prop></D:propfind>"#;

const INBOX: &str = r#"<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:schedule-default-calendar-URL/></D:prop></D:propfind>"#;

/// Where the standard's fixed door is (RFC 6764).
const WELL_KNOWN: &str = "/.well-known/caldav";

/// A calendar that holds events.
struct Candidate {
    url: Url,
    display_name: String,
}

/// Finds the calendar of `room`.
///
/// # Errors
/// When the server shows no calendar, or an answer proves nothing.
pub(super) async fn find(server: &Server<'_>, room: &RoomEmail) -> Result<Url, CalendarError> {
    let principal = match principal(server, &server.base).await {
        Ok(Door::Calendar(url)) => return Ok(url),
        Ok(Door::Principal(url)) => url,
        Ok(Door::Closed) | Err(CalendarError::NotFound(_)) => {
            match principal(server, &server.link(WELL_KNOWN)?).await? {
                Door::Calendar(url) => return Ok(url),
                Door::Principal(url) => url,
                Door::Closed => return Err(not_found("the server names no principal; set calendarPath")),
            }
        }
        // Servers that speak CalDAV only behind the door answer this at the root.
        Err(CalendarError::Unreadable(first)) => match principal(server, &server.link(WELL_KNOWN)?).await {
            Ok(Door::Calendar(url)) => return Ok(url),
            Ok(Door::Principal(url)) => url,
            _ => return Err(CalendarError::Unreadable(first)),
        },
        Err(error) => return Err(error),
    };
    let (answer, principal) = server.propfind(&principal, 0, PRINCIPAL).await?;
    let property = |name| answer.0.iter().find_map(|resource| resource.property(CALDAV, name));
    let home = property("calendar-home-set").and_then(Element::href);
    let home = home.ok_or_else(|| not_found("the account has no calendars; set calendarPath"))?;
    let home = server
        .link(principal.join(home).map_err(|_| not_found("the account's calendars have no valid path"))?.as_str())?;
    let candidates = candidates(server, &home).await?;
    if let Some(url) = unmistakable(&candidates, room)? {
        return Ok(url);
    }
    let is_own = property("calendar-user-address-set").is_some_and(|set| {
        set.children.iter().filter(|child| child.is(DAV, "href")).any(|href| is_address_of(room, &href.text))
    });
    let inbox = property("schedule-inbox-URL").and_then(Element::href).and_then(|inbox| principal.join(inbox).ok());
    if let (true, Some(inbox)) = (is_own, inbox)
        && let Some(default) = default_calendar(server, &inbox).await?
        && let Some(candidate) = candidates.iter().find(|candidate| path_of(&candidate.url) == path_of(&default))
    {
        return Ok(candidate.url.clone());
    }
    let text = "the account has several calendars, and nothing says which is the room's; set calendarPath";
    Err(not_found(text))
}

/// The calendar that can be no other room's: the one named after the room, or the only one. `None`: several, and none named so.
fn unmistakable(candidates: &[Candidate], room: &RoomEmail) -> Result<Option<Url>, CalendarError> {
    let address = room.as_str();
    let local = address.split('@').next().unwrap_or(address);
    for name in [address, local] {
        let named: Vec<&Candidate> = candidates.iter().filter(|candidate| candidate.is_called(name)).collect();
        match named.as_slice() {
            [] => {}
            [one] => return Ok(Some(one.url.clone())),
            _ => return Err(not_found("several calendars are named after the room; set calendarPath")),
        }
    }
    match candidates {
        [] => Err(not_found("the account has no calendar for events; set calendarPath")),
        [only] if only.names().iter().any(|name| name.contains('@')) => {
            Err(not_found("the account's only calendar is named after another address; set calendarPath"))
        }
        [only] => Ok(Some(only.url.clone())),
        _ => Ok(None),
    }
}

/// Whether one of an account's own addresses, a `mailto:` or a path, is the room's.
fn is_address_of(room: &RoomEmail, address: &str) -> bool {
    let address = address.trim().to_lowercase();
    if let Some(mail) = address.strip_prefix("mailto:") {
        return mail.replace("%40", "@") == room.as_str();
    }
    let last = last_segment(&address);
    last == room.as_str() || Some(last.as_str()) == room.as_str().split('@').next()
}

fn not_found(text: &str) -> CalendarError {
    CalendarError::NotFound(text.into())
}

/// What an URL turned out to be.
enum Door {
    Calendar(Url),
    Principal(Url),
    Closed,
}

async fn principal(server: &Server<'_>, url: &Url) -> Result<Door, CalendarError> {
    let (answer, url) = server.propfind(url, 0, BASE).await?;
    if answer.0.first().is_some_and(is_calendar) {
        return Ok(Door::Calendar(url));
    }
    let principal = answer.0.iter().find_map(|resource| resource.property(DAV, "current-user-principal"));
    match principal.and_then(Element::href) {
        Some(href) => {
            let target = url.join(href).map_err(|_| not_found("the account's principal has no valid path"))?;
            Ok(Door::Principal(server.link(target.as_str())?))
        }
        None => Ok(Door::Closed),
    }
}

async fn candidates(server: &Server<'_>, home: &Url) -> Result<Vec<Candidate>, CalendarError> {
    let (answer, home) = server.propfind(home, 1, HOME).await?;
    let calendars = answer.0.iter().filter(|resource| is_calendar(resource) && holds_events(resource));
    let candidate = |resource: &Resource| {
        let target = home.join(&resource.href).map_err(|_| not_found("a calendar has no valid path"))?;
        let name = resource.property(DAV, "displayname").map(|name| name.text.trim().to_owned());
        Ok(Candidate { url: server.link(target.as_str())?, display_name: name.unwrap_or_default() })
    };
    calendars.map(candidate).collect()
}

/// A calendar that does not say what it holds may hold events (RFC 4791, 5.2.3).
fn holds_events(resource: &Resource) -> bool {
    resource.property(CALDAV, "supported-calendar-component-set").is_none_or(|set| {
        set.children.iter().any(|kind| kind.attribute("name").is_some_and(|name| name.eq_ignore_ascii_case("VEVENT")))
    })
}

impl Candidate {
    /// In lower case: the last part of its path, and what people see.
    fn names(&self) -> [String; 2] {
        [last_segment(self.url.path()), self.display_name.to_lowercase()]
    }

    fn is_called(&self, name: &str) -> bool {
        self.names().iter().any(|own| own == name)
    }
}

fn path_of(url: &Url) -> &str {
    url.path().trim_end_matches('/')
}

fn last_segment(path: &str) -> String {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    last.replace("%40", "@").to_lowercase()
}

/// The calendar that invitations go to (RFC 6638, 9.2). Servers without scheduling know none.
///
/// # Errors
/// When asking failed in a way that may pass: another answer would be a guess.
async fn default_calendar(server: &Server<'_>, inbox: &Url) -> Result<Option<Url>, CalendarError> {
    let Ok(inbox) = server.link(inbox.as_str()) else { return Ok(None) };
    let (answer, url) = match server.propfind(&inbox, 0, INBOX).await {
        Err(CalendarError::NotFound(_) | CalendarError::Forbidden(_)) => return Ok(None),
        answer => answer?,
    };
    let property = answer.0.iter().find_map(|resource| resource.property(CALDAV, "schedule-default-calendar-URL"));
    Ok(property.and_then(Element::href).and_then(|href| url.join(href).ok()))
}

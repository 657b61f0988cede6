//! `events.list`: a room and a query in, a page of its events out.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::json::{Mask, Object};
use super::{GoogleFake, Reply, header, query};
use crate::http::{Request, StatusCode};
use crate::sim::rooms::{RoomAccess, RoomResponse, SimEvent, SimRoom};

/// Events of a page where nobody says how many. Source: `maxResults`.
const PAGE_DEFAULT: usize = 250;

/// Most events of a page, whatever is asked for. Source: `maxResults`.
const PAGE_MAX: usize = 2500;

/// What is asked for, understood.
struct Listing {
    from: Timestamp,
    to: Timestamp,
    by_start: bool,
    deleted: bool,
    page: usize,
    /// `maxAttendees`.
    attendees: usize,
    /// Events and pages before this one.
    before: (usize, usize),
    /// The zone that times are told in; `None`: the calendar's.
    zone: Option<String>,
    mask: Arc<Mask>,
    /// The version of a sync token.
    since: Option<u64>,
}

pub(super) fn list(fake: &GoogleFake, email: &str, request: &Request) -> Reply {
    let listing = match Listing::of(fake, request) {
        Ok(listing) => listing,
        Err(reply) => return *reply,
    };
    fake.rooms.look(email, |room| match room.filter(|room| room.access != RoomAccess::Nothing) {
        Some(room) => listing.answer(fake, email, room, request),
        None => Reply::not_found(),
    })
}

impl Listing {
    fn of(fake: &GoogleFake, request: &Request) -> Result<Self, Box<Reply>> {
        let query = query(request);
        let value = |name: &str| query.get(name).and_then(|values| values.last()).map(String::as_str);
        let fault = |reason: &str, message: &str| Box::new(Reply::fault(400, "global", reason, message));
        let invalid = |name: &str| fault("invalidParameter", &format!("Invalid value for: {name}"));
        let time = |name: &str, otherwise: Timestamp| match value(name) {
            Some(text) => text.parse().map_err(|_| fault("badRequest", "Bad Request")),
            None => Ok(otherwise),
        };
        let number = |name: &str, otherwise: usize| match value(name) {
            Some(text) => text.parse().ok().filter(|number| *number > 0).ok_or_else(|| invalid(name)),
            None => Ok(otherwise),
        };
        let by_start = value("orderBy") == Some("startTime");
        if by_start && value("singleEvents") != Some("true") {
            return Err(fault("badRequest", "The requested ordering is not available for the particular query."));
        }
        let since = match value("syncToken") {
            Some(_)
                if ["timeMin", "timeMax", "orderBy", "q", "updatedMin", "iCalUID"]
                    .iter()
                    .any(|name| value(name).is_some()) =>
            {
                return Err(fault(
                    "syncTokenWithRequestRestrictions",
                    "Sync token cannot be used with request restrictions.",
                ));
            }
            Some(token) => {
                Some(token.strip_prefix("sync-").and_then(|version| version.parse().ok()).unwrap_or(u64::MAX))
            }
            None => None,
        };
        let (from, to) = (time("timeMin", Timestamp::MIN)?, time("timeMax", Timestamp::MAX)?);
        if to <= from {
            return Err(fault("timeRangeEmpty", "The specified time range is empty."));
        }
        let before = match value("pageToken") {
            Some(token) => page_token(token).ok_or_else(|| fault("badRequest", "Invalid page token value."))?,
            None => (0, 0),
        };
        let mask = match value("fields") {
            Some(text) => fake.mask(text).ok_or_else(|| invalid("fields"))?,
            None => Arc::default(),
        };
        Ok(Self {
            from,
            to,
            by_start,
            deleted: value("showDeleted") == Some("true"),
            page: number("maxResults", PAGE_DEFAULT)?.min(PAGE_MAX),
            attendees: number("maxAttendees", usize::MAX)?,
            before,
            zone: value("timeZone").map(str::to_owned),
            mask,
            since,
        })
    }

    fn answer(&self, fake: &GoogleFake, email: &str, room: &SimRoom, request: &Request) -> Reply {
        // Of the calendar, whatever part of it is asked for.
        let etag = format!("\"p{:x}g{}\"", super::dice(0, room.version), room.access as u8);
        let known = request.headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
        if known == Some(etag.as_str()) {
            let mut reply = Reply::json(304, "").with(header::ETAG, &etag);
            reply.status = StatusCode::NOT_MODIFIED;
            return reply;
        }
        let events = match self.since {
            // What changed since then is not kept: only that nothing did.
            Some(version) if version == room.version => Vec::new(),
            Some(_) => {
                return Reply::fault(
                    410,
                    "calendar",
                    "fullSyncRequired",
                    "Sync token is no longer valid, a full sync is required.",
                );
            }
            None => self.events(room),
        };
        let (skipped, number) = self.before;
        let empty = fake.options.empty_pages && number % 2 == 1;
        let size = if empty { 0 } else { self.page.min(fake.options.page_max).max(1) };
        let rest = events.get(skipped..).unwrap_or_default();
        let shown = &rest[..size.min(rest.len())];
        let zone_name = self.zone.as_deref().unwrap_or(&room.time_zone);
        let render = Render {
            email,
            room,
            zone: TimeZone::get(zone_name).unwrap_or(TimeZone::UTC),
            zone_name,
            attendees: self.attendees,
        };
        let mut out = Vec::with_capacity(512 + shown.len() * 1024);
        let mut page = Object::open(&mut out, &self.mask);
        page.text("kind", "calendar#events");
        page.text("etag", &etag);
        page.text("summary", email);
        page.text("timeZone", zone_name);
        let role = match room.access {
            RoomAccess::Writer => "writer",
            RoomAccess::Reader => "reader",
            RoomAccess::FreeBusy => "freeBusyReader",
            RoomAccess::Nothing => "none",
        };
        page.text("accessRole", role);
        page.list("defaultReminders", [(); 0], |_, ()| {});
        if shown.len() < rest.len() {
            page.text("nextPageToken", &format!("page-{}-{}", skipped + shown.len(), number + 1));
        } else if !self.by_start {
            page.text("nextSyncToken", &format!("sync-{}", room.version));
        }
        page.list("items", shown, |item, event| render.event(item, event));
        page.close();
        Reply::json(200, out).with(header::ETAG, &etag)
    }

    fn events<'r>(&self, room: &'r SimRoom) -> Vec<&'r SimEvent> {
        let listed =
            |event: &&SimEvent| (self.deleted || !event.cancelled) && event.end > self.from && event.start < self.to;
        let mut events: Vec<&SimEvent> = room.events.values().filter(listed).collect();
        if self.by_start {
            events.sort_by_key(|event| event.start);
        }
        events
    }
}

/// Events and pages before the one that a token stands for.
fn page_token(token: &str) -> Option<(usize, usize)> {
    let (events, pages) = token.strip_prefix("page-")?.split_once('-')?;
    Some((events.parse().ok()?, pages.parse().ok()?))
}

/// How events are written.
struct Render<'a> {
    email: &'a str,
    room: &'a SimRoom,
    zone: TimeZone,
    zone_name: &'a str,
    attendees: usize,
}

impl Render<'_> {
    fn event(&self, out: &mut Object<'_>, event: &SimEvent) {
        out.text("kind", "calendar#event");
        out.text("id", &event.id);
        out.text("status", if event.cancelled { "cancelled" } else { "confirmed" });
        out.object("start", |out| self.moment(out, event.start, event.all_day));
        out.object("end", |out| self.moment(out, event.end, event.all_day));
        let hidden = match self.room.access {
            RoomAccess::Writer => false,
            RoomAccess::Reader => event.private,
            RoomAccess::FreeBusy | RoomAccess::Nothing => true,
        };
        if event.private || hidden {
            out.text("visibility", "private");
        }
        if hidden {
            return;
        }
        out.text("etag", &format!("\"{}\"", event.updated.as_millisecond()));
        out.text("htmlLink", "https://www.google.com/calendar/event?eid=1");
        out.text("created", &event.updated.to_string());
        out.text("updated", &event.updated.to_string());
        out.text("summary", &event.subject);
        if !event.body.is_empty() {
            out.text("description", &event.body);
        }
        if !event.location.is_empty() {
            out.text("location", &event.location);
        }
        let (name, address) = &event.organizer;
        out.object("creator", |out| out.text("email", address));
        out.object("organizer", |out| {
            out.text("email", address);
            out.text("displayName", name);
        });
        if let Some((series, original)) = &event.series {
            out.text("recurringEventId", series);
            out.object("originalStartTime", |out| self.moment(out, *original, event.all_day));
        }
        if event.free {
            out.text("transparency", "transparent");
        }
        out.text("iCalUID", &event.uid);
        out.bare("sequence", "0");
        self.attendees(out, event);
        self.conference(out, event);
        out.text("eventType", "default");
    }

    fn moment(&self, out: &mut Object<'_>, at: Timestamp, all_day: bool) {
        // Whole days are days of the calendar, whatever zone times are told in.
        if all_day {
            let zone = TimeZone::get(&self.room.time_zone).unwrap_or(TimeZone::UTC);
            out.text("date", &at.to_zoned(zone).date().to_string());
            return;
        }
        let zoned = at.to_zoned(self.zone.clone());
        if zoned.offset().is_zero() {
            out.text("dateTime", &at.to_string());
        } else {
            out.text("dateTime", &zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string());
        }
        out.text("timeZone", self.zone_name);
    }

    /// The organizer and the room; where that is more than was asked for, the room alone.
    fn attendees(&self, out: &mut Object<'_>, event: &SimEvent) {
        let answer = match event.response {
            RoomResponse::Accepted => "accepted",
            RoomResponse::Declined => "declined",
            RoomResponse::NeedsAction => "needsAction",
            RoomResponse::Tentative => "tentative",
        };
        let omitted = self.attendees < 2;
        out.list("attendees", if omitted { 1..2 } else { 0..2 }, |out, which| {
            if which == 0 {
                out.text("email", &event.organizer.1);
                out.bare("organizer", "true");
                out.text("responseStatus", "accepted");
            } else {
                out.text("email", self.email);
                out.bare("resource", "true");
                out.bare("self", "true");
                out.text("responseStatus", answer);
            }
        });
        if omitted {
            out.bare("attendeesOmitted", "true");
        }
    }

    fn conference(&self, out: &mut Object<'_>, event: &SimEvent) {
        let Some(link) = &event.conference else { return };
        let meet = link.strip_prefix("https://meet.google.com/");
        if meet.is_some() {
            out.text("hangoutLink", link);
        }
        out.object("conferenceData", |out| {
            out.list("entryPoints", [link], |out, link| {
                out.text("entryPointType", if link.starts_with("sip:") { "sip" } else { "video" });
                out.text("uri", link);
            });
            out.object("conferenceSolution", |out| {
                out.object("key", |out| out.text("type", if meet.is_some() { "hangoutsMeet" } else { "addOn" }));
                out.text("name", if meet.is_some() { "Google Meet" } else { "Meeting" });
            });
            if let Some(code) = meet {
                out.text("conferenceId", code);
            }
        });
    }
}

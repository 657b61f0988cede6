//! One answer to `events.list` in, its events out. What a page must have to be one is not optional here: a page without it is
//! no page, whatever its status said.

use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::{AgendaRequest, CalendarError, zone_of};
use super::event::{Item, item};
use super::{INLINE_MAX, ITEMS_MAX};
use crate::http::Bytes;
use crate::model::{Event, LeftOut, RoomSpec};

/// One page, read.
pub(super) struct Page {
    /// Its size.
    pub(super) bytes: usize,
    /// Google's name of what we may see.
    pub(super) access_role: String,
    pub(super) etag: Option<String>,
    /// IANA name of the calendar's zone.
    pub(super) time_zone: Option<String>,
    /// The token of the next page.
    pub(super) next: Option<String>,
    /// By Google's id.
    pub(super) events: Vec<(String, Event)>,
    /// Ids of what is no event of the room: cancelled, declined, or no meeting.
    pub(super) dropped: Vec<String>,
    /// The same, as far as they have times.
    pub(super) left_out: Vec<LeftOut>,
    /// UIDs of items that could not be understood.
    pub(super) unreadable: Vec<String>,
}

/// As it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    kind: String,
    access_role: String,
    etag: Option<String>,
    time_zone: Option<String>,
    next_page_token: Option<String>,
    #[serde(borrow)]
    items: Items<'a>,
}

/// Reads a page; a large one away from the threads that serve the network.
///
/// # Errors
/// When it is not a whole page of events.
pub(super) async fn read(body: Bytes, request: &AgendaRequest) -> Result<Page, CalendarError> {
    let room = Arc::clone(&request.room);
    if body.len() <= INLINE_MAX {
        return parse(&body, &room);
    }
    let parsed = tokio::task::spawn_blocking(move || parse(&body, &room)).await;
    parsed.map_err(|_| CalendarError::Unreadable("reading Google's answer ended unexpectedly".into()))?
}

fn parse(body: &[u8], room: &RoomSpec) -> Result<Page, CalendarError> {
    let written: Written<'_> = serde_json::from_slice(body).map_err(|error| {
        // What the parser quotes may be what people wrote.
        let fault = if error.is_data() { "is not a page of events" } else { "is not JSON, or broke off" };
        CalendarError::Unreadable(format!("Google's answer {fault} (line {}, column {})", error.line(), error.column()))
    })?;
    if written.kind != "calendar#events" {
        return Err(CalendarError::Unreadable("Google's answer is not a page of events".into()));
    }
    let zone: TimeZone = zone_of(room, written.time_zone.as_deref());
    let mut page = Page {
        bytes: body.len(),
        access_role: written.access_role,
        etag: written.etag,
        time_zone: written.time_zone,
        next: written.next_page_token,
        events: Vec::with_capacity(written.items.0.len()),
        dropped: Vec::new(),
        left_out: Vec::new(),
        unreadable: Vec::new(),
    };
    for raw in written.items.0 {
        match item(raw.get(), &room.key.email, &zone) {
            Item::Event(id, event) => page.events.push((id, *event)),
            Item::Dropped(id, left_out) => {
                page.dropped.push(id);
                page.left_out.extend(left_out);
            }
            Item::Unreadable(uid) => page.unreadable.push(uid),
        }
    }
    Ok(page)
}

/// Items of a page, each as it stands; no more than were asked for.
struct Items<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded;
        impl<'de> Visitor<'de> for Bounded {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of events")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    if items.len() == ITEMS_MAX {
                        return Err(A::Error::custom("more items than were asked for"));
                    }
                    items.push(item);
                }
                Ok(items)
            }
        }
        deserializer.deserialize_seq(Bounded).map(Items)
    }
}

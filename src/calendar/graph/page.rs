//! One page of a calendar view: bytes in, what became of each of its events out. A page that is not whole is an error, an event that
//! cannot be understood is named.

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::event::Written;
use crate::model::{Event, LeftOut};

/// A page.
#[derive(Debug)]
pub(super) struct Page {
    /// By Graph's own id of the event.
    pub(super) items: Vec<(String, Found)>,
    /// The next page, as it is written; `None`: this was the last.
    pub(super) next: Option<String>,
}

/// What became of an event.
#[derive(Debug)]
pub(super) enum Found {
    /// It is there.
    Event(Box<Event>),
    /// It is cancelled, or the room declined.
    Gone(Option<LeftOut>),
    /// It is there, and could not be understood; its UID.
    Unreadable(String),
}

#[derive(Deserialize)]
struct Wire<'a> {
    // No defaults: an answer without it is not a list of events.
    #[serde(borrow)]
    value: Vec<&'a RawValue>,
    #[serde(rename = "@odata.nextLink", default, deserialize_with = "present")]
    next: Option<String>,
    // An answer that breaks off on the server's side ends in one.
    #[serde(default, deserialize_with = "present")]
    error: Option<serde::de::IgnoredAny>,
}

/// As much of an event as names it.
#[derive(Deserialize)]
struct Named {
    id: Option<String>,
    #[serde(rename = "iCalUId")]
    uid: Option<String>,
}

/// Something that is there, and not `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl Page {
    /// `zone` is the room's, for whole days.
    ///
    /// # Errors
    /// Says why it is no whole page, without quoting it.
    pub(super) fn read(body: &[u8], zone: Option<&TimeZone>) -> Result<Self, String> {
        let wire: Wire<'_> = serde_json::from_slice(body).map_err(|error| not_a_page(&error))?;
        if wire.error.is_some() {
            return Err("Graph broke off its answer with an error".into());
        }
        let items = wire.value.into_iter().map(|item| item_of(item, zone)).collect::<Result<_, _>>()?;
        Ok(Self { items, next: wire.next })
    }
}

/// serde's own text quotes what it stumbled over.
pub(super) fn not_a_page(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the answer is cut off",
        serde_json::error::Category::Data => "the answer is not what Graph documents",
        _ => "the answer is not JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

fn item_of(item: &RawValue, zone: Option<&TimeZone>) -> Result<(String, Found), String> {
    let written = serde_json::from_str::<Written>(item.get());
    let read = match written {
        // Its occurrences are missing then.
        Ok(written) if written.is_series() => return Err("the answer holds a series instead of its occurrences".into()),
        Ok(written) => {
            let names = (written.id.clone(), written.uid.clone());
            (names, written.into_event(zone))
        }
        Err(_) => {
            let Named { id, uid } = serde_json::from_str(item.get())
                .map_err(|_| "the answer holds an event without an identity".to_owned())?;
            ((id, uid), Err(super::event::Broken))
        }
    };
    let ((id, uid), event) = read;
    let full = |text: Option<String>| text.filter(|text| !text.is_empty());
    let Some(uid) = full(uid) else { return Err("the answer holds an event without an identity".into()) };
    let found = match event {
        Ok(Ok(event)) => Found::Event(Box::new(event)),
        Ok(Err(left_out)) => Found::Gone(left_out),
        Err(_) => Found::Unreadable(uid.clone()),
    };
    Ok((full(id).unwrap_or(uid), found))
}

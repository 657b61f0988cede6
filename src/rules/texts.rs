//! The texts of an event, read once and looked at by every rule.

use std::cell::OnceCell;

use serde_json::Value;

use super::anchors::Anchored;
use crate::invitation::{self, InvitationText};
use crate::model::Event;

/// Longest text taken from `conferenceData`, in bytes.
const CONFERENCE_MAX: usize = 64 * 1024;

/// The texts of one event.
pub(super) struct Texts<'e> {
    /// The event itself.
    pub(super) event: &'e Event,
    /// IANA zone of the room.
    pub(super) zone: &'e str,
    body: OnceCell<InvitationText>,
    location: OnceCell<InvitationText>,
    conference: OnceCell<String>,
    anchored: OnceCell<Anchored>,
    /// `calendar_event`, once a template asked for it.
    pub(super) template: OnceCell<minijinja::Value>,
}

/// A part of an event that rules look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum Place {
    /// The body as written.
    Body,
    /// The body with rewritten links put back.
    UnwrappedBody,
    /// The location as written.
    Location,
    /// The location with rewritten links put back.
    UnwrappedLocation,
    /// What Google keeps of a conference beside the body.
    ConferenceData,
    /// What Exchange and others keep beside the body, by name.
    Properties,
    /// `calendar_event`, all of it.
    CalendarEvent,
}

impl<'e> Texts<'e> {
    pub(super) fn new(event: &'e Event, zone: &'e str) -> Self {
        Self {
            event,
            zone,
            body: OnceCell::new(),
            location: OnceCell::new(),
            conference: OnceCell::new(),
            anchored: OnceCell::new(),
            template: OnceCell::new(),
        }
    }

    pub(super) fn body(&self) -> &InvitationText {
        self.body.get_or_init(|| invitation::text(&self.event.body))
    }

    pub(super) fn location(&self) -> &InvitationText {
        self.location.get_or_init(|| invitation::line(self.event.location.expose()))
    }

    fn conference(&self) -> &str {
        self.conference.get_or_init(|| conference(&self.event.properties))
    }

    /// What the provider types look at, in this order. Links are those the invitation's author wrote.
    pub(super) fn of_providers(&self) -> impl Iterator<Item = (Place, &str)> {
        [
            (Place::UnwrappedBody, &*self.body().unwrapped),
            (Place::UnwrappedLocation, &*self.location().unwrapped),
            (Place::ConferenceData, self.conference()),
        ]
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
    }

    /// The types worth asking, by what stands in [`of_providers`](Self::of_providers).
    pub(super) fn anchored(&self) -> Anchored {
        *self.anchored.get_or_init(|| Anchored::of(self.of_providers().map(|(_, text)| text)))
    }

    /// What `Regex`, `Domain` and the fallback look at, in this order: each text as written, then with links put back where
    /// that differs.
    pub(super) fn as_written_first(&self) -> impl Iterator<Item = (Place, &str)> {
        let (body, location) = (self.body(), self.location());
        let differs = |text: &InvitationText| {
            text.wrapped.iter().any(|link| matches!(link.outcome, invitation::Outcome::Real(_)))
        };
        [
            (Place::Body, &*body.text, true),
            (Place::UnwrappedBody, &*body.unwrapped, differs(body)),
            (Place::Location, &*location.text, true),
            (Place::UnwrappedLocation, &*location.unwrapped, differs(location)),
        ]
        .into_iter()
        .filter(|(_, text, looked)| *looked && !text.is_empty())
        .map(|(place, text, _)| (place, text))
    }
}

/// The addresses of Google's `conferenceData`, one a line.
fn conference(properties: &serde_json::Map<String, Value>) -> String {
    let points = properties.get("conferenceData").and_then(|data| data.get("entryPoints")).and_then(Value::as_array);
    let mut text = String::new();
    for uri in points.into_iter().flatten().filter_map(|point| point.get("uri").and_then(Value::as_str)) {
        if text.len() + uri.len() > CONFERENCE_MAX {
            break;
        }
        text.push_str(uri);
        text.push('\n');
    }
    invitation::line(&text).unwrapped
}

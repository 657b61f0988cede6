//! The texts of an event, read once and looked at by every rule.

use std::cell::{Cell, OnceCell};

use serde_json::Value;

use super::anchors::Anchored;
use super::pattern::STEPS_MAX;
use super::properties::{ICALENDAR_LINKS, ICALENDAR_ZOOM, LINKS};
use crate::invitation::{self, InvitationText};
use crate::model::Event;

/// Longest text taken from what the calendar keeps of a conference, in bytes.
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
    /// How many steps its `Regex` rules may still take in searches that are counted: each rule as many as [`STEPS_MAX`], until three
    /// have taken all of theirs.
    pub(super) steps: Cell<u64>,
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
    /// The links and addresses to join by that the calendar keeps beside the body.
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
            steps: Cell::new(3 * STEPS_MAX),
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
            (Place::UnwrappedBody, self.body().unwrapped()),
            (Place::UnwrappedLocation, self.location().unwrapped()),
            (Place::ConferenceData, self.conference()),
        ]
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
    }

    /// The types worth asking, by what stands in [`of_providers`](Self::of_providers).
    pub(super) fn anchored(&self) -> Anchored {
        *self.anchored.get_or_init(|| Anchored::of(self.of_providers().map(|(_, text)| text)))
    }

    /// The same as far as any type was asked; none otherwise.
    pub(super) fn anchored_if_asked(&self) -> Anchored {
        self.anchored.get().copied().unwrap_or_default()
    }

    /// What `Regex`, `Domain` and the fallback look at, in this order: each text as written, then with links put back where
    /// that differs.
    pub(super) fn as_written_first(&self) -> impl Iterator<Item = (Place, &str)> {
        let (body, location) = (self.body(), self.location());
        [
            (Place::Body, &*body.text, true),
            (Place::UnwrappedBody, body.unwrapped(), body.differs()),
            (Place::Location, &*location.text, true),
            (Place::UnwrappedLocation, location.unwrapped(), location.differs()),
        ]
        .into_iter()
        .filter(|(_, text, looked)| *looked && !text.is_empty())
        .map(|(place, text, _)| (place, text))
    }
}

/// What the calendar keeps beside the text to join by, one a line: Google's `conferenceData` and `hangoutLink`, Graph's
/// `onlineMeeting`, the links that Exchange and iCalendar know by name.
fn conference(properties: &serde_json::Map<String, Value>) -> String {
    if properties.is_empty() {
        return String::new();
    }
    let points = properties.get("conferenceData").and_then(|data| data.get("entryPoints")).and_then(Value::as_array);
    let points = points.into_iter().flatten().filter_map(|point| point.get("uri"));
    let graph = ["onlineMeeting", "online_meeting"].into_iter().filter_map(|name| properties.get(name)?.get("joinUrl"));
    let named = LINKS.into_iter().filter_map(|name| properties.get(name));
    let icalendar = properties.iter().filter(|(name, _)| {
        let zoom = name.get(..ICALENDAR_ZOOM.len()).is_some_and(|start| start.eq_ignore_ascii_case(ICALENDAR_ZOOM));
        zoom || ICALENDAR_LINKS.iter().any(|each| name.eq_ignore_ascii_case(each))
    });
    let mut text = String::new();
    for value in points.chain(graph).chain(named).chain(icalendar.map(|(_, value)| value)) {
        // A property that stands several times is a list of texts.
        let several = value.as_array().map_or(&[][..], Vec::as_slice);
        for link in value.as_str().into_iter().chain(several.iter().filter_map(Value::as_str)) {
            if text.len() + link.len() > CONFERENCE_MAX {
                break;
            }
            text.push_str(link);
            text.push('\n');
        }
    }
    invitation::line(&text).into_unwrapped()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{CONFERENCE_MAX, conference};

    #[test]
    fn links_to_join_by_are_read_from_what_every_calendar_keeps() {
        for (properties, expected) in [
            (
                json!({"conferenceData": {"entryPoints": [{"uri": "sip:1@a.example"}, {}, {"uri": 4}]}}),
                "sip:1@a.example\n",
            ),
            (json!({"hangoutLink": "https://meet.google.com/a"}), "https://meet.google.com/a\n"),
            (json!({"onlineMeeting": {"joinUrl": "https://a.example/b"}}), "https://a.example/b\n"),
            (json!({"onlineMeeting": null, "onlineMeetingUrl": null}), ""),
            (json!({"x-google-conference": "https://a.example/c"}), "https://a.example/c\n"),
            (json!({"CONFERENCE": ["https://a.example/d", 1, "tel:+1"]}), "https://a.example/d\ntel:+1\n"),
            (json!({"X-ZOOM-MEETING-URL": "https://a.example/e"}), "https://a.example/e\n"),
            (json!({"X-ALT-DESC": "https://a.example/f", "summary": "https://a.example/g"}), ""),
            (json!({"conferenceData": "text", "hangoutLink": {"a": 1}}), ""),
        ] {
            assert_eq!(conference(properties.as_object().unwrap()), expected, "{properties}");
        }
    }

    #[test]
    fn no_more_is_taken_than_a_conference_needs() {
        let many = json!({"CONFERENCE": vec!["https://a.example/"; 100_000], "hangoutLink": "h".repeat(100_000)});
        assert!(conference(many.as_object().unwrap()).len() <= CONFERENCE_MAX + many.as_object().unwrap().len());
    }
}

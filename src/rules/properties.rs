//! What calendars keep of a meeting beside its text, and under which names.
//!
//! In: the properties of an event as its calendar service gave them. Out: one value as plain text. A value may be a text, a whole
//! number, or a list of them (a property that stands several times), of which the first that is not empty counts. Names are
//! compared exactly for Exchange and Graph, without case for the `X-` properties of iCalendar.
//!
//! Sources: deployment guide, "Custom meeting type" (names in `calendar_event.properties`); MAPI names as Outlook and the Teams
//! add-in write them into `PS_PUBLIC_STRINGS`; `X-MICROSOFT-` properties of invitations that Exchange exports. Of the conference
//! id Exchange exports none; the name it would have is understood where another program writes it.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::trace::Why;
use crate::model::Event;

/// A property under all its names.
pub(super) struct Property {
    /// As `calendar_event.properties` of Exchange and Graph names it, and as a trace does.
    name: &'static str,
    /// As MAPI does.
    mapi: &'static str,
    /// As iCalendar does, where backslashes escape.
    icalendar: &'static str,
}

/// The number that video devices dial a Teams meeting by.
pub(super) const TEAMS_VTC_CONFERENCE_ID: Property = Property {
    name: "teams_vtc_conference_id",
    mapi: "TeamsVtcConferenceId",
    icalendar: "X-MICROSOFT-TEAMSVTCCONFERENCEID",
};

/// The conference of a Skype for Business meeting; Teams meetings have one, too, of another form.
pub(super) const ONLINE_MEETING_CONF_LINK: Property = Property {
    name: "online_meeting_conf_link",
    mapi: "OnlineMeetingConfLink",
    icalendar: "X-MICROSOFT-ONLINEMEETINGCONFLINK",
};

/// Names under which Exchange, Graph and Google keep a link to join by.
pub(super) const LINKS: [&str; 7] = [
    "hangoutLink",
    "onlineMeetingUrl",
    "online_meeting_url",
    "online_meeting_external_link",
    "OnlineMeetingExternalLink",
    "skype_teams_meeting_url",
    "SkypeTeamsMeetingUrl",
];

/// The same in iCalendar, in upper case; `CONFERENCE` is that of RFC 7986.
pub(super) const ICALENDAR_LINKS: [&str; 6] = [
    "CONFERENCE",
    "X-GOOGLE-CONFERENCE",
    "X-GOOGLE-HANGOUT",
    "X-MICROSOFT-ONLINEMEETINGEXTERNALLINK",
    "X-MICROSOFT-SKYPETEAMSMEETINGURL",
    "X-ONLINE-MEETING-URL",
];

/// How the names begin that Zoom's own iCalendar properties have.
pub(super) const ICALENDAR_ZOOM: &str = "X-ZOOM";

impl Property {
    /// Its value in `event`, trimmed and never empty.
    ///
    /// # Errors
    /// [`Why::NoProperty`] where it is absent, empty, or neither text nor whole number.
    pub(super) fn of<'e>(&self, event: &'e Event) -> Result<Cow<'e, str>, Why> {
        self.read(&event.properties).ok_or(Why::NoProperty(self.name))
    }

    fn read<'e>(&self, properties: &'e Map<String, Value>) -> Option<Cow<'e, str>> {
        let named = [self.name, self.mapi].into_iter().filter_map(|name| properties.get(name));
        named.filter_map(text).next().or_else(|| {
            let twins = properties.iter().filter(|(name, _)| name.eq_ignore_ascii_case(self.icalendar));
            twins.filter_map(|(_, value)| text(value)).next().map(unescaped)
        })
    }
}

/// The first text or whole number of a value that is not empty.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(Cow::Borrowed),
        Value::Number(number) => number.as_u64().map(|number| Cow::Owned(number.to_string())),
        // Lists are not followed into lists.
        Value::Array(several) => several.iter().filter(|each| !each.is_array()).find_map(text),
        _ => None,
    }
}

/// Undoes `\;`, `\,` and `\\`, which readers that take a value as it stands leave in. What is escaped no longer stays as it is.
fn unescaped(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let escaped = if character == '\\' { rest.next_if(|next| matches!(next, ';' | ',' | '\\')) } else { None };
        out.push(escaped.unwrap_or(character));
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_property_is_found_under_the_name_of_every_calendar() {
        for (properties, expected) in [
            (json!({"teams_vtc_conference_id": "0121234567"}), Some("0121234567")),
            (json!({"teams_vtc_conference_id": 1_121_234_567}), Some("1121234567")),
            (json!({"teams_vtc_conference_id": " 112 "}), Some("112")),
            (json!({"teams_vtc_conference_id": "", "TeamsVtcConferenceId": "113"}), Some("113")),
            (json!({"X-Microsoft-TeamsVtcConferenceId": ["", "114"]}), Some("114")),
            (json!({"teams_vtc_conference_id": ""}), None),
            (json!({"teams_vtc_conference_id": "  "}), None),
            (json!({"teams_vtc_conference_id": null}), None),
            (json!({"teams_vtc_conference_id": 11.5}), None),
            (json!({"teams_vtc_conference_id": -4}), None),
            (json!({"teams_vtc_conference_id": {"value": "115"}}), None),
            (json!({"teams_vtc_conference_id": [["116"], true]}), None),
            (json!({"Teams_Vtc_Conference_Id": "117"}), None),
            (json!({}), None),
        ] {
            let map = properties.as_object().unwrap();
            assert_eq!(TEAMS_VTC_CONFERENCE_ID.read(map).as_deref(), expected, "{properties}");
        }
    }

    #[test]
    fn icalendars_escapes_are_undone_once() {
        for (written, expected) in [
            (r"conf:sip:a@b.example\;gruu\;opaque=x", "conf:sip:a@b.example;gruu;opaque=x"),
            (r"conf:sip:a@b.example;gruu", "conf:sip:a@b.example;gruu"),
            (r"a\\;b\,c\nd\", r"a\;b,c\nd\"),
            (r";\;;", ";;;"),
        ] {
            let properties = json!({ "X-MICROSOFT-ONLINEMEETINGCONFLINK": written });
            let map = properties.as_object().unwrap();
            assert_eq!(ONLINE_MEETING_CONF_LINK.read(map).as_deref(), Some(expected), "{written}");
        }
        let exchange = json!({ "online_meeting_conf_link": r"a\;b" });
        assert_eq!(ONLINE_MEETING_CONF_LINK.read(exchange.as_object().unwrap()).as_deref(), Some(r"a\;b"));
    }
}

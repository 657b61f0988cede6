//! `calendar_event`, the dictionary `Custom` templates and `replaceSubjectTemplate` see. Field names are the guide's.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::Value;
use minijinja::value::Serde;

use super::template::{INPUT_MAX, SEED};
use super::texts::Texts;

/// Most of the input that the body may take; the rest is for the other fields.
const BODY_MAX: usize = INPUT_MAX - 112 * 1024;

/// Most that properties may take, as JSON.
const PROPERTIES_MAX: usize = 64 * 1024;

/// Most that any other field may take.
const FIELD_MAX: usize = 8 * 1024;

/// The context of a template: `{calendar_event: …}`. Fields that are too long are cut, properties that are too long left out, so
/// that the whole is never longer than [`INPUT_MAX`].
pub(super) fn context(texts: &Texts<'_>) -> Value {
    let whole = || Value::from_pairs([("calendar_event", build(texts)), (SEED, Value::from(texts.event.uid.as_str()))]);
    texts.template.get_or_init(whole).clone()
}

fn build(texts: &Texts<'_>) -> Value {
    let event = texts.event;
    let zone = TimeZone::get(texts.zone).unwrap_or(TimeZone::UTC);
    let full_name = cut(event.organizer.name.expose(), FIELD_MAX);
    let (first, last) = split_name(full_name);
    let properties = match serde_json::to_string(&event.properties) {
        Ok(json) if json.len() <= PROPERTIES_MAX => Cow::Borrowed(&event.properties),
        _ => Cow::Owned(serde_json::Map::new()),
    };
    minijinja::context! {
        subject => cut(event.subject.expose(), FIELD_MAX),
        organizer_full_name => full_name,
        organizer_first_name => first,
        organizer_last_name => last,
        organizer_email => cut(event.organizer.email.expose(), FIELD_MAX),
        start_time => civil(event.start, &zone),
        end_time => civil(event.end, &zone),
        is_private => event.private,
        body => cut(&texts.body().text, BODY_MAX),
        location => cut(&texts.location().text, FIELD_MAX),
        properties => Value::from(Serde(&*properties)),
    }
}

/// The parts of a time as a clock in the room shows it.
fn civil(at: Timestamp, zone: &TimeZone) -> Value {
    let at = at.to_zoned(zone.clone());
    minijinja::context! {
        year => at.year(), month => at.month(), day => at.day(), hour => at.hour(), minute => at.minute(), second => at.second(),
    }
}

/// `Dana van Field` and `van Field, Dana` are Dana and van Field.
fn split_name(full: &str) -> (&str, &str) {
    let full = full.trim();
    match full.split_once(',') {
        Some((last, first)) => (first.trim(), last.trim()),
        None => full.split_once(char::is_whitespace).map_or((full, ""), |(first, last)| (first, last.trim())),
    }
}

fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

#[cfg(test)]
mod tests {
    use super::split_name;

    #[test]
    fn names_are_split_as_directories_write_them() {
        for (full, expected) in [
            ("Dana Field", ("Dana", "Field")),
            ("Dana van der Field", ("Dana", "van der Field")),
            ("Field, Dana", ("Dana", "Field")),
            ("Dana", ("Dana", "")),
            ("", ("", "")),
        ] {
            assert_eq!(split_name(full), expected, "{full}");
        }
    }
}

//! `calendar_event`, the dictionary `Custom` templates and `replaceSubjectTemplate` see. Field names are the guide's.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::Value;
use minijinja::value::Serde;

use super::template::{INPUT_MAX, SEED, Template};
use super::texts::Texts;

/// The name of the dictionary.
const EVENT: &str = "calendar_event";

/// Most of the input that the body may take; the rest is for the other fields.
const BODY_MAX: usize = INPUT_MAX - 112 * 1024;

/// Most that properties may take, as JSON.
const PROPERTIES_MAX: usize = 64 * 1024;

/// Most that any other field may take.
const FIELD_MAX: usize = 8 * 1024;

/// A field: its name, and how it is read.
type Field = (&'static str, fn(&Texts<'_>) -> Value);

const FIELDS: [Field; 11] = [
    ("subject", |texts| text(texts.event.subject.expose())),
    ("organizer_full_name", |texts| text(full_name(texts))),
    ("organizer_first_name", |texts| text(split_name(full_name(texts)).0)),
    ("organizer_last_name", |texts| text(split_name(full_name(texts)).1)),
    ("organizer_email", |texts| text(texts.event.organizer.email.expose())),
    ("start_time", |texts| civil(texts.event.start, texts.zone)),
    ("end_time", |texts| civil(texts.event.end, texts.zone)),
    ("is_private", |texts| Value::from(texts.event.private)),
    ("body", |texts| Value::from(cut(&texts.body().text, BODY_MAX))),
    ("location", |texts| text(&texts.location().text)),
    ("properties", properties),
];

/// The fields that the templates of a chain name. The others are not made: all of them together cost as much as a rule.
#[derive(Clone)]
pub(super) struct Fields(Vec<Field>);

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Fields {
    /// All of them.
    pub(super) fn all() -> Self {
        Self(FIELDS.into())
    }

    /// Those that `templates` name, `calendar_event.NAME`; all of them where one names the dictionary in any other way.
    pub(super) fn named_by<'t>(templates: impl Iterator<Item = &'t Template>) -> Self {
        let sources: Vec<_> = templates.map(Template::source).collect();
        let named: Vec<_> = sources.iter().flat_map(|source| source.split(EVENT).skip(1)).map(field_of).collect();
        let whole = named.contains(&None);
        Self(FIELDS.into_iter().filter(|(name, _)| whole || named.contains(&Some(name))).collect())
    }

    /// The context of a template: `{calendar_event: …}`. Fields that are too long are cut, properties that are too long left out,
    /// so that the whole is never longer than [`INPUT_MAX`].
    pub(super) fn context(&self, texts: &Texts<'_>) -> Value {
        let event = || Value::from_pairs(self.0.iter().map(|(name, read)| (*name, read(texts))));
        let whole = || Value::from_pairs([(EVENT, event()), (SEED, Value::from(texts.event.uid.as_str()))]);
        texts.template.get_or_init(whole).clone()
    }
}

/// The name in `.NAME`, which `rest` begins with.
fn field_of(rest: &str) -> Option<&str> {
    let name = rest.strip_prefix('.')?;
    let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
    Some(&name[..end])
}

fn text(text: &str) -> Value {
    Value::from(cut(text, FIELD_MAX))
}

fn full_name<'e>(texts: &Texts<'e>) -> &'e str {
    cut(texts.event.organizer.name.expose(), FIELD_MAX)
}

fn properties(texts: &Texts<'_>) -> Value {
    let properties = match serde_json::to_string(&texts.event.properties) {
        Ok(json) if json.len() <= PROPERTIES_MAX => Cow::Borrowed(&texts.event.properties),
        _ => Cow::Owned(serde_json::Map::new()),
    };
    Value::from(Serde(&*properties))
}

/// The parts of a time as a clock in the room shows it.
fn civil(at: Timestamp, zone: &str) -> Value {
    let at = at.to_zoned(TimeZone::get(zone).unwrap_or(TimeZone::UTC));
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
    use super::{FIELDS, Fields, Template, split_name};

    #[test]
    fn what_templates_name_is_made_and_all_of_it_where_they_name_the_dictionary() {
        let all: Vec<_> = FIELDS.iter().map(|(name, _)| *name).collect();
        for (template, expected) in [
            ("{{ calendar_event.body }}{{ calendar_event.start_time.hour }}", &["start_time", "body"][..]),
            ("{% if calendar_event.subject.split(' ')[0]|lower == 'x' %}{% endif %}", &["subject"]),
            ("{% set s = calendar_event.location %}{{ s }}{{ calendar_event.nothing }}", &["location"]),
            ("{{ pex_regex_search('(x)', calendar_event.properties['a'])[0] }}", &["properties"]),
            ("text", &[]),
            ("{{ calendar_event['body'] }}", &all),
            ("{% set calendar_event = 1 %}", &all),
            ("{{ calendar_event .body }}", &all),
            ("{{ calendar_event.body }}{{ calendar_event[x] }}", &all),
            ("{% set e = calendar_event %}{{ e.body }}", &all),
            ("{{ calendar_event.body }}{{ calendar_event|pex_to_json }}", &all),
            ("{% for name in calendar_event %}{{ name }}{% endfor %}", &all),
            ("{% with e = calendar_event %}{{ e.body }}{% endwith %}", &all),
            ("{{ pex_to_json(calendar_event) }}", &all),
            ("{{ (calendar_event if x else y).body }}", &all),
            ("{{ [calendar_event][0].body }}", &all),
        ] {
            let template = Template::compile(template).unwrap_or_else(|fault| panic!("{template}: {fault}"));
            let named: Vec<_> = Fields::named_by([&template].into_iter()).0.iter().map(|(name, _)| *name).collect();
            assert_eq!(named, expected, "{}", template.source());
        }
    }

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

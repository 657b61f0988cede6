//! Templates tried on invitations nobody sent: an ordinary one, a long one, an empty one, and one of unusual characters.
//!
//! In: a template's text. Out: nothing, or that it does too much even for the ordinary one. Whoever calls must be ready to die:
//! fuel pays for most of what a template does, but not for every byte of it. What a sample has not, or has too much of (a result
//! longer than an output may be), is no fault of the template.

use jiff::{SignedDuration, Timestamp};
use minijinja::Value;

use super::calendar_event::Fields;
use super::template::{Template, TemplateError};
use super::texts::Texts;
use crate::model::event::{Body, Person};
use crate::model::{Confidential, Event};

/// Characters of the long invitation's body, more than a template is shown.
const LONG: usize = 160 * 1024;

/// What the engine and people's templates might stumble over: other scripts, marks that join and turn, control characters, and
/// what templates, patterns and formats are made of.
const UNUSUAL: &str = "Žluťoučký 会議 שלום \u{202e}up\u{202c} e\u{301}\u{302} 👩‍💻 ﷽ İı ß \u{0}\u{1b} {{ x }} {% y %} %s \\1 (a|b)* <b>&amp;</b> ";

/// The samples, made once for many templates.
pub struct Samples(Vec<Sample>);

struct Sample {
    event: Value,
    /// What every variable of a transform stands for.
    variable: String,
}

impl Samples {
    /// Makes them.
    #[must_use]
    pub fn new() -> Self {
        let words = "Join the meeting at https://meet.example.com/j/123456789?pwd=abc or dial +47 55 50 10 10. ";
        let ordinary =
            sample(&[words, "\nMeeting ID: 123 456 789\nalice.vmr@example.com\n"].concat(), "Weekly sync", "123456789");
        let long = sample(&words.repeat(LONG / words.len()), &"Weekly ".repeat(2000), &"9".repeat(8192));
        let unusual = sample(&UNUSUAL.repeat(LONG / UNUSUAL.len()), UNUSUAL, UNUSUAL);
        Self(vec![ordinary, long, unusual, sample("", "", "")])
    }

    /// Renders `template` once for each.
    ///
    /// # Errors
    /// When it does more work than a template may for the ordinary invitation. One that cannot be compiled says so elsewhere.
    pub fn try_out(&self, template: &str) -> Result<(), TemplateError> {
        let Ok(template) = Template::compile(template) else { return Ok(()) };
        let names = template.names();
        for (index, sample) in self.0.iter().enumerate() {
            let variables = names.iter().filter(|name| !name.contains('.') && *name != "calendar_event");
            let context: Vec<(String, Value)> =
                variables.map(|name| (name.clone(), Value::from(sample.variable.as_str()))).collect();
            let whole = both(&sample.event, context);
            let rendered = template.render(&whole);
            if index == 0 && rendered == Err(TemplateError::Work) {
                return Err(TemplateError::Work);
            }
        }
        Ok(())
    }
}

impl Default for Samples {
    fn default() -> Self {
        Self::new()
    }
}

/// The event's names, and the transform's beside them.
fn both(event: &Value, variables: Vec<(String, Value)>) -> Value {
    let names = event.try_iter().into_iter().flatten();
    let of_event = names.filter_map(|name| Some((name.as_str()?.to_owned(), event.get_item(&name).ok()?)));
    Value::from_pairs(of_event.chain(variables))
}

fn sample(body: &str, text: &str, variable: &str) -> Sample {
    let start = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000);
    let list: Vec<String> =
        (0..500).map(|number| format!("{number} {}", &text[..text.floor_char_boundary(40)])).collect();
    let properties = serde_json::json!({
        "hangoutLink": text, "is_recurring": true, "count": 7, "none": null, "attendees": list, "nested": {"list": [1, {"a": "b"}]},
    });
    let event = Event {
        uid: "sample".into(),
        original_start: None,
        start,
        end: start + SignedDuration::from_hours(1),
        all_day: false,
        subject: Confidential::new(text),
        organizer: Person { name: Confidential::new(text), email: Confidential::new("dana.field@example.com") },
        location: Confidential::new(text),
        body: Body::Text(Confidential::new(body)),
        private: false,
        tentative: false,
        properties: properties.as_object().cloned().unwrap_or_default(),
        time_zone: None,
        last_modified: None,
    };
    Sample { event: Fields::all().context(&Texts::new(&event, "UTC")), variable: variable.to_owned() }
}

/// Whether there is nothing in `template` to try: text, and the plain names of values (`{{ meeting_id }}@{{ domain }}`).
#[must_use]
pub fn is_plain(template: &str) -> bool {
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        rest = &rest[at + 1..];
        let Some(inside) = rest.strip_prefix('{') else {
            if rest.starts_with(['%', '#']) {
                return false;
            }
            continue;
        };
        let Some((name, after)) = inside.split_once("}}") else { return false };
        let name = name.trim_matches(|c: char| c == '-' || c.is_whitespace());
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.') {
            return false;
        }
        rest = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_names_and_text_is_plain() {
        for (template, plain) in [
            ("{{meeting_id}}@{{ domain }}", true),
            ("{{- calendar_event.subject -}} { x }", true),
            ("plain", true),
            ("", true),
            ("{{ a|lower }}", false),
            ("{{ a[0] }}", false),
            ("{{ a }}{% if b %}{% endif %}", false),
            ("{# note #}", false),
            ("{{ 'x' }}", false),
            ("{{ a", false),
        ] {
            assert_eq!(is_plain(template), plain, "{template}");
        }
    }

    #[test]
    fn only_too_much_work_for_an_ordinary_invitation_is_a_fault() {
        let samples = Samples::new();
        for (template, fine) in [
            ("{% for i in range(900) %}{% for j in range(900) %}{% set x = j %}{% endfor %}{% endfor %}", false),
            ("{% for c in calendar_event.body %}{% if c == 'x' %}{% endif %}{% endfor %}", true),
            ("{{ calendar_event.body }}", true),
            ("{{ calendar_event.subject.nothing.deeper }}", true),
            ("{{ pex_require_min_length(meeting_id, 3) }}@{{ domain|lower }}", true),
            ("{% set m = pex_regex_search('(\\\\d+)', calendar_event.body) %}{% if m %}{{ m[0] }}{% endif %}", true),
            ("{% for a in calendar_event.properties.attendees %}{{ a|upper }}{% endfor %}", true),
            ("{{ not closed", true),
        ] {
            assert_eq!(samples.try_out(template).is_ok(), fine, "{template}");
        }
    }
}

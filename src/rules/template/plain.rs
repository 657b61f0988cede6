//! Templates that are text and names alone, such as `{{meeting_id}}@{{domain}}`: nearly every transform. They are written without
//! an engine, which would cost more than finding what they write.
//!
//! In: a template that minijinja has compiled. Out: its parts, where it prints nothing but its own text and variables; for any
//! other one `None`. What is written is what minijinja writes, a test holds both to it: a variable that is not there prints as
//! nothing, and of what such a template can do, nothing needs a budget.

use super::functions::FUNCTIONS;

/// Names that are no variables.
const NO_VARIABLES: [&str; 13] =
    ["true", "false", "none", "True", "False", "None", "not", "and", "or", "if", "else", "in", "is"];

/// A template taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plain(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Stands in the template.
    Text(String),
    /// The variable of this name.
    Name(String),
}

impl Plain {
    /// Takes `template` apart.
    pub(super) fn of(template: &str) -> Option<Self> {
        // The engine drops a line end at the end.
        if ["{%", "{#"].iter().any(|mark| template.contains(mark)) || template.ends_with(['\n', '\r']) {
            return None;
        }
        let mut parts = vec![];
        let mut rest = template;
        while let Some((text, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}")?;
            let name = name.trim_matches(|c: char| c.is_ascii_whitespace());
            if !is_variable(name) {
                return None;
            }
            parts.extend([Part::Text(text.to_owned()), Part::Name(name.to_owned())]);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Some(Self(parts))
    }

    /// What it prints; `None`: more than `limit` bytes.
    pub(super) fn write<'v>(&self, limit: usize, variable: impl Fn(&str) -> Option<&'v str>) -> Option<String> {
        let mut out = String::with_capacity(64);
        for part in &self.0 {
            let text = match part {
                Part::Text(text) => text,
                Part::Name(name) => variable(name).unwrap_or_default(),
            };
            if out.len() + text.len() > limit {
                return None;
            }
            out.push_str(text);
        }
        Some(out)
    }
}

fn is_variable(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let named = letters && name.starts_with(|first: char| first.is_ascii_alphabetic());
    let special =
        NO_VARIABLES.contains(&name) || FUNCTIONS.contains(&name) || ["self", "loop", "super"].contains(&name);
    named && !special
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Template;
    use super::*;

    /// Templates made of what matters to taking them apart.
    fn templates() -> impl Strategy<Value = String> {
        const PIECES: &[&str] = &[
            "{{meeting_id}}",
            "{{ domain }}",
            "{{pin}}",
            "{{\tmeeting_id\n}}",
            "{{missing}}",
            "{{ é }}",
            "{{",
            "}}",
            "{",
            "}",
            "@",
            ".",
            " ",
            "\n",
            "\r\n",
            "{{-pin}}",
            "{{pin -}}",
            "{{ true }}",
            "{{none}}",
            "{{range}}",
            "{{ not }}",
            "{{self}}",
            "{{loop}}",
            "{{pin.x}}",
            "{{'a'}}",
            "{{1}}",
            "{{}}",
            "{% if pin %}",
            "{% endif %}",
            "{# c #}",
            "é",
            "x",
            "{{pin|upper}}",
        ];
        prop::collection::vec(prop::sample::select(PIECES), 0..7).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn what_is_written_without_an_engine_is_what_the_engine_writes(text in templates(), id in ".{0,4}") {
            let variables = [("meeting_id", &*id), ("domain", "a.example"), ("pin", "12")];
            if let (Ok(template), Some(plain)) = (Template::compile(&text), Plain::of(&text)) {
                let context = minijinja::Value::from_pairs(variables);
                let written = plain.write(usize::MAX, |name| variables.iter().find(|(each, _)| *each == name).map(|each| each.1));
                prop_assert_eq!(written, template.render(&context).ok(), "{}", text);
            }
        }
    }

    #[test]
    fn transforms_of_types_are_taken_apart_and_templates_that_reckon_are_not() {
        for (template, plain) in [
            ("{{meeting_id}}@{{ domain }}", true),
            ("text", true),
            ("", true),
            ("{{ pin|upper }}", false),
            ("{{ a }}{% if pin %}.{{pin}}{% endif %}", false),
            ("{{ pin }}\n", false),
            ("{{ true }}{{ range }}", false),
            ("{{ pin", false),
        ] {
            assert_eq!(Plain::of(template).is_some(), plain, "{template}");
        }
        assert_eq!(Plain::of("ab{{ c }}").unwrap().write(2, |_| Some("d")), None);
    }
}

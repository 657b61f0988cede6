//! Templates that are text, names and simple conditions alone, such as `{{meeting_id}}@{{domain}}`: nearly every transform. They are written without
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
    /// `{% if NAME %}`, or `{% if NAME == 'TEXT' %}`: what follows is written where the variable is not empty, or is the text.
    If(String, Option<String>),
    /// `{% else %}`
    Else,
    /// `{% endif %}`
    End,
}

impl Plain {
    /// Takes `template` apart.
    pub(super) fn of(template: &str) -> Option<Self> {
        // The engine drops a line end at the end.
        if template.contains("{#") || template.ends_with(['\n', '\r']) {
            return None;
        }
        let mut parts = vec![];
        let mut rest = template;
        // Of conditions inside one another, the engine takes care.
        let (mut within, mut after_else) = (false, false);
        while let Some(at) = [rest.find("{{"), rest.find("{%")].into_iter().flatten().min() {
            parts.push(Part::Text(rest[..at].to_owned()));
            let statement = rest[at..].starts_with("{%");
            let (inside, after) = rest[at + 2..].split_once(if statement { "%}" } else { "}}" })?;
            let inside = inside.trim_matches(|c: char| c.is_ascii_whitespace());
            let part = if statement { statement_of(inside)? } else { Part::Name(variable(inside)?) };
            match part {
                Part::If(..) if within => return None,
                Part::Else if !within || after_else => return None,
                Part::End if !within => return None,
                Part::If(..) => within = true,
                Part::Else => after_else = true,
                Part::End => (within, after_else) = (false, false),
                Part::Text(_) | Part::Name(_) => {}
            }
            parts.push(part);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        (!within).then_some(Self(parts))
    }

    /// What it prints; `None`: more than `limit` bytes.
    pub(super) fn write<'v>(&self, limit: usize, variable: impl Fn(&str) -> Option<&'v str>) -> Option<String> {
        let mut out = String::with_capacity(64);
        let mut holds = true;
        for part in &self.0 {
            let text = match part {
                Part::Text(text) => text,
                Part::Name(name) => variable(name).unwrap_or_default(),
                Part::If(name, text) => {
                    let value = variable(name);
                    holds = text
                        .as_deref()
                        .map_or(value.is_some_and(|value| !value.is_empty()), |text| value == Some(text));
                    continue;
                }
                Part::Else => {
                    holds = !holds;
                    continue;
                }
                Part::End => {
                    holds = true;
                    continue;
                }
            };
            if holds && out.len() + text.len() > limit {
                return None;
            }
            if holds {
                out.push_str(text);
            }
        }
        Some(out)
    }
}

fn statement_of(inside: &str) -> Option<Part> {
    if inside == "else" {
        return Some(Part::Else);
    }
    if inside == "endif" {
        return Some(Part::End);
    }
    let condition = inside.strip_prefix("if ")?;
    let Some((name, text)) = condition.split_once("==") else {
        return Some(Part::If(variable(condition.trim())?, None));
    };
    let text = text.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    let simple = !text.contains(['\'', '\\', '"', '{', '}', '%']);
    simple.then_some(Part::If(variable(name.trim())?, Some(text.to_owned())))
}

/// The name of a variable.
fn variable(name: &str) -> Option<String> {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let named = letters && name.starts_with(|first: char| first.is_ascii_alphabetic());
    let special =
        NO_VARIABLES.contains(&name) || FUNCTIONS.contains(&name) || ["self", "loop", "super"].contains(&name);
    (named && !special).then(|| name.to_owned())
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
            "{% if missing %}",
            "{% if pin == '12' %}",
            "{%if pin!='12'%}",
            "{% else %}",
            "{%- endif %}",
            "{% set pin = 1 %}",
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
            ("{{ a }}{% if pin %}.{{pin}}{% else %}0{% endif %}@{% if a == 'b' %}c{% endif %}", true),
            ("{% if a %}{% if b %}{% endif %}{% endif %}", false),
            ("{% if a or b %}{% endif %}", false),
            ("{% if a %}", false),
            ("{% else %}", false),
            ("{{ pin }}\n", false),
            ("{{ true }}{{ range }}", false),
            ("{{ pin", false),
        ] {
            assert_eq!(Plain::of(template).is_some(), plain, "{template}");
        }
        assert_eq!(Plain::of("ab{{ c }}").unwrap().write(2, |_| Some("d")), None);
    }
}

//! OTJ311: transforms and templates that use a variable their type does not have. It would print as nothing, and the alias be wrong
//! without a word. Names are found by the engine's own parser; each distinct text is looked at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::directory::{Document, Spec};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::model::desired::RuleType;
use crate::rules::template::Template;
use crate::rules::variables_of;

use super::fields::Pointer;
use super::{Looked, fields};

/// The fields of `calendar_event`. Those of `properties` differ with the calendar service.
const EVENT: [&str; 11] = [
    "subject",
    "organizer_full_name",
    "organizer_first_name",
    "organizer_last_name",
    "organizer_email",
    "start_time",
    "end_time",
    "is_private",
    "body",
    "location",
    "properties",
];

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut parsed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for document in &looked.directory.documents {
        for (pointer, text, known, whose) in templates(document) {
            let names = parsed.entry(text).or_insert_with_key(|text| {
                Template::compile(text).map(|template| template.names()).unwrap_or_default()
            });
            for name in names.iter() {
                if let Some((word, known)) = unknown(name, known) {
                    let place = looked.directory.value(document, &pointer);
                    let message = format!("{whose} have no variable `{word}`");
                    let meant =
                        did_you_mean(word, known.iter().copied()).map(|meant| format!("did you mean `{meant}`? "));
                    let all: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                    let help = format!("{}they have {}", meant.unwrap_or_default(), all.join(", "));
                    findings.push(Diagnostic::error("OTJ311", place, message).help(help));
                }
            }
        }
    }
}

/// The part of a dotted name that nobody knows, and what is known instead.
fn unknown<'n>(name: &'n str, known: &'static [&'static str]) -> Option<(&'n str, &'static [&'static str])> {
    let mut steps = name.split('.');
    let first = steps.next().unwrap_or_default();
    if !known.contains(&first) {
        return Some((first, known));
    }
    let field = steps.next().filter(|field| first == "calendar_event" && !EVENT.contains(field))?;
    Some((field, &EVENT))
}

type Used = (Pointer, String, &'static [&'static str], String);

fn templates(document: &Document) -> Vec<Used> {
    let title = |pointer: &'static str, text: Option<&String>| -> Vec<Used> {
        text.map(|text| (pointer.into(), text.clone(), variables_of(RuleType::Custom), "titles".to_owned()))
            .into_iter()
            .collect()
    };
    match &document.spec {
        Spec::Profile(it) => title("/spec/replaceSubjectTemplate", it.replace_subject_template.as_ref()),
        Spec::Group(it) => {
            let text = it.overrides.as_ref().and_then(|it| it.replace_subject_template.as_ref());
            title("/spec/overrides/replaceSubjectTemplate", text)
        }
        _ => {
            let mut used = vec![];
            for written in fields::rules(document) {
                let (rule, whose) = (&written.rule, format!("rules of type {:?}", written.rule.rule_type));
                let text = match rule.rule_type {
                    RuleType::Regex => continue,
                    RuleType::Custom => ("template", &rule.template),
                    _ => ("transform", &rule.transform),
                };
                if let (field, Some(text)) = text {
                    used.push((written.field(field).into(), text.clone(), variables_of(rule.rule_type), whose));
                }
            }
            used
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_or_not() {
        let faults = |text: &str, rule_type| -> Vec<String> {
            let names = Template::compile(text).unwrap().names();
            names
                .iter()
                .filter_map(|name| unknown(name, variables_of(rule_type)))
                .map(|(word, _)| word.to_owned())
                .collect()
        };
        for (text, rule_type, expected) in [
            ("{{ meeting_id }}.{{ pin }}@zoomcrc.com", RuleType::Zoom, &[][..]),
            ("{{ meetingid }}@{{ domain }}", RuleType::Webex, &["meetingid"]),
            (
                "{% set m = pex_regex_search('(x)', calendar_event.body) %}{{ m[0] }}{% if m %}{% endif %}",
                RuleType::Custom,
                &[],
            ),
            ("{{ calendar_event.titel }}", RuleType::Custom, &["titel"]),
            ("{{ calendar_event.properties.hangoutLink }}", RuleType::Custom, &[]),
            ("{{ calendar_event.subject.upper() }}", RuleType::Custom, &[]),
            (
                "{% for i in range(3) %}{{ loop.index }}{{ i }}{% endfor %}{{ event.body }}",
                RuleType::Custom,
                &["event"],
            ),
        ] {
            assert_eq!(faults(text, rule_type), expected, "{text}");
        }
    }
}

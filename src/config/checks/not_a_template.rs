//! OTJ305: Jinja2 that the rule engine cannot compile. Each distinct text is compiled once.

use std::collections::BTreeMap;

use crate::config::directory::{Document, Spec};
use crate::diagnostic::Diagnostic;

use super::not_a_regular_expression::one_line;
use super::{Looked, fields};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut judged: BTreeMap<String, Result<(), String>> = BTreeMap::new();
    for document in &looked.directory.documents {
        for (pointer, text) in templates(document) {
            let verdict = judged.entry(text).or_insert_with_key(|text| crate::rules::check_template(text));
            if let Err(reason) = verdict {
                let place = looked.directory.value(document, &pointer);
                let message = format!("this is not a usable template: {}", one_line(reason));
                findings.push(Diagnostic::error("OTJ305", place, message));
            }
        }
    }
}

/// The templates that rules and titles are made with.
pub(super) fn templates(document: &Document) -> Vec<(String, String)> {
    let title = |pointer: &str, text: Option<&String>| text.map(|text| (pointer.to_owned(), text.clone()));
    match &document.spec {
        Spec::Profile(it) => {
            title("/spec/replaceSubjectTemplate", it.replace_subject_template.as_ref()).into_iter().collect()
        }
        Spec::Group(it) => {
            let text = it.overrides.as_ref().and_then(|it| it.replace_subject_template.as_ref());
            title("/spec/overrides/replaceSubjectTemplate", text).into_iter().collect()
        }
        _ => {
            let of_rules = fields::rules(document).into_iter().flat_map(|written| {
                let fields = [("transform", &written.rule.transform), ("template", &written.rule.template)];
                fields.map(|(name, text)| Some((written.field(name), text.clone()?)))
            });
            of_rules.flatten().collect()
        }
    }
}

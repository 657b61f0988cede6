//! OTJ102: names that no document defines.

use crate::config::directory::{Document, Spec};
use crate::config::document::Kind;
use crate::config::document::rule::BUILT_IN_RULES;
use crate::config::names::Set;
use crate::diagnostic::{Diagnostic, did_you_mean};

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        for (pointer, set, name) in references(document) {
            reference_leads_nowhere(looked, document, &pointer, set, name, findings);
        }
    }
}

/// (JSON pointer, what is named, its name).
fn references(document: &Document) -> Vec<(String, Set, &str)> {
    let mut found: Vec<(String, Set, &str)> = vec![];
    match &document.spec {
        Spec::Profile(spec) => {
            found.push(("/spec/integration".into(), Set::Integration, &spec.integration));
            found.extend(written([("/spec/webex", Set::Kind(Kind::WebexIntegration), &spec.webex)]));
            for (index, name) in spec.rule_sets.iter().flatten().enumerate() {
                found.push((format!("/spec/ruleSets/{index}"), Set::Kind(Kind::RuleSet), name));
            }
        }
        Spec::Group(spec) => {
            let fields = [
                ("/spec/profile", Set::Kind(Kind::Profile), &spec.profile),
                ("/spec/integration", Set::Integration, &spec.integration),
                ("/spec/location", Set::Kind(Kind::Location), &spec.location),
            ];
            found.extend(written(fields));
        }
        Spec::Endpoint(spec) => {
            let fields = [
                ("/spec/group", Set::Kind(Kind::EndpointGroup), &spec.group),
                ("/spec/profile", Set::Kind(Kind::Profile), &spec.profile),
            ];
            found.extend(written(fields));
        }
        Spec::Rule(spec) => found.push(("/spec/profile".into(), Set::Kind(Kind::Profile), &spec.profile)),
        Spec::RuleTest(spec) => found.push(("/spec/profile".into(), Set::Kind(Kind::Profile), &spec.profile)),
        _ => {}
    }
    found
}

fn written<'a, const N: usize>(
    fields: [(&'static str, Set, &'a Option<String>); N],
) -> impl Iterator<Item = (String, Set, &'a str)> {
    fields.into_iter().filter_map(|(pointer, set, name)| Some((pointer.to_owned(), set, name.as_deref()?)))
}

fn reference_leads_nowhere(
    looked: &Looked<'_>,
    document: &Document,
    pointer: &str,
    set: Set,
    name: &str,
    findings: &mut Vec<Diagnostic>,
) {
    let built_in = match set {
        Set::Kind(Kind::Location) => name == "default",
        Set::Kind(Kind::RuleSet) => name == BUILT_IN_RULES,
        _ => false,
    };
    if built_in || looked.names.index(set, name).is_some() {
        return;
    }
    let place = looked.directory.value(document, pointer);
    let (own, whose) = (Set::of(document.kind).word(), &document.metadata.name);
    let message = format!("{own} `{whose}` names {} `{name}`, which no document defines", set.word());
    let finding = Diagnostic::error("OTJ102", place, message).label(format!("no such {}", set.word()));
    let meant =
        did_you_mean(name, looked.names.all(set)).and_then(|meant| looked.names.find(looked.directory, set, meant));
    findings.push(match meant {
        Some(meant) => {
            let at = looked.directory.at(meant);
            finding.help(format!("there is one with a similar name: `{}` ({at})", meant.metadata.name))
        }
        None => {
            let known: Vec<String> = looked.names.all(set).take(8).map(|name| format!("`{name}`")).collect();
            match known.is_empty() {
                true => finding.help(format!("the directory defines no {} at all", set.word())),
                false => finding.help(format!("there is {}", known.join(", "))),
            }
        }
    });
}

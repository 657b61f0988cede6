//! OTJ102: names that no document defines.

use crate::config::directory::{Document, Spec};
use crate::config::document::Kind;
use crate::config::document::rule::BUILT_IN_RULES;
use crate::config::names::Set;
use crate::diagnostic::{Diagnostic, did_you_mean};

use super::Looked;
use super::fields::Pointer;

/// The location that exists without a document.
pub(super) const BUILT_IN_LOCATION: &str = "default";

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        for (pointer, set, name) in references(document) {
            if !is_built_in(set, name) && looked.names.index(set, name).is_none() {
                findings.push(finding(looked, document, &pointer, set, name));
            }
        }
    }
}

/// (JSON pointer, what is named, its name).
pub(super) fn references(document: &Document) -> Vec<(Pointer, Set, &str)> {
    let mut found: Vec<(Pointer, Set, &str)> = vec![];
    match &document.spec {
        Spec::Profile(spec) => {
            found.push(("/spec/integration".into(), Set::Integration, &spec.integration));
            found.extend(written([("/spec/webex", Set::Kind(Kind::WebexIntegration), &spec.webex)]));
            for (index, name) in spec.rule_sets.iter().flatten().enumerate() {
                found.push((format!("/spec/ruleSets/{index}").into(), Set::Kind(Kind::RuleSet), name));
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
) -> impl Iterator<Item = (Pointer, Set, &'a str)> {
    fields.into_iter().filter_map(|(pointer, set, name)| Some((pointer.into(), set, name.as_deref()?)))
}

fn is_built_in(set: Set, name: &str) -> bool {
    match set {
        Set::Kind(Kind::Location) => name == BUILT_IN_LOCATION,
        Set::Kind(Kind::RuleSet) => name == BUILT_IN_RULES,
        _ => false,
    }
}

fn finding(looked: &Looked<'_>, document: &Document, pointer: &str, set: Set, name: &str) -> Diagnostic {
    let place = looked.directory.value(document, pointer);
    let (own, whose) = (Set::of(document.kind).word(), &document.metadata.name);
    let message = format!("{own} `{whose}` names {} `{name}`, which no document defines", set.word());
    let finding = Diagnostic::error("OTJ102", place, message).label(format!("no such {}", set.word()));
    let find = |name| looked.names.find(looked.directory, set, name);
    let built_in = match set {
        Set::Kind(Kind::Location) => Some(BUILT_IN_LOCATION),
        Set::Kind(Kind::RuleSet) => Some(BUILT_IN_RULES),
        _ => None,
    };
    let meant = did_you_mean(name, looked.names.all(set).chain(built_in));
    if let Some(meant) = meant {
        let at = find(meant).map_or_else(|| "it needs no document".to_owned(), |meant| looked.directory.at(meant));
        return finding.help(format!("there is one with a similar name: `{meant}` ({at})"));
    }
    if let Some((other, of)) = of_another_kind(looked, set, name) {
        let at = looked.directory.at(other);
        return finding.help(format!("`{name}` is the name of {} ({at}); here {} is named", of, with_article(set)));
    }
    let known: Vec<String> = looked.names.all(set).chain(built_in).take(8).map(|name| format!("`{name}`")).collect();
    match known.is_empty() {
        true => finding.help(format!("the directory defines no {} at all", set.word())),
        false => finding.help(format!("there is {}", known.join(", "))),
    }
}

/// A document that is called so, but cannot be meant here.
fn of_another_kind<'a>(looked: &'a Looked<'_>, set: Set, name: &str) -> Option<(&'a Document, String)> {
    let sets = [
        Set::Integration,
        Set::Kind(Kind::WebexIntegration),
        Set::Kind(Kind::Profile),
        Set::Kind(Kind::EndpointGroup),
        Set::Kind(Kind::RuleSet),
        Set::Kind(Kind::Location),
    ];
    let others = sets.into_iter().filter(|other| *other != set);
    others.filter_map(|other| Some((looked.names.find(looked.directory, other, name)?, with_article(other)))).next()
}

fn with_article(set: Set) -> String {
    let word = set.word();
    let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {word}")
}

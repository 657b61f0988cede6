//! OTJ103: names given twice, over all files and directories, and within a RuleSet.

use std::collections::BTreeSet;

use crate::config::directory::{Document, Spec};
use crate::config::names::Set;
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for (index, document) in looked.directory.documents.iter().enumerate() {
        let name = document.metadata.name.as_str();
        let set = Set::of(document.kind);
        let first = looked.names.index(set, name).filter(|first| *first != index && !name.is_empty());
        if let Some(first) = first {
            let first = &looked.directory.documents[first];
            let place = looked.directory.value(document, "/metadata/name");
            let message = format!("the {} `{name}` is defined a second time", set.word());
            let help = format!("the first stands in {}", looked.directory.at(first));
            findings.push(Diagnostic::error("OTJ103", place, message).label("given twice").help(help));
        }
        twice_in_a_set(looked, document, findings);
    }
}

fn twice_in_a_set(looked: &Looked<'_>, document: &Document, findings: &mut Vec<Diagnostic>) {
    let Spec::RuleSet(set) = &document.spec else { return };
    let mut seen = BTreeSet::new();
    for (index, rule) in set.rules.iter().enumerate() {
        if !seen.insert(rule.name.as_str()) && !rule.name.is_empty() {
            let place = looked.directory.value(document, &format!("/spec/rules/{index}/name"));
            let message = format!("the set has a second rule `{}`", rule.name);
            findings.push(Diagnostic::error("OTJ103", place, message).label("given twice"));
        }
    }
}

//! OTJ101, OTJ103: names that are none, and names given twice.

use crate::config::names::Set;
use crate::diagnostic::Diagnostic;
use crate::model::EndpointName;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    not_a_name(looked, findings);
    name_given_twice(looked, findings);
}

fn not_a_name(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        let name = &document.metadata.name;
        // Lengths are the schema's to judge.
        let faulty = !name.is_empty() && name.chars().count() <= 250;
        if let (true, Err(fault)) = (faulty, EndpointName::parse(name)) {
            let place = looked.directory.value(document, "/metadata/name");
            findings.push(Diagnostic::error("OTJ101", place, fault.to_string()));
        }
    }
}

fn name_given_twice(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
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
    }
}

//! OTJ101: names that are none.

use crate::diagnostic::Diagnostic;
use crate::model::EndpointName;

use super::{Looked, fields};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        let own = (fields::Pointer::from("/metadata/name"), document.metadata.name.as_str());
        let shared = fields::rules(document).into_iter().filter(|rule| rule.pointer != "/spec");
        let shared = shared.map(|rule| (fields::Pointer::from(rule.field("name")), rule.name));
        for (pointer, name) in std::iter::once(own).chain(shared) {
            // Lengths are the schema's to judge.
            let judged = !name.is_empty() && name.chars().count() <= 250;
            if let (true, Err(fault)) = (judged, EndpointName::parse(name)) {
                let place = looked.directory.value(document, &pointer);
                findings.push(Diagnostic::error("OTJ101", place, fault.to_string()));
            }
        }
    }
}

//! OTJ517: locations that no group stands in.

use crate::config::document::Kind;
use crate::config::names::Set;
use crate::diagnostic::Diagnostic;

use super::Looked;
use super::fields::used;
use super::reference_leads_nowhere::BUILT_IN_LOCATION;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let used = used(looked);
    let set = Set::Kind(Kind::Location);
    for document in looked.directory.documents.iter().filter(|document| document.kind == Kind::Location) {
        let name = document.metadata.name.as_str();
        if !used.contains(&(set, name)) && name != BUILT_IN_LOCATION {
            let place = looked.directory.value(document, "/metadata/name");
            findings.push(Diagnostic::warning("OTJ517", place, format!("no group stands in location `{name}`")));
        }
    }
}

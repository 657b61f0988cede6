//! OTJ515: groups without endpoints.

use crate::config::document::Kind;
use crate::config::names::Set;
use crate::diagnostic::Diagnostic;

use super::Looked;
use super::fields::used;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let used = used(looked);
    let set = Set::Kind(Kind::EndpointGroup);
    for document in looked.directory.documents.iter().filter(|document| document.kind == Kind::EndpointGroup) {
        let name = document.metadata.name.as_str();
        if !used.contains(&(set, name)) {
            let place = looked.directory.value(document, "/metadata/name");
            findings.push(Diagnostic::warning("OTJ515", place, format!("group `{name}` has no endpoints")));
        }
    }
}

//! OTJ519: profiles without groups and endpoints.

use crate::config::document::Kind;
use crate::config::names::Set;
use crate::diagnostic::Diagnostic;

use super::Looked;
use super::fields::used;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let used = used(looked);
    let set = Set::Kind(Kind::Profile);
    for document in looked.directory.documents.iter().filter(|document| document.kind == Kind::Profile) {
        let name = document.metadata.name.as_str();
        if !used.contains(&(set, name)) {
            let place = looked.directory.value(document, "/metadata/name");
            findings.push(Diagnostic::warning(
                "OTJ519",
                place,
                format!("no group and no endpoint uses profile `{name}`"),
            ));
        }
    }
}

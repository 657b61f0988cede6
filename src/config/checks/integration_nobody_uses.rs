//! OTJ503: integrations that no profile and no group refers to.

use crate::config::document::Kind;
use crate::config::names::Set;
use crate::diagnostic::Diagnostic;

use super::Looked;
use super::fields::used;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let used = used(looked);
    for document in &looked.directory.documents {
        let set = Set::of(document.kind);
        let name = document.metadata.name.as_str();
        if matches!(set, Set::Integration | Set::Kind(Kind::WebexIntegration)) && !used.contains(&(set, name)) {
            let place = looked.directory.value(document, "/metadata/name");
            let by = if set == Set::Integration { "no profile and no group uses" } else { "no profile uses" };
            findings.push(Diagnostic::warning("OTJ503", place, format!("{by} {} `{name}`", set.word())));
        }
    }
}

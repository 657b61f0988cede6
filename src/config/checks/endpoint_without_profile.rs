//! OTJ502: endpoints that name neither a group nor a profile.

use crate::config::directory::Spec;
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        if matches!(&document.spec, Spec::Endpoint(it) if it.group.is_none() && it.profile.is_none()) {
            let place = looked.directory.key(document, "/spec");
            let message =
                format!("endpoint `{}` has neither group nor profile: nothing is done for it", document.metadata.name);
            findings.push(Diagnostic::warning("OTJ502", place, message));
        }
    }
}

//! OTJ501: groups that name no profile.

use crate::config::directory::Spec;
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        if matches!(&document.spec, Spec::Group(group) if group.profile.is_none()) {
            let place = looked.directory.key(document, "/spec");
            let message =
                format!("group `{}` has no profile: nothing is done for its endpoints", document.metadata.name);
            findings.push(Diagnostic::warning("OTJ501", place, message));
        }
    }
}

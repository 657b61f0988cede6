//! OTJ902: fields of the language that this version does nothing with. They are warnings where an author wrote one.

use crate::config::directory::{Document, Spec};
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        field_without_effect(looked, document, findings);
    }
}

fn field_without_effect(looked: &Looked<'_>, document: &Document, findings: &mut Vec<Diagnostic>) {
    let Spec::Location(it) = &document.spec else { return };
    let fields = [
        ("/spec/maxActiveNodes", it.max_active_nodes.is_some_and(|nodes| nodes != 5)),
        ("/spec/polyHost", it.poly_host.is_some()),
        ("/spec/oauth", it.oauth == Some(false)),
    ];
    for (pointer, _) in fields.into_iter().filter(|(_, written)| *written) {
        let name = pointer.rsplit('/').next().unwrap_or_default();
        let place = looked.directory.key(document, pointer);
        findings.push(Diagnostic::warning("OTJ902", place, format!("`{name}` is not in effect yet")));
    }
}

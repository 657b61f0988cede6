//! OTJ520: descriptions of rooms in which no endpoint stands.

use std::collections::BTreeSet;

use crate::config::directory::Spec;
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut rooms = BTreeSet::new();
    for document in &looked.directory.documents {
        if let Spec::Endpoint(it) = &document.spec {
            rooms.insert(it.room_email.trim().to_lowercase());
        }
    }
    for document in &looked.directory.documents {
        let Spec::Room(room) = &document.spec else { continue };
        if !rooms.contains(&room.email.trim().to_lowercase()) {
            let place = looked.directory.value(document, "/spec/email");
            let message = format!("no endpoint stands in room `{}`", document.metadata.name);
            findings.push(Diagnostic::warning("OTJ520", place, message));
        }
    }
}

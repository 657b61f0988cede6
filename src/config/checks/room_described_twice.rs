//! OTJ223: rooms that two documents describe.

use std::collections::BTreeMap;

use crate::config::directory::{Document, Spec};
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<String, &Document> = BTreeMap::new();
    for document in &looked.directory.documents {
        let Spec::Room(room) = &document.spec else { continue };
        let email = room.email.trim().to_lowercase();
        let Some(other) = first.get(&email) else {
            first.insert(email, document);
            continue;
        };
        let place = looked.directory.value(document, "/spec/email");
        let message = format!("room `{}` is described a second time", other.metadata.name);
        let help = format!("the first description stands in {}", looked.directory.at(other));
        findings.push(Diagnostic::error("OTJ223", place, message).help(help));
    }
}

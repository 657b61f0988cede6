//! OTJ106: references to a name that documents of two kinds have.

use std::collections::BTreeMap;

use crate::config::directory::Document;
use crate::config::names::Set;
use crate::diagnostic::Diagnostic;

use super::Looked;
use super::reference_leads_nowhere::references;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut named: BTreeMap<&str, Vec<&Document>> = BTreeMap::new();
    for document in looked.directory.documents.iter().filter(|document| document.kind.is_integration()) {
        let same = named.entry(document.metadata.name.as_str()).or_default();
        if same.iter().all(|other| other.kind != document.kind) {
            same.push(document);
        }
    }
    named.retain(|_, documents| documents.len() > 1);
    if named.is_empty() {
        return;
    }
    for document in &looked.directory.documents {
        for (pointer, set, name) in references(document) {
            let (Set::Integration, Some(meant)) = (set, named.get(name)) else { continue };
            let place = looked.directory.value(document, &pointer);
            let each = |meant: &&Document| format!("{} ({})", meant.kind.name(), looked.directory.at(meant));
            let meant: Vec<String> = meant.iter().map(each).collect();
            let message = format!("`{name}` may be either of {} integrations", meant.len());
            let help = format!("rename one of them: {}", meant.join(", "));
            findings.push(Diagnostic::error("OTJ106", place, message).help(help));
        }
    }
}

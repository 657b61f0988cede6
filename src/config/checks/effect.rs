//! OTJ902: fields of the language that this version does nothing with. They are warnings where an author wrote one.

use std::collections::BTreeMap;

use crate::config::directory::{Document, Spec};
use crate::diagnostic::{Diagnostic, Place};

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut rows = Rows::new();
    for document in &looked.directory.documents {
        field_without_effect(looked, document, &mut rows, findings);
    }
    // What a thousand rows of a table have in common is said once.
    for ((_, pointer), (place, count)) in rows {
        let name = pointer.rsplit('/').next().unwrap_or_default();
        let often = if count > 1 { format!(" ({count} rows)") } else { String::new() };
        findings.push(Diagnostic::warning("OTJ902", place, format!("`{name}` is not in effect yet{often}")));
    }
}

/// By table and field: the first row that has it, and how many do.
type Rows = BTreeMap<(usize, &'static str), (Place, usize)>;

fn field_without_effect(looked: &Looked<'_>, document: &Document, rows: &mut Rows, findings: &mut Vec<Diagnostic>) {
    let mut fields = vec![];
    match &document.spec {
        Spec::Group(it) => {
            fields.push(("/spec/disableWebProxy", it.disable_web_proxy == Some(true)));
        }
        Spec::Location(it) => {
            fields.push(("/spec/maxActiveNodes", it.max_active_nodes.is_some_and(|nodes| nodes != 5)));
            fields.push(("/spec/polyHost", it.poly_host.is_some()));
            fields.push(("/spec/oauth", it.oauth == Some(false)));
        }
        Spec::Endpoint(it) => {
            fields.push(("/spec/raiseAlarms", it.raise_alarms == Some(false)));
        }
        _ => {}
    }
    for (pointer, _) in fields.into_iter().filter(|(_, written)| *written) {
        let name = pointer.rsplit('/').next().unwrap_or_default();
        if document.table.is_some() {
            let place = || (looked.directory.key(document, pointer), 0);
            rows.entry((document.file, pointer)).or_insert_with(place).1 += 1;
            continue;
        }
        let place = looked.directory.key(document, pointer);
        findings.push(Diagnostic::warning("OTJ902", place, format!("`{name}` is not in effect yet")));
    }
}

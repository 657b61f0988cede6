//! OTJ301: priorities that two rules of a profile have.

use std::collections::BTreeMap;

use crate::config::directory::{Document, Spec};
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<(&str, u16), &Document> = BTreeMap::new();
    for document in &looked.directory.documents {
        let Spec::Rule(rule) = &document.spec else { continue };
        let key = (rule.profile.as_str(), rule.priority);
        let Some(other) = first.get(&key) else {
            first.insert(key, document);
            continue;
        };
        let place = looked.directory.value(document, "/spec/priority");
        let message = format!("priority {} of profile `{}` is used twice", rule.priority, rule.profile);
        let help = format!("the first is rule `{}` ({})", other.metadata.name, looked.directory.at(other));
        findings.push(Diagnostic::error("OTJ301", place, message).help(help));
    }
}

//! OTJ314: templates that take all memory, or never end. They are rendered once on sample invitations, in a process that may die of it;
//! those of names and text alone are not, nor is what a type brings itself. All of a directory are tried together, each distinct text once.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::rules::trial::is_plain;

use super::Looked;
use super::not_a_template::templates;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let Some(trial) = looked.options.trial else { return };
    let mut places: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for document in &looked.directory.documents {
        for (pointer, text) in templates(document) {
            if !is_plain(&text) {
                places.entry(text).or_default().push((document, pointer));
            }
        }
    }
    // What does not compile has a finding of its own.
    places.retain(|text, _| crate::rules::check_template(text).is_ok());
    if places.is_empty() {
        return;
    }
    let texts: Vec<&str> = places.keys().map(String::as_str).collect();
    for (fault, places) in trial(&texts).into_iter().zip(places.values()) {
        let Some(fault) = fault else { continue };
        for (document, pointer) in places {
            let place = looked.directory.value(document, pointer);
            let message = format!("this template was tried on sample invitations and refused: {fault}");
            let help = "take what is needed out of a text with `pex_regex_search`, and loop over short lists only";
            findings.push(Diagnostic::error("OTJ314", place, message).help(help));
        }
    }
}

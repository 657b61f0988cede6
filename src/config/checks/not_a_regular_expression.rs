//! OTJ304: patterns that the rule engine cannot compile. Each distinct pattern is compiled once.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;

use super::{Looked, fields};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut judged: BTreeMap<String, Result<(), String>> = BTreeMap::new();
    for document in &looked.directory.documents {
        for written in fields::rules(document) {
            let Some(pattern) = &written.rule.match_pattern else { continue };
            let verdict = judged.entry(pattern.clone()).or_insert_with(|| crate::rules::check_regex(pattern));
            if let Err(reason) = verdict {
                let place = looked.directory.value(document, &written.field("match"));
                let message = format!("this is not a regular expression: {}", one_line(reason));
                findings.push(Diagnostic::error("OTJ304", place, message));
            }
        }
    }
}

/// Engines explain over several lines.
pub(super) fn one_line(reason: &str) -> String {
    reason.split_whitespace().collect::<Vec<_>>().join(" ")
}

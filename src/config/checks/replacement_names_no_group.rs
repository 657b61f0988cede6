//! OTJ310: replacements that name a group which the pattern does not have. Each distinct pair is tried once, by the engine's code.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::rules::pattern::{Pattern, Replacement};

use super::{Looked, fields};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut judged: BTreeMap<(String, String), Option<String>> = BTreeMap::new();
    for document in &looked.directory.documents {
        for written in fields::rules(document) {
            let (Some(pattern), Some(replace)) = (&written.rule.match_pattern, &written.rule.replace) else { continue };
            let verdict = judged.entry((pattern.clone(), replace.clone())).or_insert_with(|| fault(pattern, replace));
            if let Some(reason) = verdict {
                let place = looked.directory.value(document, &written.field("replace"));
                findings.push(Diagnostic::error("OTJ310", place, reason.clone()));
            }
        }
    }
}

/// What is wrong with the replacement; a pattern that does not compile has a finding of its own.
fn fault(pattern: &str, replace: &str) -> Option<String> {
    let pattern = Pattern::compile(pattern).ok()?;
    Replacement::parse(replace, &pattern).err()
}

//! OTJ313: patterns that only backtracking can search for, in `Regex` rules.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::rules::pattern::Pattern;

use super::{Looked, fields};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut judged: BTreeMap<String, Option<&'static str>> = BTreeMap::new();
    for document in &looked.directory.documents {
        for written in fields::rules(document) {
            let Some(pattern) = &written.rule.match_pattern else { continue };
            let verdict = judged
                .entry(pattern.clone())
                .or_insert_with(|| Pattern::compile(pattern).ok().and_then(|pattern| pattern.backtracks()));
            if let Some(what) = verdict {
                let place = looked.directory.value(document, &written.field("match"));
                let message = format!("this pattern has {what}, so that a search takes longer and can be given up");
                let help = "write it without, where that finds the same: a group takes the part that matters, `\\b` ends a word";
                findings.push(Diagnostic::warning("OTJ313", place, message).help(help));
            }
        }
    }
}

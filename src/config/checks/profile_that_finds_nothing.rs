//! OTJ506: profiles that have no enabled rule and no fallback.

use std::collections::BTreeSet;

use crate::config::directory::Spec;
use crate::config::document::profile::Fallback;
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut served = BTreeSet::new();
    for document in &looked.directory.documents {
        if let Spec::Rule(rule) = &document.spec
            && rule.enabled != Some(false)
        {
            served.insert(rule.profile.as_str());
        }
    }
    for document in &looked.directory.documents {
        let Spec::Profile(profile) = &document.spec else { continue };
        let name = document.metadata.name.as_str();
        let shares = profile.rule_sets.as_ref().is_some_and(|sets| !sets.is_empty());
        if profile.fallback == Some(Fallback::Never) && !shares && !served.contains(name) {
            let place = looked.directory.value(document, "/spec/fallback");
            let message =
                format!("profile `{name}` has no enabled rule and no fallback: no meeting gets a Join button");
            findings.push(Diagnostic::warning("OTJ506", place, message));
        }
    }
}

//! OTJ501 to OTJ503, OTJ506: documents for which nothing is done.

use std::collections::BTreeSet;

use crate::config::directory::Spec;
use crate::config::document::profile::Fallback;
use crate::diagnostic::Diagnostic;

use super::{Looked, effect};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    group_without_profile(looked, findings);
    endpoint_without_profile(looked, findings);
    integration_nobody_uses(looked, findings);
    profile_that_finds_nothing(looked, findings);
}

fn group_without_profile(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        if matches!(&document.spec, Spec::Group(group) if group.profile.is_none()) {
            let place = looked.directory.key(document, "/spec");
            let message =
                format!("group `{}` has no profile: nothing is done for its endpoints", document.metadata.name);
            findings.push(Diagnostic::warning("OTJ501", place, message));
        }
    }
}

fn endpoint_without_profile(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        if matches!(&document.spec, Spec::Endpoint(it) if it.group.is_none() && it.profile.is_none()) {
            let place = looked.directory.key(document, "/spec");
            let message =
                format!("endpoint `{}` has neither group nor profile: nothing is done for it", document.metadata.name);
            findings.push(Diagnostic::warning("OTJ502", place, message));
        }
    }
}

fn integration_nobody_uses(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut used = BTreeSet::new();
    for document in &looked.directory.documents {
        match &document.spec {
            Spec::Profile(it) => drop(used.insert(it.integration.as_str())),
            Spec::Group(it) => used.extend(it.integration.as_deref()),
            // What a document that does not fit would have used is not known.
            Spec::Misfit => return,
            _ => {}
        }
    }
    for document in &looked.directory.documents {
        let name = document.metadata.name.as_str();
        if matches!(document.spec, Spec::Ics(_) | Spec::CalDav(_)) && !used.contains(name) {
            let place = looked.directory.value(document, "/metadata/name");
            findings.push(Diagnostic::warning(
                "OTJ503",
                place,
                format!("no profile and no group uses integration `{name}`"),
            ));
        }
    }
}

fn profile_that_finds_nothing(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut served = BTreeSet::new();
    for document in &looked.directory.documents {
        match &document.spec {
            Spec::Rule(rule) if rule.enabled != Some(false) && effect::in_effect(rule.rule_type) => {
                served.insert(rule.profile.as_str());
            }
            // What its rule sets find is theirs to say.
            Spec::Profile(it) if it.rule_sets.as_ref().is_some_and(|sets| !sets.is_empty()) => {
                served.insert(document.metadata.name.as_str());
            }
            Spec::Misfit => return,
            _ => {}
        }
    }
    for document in &looked.directory.documents {
        let Spec::Profile(profile) = &document.spec else { continue };
        let name = document.metadata.name.as_str();
        if profile.fallback == Some(Fallback::Never) && !served.contains(name) {
            let place = looked.directory.value(document, "/spec/fallback");
            let message =
                format!("profile `{name}` has no rule in effect and no fallback: no meeting gets a Join button");
            findings.push(Diagnostic::warning("OTJ506", place, message));
        }
    }
}

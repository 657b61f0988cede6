//! OTJ312: rules whose calendar service does not carry what they look for. In a RuleSet such a rule is skipped without a word,
//! since a set serves profiles on several services.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::directory::Spec;
use crate::config::document::Kind;
use crate::config::document::rule::Rule;
use crate::config::names::Set;
use crate::diagnostic::Diagnostic;
use crate::model::desired::RuleType;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let services = services(looked);
    for document in &looked.directory.documents {
        let Spec::Rule(rule) = &document.spec else { continue };
        let Some(kinds) = services.get(rule.profile.as_str()).filter(|kinds| !kinds.is_empty()) else { continue };
        let (Some((field, message)), true) =
            (not_with_google(rule), kinds.iter().all(|kind| *kind == Kind::GoogleIntegration))
        else {
            continue;
        };
        let place = looked.directory.value(document, &format!("/spec/{field}"));
        let finding = Diagnostic::error("OTJ312", place, message);
        findings.push(finding.help(format!("profile `{}` reads Google calendars alone", rule.profile)));
    }
}

/// The kinds of calendar service that each profile reads, its groups' own included. A profile with a service that no document
/// defines is left out.
fn services<'a>(looked: &'a Looked<'_>) -> BTreeMap<&'a str, BTreeSet<Kind>> {
    let mut services: BTreeMap<&str, BTreeSet<Kind>> = BTreeMap::new();
    let mut unknown = BTreeSet::new();
    for document in &looked.directory.documents {
        let (profile, integration) = match &document.spec {
            Spec::Profile(it) => (document.metadata.name.as_str(), it.integration.as_str()),
            Spec::Group(it) => match (it.profile.as_deref(), it.integration.as_deref()) {
                (Some(profile), Some(integration)) => (profile, integration),
                _ => continue,
            },
            _ => continue,
        };
        match looked.names.find(looked.directory, Set::Integration, integration) {
            Some(service) => drop(services.entry(profile).or_default().insert(service.kind)),
            None => drop(unknown.insert(profile)),
        }
    }
    services.retain(|profile, _| !unknown.contains(profile));
    services
}

/// The field that Google calendars do not carry, and why.
fn not_with_google(rule: &Rule) -> Option<(&'static str, &'static str)> {
    match rule.rule_type {
        RuleType::TeamsMeetingProperties => {
            Some(("type", "Google calendars do not carry the properties of Teams meetings"))
        }
        RuleType::Zoom if rule.include_password == Some(true) => {
            Some(("includePassword", "invitations in Google calendars do not carry Zoom's passcode"))
        }
        _ => None,
    }
}

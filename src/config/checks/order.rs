//! The rules of each profile in the order they are tried: its own by priority, those of its rule sets at the set's priority, after
//! own ones of the same. In: the directory. Out: a list a profile. `builtin/standard` is not among them.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::directory::{Document, Spec};
use crate::config::document::Kind;
use crate::config::document::profile::Profile;
use crate::config::document::rule::{Rule, When};
use crate::config::names::Set;
use crate::diagnostic::Place;
use crate::model::desired::RuleType;

use super::fields::Written;
use super::{Looked, fields};

/// Priority of a rule set that names none.
const SET_PRIORITY: u16 = 100;

/// A profile and its rules.
pub(super) struct Order<'a> {
    pub(super) profile: &'a Profile,
    pub(super) rules: Vec<Step<'a>>,
    /// The profile, or a group of it, has an `aliasDomains`: then a rule that finds something may still be passed over.
    pub(super) some_aliases_are_dropped: bool,
    /// A group of it has its own `aliasDomains`.
    pub(super) groups_differ: bool,
}

/// One rule, enabled.
pub(super) struct Step<'a> {
    pub(super) document: &'a Document,
    pub(super) written: Written<'a>,
}

impl Step<'_> {
    pub(super) fn rule(&self) -> &Rule {
        &self.written.rule
    }

    /// Whether several profiles may try it.
    pub(super) fn is_of_a_set(&self) -> bool {
        !matches!(self.document.spec, Spec::Rule(_))
    }

    /// Where a finding about its rank stands: its priority, or in a set its name.
    pub(super) fn place(&self, looked: &Looked<'_>) -> Place {
        let field = if self.is_of_a_set() { "name" } else { "priority" };
        looked.directory.value(self.document, &self.written.field(field))
    }

    /// `` `zoom` (otj.d/rules.yaml:3) ``
    pub(super) fn shown(&self, looked: &Looked<'_>) -> String {
        let place = self.place(looked);
        format!("`{}` ({}:{})", self.written.name, place.file, place.line)
    }

    /// What tells one rule from all others.
    pub(super) fn identity(&self) -> (usize, String, String) {
        (self.document.file, self.document.metadata.name.clone(), self.written.pointer.to_string())
    }
}

/// The orders of all profiles.
pub(super) fn of_profiles<'a>(looked: &'a Looked<'_>) -> Vec<Order<'a>> {
    let mut own: BTreeMap<&str, Vec<&Document>> = BTreeMap::new();
    let (mut varied, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for document in &looked.directory.documents {
        match &document.spec {
            Spec::Rule(rule) => own.entry(&rule.profile).or_default().push(document),
            Spec::Group(group) if group.overrides.as_ref().is_some_and(|it| it.alias_domains.is_some()) => {
                varied.extend(group.profile.as_deref());
            }
            _ => {}
        }
    }
    let profiles = looked.directory.documents.iter().filter_map(|document| match &document.spec {
        Spec::Profile(profile) if seen.insert(document.metadata.name.as_str()) => Some((document, &**profile)),
        _ => None,
    });
    let orders = profiles.map(|(document, profile)| {
        let groups_differ = varied.contains(document.metadata.name.as_str());
        let own = own.get(document.metadata.name.as_str()).map(Vec::as_slice).unwrap_or_default();
        Order {
            profile,
            rules: steps(looked, profile, own),
            some_aliases_are_dropped: profile.alias_domains.is_some() || groups_differ,
            groups_differ,
        }
    });
    orders.collect()
}

fn steps<'a>(looked: &'a Looked<'_>, profile: &Profile, own: &[&'a Document]) -> Vec<Step<'a>> {
    let sets = profile.rule_sets.iter().flatten();
    let sets = sets.filter_map(|name| looked.names.find(looked.directory, Set::Kind(Kind::RuleSet), name));
    let mut ranked: Vec<(u16, bool, &Document)> = own
        .iter()
        .copied()
        .chain(sets)
        .filter_map(|document| match &document.spec {
            Spec::Rule(rule) => Some((rule.priority, false, document)),
            Spec::RuleSet(set) => Some((set.priority.unwrap_or(SET_PRIORITY), true, document)),
            _ => None,
        })
        .collect();
    ranked.sort_by_key(|(priority, of_set, _)| (*priority, *of_set));
    let steps = ranked.into_iter().flat_map(|(_, _, document)| {
        fields::rules(document).into_iter().map(move |written| Step { document, written })
    });
    steps.filter(|step| step.rule().enabled != Some(false)).collect()
}

/// Whether a type looks for anything but one provider's invitations.
pub(super) fn is_generic(rule_type: RuleType) -> bool {
    matches!(rule_type, RuleType::Domain | RuleType::Regex | RuleType::Custom)
}

/// Whether a rule uses its type's own transform.
pub(super) fn by_default(rule: &Rule) -> bool {
    rule.default_processing.unwrap_or(rule.transform.is_none() && rule.replace.is_none())
}

/// Whether every event that `later` applies to is one that `earlier` applies to.
pub(super) fn covers(earlier: Option<&When>, later: Option<&When>) -> bool {
    let Some(earlier) = earlier else { return true };
    let private = earlier.private.is_none() || later.and_then(|it| it.private) == earlier.private;
    let domains = earlier.organizer_domains.as_ref().is_none_or(|wide| {
        let narrow = later.and_then(|it| it.organizer_domains.as_ref());
        narrow.is_some_and(|narrow| narrow.iter().all(|domain| wide.iter().any(|above| is_within(domain, above))))
    });
    private && domains
}

/// Whether `domain` is `above` or below it.
pub(super) fn is_within(domain: &str, above: &str) -> bool {
    let plain = |text: &str| text.trim_end_matches('.').to_lowercase();
    let (domain, above) = (plain(domain), plain(above));
    domain == above || domain.strip_suffix(&above).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_covers_what_is_narrower() {
        let when = |domains: Option<&[&str]>, private| When {
            organizer_domains: domains.map(|list| list.iter().map(|&domain| domain.to_owned()).collect()),
            private,
        };
        let (all, ours) = (when(None, None), when(Some(&["example.com"]), None));
        let (below, secret) = (when(Some(&["eu.Example.com."]), Some(true)), when(None, Some(true)));
        for (earlier, later, expected) in [
            (None, Some(&ours), true),
            (Some(&all), None, true),
            (Some(&ours), None, false),
            (Some(&ours), Some(&below), true),
            (Some(&below), Some(&ours), false),
            (Some(&secret), Some(&below), true),
            (Some(&secret), Some(&ours), false),
        ] {
            assert_eq!(covers(earlier, later), expected, "{earlier:?} {later:?}");
        }
    }
}

//! OTJ522: rules whose addresses the profile's `aliasDomains` drops, all of them; of a rule set, in every profile that uses it.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::document::rule::Rule;
use crate::diagnostic::Diagnostic;
use crate::model::desired::RuleType;

use super::Looked;
use super::order::{self, Order};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let orders = order::of_profiles(looked);
    // A rule of a set is tried in several profiles: it is of use where one of them lets its addresses through.
    let mut of_use = BTreeSet::new();
    let mut dropped = BTreeMap::new();
    for order in &orders {
        for step in &order.rules {
            let Some(domain) = domain_of(step.rule()) else { continue };
            if drops(order, step.rule(), &domain) {
                dropped.entry(step.identity()).or_insert((step, domain));
            } else {
                of_use.insert(step.identity());
            }
        }
    }
    for (_, (step, domain)) in dropped.into_iter().filter(|(identity, _)| !of_use.contains(identity)) {
        let by = if step.is_of_a_set() {
            "the `aliasDomains` of every profile with the set"
        } else {
            "the profile's `aliasDomains`"
        };
        let message = format!("rule `{}` makes addresses at `{domain}`, which {by} drops", step.written.name);
        let finding = Diagnostic::warning("OTJ522", step.place(looked), message);
        findings.push(finding.help(format!("add `{domain}` to `aliasDomains`, or remove the rule")));
    }
}

/// Whether no address at `domain` that `rule` makes gets through in this profile, as far as that can be said.
fn drops(order: &Order<'_>, rule: &Rule, domain: &str) -> bool {
    let Some(allowed) = order.profile.alias_domains.as_ref().filter(|_| !order.groups_differ) else { return false };
    // A `Domain` rule also finds addresses below its domain, which may be allowed.
    let below = rule.rule_type == RuleType::Domain;
    !allowed.iter().any(|each| order::is_within(domain, each) || (below && order::is_within(each, domain)))
}

/// The one domain of a rule's addresses, where there is one.
fn domain_of(rule: &Rule) -> Option<String> {
    if !order::by_default(rule) {
        return None;
    }
    let fixed = match rule.rule_type {
        RuleType::Domain | RuleType::TeamsMeetingProperties | RuleType::GoogleMeetSipGuestJoin => {
            return rule.domain.as_deref().map(|domain| domain.trim_end_matches('.').to_lowercase());
        }
        RuleType::PexipService => "pexip.me",
        RuleType::TeamsSipGuestJoin => "pex.ms",
        RuleType::TeamsBodyPoly => "t.plcm.vc",
        RuleType::TeamsBodyBlueJeans => "teams.bjn.vc",
        RuleType::SkypeForBusinessBodyPoly => "v.plcm.vc",
        RuleType::BlueJeans => "bjn.vc",
        _ => return None,
    };
    Some(fixed.to_owned())
}

//! OTJ522: rules whose addresses the profile's `aliasDomains` drops, all of them.

use std::collections::BTreeSet;

use crate::config::document::rule::Rule;
use crate::diagnostic::Diagnostic;
use crate::model::desired::RuleType;

use super::Looked;
use super::order;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut said = BTreeSet::new();
    for order in order::of_profiles(looked) {
        let Some(allowed) = order.profile.alias_domains.as_ref().filter(|_| !order.groups_differ) else { continue };
        for step in &order.rules {
            let Some(domain) = domain_of(step.rule()) else { continue };
            // A `Domain` rule also finds addresses below its domain, which may be allowed.
            let below = step.rule().rule_type == RuleType::Domain;
            let leaves = |each: &String| order::is_within(&domain, each) || (below && order::is_within(each, &domain));
            if !allowed.iter().any(leaves) && said.insert(step.identity()) {
                let message = format!(
                    "rule `{}` makes addresses at `{domain}`, which the profile's `aliasDomains` drops",
                    step.written.name
                );
                let finding = Diagnostic::warning("OTJ522", step.place(looked), message);
                findings.push(finding.help(format!("add `{domain}` to `aliasDomains`, or remove the rule")));
            }
        }
    }
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

//! OTJ511: rules that find nothing which an earlier rule has not found: the same type, domain and pattern, a condition that is no
//! wider. Where the two make different addresses, it is only said when the earlier one's address cannot be dropped.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::document::rule::Rule;
use crate::diagnostic::Diagnostic;
use crate::model::desired::RuleType;

use super::Looked;
use super::order::{self, Order, Step};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut said = BTreeSet::new();
    for order in order::of_profiles(looked) {
        let mut earlier: BTreeMap<_, Vec<&Step<'_>>> = BTreeMap::new();
        for step in &order.rules {
            let same = earlier.entry(what_is_looked_for(step.rule())).or_default();
            let first = same.iter().find(|first| shadows(&order, first.rule(), step.rule()));
            if let Some(first) = first
                && said.insert(step.identity())
            {
                let message = format!("rule `{}` finds nothing that an earlier rule has not found", step.written.name);
                let help = format!("{} looks for the same; remove one of them", first.shown(looked));
                findings.push(Diagnostic::warning("OTJ511", step.place(looked), message).help(help));
            }
            same.push(step);
        }
    }
}

type LookedFor = (RuleType, Option<String>, Option<String>, Option<String>, Option<String>);

fn what_is_looked_for(rule: &Rule) -> LookedFor {
    let domain = rule.domain.as_deref().map(|domain| domain.trim_end_matches('.').to_lowercase());
    (rule.rule_type, domain, rule.match_pattern.clone(), rule.template.clone(), rule.company_id.clone())
}

fn shadows(order: &Order<'_>, first: &Rule, later: &Rule) -> bool {
    let made = |rule: &Rule| match order::by_default(rule) {
        true => None,
        false => Some((rule.transform.clone(), rule.replace.clone())),
    };
    // A type's own transform always makes an address; one that somebody wrote may make none, and then the next rule is tried.
    let kept = order::by_default(first) && !order::is_generic(first.rule_type) && !order.some_aliases_are_dropped;
    order::covers(first.when.as_ref(), later.when.as_ref()) && (made(first) == made(later) || kept)
}

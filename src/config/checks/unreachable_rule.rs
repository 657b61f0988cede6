//! OTJ510: rules behind one that matches every event. Only what can be proven is said: the earlier one is a `Custom` rule without
//! condition whose template is a plain address, and no `aliasDomains` may drop that address.

use std::collections::BTreeSet;

use crate::config::document::rule::When;
use crate::diagnostic::Diagnostic;
use crate::model::Alias;
use crate::model::desired::RuleType;

use super::Looked;
use super::order::{self, Step};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut said = BTreeSet::new();
    for order in order::of_profiles(looked) {
        let Some(at) = order.rules.iter().position(always_matches).filter(|_| !order.some_aliases_are_dropped) else {
            continue;
        };
        for step in &order.rules[at + 1..] {
            if said.insert(step.identity()) {
                let message =
                    format!("rule `{}` is never tried: a rule before it matches every event", step.written.name);
                let help = format!("that is {}; give it a `when`, or the last priority", order.rules[at].shown(looked));
                findings.push(Diagnostic::warning("OTJ510", step.place(looked), message).help(help));
            }
        }
    }
}

fn always_matches(step: &Step<'_>) -> bool {
    let rule = step.rule();
    let always = order::covers(rule.when.as_ref(), None::<&When>);
    let plain = |text: &str| !text.contains(['{', '}']) && Alias::parse(text.trim()).is_ok();
    rule.rule_type == RuleType::Custom && always && rule.template.as_deref().is_some_and(plain)
}

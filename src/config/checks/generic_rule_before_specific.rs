//! OTJ512: `Domain`, `Regex` and `Custom` rules that are tried before rules for one provider. With a `when` that is on purpose.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;

use super::Looked;
use super::order;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut said = BTreeSet::new();
    for order in order::of_profiles(looked) {
        let specific =
            |at: usize| order.rules[at + 1..].iter().find(|later| !order::is_generic(later.rule().rule_type));
        for (at, step) in order.rules.iter().enumerate() {
            let rule = step.rule();
            if !order::is_generic(rule.rule_type) || rule.when.is_some() {
                continue;
            }
            if let Some(later) = specific(at)
                && said.insert(step.identity())
            {
                let message = format!(
                    "rule `{}` of type {:?} is tried before one for a provider",
                    step.written.name, rule.rule_type
                );
                let help = format!(
                    "give it a higher number than {}, so that it takes what the others leave",
                    later.shown(looked)
                );
                findings.push(Diagnostic::warning("OTJ512", step.place(looked), message).help(help));
            }
        }
    }
}

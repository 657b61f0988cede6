//! OTJ302: rules that lack what their type needs.

use crate::diagnostic::Diagnostic;
use crate::model::desired::RuleType;

use super::{Looked, fields};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        for written in fields::rules(document) {
            let rule = &written.rule;
            let field = match rule.rule_type {
                RuleType::Regex if rule.match_pattern.is_none() => "match",
                RuleType::Custom if rule.template.is_none() => "template",
                RuleType::Domain | RuleType::TeamsMeetingProperties | RuleType::GoogleMeetSipGuestJoin
                    if rule.domain.is_none() =>
                {
                    "domain"
                }
                _ => continue,
            };
            let place = looked.directory.key(document, &written.pointer);
            let message = format!("rules of type {:?} need `{field}`", rule.rule_type);
            findings.push(Diagnostic::error("OTJ302", place, message));
        }
    }
}

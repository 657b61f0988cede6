//! OTJ303: fields that rules of the type do not use.

use crate::config::directory::Document;
use crate::diagnostic::Diagnostic;
use crate::model::desired::RuleType;

use super::fields::Written;
use super::{Looked, fields};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        for written in fields::rules(document) {
            judge(looked, document, &written, findings);
        }
    }
}

fn judge(looked: &Looked<'_>, document: &Document, written: &Written<'_>, findings: &mut Vec<Diagnostic>) {
    use RuleType::{Custom, Domain, GoogleMeetSipGuestJoin, Regex, TeamsMeetingProperties, TeamsSipGuestJoin, Zoom};
    let rule = &written.rule;
    let fields: [(&str, bool, &[RuleType]); 6] = [
        ("includePassword", rule.include_password == Some(true), &[Zoom]),
        ("companyId", rule.company_id.is_some(), &[TeamsSipGuestJoin, GoogleMeetSipGuestJoin]),
        ("domain", rule.domain.is_some(), &[Domain, TeamsMeetingProperties, GoogleMeetSipGuestJoin]),
        ("match", rule.match_pattern.is_some(), &[Regex]),
        ("replace", rule.replace.is_some(), &[Regex]),
        ("template", rule.template.is_some(), &[Custom]),
    ];
    let mut useless: Vec<&str> = fields
        .into_iter()
        .filter(|(_, written, types)| *written && !types.contains(&rule.rule_type))
        .map(|(field, ..)| field)
        .collect();
    if rule.transform.is_some() && matches!(rule.rule_type, Regex | Custom) {
        useless.push("transform");
    }
    for field in useless {
        let place = looked.directory.key(document, &written.field(field));
        let message = format!("`{field}` has no effect on rules of type {:?}", rule.rule_type);
        findings.push(Diagnostic::warning("OTJ303", place, message));
    }
}

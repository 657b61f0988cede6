//! OTJ301 to OTJ306: rules that cannot be tried in order, lack what their type needs, or hold patterns that are none.

use std::collections::BTreeMap;

use crate::config::directory::{Document, Spec};
use crate::config::document::rule::Rule;
use crate::diagnostic::Diagnostic;
use crate::model::desired::RuleType;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    priority_used_twice(looked, findings);
    for document in &looked.directory.documents {
        match &document.spec {
            Spec::Rule(rule) => {
                field_of_type_missing(looked, document, rule, findings);
                field_without_use(looked, document, rule, findings);
                pattern_that_is_none(looked, document, rule, findings);
            }
            Spec::Profile(profile) => {
                let template = profile.replace_subject_template.as_deref();
                template_that_is_none(looked, document, "/spec/replaceSubjectTemplate", template, findings);
            }
            Spec::Group(group) => {
                let template = group.overrides.as_ref().and_then(|it| it.replace_subject_template.as_deref());
                template_that_is_none(looked, document, "/spec/overrides/replaceSubjectTemplate", template, findings);
            }
            _ => {}
        }
    }
}

fn priority_used_twice(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<(&str, u16), &Document> = BTreeMap::new();
    for document in &looked.directory.documents {
        let Spec::Rule(rule) = &document.spec else { continue };
        let key = (rule.profile.as_str(), rule.priority);
        let Some(other) = first.get(&key) else {
            first.insert(key, document);
            continue;
        };
        let place = looked.directory.value(document, "/spec/priority");
        let message = format!("priority {} of profile `{}` is used twice", rule.priority, rule.profile);
        let help = format!("the first is rule `{}` ({})", other.metadata.name, looked.directory.at(other));
        findings.push(Diagnostic::error("OTJ301", place, message).help(help));
    }
}

fn field_of_type_missing(looked: &Looked<'_>, document: &Document, rule: &Rule, findings: &mut Vec<Diagnostic>) {
    let field = match rule.rule_type {
        RuleType::Regex if rule.match_pattern.is_none() => "match",
        RuleType::Custom if rule.template.is_none() => "template",
        RuleType::Domain | RuleType::TeamsMeetingProperties | RuleType::GoogleMeetSipGuestJoin
            if rule.domain.is_none() =>
        {
            "domain"
        }
        _ => return,
    };
    let place = looked.directory.key(document, "/spec");
    findings.push(Diagnostic::error("OTJ302", place, format!("rules of type {:?} need `{field}`", rule.rule_type)));
}

fn field_without_use(looked: &Looked<'_>, document: &Document, rule: &Rule, findings: &mut Vec<Diagnostic>) {
    use RuleType::{Custom, Domain, GoogleMeetSipGuestJoin, Regex, TeamsMeetingProperties, TeamsSipGuestJoin, Zoom};
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
        let place = looked.directory.key(document, &format!("/spec/{field}"));
        let message = format!("`{field}` has no effect on rules of type {:?}", rule.rule_type);
        findings.push(Diagnostic::warning("OTJ303", place, message));
    }
}

fn pattern_that_is_none(looked: &Looked<'_>, document: &Document, rule: &Rule, findings: &mut Vec<Diagnostic>) {
    if let Some(Err(reason)) = rule.match_pattern.as_deref().map(crate::rules::check_regex) {
        let place = looked.directory.value(document, "/spec/match");
        let message = format!("this is not a regular expression: {}", one_line(&reason));
        findings.push(Diagnostic::error("OTJ304", place, message));
    }
    template_that_is_none(looked, document, "/spec/transform", rule.transform.as_deref(), findings);
    template_that_is_none(looked, document, "/spec/template", rule.template.as_deref(), findings);
}

fn template_that_is_none(
    looked: &Looked<'_>,
    document: &Document,
    pointer: &str,
    template: Option<&str>,
    findings: &mut Vec<Diagnostic>,
) {
    if let Some(Err(reason)) = template.map(crate::rules::check_template) {
        let place = looked.directory.value(document, pointer);
        let message = format!("this is not a usable template: {}", one_line(&reason));
        findings.push(Diagnostic::error("OTJ305", place, message));
    }
}

fn one_line(reason: &str) -> String {
    reason.split_whitespace().collect::<Vec<_>>().join(" ")
}

//! The rule engine on invitations: the corpus, and whole evaluations.

mod advice;
mod aliases;
mod chain;
mod corpus;
mod mail;
mod python;
mod table;
mod verbs;

use std::collections::BTreeMap;

use otj::model::{MatchedBy, Protocol};
use otj::rules::{Chain, Outcome};

use corpus::Case;

/// What is wrong with the outcome of a case; empty: nothing.
fn faults(case: &Case, outcome: &Outcome) -> Vec<String> {
    let alias = outcome.verdict.alias.as_ref().map(|alias| alias.as_str().to_owned());
    let expected = &case.expected;
    let by_pattern = |alias: &String| {
        expected.alias_pattern.as_ref().is_some_and(|pattern| regex::Regex::new(pattern).unwrap().is_match(alias))
    };
    if alias != expected.alias {
        let accepted = expected.also_accepted.contains(&alias) || alias.as_ref().is_some_and(by_pattern);
        return if accepted { vec![] } else { vec![format!("alias {alias:?}, expected {:?}", expected.alias)] };
    }
    let (by, rule) = match &outcome.verdict.by {
        MatchedBy::Rule(rule) => ("rule", Some(rule.as_str())),
        MatchedBy::Fallback => ("fallback", None),
        MatchedBy::None => ("none", None),
    };
    let mut faults = vec![];
    if expected.matched_by.as_deref().is_some_and(|expected| expected != by) {
        faults.push(format!("matched by {by}, expected {:?}", expected.matched_by));
    }
    if expected.matched_rule.as_deref() != rule {
        faults.push(format!("rule {rule:?}, expected {:?}", expected.matched_rule));
    }
    for (name, value) in &expected.variables {
        if outcome.variables().get(name.as_str()) != Some(value) {
            faults.push(format!("{name} is {:?}, expected {value:?}", outcome.variables().get(name.as_str())));
        }
    }
    let protocol = match outcome.verdict.protocol {
        Protocol::Auto => None,
        Protocol::Sip => Some("sip"),
        Protocol::H323 => Some("h323"),
    };
    if expected.protocol.is_some() && expected.protocol.as_deref() != protocol {
        faults.push(format!("protocol {protocol:?}, expected {:?}", expected.protocol));
    }
    faults
}

#[test]
fn every_invitation_of_a_built_type_gives_its_alias() {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut failed = vec![];
    for (family, cases) in corpus::all() {
        for case in cases {
            let outcome = Chain::compile(&case.evaluation()).process(&case.event(), "UTC");
            let count = counts.entry(family.clone()).or_default();
            if case.confidence == "undocumented" {
                count.1 += 1;
                continue;
            }
            let faults = faults(&case, &outcome);
            if faults.is_empty() {
                count.0 += 1;
            } else {
                let tried: Vec<_> = outcome.trace.tried().map(|tried| tried.why.to_string()).collect();
                failed.push(format!("{family}/{}: {}; tried: {}", case.name, faults.join("; "), tried.join(", ")));
            }
        }
    }
    for (family, (passed, skipped)) in &counts {
        eprintln!("{family:>24}: {passed:>3} passed, {skipped:>3} skipped");
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
    for family in ["zoom", "webex", "teams_pexip_service", "domain", "regex", "custom", "fallback", "hostile"] {
        assert!(counts.get(family).is_some_and(|(passed, skipped)| *passed > 0 && *skipped == 0), "{family}");
    }
}

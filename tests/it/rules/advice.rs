//! Why there is no address, and what to do: one invitation for each reason.

use otj::model::desired::{RuleType, When};
use otj::model::{Body, EvaluationSpec, RuleSpec};
use otj::rules::{Chain, advise};

use super::corpus::{evaluation, event, rule};

const ZOOM: &str = "Join Zoom Meeting\nhttps://example.zoom.us/j/91234567890\n";
const MIMECAST: &str = "Join: https://protect-eu.mimecast.com/s/AbCdEfGhIjKlMnOpQrStU?domain=example.zoom.us";

/// The reason and whether an address that there would be is named, for a profile with `rules`.
fn reason(spec: &EvaluationSpec, body: &str) -> String {
    let mut event = event(body);
    if body.is_empty() {
        event.body = Body::None;
    }
    let outcome = Chain::compile(spec).process(&event, "UTC");
    let Some(advice) = advise(spec, &event, "UTC", &outcome) else { return "an address".into() };
    let rule = advice.rule.map_or_else(String::new, |rule| format!(" rule {}", rule.as_str()));
    let of_type = advice.rule_type.map_or_else(String::new, |of_type| format!(" {of_type:?}"));
    let gives = advice.would_give.map_or_else(String::new, |alias| format!(" {}", alias.expose()));
    format!("{:?}{rule}{of_type}{gives}", advice.reason)
}

fn zoom() -> RuleSpec {
    rule("zoom", 10, RuleType::Zoom)
}

#[test]
fn every_reason_for_having_no_address_is_told_with_the_rule_it_is_about() {
    let with = |rules: Vec<RuleSpec>| evaluation(rules);
    let no_fallback = EvaluationSpec { fallback: false, ..with(vec![]) };
    let only_example = EvaluationSpec { alias_domains: Some(vec!["example.com".into()]), ..with(vec![zoom()]) };
    let disabled = with(vec![RuleSpec { enabled: false, ..zoom() }]);
    let elsewhere = When { organizer_domains: Some(vec!["partner.example".into()]), ..When::default() };
    let waits = with(vec![RuleSpec { when: elsewhere, ..zoom() }]);
    let unusable = RuleSpec { transform: Some("not an address".into()), default_processing: false, ..zoom() };
    let long = format!("{}{ZOOM}", "word ".repeat(otj::invitation::BODY_MAX / 5 + 1));
    let cases = [
        ("a rule matches", with(vec![zoom()]), ZOOM, "an address"),
        ("its domain is not allowed", only_example, ZOOM, "NotAllowed rule zoom Zoom 91234567890@zoomcrc.com"),
        ("its rule is disabled", disabled, ZOOM, "RuleDisabled rule zoom Zoom 91234567890@zoomcrc.com"),
        ("its rule waits for others", waits, ZOOM, "RuleCondition rule zoom Zoom 91234567890@zoomcrc.com"),
        ("no rule of its type", with(vec![]), ZOOM, "NoRuleOfType Zoom 91234567890@zoomcrc.com"),
        ("its rule gives no address", with(vec![unusable]), ZOOM, "RuleFailed rule zoom Zoom"),
        ("the fallback is off", no_fallback, "dial sip:board@example.com", "FallbackOff board@example.com"),
        ("its link is sealed", with(vec![zoom()]), MIMECAST, "OnlyRewriterReads rule zoom Zoom"),
        (
            "a host and no meeting",
            with(vec![zoom()]),
            "see https://example.zoom.us/pricing",
            "NothingToDial rule zoom Zoom",
        ),
        ("no text", with(vec![zoom()]), "", "NoText"),
        ("too long", with(vec![zoom()]), &long, "Cut"),
        ("nothing at all", with(vec![zoom()]), "lunch", "NothingFound"),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .map(|(case, spec, body, expected)| (case, reason(spec, body), expected))
        .filter(|(_, found, expected)| found != *expected)
        .map(|(case, found, expected)| format!("{case}: {found}, expected {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! Rules that profiles share: where they stand among a profile's own, what they are called, which are skipped and why.

use otj::config::{LoadOptions, Snapshot};
use otj::model::desired::RuleType;
use otj::model::{EvaluationSpec, Event, ProfileName};
use otj::rules::{Chain, Why};

use super::{listed, loaded};

const SITE: &str = "\
apiVersion: otj/v1
kind: IcsIntegration
metadata: {name: calendars}
spec: {directory: calendars}
---
apiVersion: otj/v1
kind: GoogleIntegration
metadata: {name: google}
spec: {serviceAccounts: [{email: otj@project.example.com, privateKey: {file: key.json}}]}
---
apiVersion: otj/v1
kind: Profile
metadata: {name: hq}
spec: {integration: calendars, ruleSets: [late, shared, late, builtin/standard]}
---
apiVersion: otj/v1
kind: Profile
metadata: {name: lab}
spec: {integration: google, ruleSets: [builtin/standard]}
---
apiVersion: otj/v1
kind: Profile
metadata: {name: bare}
spec: {integration: calendars}
---
apiVersion: otj/v1
kind: Rule
metadata: {name: own}
spec: {profile: hq, priority: 20, type: Zoom}
---
apiVersion: otj/v1
kind: Rule
metadata: {name: last}
spec: {profile: hq, priority: 150, type: Domain, domain: example.com}
---
apiVersion: otj/v1
kind: RuleSet
metadata: {name: shared}
spec:
  priority: 20
  rules:
    - {name: webex, type: Webex}
    - {name: zoom, type: Zoom, includePassword: true, enabled: false}
---
apiVersion: otj/v1
kind: RuleSet
metadata: {name: late}
spec: {rules: [{name: pexip, type: PexipService}]}
";

fn rules(text: &str, profile: &str) -> EvaluationSpec {
    let loaded = loaded(&Snapshot::of_texts(&[("a.yaml", text)]), &LoadOptions::default());
    let desired = loaded.desired.unwrap_or_else(|| panic!("{}", listed("", &loaded.diagnostics)));
    let profile = &desired.profiles[&ProfileName::parse(profile).unwrap()];
    (*desired.evaluations[&profile.evaluation]).clone()
}

#[test]
fn a_sets_rules_stand_at_its_priority_in_their_order_after_the_profiles_own() {
    let hq = rules(SITE, "hq");
    let names: Vec<_> = hq.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names[..4], ["own", "shared/webex", "shared/zoom", "late/pexip"]);
    assert_eq!(names[4..6], ["builtin/standard/PexipInfinity", "builtin/standard/PexipService"]);
    assert_eq!(names.last(), Some(&"last"));
    let zoom = &hq.rules[2];
    assert_eq!((zoom.priority, zoom.include_password, zoom.enabled), (20, true, false));
    assert!(rules(SITE, "bare").rules.is_empty());
    // The order survives compiling: what is tried is what is listed.
    let trace = Chain::compile(&hq).process(&event("nothing here"), "UTC").trace;
    let tried: Vec<_> = trace.tried().filter_map(|it| Some(it.rule?.name.as_str())).collect();
    assert_eq!(tried, names);
}

#[test]
fn the_standard_set_has_every_providers_type_and_says_which_it_skips() {
    let lab = rules(SITE, "lab");
    assert_eq!(lab.rules.len(), 17);
    assert!(
        !lab.rules.iter().any(|rule| matches!(rule.rule_type, RuleType::Domain | RuleType::Regex | RuleType::Custom))
    );
    let outcome = Chain::compile(&lab).process(&event("https://pexip.me/meet/4711"), "UTC");
    assert_eq!(outcome.verdict.alias.unwrap().as_str(), "4711@pexip.me");
    let trace = Chain::compile(&lab).process(&event("nothing"), "UTC").trace;
    let why = |rule_type| {
        trace.tried().find(|it| it.rule.is_some_and(|rule| rule.rule_type == rule_type)).unwrap().why.clone()
    };
    assert_eq!(why(RuleType::TeamsMeetingProperties), Why::NotCarried, "Google has no properties of Teams");
    assert_eq!(why(RuleType::Zoom), Why::NothingFound);
    // A group on another service can carry what the profile's own cannot.
    let hybrid = format!(
        "{SITE}---\napiVersion: otj/v1\nkind: EndpointGroup\nmetadata: {{name: g}}\nspec: {{profile: lab, integration: calendars}}\n"
    );
    assert!(rules(&hybrid, "lab").rules.iter().all(|rule| rule.carried));
}

#[test]
fn a_rule_whose_whole_name_is_too_long_is_refused_where_it_is_named() {
    let long = "x".repeat(245);
    let text = format!(
        "{SITE}---\napiVersion: otj/v1\nkind: RuleSet\nmetadata: {{name: shared2}}\nspec:\n  rules:\n    - {{name: {long}, type: Zoom}}\n"
    );
    let loaded = loaded(&Snapshot::of_texts(&[("a.yaml", &text)]), &LoadOptions::default());
    assert!(loaded.desired.is_none());
    let line = text.lines().count();
    let said = listed("", &loaded.diagnostics);
    assert!(said.contains(&format!("OTJ101 otj.d/a.yaml:{line}\n")), "{said}");
}

fn event(body: &str) -> Event {
    otj::config::event_from_json(&serde_json::to_vec(&serde_json::json!({"body": body})).unwrap()).unwrap().event
}

//! Chains as a whole: order, conditions, what a broken rule costs, allow-lists, titles, reuse.

use otj::model::desired::{RuleType, When};
use otj::model::{
    Agenda, Body, Complete, Confidential, Digest, EvaluationSpec, Event, IntegrationName, MatchedBy, Proof, Protocol,
    RoomEmail, RoomKey, RuleSpec, Window,
};
use otj::rules::{Chain, Outcome, Why, evaluate};

use super::corpus::{evaluation, event, rule};

fn custom(name: &str, priority: u16, template: &str) -> RuleSpec {
    RuleSpec { template: Some(template.into()), ..rule(name, priority, RuleType::Custom) }
}

fn regex(name: &str, priority: u16, pattern: &str) -> RuleSpec {
    RuleSpec { match_pattern: Some(pattern.into()), ..rule(name, priority, RuleType::Regex) }
}

fn process(rules: Vec<RuleSpec>, event: &Event) -> Outcome {
    Chain::compile(&evaluation(rules)).process(event, "Europe/Oslo")
}

fn alias(outcome: &Outcome) -> Option<&str> {
    outcome.verdict.alias.as_ref().map(|alias| alias.as_str())
}

fn labels(outcome: &Outcome) -> Vec<&'static str> {
    outcome.trace.tried().map(|tried| tried.why.label()).collect()
}

#[test]
fn a_rule_that_fails_says_why_and_the_next_one_is_tried() {
    let rules = vec![
        RuleSpec { enabled: false, ..custom("off", 1, "a@b.example") },
        rule("no property", 2, RuleType::SkypeForBusiness),
        regex("broken pattern", 3, "([unclosed"),
        custom("broken template", 4, "{{ nothing"),
        custom("failing template", 5, "{{ calendar_event.nothing.deeper }}"),
        custom("empty", 6, "  \n "),
        custom("no address", 7, "two words"),
        regex("not there", 8, "absent"),
        regex("endless", 9, r"(?:a(?!b)|a(?!c))*d"),
        RuleSpec { domain: None, ..rule("no domain", 10, RuleType::Domain) },
        custom("right", 11, "\n found@b.example\n"),
        custom("later", 12, "later@b.example"),
    ];
    let outcome = process(rules, &event(&"a".repeat(200)));
    assert_eq!(alias(&outcome), Some("found@b.example"));
    assert_eq!(
        labels(&outcome),
        [
            "Disabled",
            "NoProperty",
            "CannotRun",
            "CannotRun",
            "TemplateFailed",
            "NoOutput",
            "Refused",
            "NothingFound",
            "SearchGivenUp",
            "CannotRun",
            "Matched"
        ]
    );
}

#[test]
fn conditions_decide_before_a_rule_looks() {
    let when = |domains: Option<&[&str]>, private| When {
        organizer_domains: domains.map(|domains| domains.iter().map(|each| (*each).to_owned()).collect()),
        private,
    };
    for (when, expected) in [
        (when(None, None), "Matched"),
        (when(Some(&["example.com"]), None), "Matched"),
        (when(Some(&["ample.com"]), None), "OtherOrganizer"),
        (when(Some(&[]), None), "OtherOrganizer"),
        (when(None, Some(true)), "OtherPrivacy"),
        (when(Some(&["MAIL.example.com"]), Some(false)), "Matched"),
    ] {
        let outcome = process(vec![RuleSpec { when: when.clone(), ..custom("r", 1, "a@b.example") }], &event(""));
        assert_eq!(labels(&outcome)[0], expected, "{when:?}");
    }
}

#[test]
fn an_alias_outside_the_list_is_no_match_whatever_found_it() {
    let limited = |rules| EvaluationSpec { alias_domains: Some(vec!["good.example".into()]), ..evaluation(rules) };
    let body = event("regex@evil.example sip:x@evil.example sip:+4755@good.example sip:y@vc.good.example");
    let rules = vec![regex("r", 1, r"\w+@evil\.example"), custom("c", 2, "1@evil.example")];
    let outcome = Chain::compile(&limited(rules)).process(&body, "UTC");
    assert_eq!(labels(&outcome), ["DomainNotAllowed", "DomainNotAllowed", "Matched"]);
    assert_eq!((alias(&outcome), &outcome.verdict.by), (Some("y@vc.good.example"), &MatchedBy::Fallback));
    assert_eq!(outcome.verdict.protocol, Protocol::Sip);
    let none = EvaluationSpec { fallback: false, ..limited(vec![]) };
    assert_eq!(alias(&Chain::compile(&none).process(&body, "UTC")), None);
}

#[test]
fn templates_see_times_as_a_clock_in_the_room_shows_them() {
    let template = "{{ calendar_event.start_time.day }}-{{ calendar_event.start_time.hour }}-{{ calendar_event.end_time.minute }}.{{ calendar_event.is_private|lower }}@x.example";
    assert_eq!(alias(&process(vec![custom("c", 1, template)], &event(""))), Some("6-0-30.false@x.example"));
}

#[test]
fn a_rules_protocol_and_a_scheme_are_kept_beside_the_alias() {
    let h323 = RuleSpec { protocol: Protocol::H323, ..custom("c", 1, "4711@gk.example") };
    assert_eq!(process(vec![h323], &event("")).verdict.protocol, Protocol::H323);
    let outcome = process(vec![custom("c", 1, "sips:a@b.example")], &event(""));
    assert_eq!((alias(&outcome), outcome.verdict.protocol), (Some("a@b.example"), Protocol::Sip));
}

#[test]
fn a_trace_shows_nothing_to_a_log() {
    let body = event("https://nam.safelinks.protection.outlook.com/?url=https%3A%2F%2Fcanary.example%2F");
    let outcome = process(vec![custom("c", 1, "{{ calendar_event.body|canary }}")], &body);
    assert_eq!(outcome.trace.links.len(), 1);
    assert!(!format!("{outcome:?}").contains("canary.example"));
}

fn agenda(events: Vec<Event>) -> (Agenda, Vec<Event>, RoomEmail) {
    let email = RoomEmail::parse("fjord@example.com").unwrap();
    let window = Window { from: "2026-07-01T00:00:00Z".parse().unwrap(), to: "2026-08-01T00:00:00Z".parse().unwrap() };
    let complete =
        Complete { proof: Proof::Simulated, window, events, unreadable: vec![], time_zone: None, left_out: vec![] };
    let key = RoomKey { integration: IntegrationName::parse("sim").unwrap(), email: email.clone() };
    let (agenda, events) = Agenda::from_complete(key, complete, &[]);
    (agenda, events, email)
}

#[test]
fn meetings_follow_the_agenda_and_are_taken_over_while_event_and_rules_stay() {
    let events: Vec<Event> =
        ["u2", "u1", "u3"].iter().map(|uid| Event { uid: (*uid).into(), ..event("sip:a@b.example") }).collect();
    let (agenda, mut events, room) = agenda(events);
    events.reverse();
    let spec = EvaluationSpec {
        replace_subject_template: Some("Meeting of {{ calendar_event.organizer_email }}\n".into()),
        ..evaluation(vec![])
    };
    let chain = Chain::compile(&spec);
    let first = evaluate(&chain, &room, &agenda, &events, "UTC", None);
    let ids: Vec<_> = first.list.iter().map(|meeting| &meeting.id).collect();
    assert_eq!(ids, agenda.entries.iter().map(|entry| &entry.id).collect::<Vec<_>>());
    assert_eq!(first.list[0].organizer_name.expose(), "dana@mail.example.com");
    assert_eq!(first.list[0].replacement.as_ref().unwrap().expose(), "Meeting of dana@mail.example.com");

    // Marked, so that what is taken over shows.
    let mut marked = first.clone();
    for meeting in &mut marked.list {
        meeting.subject = Confidential::new("taken over");
    }
    let again = evaluate(&chain, &room, &agenda, &[], "UTC", Some(&marked));
    assert!(again.list.iter().all(|meeting| meeting.subject.expose() == "taken over"));

    let other_rules = Chain::compile(&EvaluationSpec { digest: Digest::of([b"other".as_slice()]), ..spec });
    let anew = evaluate(&other_rules, &room, &agenda, &events, "UTC", Some(&marked));
    assert!(anew.list.iter().all(|meeting| meeting.subject.expose() == "Weekly"));
    assert_eq!(anew.rules, other_rules.digest());
}

#[test]
fn a_template_that_fails_leaves_the_title_to_the_organizers_name() {
    for template in ["{{ calendar_event.nothing.deeper }}", "", "{{ broken", "{{ '' }}"] {
        let spec = EvaluationSpec { replace_subject_template: Some(template.into()), ..evaluation(vec![]) };
        assert_eq!(otj::rules::replacement(&Chain::compile(&spec), &event(""), "UTC"), None, "{template}");
    }
}

#[test]
fn a_body_built_to_cost_time_costs_none() {
    let bodies = [
        "a@".repeat(500_000),
        "https://".repeat(120_000),
        "https://nam.safelinks.protection.outlook.com/?url=https%3A%2F%2Fx.example%2F ".repeat(12_000),
        "sip:".repeat(250_000),
        "Meeting ID: 882 3981 4437\n".repeat(40_000),
        "https://zoom.us/j/88239814437 ".repeat(30_000) + &",,88239814437#".repeat(30_000),
        "teams@x.example\n".repeat(60_000) + "https://protect-eu.mimecast.com/s/a?domain=pexip.me",
        "1 ".repeat(500_000),
        "<a href=x ".repeat(100_000),
        "&#".repeat(500_000),
    ];
    let spec = evaluation(vec![
        rule("zoom", 1, RuleType::Zoom),
        rule("webex", 2, RuleType::Webex),
        rule("teams", 3, RuleType::TeamsBodyPexipService),
        regex("regex", 4, r"(\w+)@nowhere\.example"),
        RuleSpec { domain: Some("nowhere.example".into()), ..rule("domain", 5, RuleType::Domain) },
    ]);
    let chain = Chain::compile(&spec);
    for body in bodies {
        for body in [Body::Text(Confidential::new(&*body)), Body::Html(Confidential::new(&*body))] {
            let clock = otj::model::Clock::system();
            let begun = clock.now().mono;
            let outcome = chain.process(&Event { body, ..event("") }, "UTC");
            let took = begun.until(clock.now().mono);
            // Far above what it takes without optimization, far below what anything quadratic takes.
            assert!(took.as_secs() < 20, "{took:?}: {:?}", labels(&outcome));
            assert!(!outcome.trace.tried().any(|tried| *tried.why == Why::Fault));
        }
    }
}

#[test]
fn what_is_made_at_random_is_the_same_at_every_reading_of_an_event() {
    let template = "{{ pex_random_pin(6) }}.{{ pex_random_pin(6) }}.{{ pex_uuid4() }}@x.example";
    let made = |uid: &str| {
        let outcome = process(vec![custom("c", 1, template)], &Event { uid: uid.into(), ..event("") });
        alias(&outcome).unwrap().to_owned()
    };
    let (first, again, other) = (made("u1"), made("u1"), made("u2"));
    assert_eq!(first, again);
    assert_ne!(first, other);
    let (one, rest) = first.split_once('.').unwrap();
    assert!(one.len() == 6 && one.bytes().all(|byte| byte.is_ascii_digit()) && !rest.starts_with(one), "{first}");
}

#[test]
fn the_title_of_a_private_meeting_is_in_nothing_that_is_shown_of_it() {
    use otj::model::desired::{ReplaceSubject, View};
    let view = View::default();
    let private = Event { private: true, subject: Confidential::new("canary merger"), ..event("sip:a@b.example") };
    let (agenda, events, room) = agenda(vec![private]);
    for (template, expected) in [
        (None, "dana@mail.example.com"),
        (Some(""), "dana@mail.example.com"),
        (Some("{{ calendar_event.nothing.deeper }}"), "dana@mail.example.com"),
        (Some("{{ broken"), "dana@mail.example.com"),
        (Some("{% if false %}{{ calendar_event.subject }}{% endif %}"), "dana@mail.example.com"),
        (Some("{{ calendar_event.subject|pex_require_min_length(99) }}"), "dana@mail.example.com"),
        (Some("Busy\n until {{ '%02d'|format(calendar_event.end_time.hour) }}"), "Busy until 01"),
    ] {
        let spec = EvaluationSpec {
            replace_subject_template: template.map(str::to_owned),
            ..evaluation(vec![custom("c", 1, "{{ calendar_event.subject }}")])
        };
        let meetings = evaluate(&Chain::compile(&spec), &room, &agenda, &events, "Europe/Oslo", None);
        for replace_subject in [ReplaceSubject::PrivateOnly, ReplaceSubject::Always] {
            let shown = otj::meetings::shown(&meetings.list[0], &View { replace_subject, ..view.clone() }).unwrap();
            assert_eq!(shown.subject.expose(), expected, "{template:?}");
            assert!(shown.call.is_some());
        }
        assert!(!format!("{meetings:?}").contains("canary"));
    }
}

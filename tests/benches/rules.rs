//! `cargo bench --profile dist --bench rules`, as the program is shipped: how many invitations a second one thread takes through a
//! chain of all twenty types, over the corpus, beside the same job in Python and a plain scan of the same bytes.
//!
//! | row | |
//! |---|---|
//! | otj | this engine, trace included |
//! | python | `rules_reference.py`: `re`, html.parser, precompiled Jinja2; its start and the JSON it reads are not counted |
//! | scan | what `grep -iF -f hosts` does: one Aho-Corasick pass over the bodies as the calendar has them, tags and all, with the automaton and the prefilter that the library itself chooses for these hosts |
//!
//! A row's figure is the median of its passes over all cases, in time on the processor, so that it does not matter what else the
//! machine does. The hostile family and
//! other bodies above 64 KiB are measured by themselves. `OTJ_TEST_PYTHON` names another interpreter; it needs jinja2.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

#[allow(dead_code)]
#[path = "../it/rules/corpus.rs"]
mod corpus;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use aho_corasick::AhoCorasick;
use otj::model::desired::RuleType;
use otj::model::{Agenda, Body, Complete, Event, IntegrationName, Proof, RoomEmail, RoomKey, RuleSpec, Window};
use otj::rules::{Chain, evaluate};
use serde_json::json;

/// How long each row is measured.
const SPAN: Duration = Duration::from_secs(3);

/// Where the providers' meetings are: what somebody would give to `grep -iF -f`.
const HOSTS: &[&str] = &[
    "pexip://",
    "pexip.me",
    "/teams/?conf=",
    "dialin.plcm.vc",
    "t.plcm.vc",
    "v.plcm.vc",
    "teams.bjn.vc",
    "m.webex.com",
    "webex.com",
    "teams.microsoft.com",
    "teams.cloud.microsoft",
    "teams.live.com",
    "teams.microsoft.us",
    "meet.google.com",
    "meet.lync.com",
    "zoom.us",
    "zoom.com",
    "zoom-x.de",
    "zoomgov.com",
    "zoomcrc.com",
    "zmeu.us",
    "bluejeans.com",
    "bjn.vc",
    "gotomeeting.com",
    "goto.com",
    "gotomeet.me",
    "sip:",
    "sips:",
    "h323:",
];

/// Longest ordinary body, in bytes. Longer ones are made to cost time: one takes the reference two minutes.
const LONG: usize = 64 << 10;

/// One invitation of the corpus.
struct Invitation {
    name: String,
    event: Event,
}

fn main() {
    let (mut ordinary, mut hostile) = (vec![], vec![]);
    for (family, cases) in corpus::all() {
        for case in cases {
            let name = format!("{family}/{}", case.name);
            let event = Event { uid: name.clone(), ..case.event() };
            let apart = family == "hostile" || source(&event).len() > LONG;
            if apart { &mut hostile } else { &mut ordinary }.push(Invitation { name, event });
        }
    }
    let chain = Chain::compile(&corpus::evaluation(rules()));
    let bytes: usize = ordinary.iter().map(|each| source(&each.event).len()).sum();
    println!("{} ordinary invitations of {} bytes on average", ordinary.len(), bytes / ordinary.len());

    let engine = median_pass(|| ordinary.iter().for_each(|each| drop(chain.process(&each.event, "Europe/Oslo"))));
    let reference = reference(&chain, &ordinary);
    let hosts = AhoCorasick::builder().ascii_case_insensitive(true).build(HOSTS).unwrap();
    let scan = median_pass(|| {
        let found: usize = ordinary.iter().map(|each| hosts.find_iter(source(&each.event)).count()).sum();
        std::hint::black_box(found);
    });

    let row = |name: &str, pass: Duration| {
        let each = pass / u32::try_from(ordinary.len()).unwrap();
        let second = |count: usize| count_f64(count) / pass.as_secs_f64();
        println!(
            "{name:>8}: {:>9.0} invitations/s, {:>8.2} MB/s, {each:>9.2?} each",
            second(ordinary.len()),
            second(bytes) / 1e6
        );
    };
    row("otj", engine);
    if let Some(reference) = reference {
        row("python", reference);
        println!("{:>8}: {:.1} (goal: at least 30)", "otj is", reference.as_secs_f64() / engine.as_secs_f64());
    }
    row("scan", scan);
    println!(
        "{:>8}: {:.2} times the time of a scan (goal: at most 5)",
        "otj is",
        engine.as_secs_f64() / scan.as_secs_f64()
    );
    longest("ordinary", &chain, &ordinary);
    longest("hostile", &chain, &hostile);
    unchanged(&chain, &ordinary);
    let compiling = median_pass(|| drop(Chain::compile(&corpus::evaluation(rules()))));
    println!("compiling the chain: {compiling:.2?}");
}

/// One rule of each type. Those that dial what the invitation names come before those that dial guests.
fn rules() -> Vec<RuleSpec> {
    let guests = [RuleType::TeamsSipGuestJoin, RuleType::GoogleMeetSipGuestJoin];
    let mut types = RuleType::ALL;
    types.sort_by_key(|rule_type| match rule_type {
        RuleType::Regex => 3,
        RuleType::Custom => 4,
        RuleType::Domain => 5,
        other => u8::from(guests.contains(other)),
    });
    let template = r#"{% set m = pex_regex_search("([\\w.-]+\\.vmr@example\\.com)", calendar_event.body) %}{% if m %}{{ m[0] }}{% endif %}"#;
    let ordered = types.into_iter().zip(1_u16..).map(|(rule_type, priority)| RuleSpec {
        include_password: true,
        company_id: Some("7d6c1f00-aaaa-4bbb-8ccc-0123456789ab".into()),
        domain: Some(
            if rule_type == RuleType::GoogleMeetSipGuestJoin { "google.pexip.me" } else { "vc.example.com" }.into(),
        ),
        match_pattern: (rule_type == RuleType::Regex).then(|| r"\d{4,9}@v\.example\.com".into()),
        template: (rule_type == RuleType::Custom).then(|| template.into()),
        ..corpus::rule(&format!("{rule_type:?}"), priority, rule_type)
    });
    ordered.collect()
}

/// The body as the calendar has it.
fn source(event: &Event) -> &str {
    match &event.body {
        Body::None => "",
        Body::Text(text) | Body::Html(text) => text.expose(),
    }
}

/// How long this thread was on the processor until now.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

/// The median time of `pass`, run for [`SPAN`].
fn median_pass(mut pass: impl FnMut()) -> Duration {
    let begun = processor_time();
    let mut passes = vec![];
    while passes.is_empty() || processor_time() - begun < SPAN {
        let before = processor_time();
        pass();
        passes.push(processor_time() - before);
    }
    passes.sort();
    passes[passes.len() / 2]
}

/// The median time of the Python reference for all of `invitations`. `None`, and a line that says why, where there is no Python that
/// can run it. That it finds the same is part of the measurement.
fn reference(chain: &Chain, invitations: &[Invitation]) -> Option<Duration> {
    let Some(python) = python() else {
        println!("  python: not measured: no interpreter with jinja2 (run ci/test once, or set OTJ_TEST_PYTHON)");
        return None;
    };
    let rules: Vec<_> = rules()
        .iter()
        .map(|rule| {
            json!({
                "type": format!("{:?}", rule.rule_type), "domain": rule.domain, "company_id": rule.company_id,
                "match": rule.match_pattern, "template": rule.template,
            })
        })
        .collect();
    let invitations: Vec<_> = invitations
        .iter()
        .map(|Invitation { name, event }| {
            let kind = if matches!(event.body, Body::Html(_)) { "html" } else { "text" };
            let alias = chain.process(event, "Europe/Oslo").verdict.alias;
            json!({
                "name": name, kind: source(event), "location": event.location.expose(), "properties": event.properties,
                "organizer_email": event.organizer.email.expose(), "alias": alias.as_ref().map(|alias| alias.as_str()),
            })
        })
        .collect();
    let job = json!({ "seconds": SPAN.as_secs(), "rules": rules, "invitations": invitations });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/benches/rules_reference.py");
    let mut child = Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // The script may fail before it reads; it says why on standard error.
    let _ = child.stdin.take().unwrap().write_all(&serde_json::to_vec(&job).unwrap());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the reference ended with {}", output.status);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let agreed = usize::try_from(answer["agreed"].as_u64().unwrap()).unwrap();
    let share = 100.0 * count_f64(agreed) / count_f64(invitations.len());
    let others = answer["others"].as_array().unwrap().iter().filter_map(|name| name.as_str()).collect::<Vec<_>>();
    println!("  python: finds the same alias in {share:.1} % (at least 90, or the two do not do the same job)");
    println!("          another one in {}", others.join(", "));
    if share < 90.0 {
        println!("          TOO FEW: the two do not do the same job, and the ratio says little");
    }
    Some(Duration::from_secs_f64(answer["pass_seconds"].as_f64().unwrap()))
}

/// The first interpreter that has jinja2.
fn python() -> Option<PathBuf> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/py/bin/python");
    let candidates = std::env::var_os("OTJ_TEST_PYTHON").map(PathBuf::from).into_iter().chain([ours, "python3".into()]);
    candidates.into_iter().find(|python| {
        let asked = Command::new(python).args(["-c", "import jinja2"]).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    })
}

/// The invitation that takes longest: the shortest of its times counts, since the first ones fill caches.
fn longest(name: &str, chain: &Chain, invitations: &[Invitation]) {
    let timed = invitations.iter().map(|each| {
        let times = (0..7).map(|_| {
            let before = processor_time();
            std::hint::black_box(chain.process(&each.event, "Europe/Oslo"));
            processor_time() - before
        });
        (times.min().unwrap_or_default(), &each.name)
    });
    let (took, case) = timed.max().unwrap();
    println!("longest {name} one: {took:.2?} (goal: 50 ms), {case}");
}

/// What an event costs that is as it was: its digest when it is read, and the look at it when the room is evaluated again.
fn unchanged(chain: &Chain, invitations: &[Invitation]) {
    let count = u32::try_from(invitations.len()).unwrap();
    let digests = median_pass(|| invitations.iter().for_each(|each| _ = std::hint::black_box(each.event.digest())));
    let room = RoomEmail::parse("fjord@example.com").unwrap();
    let key = RoomKey { integration: IntegrationName::parse("bench").unwrap(), email: room.clone() };
    let window = Window { from: "2000-01-01T00:00:00Z".parse().unwrap(), to: "2100-01-01T00:00:00Z".parse().unwrap() };
    let events = invitations.iter().map(|each| each.event.clone()).collect();
    let complete =
        Complete { proof: Proof::Simulated, window, events, unreadable: vec![], time_zone: None, left_out: vec![] };
    let (agenda, events) = Agenda::from_complete(key, complete, &[]);
    let first = evaluate(chain, &room, &agenda, &events, "Europe/Oslo", None);
    let again = median_pass(|| drop(evaluate(chain, &room, &agenda, &events, "Europe/Oslo", Some(&first))));
    println!("an unchanged event: digest {:.2?}, evaluation {:.2?}", digests / count, again / count);
}

#[expect(clippy::cast_precision_loss, reason = "counts of a corpus")]
fn count_f64(count: usize) -> f64 {
    count as f64
}

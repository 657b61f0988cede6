//! `cargo bench --bench rules`: invitations a second through a chain of all types that this version acts on, on one thread, over
//! the corpus, and the case that took longest. The hostile family is measured by itself: its bodies are megabytes long.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

#[allow(dead_code)]
#[path = "../it/rules/corpus.rs"]
mod corpus;

use std::time::Duration;

use otj::model::desired::RuleType;
use otj::model::{Clock, Event, RuleSpec};
use otj::rules::Chain;

/// How long each family is run.
const SPAN: Duration = Duration::from_secs(2);

fn main() {
    let chain = Chain::compile(&corpus::evaluation(rules()));
    let (mut ordinary, mut hostile) = (vec![], vec![]);
    for (family, cases) in corpus::all() {
        for case in cases {
            let event = (format!("{family}/{}", case.name), case.event());
            if family == "hostile" { hostile.push(event) } else { ordinary.push(event) }
        }
    }
    report("ordinary", &chain, &ordinary);
    report("hostile", &chain, &hostile);
    compiling();
}

/// One rule of each type, as a large site has them.
fn rules() -> Vec<RuleSpec> {
    let template = r#"{% set m = pex_regex_search("([\\w.-]+\\.vmr@example\\.com)", calendar_event.body) %}{% if m %}{{ m[0] }}{% endif %}"#;
    vec![
        RuleSpec { include_password: true, ..corpus::rule("zoom", 1, RuleType::Zoom) },
        corpus::rule("webex", 2, RuleType::Webex),
        corpus::rule("teams", 3, RuleType::TeamsBodyPexipService),
        RuleSpec { template: Some(template.into()), ..corpus::rule("custom", 80, RuleType::Custom) },
        RuleSpec {
            match_pattern: Some(r"\d{4,9}@v\.example\.com".into()),
            ..corpus::rule("regex", 90, RuleType::Regex)
        },
        RuleSpec { domain: Some("vc.example.com".into()), ..corpus::rule("domain", 100, RuleType::Domain) },
    ]
}

fn report(name: &str, chain: &Chain, events: &[(String, Event)]) {
    let clock = Clock::system();
    let begun = clock.now().mono;
    let mut worst = (Duration::ZERO, "");
    let (mut count, mut found) = (0u32, 0u32);
    while begun.until(clock.now().mono) < SPAN {
        for (case, event) in events {
            let before = clock.now().mono;
            let outcome = chain.process(event, "Europe/Oslo");
            let took = before.until(clock.now().mono);
            count += 1;
            found += u32::from(outcome.verdict.alias.is_some());
            if took > worst.0 {
                worst = (took, case);
            }
        }
    }
    let seconds = begun.until(clock.now().mono).as_secs_f64();
    println!(
        "{name:>9}: {:>8.0} invitations/s ({} cases, {:.0} % with alias), longest {:.2?} ({})",
        f64::from(count) / seconds,
        events.len(),
        100.0 * f64::from(found) / f64::from(count),
        worst.0,
        worst.1,
    );
}

fn compiling() {
    let spec = corpus::evaluation(rules());
    let clock = Clock::system();
    let begun = clock.now().mono;
    let mut count = 0u32;
    while begun.until(clock.now().mono) < SPAN / 4 {
        let _ = Chain::compile(&spec);
        count += 1;
    }
    println!("{:>9}: {:.2?} for a chain of six rules", "compiling", begun.until(clock.now().mono) / count);
}

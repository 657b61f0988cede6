//! `cargo bench --bench fuzz_rules -- TARGET SECONDS SEED`: throws mutated invitations at the rules. Without a target, each in turn;
//! without seconds, 60 each; without a seed, one from the clock. The seed is printed, and makes the same run again.
//!
//! | target | what is mutated | what it is given to |
//! |---|---|---|
//! | `text` | bodies, plain and HTML | `invitation::text` |
//! | `links` | links of all rewriters, nested and broken | the same |
//! | `PexipInfinity` … `Custom` | invitations, their locations and properties | a chain of a rule of that type |
//! | `chain` | the same | a chain of all twenty types, allowed domains listed or not |
//! | `template` | the corpus's templates, and others from a grammar | `Custom` rules, transforms, titles |
//! | `pattern` | patterns and replacements | `Regex` rules, `pex_regex_search`, `pex_regex_replace` |
//!
//! Ends with an error at a panic, at what takes longer than 50 ms (2 s without optimization) on the processor six times over, rules
//! compiled before, at an alias that is none, at a link that leads to no web page, or when the same event gives two results. What
//! did it is kept in `target/fuzz/`, and so is the slowest event; put it into `tests/invitations` once it is mended.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

#[allow(dead_code)]
#[path = "../it/rules/corpus.rs"]
mod corpus;
mod grammar;
mod invitations;
#[allow(dead_code)]
mod mutate;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use invitations::{Invitations, Job};
use otj::invitation::{self, Outcome as Link, Wrapped};
use otj::model::desired::RuleType;
use otj::model::{Alias, Body, Clock};
use otj::rules::{Chain, Outcome, Why, replacement};

/// Longest time one event may take on the processor.
const SLOW: Duration = if cfg!(debug_assertions) { Duration::from_secs(2) } else { Duration::from_millis(50) };

/// Faults after which a target is given up: the rest would be the same one.
const FAULTS_MAX: u32 = 10;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let numbers: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let clock = Clock::system();
    let seconds = numbers.first().copied().unwrap_or(60);
    let seed = numbers.get(1).copied().unwrap_or_else(|| u64::try_from(clock.now().wall.as_second()).unwrap_or(0));
    let types = RuleType::ALL.iter().map(|rule_type| format!("{rule_type:?}"));
    let all: Vec<String> =
        ["text", "links", "chain", "template", "pattern"].into_iter().map(str::to_owned).chain(types).collect();
    let asked: Vec<&String> = words.iter().filter(|word| word.parse::<u64>().is_err()).collect();
    if let Some(unknown) = asked.iter().find(|word| !all.contains(word)) {
        println!("no such target: {unknown}; there are {}", all.join(", "));
        return ExitCode::FAILURE;
    }
    println!("{seconds} s each with seed {seed}");
    let mut faults = 0;
    for target in all.iter().filter(|target| asked.is_empty() || asked.contains(target)) {
        faults += run(target, Duration::from_secs(seconds), seed);
    }
    if faults > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Runs one target and gives the number of its faults.
fn run(target: &str, span: Duration, seed: u64) -> u32 {
    let clock = Clock::system();
    let mut invitations = Invitations::new(target, seed);
    let begun = clock.now().mono;
    let (mut events, mut aliases, mut faults) = (0_u64, 0_u64, 0);
    let mut slowest = (Duration::ZERO, None);
    while begun.until(clock.now().mono) < span && faults < FAULTS_MAX {
        let job = invitations.next_job();
        let mut took = Duration::MAX;
        let mut fault = None;
        // What is slow each time is not the machine's fault.
        for _ in 0..3 {
            fault = match catch_unwind(AssertUnwindSafe(|| judge(&job))) {
                Ok(Ok((found, time))) => {
                    aliases += u64::from(found);
                    took = took.min(time);
                    None
                }
                Ok(Err(fault)) => Some(fault),
                Err(_) => Some("a panic".to_owned()),
            };
            if fault.is_some() || took <= SLOW.min(slowest.0) {
                break;
            }
        }
        events += 1;
        let slow = (fault.is_none() && took > SLOW).then(|| format!("{took:.1?}"));
        if let Some(fault) = fault.or(slow) {
            faults += 1;
            println!("{}: {fault}", keep(&job, target, seed, &faults.to_string()));
        } else if took > slowest.0 {
            slowest = (took, Some(job));
        }
    }
    let (time, job) = slowest;
    let place = job.map(|job| keep(&job, target, seed, "slowest")).unwrap_or_default();
    println!("{target:>24}: {events} events, {aliases} aliases, slowest {time:.1?} ({place}), {faults} faults");
    faults
}

/// Does the job twice. Whether it gave an alias, and the shorter time; or what is wrong with it.
fn judge(job: &Job) -> Result<(bool, Duration), String> {
    let (first, once) = attempt(job)?;
    let (second, again) = attempt(job)?;
    // Some functions of templates give another value each time, by intent.
    let random = ["pex_uuid4", "pex_random_pin", "pex_now"];
    let by_chance = job.rules.iter().any(|rule| {
        let texts = [&rule.template, &rule.transform];
        texts.into_iter().flatten().any(|text| random.iter().any(|name| text.contains(name)))
    });
    if first != second && !by_chance {
        return Err("two results of the same event".into());
    }
    Ok((first.1.is_some_and(|outcome| outcome.verdict.alias.is_some()), once.min(again)))
}

/// The text, or what the rules made of it; and how long that took.
fn attempt(job: &Job) -> Result<((String, Option<Outcome>), Duration), String> {
    if job.rules.is_empty() {
        let before = processor_time();
        let text = invitation::text(&job.event.body);
        let took = processor_time() - before;
        links(&text.wrapped)?;
        let source = match &job.event.body {
            Body::None => 0,
            Body::Text(text) | Body::Html(text) => text.expose().len(),
        };
        if text.text.len() > 4 * source + 64 || text.text.contains('\r') {
            return Err("a text of another size or kind".into());
        }
        return Ok(((format!("{}\n{}", text.text, text.unwrapped()), None), took));
    }
    let mut spec = corpus::evaluation(job.rules.clone());
    spec.alias_domains.clone_from(&job.domains);
    spec.replace_subject_template.clone_from(&job.title);
    let chain = Chain::compile(&spec);
    let before = processor_time();
    let outcome = chain.process(&job.event, "Europe/Oslo");
    let title = replacement(&chain, &job.event, "Europe/Oslo");
    let took = processor_time() - before;
    if let Some(title) = title
        && title.expose().contains(['\n', '\r'])
    {
        return Err("a title of two lines".into());
    }
    links(&outcome.trace.links)?;
    if outcome.trace.tried().any(|tried| *tried.why == Why::Fault) {
        return Err("a fault in the trace".into());
    }
    if let Some(alias) = &outcome.verdict.alias {
        let text = alias.as_str();
        let again = Alias::parse(text).map_err(|fault| format!("an alias that is none: {fault}"))?;
        let forbidden = |c: char| !c.is_ascii_graphic() || "<>\"&\\".contains(c);
        if again.as_str() != text || text.contains(forbidden) || text.matches('@').count() > 1 {
            return Err("an alias that no endpoint may get".into());
        }
        if let (Some(domains), Some(host)) = (&job.domains, alias.domain()) {
            let within = |domain: &String| host == *domain || host.ends_with(&format!(".{domain}"));
            if !domains.iter().any(within) {
                return Err("an alias outside the allowed domains".into());
            }
        }
    }
    Ok(((String::new(), Some(outcome)), took))
}

/// How long this thread was on the processor until now.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

/// Links that were put back lead to web pages and stand on one line.
fn links(wrapped: &[Wrapped]) -> Result<(), String> {
    for link in wrapped {
        let Link::Real(real) = &link.outcome else { continue };
        let lower = real.expose().to_ascii_lowercase();
        let web = ["http://", "https://"]
            .iter()
            .any(|scheme| lower.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
        if !web || lower.contains(|c: char| c.is_control() || c == ' ') {
            return Err("a link that leads to no web page".into());
        }
    }
    Ok(())
}

/// Keeps what is wrong, and says where.
fn keep(job: &Job, target: &str, seed: u64, which: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{target}-{seed}-{which}.json"));
    let rules: Vec<_> = job
        .rules
        .iter()
        .map(|rule| {
            serde_json::json!({
                "type": format!("{:?}", rule.rule_type), "match": rule.match_pattern, "replace": rule.replace,
                "template": rule.template, "transform": rule.transform, "domain": rule.domain,
            })
        })
        .collect();
    let kept = serde_json::json!({ "event": job.event, "rules": rules, "domains": job.domains, "title": job.title });
    std::fs::write(&path, kept.to_string()).unwrap();
    path.display().to_string()
}

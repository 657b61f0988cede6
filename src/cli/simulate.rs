//! `otj simulate`: how fresh will my site be under my quota? A site of invented rooms lives through invented days in virtual
//! time; the real loop and the real clients read it under a quota, and what became of each change is told.

mod day;
mod exchange;
mod network;
mod office;
mod provider;
mod report;
mod site;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};

use crate::model::Clock;
use crate::sim::freshness::{Figures, by_asking_evenly, recovery_s};
use crate::sim::weather::{Aims, Fault, Spell, Tongue, Weather};
use crate::sim::workload::{Habits, Script, address};
use exchange::{Organisation, SignIn};
use provider::Counted;
use report::{BadDay, Result};

/// Two pollers ask no room more often than this.
const TWO_POLLERS_FLOOR: Duration = Duration::from_secs(30);
/// One owner asks no room more often than this.
const UNIFORM_FLOOR: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_secs(86_400);
/// The first day: a Monday.
const BEGINS: &str = "2027-03-01T00:00:00Z";

/// How fresh will my site be under my quota? Plays days of an invented office in virtual time, with the program's own scheduler
/// and clients against simulated calendars, and says how soon changes are known. Beside it, unless another form or policy is
/// asked for, stands what asking every room evenly would give on the same days.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  otj simulate --rooms 4000\n  otj simulate --rooms 170,1000,4000 --requests-per-day 500000\n  otj simulate --rooms 4000 --faults --format json"
)]
pub(super) struct Simulate {
    /// How many rooms; several numbers give a table.
    #[arg(long, value_delimiter = ',', required = true, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rooms: Vec<u32>,
    /// Whose calendars.
    #[arg(long, value_enum, default_value_t = Integration::Google)]
    integration: Integration,
    /// Most requests in 24 hours, together.
    #[arg(long, default_value_t = 900_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    requests_per_day: u64,
    /// How many days.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=31))]
    days: u32,
    /// Stop after so many hours.
    #[arg(long, hide = true)]
    hours: Option<u32>,
    /// Begin the first day at this hour.
    #[arg(long, hide = true, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=8))]
    from_hour: u8,
    /// The same seed gives the same days.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Who reads: otj; one owner that asks every room evenly; two pollers that both do.
    #[arg(long, value_enum, default_value_t = Policy::Otj)]
    policy: Policy,
    /// How Exchange is signed in to.
    #[arg(long, value_enum, default_value_t = SignIn::Basic)]
    sign_in: SignIn,
    /// Exchange servers that the rooms are on. With one its address is in the documents; with several Autodiscover is asked.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    servers: u32,
    /// With change notifications, as otj run has them of Exchange; Google and Graph are read without any by this version.
    #[arg(long)]
    push: bool,
    /// Share of notifications that never come, with --push.
    #[arg(long, default_value_t = 0.01)]
    lost: f64,
    /// With a bad day: a token endpoint that is down, server errors, a storm of requests refused as too many, a room that hangs, a
    /// service out of reach; with Exchange also a server out of reach, and an account that has another password for a while.
    #[arg(long)]
    faults: bool,
    /// Write requests and answers of the calendar service down, a JSON object a line.
    #[arg(long, hide = true)]
    log: Option<PathBuf>,
    /// The form of the result.
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Meetings of each room on a day that has come.
    #[arg(long, default_value_t = Habits::default().meetings_per_day)]
    meetings_per_day: f64,
    /// Changes of each room and day.
    #[arg(long, default_value_t = Habits::default().changes_per_day)]
    changes_per_day: f64,
    /// How many of them concern a meeting that starts within the hour.
    #[arg(long, default_value_t = Habits::default().near_per_day)]
    near_per_day: f64,
    /// Share of edits that change no time, so that only a full read shows them.
    #[arg(long, default_value_t = Habits::default().content_only)]
    content_only: f64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Integration {
    Google,
    Graph,
    Exchange,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Policy {
    Otj,
    Uniform,
    TwoPollers,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Form {
    Text,
    Json,
}

/// Simulates and prints. Exits 0, or 2 when it cannot.
pub(super) fn run(verb: &Simulate) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        !verb.push || verb.integration == Integration::Exchange,
        "neither Google nor Graph is read with change notifications by this version; leave --push out, or give --integration exchange"
    );
    let mut results = Vec::new();
    for rooms in &verb.rooms {
        let script = Arc::new(script(verb, *rooms)?);
        let result = one(verb, *rooms, verb.policy, &script)?;
        let beside = match (verb.policy, verb.format) {
            (Policy::Otj, Form::Text) => {
                vec![one(verb, *rooms, Policy::Uniform, &script)?, one(verb, *rooms, Policy::TwoPollers, &script)?]
            }
            _ => Vec::new(),
        };
        results.push((result, beside));
    }
    super::print(&match verb.format {
        Form::Text => report::text(&results),
        Form::Json => report::json(&results)?,
    });
    Ok(ExitCode::SUCCESS)
}

fn script(verb: &Simulate, rooms: u32) -> anyhow::Result<Script> {
    let habits = Habits {
        meetings_per_day: verb.meetings_per_day,
        changes_per_day: verb.changes_per_day,
        near_per_day: verb.near_per_day,
        content_only: verb.content_only,
        opens_h: Habits::default().opens_h - verb.from_hour,
        ..Habits::default()
    };
    let begins = BEGINS.parse::<Timestamp>()? + SignedDuration::from_hours(verb.from_hour.into());
    let mut script = Script::write(&habits, begins, rooms, verb.days, verb.seed);
    let span_s = i64::try_from(span(verb).as_secs())?;
    script.changes.retain(|change| (0..span_s).contains(&change.at_s));
    Ok(script)
}

fn span(verb: &Simulate) -> Duration {
    verb.hours.map_or(DAY * verb.days, |hours| Duration::from_secs(3600) * hours)
}

/// One size under one policy.
fn one(verb: &Simulate, rooms: u32, policy: Policy, script: &Arc<Script>) -> anyhow::Result<Result> {
    let clock = Clock::system();
    let begun = clock.now().mono;
    let span = span(verb);
    let asked = u64::from(rooms) * DAY.as_secs();
    let every = |rooms_seconds: u64, floor: Duration| {
        Duration::from_secs_f64(ratio(rooms_seconds, verb.requests_per_day)).max(floor)
    };
    let mut bad_day = None;
    let (counted, known) = match policy {
        Policy::Otj => {
            let weather = weather(verb);
            let spells = weather.as_ref().map(|weather| weather.spells().to_vec());
            let setup = day::Setup {
                script: script.clone(),
                span,
                integration: verb.integration,
                organisation: organisation(verb),
                push: verb.push,
                requests_per_day: verb.requests_per_day,
                seed: verb.seed,
                weather,
                log: verb.log.as_ref().map(File::create).transpose()?,
            };
            let played = day::play(setup, &|hour| progress(rooms, hour))?;
            let recovery = |spell: Spell| (spell, recovery_s(&played.known, spell.from_s, spell.to_s));
            bad_day = spells
                .map(|spells| BadDay { wipes: played.wipes, recovered: spells.into_iter().map(recovery).collect() });
            (played.counted, played.known)
        }
        Policy::Uniform => {
            let every = every(asked, UNIFORM_FLOOR);
            (
                Counted { requests: asking(rooms, span, every), ..Counted::default() },
                by_asking_evenly(&script.changes, rooms, every),
            )
        }
        Policy::TwoPollers => {
            let every = every(2 * asked, TWO_POLLERS_FLOOR);
            (
                Counted { requests: 2 * asking(rooms, span, every), ..Counted::default() },
                by_asking_evenly(&script.changes, rooms, every),
            )
        }
    };
    Ok(Result {
        rooms,
        policy,
        integration: verb.integration,
        requests_per_day: verb.requests_per_day,
        seed: verb.seed,
        days: verb.days,
        counted,
        figures: Figures::of(&known),
        bad_day,
        wall_seconds: begun.until(clock.now().mono).as_secs_f64(),
        peak_rss_bytes: peak_rss_bytes(),
    })
}

fn organisation(verb: &Simulate) -> Organisation {
    Organisation { sign_in: verb.sign_in, servers: verb.servers, lost: verb.lost }
}

/// The bad day, where one is wanted. Requests name a room by its address; this much of it is the same however they write the rest.
fn weather(verb: &Simulate) -> Option<Weather> {
    let first = address(0);
    let (room, _) = first.split_once('@').filter(|_| verb.faults)?;
    let organisation = organisation(verb);
    let aims = Aims { room: room.into(), server: exchange::last_host(organisation) };
    let tongue = match verb.integration {
        Integration::Google => Tongue::Google,
        Integration::Graph => Tongue::Graph,
        Integration::Exchange => Tongue::Exchange,
    };
    let weather = Weather::stormy(aims, tongue, verb.seed);
    Some(match (verb.integration, organisation.sign_in) {
        (Integration::Exchange, SignIn::Basic) => weather.without(Fault::TokensDown),
        (Integration::Exchange, SignIn::AppOnly) => weather.without(Fault::WrongPassword),
        _ => weather,
    })
}

/// Requests of somebody who asks each room so often.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive count of requests")]
fn asking(rooms: u32, span: Duration, every: Duration) -> u64 {
    (f64::from(rooms) * span.as_secs_f64() / every.as_secs_f64()).round() as u64
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn ratio(of: u64, to: u64) -> f64 {
    of as f64 / to as f64
}

/// One line on a terminal that shows where it is.
#[expect(clippy::print_stderr, reason = "cli is the place that prints")]
fn progress(rooms: u32, hour: u64) {
    if std::io::stderr().is_terminal() {
        eprint!("\r{rooms} rooms, day {}, {:02}:00 ", hour / 24 + 1, hour % 24);
    }
}

/// `VmHWM` of this process: the most memory it ever held.
fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

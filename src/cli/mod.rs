//! The command line: one verb, one file. The only place that prints, exits and wires the whole.

mod alarm_webhook;
mod approve;
mod auth;
mod certificates;
mod completions;
mod demo;
mod directory;
mod event_file;
mod explain;
mod export;
mod import;
mod init;
mod lint;
mod logs;
mod man;
mod match_invitation;
mod node;
mod opening;
mod plan;
mod push;
mod refresh;
mod reload;
mod resume;
mod run;
mod sandbox;
mod schema;
mod serve;
mod sim;
mod simulate;
mod status;
mod suspend;
mod test;
mod trace;
mod trace_text;
mod trust;
mod verdict;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};

/// A Join button in every meeting room, from a git repository.
#[derive(Parser, Debug)]
#[command(name = "otj", version, about, propagate_version = true)]
struct Arguments {
    /// How much is logged, to stderr: error, warn, info, debug, trace, or a filter like `otj=debug` [default: info].
    #[arg(long, global = true, env = "OTJ_LOG_LEVEL")]
    log_level: Option<String>,
    /// The form of the log lines.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, env = "OTJ_LOG_FORMAT")]
    log_format: LogFormat,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand, Debug)]
enum Verb {
    Init(init::Init),
    Lint(lint::Lint),
    Schema(schema::Schema),
    Test(test::Test),
    Match(match_invitation::Match),
    Plan(plan::Plan),
    Import(import::Import),
    Export(export::Export),
    Status(status::Status),
    Approve(approve::Approve),
    Explain(explain::Explain),
    Auth(auth::Auth),
    Suspend(suspend::Suspend),
    Resume(resume::Resume),
    Refresh(refresh::Refresh),
    Push(push::Push),
    Trust(trust::Trust),
    Reload(reload::Reload),
    Trace(trace::Trace),
    Run(Box<run::Run>),
    Demo(demo::Demo),
    Sim(sim::Sim),
    Simulate(simulate::Simulate),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Runs the verb of the command line. 2 is the exit code of "could not run"; what 0 and 1 mean is each verb's to say.
#[must_use]
pub fn main() -> ExitCode {
    // Not a verb of the definition, so that neither help nor completions offer it.
    let is_child = std::env::args_os().nth(1).is_some_and(|verb| verb == crate::sandbox::VERB);
    let outcome = if is_child { sandbox::run() } else { outcome(&Arguments::parse()) };
    outcome.unwrap_or_else(|error| {
        complain(&format!("error: {error:#}"));
        ExitCode::from(2)
    })
}

fn outcome(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let level = arguments.log_level.as_deref();
    match arguments.verb {
        Verb::Demo(_) => {}
        // An invented world's troubles are told in the result.
        Verb::Simulate(_) => logs::start(level.or(Some("error")), arguments.log_format, None)?,
        _ => logs::start(level, arguments.log_format, None)?,
    }
    match &arguments.verb {
        Verb::Init(verb) => init::run(verb),
        Verb::Lint(verb) => lint::run(verb),
        Verb::Schema(verb) => schema::run(verb),
        Verb::Test(verb) => test::run(verb),
        Verb::Match(verb) => match_invitation::run(verb),
        Verb::Plan(verb) => plan::run(verb),
        Verb::Import(verb) => import::run(verb),
        Verb::Export(verb) => export::run(verb),
        Verb::Status(verb) => status::run(verb),
        Verb::Approve(verb) => approve::run(verb),
        Verb::Explain(verb) => explain::run(verb),
        Verb::Auth(verb) => auth::run(verb),
        Verb::Suspend(verb) => suspend::run(verb),
        Verb::Resume(verb) => resume::run(verb),
        Verb::Refresh(verb) => refresh::run(verb),
        Verb::Push(verb) => push::run(verb),
        Verb::Trust(verb) => trust::run(verb),
        Verb::Reload(verb) => reload::run(verb),
        Verb::Trace(verb) => trace::run(verb),
        Verb::Run(verb) => run::run(verb),
        Verb::Demo(verb) => demo::run(verb, level, arguments.log_format),
        Verb::Simulate(verb) => simulate::run(verb),
        Verb::Sim(verb) => sim::run(verb),
        Verb::Completions(verb) => Ok(completions::run(verb, Arguments::command())),
        Verb::Man(verb) => man::run(verb, Arguments::command()),
    }
}

/// One line to stderr.
#[expect(clippy::print_stderr, reason = "cli is the place that prints")]
fn complain(line: &str) {
    eprintln!("{line}");
}

/// Text to stdout; a closed pipe is no error of ours.
fn print(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

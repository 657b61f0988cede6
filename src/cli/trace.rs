//! `otj trace`: has a running node write down what one endpoint says, and how it is answered.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::approve::Done;
use super::import::write_private;
use super::node::{Node, NodeArguments};
use crate::model::trace::Traced;

/// Records one endpoint's exchanges with a running node.
#[derive(clap::Args, Debug)]
pub(super) struct Trace {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Subcommand, Debug)]
enum Kind {
    Poly(TracePoly),
}

/// Records what a Poly endpoint asks and how it is answered, without passwords, titles, people and addresses.
///
/// Send the file with a report when a device does not show what it should; `otj sim poly --replay FILE` asks the same again. Ends after
/// the given time, or at Ctrl-C.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  otj trace poly oslo-vik --for 10m -o oslo-vik.json")]
struct TracePoly {
    /// The endpoint's name.
    endpoint: String,
    /// How long.
    #[arg(long = "for", value_name = "DURATION", default_value = "10m", value_parser = span)]
    span: Duration,
    /// The file, written with mode 0600.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    node: NodeArguments,
}

/// What stands in the file.
#[derive(Serialize, Deserialize)]
pub(super) struct Recorded {
    /// Whose.
    pub(super) endpoint: String,
    /// In their order.
    pub(super) exchanges: Vec<Traced>,
}

fn span(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|_| "a duration is written like 10m or 1h30m".to_owned())?;
    Duration::try_from(span).map_err(|_| "a duration is not negative".to_owned())
}

pub(super) fn run(verb: &Trace) -> anyhow::Result<ExitCode> {
    let Kind::Poly(verb) = &verb.kind;
    let node = Node::new(&verb.node)?;
    let wish = serde_json::json!({ "endpoint": verb.endpoint, "seconds": verb.span.as_secs() });
    let done: Done = node.post("/api/v1/trace", &wish)?;
    super::complain(&done.message);
    node.wait(verb.span)?;
    let recorded: Recorded = node.get(&format!("/api/v1/trace/{}", verb.endpoint))?;
    let text = serde_json::to_vec_pretty(&recorded)?;
    write_private(&verb.output, &text).with_context(|| format!("{} cannot be written", verb.output.display()))?;
    super::print(&format!("{} exchanges\n", recorded.exchanges.len()));
    Ok(ExitCode::SUCCESS)
}
